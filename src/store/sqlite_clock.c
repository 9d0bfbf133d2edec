/* SPDX-License-Identifier: MIT */
/*
 * A clock that is set back. What waits for a time that the old clock gave would wait
 * longer by as much as that clock was ahead. So what was due by the old clock stays
 * due, and what was not keeps the rest of its wait. A time that a user gave is left as
 * it is: only those of retries, and those that hold an endpoint off, are of our own
 * making.
 */
#include "store/sqlite.h"

enum { CLOCK_LATEST, CLOCK_SET, DELAYED_BEYOND, JOB_FOLLOW, ENDPOINTS_FOLLOW };

/* ?1: now, ?2: the time of the old clock */
#define FOLLOWS(time, unit)                                                              \
	"min(" time ", ?1 * " unit " + max(0, " time " - ?2 * " unit "))"

const struct sql sqlite_clock_sql[] = {
	[CLOCK_LATEST] = {"clock-latest", "SELECT latest FROM clock", .walks = true},
	[CLOCK_SET] = {"clock-set", "UPDATE clock SET latest = ?1", .walks = true},
	[DELAYED_BEYOND] = {"delayed-beyond",
		"SELECT id, run_at, failed > 0 AND updated_at > ?1 FROM retry_queue"
		" WHERE state = 1 AND (run_at, id) > (?2, ?3)"
		" ORDER BY run_at, id LIMIT ?4"},
	[JOB_FOLLOW] = {"job-follow",
		"UPDATE retry_queue SET run_at = " FOLLOWS(
			"run_at", "1") ","
				       " updated_at = ?1 WHERE id = ?3"},
	/* As if each breaker had been closed by hand: what workers know of it, and of
	 * times to come, is out of date. */
	[ENDPOINTS_FOLLOW] = {"endpoints-follow",
		"UPDATE endpoint SET not_before = " FOLLOWS("not_before",
			"1") ","
			     " breaker_until = " FOLLOWS("breaker_until",
				     "1") ","
					  " paced_until_us = " FOLLOWS("paced_until_us",
						  "1000") ","
							  " breaker_closings = breaker_closings + 1",
		.walks = true},
	{0},
};

enum { FOLLOW_CHUNK = 1000 };

static int
read_latest(struct sqlite_store *store, int64_t *latest, struct err *err)
{
	struct query query = query_start(store, &sqlite_clock_sql[CLOCK_LATEST]);

	return query_int(&query, 0, latest, err);
}

static int
set_latest(struct sqlite_store *store, int64_t now, struct err *err)
{
	struct query query = query_start(store, &sqlite_clock_sql[CLOCK_SET]);

	bind_int(&query, now);
	return query_run(&query, err);
}

int
clock_note(struct sqlite_store *store, int64_t now, struct err *err)
{
	int64_t latest;

	if (read_latest(store, &latest, err) != 0)
		return -1;
	return now - latest > CLOCK_SLACK_MS ? set_latest(store, now, err) : 0;
}

/* ---- set back -------------------------------------------------------------------- */

/* Where the walk over the delayed jobs has got to. */
struct walk {
	int64_t now;
	int64_t latest; /* the time of the old clock */
	int64_t run_at; /* of the last job that was looked at */
	int64_t id;
	bool over;
};

/* The next jobs' ids, of those that were put off by the old clock. */
static int
read_put_off(struct sqlite_store *store, struct walk *walk, int64_t *ids, size_t *count,
	struct err *err)
{
	struct query query = query_start(store, &sqlite_clock_sql[DELAYED_BEYOND]);
	int row, rows = 0;

	*count = 0;
	bind_int(&query, walk->now);
	bind_int(&query, walk->run_at);
	bind_int(&query, walk->id);
	bind_int(&query, FOLLOW_CHUNK);
	for (; (row = query_next(&query, err)) == 1; rows++) {
		walk->id = read_int(&query);
		walk->run_at = read_int(&query);
		if (read_int(&query))
			ids[(*count)++] = walk->id;
	}
	walk->over = rows < FOLLOW_CHUNK;
	return row;
}

static int
move_some(struct sqlite_store *store, struct walk *walk, struct err *err)
{
	int64_t ids[FOLLOW_CHUNK];
	size_t count;

	if (read_put_off(store, walk, ids, &count, err) != 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		struct query query = query_start(store, &sqlite_clock_sql[JOB_FOLLOW]);

		bind_int(&query, walk->now);
		bind_int(&query, walk->latest);
		bind_int(&query, ids[i]);
		if (query_run(&query, err) != 0)
			return -1;
	}
	return 0;
}

static int
move_endpoints(struct sqlite_store *store, const struct walk *walk, struct err *err)
{
	struct query query = query_start(store, &sqlite_clock_sql[ENDPOINTS_FOLLOW]);

	bind_int(&query, walk->now);
	bind_int(&query, walk->latest);
	if (query_run(&query, err) != 0)
		return -1;
	return set_latest(store, walk->now, err);
}

/* In the turn to write, for another worker may have done it: the first to finish says
 * that there is nothing left to do. */
static int
follow_step(struct sqlite_store *store, struct walk *walk, struct err *err)
{
	int64_t latest;

	if (read_latest(store, &latest, err) != 0)
		return -1;
	if (latest - walk->now <= CLOCK_SLACK_MS) {
		walk->over = true;
		return 0;
	}
	if (move_some(store, walk, err) != 0)
		return -1;
	return walk->over ? move_endpoints(store, walk, err) : 0;
}

/* A job that has moved carries a time that is not ahead any more, so that whoever starts
 * over does not move it again. */
static int
set_back(struct sqlite_store *store, int64_t now, int64_t latest, struct err *err)
{
	struct walk walk = {.now = now, .latest = latest, .run_at = now};

	while (!walk.over) {
		if (txn_begin(store, err) != 0)
			return -1;
		if (txn_end(store, follow_step(store, &walk, err), err) != 0)
			return -1;
	}
	return 0;
}

int
clock_follow(struct sqlite_store *store, int64_t now, struct err *err)
{
	int64_t seen = store->clock_seen;
	int64_t latest;

	if (read_latest(store, &latest, err) != 0)
		return -1;
	if (latest - now > CLOCK_SLACK_MS &&
		set_back(store, now, seen > latest ? seen : latest, err) != 0)
		return -1;
	store->clock_seen = now;
	if (now - latest <= CLOCK_SLACK_MS)
		return 0;
	if (txn_begin(store, err) != 0)
		return -1;
	return txn_end(store, clock_note(store, now, err), err);
}
