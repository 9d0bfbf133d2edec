/* SPDX-License-Identifier: MIT */
/*
 * What `whqueue doctor` asks. This may read the whole store.
 */
#include "store/sqlite.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

enum { INTEGRITY, COUNTERS_OFF, VERSION, HOLDERS, NEWEST };

const struct sql sqlite_health_sql[] = {
	[INTEGRITY] = {"integrity", "PRAGMA integrity_check(1)", .walks = true},
	[COUNTERS_OFF] = {"counters-off",
		"WITH counted AS (SELECT endpoint_id, sum(state = 0) AS waiting,"
		" sum(state = 1) AS delayed, sum(state = 2) AS active,"
		" sum(state = 3) AS paused, sum(state = 4) AS completed,"
		" sum(state = 5) AS cancelled, sum(state = 7) AS blocked"
		" FROM retry_queue GROUP BY endpoint_id),"
		" died AS (SELECT endpoint_id, sum(status = 0) AS dead"
		" FROM dead_letter_queue GROUP BY endpoint_id)"
		" SELECT count(*) FROM endpoint e"
		" LEFT JOIN counted c ON c.endpoint_id = e.id"
		" LEFT JOIN died d ON d.endpoint_id = e.id"
		" WHERE e.waiting <> coalesce(c.waiting, 0)"
		" OR e.delayed <> coalesce(c.delayed, 0)"
		" OR e.active <> coalesce(c.active, 0)"
		" OR e.paused <> coalesce(c.paused, 0)"
		" OR e.completed <> coalesce(c.completed, 0)"
		" OR e.cancelled <> coalesce(c.cancelled, 0)"
		" OR e.dead <> coalesce(d.dead, 0)"
		" OR e.blocked <> coalesce(c.blocked, 0)",
		.walks = true},
	[VERSION] = {"version", "SELECT max(version) FROM schema_migration"},
	[HOLDERS] = {"holders",
		"SELECT q.worker, w.boot_id, coalesce(w.expires_at, 0), count(*)"
		" FROM retry_queue q LEFT JOIN worker w ON w.id = q.worker"
		" WHERE q.state = 2 GROUP BY q.worker",
		.walks = true},
	[NEWEST] = {"newest",
		"SELECT max(coalesce((SELECT max(updated_at) FROM retry_queue), 0),"
		" coalesce((SELECT max(died_at) FROM dead_letter_queue), 0),"
		" coalesce((SELECT max(started_at) FROM worker), 0))",
		.walks = true},
	{0},
};

/* Fixed in 3.51.3: a commit beside a checkpoint of another connection could be lost. */
enum { WAL_RACE_SINCE = 3007000, WAL_RACE_UNTIL = 3051002 };

static int
check_integrity(struct sqlite_store *store, struct store_health *health, struct err *err)
{
	struct query query = query_start(store, &sqlite_health_sql[INTEGRITY]);
	struct span finding;
	struct err why = {0};

	if (query_next(&query, &why) != 1) {
		/* The damage may be such that the check itself gives up. */
		snprintf(health->integrity, sizeof(health->integrity), "%.*s",
			HEALTH_TEXT_MAX - 1, why.text);
		return why.kind == ERR_IO ? 0 : err_set(err, why.kind, "%s", why.text);
	}
	finding = read_span(&query);
	health->integrity_ok = span_is(finding, "ok");
	snprintf(health->integrity, sizeof(health->integrity), "%.*s", (int)finding.len,
		finding.ptr == NULL ? "" : finding.ptr);
	query_end(&query);
	return 0;
}

static int
check_counters(struct sqlite_store *store, struct store_health *health, struct err *err)
{
	struct query query = query_start(store, &sqlite_health_sql[COUNTERS_OFF]);
	int64_t off;

	if (query_int(&query, 0, &off, err) != 0)
		return -1;
	health->counters_ok = off == 0;
	return 0;
}

static int
check_schema(struct sqlite_store *store, struct store_health *health, struct err *err)
{
	struct query query = query_start(store, &sqlite_health_sql[VERSION]);
	int64_t version;

	if (query_int(&query, 0, &version, err) != 0)
		return -1;
	health->schema_version = (int)version;
	health->schema_known = migrations_newest(store_migrations);
	return migrate_verify(store->db, store_migrations, &health->checksums_ok, err);
}

static int
check_workers(struct sqlite_store *store, int64_t now, struct store_health *health,
	struct err *err)
{
	struct query query = query_start(store, &sqlite_health_sql[HOLDERS]);
	int row;

	while ((row = query_next(&query, err)) == 1) {
		struct worker_row worker = read_worker(&query);

		if (worker_lives(store, &worker, now))
			continue;
		health->stale_workers++;
		health->stale_leases += read_int(&query);
	}
	return row < 0 ? -1 : workers_count(store, now, &health->live_workers, err);
}

static int
check_files(struct sqlite_store *store, struct store_health *health, struct err *err)
{
	struct statvfs file_system;
	struct stat status;
	char wal[4096];

	if (stat(store->path, &status) != 0 || statvfs(store->path, &file_system) != 0)
		return err_errno(err, "%s", store->path);
	health->database_bytes = status.st_size;
	health->mode = status.st_mode & 07777;
	health->free_bytes = (int64_t)file_system.f_bavail *
		(int64_t)file_system.f_frsize;
	snprintf(wal, sizeof(wal), "%s-wal", store->path);
	health->wal_bytes = stat(wal, &status) == 0 ? status.st_size : 0;
	return 0;
}

int
sqlite_health(
	struct store *base, int64_t now, struct store_health *health, struct err *err)
{
	struct sqlite_store *store = sqlite_of(base);
	struct query newest = query_start(store, &sqlite_health_sql[NEWEST]);
	int version = sqlite3_libversion_number();

	*health = (struct store_health){0};
	snprintf(health->sqlite_version, sizeof(health->sqlite_version), "%s",
		sqlite3_libversion());
	health->wal_reset_race = version >= WAL_RACE_SINCE && version <= WAL_RACE_UNTIL;
	if (check_files(store, health, err) != 0 ||
		check_integrity(store, health, err) != 0)
		return -1;
	/* In a damaged store the rest would fail, and what is damaged is the news. */
	if (!health->integrity_ok)
		return 0;
	if (check_schema(store, health, err) != 0 ||
		check_counters(store, health, err) != 0 ||
		check_workers(store, now, health, err) != 0)
		return -1;
	return query_int(&newest, 0, &health->newest_at, err);
}
