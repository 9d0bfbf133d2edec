/* SPDX-License-Identifier: MIT */
/*
 * insert_ours DB COUNT ROWS_PER_COMMIT: the limit of whenqueue on our own schema. DB is a
 * store into which whenqueue has put one event; this adds, with prepared statements and
 * nothing else, the rows that it would leave for COUNT more like it.
 */
#include "tool.h"

#include <sqlite3.h>
#include <stdio.h>

enum { AUTOCHECKPOINT = 10000, FIRST_ID = 2 };

/* ?1 the job's id, ?2 its event id, ?3 the body, ?4 the time in milliseconds */
static const char *const inserts[] = {
	"INSERT INTO retry_queue(id, endpoint_id, state, priority, run_at, created_at,"
	" updated_at, attempt, attempts_made, max_attempts, event_type)"
	" VALUES(?1, 1, 0, 0, ?4, ?4, ?4, 0, 0, 10, 'invoice.paid')",
	"INSERT INTO request(job_id, event_id, url, body_kind, body)"
	" VALUES(?1, ?2, 'http://127.0.0.1:9/hook', 1, ?3)",
	"INSERT INTO job_key(queue_id, event_id, job_id) VALUES(1, ?2, ?1)",
};
enum { INSERTS = sizeof(inserts) / sizeof(inserts[0]) };

static void
execute(sqlite3 *db, const char *sql)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail("%s: %s", sql, sqlite3_errmsg(db));
}

static sqlite3 *
open_store(const char *path, sqlite3_stmt *statements[INSERTS])
{
	sqlite3 *db;

	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
		fail("%s: %s", path, sqlite3_errmsg(db));
	execute(db, "PRAGMA synchronous=FULL");
	sqlite3_wal_autocheckpoint(db, AUTOCHECKPOINT);
	for (size_t i = 0; i < INSERTS; i++) {
		if (sqlite3_prepare_v3(db, inserts[i], -1, SQLITE_PREPARE_PERSISTENT,
			    &statements[i], NULL) != SQLITE_OK)
			fail("%s: %s", inserts[i], sqlite3_errmsg(db));
	}
	return db;
}

/* Binds by what each statement has: not all of them have all parameters. */
static void
bind(sqlite3_stmt *statement, int64_t id, const char *event_id, int64_t now)
{
	int parameters = sqlite3_bind_parameter_count(statement);

	sqlite3_bind_int64(statement, 1, id);
	sqlite3_bind_text(statement, 2, event_id, -1, SQLITE_STATIC);
	if (parameters >= 3)
		sqlite3_bind_text(
			statement, 3, sample_payload(), PAYLOAD_SIZE, SQLITE_STATIC);
	if (parameters >= 4)
		sqlite3_bind_int64(statement, 4, now);
}

static void
insert_event(sqlite3 *db, sqlite3_stmt *statements[INSERTS], int64_t id, int64_t now)
{
	char event_id[32];

	snprintf(event_id, sizeof(event_id), "evt_bench_%lld", (long long)id);
	for (size_t i = 0; i < INSERTS; i++) {
		bind(statements[i], id, event_id, now);
		if (sqlite3_step(statements[i]) != SQLITE_DONE)
			fail("%s: %s", inserts[i], sqlite3_errmsg(db));
		sqlite3_reset(statements[i]);
	}
}

int
main(int argc, char **argv)
{
	sqlite3_stmt *statements[INSERTS];
	struct stopwatch start;
	int64_t now = wall_us() / 1000;
	sqlite3 *db;
	long count, batch;

	if (argc != 4)
		fail("usage: insert_ours DB COUNT ROWS_PER_COMMIT");
	count = number_of(argv[2]);
	batch = number_of(argv[3]);
	db = open_store(argv[1], statements);
	start = stopwatch_start();
	for (long done = 0; done < count; done += batch) {
		execute(db, "BEGIN IMMEDIATE");
		for (long i = done; i < count && i < done + batch; i++)
			insert_event(db, statements, FIRST_ID + i, now);
		execute(db, "COMMIT");
	}
	stopwatch_report(start, count);
	for (size_t i = 0; i < INSERTS; i++)
		sqlite3_finalize(statements[i]);
	sqlite3_close(db);
	return 0;
}
