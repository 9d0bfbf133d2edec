/* SPDX-License-Identifier: MIT */
/*
 * Migrations: the numbered .sql files of schema/, embedded by schema/embed.sh. A store
 * remembers which it has had, and by which checksum.
 */
#ifndef STORE_MIGRATE_H
#define STORE_MIGRATE_H

#include "base/err.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

struct migration {
	int version; /* 1, 2, …; 0 ends the list */
	const char *name;
	const char *checksum; /* SHA-256 of the file, in hexadecimal */
	const char *sql;
};

extern const struct migration store_migrations[];

/* "whtl": says in the file's header that it is ours. */
enum { STORE_APPLICATION_ID = 0x7768746c };

/* What a SQLite result code means to the user; the path is left to the caller. */
int database_error(sqlite3 *db, int code, struct err *err);

/* The newest version in the list. */
int migrations_newest(const struct migration *migrations);

/*
 * The version that the database is at; 0 if it is empty. Errors: ERR_CONFIG if it is not
 * ours or newer than the list; ERR_IO if it is no database.
 */
int migrate_version(
	sqlite3 *db, const struct migration *migrations, int *version, struct err *err);

/*
 * Brings the database up to date, all missing migrations in one transaction. The caller
 * keeps other programs out, and prefixes errors with the path.
 */
int migrate_apply(
	sqlite3 *db, const struct migration *migrations, int64_t now, struct err *err);

/* Whether what was applied is what the list has under the same versions. */
int migrate_verify(
	sqlite3 *db, const struct migration *migrations, bool *same, struct err *err);

#endif
