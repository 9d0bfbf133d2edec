/* SPDX-License-Identifier: MIT */
/*
 * What is particular to the store on SQLite: query plans, files and their modes, damaged
 * and foreign files, a full disk, locks, and workers on other machines.
 */
#include "store_fixture.h"

#include "store/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* ---- plans ----------------------------------------------------------------------- */

/* The partial indexes hold only jobs of one state: what they scan is what they seek; and
 * constant rows are those of the statement itself. */
static bool
plan_step_is_fine(const char *step)
{
	if (strstr(step, "TEMP B-TREE") != NULL)
		return false;
	return strncmp(step, "SCAN ", 5) != 0 || strstr(step, "INDEX job_") != NULL ||
		strstr(step, " CONSTANT ROW") != NULL;
}

static void
check_plan(sqlite3 *db, const struct sql *sql)
{
	char *explain = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", sql->text);
	sqlite3_stmt *statement = NULL;

	tap_case(sql->name);
	CHECK_INT(sqlite3_prepare_v2(db, explain, -1, &statement, NULL), SQLITE_OK);
	while (sqlite3_step(statement) == SQLITE_ROW) {
		const char *step = (const char *)sqlite3_column_text(statement, 3);

		if (!sql->walks && !CHECK(plan_step_is_fine(step)))
			printf("#   %s\n", step);
	}
	sqlite3_finalize(statement);
	sqlite3_free(explain);
}

static void
test_no_statement_scans_or_sorts(void)
{
	static const struct sql *const tables[] = {sqlite_base_sql, sqlite_endpoint_sql,
		sqlite_enqueue_sql, sqlite_row_sql, sqlite_settle_sql,
		sqlite_complete_sql, sqlite_claim_sql, sqlite_due_sql, sqlite_worker_sql,
		sqlite_reclaim_sql, sqlite_list_sql, sqlite_find_sql, sqlite_stats_sql,
		sqlite_act_sql, sqlite_verb_sql, sqlite_hold_sql, sqlite_purge_sql,
		sqlite_health_sql, sqlite_order_sql, sqlite_oldest_sql, sqlite_clock_sql};
	struct fixture f = fixture_new();

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (const struct sql *sql = tables[i]; sql->name != NULL; sql++)
			check_plan(sqlite_of(f.store)->db, sql);
	fixture_free(&f);
}

/* ---- work ------------------------------------------------------------------------ */

/* What all statements of the handle have done since this was asked last. */
static int
steps_taken(struct store *store)
{
	sqlite3_stmt *statement = NULL;
	int steps = 0;

	while ((statement = sqlite3_next_stmt(sqlite_of(store)->db, statement)) != NULL)
		steps += sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_VM_STEP, 1);
	return steps;
}

enum { CROWD = 1000 };

static void
enqueue_crowd(struct store *store)
{
	static char ids[CROWD][16];
	static struct event events[CROWD];
	static struct receipt receipts[CROWD];
	struct err err = {0};

	for (int i = 0; i < CROWD; i++) {
		snprintf(ids[i], sizeof(ids[i]), "job-%d", i);
		events[i] = event_of(ids[i], "https://a.example");
	}
	ok(store_enqueue(store, events, CROWD, NOW, receipts, &err), &err);
}

static int
steps_of_list(struct store *store, unsigned states)
{
	struct job_filter filter = {.states = states};
	struct job_page page;
	struct err err = {0};

	steps_taken(store);
	if (ok(store_list(store, &filter, false, &page, &err), &err))
		CHECK_INT(page.count, 1);
	job_page_free(&page);
	return steps_taken(store);
}

static int
steps_of_count(struct store *store, unsigned states)
{
	struct job_filter filter = {.states = states};
	struct queue_stats stats;
	struct err err = {0};

	steps_taken(store);
	if (ok(store_count(store, &filter, NOW, &stats, &err), &err))
		CHECK_INT(stats.total.counts[JOB_DEAD], 1);
	queue_stats_free(&stats);
	return steps_taken(store);
}

/* On what the verb never works on. */
static int
steps_of_act(struct store *store, enum action_verb verb, struct job_filter filter)
{
	struct action action = {.verb = verb, .now = NOW};
	struct action_report report = {0};
	struct err err = {0};

	steps_taken(store);
	ok(store_act_matching(store, &action, &filter, keep_result, &report, &err), &err);
	CHECK_INT(report.job_id, 0);
	return steps_taken(store);
}

static void
test_what_no_job_can_be_walks_over_none(void)
{
	struct fixture f = fixture_new();
	struct job_filter completed = {.states = 1 << JOB_COMPLETED};
	struct job_filter retrying = {.dead_statuses = 1 << DEAD_RETRYING};
	struct job_filter any = {0};

	enqueue(f.store, "dead");
	work_once(f.store, NOW, SETTLE_DEAD);
	enqueue_crowd(f.store);
	CHECK(steps_of_list(f.store, 1 << JOB_DEAD) < CROWD);
	CHECK(steps_of_count(f.store, 1 << JOB_DEAD) < CROWD);
	CHECK_INT(steps_of_act(f.store, ACT_CANCEL, completed), 0);
	CHECK_INT(steps_of_act(f.store, ACT_RETRY, retrying), 0);
	/* Such a walk is seen. */
	CHECK(steps_of_act(f.store, ACT_RELEASE, any) > CROWD);
	fixture_free(&f);
}

/* ---- by hand --------------------------------------------------------------------- */

static void
run_sql(const struct fixture *f, const char *sql)
{
	sqlite3 *db = NULL;

	CHECK_INT(sqlite3_open(f->path, &db), SQLITE_OK);
	CHECK_INT(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void
check_text_of(const struct fixture *f, const char *sql, const char *wanted)
{
	sqlite3_stmt *statement = NULL;
	sqlite3 *db = NULL;

	sqlite3_open(f->path, &db);
	sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
	if (CHECK_INT(sqlite3_step(statement), SQLITE_ROW))
		CHECK_TEXT((const char *)sqlite3_column_text(statement, 0), wanted);
	sqlite3_finalize(statement);
	sqlite3_close(db);
}

static void
test_with_nothing_to_do_nobody_waits_for_the_turn_to_write(void)
{
	struct fixture f = fixture_new();
	struct exchange round = {.now = NOW, .claim_limit = 0};
	sqlite3 *db = NULL;
	struct err err = {0};

	sqlite_of(f.store)->busy_wait_ms = 1;
	sqlite3_busy_timeout(sqlite_of(f.store)->db, 1);
	CHECK_INT(sqlite3_open(f.path, &db), SQLITE_OK);
	CHECK_INT(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	ok(store_exchange(f.store, &round, &err), &err);
	sqlite3_close(db);
	fixture_free(&f);
}

static void
test_views_speak_our_names(void)
{
	struct fixture f = fixture_new();
	char sql[128];

	enqueue(f.store, "a");
	for (int state = JOB_WAITING; state < JOB_DEAD; state++) {
		snprintf(sql, sizeof(sql), "UPDATE retry_queue SET state = %d", state);
		run_sql(&f, sql);
		check_text_of(&f, "SELECT state FROM job",
			job_state_name((enum job_state)state));
	}
	check_text_of(&f, "SELECT run_at FROM job", "2026-01-02T03:04:05.678Z");
	run_sql(&f, "UPDATE retry_queue SET state = 0");
	work_once(f.store, NOW, SETTLE_DEAD);
	for (int status = 0; status < DEAD_STATUS_COUNT; status++) {
		snprintf(sql, sizeof(sql), "UPDATE dead_letter_queue SET status = %d",
			status);
		run_sql(&f, sql);
		check_text_of(&f, "SELECT status FROM dead_letter",
			dead_status_name((enum dead_status)status));
	}
	fixture_free(&f);
}

static void
test_doctor_sees_counters_that_are_off(void)
{
	struct fixture f = fixture_new();
	struct store_health health;
	struct err err = {0};

	enqueue(f.store, "a");
	run_sql(&f, "UPDATE retry_queue SET state = 5");
	ok(store_health(f.store, NOW, &health, &err), &err);
	CHECK(!health.counters_ok);
	CHECK(health.integrity_ok);
	CHECK_INT(health.schema_version, health.schema_known);
	CHECK_INT(health.live_workers, 1);
	CHECK_INT(health.mode, 0600);
	run_sql(&f, "UPDATE schema_migration SET checksum = 'x'");
	ok(store_health(f.store, NOW, &health, &err), &err);
	CHECK(!health.checksums_ok);
	fixture_free(&f);
}

/* ---- opening --------------------------------------------------------------------- */

static int
open_kind(const char *path, enum store_mode mode, struct err *err)
{
	struct store_options options = {
		.path = path, .mode = mode, .now = NOW, .busy_wait_ms = 300};
	struct store *store;

	*err = (struct err){0};
	if (store_open(&store, &options, err) != 0)
		return (int)err->kind;
	store_close(store);
	return ERR_NONE;
}

static int
mode_of(const char *directory, const char *name)
{
	char path[256];
	struct stat status;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return stat(path, &status) == 0 ? (int)(status.st_mode & 07777) : -1;
}

static void
test_files_are_private(void)
{
	struct fixture f = fixture_new();
	char path[256];
	struct err err;

	snprintf(path, sizeof(path), "%s/x/y/wh.db", f.directory);
	CHECK_INT(open_kind(path, STORE_CREATE, &err), ERR_NONE);
	CHECK_INT(mode_of(f.directory, "x"), 0700);
	CHECK_INT(mode_of(f.directory, "x/y"), 0700);
	CHECK_INT(mode_of(f.directory, "x/y/wh.db"), 0600);
	CHECK_INT(mode_of(f.directory, "x/y/wh.db-wal"), 0600);
	CHECK_INT(mode_of(f.directory, "x/y/wh.db.lock"), 0600);
	fixture_free(&f);
}

static void
test_a_missing_store_is_said_to_be_missing(void)
{
	struct fixture f = fixture_new();
	char path[256];
	struct err err;

	snprintf(path, sizeof(path), "%s/none.db", f.directory);
	CHECK_INT(open_kind(path, STORE_READ, &err), ERR_NO_INPUT);
	CHECK(strstr(err.text, "none.db: no store yet") != NULL);
	CHECK_INT(open_kind(path, STORE_WRITE, &err), ERR_NO_INPUT);
	CHECK_INT(mode_of(f.directory, "none.db"), -1);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	CHECK_INT(open_kind(path, STORE_READ, &err), ERR_NO_INPUT);
	CHECK_INT(open_kind(path, STORE_WRITE, &err), ERR_NO_INPUT);
	CHECK_INT(open_kind(f.directory, STORE_READ, &err), ERR_CONFIG);
	snprintf(path, sizeof(path), "%s/wh.db/x.db", f.directory);
	CHECK_INT(open_kind(path, STORE_CREATE, &err), ERR_CREATE);
	fixture_free(&f);
}

static void
test_what_is_not_ours_is_left_alone(void)
{
	struct fixture f = fixture_new();
	struct fixture other = f;
	FILE *file;
	struct err err;

	snprintf(other.path, sizeof(other.path), "%s/other.db", f.directory);
	run_sql(&other, "CREATE TABLE t (x)");
	CHECK_INT(open_kind(other.path, STORE_CREATE, &err), ERR_CONFIG);
	CHECK(strstr(err.text, "is not a whtools store") != NULL);
	check_text_of(&other, "SELECT count(*) FROM sqlite_schema", "1");
	file = fopen(other.path, "w");
	fputs("this is a text file, and a rather long one at that; not a database at all"
	      " and nothing that anybody would want to be overwritten by a program",
		file);
	fclose(file);
	CHECK_INT(open_kind(other.path, STORE_CREATE, &err), ERR_IO);
	CHECK(strstr(err.text, "is not an SQLite database") != NULL);
	run_sql(&f, "INSERT INTO schema_migration VALUES (99, 'x', 'x', 1)");
	CHECK_INT(open_kind(f.path, STORE_WRITE, &err), ERR_CONFIG);
	CHECK(strstr(err.text, "schema 99 is newer") != NULL);
	fixture_free(&f);
}

static void
test_a_damaged_store_is_an_error(void)
{
	struct fixture f = fixture_new();
	struct store_health health;
	char page[4096];
	struct err err = {0};
	int fd;

	enqueue(f.store, "a");
	store_close(f.store);
	run_sql(&f, "PRAGMA wal_checkpoint(TRUNCATE)");
	memset(page, 0xa5, sizeof(page));
	fd = open(f.path, O_WRONLY);
	for (int i = 2; i < 24; i++)
		CHECK_INT(pwrite(fd, page, sizeof(page), i * 4096), sizeof(page));
	close(fd);
	f.store = NULL;
	if (open_kind(f.path, STORE_READ, &err) == ERR_NONE) {
		f.store = open_mode(&f, STORE_READ);
		ok(store_health(f.store, NOW, &health, &err), &err);
		CHECK(!health.integrity_ok);
		CHECK(health.integrity[0] != '\0');
	} else {
		CHECK_INT(err.kind, ERR_IO);
		CHECK(strstr(err.text, "damaged") != NULL);
	}
	fixture_free(&f);
}

/* Runs in a child as a user who owns nothing; returns its exit status. */
static int
as_nobody(const struct fixture *f, int (*run)(const struct fixture *f))
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
			_exit(99);
		_exit(run(f));
	}
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int
read_and_fail_to_write(const struct fixture *f)
{
	struct err err;

	if (open_kind(f->path, STORE_READ, &err) != ERR_NONE) {
		printf("# %s\n", err.text);
		fflush(stdout);
		return 1;
	}
	return open_kind(f->path, STORE_WRITE, &err) == ERR_PERMISSION ? 0 : 2;
}

static void
test_a_store_can_be_read_where_nothing_can_be_written(void)
{
	struct fixture f = fixture_new();
	char side[160];

	enqueue(f.store, "a");
	store_close(f.store);
	f.store = NULL;
	run_sql(&f, "PRAGMA wal_checkpoint(TRUNCATE)");
	chmod(f.path, 0444);
	chmod(f.directory, 0555);
	CHECK_INT(as_nobody(&f, read_and_fail_to_write), 0);
	chmod(f.directory, 0755);
	snprintf(side, sizeof(side), "%s.lock", f.path);
	unlink(side);
	chmod(f.directory, 0555);
	CHECK_INT(as_nobody(&f, read_and_fail_to_write), 0);
	chmod(f.directory, 0700);
	fixture_free(&f);
}

static void
test_reading_changes_nothing(void)
{
	struct fixture f = fixture_new();
	struct store *reader;
	struct event event = event_of("a", "e");
	struct receipt receipt;
	struct err err = {0};

	reader = open_mode(&f, STORE_READ);
	CHECK_INT(store_enqueue(reader, &event, 1, NOW, &receipt, &err), -1);
	CHECK_INT(err.kind, ERR_BUG);
	enqueue(f.store, "b");
	CHECK_INT(state_of(reader, "b"), JOB_WAITING);
	store_close(reader);
	fixture_free(&f);
}

/* ---- trouble --------------------------------------------------------------------- */

static void
test_a_full_disk_loses_nothing_that_was_receipted(void)
{
	struct fixture f = fixture_new();
	struct event event = event_of("big", "e");
	struct rlimit limit, before;
	struct receipt receipt;
	struct err err = {0};
	static char body[200000];

	memset(body, 'x', sizeof(body));
	event.request.body = (struct span){body, sizeof(body)};
	event.request.body_kind = BODY_RAW;
	enqueue(f.store, "small");
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	limit = (struct rlimit){440 * 1024, before.rlim_max};
	setrlimit(RLIMIT_FSIZE, &limit);
	CHECK_INT(store_enqueue(f.store, &event, 1, NOW, &receipt, &err) +
			store_enqueue(f.store,
				&(struct event){.id = SPAN_LITERAL("x"),
					.endpoint = SPAN_LITERAL("e"),
					.request = event.request},
				1, NOW, &receipt, &err),
		-1);
	CHECK_INT(err.kind, ERR_IO);
	CHECK_INT(state_of(f.store, "small"), JOB_WAITING);
	setrlimit(RLIMIT_FSIZE, &before);
	signal(SIGXFSZ, SIG_DFL);
	CHECK_INT(state_of(f.store, "x"), -1);
	enqueue(f.store, "after");
	CHECK_INT(state_of(f.store, "after"), JOB_WAITING);
	check_health(f.store);
	fixture_free(&f);
}

static void
test_the_turn_to_write_is_waited_for_and_then_given_up(void)
{
	struct fixture f = fixture_new();
	struct event event = event_of("a", "e");
	struct receipt receipt;
	struct err err = {0};
	char side[160];
	int fd;

	snprintf(side, sizeof(side), "%s.lock", f.path);
	fd = open(side, O_RDWR);
	flock(fd, LOCK_EX);
	sqlite_of(f.store)->busy_wait_ms = 60;
	CHECK_INT(store_enqueue(f.store, &event, 1, NOW, &receipt, &err), -1);
	CHECK_INT(err.kind, ERR_BUSY);
	CHECK(store_is_contended(f.store));
	close(fd);
	ok(store_enqueue(f.store, &event, 1, NOW, &receipt, &err), &err);
	CHECK(!store_is_contended(f.store));
	fixture_free(&f);
}

static void
test_a_worker_elsewhere_lives_by_its_lease(void)
{
	struct fixture f = fixture_new();
	struct store *other = open_mode(&f, STORE_WRITE);
	struct stalled_list list;
	struct err err = {0};

	enqueue(f.store, "a");
	free(claim_one(f.store, NOW));
	run_sql(&f, "UPDATE worker SET boot_id = 'another machine'");
	ok(store_reclaim(other, NOW + 29999, 10, &list, &err), &err);
	CHECK_INT(list.count, 0);
	arena_free(&list.arena);
	ok(store_worker_beat(f.store, NOW + 10000, &err), &err);
	ok(store_reclaim(other, NOW + 30001, 10, &list, &err), &err);
	CHECK_INT(list.count, 0);
	arena_free(&list.arena);
	ok(store_reclaim(other, NOW + 40001, 10, &list, &err), &err);
	CHECK_INT(list.count, 1);
	arena_free(&list.arena);
	store_close(other);
	fixture_free(&f);
}

static void
check_flights(const struct fixture *f, bool readable, int result)
{
	struct flight_record record;
	struct err err = {0};

	CHECK_INT(flight_record_open(&record, f->path, 7, &err), result);
	CHECK_INT(record.jobs != NULL, readable);
	CHECK_INT(err.kind, result == 0 ? ERR_NONE : ERR_OS);
	flight_record_close(&record);
}

static void
test_a_record_of_flights_is_missing_or_could_not_be_opened(void)
{
	struct fixture f = fixture_new();
	struct flight_record made;
	struct rlimit limit, before;
	struct err err = {0};
	char path[160];

	snprintf(path, sizeof(path), "%s.worker-7", f.path);
	check_flights(&f, false, 0);
	ok(flight_record_make(&made, f.path, 7, 4, &err), &err);
	check_flights(&f, true, 0);
	getrlimit(RLIMIT_NOFILE, &before);
	limit = (struct rlimit){0, before.rlim_max};
	setrlimit(RLIMIT_NOFILE, &limit);
	check_flights(&f, false, -1);
	setrlimit(RLIMIT_NOFILE, &before);
	CHECK_INT(chmod(path, 0666), 0);
	check_flights(&f, false, 0);
	CHECK_INT(unlink(path), 0);
	CHECK_INT(symlink("wh.db", path), 0);
	check_flights(&f, false, 0);
	flight_record_close(&made);
	fixture_free(&f);
}

static void
test_the_wal_stays_bounded(void)
{
	struct fixture f = fixture_new();
	struct event event = event_of("", "e");
	static char body[900000];
	struct store_health health;
	struct err err = {0};
	char id[24];

	event.request.body = (struct span){body, sizeof(body)};
	event.request.body_kind = BODY_RAW;
	for (int i = 0; i < 80; i++) {
		snprintf(id, sizeof(id), "w%d", i);
		event.id = span_of(id);
		enqueue_event(f.store, &event);
	}
	ok(store_health(f.store, NOW, &health, &err), &err);
	CHECK(health.wal_bytes < 48 * 1024 * 1024);
	CHECK(health.database_bytes > 36 * 1024 * 1024);
	fixture_free(&f);
}

static int64_t
wal_bytes(const struct fixture *fixture)
{
	char path[160];
	struct stat status = {0};

	snprintf(path, sizeof(path), "%s-wal", fixture->path);
	CHECK_INT(stat(path, &status), 0);
	return status.st_size;
}

/* A program that runs for one event. */
static void
enqueue_and_leave(const struct fixture *fixture, int number)
{
	struct store *store = open_mode(fixture, STORE_CREATE);
	char id[24];

	snprintf(id, sizeof(id), "s%d", number);
	enqueue(store, id);
	store_close(store);
}

/* Whoever opens a store that nobody has open reads all of its WAL first. */
static void
test_short_programs_leave_a_short_wal(void)
{
	struct fixture f = fixture_new();
	struct err err = {0};
	int64_t longest = 0;

	for (int i = 0; i < 40; i++)
		enqueue_and_leave(&f, i);
	CHECK(wal_bytes(&f) > 100 * 4096); /* the worker has it open */
	ok(store_worker_stop(f.store, NOW, &err), &err);
	store_close(f.store);
	f.store = NULL;
	CHECK_INT(wal_bytes(&f), 0);
	for (int i = 40; i < 80; i++) {
		enqueue_and_leave(&f, i);
		longest = wal_bytes(&f) > longest ? wal_bytes(&f) : longest;
	}
	CHECK(longest > 20 * 4096); /* not a checkpoint every time */
	CHECK(longest < 80 * 4096);
	check_text_of(&f, "SELECT count(*) FROM retry_queue", "80");
	fixture_free(&f);
}

/* SQLite's VFS without locks stands for a file system without shared memory. */
static void
test_a_store_without_a_write_ahead_log_is_refused(void)
{
	sqlite3_vfs *usual = sqlite3_vfs_find(NULL);
	struct fixture f = fixture_new();
	struct store_options options = {.path = f.path, .mode = STORE_WRITE, .now = NOW};
	struct store *store = NULL;
	struct err err = {0};

	store_close(f.store);
	f.store = NULL;
	run_sql(&f, "PRAGMA journal_mode = DELETE");
	sqlite3_vfs_register(sqlite3_vfs_find("unix-none"), 1);
	CHECK_INT(store_open(&store, &options, &err), -1);
	CHECK_INT(err.kind, ERR_CONFIG);
	CHECK(strstr(err.text, "keeps no write-ahead log") != NULL);
	sqlite3_vfs_register(usual, 1);
	CHECK_INT(store_open(&store, &options, &err), 0);
	store_close(store);
	fixture_free(&f);
}

static void
test_an_interrupted_release_is_finished_by_housekeeping(void)
{
	struct fixture f = fixture_new();
	struct err err = {0};
	bool changed;

	ok(store_hold(f.store, HOLD_EVENT_TYPE, SPAN_LITERAL("invoice.paid"), true, NOW,
		   &changed, &err),
		&err);
	enqueue(f.store, "a");
	run_sql(&f, "UPDATE hold SET releasing = 1");
	CHECK_INT(state_of(f.store, "a"), JOB_PAUSED);
	ok(store_purge(f.store, 0, 10, NULL, &err), &err);
	CHECK(work_once(f.store, NOW, SETTLE_COMPLETED) != 0);
	check_text_of(&f, "SELECT count(*) FROM hold", "0");
	check_health(f.store);
	fixture_free(&f);
}

int
main(void)
{
	return tap_run((struct tap_test[]){
		TAP(test_no_statement_scans_or_sorts),
		TAP(test_what_no_job_can_be_walks_over_none),
		TAP(test_views_speak_our_names),
		TAP(test_doctor_sees_counters_that_are_off),
		TAP(test_files_are_private),
		TAP(test_a_missing_store_is_said_to_be_missing),
		TAP(test_what_is_not_ours_is_left_alone),
		TAP(test_a_damaged_store_is_an_error),
		TAP(test_a_store_can_be_read_where_nothing_can_be_written),
		TAP(test_reading_changes_nothing),
		TAP(test_a_full_disk_loses_nothing_that_was_receipted),
		TAP(test_the_turn_to_write_is_waited_for_and_then_given_up),
		TAP(test_a_worker_elsewhere_lives_by_its_lease),
		TAP(test_with_nothing_to_do_nobody_waits_for_the_turn_to_write),
		TAP(test_a_record_of_flights_is_missing_or_could_not_be_opened),
		TAP(test_the_wal_stays_bounded),
		TAP(test_short_programs_leave_a_short_wal),
		TAP(test_a_store_without_a_write_ahead_log_is_refused),
		TAP(test_an_interrupted_release_is_finished_by_housekeeping),
		{0},
	});
}
