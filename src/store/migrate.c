/* SPDX-License-Identifier: MIT */
#include "store/migrate.h"

#include <stdio.h>
#include <string.h>

static const char CREATE_LOG[] = "CREATE TABLE IF NOT EXISTS schema_migration ("
				 "version INTEGER PRIMARY KEY, name TEXT NOT NULL, "
				 "checksum TEXT NOT NULL, applied_at INTEGER NOT NULL)";

/* The first column of the first row; 0 if there is none. */
static int
select_int(sqlite3 *db, const char *sql, int *value, struct err *err)
{
	sqlite3_stmt *statement = NULL;
	int code = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);

	*value = 0;
	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	if (code == SQLITE_ROW)
		*value = sqlite3_column_int(statement, 0);
	sqlite3_finalize(statement);
	if (code != SQLITE_ROW && code != SQLITE_DONE)
		return database_error(db, code, err);
	return 0;
}

static int
execute(sqlite3 *db, const char *sql, struct err *err)
{
	int code = sqlite3_exec(db, sql, NULL, NULL, NULL);

	return code == SQLITE_OK ? 0 : database_error(db, code, err);
}

int
migrations_newest(const struct migration *migrations)
{
	int newest = 0;

	for (; migrations->version != 0; migrations++)
		newest = migrations->version;
	return newest;
}

int
migrate_version(
	sqlite3 *db, const struct migration *migrations, int *version, struct err *err)
{
	int newest = migrations_newest(migrations);
	int application, tables;

	*version = 0;
	if (select_int(db, "PRAGMA application_id", &application, err) != 0 ||
		select_int(db, "SELECT count(*) FROM sqlite_schema", &tables, err) != 0)
		return -1;
	if (application == 0 && tables == 0)
		return 0;
	if (application != STORE_APPLICATION_ID)
		return err_set(err, ERR_CONFIG,
			"is not a whtools store (application id 0x%08x)",
			(unsigned)application);
	if (select_int(db, "SELECT max(version) FROM schema_migration", version, err) !=
		0)
		return -1;
	if (*version > newest)
		return err_set(err, ERR_CONFIG,
			"schema %d is newer than this program knows (%d): upgrade "
			"whtools",
			*version, newest);
	return 0;
}

static int
record(sqlite3 *db, const struct migration *migration, int64_t now, struct err *err)
{
	sqlite3_stmt *statement = NULL;
	int code = sqlite3_prepare_v2(db,
		"INSERT INTO schema_migration (version, name, checksum, applied_at) "
		"VALUES (?1, ?2, ?3, ?4)",
		-1, &statement, NULL);

	if (code == SQLITE_OK) {
		sqlite3_bind_int(statement, 1, migration->version);
		sqlite3_bind_text(statement, 2, migration->name, -1, SQLITE_STATIC);
		sqlite3_bind_text(statement, 3, migration->checksum, -1, SQLITE_STATIC);
		sqlite3_bind_int64(statement, 4, now);
		code = sqlite3_step(statement);
	}
	sqlite3_finalize(statement);
	return code == SQLITE_DONE ? 0 : database_error(db, code, err);
}

/* Another program may have migrated while we waited, so the version is read again. */
static int
apply_missing(
	sqlite3 *db, const struct migration *migrations, int64_t now, struct err *err)
{
	char mark[64];
	int version;

	if (migrate_version(db, migrations, &version, err) != 0)
		return -1;
	snprintf(mark, sizeof(mark), "PRAGMA application_id = %d", STORE_APPLICATION_ID);
	if (execute(db, CREATE_LOG, err) != 0 || execute(db, mark, err) != 0)
		return -1;
	for (; migrations->version != 0; migrations++) {
		if (migrations->version <= version)
			continue;
		if (execute(db, migrations->sql, err) != 0 ||
			record(db, migrations, now, err) != 0)
			return err_context(err, "migration %s", migrations->name);
	}
	return 0;
}

int
migrate_apply(
	sqlite3 *db, const struct migration *migrations, int64_t now, struct err *err)
{
	/* The first two only count before the first table, and not in a transaction. */
	if (execute(db, "PRAGMA page_size = 4096", err) != 0 ||
		execute(db, "PRAGMA auto_vacuum = INCREMENTAL", err) != 0 ||
		execute(db, "PRAGMA journal_mode = WAL", err) != 0 ||
		execute(db, "BEGIN IMMEDIATE", err) != 0)
		return -1;
	if (apply_missing(db, migrations, now, err) == 0 &&
		execute(db, "COMMIT", err) == 0)
		return 0;
	sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return -1;
}

static bool
checksum_is(const struct migration *migrations, int version, const char *checksum)
{
	for (; migrations->version != 0; migrations++)
		if (migrations->version == version)
			return checksum != NULL &&
				strcmp(migrations->checksum, checksum) == 0;
	return false;
}

int
migrate_verify(
	sqlite3 *db, const struct migration *migrations, bool *same, struct err *err)
{
	sqlite3_stmt *statement = NULL;
	int code = sqlite3_prepare_v2(db,
		"SELECT version, checksum FROM schema_migration", -1, &statement, NULL);

	*same = true;
	if (code != SQLITE_OK)
		goto out;
	while ((code = sqlite3_step(statement)) == SQLITE_ROW)
		if (!checksum_is(migrations, sqlite3_column_int(statement, 0),
			    (const char *)sqlite3_column_text(statement, 1)))
			*same = false;
out:
	sqlite3_finalize(statement);
	return code == SQLITE_DONE ? 0 : database_error(db, code, err);
}
