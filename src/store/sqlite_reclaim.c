/* SPDX-License-Identifier: MIT */
/*
 * Jobs that workers hold: given back by one that stops, taken back from those that died.
 */
#include "store/sqlite.h"

#include <stdlib.h>

enum { NEXT_HOLDER, JOBS_OF_WORKER, TAKE_BACK };

const struct sql sqlite_reclaim_sql[] = {
	[NEXT_HOLDER] = {"next-holder",
		"SELECT worker FROM retry_queue WHERE state = 2 AND worker > ?1"
		" ORDER BY worker LIMIT 1"},
	[JOBS_OF_WORKER] = {"jobs-of-worker",
		"SELECT q.id, q.endpoint_id, q.crashes, r.event_id"
		" FROM retry_queue q CROSS JOIN request r ON r.job_id = q.id"
		" WHERE q.state = 2 AND q.worker = ?1 LIMIT ?2"},
	[TAKE_BACK] = {"take-back",
		"UPDATE retry_queue SET state = 0, crashes = ?3, updated_at = ?2"
		" WHERE id = ?1"},
	{0},
};

enum { CRASHES_MAX = 3, RECLAIM_MAX = 10000 };

/* A job that is taken from a worker; the event id is in the list's arena. */
struct held_job {
	int64_t id;
	int64_t endpoint_id;
	int crashes;
	struct span event_id;
};

static int
read_held(struct query *query, struct arena *arena, struct held_job *job, struct err *err)
{
	job->id = read_int(query);
	job->endpoint_id = read_int(query);
	job->crashes = (int)read_int(query);
	return arena_copy(arena, read_span(query), &job->event_id, err);
}

static int
jobs_of_worker(struct sqlite_store *store, int64_t worker, struct arena *arena,
	struct held_job *jobs, size_t limit, size_t *count, struct err *err)
{
	struct query query = query_start(store, &sqlite_reclaim_sql[JOBS_OF_WORKER]);
	int row;

	bind_int(&query, worker);
	bind_int(&query, (int64_t)limit);
	for (*count = 0; (row = query_next(&query, err)) == 1; (*count)++)
		if (read_held(&query, arena, &jobs[*count], err) != 0) {
			query_end(&query);
			return -1;
		}
	return row;
}

static int
make_waiting(struct sqlite_store *store, const struct held_job *job, int64_t now,
	struct err *err)
{
	struct query query = query_start(store, &sqlite_reclaim_sql[TAKE_BACK]);

	bind_int(&query, job->id);
	bind_int(&query, now);
	bind_int(&query, job->crashes);
	store->poke = true;
	if (query_run(&query, err) != 0)
		return -1;
	return endpoint_move(store, job->endpoint_id, JOB_ACTIVE, JOB_WAITING, err);
}

int
worker_give_back(struct sqlite_store *store, int64_t now, size_t limit, size_t *count,
	struct err *err)
{
	struct held_job *jobs = calloc(limit, sizeof(*jobs));
	struct arena arena;
	int result;

	if (jobs == NULL)
		return err_no_memory(err);
	arena_init(&arena);
	result = jobs_of_worker(store, store->worker, &arena, jobs, limit, count, err);
	for (size_t i = 0; i < *count && result == 0; i++)
		result = make_waiting(store, &jobs[i], now, err);
	arena_free(&arena);
	free(jobs);
	return result;
}

/* ---- taking back ----------------------------------------------------------------- */

/* The next worker behind *worker that holds jobs and is dead; 0 if there is none. */
static int
next_dead_holder(
	struct sqlite_store *store, int64_t now, int64_t *worker, struct err *err)
{
	bool lives = true;

	while (lives) {
		struct query query = query_start(store, &sqlite_reclaim_sql[NEXT_HOLDER]);

		bind_int(&query, *worker);
		if (query_int(&query, 0, worker, err) != 0)
			return -1;
		if (*worker == 0)
			return 0;
		if (worker_with_id_lives(store, *worker, now, &lives, err) != 0)
			return -1;
	}
	return 0;
}

static int
bury_crashed(struct sqlite_store *store, const struct held_job *job, int64_t now,
	struct err *err)
{
	struct failure failure = {
		.type = ERROR_UNKNOWN,
		.category = CATEGORY_NON_RETRYABLE,
		.rule = SPAN_LITERAL("crash-loop"),
		.reason = SPAN_LITERAL("three workers died while they delivered it"),
	};
	struct burial burial = {
		.job_id = job->id,
		.endpoint_id = job->endpoint_id,
		.from = JOB_WAITING,
		.death = DEAD_CRASH_LOOP,
		.now = now,
		.failure = &failure,
	};

	return job_bury(store, &burial, err);
}

static int
take_back(struct sqlite_store *store, const struct held_job *job, int64_t now,
	struct stalled_list *list, struct err *err)
{
	struct stalled_job *stalled = &list->jobs[list->count];

	stalled->job_id = job->id;
	stalled->event_id = job->event_id;
	stalled->crashes = job->crashes;
	stalled->dead = job->crashes >= CRASHES_MAX;
	if (make_waiting(store, job, now, err) != 0)
		return -1;
	list->count++;
	if (!stalled->dead)
		return 0;
	/* The row has its third crash by now, and is counted as waiting. */
	return bury_crashed(store, job, now, err);
}

/* Without a record all that the worker had claimed are suspected. */
static int
take_back_all(struct sqlite_store *store, int64_t worker,
	const struct flight_record *flights, int64_t now, size_t limit,
	struct stalled_list *list, struct err *err)
{
	struct held_job *jobs = calloc(limit, sizeof(*jobs));
	size_t count = 0;
	int result;

	if (jobs == NULL)
		return err_no_memory(err);
	result = jobs_of_worker(store, worker, &list->arena, jobs, limit, &count, err);
	for (size_t i = 0; i < count && result == 0; i++) {
		jobs[i].crashes += flights->jobs == NULL ||
			flight_record_has(flights, jobs[i].id);
		result = take_back(store, &jobs[i], now, list, err);
	}
	free(jobs);
	return result;
}

static int
take_back_from(struct sqlite_store *store, int64_t worker, int64_t now, size_t limit,
	struct stalled_list *list, struct err *err)
{
	struct flight_record flights;
	int result;

	if (flight_record_open(&flights, store->path, worker, err) != 0)
		return -1;
	result = take_back_all(store, worker, &flights, now, limit, list, err);
	flight_record_close(&flights);
	return result;
}

static int
reclaim_all(struct sqlite_store *store, int64_t now, size_t limit,
	struct stalled_list *list, struct err *err)
{
	int64_t worker = 0;

	while (list->count < limit) {
		if (next_dead_holder(store, now, &worker, err) != 0)
			return -1;
		if (worker == 0)
			return 0;
		if (take_back_from(store, worker, now, limit - list->count, list, err) !=
			0)
			return -1;
	}
	return 0;
}

/* Nearly always nobody has died, and then nobody needs the turn to write. */
int
sqlite_reclaim(struct store *base, int64_t now, size_t limit, struct stalled_list *list,
	struct err *err)
{
	struct sqlite_store *store = sqlite_of(base);
	int64_t worker = 0;

	*list = (struct stalled_list){0};
	arena_init(&list->arena);
	if (limit == 0)
		return 0;
	if (limit > RECLAIM_MAX)
		limit = RECLAIM_MAX;
	if (clock_follow(store, now, err) != 0)
		return -1;
	if (next_dead_holder(store, now, &worker, err) != 0)
		return -1;
	if (worker == 0)
		return 0;
	list->jobs = arena_alloc(&list->arena, limit * sizeof(*list->jobs));
	if (list->jobs == NULL)
		return err_no_memory(err);
	if (txn_begin(store, err) == 0 &&
		txn_end(store, reclaim_all(store, now, limit, list, err), err) == 0)
		return 0;
	arena_free(&list->arena);
	*list = (struct stalled_list){0};
	return -1;
}
