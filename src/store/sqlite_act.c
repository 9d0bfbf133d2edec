/* SPDX-License-Identifier: MIT */
/*
 * The operator's verbs. A table says which states a verb works on and what it does to one
 * job; ids and filters only differ in how the jobs of a chunk are found. A chunk is a
 * transaction, and what happened is reported when it has ended.
 */
#include "store/sqlite.h"

#include <stdlib.h>

enum {
	SUBJECT,
	MATCH_JOBS,
	MATCH_DEAD,
	SET_STATE,
	SET_EXPEDITED,
	REQUEUE,
	SET_RETRYING,
	SET_RESOLVED,
	SET_REOPENED,
	DELETE_LETTER,
};

const struct sql sqlite_act_sql[] = {
	[SUBJECT] = {"subject",
		"SELECT e.id, coalesce(q.state, 6), coalesce(q.run_at, 0),"
		" q.id IS NOT NULL, coalesce(d.status, 3), r.event_id"
		" FROM request r LEFT JOIN retry_queue q ON q.id = r.job_id"
		" LEFT JOIN dead_letter_queue d ON d.id = r.job_id"
		" CROSS JOIN endpoint e ON e.id = coalesce(q.endpoint_id, d.endpoint_id)"
		" WHERE r.job_id = ?2 AND e.queue_id = ?1"},
	[MATCH_JOBS] = {"match-jobs",
		"SELECT q.id, 0 FROM retry_queue q"
		" CROSS JOIN endpoint e ON e.id = q.endpoint_id"
		" WHERE" JOB_FILTER
		" AND ?9 IS NOT NULL AND q.id < ?10 AND (?11 >> q.state) & 1"
		" ORDER BY q.id DESC LIMIT ?12"},
	[MATCH_DEAD] = {"match-dead",
		"SELECT d.id, d.died_at FROM dead_letter_queue d"
		" CROSS JOIN endpoint e ON e.id = d.endpoint_id"
		" WHERE" DEAD_FILTER
		" AND (d.died_at, d.id) < (?9, ?10) AND (?11 >> d.status) & 1"
		" AND (?13 IS NULL OR d.resolved_at < ?13)"
		" ORDER BY d.died_at DESC, d.id DESC LIMIT ?12"},
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

enum { ACT_CHUNK = 1000, NO_LETTER = DEAD_STATUS_COUNT };

/* What a verb is about to change, as it is now. */
struct subject {
	int64_t job_id;
	int64_t endpoint_id;
	enum job_state state;
	int64_t run_at;
	bool queued; /* it has a row in retry_queue */
	int letter;  /* enum dead_status, or NO_LETTER */
	struct span event_id;
};

static struct query
start_on(struct sqlite_store *store, int which, const struct subject *subject)
{
	struct query query = query_start(store, &sqlite_act_sql[which]);

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

struct verb {
	unsigned states; /* that it works on; 0: it works on dead letters */
	unsigned statuses;
	int (*apply)(struct sqlite_store *store, const struct subject *subject,
		const struct action *action, struct err *err);
};

enum {
	RUNNABLE = 1 << JOB_WAITING | 1 << JOB_DELAYED,
	PAUSED = 1 << JOB_PAUSED,
	BLOCKED = 1 << JOB_BLOCKED,
	UNRESOLVED = 1 << DEAD_UNRESOLVED,
	RESOLVED = 1 << DEAD_RESOLVED,
};

static const struct verb VERBS[] = {
	[ACT_CANCEL] = {RUNNABLE | PAUSED | BLOCKED, 0, cancel},
	[ACT_HOLD] = {RUNNABLE | BLOCKED, 0, hold},
	[ACT_RELEASE] = {PAUSED, 0, release},
	[ACT_EXPEDITE] = {RUNNABLE, 0, expedite},
	[ACT_RETRY] = {0, UNRESOLVED, retry},
	[ACT_RESOLVE] = {0, UNRESOLVED, resolve},
	[ACT_REOPEN] = {0, RESOLVED, reopen},
	[ACT_DELETE] = {0, UNRESOLVED | RESOLVED, delete_letter},
	[ACT_CLEANUP] = {0, RESOLVED, delete_letter},
};

/* ---- one job --------------------------------------------------------------------- */

/* A chunk of work: what is done in one transaction, and its reports. */
struct chunk {
	struct sqlite_store *store;
	const struct action *action;
	struct arena arena;
	struct action_report reports[ACT_CHUNK];
	size_t count;
};

/* *found: there is such a job in this queue. */
static int
load_subject(struct chunk *chunk, int64_t job_id, struct subject *subject, bool *found,
	struct err *err)
{
	struct query query = query_start(chunk->store, &sqlite_act_sql[SUBJECT]);
	int row, copied;

	bind_int(&query, chunk->store->queue_id);
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
	copied = arena_copy(&chunk->arena, read_span(&query), &subject->event_id, err);
	return query_done(&query, err) == 0 ? copied : -1;
}

/* Reports what the job is, and acts if the verb works on that. */
static int
act_on(struct chunk *chunk, const struct subject *subject, struct action_report *report,
	struct err *err)
{
	const struct verb *verb = &VERBS[chunk->action->verb];
	bool letter = verb->states == 0 && subject->letter != NO_LETTER;
	bool works = letter ? verb->statuses >> subject->letter & 1
			    : verb->states >> subject->state & 1;

	report->id = subject->event_id;
	report->job_id = subject->job_id;
	report->state = letter ? dead_status_name((enum dead_status)subject->letter)
			       : job_state_name(subject->state);
	report->result = works ? ACTED : ACT_WRONG_STATE;
	return works ? verb->apply(chunk->store, subject, chunk->action, err) : 0;
}

static int
act_on_named(struct chunk *chunk, struct span name, struct err *err)
{
	struct action_report *report = &chunk->reports[chunk->count++];
	struct subject subject;
	int64_t job_id;
	bool found;

	*report = (struct action_report){
		.operand = name, .id = name, .result = ACT_NOT_FOUND};
	if (job_of_name(chunk->store, name, &job_id, err) != 0 ||
		load_subject(chunk, job_id, &subject, &found, err) != 0)
		return -1;
	return found ? act_on(chunk, &subject, report, err) : 0;
}

static int
act_on_match(struct chunk *chunk, int64_t job_id, struct err *err)
{
	struct action_report *report = &chunk->reports[chunk->count];
	struct subject subject;
	bool found;

	*report = (struct action_report){0};
	if (load_subject(chunk, job_id, &subject, &found, err) != 0)
		return -1;
	if (!found)
		return 0;
	chunk->count++;
	return act_on(chunk, &subject, report, err);
}

/* ---- chunks ---------------------------------------------------------------------- */

static struct chunk *
chunk_new(struct sqlite_store *store, const struct action *action, struct err *err)
{
	struct chunk *chunk = malloc(sizeof(*chunk));

	if (chunk == NULL) {
		err_no_memory(err);
		return NULL;
	}
	chunk->store = store;
	chunk->action = action;
	chunk->count = 0;
	arena_init(&chunk->arena);
	return chunk;
}

static void
chunk_free(struct chunk *chunk)
{
	arena_free(&chunk->arena);
	free(chunk);
}

/* Ends the transaction; a dry run takes it back. Then the reports, and a clean slate. */
static int
chunk_end(struct chunk *chunk, int result, action_each *each, void *context,
	struct err *err)
{
	if (result == 0 && chunk->action->dry_run)
		txn_rollback(chunk->store);
	else if (txn_end(chunk->store, result, err) != 0)
		return -1;
	for (size_t i = 0; i < chunk->count; i++)
		if (each != NULL && each(context, &chunk->reports[i]) != 0)
			return -1;
	chunk->count = 0;
	arena_free(&chunk->arena);
	return 0;
}

static int
act_on_all_named(
	struct chunk *chunk, const struct span *ids, size_t count, struct err *err)
{
	for (size_t i = 0; i < count; i++)
		if (act_on_named(chunk, ids[i], err) != 0)
			return -1;
	return 0;
}

/*
 * A name that may mean two jobs must stop all of it, also from a later chunk. (One chunk
 * is taken back as a whole.)
 */
static int
check_names(struct sqlite_store *store, const struct span *names, size_t count,
	struct err *err)
{
	int64_t job_id;

	if (count <= ACT_CHUNK)
		return 0;
	for (size_t i = 0; i < count; i++)
		if (job_of_name(store, names[i], &job_id, err) != 0)
			return -1;
	return 0;
}

int
sqlite_act(struct store *base, const struct action *action, const struct span *ids,
	size_t count, action_each *each, void *context, struct err *err)
{
	struct chunk *chunk = chunk_new(sqlite_of(base), action, err);
	size_t at = 0, step;
	int result = chunk == NULL ? -1 : check_names(chunk->store, ids, count, err);

	for (; at < count && result == 0; at += step) {
		step = count - at < ACT_CHUNK ? count - at : ACT_CHUNK;
		result = txn_begin(chunk->store, err);
		if (result != 0)
			break;
		result = chunk_end(chunk, act_on_all_named(chunk, ids + at, step, err),
			each, context, err);
	}
	if (chunk != NULL)
		chunk_free(chunk);
	return result;
}

/* ---- all that match -------------------------------------------------------------- */

/* Which states or statuses to look for: those that the verb works on, of those asked
 * for. */
static unsigned
wanted(const struct verb *verb, const struct job_filter *filter)
{
	unsigned works = verb->states != 0 ? verb->states : verb->statuses;
	unsigned asked = verb->states != 0 ? filter->states : filter->dead_statuses;

	return asked == 0 ? works : works & asked;
}

/* The ids behind the cursor, which moves on to the last of them. */
static int
read_matches(struct chunk *chunk, const struct job_filter *filter, struct cursor *after,
	int64_t *ids, size_t limit, size_t *count, struct err *err)
{
	const struct verb *verb = &VERBS[chunk->action->verb];
	struct query query = query_start(chunk->store,
		&sqlite_act_sql[verb->states != 0 ? MATCH_JOBS : MATCH_DEAD]);
	int row;

	bind_filter(&query, filter);
	bind_int(&query, after->at);
	bind_int(&query, after->id);
	bind_int(&query, wanted(verb, filter));
	bind_int(&query, (int64_t)limit);
	if (verb->states == 0)
		bind_optional(&query, chunk->action->resolved_before != 0,
			chunk->action->resolved_before);
	for (*count = 0; (row = query_next(&query, err)) == 1; (*count)++) {
		after->id = ids[*count] = read_int(&query);
		after->at = read_int(&query);
	}
	return row;
}

static int
act_on_matches(struct chunk *chunk, const int64_t *ids, size_t count, struct err *err)
{
	for (size_t i = 0; i < count; i++)
		if (act_on_match(chunk, ids[i], err) != 0)
			return -1;
	return 0;
}

/*
 * Looking for matches may pass many jobs that do not, so it happens before the turn to
 * write; whether the verb still works on a job is seen when it is its turn.
 */
static int
act_in_chunks(struct chunk *chunk, const struct job_filter *filter, action_each *each,
	void *context, struct err *err)
{
	size_t left = filter->limit == 0 ? SIZE_MAX : filter->limit;
	size_t most = ACT_CHUNK, count = ACT_CHUNK;
	int64_t ids[ACT_CHUNK];
	struct cursor after;
	int result;

	if (cursor_read(filter->after, &after, err) != 0)
		return -1;
	for (; left > 0 && count == most; left -= count) {
		most = left < ACT_CHUNK ? left : ACT_CHUNK;
		if (read_matches(chunk, filter, &after, ids, most, &count, err) != 0)
			return -1;
		if (count == 0)
			return 0;
		if (txn_begin(chunk->store, err) != 0)
			return -1;
		result = act_on_matches(chunk, ids, count, err);
		if (chunk_end(chunk, result, each, context, err) != 0)
			return -1;
	}
	return 0;
}

int
sqlite_act_matching(struct store *base, const struct action *action,
	const struct job_filter *filter, action_each *each, void *context,
	struct err *err)
{
	struct chunk *chunk = chunk_new(sqlite_of(base), action, err);
	int result;

	if (chunk == NULL)
		return -1;
	result = act_in_chunks(chunk, filter, each, context, err);
	chunk_free(chunk);
	return result;
}
