/* SPDX-License-Identifier: MIT */
/*
 * The operator's verbs on many jobs. Ids and filters only differ in how the jobs of a
 * chunk are found. A chunk is a transaction, and what happened is reported when it has
 * ended.
 */
#include "store/sqlite_verb.h"

#include <stdlib.h>

enum { ACT_CHUNK = 1000 };

enum { MATCH_JOBS, MATCH_DEAD };

const struct sql sqlite_act_sql[] = {
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
	{0},
};

/* A chunk of work: what is done in one transaction, and its reports. */
struct chunk {
	struct sqlite_store *store;
	const struct action *action;
	struct arena arena;
	struct action_report reports[ACT_CHUNK];
	size_t count;
};

/* Reports what the job is, and acts if the verb works on that. */
static int
act_on(struct chunk *chunk, const struct subject *subject, struct action_report *report,
	struct err *err)
{
	const struct verb *verb = verb_of(chunk->action);
	bool letters = action_is_on_letters(chunk->action->verb);
	bool works = verb->works_on >> (letters ? subject->letter : (int)subject->state) &
		1;

	report->id = subject->event_id;
	report->job_id = subject->job_id;
	report->state = letters && subject->letter != NO_LETTER
		? dead_status_name((enum dead_status)subject->letter)
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
		subject_load(
			chunk->store, job_id, &chunk->arena, &subject, &found, err) != 0)
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
	if (subject_load(chunk->store, job_id, &chunk->arena, &subject, &found, err) != 0)
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
wanted(const struct action *action, const struct job_filter *filter)
{
	unsigned works_on = verb_of(action)->works_on;
	unsigned asked = action_is_on_letters(action->verb) ? filter->dead_statuses
							    : filter->states;

	return asked == 0 ? works_on : works_on & asked;
}

/* The ids behind the cursor, which moves on to the last of them. */
static int
read_matches(struct chunk *chunk, const struct job_filter *filter, struct cursor *after,
	int64_t *ids, size_t limit, size_t *count, struct err *err)
{
	const struct action *action = chunk->action;
	bool letters = action_is_on_letters(action->verb);
	struct query query = query_start(
		chunk->store, &sqlite_act_sql[letters ? MATCH_DEAD : MATCH_JOBS]);
	int row;

	bind_filter(&query, filter);
	bind_int(&query, after->at);
	bind_int(&query, after->id);
	bind_int(&query, wanted(action, filter));
	bind_int(&query, (int64_t)limit);
	if (letters)
		bind_optional(
			&query, action->resolved_before != 0, action->resolved_before);
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
	/* No index knows that nothing matches: all rows would be passed. */
	if (wanted(chunk->action, filter) == 0)
		return 0;
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
