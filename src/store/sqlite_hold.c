/* SPDX-License-Identifier: MIT */
/*
 * Holds. An endpoint's is a column of its row, and claims pass it over. A hold on an
 * event type, or on everything, is a row of `hold`. Jobs of a held event type are
 * paused only when they would become or stay waiting, so that a hold costs nothing to
 * make. When it is lifted they are released in steps; housekeeping makes those that a
 * crash cut off.
 */
#include "store/sqlite.h"

#include <string.h>

enum {
	LOAD_HOLDS,
	HOLD_ENDPOINT_ROW,
	RELEASE_ENDPOINT_ROW,
	ADD_HOLD,
	LIFT_HOLD,
	REMOVE_HOLD,
	FIND_LIFTED,
	PAUSED_JOBS,
	RELEASE_JOB,
};

const struct sql sqlite_hold_sql[] = {
	[LOAD_HOLDS] = {"load-holds",
		"SELECT event_type FROM hold WHERE queue_id = ?1 AND releasing = 0"},
	[HOLD_ENDPOINT_ROW] = {"hold-endpoint",
		"UPDATE endpoint SET held_at = ?2 WHERE id = ?1 AND held_at IS NULL"},
	[RELEASE_ENDPOINT_ROW] = {"release-endpoint",
		"UPDATE endpoint SET held_at = NULL, not_before = 0,"
		" breaker_failures = 0, breaker_trips = 0, breaker_until = 0,"
		" breaker_opened_at = NULL, breaker_closings = breaker_closings + 1 WHERE id = ?1"
		" AND (held_at IS NOT NULL OR not_before > ?2 OR breaker_trips > 0)"},
	[ADD_HOLD] = {"add-hold",
		"INSERT INTO hold (queue_id, event_type, held_at) VALUES (?1, ?2, ?3)"
		" ON CONFLICT DO UPDATE SET releasing = 0, held_at = excluded.held_at"
		" WHERE releasing = 1"},
	[LIFT_HOLD] = {"lift-hold",
		"UPDATE hold SET releasing = 1"
		" WHERE queue_id = ?1 AND event_type = ?2 AND releasing = 0"},
	[REMOVE_HOLD] = {"remove-hold",
		"DELETE FROM hold WHERE queue_id = ?1 AND event_type = ?2"},
	[FIND_LIFTED] = {"find-lifted",
		"SELECT event_type FROM hold WHERE queue_id = ?1 AND releasing = 1"
		" LIMIT 1"},
	[PAUSED_JOBS] = {"paused-jobs",
		"SELECT q.id, q.endpoint_id, q.run_at FROM retry_queue q"
		" CROSS JOIN endpoint e ON e.id = q.endpoint_id"
		" WHERE q.state = 3 AND q.event_type = ?2 AND q.paused_by = 2"
		" AND e.queue_id = ?1 LIMIT ?3"},
	[RELEASE_JOB] = {"release-job",
		"UPDATE retry_queue SET state = ?2, paused_by = NULL WHERE id = ?1"},
	{0},
};

enum { RELEASE_CHUNK = 1000, HOLDS_FIRST = 16 };

/* ---- asking ---------------------------------------------------------------------- */

static int
grow_set(struct hold_set *holds, struct err *err)
{
	size_t room = holds->room == 0 ? HOLDS_FIRST : holds->room * 2;
	struct span *grown = arena_alloc(&holds->arena, room * sizeof(*grown));

	if (grown == NULL)
		return err_no_memory(err);
	if (holds->count > 0)
		memcpy(grown, holds->event_types, holds->count * sizeof(*grown));
	holds->event_types = grown;
	holds->room = room;
	return 0;
}

static int
add_to_set(struct hold_set *holds, struct span event_type, struct err *err)
{
	if (event_type.len == 0) {
		holds->all = true;
		return 0;
	}
	if (holds->count == holds->room && grow_set(holds, err) != 0)
		return -1;
	return arena_copy(
		&holds->arena, event_type, &holds->event_types[holds->count++], err);
}

int
holds_load(struct sqlite_store *store, struct err *err)
{
	struct hold_set *holds = &store->holds;
	struct query query = query_start(store, &sqlite_hold_sql[LOAD_HOLDS]);
	int row;

	arena_free(&holds->arena);
	*holds = (struct hold_set){0};
	bind_int(&query, store->queue_id);
	while ((row = query_next(&query, err)) == 1)
		if (add_to_set(holds, read_span(&query), err) != 0) {
			query_end(&query);
			return -1;
		}
	return row;
}

bool
holds_cover(const struct hold_set *holds, struct span event_type)
{
	for (size_t i = 0; i < holds->count; i++)
		if (span_equal(holds->event_types[i], event_type))
			return true;
	return false;
}

/* ---- endpoints ------------------------------------------------------------------- */

static int
hold_endpoint(struct sqlite_store *store, struct span name, int64_t now, int *changed,
	struct err *err)
{
	struct endpoint_change *endpoint;
	struct query query;

	/* As long as no event names the endpoint, nobody knows whether the name is one of
	 * the configuration; a URL's origin has "://" in it. */
	bool named = memmem(name.ptr, name.len, "://", 3) == NULL;

	if (endpoint_by_name(store, name, named, &endpoint, err) != 0)
		return -1;
	query = query_start(store, &sqlite_hold_sql[HOLD_ENDPOINT_ROW]);
	bind_int(&query, endpoint->id);
	bind_int(&query, now);
	return query_run_counted(&query, changed, err);
}

/* One that is not there is not made: endpoints are never deleted, and a misspelt name
 * would stay. */
static int
release_endpoint(struct sqlite_store *store, struct span name, int64_t now, int *changed,
	struct err *err)
{
	struct query query;
	int64_t id;

	if (endpoint_find(store, name, &id, err) != 0)
		return -1;
	if (id == 0)
		return 0;
	query = query_start(store, &sqlite_hold_sql[RELEASE_ENDPOINT_ROW]);
	bind_int(&query, id);
	bind_int(&query, now);
	store->poke = true;
	return query_run_counted(&query, changed, err);
}

/* ---- event types, and everything ('') -------------------------------------------- */

static int
hold_event_type(struct sqlite_store *store, struct span event_type, bool hold,
	int64_t now, int *changed, struct err *err)
{
	struct query query = query_start(
		store, &sqlite_hold_sql[hold ? ADD_HOLD : LIFT_HOLD]);

	bind_int(&query, store->queue_id);
	bind_text(&query, event_type);
	if (hold)
		bind_int(&query, now);
	store->poke = !hold;
	return query_run_counted(&query, changed, err);
}

struct paused_job {
	int64_t id;
	int64_t endpoint_id;
	int64_t run_at;
};

static int
read_paused(struct sqlite_store *store, struct span event_type, struct paused_job *jobs,
	size_t limit, size_t *count, struct err *err)
{
	struct query query = query_start(store, &sqlite_hold_sql[PAUSED_JOBS]);
	int row;

	bind_int(&query, store->queue_id);
	bind_text(&query, event_type);
	bind_int(&query, (int64_t)limit);
	for (*count = 0; (row = query_next(&query, err)) == 1; (*count)++) {
		jobs[*count].id = read_int(&query);
		jobs[*count].endpoint_id = read_int(&query);
		jobs[*count].run_at = read_int(&query);
	}
	return row;
}

/* Back to delayed: the next promotion makes those waiting that are due. */
static int
release_job(struct sqlite_store *store, const struct paused_job *job, struct err *err)
{
	struct query query = query_start(store, &sqlite_hold_sql[RELEASE_JOB]);
	enum job_state state = JOB_DELAYED;
	struct order_key key;

	if (order_key_of(store, job->id, &key, err) != 0)
		return -1;
	if (key.len > 0)
		state = JOB_BLOCKED;
	bind_int(&query, job->id);
	bind_int(&query, state);
	if (query_run(&query, err) != 0 ||
		endpoint_move(store, job->endpoint_id, JOB_PAUSED, state, err) != 0)
		return -1;
	return key.len == 0 ? 0 : order_enter(store, &key, job->id, INT64_MIN, err);
}

static int
remove_hold(struct sqlite_store *store, struct span event_type, struct err *err)
{
	struct query query = query_start(store, &sqlite_hold_sql[REMOVE_HOLD]);

	bind_int(&query, store->queue_id);
	bind_text(&query, event_type);
	return query_run(&query, err);
}

static int
release_from(struct sqlite_store *store, struct span event_type, size_t limit,
	size_t *released, struct err *err)
{
	struct paused_job jobs[RELEASE_CHUNK];
	size_t most = limit < RELEASE_CHUNK ? limit : RELEASE_CHUNK;

	if (read_paused(store, event_type, jobs, most, released, err) != 0)
		return -1;
	for (size_t i = 0; i < *released; i++)
		if (release_job(store, &jobs[i], err) != 0)
			return -1;
	return *released < most ? remove_hold(store, event_type, err) : 0;
}

/* *found: there is a hold that was lifted and not yet removed. */
static int
find_lifted(struct sqlite_store *store, struct arena *arena, struct span *event_type,
	bool *found, struct err *err)
{
	struct query query = query_start(store, &sqlite_hold_sql[FIND_LIFTED]);
	int row;

	bind_int(&query, store->queue_id);
	row = query_next(&query, err);
	*found = row == 1;
	if (row == 1) {
		row = arena_copy(arena, read_span(&query), event_type, err);
		query_end(&query);
	}
	return row;
}

int
holds_release_some(struct sqlite_store *store, size_t limit, bool *more, struct err *err)
{
	struct arena arena;
	struct span event_type;
	size_t released;
	int result;

	arena_init(&arena);
	result = find_lifted(store, &arena, &event_type, more, err);
	if (result == 0 && *more) {
		store->poke = true;
		result = release_from(store, event_type, limit, &released, err);
	}
	arena_free(&arena);
	return result;
}

static int
release_rest(struct sqlite_store *store, struct err *err)
{
	bool more = true;

	while (more) {
		if (txn_begin(store, err) != 0)
			return -1;
		if (txn_end(store, holds_release_some(store, RELEASE_CHUNK, &more, err),
			    err) != 0)
			return -1;
	}
	return 0;
}

int
sqlite_hold(struct store *base, enum hold_scope scope, struct span name, bool hold,
	int64_t now, bool *changed, struct err *err)
{
	struct sqlite_store *store = sqlite_of(base);
	int count = 0, result;

	if (scope != HOLD_ALL && name.len == 0)
		return err_set(err, ERR_DATA, "what is to be held has no name");
	if (txn_begin(store, err) != 0)
		return -1;
	if (scope == HOLD_ENDPOINT)
		result = (hold ? hold_endpoint : release_endpoint)(
			store, name, now, &count, err);
	else
		result = hold_event_type(store,
			scope == HOLD_ALL ? SPAN_LITERAL("") : name, hold, now, &count,
			err);
	if (txn_end(store, result, err) != 0)
		return -1;
	*changed = count > 0;
	return scope == HOLD_ENDPOINT || hold ? 0 : release_rest(store, err);
}
