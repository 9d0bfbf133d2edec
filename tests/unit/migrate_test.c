/* SPDX-License-Identifier: MIT */
#include "store/migrate.h"

#include "tap.h"

static const struct migration FIRST[] = {
	{1, "0001_a", "aaaa", "CREATE TABLE a (x); INSERT INTO a VALUES (1);"},
	{0},
};

static const struct migration SECOND[] = {
	{1, "0001_a", "aaaa", "CREATE TABLE a (x); INSERT INTO a VALUES (1);"},
	{2, "0002_b", "bbbb", "UPDATE a SET x = x + 1;"},
	{0},
};

static const struct migration BROKEN[] = {
	{1, "0001_a", "aaaa", "CREATE TABLE a (x); INSERT INTO a VALUES (1);"},
	{2, "0002_b", "bbbb", "UPDATE a SET x = x + 1;"},
	{3, "0003_c", "cccc", "UPDATE no_such_table SET x = 1;"},
	{0},
};

static const struct migration CHANGED[] = {
	{1, "0001_a", "other", "CREATE TABLE a (x)"},
	{0},
};

static sqlite3 *
database(void)
{
	sqlite3 *db = NULL;

	CHECK_INT(sqlite3_open(":memory:", &db), SQLITE_OK);
	return db;
}

static int
number(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *statement = NULL;
	int value = -1;

	sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
	if (sqlite3_step(statement) == SQLITE_ROW)
		value = sqlite3_column_int(statement, 0);
	sqlite3_finalize(statement);
	return value;
}

static void
test_applies_each_once(void)
{
	sqlite3 *db = database();
	struct err err = {0};
	int version;

	CHECK_INT(migrate_version(db, FIRST, &version, &err), 0);
	CHECK_INT(version, 0);
	CHECK_INT(migrate_apply(db, FIRST, 7, &err), 0);
	CHECK_INT(migrate_apply(db, FIRST, 8, &err), 0);
	CHECK_INT(migrate_version(db, FIRST, &version, &err), 0);
	CHECK_INT(version, 1);
	CHECK_INT(migrate_apply(db, SECOND, 9, &err), 0);
	CHECK_INT(number(db, "SELECT x FROM a"), 2);
	CHECK_INT(number(db, "SELECT applied_at FROM schema_migration WHERE version = 1"),
		7);
	CHECK_INT(number(db, "SELECT count(*) FROM schema_migration"), 2);
	CHECK_INT(number(db, "PRAGMA application_id"), STORE_APPLICATION_ID);
	CHECK_INT(number(db, "PRAGMA auto_vacuum"), 2);
	sqlite3_close(db);
}

static void
test_all_or_nothing(void)
{
	sqlite3 *db = database();
	struct err err = {0};

	CHECK_INT(migrate_apply(db, FIRST, 1, &err), 0);
	CHECK_INT(migrate_apply(db, BROKEN, 2, &err), -1);
	CHECK(span_starts(span_of(err.text), "migration 0003_c: no such table"));
	CHECK_INT(number(db, "SELECT x FROM a"), 1);
	CHECK_INT(number(db, "SELECT max(version) FROM schema_migration"), 1);
	sqlite3_close(db);
}

static void
test_a_newer_schema_is_not_touched(void)
{
	sqlite3 *db = database();
	struct err err = {0};
	int version;

	CHECK_INT(migrate_apply(db, SECOND, 1, &err), 0);
	CHECK_INT(migrate_version(db, FIRST, &version, &err), -1);
	CHECK_INT(err.kind, ERR_CONFIG);
	CHECK_INT(migrate_apply(db, FIRST, 1, &err), -1);
	CHECK_INT(err.kind, ERR_CONFIG);
	sqlite3_close(db);
}

static void
test_foreign_databases_are_refused(void)
{
	sqlite3 *db = database();
	struct err err = {0};
	int version;

	sqlite3_exec(db, "CREATE TABLE theirs (x)", NULL, NULL, NULL);
	CHECK_INT(migrate_version(db, FIRST, &version, &err), -1);
	CHECK_INT(err.kind, ERR_CONFIG);
	sqlite3_exec(
		db, "DROP TABLE theirs; PRAGMA application_id = 5", NULL, NULL, NULL);
	CHECK_INT(migrate_version(db, FIRST, &version, &err), -1);
	CHECK_INT(err.kind, ERR_CONFIG);
	sqlite3_close(db);
}

static void
test_checksums_are_remembered(void)
{
	sqlite3 *db = database();
	struct err err = {0};
	bool same;

	CHECK_INT(migrate_apply(db, SECOND, 1, &err), 0);
	CHECK_INT(migrate_verify(db, SECOND, &same, &err), 0);
	CHECK(same);
	CHECK_INT(migrate_verify(db, CHANGED, &same, &err), 0);
	CHECK(!same);
	sqlite3_close(db);
}

static void
test_ours_are_in_order(void)
{
	int expected = 1;

	for (const struct migration *m = store_migrations; m->version != 0; m++) {
		CHECK_INT(m->version, expected++);
		CHECK_INT((int64_t)span_of(m->checksum).len, 64);
	}
	CHECK_INT(migrations_newest(store_migrations), expected - 1);
}

int
main(void)
{
	return tap_run((struct tap_test[]){
		TAP(test_applies_each_once),
		TAP(test_all_or_nothing),
		TAP(test_a_newer_schema_is_not_touched),
		TAP(test_foreign_databases_are_refused),
		TAP(test_checksums_are_remembered),
		TAP(test_ours_are_in_order),
		{0},
	});
}
