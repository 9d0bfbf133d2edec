/* SPDX-License-Identifier: MIT */
/*
 * The write transaction. All of our writers and checkpoints take turns on the side file,
 * which is fair, and which keeps a checkpoint from ever running beside a commit: SQLite
 * 3.7.0 … 3.51.2 can lose the commit when that happens at the wrong moment.
 */
#include "store/sqlite.h"

#include "base/clock.h"

#include <errno.h>

enum { BASE_SEQUENCE };

const struct sql sqlite_base_sql[] = {
	[BASE_SEQUENCE] = {"sequence",
		"UPDATE sequence SET next = next + ?2 WHERE name = ?1"
		" RETURNING next - ?2"},
	{0},
};

enum {
	CHECKPOINT_PAGES = 2500, /* 10 MB of WAL: more would make others wait for it */
	CHECKPOINT_AGAIN_PAGES = 1000,
	TRUNCATE_PAGES = 50000,
	CLOSE_PAGES = 64,
};

static int
execute(struct sqlite_store *store, const char *sql, struct err *err)
{
	int code;

	errno = 0;
	code = sqlite3_exec(store->db, sql, NULL, NULL, NULL);
	return code == SQLITE_OK ? 0 : sqlite_error(store, code, err);
}

/* SQLite calls a lock that cannot be had busy, too; waiting would not help there. */
static int
wait_for_others(void *context, int waits)
{
	static const int delays_ms[] = {1, 2, 5, 10, 15, 20, 25};
	enum { DELAYS = sizeof(delays_ms) / sizeof(delays_ms[0]) };
	struct sqlite_store *store = context;
	int64_t now_us = clock_monotonic_us();

	if (waits == 0)
		store->busy_since_us = now_us;
	if (now_us - store->busy_since_us >= store->busy_wait_ms * 1000 ||
		!side_file_can_lock(&store->side))
		return 0;
	sqlite3_sleep(delays_ms[waits < DELAYS ? waits : DELAYS - 1]);
	return 1;
}

void
busy_wait(struct sqlite_store *store, bool wait)
{
	sqlite3_busy_handler(store->db, wait ? wait_for_others : NULL, store);
}

int
txn_begin(struct sqlite_store *store, struct err *err)
{
	int locked;

	if (store->mode == STORE_READ)
		return err_set(err, ERR_BUG, "%s: was opened for reading", store->path);
	locked = side_file_lock(&store->side, store->busy_wait_ms, err);
	store->base.contended = store->side.waited;
	if (locked != 0)
		return -1;
	store->poke = false;
	store->order = ORDER_UNKNOWN;
	if (execute(store, "BEGIN IMMEDIATE", err) == 0)
		return 0;
	side_file_unlock(&store->side);
	return -1;
}

void
txn_rollback(struct sqlite_store *store)
{
	/* SQLite has already rolled back by itself after some errors. */
	sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
	endpoints_forget(&store->endpoints);
	side_file_unlock(&store->side);
}

static void
truncate_wal(struct sqlite_store *store)
{
	busy_wait(store, false);
	sqlite3_wal_checkpoint_v2(
		store->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	busy_wait(store, true);
}

/* PASSIVE waits for nobody. If it got everything, the next commit starts the WAL anew. */
void
checkpoint_if_worth(struct sqlite_store *store, int worth)
{
	int in_wal = 0, copied = 0;

	if (store->wal_pages < worth || store->wal_pages < store->checkpoint_at)
		return;
	sqlite3_wal_checkpoint_v2(
		store->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &in_wal, &copied);
	if (in_wal == copied && in_wal >= TRUNCATE_PAGES)
		truncate_wal(store);
	store->checkpoint_at = in_wal == copied ? 0 : in_wal + CHECKPOINT_AGAIN_PAGES;
}

/*
 * The index of the WAL is lost with the last program that has the store open, and the
 * next one reads the whole WAL to make it again. A worker keeps it. Between programs that
 * run for one event each, reading a short WAL is cheaper than a checkpoint every time.
 */
void
checkpoint_at_close(struct sqlite_store *store)
{
	if (store->wal_pages < CLOSE_PAGES || side_file_any_worker_lives(&store->side) ||
		side_file_lock(&store->side, 0, NULL) != 0)
		return;
	truncate_wal(store);
	side_file_unlock(&store->side);
}

/* A sync that is under way when ext4 gives up its journal is told to be done, and what it
 * was to keep is lost. (Seen with Linux 6.18.) Nobody may hear of such a commit. */
static int
check_kept(struct sqlite_store *store, struct err *err)
{
	if (side_file_check_disk(&store->side) == 0)
		return 0;
	return sqlite_error(store, SQLITE_IOERR, err);
}

static int
commit(struct sqlite_store *store, struct err *err)
{
	if (endpoints_flush(store, err) != 0 || execute(store, "COMMIT", err) != 0 ||
		check_kept(store, err) != 0) {
		txn_rollback(store);
		return -1;
	}
	checkpoint_if_worth(store, CHECKPOINT_PAGES);
	side_file_unlock(&store->side);
	endpoints_trim(&store->endpoints);
	/* After the commit, so that whoever wakes up sees the work. */
	if (store->poke)
		side_file_poke(&store->side);
	return 0;
}

int
txn_end(struct sqlite_store *store, int result, struct err *err)
{
	if (result == 0)
		return commit(store, err);
	txn_rollback(store);
	return -1;
}

int
sequence_take(struct sqlite_store *store, enum sequence sequence, size_t count,
	int64_t *first, struct err *err)
{
	static const char *const names[] = {
		[SEQUENCE_JOB] = "job",
		[SEQUENCE_TOKEN] = "token",
		[SEQUENCE_WORKER] = "worker",
	};
	struct query query = query_start(store, &sqlite_base_sql[BASE_SEQUENCE]);

	bind_text(&query, span_of(names[sequence]));
	bind_int(&query, (int64_t)count);
	return query_int(&query, 1, first, err);
}
