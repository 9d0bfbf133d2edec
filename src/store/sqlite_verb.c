/* SPDX-License-Identifier: MIT */
#include "store/sqlite_verb.h"

enum {
	SUBJECT,
	SET_STATE,
	SET_EXPEDITED,
	REQUEUE,
	SET_RETRYING,
	SET_RESOLVED,
	SET_REOPENED,
	DELETE_LETTER,
};

const struct sql sqlite_verb_sql[] = {
	[SUBJECT] = {"subject",
		"SELECT e.id, " STATE_ANYWHERE ", coalesce(q.run_at, 0),"
		" q.id IS NOT NULL, coalesce(d.status, 3), r.event_id"
		" FROM request r LEFT JOIN retry_queue q ON q.id = r.job_id"
		" LEFT JOIN dead_letter_queue d ON d.id = r.job_id"
		" CROSS JOIN endpoint e ON e.id = coalesce(q.endpoint_id, d.endpoint_id)"
		" WHERE r.job_id = ?2 AND e.queue_id = ?1"},
	[SET_STATE] = {"set-state",
		"UPDATE retry_queue SET state = ?2, paused_by = ?3, updated_at = ?4,"
		" expedited = 0 WHERE id = ?1"},
	[SET_EXPEDITED] = {"set-expedited",
		"UPDATE retry_queue SET state = 0, expedited = 1,"
		" run_at = min(run_at, ?2), updated_at = ?2 WHERE id = ?1"},
	[REQUEUE] = {"requeue",
		"INSERT INTO retry_queue (id, endpoint_id, state, priority, run_at,"
		" created_at, updated_at, attempt, attempts_made, max_attempts, crashes,"
		" http_status, failed, error_type, category, event_type, ordering_key,"
		" ordering_queue)"
		" SELECT id, endpoint_id, iif(ordering_key IS NULL, 0, 7), priority, ?2,"
		" created_at, ?2, 0,"
		" attempts_made, max_attempts, 0, http_status, failed, error_type,"
		" category, event_type, ordering_key, ordering_queue"
		" FROM dead_letter_queue WHERE id = ?1"},
	[SET_RETRYING] = {"set-retrying",
		"UPDATE dead_letter_queue SET status = 1, retries = retries + 1"
		" WHERE id = ?1"},
	[SET_RESOLVED] = {"set-resolved",
		"UPDATE dead_letter_queue SET status = 2, resolved_at = ?2,"
		" resolved_by = ?3, note = ?4, delivered = 0 WHERE id = ?1"},
	[SET_REOPENED] = {"set-reopened",
		"UPDATE dead_letter_queue SET status = 0, resolved_at = NULL,"
		" resolved_by = NULL, delivered = 0 WHERE id = ?1"},
	[DELETE_LETTER] = {"delete-letter",
		"DELETE FROM dead_letter_queue WHERE id = ?1"},
	{0},
};

int
subject_load(struct sqlite_store *store, int64_t job_id, struct arena *arena,
	struct subject *subject, bool *found, struct err *err)
{
	struct query query = query_start(store, &sqlite_verb_sql[SUBJECT]);
	int row, copied;

	bind_int(&query, store->queue_id);
	bind_int(&query, job_id);
	row = query_next(&query, err);
	*found = row == 1;
	if (row <= 0)
		return row;
	subject->job_id = job_id;
	subject->endpoint_id = read_int(&query);
	subject->state = (enum job_state)read_choice(&query, JOB_STATE_COUNT);
	subject->run_at = read_int(&query);
	subject->queued = read_int(&query);
	subject->letter = read_choice(&query, NO_LETTER + 1);
	copied = arena_copy(arena, read_span(&query), &subject->event_id, err);
	return query_done(&query, err) == 0 ? copied : -1;
}

static struct query
start_on(struct sqlite_store *store, int which, const struct subject *subject)
{
	struct query query = query_start(store, &sqlite_verb_sql[which]);

	bind_int(&query, subject->job_id);
	return query;
}

static int
count_one(struct sqlite_store *store, const struct subject *subject, enum job_state state,
	int by, struct err *err)
{
	struct endpoint_change *endpoint;

	if (endpoint_by_id(store, subject->endpoint_id, &endpoint, err) != 0)
		return -1;
	endpoint_count(store, endpoint, state, by);
	return 0;
}

/* ---- verbs on jobs --------------------------------------------------------------- */

static int
set_state(struct sqlite_store *store, const struct subject *subject, enum job_state state,
	int64_t now, struct err *err)
{
	struct query query = start_on(store, SET_STATE, subject);

	bind_int(&query, state);
	bind_optional(&query, state == JOB_PAUSED, PAUSED_BY_OPERATOR);
	bind_int(&query, now);
	if (query_run(&query, err) != 0)
		return -1;
	return endpoint_move(store, subject->endpoint_id, subject->state, state, err);
}

/* A retry that is called off leaves the dead letter as it was before. */
static int
cancel(struct sqlite_store *store, const struct subject *subject,
	const struct action *action, struct err *err)
{
	struct burial burial = {
		.job_id = subject->job_id,
		.endpoint_id = subject->endpoint_id,
		.from = subject->state,
		.now = action->now,
	};

	if (subject->letter == DEAD_RETRYING)
		return job_bury(store, &burial, err);
	if (set_state(store, subject, JOB_CANCELLED, action->now, err) != 0)
		return -1;
	return order_ended(store, subject->job_id, action->now, err);
}

static int
hold(struct sqlite_store *store, const struct subject *subject,
	const struct action *action, struct err *err)
{
	return set_state(store, subject, JOB_PAUSED, action->now, err);
}

static int
release(struct sqlite_store *store, const struct subject *subject,
	const struct action *action, struct err *err)
{
	enum job_state state = subject->run_at <= action->now ? JOB_WAITING : JOB_DELAYED;
	struct order_key key;

	store->poke = true;
	if (order_key_of(store, subject->job_id, &key, err) != 0)
		return -1;
	if (key.len == 0)
		return set_state(store, subject, state, action->now, err);
	if (set_state(store, subject, JOB_BLOCKED, action->now, err) != 0)
		return -1;
	return order_enter(store, &key, subject->job_id, action->now, err);
}

static int
expedite(struct sqlite_store *store, const struct subject *subject,
	const struct action *action, struct err *err)
{
	struct query query = start_on(store, SET_EXPEDITED, subject);

	bind_int(&query, action->now);
	store->poke = true;
	if (query_run(&query, err) != 0)
		return -1;
	return endpoint_move(
		store, subject->endpoint_id, subject->state, JOB_WAITING, err);
}

/* ---- verbs on dead letters ------------------------------------------------------- */

static int
retry(struct sqlite_store *store, const struct subject *subject,
	const struct action *action, struct err *err)
{
	struct query requeue = start_on(store, REQUEUE, subject);
	struct query status = start_on(store, SET_RETRYING, subject);
	struct order_key key;
	enum job_state state;

	bind_int(&requeue, action->now);
	store->poke = true;
	if (query_run(&requeue, err) != 0 || query_run(&status, err) != 0 ||
		order_key_of(store, subject->job_id, &key, err) != 0)
		return -1;
	state = key.len == 0 ? JOB_WAITING : JOB_BLOCKED;
	if (endpoint_move(store, subject->endpoint_id, JOB_DEAD, state, err) != 0)
		return -1;
	return key.len == 0 ? 0
			    : order_enter(store, &key, subject->job_id, action->now, err);
}

static int
resolve(struct sqlite_store *store, const struct subject *subject,
	const struct action *action, struct err *err)
{
	struct query query = start_on(store, SET_RESOLVED, subject);

	bind_int(&query, action->now);
	bind_text(&query, action->by);
	bind_text(&query, action->note);
	if (query_run(&query, err) != 0)
		return -1;
	return count_one(store, subject, JOB_DEAD, -1, err);
}

/* One that was delivered leaves the queue: a job is in one place. */
static int
reopen(struct sqlite_store *store, const struct subject *subject,
	const struct action *action, struct err *err)
{
	struct query query = start_on(store, SET_REOPENED, subject);

	(void)action;
	if (query_run(&query, err) != 0)
		return -1;
	if (subject->queued &&
		(job_delete(store, subject->job_id, err) != 0 ||
			count_one(store, subject, subject->state, -1, err) != 0))
		return -1;
	return count_one(store, subject, JOB_DEAD, 1, err);
}

/* What was delivered keeps its row in the queue, and its key, until that is purged. */
static int
delete_letter(struct sqlite_store *store, const struct subject *subject,
	const struct action *action, struct err *err)
{
	struct query query = start_on(store, DELETE_LETTER, subject);

	(void)action;
	if (query_run(&query, err) != 0)
		return -1;
	if (subject->letter == DEAD_UNRESOLVED &&
		count_one(store, subject, JOB_DEAD, -1, err) != 0)
		return -1;
	return subject->queued
		? 0
		: job_forget(store, subject->job_id, subject->endpoint_id, err);
}

/* ---- the table ------------------------------------------------------------------- */

enum {
	RUNNABLE = 1 << JOB_WAITING | 1 << JOB_DELAYED,
	PAUSED = 1 << JOB_PAUSED,
	BLOCKED = 1 << JOB_BLOCKED,
	UNRESOLVED = 1 << DEAD_UNRESOLVED,
	RESOLVED = 1 << DEAD_RESOLVED,
};

static const struct verb VERBS[] = {
	[ACT_CANCEL] = {RUNNABLE | PAUSED | BLOCKED, cancel},
	[ACT_HOLD] = {RUNNABLE | BLOCKED, hold},
	[ACT_RELEASE] = {PAUSED, release},
	[ACT_EXPEDITE] = {RUNNABLE, expedite},
	[ACT_RETRY] = {UNRESOLVED, retry},
	[ACT_RESOLVE] = {UNRESOLVED, resolve},
	[ACT_REOPEN] = {RESOLVED, reopen},
	[ACT_DELETE] = {UNRESOLVED | RESOLVED, delete_letter},
	[ACT_CLEANUP] = {RESOLVED, delete_letter},
};

const struct verb *
verb_of(const struct action *action)
{
	return &VERBS[action->verb];
}
