/* SPDX-License-Identifier: MIT */
/*
 * Endpoints and their counters. A transaction gathers what it changes per endpoint in
 * memory and writes each row once. Endpoints are never deleted, so that what a handle has
 * learnt of them stays true whatever other processes do.
 */
#include "store/sqlite.h"

enum {
	QUEUE_FIND,
	QUEUE_ADD,
	ENDPOINT_FIND,
	ENDPOINT_ADD,
	ENDPOINT_FLUSH,
	FLUSH_BREAKER,
	FLUSH_PACE
};

const struct sql sqlite_endpoint_sql[] = {
	[QUEUE_FIND] = {"queue-find", "SELECT id FROM queue WHERE name = ?1"},
	[QUEUE_ADD] = {"queue-add",
		"INSERT INTO queue (name) VALUES (?1) ON CONFLICT DO NOTHING"},
	[ENDPOINT_FIND] = {"endpoint-find",
		"SELECT id FROM endpoint WHERE queue_id = ?1 AND name = ?2"},
	[ENDPOINT_ADD] = {"endpoint-add",
		"INSERT INTO endpoint (queue_id, name, named) VALUES (?1, ?2, ?3)"},
	[ENDPOINT_FLUSH] = {"endpoint-flush",
		"UPDATE endpoint SET waiting = waiting + ?2, delayed = delayed + ?3,"
		" active = active + ?4, paused = paused + ?5,"
		" completed = completed + ?6, cancelled = cancelled + ?7,"
		" dead = dead + ?8, blocked = blocked + ?9,"
		" not_before = max(not_before, ?10), served = max(served, ?11),"
		" claims = claims + ?12,"
		" unconfigured_at = CASE WHEN ?13 > 0 THEN coalesce(unconfigured_at, ?13)"
		" WHEN ?12 = 0 THEN unconfigured_at END"
		" WHERE id = ?1"},
	/*
	 * A breaker that another worker's failures opened is closed by a delivery only.
	 * One that was closed meanwhile is not opened again by failures from before.
	 */
	[FLUSH_BREAKER] = {"flush-breaker",
		"UPDATE endpoint SET breaker_failures = ?2, breaker_trips = ?3,"
		" breaker_until = ?4, breaker_opened_at ="
		" CASE WHEN ?3 > 0 THEN coalesce(breaker_opened_at, ?5) END,"
		" breaker_closings = breaker_closings + (?2 = 0 AND breaker_trips > 0)"
		" WHERE id = ?1 AND (?2 = 0"
		" OR (breaker_closings = ?6 AND breaker_trips <= ?3))"},
	[FLUSH_PACE] = {"flush-pace",
		"UPDATE endpoint SET paced_until_us = ?2 WHERE id = ?1"},
	{0},
};

/* More than that and the cache starts anew, so that memory stays bounded. */
enum { ENDPOINTS_CACHED = 20000 };

void
endpoints_init(struct endpoint_cache *cache)
{
	map_init(&cache->by_name);
	map_init(&cache->by_id);
	arena_init(&cache->arena);
	cache->changed = NULL;
	cache->affects_claims = false;
}

void
endpoints_free(struct endpoint_cache *cache)
{
	map_free(&cache->by_name);
	map_free(&cache->by_id);
	arena_free(&cache->arena);
}

void
endpoints_forget(struct endpoint_cache *cache)
{
	endpoints_free(cache);
	endpoints_init(cache);
}

void
endpoints_trim(struct endpoint_cache *cache)
{
	if (cache->by_id.len > ENDPOINTS_CACHED)
		endpoints_forget(cache);
}

static int
queue_id(struct sqlite_store *store, struct err *err)
{
	struct query query = query_start(store, &sqlite_endpoint_sql[QUEUE_FIND]);

	bind_text(&query, span_of(store->queue));
	return query_int(&query, 0, &store->queue_id, err);
}

int
queue_find(struct sqlite_store *store, struct err *err)
{
	struct query add;

	if (queue_id(store, err) != 0)
		return -1;
	if (store->queue_id != 0 || store->mode == STORE_READ)
		return 0;
	if (txn_begin(store, err) != 0)
		return -1;
	add = query_start(store, &sqlite_endpoint_sql[QUEUE_ADD]);
	bind_text(&add, span_of(store->queue));
	if (txn_end(store, query_run(&add, err), err) != 0)
		return -1;
	return queue_id(store, err);
}

int
endpoint_by_id(struct sqlite_store *store, int64_t id, struct endpoint_change **endpoint,
	struct err *err)
{
	struct endpoint_cache *cache = &store->endpoints;
	struct span key = {(const char *)&id, sizeof(id)};

	*endpoint = map_get(&cache->by_id, key);
	if (*endpoint != NULL)
		return 0;
	*endpoint = arena_alloc(&cache->arena, sizeof(**endpoint));
	if (*endpoint == NULL)
		return err_no_memory(err);
	(*endpoint)->id = id;
	return map_set(&cache->by_id, key, *endpoint, err);
}

int
endpoint_find(struct sqlite_store *store, struct span name, int64_t *id, struct err *err)
{
	struct query query = query_start(store, &sqlite_endpoint_sql[ENDPOINT_FIND]);

	bind_int(&query, store->queue_id);
	bind_text(&query, name);
	return query_int(&query, 0, id, err);
}

static int
find_or_add(struct sqlite_store *store, struct span name, bool named, int64_t *id,
	struct err *err)
{
	struct query add;

	if (endpoint_find(store, name, id, err) != 0)
		return -1;
	if (*id != 0)
		return 0;
	add = query_start(store, &sqlite_endpoint_sql[ENDPOINT_ADD]);
	bind_int(&add, store->queue_id);
	bind_text(&add, name);
	bind_int(&add, named);
	if (query_run(&add, err) != 0)
		return -1;
	*id = sqlite3_last_insert_rowid(store->db);
	return 0;
}

int
endpoint_by_name(struct sqlite_store *store, struct span name, bool named,
	struct endpoint_change **endpoint, struct err *err)
{
	int64_t id;

	*endpoint = map_get(&store->endpoints.by_name, name);
	if (*endpoint != NULL)
		return 0;
	if (find_or_add(store, name, named, &id, err) != 0 ||
		endpoint_by_id(store, id, endpoint, err) != 0)
		return -1;
	return map_set(&store->endpoints.by_name, name, *endpoint, err);
}

void
endpoint_count(struct sqlite_store *store, struct endpoint_change *endpoint,
	enum job_state state, int by)
{
	endpoint->counts[state] += by;
	if (state == JOB_WAITING && by > 0)
		store->endpoints.affects_claims = true;
	if (endpoint->changed)
		return;
	endpoint->changed = true;
	endpoint->next_changed = store->endpoints.changed;
	store->endpoints.changed = endpoint;
}

int
endpoint_move(struct sqlite_store *store, int64_t id, enum job_state from,
	enum job_state to, struct err *err)
{
	struct endpoint_change *endpoint;

	if (endpoint_by_id(store, id, &endpoint, err) != 0)
		return -1;
	endpoint_count(store, endpoint, from, -1);
	endpoint_count(store, endpoint, to, 1);
	return 0;
}

struct breaker
read_breaker(struct query *query)
{
	struct breaker breaker;

	breaker.failures = (int)read_int(query);
	breaker.trips = (int)read_int(query);
	breaker.open_until = read_int(query);
	return breaker;
}

int
endpoint_learn(struct sqlite_store *store, const struct settle *settle, int64_t now,
	struct err *err)
{
	struct endpoint_change *endpoint;

	if (!settle->breaker_changed)
		return 0;
	if (endpoint_by_id(store, settle->endpoint_id, &endpoint, err) != 0)
		return -1;
	endpoint->breaker_changed = true;
	endpoint->breaker = settle->breaker;
	endpoint->breaker_at = now;
	endpoint->closings = settle->closings;
	endpoint_count(store, endpoint, JOB_ACTIVE, 0);
	store->endpoints.affects_claims = true;
	/* Closed again: other workers too may have what waits. */
	store->poke = store->poke || settle->breaker.failures == 0;
	return 0;
}

static int
flush_breaker(
	struct sqlite_store *store, struct endpoint_change *endpoint, struct err *err)
{
	const struct breaker *breaker = &endpoint->breaker;
	struct query query = query_start(store, &sqlite_endpoint_sql[FLUSH_BREAKER]);

	bind_int(&query, endpoint->id);
	bind_int(&query, breaker->failures);
	bind_int(&query, breaker->trips);
	bind_int(&query, breaker->open_until);
	bind_int(&query, endpoint->breaker_at);
	bind_int(&query, endpoint->closings);
	endpoint->breaker_changed = false;
	return query_run(&query, err);
}

static int
flush_pace(struct sqlite_store *store, struct endpoint_change *endpoint, struct err *err)
{
	struct query query = query_start(store, &sqlite_endpoint_sql[FLUSH_PACE]);

	bind_int(&query, endpoint->id);
	bind_int(&query, endpoint->paced_until_us);
	endpoint->paced_until_us = 0;
	return query_run(&query, err);
}

static int
flush_counters(
	struct sqlite_store *store, struct endpoint_change *endpoint, struct err *err)
{
	struct query query = query_start(store, &sqlite_endpoint_sql[ENDPOINT_FLUSH]);

	bind_int(&query, endpoint->id);
	for (int state = 0; state < JOB_STATE_COUNT; state++) {
		bind_int(&query, endpoint->counts[state]);
		endpoint->counts[state] = 0;
	}
	bind_int(&query, endpoint->not_before);
	bind_int(&query, endpoint->served);
	bind_int(&query, endpoint->claims);
	bind_int(&query, endpoint->unconfigured_at);
	endpoint->not_before = endpoint->served = endpoint->claims = 0;
	endpoint->unconfigured_at = 0;
	endpoint->changed = false;
	return query_run(&query, err);
}

static int
flush(struct sqlite_store *store, struct endpoint_change *endpoint, struct err *err)
{
	if (flush_counters(store, endpoint, err) != 0)
		return -1;
	if (endpoint->breaker_changed && flush_breaker(store, endpoint, err) != 0)
		return -1;
	return endpoint->paced_until_us == 0 ? 0 : flush_pace(store, endpoint, err);
}

int
endpoints_flush(struct sqlite_store *store, struct err *err)
{
	struct endpoint_cache *cache = &store->endpoints;

	for (; cache->changed != NULL; cache->changed = cache->changed->next_changed)
		if (flush(store, cache->changed, err) != 0)
			return -1;
	cache->affects_claims = false;
	return 0;
}
