/* SPDX-License-Identifier: MIT */
/*
 * Time: delayed jobs that have come due become waiting ones, some in each exchange, and a
 * worker learns when to come back.
 */
#include "store/sqlite.h"

enum { DUE_JOBS, PROMOTE, ANY_READY, NEXT_DUE, NEXT_NOT_BEFORE };

const struct sql sqlite_due_sql[] = {
	[DUE_JOBS] = {"due-jobs",
		"SELECT q.id, q.endpoint_id, e.queue_id, q.event_type"
		" FROM retry_queue q CROSS JOIN endpoint e ON e.id = q.endpoint_id"
		" WHERE q.state = 1 AND q.run_at <= ?1 ORDER BY q.run_at LIMIT ?2"},
	[PROMOTE] = {"promote",
		"UPDATE retry_queue SET state = ?2, paused_by = ?3 WHERE id = ?1"},
	[ANY_READY] = {"any-ready",
		"SELECT EXISTS (SELECT 1 FROM endpoint WHERE queue_id = ?1"
		" AND waiting > 0 AND" ENDPOINT_OPEN ")"
		" OR EXISTS (SELECT 1 FROM retry_queue"
		" WHERE state = 1 AND run_at <= ?2)"
		" OR EXISTS (SELECT 1 FROM retry_queue q INDEXED BY job_expedited"
		" CROSS JOIN endpoint e ON e.id = q.endpoint_id WHERE q.state = 0"
		" AND q.expedited = 1 AND e.queue_id = ?1 AND e.held_at IS NULL)"},
	[NEXT_DUE] = {"next-due",
		"SELECT run_at FROM retry_queue WHERE state = 1"
		" ORDER BY run_at LIMIT 1"},
	[NEXT_NOT_BEFORE] = {"next-not-before",
		"SELECT min(" ENDPOINT_NOT_BEFORE ") FROM endpoint WHERE queue_id = ?1"
		" AND waiting > 0 AND held_at IS NULL AND " ENDPOINT_NOT_BEFORE " > ?2"},
	{0},
};

enum { PROMOTE_MAX = 1000 };

/* ---- promotion ------------------------------------------------------------------- */

/* Of all queues: one index serves them. But holds are each queue's own. */
static int
read_due(struct sqlite_store *store, int64_t now, struct moved_job *jobs, size_t *count,
	struct err *err)
{
	struct query query = query_start(store, &sqlite_due_sql[DUE_JOBS]);
	int row;

	bind_int(&query, now);
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
promote_due(struct sqlite_store *store, int64_t now, struct err *err)
{
	struct moved_job jobs[PROMOTE_MAX];
	size_t count;

	if (read_due(store, now, jobs, &count, err) != 0)
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

int
look_ahead(struct sqlite_store *store, struct exchange *exchange, struct err *err)
{
	struct query more = query_start(store, &sqlite_due_sql[ANY_READY]);
	struct query due = query_start(store, &sqlite_due_sql[NEXT_DUE]);
	struct query later = query_start(store, &sqlite_due_sql[NEXT_NOT_BEFORE]);
	int64_t any, due_at, not_before;

	bind_int(&more, store->queue_id);
	bind_int(&more, exchange->now);
	bind_int(&later, store->queue_id);
	bind_int(&later, exchange->now);
	if (query_int(&more, 0, &any, err) != 0 ||
		query_int(&due, 0, &due_at, err) != 0 ||
		query_int(&later, 0, &not_before, err) != 0)
		return -1;
	exchange->more = any != 0;
	exchange->next_due_at = due_at == 0 || (not_before != 0 && not_before < due_at)
		? not_before
		: due_at;
	return 0;
}
