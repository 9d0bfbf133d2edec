/* SPDX-License-Identifier: MIT */
/*
 * Time: delayed jobs that have come due become waiting ones, some in each exchange, and a
 * worker learns when to come back.
 */
#include "store/sqlite.h"

enum { DUE_JOBS, PROMOTE, READY, PACED, EXPEDITED, NEXT_DUE, NEXT_NOT_BEFORE };

const struct sql sqlite_due_sql[] = {
	[DUE_JOBS] = {"due-jobs",
		"SELECT q.id, q.endpoint_id, e.queue_id, q.event_type"
		" FROM retry_queue q CROSS JOIN endpoint e ON e.id = q.endpoint_id"
		" WHERE q.state = 1 AND q.run_at <= ?1 ORDER BY q.run_at LIMIT ?2"},
	[PROMOTE] = {"promote",
		"UPDATE retry_queue SET state = ?2, paused_by = ?3 WHERE id = ?1"},
	[READY] = {"ready",
		"SELECT id FROM endpoint WHERE queue_id = ?1 AND waiting > 0"
		" AND" ENDPOINT_OPEN ENDPOINT_HAS_DUE},
	[PACED] = {"paced",
		"SELECT id FROM endpoint WHERE queue_id = ?1 AND waiting > 0"
		" AND" ENDPOINT_WELL " AND " ENDPOINT_PACED_UNTIL
		" > ?2" ENDPOINT_HAS_DUE},
	[EXPEDITED] = {"expedited",
		"SELECT e.id FROM retry_queue q INDEXED BY job_expedited"
		" CROSS JOIN endpoint e ON e.id = q.endpoint_id WHERE q.state = 0"
		" AND q.expedited = 1 AND e.queue_id = ?1 AND e.held_at IS NULL"
		" AND (?2 IS NULL OR q.run_at <= ?2) ORDER BY q.id LIMIT ?3"},
	[NEXT_DUE] = {"next-due",
		"SELECT q.run_at, e.queue_id FROM retry_queue q"
		" CROSS JOIN endpoint e ON e.id = q.endpoint_id WHERE q.state = 1"
		" ORDER BY q.run_at LIMIT ?1"},
	[NEXT_NOT_BEFORE] = {"next-not-before",
		"SELECT min(" ENDPOINT_NOT_BEFORE ") FROM endpoint WHERE queue_id = ?1"
		" AND waiting > 0 AND held_at IS NULL AND " ENDPOINT_NOT_BEFORE " > ?2"},
	{0},
};

enum { PROMOTE_MAX = 1000, OTHERS_MAX = 64 };

void
bind_due_by(struct query *query, const struct exchange *exchange)
{
	bind_optional(query, exchange->due_by != 0, exchange->due_by);
}

/* The time by which those are due that the exchange is about. */
static int64_t
due_until(const struct exchange *exchange)
{
	return exchange->due_by != 0 && exchange->due_by < exchange->now
		? exchange->due_by
		: exchange->now;
}

/* ---- promotion ------------------------------------------------------------------- */

/* Of all queues: one index serves them. But holds are each queue's own. */
static int
read_due(struct sqlite_store *store, int64_t until, struct moved_job *jobs, size_t *count,
	struct err *err)
{
	struct query query = query_start(store, &sqlite_due_sql[DUE_JOBS]);
	int row;

	bind_int(&query, until);
	bind_int(&query, PROMOTE_MAX);
	for (*count = 0; (row = query_next(&query, err)) == 1; (*count)++) {
		struct moved_job *job = &jobs[*count];
		bool ours;

		job->id = read_int(&query);
		job->endpoint_id = read_int(&query);
		ours = read_int(&query) == store->queue_id;
		job->held = ours && holds_cover(&store->holds, read_span(&query));
	}
	return row;
}

int
promote_due(struct sqlite_store *store, const struct exchange *exchange, struct err *err)
{
	struct moved_job jobs[PROMOTE_MAX];
	size_t count;

	if (read_due(store, due_until(exchange), jobs, &count, err) != 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		struct query query = query_start(store, &sqlite_due_sql[PROMOTE]);
		enum job_state state = jobs[i].held ? JOB_PAUSED : JOB_WAITING;

		bind_int(&query, jobs[i].id);
		bind_int(&query, state);
		bind_optional(&query, jobs[i].held, PAUSED_BY_HOLD);
		if (query_run(&query, err) != 0 ||
			endpoint_move(
				store, jobs[i].endpoint_id, JOB_DELAYED, state, err) != 0)
			return -1;
	}
	return 0;
}

/* ---- what comes next ------------------------------------------------------------- */

/* Whether one of the endpoints that the query finds is one to claim from. 1, 0 or -1. */
static int
finds_claimable(struct query *query, const struct exchange *exchange, struct err *err)
{
	int row;

	while ((row = query_next(query, err)) == 1)
		if (claim_room_of(exchange, read_int(query)) != CLAIM_NEVER) {
			query_end(query);
			break;
		}
	return row;
}

/* Whether an endpoint to claim from is among those that are READY, or PACED. */
static int
any_endpoint(struct sqlite_store *store, int which, const struct exchange *exchange,
	struct err *err)
{
	struct query query = query_start(store, &sqlite_due_sql[which]);

	bind_int(&query, store->queue_id);
	bind_int(&query, exchange->now);
	bind_due_by(&query, exchange);
	return finds_claimable(&query, exchange, err);
}

/* Of expedited jobs, among as many of the first as a claim looks at. */
static int
any_left(struct sqlite_store *store, const struct exchange *exchange, struct err *err)
{
	struct query expedited;
	int found = any_endpoint(store, READY, exchange, err);

	if (found != 0)
		return found;
	expedited = query_start(store, &sqlite_due_sql[EXPEDITED]);
	bind_int(&expedited, store->queue_id);
	bind_due_by(&expedited, exchange);
	bind_int(&expedited,
		exchange->claim_limit == 0 ? 1 : (int64_t)exchange->claim_limit);
	return finds_claimable(&expedited, exchange, err);
}

/* When the first delayed job of this queue is due; with many of other queues before it,
 * not later than that. 0: there is none. */
static int
next_due(struct sqlite_store *store, int64_t *due_at, struct err *err)
{
	struct query query = query_start(store, &sqlite_due_sql[NEXT_DUE]);
	int row, others = 0;

	*due_at = 0;
	bind_int(&query, OTHERS_MAX);
	while ((row = query_next(&query, err)) == 1) {
		int64_t run_at = read_int(&query);

		if (read_int(&query) == store->queue_id || ++others == OTHERS_MAX) {
			*due_at = run_at;
			query_end(&query);
			return 0;
		}
	}
	return row;
}

int
look_ahead(struct sqlite_store *store, struct exchange *exchange, struct err *err)
{
	struct query later = query_start(store, &sqlite_due_sql[NEXT_NOT_BEFORE]);
	int64_t due_at, not_before;
	int left = any_left(store, exchange, err);
	int paced = left == 0 ? any_endpoint(store, PACED, exchange, err) : left;

	bind_int(&later, store->queue_id);
	bind_int(&later, exchange->now);
	if (paced < 0 || next_due(store, &due_at, err) != 0 ||
		query_int(&later, 0, &not_before, err) != 0)
		return -1;
	if (exchange->due_by != 0 && due_at > exchange->due_by)
		due_at = 0;
	exchange->more = left > 0 || (due_at != 0 && due_at <= exchange->now);
	exchange->paced = left == 0 && paced > 0;
	exchange->next_due_at = due_at == 0 || (not_before != 0 && not_before < due_at)
		? not_before
		: due_at;
	return 0;
}
