/* SPDX-License-Identifier: MIT */
/*
 * Housekeeping: forgetting finished jobs, finishing what an interrupted release left,
 * checkpoints, and giving pages back to the file system.
 */
#include "store/sqlite.h"

#include <stdlib.h>

enum { FINISHED_JOBS, IS_DEAD_LETTER, FREE_PAGES, ALL_PAGES, VACUUM };

const struct sql sqlite_purge_sql[] = {
	[FINISHED_JOBS] = {"finished-jobs",
		"SELECT id, endpoint_id, state FROM retry_queue"
		" WHERE state IN (4, 5) AND updated_at < ?1"
		" ORDER BY updated_at LIMIT ?2"},
	[IS_DEAD_LETTER] = {"is-dead-letter",
		"SELECT 1 FROM dead_letter_queue WHERE id = ?1"},
	[FREE_PAGES] = {"free-pages", "PRAGMA freelist_count"},
	[ALL_PAGES] = {"all-pages", "PRAGMA page_count"},
	[VACUUM] = {"vacuum", "PRAGMA incremental_vacuum(1000)"},
	{0},
};

enum {
	PURGE_CHUNK = 1000,
	CHECKPOINT_IDLE_PAGES = 1000,
	SPARE_PAGES = 5000, /* 20 MB: kept for what comes next */
};

struct finished_job {
	int64_t id;
	int64_t endpoint_id;
	enum job_state state;
};

static int
read_finished(struct sqlite_store *store, int64_t before, struct finished_job *jobs,
	size_t limit, size_t *count, struct err *err)
{
	struct query query = query_start(store, &sqlite_purge_sql[FINISHED_JOBS]);
	int row;

	bind_int(&query, before);
	bind_int(&query, (int64_t)limit);
	for (*count = 0; (row = query_next(&query, err)) == 1; (*count)++) {
		jobs[*count].id = read_int(&query);
		jobs[*count].endpoint_id = read_int(&query);
		jobs[*count].state = (enum job_state)read_choice(&query, JOB_STATE_COUNT);
	}
	return row;
}

/* A delivered dead letter outlives its job, and needs what hangs on the id. */
static int
purge_one(struct sqlite_store *store, const struct finished_job *job, struct err *err)
{
	struct query query = query_start(store, &sqlite_purge_sql[IS_DEAD_LETTER]);
	struct endpoint_change *endpoint;
	int64_t kept;

	bind_int(&query, job->id);
	if (query_int(&query, 0, &kept, err) != 0 ||
		job_delete(store, job->id, err) != 0 ||
		endpoint_by_id(store, job->endpoint_id, &endpoint, err) != 0)
		return -1;
	endpoint_count(store, endpoint, job->state, -1);
	return kept ? 0 : job_forget(store, job->id, job->endpoint_id, err);
}

static int
purge_chunk(struct sqlite_store *store, int64_t before, size_t limit, size_t *purged,
	struct err *err)
{
	struct finished_job jobs[PURGE_CHUNK];

	if (read_finished(store, before, jobs, limit, purged, err) != 0)
		return -1;
	for (size_t i = 0; i < *purged; i++)
		if (purge_one(store, &jobs[i], err) != 0)
			return -1;
	return 0;
}

/* Shrinks the file a little where half of it is unused. */
static int
give_back_pages(struct sqlite_store *store, struct err *err)
{
	struct query unused = query_start(store, &sqlite_purge_sql[FREE_PAGES]);
	struct query all = query_start(store, &sqlite_purge_sql[ALL_PAGES]);
	struct query vacuum = query_start(store, &sqlite_purge_sql[VACUUM]);
	int64_t free_pages, pages;
	int row;

	if (query_int(&unused, 0, &free_pages, err) != 0 ||
		query_int(&all, 0, &pages, err) != 0)
		return -1;
	if (free_pages < SPARE_PAGES || free_pages < pages / 2)
		return 0;
	while ((row = query_next(&vacuum, err)) == 1)
		;
	return row;
}

static int
tidy(struct sqlite_store *store, struct err *err)
{
	bool more;

	if (give_back_pages(store, err) != 0)
		return -1;
	return holds_release_some(store, PURGE_CHUNK, &more, err);
}

/* With nothing better to do, a checkpoint is worth it with fewer pages. */
static int
checkpoint_now(struct sqlite_store *store, struct err *err)
{
	if (side_file_lock(&store->side, store->busy_wait_ms, err) != 0)
		return -1;
	checkpoint_if_worth(store, CHECKPOINT_IDLE_PAGES);
	side_file_unlock(&store->side);
	return 0;
}

int
sqlite_purge(
	struct store *base, int64_t before, size_t limit, size_t *purged, struct err *err)
{
	struct sqlite_store *store = sqlite_of(base);
	size_t most = PURGE_CHUNK, step = PURGE_CHUNK;

	*purged = 0;
	while (step == most && *purged < limit) {
		most = limit - *purged < PURGE_CHUNK ? limit - *purged : PURGE_CHUNK;
		if (txn_begin(store, err) != 0 ||
			txn_end(store, purge_chunk(store, before, most, &step, err),
				err) != 0)
			return -1;
		*purged += step;
	}
	if (txn_begin(store, err) != 0 || txn_end(store, tidy(store, err), err) != 0)
		return -1;
	return checkpoint_now(store, err);
}
