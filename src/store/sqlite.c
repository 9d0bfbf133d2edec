/* SPDX-License-Identifier: MIT */
/*
 * Opening and closing a store on SQLite. WAL, synchronous=FULL, and checkpoints of our
 * own, which take turns with the writers (sqlite_txn.c), in the place of SQLite's.
 */
#include "store/sqlite.h"

#include "store/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUSY_WAIT_DEFAULT_MS = 30000 };

static const struct store_ops sqlite_ops;

static int
prepare_files(struct sqlite_store *store, struct err *err)
{
	if (store->mode == STORE_CREATE && files_create(store->path, err) != 0)
		return -1;
	if (files_follow_link(&store->path, err) != 0 ||
		files_check(store->path, err) != 0)
		return -1;
	return side_file_open(&store->side, store->path, store->mode != STORE_READ, err);
}

/* ---- the connection -------------------------------------------------------------- */

static int
on_commit_to_wal(void *context, sqlite3 *db, const char *name, int pages)
{
	struct sqlite_store *store = context;

	(void)db;
	(void)name;
	store->wal_pages = pages;
	return SQLITE_OK;
}

/* "./" keeps SQLite from taking ":memory:" or "file:x" for more than a name. */
static int
connect_to(struct sqlite_store *store, struct err *err)
{
	int flags = store->mode == STORE_READ ? SQLITE_OPEN_READONLY
					      : SQLITE_OPEN_READWRITE;
	char *name;
	int code;

	if (asprintf(&name, "%s%s", store->path[0] == '/' ? "" : "./", store->path) < 0)
		return err_no_memory(err);
	/* We read no memory statistics, and keeping them takes a lock per
	 * allocation. */
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	code = sqlite3_open_v2(name, &store->db,
		flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
	free(name);
	return code == SQLITE_OK ? 0 : sqlite_error(store, code, err);
}

/*
 * In a directory that we may not write to, SQLite cannot make the index that it wants
 * beside a WAL. If there is no WAL, or an empty one, the database file is all there is,
 * and "immutable" reads it without an index.
 */
static int
connect_immutable(struct sqlite_store *store, struct err *err)
{
	struct buf uri;
	int code;

	buf_init(&uri, 64 * 1024);
	buf_add_text(&uri, "file:");
	for (const char *p = store->path; *p != '\0'; p++)
		if (strchr("%?#", *p) != NULL)
			buf_printf(&uri, "%%%02x", (unsigned char)*p);
		else
			buf_add_char(&uri, *p);
	buf_add_text(&uri, "?immutable=1");
	if (buf_check(&uri, err) != 0) {
		buf_free(&uri);
		return -1;
	}
	sqlite3_close(store->db);
	code = sqlite3_open_v2(uri.data, &store->db,
		SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX |
			SQLITE_OPEN_EXRESCODE,
		NULL);
	buf_free(&uri);
	return code == SQLITE_OK ? 0 : sqlite_error(store, code, err);
}

static bool
wal_is_empty(const struct sqlite_store *store)
{
	struct stat status;
	char *wal;
	bool empty;

	if (asprintf(&wal, "%s-wal", store->path) < 0)
		return false;
	empty = stat(wal, &status) != 0 ? errno == ENOENT : status.st_size == 0;
	free(wal);
	return empty;
}

static int
configure(struct sqlite_store *store, struct err *err)
{
	int code;

	sqlite3_db_config(store->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(store->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(store->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	busy_wait(store, true);
	/* Our own hook in the place of SQLite's, which would checkpoint by itself. */
	sqlite3_wal_hook(store->db, on_commit_to_wal, store);
	code = sqlite3_exec(store->db,
		"PRAGMA synchronous = FULL; PRAGMA foreign_keys = OFF;"
		"PRAGMA secure_delete = FAST; PRAGMA temp_store = MEMORY;"
		"PRAGMA cache_size = -4000",
		NULL, NULL, NULL);
	return code == SQLITE_OK ? 0 : sqlite_error(store, code, err);
}

/* Reads something: a file that cannot be read is opened without complaint. */
static int
try_to_read(struct sqlite_store *store, struct err *err)
{
	int code;

	if (configure(store, err) != 0)
		return -1;
	code = sqlite3_exec(store->db, "SELECT 1 FROM sqlite_schema", NULL, NULL, NULL);
	return code == SQLITE_OK ? 0 : sqlite_error(store, code, err);
}

static int
connect_and_configure(struct sqlite_store *store, struct err *err)
{
	int code;

	if (connect_to(store, err) != 0)
		return -1;
	if (try_to_read(store, err) == 0)
		return 0;
	code = sqlite3_errcode(store->db) & 0xff;
	if (store->mode != STORE_READ || !wal_is_empty(store) ||
		(code != SQLITE_CANTOPEN && code != SQLITE_READONLY))
		return -1;
	return connect_immutable(store, err) != 0 ? -1 : try_to_read(store, err);
}

/* ---- the schema ------------------------------------------------------------------ */

/* A store is used only once it has a schema. So names that are synced before the
 * schema is written are safe for good, whoever made the directories. */
static int
migrate_in_turn(struct sqlite_store *store, int version, int64_t now, struct err *err)
{
	int result;

	if (side_file_lock(&store->side, store->busy_wait_ms, err) != 0)
		return -1;
	result = version == 0 ? files_sync_names(store->path, err) : 0;
	if (result == 0 && migrate_apply(store->db, store_migrations, now, err) != 0)
		result = err_context(err, "%s", store->path);
	side_file_unlock(&store->side);
	return result;
}

static int
check_schema(struct sqlite_store *store, int64_t now, struct err *err)
{
	int newest = migrations_newest(store_migrations);
	int version;

	if (migrate_version(store->db, store_migrations, &version, err) != 0)
		return err_context(err, "%s", store->path);
	if (version == 0 && store->mode != STORE_CREATE)
		return files_no_store(store->path, err);
	if (version < newest && store->mode == STORE_READ)
		return err_set(err, ERR_CONFIG,
			"%s: schema %d is older than this program reads (%d): run "
			"whworker or whenqueue on it",
			store->path, version, newest);
	if (store->mode != STORE_READ && sqlite3_db_readonly(store->db, "main") == 1)
		return sqlite_error(store, SQLITE_READONLY, err);
	return version < newest ? migrate_in_turn(store, version, now, err) : 0;
}

/* ---- the journal ----------------------------------------------------------------- */

/* Whether the answer to the pragma is that there is a write-ahead log. */
static int
ask_journal(struct sqlite_store *store, const char *pragma, bool *is_wal, struct err *err)
{
	sqlite3_stmt *statement = NULL;
	int code = sqlite3_prepare_v2(store->db, pragma, -1, &statement, NULL);

	*is_wal = false;
	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	if (code == SQLITE_ROW)
		*is_wal = sqlite3_stricmp((const char *)sqlite3_column_text(statement, 0),
				  "wal") == 0;
	sqlite3_finalize(statement);
	return code == SQLITE_ROW ? 0 : sqlite_error(store, code, err);
}

static int
ask_for_wal(struct sqlite_store *store, bool *is_wal, struct err *err)
{
	int result;

	if (side_file_lock(&store->side, store->busy_wait_ms, err) != 0)
		return -1;
	result = ask_journal(store, "PRAGMA journal_mode = WAL", is_wal, err);
	side_file_unlock(&store->side);
	return result;
}

/* What VACUUM INTO or .recover wrote has none; then a reader keeps writers waiting. */
static int
keep_wal(struct sqlite_store *store, struct err *err)
{
	bool is_wal;

	if (store->mode == STORE_READ)
		return 0;
	if (ask_journal(store, "PRAGMA journal_mode", &is_wal, err) != 0 ||
		(!is_wal && ask_for_wal(store, &is_wal, err) != 0))
		return -1;
	if (is_wal)
		return 0;
	return err_set(err, ERR_CONFIG,
		"%s: SQLite keeps no write-ahead log on this file system: put the store "
		"on a local one",
		store->path);
}

/* ---- the handle ------------------------------------------------------------------ */

static void
read_boot_id(char *boot_id)
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? 0 : read(fd, boot_id, BOOT_ID_SIZE - 1);

	boot_id[len > 0 ? len : 0] = '\0';
	boot_id[strcspn(boot_id, "\n")] = '\0';
	if (fd >= 0)
		close(fd);
}

static void
sqlite_close(struct store *base)
{
	struct sqlite_store *store = sqlite_of(base);

	flight_record_close(&store->flights);
	statements_free(&store->statements);
	checkpoint_at_close(store);
	endpoints_free(&store->endpoints);
	arena_free(&store->holds.arena);
	sqlite3_close(store->db);
	side_file_close(&store->side);
	free(store->queue);
	free(store->path);
	free(store);
}

static struct sqlite_store *
handle_new(const struct store_options *options)
{
	struct sqlite_store *store = calloc(1, sizeof(*store));

	if (store == NULL)
		return NULL;
	store->base.ops = &sqlite_ops;
	store->side = (struct side_file){.fd = -1, .wake_fd = -1};
	store->mode = options->mode;
	store->busy_wait_ms = options->busy_wait_ms > 0 ? options->busy_wait_ms
							: BUSY_WAIT_DEFAULT_MS;
	store->path = strdup(options->path);
	store->queue = strdup(options->queue == NULL ? QUEUE_DEFAULT : options->queue);
	endpoints_init(&store->endpoints);
	arena_init(&store->holds.arena);
	read_boot_id(store->boot_id);
	if (store->path != NULL && store->queue != NULL)
		return store;
	sqlite_close(&store->base);
	return NULL;
}

int
sqlite_store_open(
	struct store **store, const struct store_options *options, struct err *err)
{
	struct sqlite_store *handle = handle_new(options);

	if (handle == NULL)
		return err_no_memory(err);
	if (prepare_files(handle, err) != 0 || connect_and_configure(handle, err) != 0 ||
		check_schema(handle, options->now, err) != 0 ||
		keep_wal(handle, err) != 0 || queue_find(handle, err) != 0 ||
		files_check(handle->path, err) != 0) {
		sqlite_close(&handle->base);
		return -1;
	}
	*store = &handle->base;
	return 0;
}

static int
sqlite_wake_fd(struct store *base, struct err *err)
{
	return side_file_wake_fd(&sqlite_of(base)->side, err);
}

static void
sqlite_wake_clear(struct store *base)
{
	side_file_wake_clear(&sqlite_of(base)->side);
}

static const struct store_ops sqlite_ops = {
	.close = sqlite_close,
	.enqueue = sqlite_enqueue,
	.worker_start = sqlite_worker_start,
	.worker_beat = sqlite_worker_beat,
	.worker_flights = sqlite_worker_flights,
	.worker_stop = sqlite_worker_stop,
	.exchange = sqlite_exchange,
	.reclaim = sqlite_reclaim,
	.wake_fd = sqlite_wake_fd,
	.wake_clear = sqlite_wake_clear,
	.purge = sqlite_purge,
	.list = sqlite_list,
	.dead_list = sqlite_dead_list,
	.find = sqlite_find,
	.dead_find = sqlite_dead_find,
	.attempts = sqlite_attempts,
	.stats = sqlite_stats,
	.count = sqlite_count,
	.endpoints = sqlite_endpoints,
	.dead_stats = sqlite_dead_stats,
	.act = sqlite_act,
	.act_matching = sqlite_act_matching,
	.hold = sqlite_hold,
	.health = sqlite_health,
};
