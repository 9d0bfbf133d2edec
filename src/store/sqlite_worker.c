/* SPDX-License-Identifier: MIT */
/*
 * Workers: who is alive, from the first sign of life to the last.
 */
#include "store/sqlite.h"

#include <unistd.h>

enum { REGISTER, UNREGISTER, FIND_WORKER, WORKER_ROWS, NEXT_IDLE };

const struct sql sqlite_worker_sql[] = {
	[REGISTER] = {"register-worker",
		"INSERT INTO worker (id, boot_id, pid, started_at, expires_at)"
		" VALUES (?1, ?2, ?3, ?4, ?5)"
		" ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at"},
	[UNREGISTER] = {"unregister-worker", "DELETE FROM worker WHERE id = ?1"},
	[FIND_WORKER] = {"find-worker",
		"SELECT id, boot_id, expires_at FROM worker WHERE id = ?1"},
	[WORKER_ROWS] = {"worker-rows", "SELECT id, boot_id, expires_at FROM worker",
		.walks = true},
	[NEXT_IDLE] = {"next-idle-worker",
		"SELECT id, boot_id, expires_at FROM worker WHERE id > ?1"
		" AND NOT EXISTS (SELECT 1 FROM retry_queue"
		" WHERE state = 2 AND retry_queue.worker = worker.id)"
		" ORDER BY id LIMIT 1"},
	{0},
};

/* ---- signs of life --------------------------------------------------------------- */

struct worker_row
read_worker(struct query *query)
{
	struct worker_row worker;

	worker.id = read_int(query);
	worker.boot_id = read_span(query);
	worker.expires_at = read_int(query);
	return worker;
}

bool
worker_lives(struct sqlite_store *store, const struct worker_row *worker, int64_t now)
{
	if (worker->id == store->worker)
		return true;
	if (span_is(worker->boot_id, store->boot_id))
		return side_file_worker_lives(&store->side, worker->id);
	return worker->expires_at > now;
}

int
worker_with_id_lives(struct sqlite_store *store, int64_t worker, int64_t now, bool *lives,
	struct err *err)
{
	struct query query = query_start(store, &sqlite_worker_sql[FIND_WORKER]);
	struct worker_row found;
	int row;

	bind_int(&query, worker);
	row = query_next(&query, err);
	if (row < 0)
		return -1;
	if (row == 0) {
		*lives = worker == store->worker ||
			side_file_worker_lives(&store->side, worker);
		return 0;
	}
	found = read_worker(&query);
	*lives = worker_lives(store, &found, now);
	query_end(&query);
	return 0;
}

int
workers_count(struct sqlite_store *store, int64_t now, int64_t *alive, struct err *err)
{
	struct query query = query_start(store, &sqlite_worker_sql[WORKER_ROWS]);
	int row;

	*alive = 0;
	while ((row = query_next(&query, err)) == 1) {
		struct worker_row worker = read_worker(&query);

		*alive += worker_lives(store, &worker, now);
	}
	return row;
}

/* ---- starting -------------------------------------------------------------------- */

static int
register_worker(struct sqlite_store *store, int64_t worker, int64_t now, struct err *err)
{
	struct query query = query_start(store, &sqlite_worker_sql[REGISTER]);

	bind_int(&query, worker);
	bind_text(&query, span_of(store->boot_id));
	bind_int(&query, getpid());
	bind_int(&query, now);
	bind_int(&query, now + store->lease_ms);
	return query_run(&query, err);
}

static int
unregister(struct sqlite_store *store, int64_t worker, struct err *err)
{
	struct query query = query_start(store, &sqlite_worker_sql[UNREGISTER]);

	bind_int(&query, worker);
	return query_run(&query, err);
}

/* The next worker behind *id that holds no job; *lives says whether it is alive. */
static int
next_idle(struct sqlite_store *store, int64_t now, int64_t *id, bool *lives,
	struct err *err)
{
	struct query query = query_start(store, &sqlite_worker_sql[NEXT_IDLE]);
	struct worker_row worker;
	int row;

	bind_int(&query, *id);
	row = query_next(&query, err);
	if (row != 1) {
		*id = 0;
		return row;
	}
	worker = read_worker(&query);
	*lives = worker_lives(store, &worker, now);
	*id = worker.id;
	query_end(&query);
	return 0;
}

/* Their flight records, too: they are of no more use, and nobody else removes them. */
static int
forget_dead_workers(struct sqlite_store *store, int64_t now, struct err *err)
{
	int64_t id = 0;
	bool lives;

	do {
		if (next_idle(store, now, &id, &lives, err) != 0)
			return -1;
		if (id == 0 || lives)
			continue;
		if (unregister(store, id, err) != 0)
			return -1;
		flight_record_remove(store->path, id);
	} while (id != 0);
	return 0;
}

/* The lock first: a row without its lock would be that of a dead worker. */
static int
start_worker(struct sqlite_store *store, int64_t now, int64_t *worker, struct err *err)
{
	if (forget_dead_workers(store, now, err) != 0 ||
		sequence_take(store, SEQUENCE_WORKER, 1, worker, err) != 0 ||
		side_file_hold_worker(&store->side, *worker, err) != 0)
		return -1;
	return register_worker(store, *worker, now, err);
}

/* Whether the file of its flights may tell something: it has not been forgotten yet, or
 * is about to come or go. */
static bool
is_known(void *context, int64_t worker)
{
	struct sqlite_store *store = context;
	struct query query = query_start(store, &sqlite_worker_sql[FIND_WORKER]);
	int row;

	bind_int(&query, worker);
	row = query_next(&query, NULL);
	if (row == 1)
		query_end(&query);
	return row != 0 || side_file_worker_lives(&store->side, worker);
}

int
sqlite_worker_start(struct store *base, int64_t now, int64_t lease_ms, int64_t *worker,
	struct err *err)
{
	struct sqlite_store *store = sqlite_of(base);

	*worker = 0;
	store->lease_ms = lease_ms;
	if (txn_begin(store, err) != 0)
		return -1;
	if (txn_end(store, start_worker(store, now, worker, err), err) != 0) {
		side_file_release_worker(&store->side, *worker);
		return -1;
	}
	store->worker = *worker;
	flight_records_sweep(store->path, is_known, store);
	return 0;
}

int
sqlite_worker_beat(struct store *base, int64_t now, struct err *err)
{
	struct sqlite_store *store = sqlite_of(base);

	if (store->worker == 0)
		return err_set(err, ERR_BUG, "the worker has not been started");
	if (txn_begin(store, err) != 0)
		return -1;
	return txn_end(store, register_worker(store, store->worker, now, err), err);
}

int
sqlite_worker_flights(
	struct store *base, size_t places, _Atomic int64_t **jobs, struct err *err)
{
	struct sqlite_store *store = sqlite_of(base);

	if (store->worker == 0 || store->flights.jobs != NULL)
		return err_set(err, ERR_BUG, "not a worker that has just been started");
	if (flight_record_make(
		    &store->flights, store->path, store->worker, places, err) != 0)
		return -1;
	*jobs = store->flights.jobs;
	return 0;
}

/* ---- stopping -------------------------------------------------------------------- */

enum { STOP_CHUNK = 1000 };

static int
stop_step(struct sqlite_store *store, int64_t now, size_t *count, struct err *err)
{
	if (worker_give_back(store, now, STOP_CHUNK, count, err) != 0)
		return -1;
	return *count == STOP_CHUNK ? 0 : unregister(store, store->worker, err);
}

int
sqlite_worker_stop(struct store *base, int64_t now, struct err *err)
{
	struct sqlite_store *store = sqlite_of(base);
	size_t count = STOP_CHUNK;

	if (store->worker == 0)
		return 0;
	while (count == STOP_CHUNK) {
		if (txn_begin(store, err) != 0)
			return -1;
		if (txn_end(store, stop_step(store, now, &count, err), err) != 0)
			return -1;
	}
	flight_record_remove(store->path, store->worker);
	side_file_release_worker(&store->side, store->worker);
	store->worker = 0;
	return 0;
}
