/* SPDX-License-Identifier: MIT */
#include "table.h"

#include "tool.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

enum { CLAIM_MAX = 10000 };

struct table {
	sqlite3 *db;
	sqlite3_stmt *insert_job;
	sqlite3_stmt *insert_body;
	sqlite3_stmt *ready;
	sqlite3_stmt *take;
	sqlite3_stmt *finish;
	long claimed[CLAIM_MAX];
};

static const char schema[] =
	"PRAGMA journal_mode=WAL;"
	"PRAGMA synchronous=FULL;"
	"CREATE TABLE IF NOT EXISTS job("
	"  id INTEGER PRIMARY KEY, event_id TEXT NOT NULL UNIQUE,"
	"  state INTEGER NOT NULL, priority INTEGER NOT NULL, token INTEGER NOT NULL);"
	"CREATE TABLE IF NOT EXISTS body(id INTEGER PRIMARY KEY, bytes BLOB NOT NULL);"
	"CREATE INDEX IF NOT EXISTS ready ON job(priority, id) WHERE state = 0;";

static void
execute(struct table *table, const char *sql)
{
	if (sqlite3_exec(table->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail("%s: %s", sql, sqlite3_errmsg(table->db));
}

static sqlite3_stmt *
prepare(struct table *table, const char *sql)
{
	sqlite3_stmt *statement;

	if (sqlite3_prepare_v3(table->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement,
		    NULL) != SQLITE_OK)
		fail("%s: %s", sql, sqlite3_errmsg(table->db));
	return statement;
}

static void
step_done(struct table *table, sqlite3_stmt *statement)
{
	if (sqlite3_step(statement) != SQLITE_DONE)
		fail("step: %s", sqlite3_errmsg(table->db));
	sqlite3_reset(statement);
}

struct table *
table_open(const char *path, long autocheckpoint)
{
	struct table *table = calloc(1, sizeof(*table));

	if (table == NULL)
		fail("out of memory");
	if (sqlite3_open(path, &table->db) != SQLITE_OK)
		fail("%s: %s", path, sqlite3_errmsg(table->db));
	execute(table, schema);
	sqlite3_wal_autocheckpoint(table->db, (int)autocheckpoint);
	table->insert_job = prepare(table, "INSERT INTO job VALUES(?1, ?2, 0, 0, 0)");
	table->insert_body = prepare(table, "INSERT INTO body VALUES(?1, ?2)");
	table->ready = prepare(table,
		"SELECT job.id, bytes FROM job JOIN body ON body.id = job.id"
		" WHERE state = 0 ORDER BY priority, job.id LIMIT ?1");
	table->take = prepare(
		table, "UPDATE job SET state = 1, token = token + 1 WHERE id = ?1");
	table->finish = prepare(
		table, "UPDATE job SET state = 2 WHERE id = ?1 AND state = 1");
	return table;
}

void
table_close(struct table *table)
{
	if (table == NULL)
		return;
	sqlite3_finalize(table->insert_job);
	sqlite3_finalize(table->insert_body);
	sqlite3_finalize(table->ready);
	sqlite3_finalize(table->take);
	sqlite3_finalize(table->finish);
	sqlite3_close(table->db);
	free(table);
}

void
table_begin(struct table *table)
{
	execute(table, "BEGIN IMMEDIATE");
}

void
table_commit(struct table *table)
{
	execute(table, "COMMIT");
}

void
table_insert(struct table *table, long id, const char *body, size_t len)
{
	char event_id[32];

	snprintf(event_id, sizeof(event_id), "evt_bench_%ld", id);
	sqlite3_bind_int64(table->insert_job, 1, id);
	sqlite3_bind_text(table->insert_job, 2, event_id, -1, SQLITE_STATIC);
	step_done(table, table->insert_job);
	sqlite3_bind_int64(table->insert_body, 1, id);
	sqlite3_bind_blob(table->insert_body, 2, body, (int)len, SQLITE_STATIC);
	step_done(table, table->insert_body);
}

static void
change(struct table *table, sqlite3_stmt *statement, long id)
{
	sqlite3_bind_int64(statement, 1, id);
	step_done(table, statement);
}

void
table_acknowledge(struct table *table, long id)
{
	change(table, table->finish, id);
}

size_t
table_claim(struct table *table, size_t limit, table_each *each, void *context)
{
	size_t count = 0;

	if (limit > CLAIM_MAX)
		fail("a claim takes at most %d jobs", CLAIM_MAX);
	sqlite3_bind_int64(table->ready, 1, (sqlite3_int64)limit);
	while (sqlite3_step(table->ready) == SQLITE_ROW) {
		table->claimed[count] = (long)sqlite3_column_int64(table->ready, 0);
		each(context, table->claimed[count++],
			sqlite3_column_blob(table->ready, 1),
			(size_t)sqlite3_column_bytes(table->ready, 1));
	}
	sqlite3_reset(table->ready);
	for (size_t i = 0; i < count; i++)
		change(table, table->take, table->claimed[i]);
	return count;
}
