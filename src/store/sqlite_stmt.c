/* SPDX-License-Identifier: MIT */
/*
 * Prepared statements, cached for the life of the handle, and what SQLite's result codes
 * mean to the user.
 */
#include "store/sqlite.h"

#include <errno.h>
#include <string.h>

static int
cannot_open(sqlite3 *db, struct err *err)
{
	errno = sqlite3_system_errno(db);
	if (errno == 0)
		return err_set(err, ERR_IO, "cannot be opened");
	return err_errno(err, "cannot be opened");
}

/* Of a commit that failed SQLite keeps no errno, so that of the call itself is looked at;
 * a short write, as by a quota, sets none. */
static int
io_error(sqlite3 *db, struct err *err)
{
	int number = sqlite3_system_errno(db);

	if (number == 0)
		number = errno;
	if (number == EROFS)
		return err_set(err, ERR_PERMISSION,
			"its file system has become read-only, as it does when its disk "
			"fails");
	return err_set(err, ERR_IO, "input/output error: %s",
		number == 0 ? "a read or write was cut short" : strerror(number));
}

int
database_error(sqlite3 *db, int code, struct err *err)
{
	switch (code & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return err_set(
			err, ERR_BUSY, "locked by a program that is not of whtools");
	/* Each lock that was tried failed; SQLite does not say how. */
	case SQLITE_PROTOCOL:
		return err_set(err, ERR_BUSY,
			"cannot be locked: a program that holds it is stopped, or its "
			"file system has no locks");
	case SQLITE_FULL:
		return err_set(err, ERR_IO, "disk full");
	case SQLITE_IOERR:
		return io_error(db, err);
	case SQLITE_CORRUPT:
		return err_set(err, ERR_IO,
			"is damaged: keep a copy, then restore a backup, or try "
			"sqlite3's .recover");
	case SQLITE_NOTADB:
		return err_set(err, ERR_IO, "is not an SQLite database, or is damaged");
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return err_set(err, ERR_PERMISSION, "is read-only for us");
	case SQLITE_CANTOPEN:
		return cannot_open(db, err);
	case SQLITE_NOMEM:
		return err_no_memory(err);
	case SQLITE_TOOBIG:
		return err_set(err, ERR_DATA, "too large for a store");
	default:
		return err_set(
			err, ERR_BUG, "%s (SQLite error %d)", sqlite3_errmsg(db), code);
	}
}

static bool
is_about_locks(int code)
{
	return (code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_PROTOCOL;
}

int
sqlite_error(struct sqlite_store *store, int code, struct err *err)
{
	if (is_about_locks(code) && !side_file_can_lock(&store->side))
		return err_errno(err, "%s: cannot be locked", store->path);
	database_error(store->db, code, err);
	return err_context(err, "%s", store->path);
}

static struct cached_statement *
cache_entry(struct statement_cache *cache, const struct sql *sql)
{
	size_t at = ((uintptr_t)sql >> 3) * 0x9e3779b97f4a7c15 >> 32;

	for (;; at++) {
		struct cached_statement *entry =
			&cache->entries[at & (STATEMENT_CACHE_SIZE - 1)];

		if (entry->sql == sql || entry->sql == NULL)
			return entry;
	}
}

void
statements_free(struct statement_cache *cache)
{
	for (size_t i = 0; i < STATEMENT_CACHE_SIZE; i++)
		sqlite3_finalize(cache->entries[i].statement);
	*cache = (struct statement_cache){0};
}

struct query
query_start(struct sqlite_store *store, const struct sql *sql)
{
	struct cached_statement *entry = cache_entry(&store->statements, sql);
	struct query query = {.store = store};

	if (entry->statement == NULL) {
		query.code = sqlite3_prepare_v3(store->db, sql->text, -1,
			SQLITE_PREPARE_PERSISTENT, &entry->statement, NULL);
		if (query.code == SQLITE_OK)
			entry->sql = sql;
	}
	query.statement = entry->statement;
	return query;
}

static void
bound(struct query *query, int code)
{
	if (query->code == SQLITE_OK)
		query->code = code;
}

void
bind_int(struct query *query, int64_t value)
{
	bound(query, sqlite3_bind_int64(query->statement, ++query->parameter, value));
}

void
bind_optional(struct query *query, bool present, int64_t value)
{
	if (present)
		bind_int(query, value);
	else
		bound(query, sqlite3_bind_null(query->statement, ++query->parameter));
}

void
bind_ids(struct query *query, const int64_t *ids, size_t count)
{
	for (size_t i = 0; i < ID_LIST_SIZE; i++)
		bind_optional(query, i < count, i < count ? ids[i] : 0);
}

void
bind_text(struct query *query, struct span text)
{
	bound(query,
		sqlite3_bind_text64(query->statement, ++query->parameter, text.ptr,
			text.len, SQLITE_STATIC, SQLITE_UTF8));
}

void
bind_blob(struct query *query, struct span bytes)
{
	bound(query,
		sqlite3_bind_blob64(query->statement, ++query->parameter, bytes.ptr,
			bytes.len, SQLITE_STATIC));
}

void
query_end(struct query *query)
{
	sqlite3_reset(query->statement);
}

int
query_done(struct query *query, struct err *err)
{
	query_end(query);
	return query->code == SQLITE_OK ? 0
					: sqlite_error(query->store, query->code, err);
}

int
query_next(struct query *query, struct err *err)
{
	int code = query->code;

	errno = 0;
	if (code == SQLITE_OK)
		code = sqlite3_step(query->statement);
	query->column = 0;
	if (code == SQLITE_ROW)
		return 1;
	query_end(query);
	query->parameter = 0;
	return code == SQLITE_DONE ? 0 : sqlite_error(query->store, code, err);
}

int
query_stop(struct query *query, int row)
{
	if (row == 1)
		query_end(query);
	return row < 0 ? -1 : 0;
}

int
query_run(struct query *query, struct err *err)
{
	return query_stop(query, query_next(query, err));
}

int
query_run_counted(struct query *query, int *changed, struct err *err)
{
	if (query_run(query, err) != 0)
		return -1;
	*changed = sqlite3_changes(query->store->db);
	return 0;
}

int
query_int(struct query *query, int64_t otherwise, int64_t *value, struct err *err)
{
	int row = query_next(query, err);

	*value = otherwise;
	if (row <= 0)
		return row;
	if (sqlite3_column_type(query->statement, 0) != SQLITE_NULL)
		*value = read_int(query);
	query_end(query);
	return 0;
}

int64_t
read_int(struct query *query)
{
	return sqlite3_column_int64(query->statement, query->column++);
}

int
read_choice(struct query *query, int count)
{
	int64_t value = read_int(query);

	if (value >= 0 && value < count)
		return (int)value;
	query->code = SQLITE_CORRUPT;
	return 0;
}

struct span
read_span(struct query *query)
{
	int column = query->column++;
	const char *bytes;

	if (sqlite3_column_type(query->statement, column) == SQLITE_NULL)
		return (struct span){0};
	bytes = sqlite3_column_blob(query->statement, column);
	return (struct span){bytes == NULL ? "" : bytes,
		(size_t)sqlite3_column_bytes(query->statement, column)};
}
