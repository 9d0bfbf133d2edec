/* SPDX-License-Identifier: MIT */
/*
 * The oldest waiting jobs of an endpoint, whatever their priority. The index of ready
 * jobs is in the order of priority, and within each in that of acceptance; so the oldest
 * is at the head of some priority, and there are few of those: merging their heads costs
 * two seeks for a job, and no index of its own.
 */
#include "store/sqlite.h"

enum { NEXT_PRIORITY, NEXT_WITHIN, SEVERAL_PRIORITIES };

const struct sql sqlite_oldest_sql[] = {
	[NEXT_PRIORITY] = {"next-priority",
		"SELECT priority, id FROM retry_queue WHERE endpoint_id = ?1"
		" AND state = 0 AND priority < ?2 AND (?3 IS NULL OR run_at <= ?3)"
		" ORDER BY priority DESC, id LIMIT 1"},
	[NEXT_WITHIN] = {"next-within",
		"SELECT id FROM retry_queue WHERE endpoint_id = ?1 AND state = 0"
		" AND priority = ?2 AND id > ?3 AND (?4 IS NULL OR run_at <= ?4)"
		" ORDER BY id LIMIT 1"},
	[SEVERAL_PRIORITIES] = {"several-priorities",
		"SELECT (SELECT priority FROM retry_queue WHERE endpoint_id = ?1"
		" AND state = 0 ORDER BY priority LIMIT 1)"
		" < (SELECT priority FROM retry_queue WHERE endpoint_id = ?1"
		" AND state = 0 ORDER BY priority DESC LIMIT 1)"},
	{0},
};

/* A record's priority is from -100 to 100. */
enum { PRIORITIES_MAX = 256 };

/* Priorities that have jobs left, each with the first of them. */
struct heads {
	struct sqlite_store *store;
	const struct exchange *exchange;
	int64_t endpoint_id;
	struct ready_place places[PRIORITIES_MAX];
	size_t count;
};

/* Moves a place on to the next job of its priority; *found: there is one. */
static int
next_within(struct heads *heads, struct ready_place *place, bool *found, struct err *err)
{
	struct query query = query_start(heads->store, &sqlite_oldest_sql[NEXT_WITHIN]);

	bind_int(&query, heads->endpoint_id);
	bind_int(&query, place->priority);
	bind_int(&query, place->id);
	bind_due_by(&query, heads->exchange);
	if (query_int(&query, 0, &place->id, err) != 0)
		return -1;
	*found = place->id != 0;
	return 0;
}

/* Moves a place on to the first job of the next lower priority. */
static int
next_priority(
	struct heads *heads, struct ready_place *place, bool *found, struct err *err)
{
	struct query query = query_start(heads->store, &sqlite_oldest_sql[NEXT_PRIORITY]);
	int row;

	bind_int(&query, heads->endpoint_id);
	bind_int(&query, place->priority);
	bind_due_by(&query, heads->exchange);
	row = query_next(&query, err);
	*found = row == 1;
	if (row != 1)
		return row;
	place->priority = read_int(&query);
	place->id = read_int(&query);
	query_end(&query);
	return 0;
}

/* What is left of the priority of *after, and all lower ones. */
static int
find_heads(struct heads *heads, struct ready_place after, struct err *err)
{
	struct ready_place lower = after;
	bool found;

	heads->count = 0;
	if (next_within(heads, &after, &found, err) != 0)
		return -1;
	if (found)
		heads->places[heads->count++] = after;
	do {
		if (next_priority(heads, &lower, &found, err) != 0)
			return -1;
		if (found)
			heads->places[heads->count++] = lower;
	} while (found && heads->count < PRIORITIES_MAX);
	return 0;
}

static struct ready_place *
oldest_head(struct heads *heads)
{
	struct ready_place *oldest = &heads->places[0];

	for (size_t i = 1; i < heads->count; i++)
		if (heads->places[i].id < oldest->id)
			oldest = &heads->places[i];
	return oldest;
}

int
oldest_ready(struct sqlite_store *store, const struct exchange *exchange,
	int64_t endpoint_id, struct ready_place after, int64_t *ids, size_t limit,
	size_t *count, struct err *err)
{
	struct heads heads = {
		.store = store, .exchange = exchange, .endpoint_id = endpoint_id};
	bool found;

	*count = 0;
	if (find_heads(&heads, after, err) != 0)
		return -1;
	while (*count < limit && heads.count > 0) {
		struct ready_place *oldest = oldest_head(&heads);

		ids[(*count)++] = oldest->id;
		if (next_within(&heads, oldest, &found, err) != 0)
			return -1;
		if (!found)
			*oldest = heads.places[--heads.count];
	}
	return 0;
}

int
ready_priorities_differ(
	struct sqlite_store *store, int64_t endpoint_id, bool *differ, struct err *err)
{
	struct query query = query_start(store, &sqlite_oldest_sql[SEVERAL_PRIORITIES]);
	int64_t several;

	bind_int(&query, endpoint_id);
	if (query_int(&query, 0, &several, err) != 0)
		return -1;
	*differ = several != 0;
	return 0;
}
