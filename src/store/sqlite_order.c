/* SPDX-License-Identifier: MIT */
/*
 * Ordering keys. Of the jobs of one key at most one is "out": waiting, delayed or active.
 * The others are blocked, or paused in an operator's hands. When the one that is out
 * ends, the one with the lowest id is next; if that is a paused one, the key waits for
 * its release. Ids are given in the order of acceptance, so that is the order.
 *
 * Jobs without a key pay nothing here but one look per transaction.
 */
#include "store/sqlite.h"

#include <string.h>

enum { ANY_BEHIND, KEY_OF_JOB, JOB_OUT, FIRST_BEHIND, SET_STATE };

const struct sql sqlite_order_sql[] = {
	[ANY_BEHIND] = {"any-behind",
		"SELECT EXISTS (SELECT 1 FROM retry_queue INDEXED BY job_behind"
		" WHERE ordering_key IS NOT NULL AND state IN (3, 7))"},
	[KEY_OF_JOB] = {"key-of-job",
		"SELECT ordering_queue, ordering_key FROM retry_queue"
		" WHERE id = ?1 AND ordering_key IS NOT NULL"},
	[JOB_OUT] = {"job-out",
		"SELECT id, endpoint_id, state, run_at FROM retry_queue INDEXED BY job_out"
		" WHERE ordering_queue = ?1 AND ordering_key = ?2"
		" AND state IN (0, 1, 2)"},
	[FIRST_BEHIND] = {"first-behind",
		"SELECT id, endpoint_id, state, run_at FROM retry_queue"
		" INDEXED BY job_behind WHERE ordering_queue = ?1 AND ordering_key = ?2"
		" AND state IN (3, 7) ORDER BY id LIMIT 1"},
	[SET_STATE] = {"set-order-state",
		"UPDATE retry_queue SET state = ?2 WHERE id = ?1"},
	{0},
};

/* A job in its key's order; id 0: there is none. */
struct ordered_job {
	int64_t id;
	int64_t endpoint_id;
	enum job_state state;
	int64_t run_at;
};

static int
find(struct sqlite_store *store, int which, const struct order_key *key,
	struct ordered_job *job, struct err *err)
{
	struct query query = query_start(store, &sqlite_order_sql[which]);
	int row;

	*job = (struct ordered_job){0};
	bind_int(&query, key->queue_id);
	bind_text(&query, (struct span){key->text, key->len});
	row = query_next(&query, err);
	if (row <= 0)
		return row;
	job->id = read_int(&query);
	job->endpoint_id = read_int(&query);
	job->state = (enum job_state)read_choice(&query, JOB_STATE_COUNT);
	job->run_at = read_int(&query);
	return query_done(&query, err);
}

static int
move(struct sqlite_store *store, const struct ordered_job *job, enum job_state state,
	struct err *err)
{
	struct query query = query_start(store, &sqlite_order_sql[SET_STATE]);

	bind_int(&query, job->id);
	bind_int(&query, state);
	if (query_run(&query, err) != 0)
		return -1;
	return endpoint_move(store, job->endpoint_id, job->state, state, err);
}

int
order_key_of(struct sqlite_store *store, int64_t job_id, struct order_key *key,
	struct err *err)
{
	struct query query = query_start(store, &sqlite_order_sql[KEY_OF_JOB]);
	struct span text;
	int row;

	key->len = 0;
	bind_int(&query, job_id);
	row = query_next(&query, err);
	if (row <= 0)
		return row;
	key->queue_id = read_int(&query);
	text = read_span(&query);
	key->len = text.len < sizeof(key->text) ? text.len : sizeof(key->text);
	memcpy(key->text, text.ptr, key->len);
	query_end(&query);
	return 0;
}

/* Within a transaction this is asked once: nearly always nobody is behind anybody. */
static int
anybody_behind(struct sqlite_store *store, bool *any, struct err *err)
{
	struct query query;
	int64_t found;

	if (store->order == ORDER_UNKNOWN) {
		query = query_start(store, &sqlite_order_sql[ANY_BEHIND]);
		if (query_int(&query, 0, &found, err) != 0)
			return -1;
		store->order = found ? ORDER_MATTERS : ORDER_IDLE;
	}
	*any = store->order == ORDER_MATTERS;
	return 0;
}

int
order_key_if_behind(struct sqlite_store *store, int64_t job_id, struct order_key *key,
	struct err *err)
{
	bool any;

	key->len = 0;
	if (anybody_behind(store, &any, err) != 0)
		return -1;
	return any ? order_key_of(store, job_id, key, err) : 0;
}

int
order_arrive(struct sqlite_store *store, struct span key, enum job_state *state,
	struct err *err)
{
	struct order_key ours = {.queue_id = store->queue_id, .len = key.len};
	struct ordered_job before;

	if (key.len > sizeof(ours.text))
		return err_set(err, ERR_BUG, "an ordering key of %zu bytes", key.len);
	memcpy(ours.text, key.ptr, key.len);
	if (find(store, JOB_OUT, &ours, &before, err) != 0 ||
		(before.id == 0 && find(store, FIRST_BEHIND, &ours, &before, err) != 0))
		return -1;
	if (before.id != 0)
		*state = JOB_BLOCKED;
	return 0;
}

int
order_advance(struct sqlite_store *store, const struct order_key *key, int64_t now,
	struct err *err)
{
	struct ordered_job out, next;

	if (key->len == 0)
		return 0;
	if (find(store, JOB_OUT, key, &out, err) != 0 ||
		find(store, FIRST_BEHIND, key, &next, err) != 0)
		return -1;
	if (out.id != 0 || next.id == 0 || next.state == JOB_PAUSED)
		return 0;
	store->poke = true;
	return move(store, &next, next.run_at <= now ? JOB_WAITING : JOB_DELAYED, err);
}

int
order_ended(struct sqlite_store *store, int64_t job_id, int64_t now, struct err *err)
{
	struct order_key key;

	if (order_key_if_behind(store, job_id, &key, err) != 0)
		return -1;
	return order_advance(store, &key, now, err);
}

int
order_enter(struct sqlite_store *store, const struct order_key *key, int64_t job_id,
	int64_t now, struct err *err)
{
	struct ordered_job out;

	/* What this transaction knew of it may no longer hold. */
	store->order = ORDER_MATTERS;
	if (find(store, JOB_OUT, key, &out, err) != 0)
		return -1;
	if (out.id > job_id && out.state != JOB_ACTIVE &&
		move(store, &out, JOB_BLOCKED, err) != 0)
		return -1;
	return order_advance(store, key, now, err);
}

int
order_rejoin(struct sqlite_store *store, int64_t job_id, int64_t endpoint_id,
	enum job_state state, int64_t now, struct err *err)
{
	struct ordered_job job = {
		.id = job_id, .endpoint_id = endpoint_id, .state = state};
	struct order_key key;

	if (order_key_if_behind(store, job_id, &key, err) != 0)
		return -1;
	if (key.len == 0)
		return 0;
	if (move(store, &job, JOB_BLOCKED, err) != 0)
		return -1;
	return order_enter(store, &key, job_id, now, err);
}
