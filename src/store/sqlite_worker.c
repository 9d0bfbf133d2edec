/* SPDX-License-Identifier: MIT */
/*
 * Workers: who is alive, and taking back the jobs of those who are not.
 */
#include "store/sqlite.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	REGISTER,
	UNREGISTER,
	NEXT_HOLDER,
	FIND_WORKER,
	JOBS_OF_WORKER,
	TAKE_BACK,
	NEXT_IDLE,
};

const struct sql sqlite_worker_sql[] = {
	[REGISTER] = {"register-worker",
		"INSERT INTO worker (id, boot_id, pid, started_at, expires_at)"
		" VALUES (?1, ?2, ?3, ?4, ?5)"
		" ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at"},
	[UNREGISTER] = {"unregister-worker", "DELETE FROM worker WHERE id = ?1"},
	[NEXT_HOLDER] = {"next-holder",
		"SELECT worker FROM retry_queue WHERE state = 2 AND worker > ?1"
		" ORDER BY worker LIMIT 1"},
	[FIND_WORKER] = {"find-worker",
		"SELECT id, boot_id, expires_at FROM worker WHERE id = ?1"},
	[JOBS_OF_WORKER] = {"jobs-of-worker",
		"SELECT q.id, q.endpoint_id, q.crashes, r.event_id"
		" FROM retry_queue q CROSS JOIN request r ON r.job_id = q.id"
		" WHERE q.state = 2 AND q.worker = ?1 LIMIT ?2"},
	[TAKE_BACK] = {"take-back",
		"UPDATE retry_queue SET state = 0, crashes = ?3, updated_at = ?2"
		" WHERE id = ?1"},
	[NEXT_IDLE] = {"next-idle-worker",
		"SELECT id, boot_id, expires_at FROM worker WHERE id > ?1"
		" AND NOT EXISTS (SELECT 1 FROM retry_queue"
		" WHERE state = 2 AND retry_queue.worker = worker.id)"
		" ORDER BY id LIMIT 1"},
	{0},
};

enum { CRASHES_MAX = 3, STOP_CHUNK = 1000, RECLAIM_MAX = 10000 };

bool
worker_lives(struct sqlite_store *store, const struct worker_row *worker, int64_t now)
{
	if (worker->id == store->worker)
		return true;
	if (span_is(worker->boot_id, store->boot_id))
		return side_file_worker_lives(&store->side, worker->id);
	return worker->expires_at > now;
}

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
	worker.id = read_int(&query);
	worker.boot_id = read_span(&query);
	worker.expires_at = read_int(&query);
	*lives = worker_lives(store, &worker, now);
	*id = worker.id;
	query_end(&query);
	return 0;
}

/* Their files, too, which tell nothing any more: nobody else removes them. */
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

/* ---- the jobs of one worker ------------------------------------------------------ */

/* A job that is taken from a worker; the event id is in the list's arena. */
struct held_job {
	int64_t id;
	int64_t endpoint_id;
	int crashes;
	struct span event_id;
};

static int
read_held(struct query *query, struct arena *arena, struct held_job *job, struct err *err)
{
	job->id = read_int(query);
	job->endpoint_id = read_int(query);
	job->crashes = (int)read_int(query);
	return arena_copy(arena, read_span(query), &job->event_id, err);
}

static int
jobs_of_worker(struct sqlite_store *store, int64_t worker, struct arena *arena,
	struct held_job *jobs, size_t limit, size_t *count, struct err *err)
{
	struct query query = query_start(store, &sqlite_worker_sql[JOBS_OF_WORKER]);
	int row;

	bind_int(&query, worker);
	bind_int(&query, (int64_t)limit);
	for (*count = 0; (row = query_next(&query, err)) == 1; (*count)++)
		if (read_held(&query, arena, &jobs[*count], err) != 0) {
			query_end(&query);
			return -1;
		}
	return row;
}

static int
make_waiting(struct sqlite_store *store, const struct held_job *job, int64_t now,
	struct err *err)
{
	struct query query = query_start(store, &sqlite_worker_sql[TAKE_BACK]);

	bind_int(&query, job->id);
	bind_int(&query, now);
	bind_int(&query, job->crashes);
	store->poke = true;
	if (query_run(&query, err) != 0)
		return -1;
	return endpoint_move(store, job->endpoint_id, JOB_ACTIVE, JOB_WAITING, err);
}

/* ---- stopping -------------------------------------------------------------------- */

static int
give_back(struct sqlite_store *store, int64_t now, size_t *count, struct err *err)
{
	struct held_job *jobs = calloc(STOP_CHUNK, sizeof(*jobs));
	struct arena arena;
	int result = -1;

	if (jobs == NULL)
		return err_no_memory(err);
	arena_init(&arena);
	result = jobs_of_worker(
		store, store->worker, &arena, jobs, STOP_CHUNK, count, err);
	for (size_t i = 0; i < *count && result == 0; i++)
		result = make_waiting(store, &jobs[i], now, err);
	arena_free(&arena);
	free(jobs);
	return result;
}

static int
stop_step(struct sqlite_store *store, int64_t now, size_t *count, struct err *err)
{
	if (give_back(store, now, count, err) != 0)
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

/* ---- taking back ----------------------------------------------------------------- */

/* Whether that worker is alive; one that has no row lives by its lock alone. */
static int
holder_lives(struct sqlite_store *store, int64_t worker, int64_t now, bool *lives,
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
	found.id = read_int(&query);
	found.boot_id = read_span(&query);
	found.expires_at = read_int(&query);
	*lives = worker_lives(store, &found, now);
	query_end(&query);
	return 0;
}

/* The next worker behind *worker that holds jobs and is dead; 0 if there is none. */
static int
next_dead_holder(
	struct sqlite_store *store, int64_t now, int64_t *worker, struct err *err)
{
	bool lives = true;

	while (lives) {
		struct query query = query_start(store, &sqlite_worker_sql[NEXT_HOLDER]);

		bind_int(&query, *worker);
		if (query_int(&query, 0, worker, err) != 0)
			return -1;
		if (*worker == 0)
			return 0;
		if (holder_lives(store, *worker, now, &lives, err) != 0)
			return -1;
	}
	return 0;
}

static int
bury_crashed(struct sqlite_store *store, const struct held_job *job, int64_t now,
	struct err *err)
{
	struct failure failure = {
		.type = ERROR_UNKNOWN,
		.category = CATEGORY_NON_RETRYABLE,
		.rule = SPAN_LITERAL("crash-loop"),
		.reason = SPAN_LITERAL("three workers died while they delivered it"),
	};
	struct burial burial = {
		.job_id = job->id,
		.endpoint_id = job->endpoint_id,
		.from = JOB_WAITING,
		.death = DEAD_CRASH_LOOP,
		.now = now,
		.failure = &failure,
	};

	return job_bury(store, &burial, err);
}

static int
take_back(struct sqlite_store *store, const struct held_job *job, int64_t now,
	struct stalled_list *list, struct err *err)
{
	struct stalled_job *stalled = &list->jobs[list->count];

	stalled->job_id = job->id;
	stalled->event_id = job->event_id;
	stalled->crashes = job->crashes;
	stalled->dead = job->crashes >= CRASHES_MAX;
	if (make_waiting(store, job, now, err) != 0)
		return -1;
	list->count++;
	if (!stalled->dead)
		return 0;
	/* The row has its third crash by now, and is counted as waiting. */
	return bury_crashed(store, job, now, err);
}

static int
take_back_from(struct sqlite_store *store, int64_t worker, int64_t now, size_t limit,
	struct stalled_list *list, struct err *err)
{
	struct held_job *jobs = calloc(limit, sizeof(*jobs));
	struct flight_record flights;
	size_t count = 0;
	int result;

	if (jobs == NULL)
		return err_no_memory(err);
	flight_record_open(&flights, store->path, worker);
	result = jobs_of_worker(store, worker, &list->arena, jobs, limit, &count, err);
	for (size_t i = 0; i < count && result == 0; i++) {
		jobs[i].crashes += flights.jobs == NULL ||
			flight_record_has(&flights, jobs[i].id);
		result = take_back(store, &jobs[i], now, list, err);
	}
	flight_record_close(&flights);
	free(jobs);
	return result;
}

static int
reclaim_all(struct sqlite_store *store, int64_t now, size_t limit,
	struct stalled_list *list, struct err *err)
{
	int64_t worker = 0;

	while (list->count < limit) {
		if (next_dead_holder(store, now, &worker, err) != 0)
			return -1;
		if (worker == 0)
			return 0;
		if (take_back_from(store, worker, now, limit - list->count, list, err) !=
			0)
			return -1;
	}
	return 0;
}

/* Nearly always nobody has died, and then nobody needs the turn to write. */
int
sqlite_reclaim(struct store *base, int64_t now, size_t limit, struct stalled_list *list,
	struct err *err)
{
	struct sqlite_store *store = sqlite_of(base);
	int64_t worker = 0;

	*list = (struct stalled_list){0};
	arena_init(&list->arena);
	if (limit == 0)
		return 0;
	if (limit > RECLAIM_MAX)
		limit = RECLAIM_MAX;
	if (clock_follow(store, now, err) != 0)
		return -1;
	if (next_dead_holder(store, now, &worker, err) != 0)
		return -1;
	if (worker == 0)
		return 0;
	list->jobs = arena_alloc(&list->arena, limit * sizeof(*list->jobs));
	if (list->jobs == NULL)
		return err_no_memory(err);
	if (txn_begin(store, err) == 0 &&
		txn_end(store, reclaim_all(store, now, limit, list, err), err) == 0)
		return 0;
	arena_free(&list->arena);
	*list = (struct stalled_list){0};
	return -1;
}
