/* SPDX-License-Identifier: MIT */
/*
 * Statistics. Those of the queue come from the counters of its endpoints, so they cost
 * the same with ten jobs and with ten million; those of dead letters, and of the jobs
 * that a filter finds, are counted.
 */
#include "store/sqlite.h"

#include <stdlib.h>
#include <string.h>

enum {
	ENDPOINT_ROWS,
	HEAD_OF_PRIORITY,
	OVERDUE,
	COUNT_JOBS,
	COUNT_LETTERS,
	DEAD_GROUPS,
};

const struct sql sqlite_stats_sql[] = {
	[ENDPOINT_ROWS] = {"endpoint-rows",
		"SELECT id, waiting, delayed, active, paused, completed, cancelled, dead,"
		" blocked, not_before, held_at IS NOT NULL, breaker_failures,"
		" breaker_trips, breaker_until, coalesce(breaker_opened_at, 0),"
		" CASE WHEN waiting + delayed > 0 THEN coalesce(unconfigured_at, 0)"
		" ELSE 0 END, name"
		" FROM endpoint"
		" WHERE queue_id = ?1 ORDER BY name"},
	[HEAD_OF_PRIORITY] = {"head-of-priority",
		"SELECT priority, run_at FROM retry_queue WHERE endpoint_id = ?1"
		" AND state = 0 AND priority < ?2 ORDER BY priority DESC, id LIMIT 1"},
	[OVERDUE] = {"overdue",
		"SELECT endpoint_id, run_at FROM retry_queue"
		" WHERE state = 1 AND run_at <= ?1 ORDER BY run_at LIMIT ?2"},
	/* The next two: name, state as in enum job_state, how many, the oldest
	 * due at ?9. */
	[COUNT_JOBS] = {"count-jobs",
		"SELECT e.name, q.state, count(*),"
		" min(CASE WHEN q.state IN (0, 1) AND q.run_at <= ?9 THEN q.run_at END)"
		" FROM retry_queue q CROSS JOIN endpoint e ON e.id = q.endpoint_id"
		" WHERE" JOB_FILTER " AND (?10 >> q.state) & 1"
		" GROUP BY e.name, q.state ORDER BY e.name",
		.walks = true},
	[COUNT_LETTERS] = {"count-letters",
		"SELECT e.name, 6, count(*), NULL"
		" FROM dead_letter_queue d CROSS JOIN endpoint e ON e.id = d.endpoint_id"
		" WHERE" FILTER_CONDITIONS("d",
			"created_at") " AND d.status = 0 AND (?10 >> 6) & 1 AND ?9 NOT NULL"
				      " GROUP BY e.name ORDER BY e.name",
		.walks = true},
	[DEAD_GROUPS] = {"dead-groups",
		"SELECT coalesce(CASE ?9 WHEN 0 THEN d.category WHEN 1 THEN d.error_type"
		" WHEN 2 THEN d.event_type WHEN 3 THEN e.name"
		" WHEN 4 THEN strftime('%Y-%m-%d', d.died_at / 1000, 'unixepoch')"
		" WHEN 5 THEN d.death ELSE d.reason END, '') AS key,"
		" sum(d.status = 0), sum(d.status = 1), sum(d.status = 2),"
		" min(d.died_at), max(d.died_at)"
		" FROM dead_letter_queue d CROSS JOIN endpoint e ON e.id = d.endpoint_id"
		" WHERE" DEAD_FILTER " AND (?10 >> d.status) & 1"
		" GROUP BY key ORDER BY count(*) DESC, key LIMIT ?11",
		.walks = true},
	{0},
};

enum { GROUPS_MAX = 10000, OVERDUE_MAX = 1000 };

/* ---- the queue ------------------------------------------------------------------- */

struct endpoint_row {
	int64_t id;
	struct endpoint_stats stats;
	struct endpoint_row *next;
};

/* Rows are chained as they come: how many there are is not known before. */
struct reading {
	struct sqlite_store *store;
	struct queue_stats *stats;
	int64_t now;
	struct endpoint_row *first;
	struct endpoint_row **last;
};

static int
read_endpoint(struct reading *reading, struct query *query, struct err *err)
{
	struct arena *arena = &reading->stats->arena;
	struct endpoint_row *row = arena_alloc(arena, sizeof(*row));
	int64_t not_before;

	if (row == NULL)
		return err_no_memory(err);
	row->id = read_int(query);
	for (int state = 0; state < JOB_STATE_COUNT; state++)
		row->stats.counts[state] = read_int(query);
	not_before = read_int(query);
	row->stats.not_before = not_before > reading->now ? not_before : 0;
	row->stats.held = read_int(query);
	row->stats.breaker = read_breaker(query);
	row->stats.breaker_opened_at = read_int(query);
	row->stats.unconfigured_at = read_int(query);
	if (arena_copy(arena, read_span(query), &row->stats.endpoint, err) != 0)
		return -1;
	*reading->last = row;
	reading->last = &row->next;
	reading->stats->count++;
	return 0;
}

static int
read_endpoints(struct reading *reading, struct err *err)
{
	struct query query = query_start(
		reading->store, &sqlite_stats_sql[ENDPOINT_ROWS]);
	int row;

	bind_int(&query, reading->store->queue_id);
	while ((row = query_next(&query, err)) == 1)
		if (read_endpoint(reading, &query, err) != 0) {
			query_end(&query);
			return -1;
		}
	return row;
}

static int
reading_start(struct reading *reading, struct sqlite_store *store,
	struct queue_stats *stats, int64_t now, struct err *err)
{
	*reading = (struct reading){
		.store = store, .stats = stats, .now = now, .last = &reading->first};
	return holds_load(store, err) == 0 ? read_endpoints(reading, err) : -1;
}

static void
note_due(struct endpoint_stats *stats, int64_t run_at)
{
	if (stats->oldest_due_at == 0 || run_at < stats->oldest_due_at)
		stats->oldest_due_at = run_at;
}

/* Jobs are taken by priority, then age: the oldest is at the head of some priority. */
static int
note_oldest_waiting(
	struct sqlite_store *store, struct endpoint_row *endpoint, struct err *err)
{
	int64_t below = INT64_MAX;
	int row = endpoint->stats.counts[JOB_WAITING] > 0;

	while (row == 1) {
		struct query query = query_start(
			store, &sqlite_stats_sql[HEAD_OF_PRIORITY]);

		bind_int(&query, endpoint->id);
		bind_int(&query, below);
		row = query_next(&query, err);
		if (row != 1)
			break;
		below = read_int(&query);
		note_due(&endpoint->stats, read_int(&query));
		query_end(&query);
	}
	return row;
}

static struct endpoint_row *
row_of_endpoint(struct reading *reading, int64_t id)
{
	struct endpoint_row *row = reading->first;

	while (row != NULL && row->id != id)
		row = row->next;
	return row;
}

/* Delayed jobs that are due, and that no worker has promoted: there may be none
 * running. */
static int
note_overdue(struct reading *reading, struct err *err)
{
	struct query query = query_start(reading->store, &sqlite_stats_sql[OVERDUE]);
	int64_t last_id = 0;
	int row;

	bind_int(&query, reading->now);
	bind_int(&query, OVERDUE_MAX);
	while ((row = query_next(&query, err)) == 1) {
		int64_t id = read_int(&query);
		struct endpoint_row *endpoint = id == last_id
			? NULL
			: row_of_endpoint(reading, id);

		last_id = id;
		if (endpoint != NULL)
			note_due(&endpoint->stats, read_int(&query));
	}
	return row;
}

static void
add_to_total(struct endpoint_stats *total, const struct endpoint_stats *stats)
{
	for (int state = 0; state < JOB_STATE_COUNT; state++)
		total->counts[state] += stats->counts[state];
	if (stats->oldest_due_at != 0)
		note_due(total, stats->oldest_due_at);
}

static bool
has_jobs(const struct endpoint_stats *stats)
{
	int64_t sum = 0;

	for (int state = 0; state < JOB_STATE_COUNT; state++)
		sum += stats->counts[state];
	return sum > 0;
}

static bool
worth_showing(const struct endpoint_stats *stats)
{
	return has_jobs(stats) || stats->held || stats->not_before != 0 ||
		stats->breaker.failures > 0;
}

static bool
is_there(const struct endpoint_stats *stats)
{
	return span_present(stats->endpoint);
}

static int
copy_holds(const struct hold_set *holds, struct queue_stats *stats, struct err *err)
{
	size_t most = holds->count + 1;

	stats->total.held = holds->all;
	stats->held_types = arena_alloc(&stats->arena, most * sizeof(*stats->held_types));
	if (stats->held_types == NULL)
		return err_no_memory(err);
	for (; stats->held_type_count < holds->count; stats->held_type_count++)
		if (arena_copy(&stats->arena, holds->event_types[stats->held_type_count],
			    &stats->held_types[stats->held_type_count], err) != 0)
			return -1;
	return 0;
}

/* From the chain to an array, with the total. */
static int
finish_endpoints(struct reading *reading, bool (*worth)(const struct endpoint_stats *),
	struct err *err)
{
	struct queue_stats *stats = reading->stats;
	size_t most = stats->count + 1;

	stats->endpoints = arena_alloc(&stats->arena, most * sizeof(*stats->endpoints));
	if (stats->endpoints == NULL)
		return err_no_memory(err);
	if (copy_holds(&reading->store->holds, stats, err) != 0)
		return -1;
	stats->count = 0;
	for (struct endpoint_row *row = reading->first; row != NULL; row = row->next) {
		if (row->stats.held || stats->total.held)
			row->stats.oldest_due_at = 0; /* nobody is late */
		add_to_total(&stats->total, &row->stats);
		if (worth(&row->stats))
			stats->endpoints[stats->count++] = row->stats;
	}
	return arena_copy(&stats->arena, span_of(reading->store->queue),
		&stats->total.endpoint, err);
}

static int
read_stats(struct sqlite_store *store, int64_t now, struct queue_stats *stats,
	struct err *err)
{
	struct reading reading;

	if (reading_start(&reading, store, stats, now, err) != 0)
		return -1;
	for (struct endpoint_row *row = reading.first; row != NULL; row = row->next)
		if (note_oldest_waiting(store, row, err) != 0)
			return -1;
	if (note_overdue(&reading, err) != 0 ||
		finish_endpoints(&reading, worth_showing, err) != 0)
		return -1;
	return workers_count(store, now, &stats->workers, err);
}

int
sqlite_stats(struct store *base, int64_t now, struct queue_stats *stats, struct err *err)
{
	*stats = (struct queue_stats){0};
	arena_init(&stats->arena);
	if (read_stats(sqlite_of(base), now, stats, err) == 0)
		return 0;
	queue_stats_free(stats);
	return -1;
}

int
sqlite_endpoints(
	struct store *base, int64_t now, struct queue_stats *stats, struct err *err)
{
	struct reading reading;

	*stats = (struct queue_stats){0};
	arena_init(&stats->arena);
	if (reading_start(&reading, sqlite_of(base), stats, now, err) == 0 &&
		finish_endpoints(&reading, is_there, err) == 0)
		return 0;
	queue_stats_free(stats);
	return -1;
}

/* ---- the jobs that match --------------------------------------------------------- */

static struct endpoint_row *
find_from(struct endpoint_row *row, struct span name)
{
	while (row != NULL && !span_equal(row->stats.endpoint, name))
		row = row->next;
	return row;
}

/* Both the rows and the chain are in the order of names; an endpoint that has come since
 * the chain was read is not in it. */
static int
add_counted(struct reading *reading, struct query *query, struct err *err)
{
	struct endpoint_row *place = reading->first;
	int row;

	while ((row = query_next(query, err)) == 1) {
		struct endpoint_row *endpoint = find_from(place, read_span(query));
		int state = read_choice(query, JOB_STATE_COUNT);
		int64_t count = read_int(query);
		int64_t oldest_due_at = read_int(query);

		if (endpoint == NULL)
			continue;
		place = endpoint;
		endpoint->stats.counts[state] = count;
		if (oldest_due_at != 0)
			note_due(&endpoint->stats, oldest_due_at);
	}
	return row;
}

static int
count_with(struct reading *reading, const struct sql *sql,
	const struct job_filter *filter, struct err *err)
{
	struct query query = query_start(reading->store, sql);

	bind_filter(&query, filter);
	bind_int(&query, reading->now);
	bind_int(&query, filter->states == 0 ? ~0u : filter->states);
	return add_counted(reading, &query, err);
}

static int
count_matching(struct sqlite_store *store, const struct job_filter *filter, int64_t now,
	struct queue_stats *stats, struct err *err)
{
	struct reading reading;

	if (reading_start(&reading, store, stats, now, err) != 0)
		return -1;
	for (struct endpoint_row *row = reading.first; row != NULL; row = row->next)
		memset(row->stats.counts, 0, sizeof(row->stats.counts));
	if (filter_wants_queued(filter) &&
		count_with(&reading, &sqlite_stats_sql[COUNT_JOBS], filter, err) != 0)
		return -1;
	if (count_with(&reading, &sqlite_stats_sql[COUNT_LETTERS], filter, err) != 0 ||
		finish_endpoints(&reading, has_jobs, err) != 0)
		return -1;
	return workers_count(store, now, &stats->workers, err);
}

int
sqlite_count(struct store *base, const struct job_filter *filter, int64_t now,
	struct queue_stats *stats, struct err *err)
{
	*stats = (struct queue_stats){0};
	arena_init(&stats->arena);
	if (count_matching(sqlite_of(base), filter, now, stats, err) == 0)
		return 0;
	queue_stats_free(stats);
	return -1;
}

/* ---- dead letters ---------------------------------------------------------------- */

static int
read_groups(struct query *query, struct dead_stats *stats, struct err *err)
{
	int row;

	while ((row = query_next(query, err)) == 1) {
		struct dead_count *group = &stats->rows[stats->count++];

		if (arena_copy(&stats->arena, read_span(query), &group->key, err) != 0) {
			query_end(query);
			return -1;
		}
		for (int status = 0; status < DEAD_STATUS_COUNT; status++)
			group->counts[status] = read_int(query);
		group->oldest_at = read_int(query);
		group->newest_at = read_int(query);
	}
	return row;
}

int
sqlite_dead_stats(struct store *base, const struct job_filter *filter,
	enum dead_group group, struct dead_stats *stats, struct err *err)
{
	struct query query = query_start(sqlite_of(base), &sqlite_stats_sql[DEAD_GROUPS]);

	*stats = (struct dead_stats){0};
	arena_init(&stats->arena);
	stats->rows = arena_alloc(&stats->arena, GROUPS_MAX * sizeof(*stats->rows));
	if (stats->rows == NULL)
		return err_no_memory(err);
	bind_filter(&query, filter);
	bind_int(&query, group);
	bind_int(&query, filter->dead_statuses == 0 ? ~0u : filter->dead_statuses);
	bind_int(&query, GROUPS_MAX);
	if (read_groups(&query, stats, err) == 0)
		return 0;
	dead_stats_free(stats);
	return -1;
}
