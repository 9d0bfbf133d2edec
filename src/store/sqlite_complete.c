/* SPDX-License-Identifier: MIT */
/*
 * Settling deliveries, which is what nearly all settles are: the jobs of a batch are
 * looked up and updated together, under the fencing tokens of their claims. With a
 * statement for each job, opening and closing the indexes of retry_queue would be a third
 * of the cost.
 */
#include "store/sqlite.h"

enum { CLAIMED_JOBS, COMPLETE, RESOLVE_DELIVERED };

const struct sql sqlite_complete_sql[] = {
	[CLAIMED_JOBS] = {"claimed-jobs",
		"SELECT id, token, endpoint_id, attempts_made FROM retry_queue"
		" WHERE state = 2 AND id IN" ID_LIST},
	[COMPLETE] = {"complete",
		"UPDATE retry_queue SET state = 4, updated_at = ?1,"
		" attempts_made = attempts_made + 1, crashes = 0, http_status = ?2"
		" WHERE id IN" ID_LIST},
	[RESOLVE_DELIVERED] = {"resolve-delivered",
		"UPDATE dead_letter_queue SET status = 2, delivered = 1,"
		" resolved_at = ?2, attempts_made = q.attempts_made"
		" FROM retry_queue q"
		" WHERE dead_letter_queue.id = ?1 AND status = 1 AND q.id = ?1"},
	{0},
};

bool
completion_add(struct completion_batch *batch, struct settle *settle)
{
	if (batch->count == ID_LIST_SIZE ||
		(batch->count > 0 &&
			batch->settles[0]->attempt.status != settle->attempt.status))
		return false;
	settle->lost = true;
	batch->settles[batch->count++] = settle;
	return true;
}

/* What settles the claim of the present row; NULL: that is not ours. */
static struct settle *
find_claim(const struct completion_batch *batch, struct query *query)
{
	int64_t job_id = read_int(query);
	int64_t token = read_int(query);
	int64_t endpoint_id = read_int(query);

	for (size_t i = 0; i < batch->count; i++) {
		struct settle *settle = batch->settles[i];

		if (settle->job_id == job_id && settle->token == token &&
			settle->endpoint_id == endpoint_id)
			return settle;
	}
	return NULL;
}

/* Drops from the batch what was lost: its job is claimed by another, or not at all. */
static void
drop_lost(struct completion_batch *batch)
{
	size_t kept = 0;

	for (size_t i = 0; i < batch->count; i++)
		if (!batch->settles[i]->lost)
			batch->settles[kept++] = batch->settles[i];
	batch->count = kept;
}

static void
bind_jobs(struct query *query, const struct completion_batch *batch)
{
	int64_t ids[ID_LIST_SIZE];

	for (size_t i = 0; i < batch->count; i++)
		ids[i] = batch->settles[i]->job_id;
	bind_ids(query, ids, batch->count);
}

static int
read_claims(struct sqlite_store *store, struct completion_batch *batch, struct err *err)
{
	struct query query = query_start(store, &sqlite_complete_sql[CLAIMED_JOBS]);
	int row;

	bind_jobs(&query, batch);
	while ((row = query_next(&query, err)) == 1) {
		struct settle *settle = find_claim(batch, &query);

		if (settle == NULL)
			continue;
		settle->lost = false;
		/* By the row, which counts also what other programs reported. */
		settle->attempt.number = (int)read_int(&query) + 1;
	}
	if (row == 0)
		drop_lost(batch);
	return row;
}

static int
write_completed(struct sqlite_store *store, const struct completion_batch *batch,
	int64_t now, struct err *err)
{
	struct query query = query_start(store, &sqlite_complete_sql[COMPLETE]);

	bind_int(&query, now);
	bind_int(&query, batch->settles[0]->attempt.status);
	bind_jobs(&query, batch);
	return query_run(&query, err);
}

/* What came back from the dead letter queue and is delivered now, is resolved there. The
 * letter outlives the job, and one that is reopened goes on counting its attempts. */
static int
resolve_letter(struct sqlite_store *store, int64_t job_id, int64_t now, struct err *err)
{
	struct query query;

	if (!store->letters_retried)
		return 0;
	query = query_start(store, &sqlite_complete_sql[RESOLVE_DELIVERED]);
	bind_int(&query, job_id);
	bind_int(&query, now);
	return query_run(&query, err);
}

/* What a delivery means beyond the job's own row and the attempt's. */
static int
follow_up(struct sqlite_store *store, const struct settle *settle, int64_t now,
	struct err *err)
{
	if (resolve_letter(store, settle->job_id, now, err) != 0 ||
		endpoint_move(
			store, settle->endpoint_id, JOB_ACTIVE, JOB_COMPLETED, err) != 0)
		return -1;
	return order_ended(store, settle->job_id, now, err);
}

static int
write_batch(struct sqlite_store *store, const struct completion_batch *batch, int64_t now,
	struct err *err)
{
	if (write_completed(store, batch, now, err) != 0 ||
		attempts_insert(store, batch->settles, batch->count, err) != 0)
		return -1;
	for (size_t i = 0; i < batch->count; i++)
		if (follow_up(store, batch->settles[i], now, err) != 0)
			return -1;
	return 0;
}

int
complete_batch(struct sqlite_store *store, struct completion_batch *batch, int64_t now,
	struct err *err)
{
	int result = 0;

	if (batch->count == 0)
		return 0;
	if (read_claims(store, batch, err) != 0)
		return -1;
	if (batch->count > 0)
		result = write_batch(store, batch, now, err);
	batch->count = 0;
	return result;
}
