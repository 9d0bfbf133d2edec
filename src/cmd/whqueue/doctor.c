/* SPDX-License-Identifier: MIT */
/*
 * An examination in plain words: one finding per check, and what to do about it. Exit
 * status: EXIT_DONE with nothing to do, EXIT_NONE with something to look after, EXIT_IO
 * for a corrupt store, EXIT_CONFIG for a schema that is not the one we know.
 */
#include "cmd/whqueue/whqueue.h"

#include "cmd/config.h"
#include "model/json.h"
#include "work/sandbox_support.h"

enum { FINDINGS_MAX = 16, FINDING_TEXT_MAX = 256 };

static const int64_t WAL_LARGE = 64 << 20;
static const int64_t FREE_LOW = 256 << 20;
static const int64_t OVERDUE_MS = 5 * 60 * 1000;
static const int64_t CLOCK_SLACK_MS = 60 * 1000;

/* A caution reads as a warning, but there is nothing to mend: the exit status is as if
 * all were well. */
enum grade { GRADE_OK, GRADE_CAUTION, GRADE_WARNING, GRADE_PROBLEM };

struct finding {
	const char *check;
	enum grade grade;
	char text[FINDING_TEXT_MAX];
	const char *advice; /* NULL: nothing to do */
};

struct report {
	int64_t now;
	struct config config;
	struct store_health health;
	struct queue_stats stats;
	struct finding findings[FINDINGS_MAX];
	size_t count;
	enum exit_code code;
};

static const char *
grade_name(enum grade grade)
{
	static const char *const names[] = {
		[GRADE_OK] = "ok",
		[GRADE_CAUTION] = "warning",
		[GRADE_WARNING] = "warning",
		[GRADE_PROBLEM] = "problem",
	};

	return names[grade];
}

/* The advice goes with anything but GRADE_OK. */
static void __attribute__((format(printf, 5, 6))) find(struct report *report,
	const char *check, enum grade grade, const char *advice, const char *format, ...)
{
	struct finding *finding = &report->findings[report->count];
	va_list args;

	if (report->count == FINDINGS_MAX)
		return;
	report->count++;
	finding->check = check;
	finding->grade = grade;
	finding->advice = grade == GRADE_OK ? NULL : advice;
	va_start(args, format);
	vsnprintf(finding->text, sizeof(finding->text), format, args);
	va_end(args);
	if (grade >= GRADE_WARNING)
		report->code = exit_worse(EXIT_NONE, report->code);
}

static void
size_format(int64_t bytes, char *text, size_t size)
{
	static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
	double amount = (double)bytes;
	size_t unit = 0;

	while (amount >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		amount /= 1024;
		unit++;
	}
	snprintf(text, size, "%.*f %s", unit == 0 ? 0 : 1, amount, units[unit]);
}

static void
check_file(struct report *report)
{
	const struct store_health *health = &report->health;
	bool open_to_others = (health->mode & 077) != 0;
	char size[32];

	size_format(health->database_bytes, size, sizeof(size));
	find(report, "file", open_to_others ? GRADE_WARNING : GRADE_OK,
		"payloads may be secret: chmod 600 the store and what lies beside it",
		"%s, mode %04o%s", size, health->mode,
		open_to_others ? ": others can read it" : "");
}

static void
check_sqlite(struct report *report)
{
	const struct store_health *health = &report->health;

	find(report, "sqlite", health->wal_reset_race ? GRADE_CAUTION : GRADE_OK,
		"write to the store with whtools alone, or upgrade SQLite to 3.51.3",
		"version %s%s", health->sqlite_version,
		health->wal_reset_race ? ", whose WAL-reset race our lock keeps out"
				       : "");
}

static void
check_schema(struct report *report)
{
	const struct store_health *health = &report->health;
	bool newer = health->schema_version > health->schema_known;

	if (newer || !health->checksums_ok)
		report->code = exit_worse(report->code, EXIT_CONFIG);
	if (newer)
		find(report, "schema", GRADE_PROBLEM, "install the newer whtools",
			"version %d, and these programs know %d", health->schema_version,
			health->schema_known);
	else if (!health->checksums_ok)
		find(report, "schema", GRADE_PROBLEM,
			"somebody changed the schema by hand: restore a backup",
			"the migrations it was made by are not ours");
	else if (health->schema_version < health->schema_known)
		find(report, "schema", GRADE_WARNING,
			"the next program that writes migrates it", "version %d of %d",
			health->schema_version, health->schema_known);
	else
		find(report, "schema", GRADE_OK, NULL, "version %d",
			health->schema_version);
}

static void
check_integrity(struct report *report)
{
	const struct store_health *health = &report->health;

	if (!health->integrity_ok) {
		report->code = exit_worse(report->code, EXIT_IO);
		find(report, "integrity", GRADE_PROBLEM,
			"stop the workers, keep a copy, then: sqlite3 wh.db .recover",
			"corrupt: %s", health->integrity);
		return;
	}
	find(report, "integrity", GRADE_OK, NULL, "every page and index is sound");
	find(report, "counters", health->counters_ok ? GRADE_OK : GRADE_PROBLEM,
		"please report it: only what stats shows is wrong, no job is",
		health->counters_ok ? "agree with the jobs"
				    : "do not agree with the jobs");
}

static void
check_wal(struct report *report)
{
	const struct store_health *health = &report->health;
	bool large = health->wal_bytes > WAL_LARGE;
	char size[32];

	size_format(health->wal_bytes, size, sizeof(size));
	find(report, "wal", large ? GRADE_WARNING : GRADE_OK,
		"some program has been reading for long (lsof on the -wal file tells "
		"which); it shrinks when that ends and a worker runs",
		"%s", size);
}

static void
check_disk(struct report *report)
{
	const struct store_health *health = &report->health;
	char size[32];

	size_format(health->free_bytes, size, sizeof(size));
	find(report, "disk", health->free_bytes < FREE_LOW ? GRADE_WARNING : GRADE_OK,
		"make room: on a full disk nothing is accepted any more", "%s free",
		size);
}

static void
check_leases(struct report *report)
{
	const struct store_health *health = &report->health;

	if (health->stale_workers == 0)
		find(report, "leases", GRADE_OK, NULL, "none is stale");
	else
		find(report, "leases", GRADE_WARNING,
			"a running whworker takes them back at once",
			"%lld worker%s died and still hold%s %lld job%s",
			(long long)health->stale_workers,
			health->stale_workers == 1 ? "" : "s",
			health->stale_workers == 1 ? "s" : "",
			(long long)health->stale_leases,
			health->stale_leases == 1 ? "" : "s");
}

/* A worker may well be run by cron now and then; only what nobody came for is strange. */
static void
check_workers(struct report *report)
{
	int64_t oldest_due_at = report->stats.total.oldest_due_at;
	int64_t overdue_ms = oldest_due_at == 0 ? 0 : report->now - oldest_due_at;
	long long live = (long long)report->health.live_workers;
	char overdue[TIME_TEXT_SIZE];

	if (live > 0 || overdue_ms < OVERDUE_MS) {
		find(report, "workers", GRADE_OK, NULL, "%lld running%s", live,
			overdue_ms < OVERDUE_MS ? ", and nothing is overdue" : "");
		return;
	}
	duration_format(overdue_ms, overdue);
	find(report, "workers", GRADE_WARNING, "start whworker",
		"none is running, and the oldest job has been due for %s", overdue);
}

static void
check_endpoints(struct report *report)
{
	const struct queue_stats *stats = &report->stats;
	struct span first = {0};
	size_t count = 0;

	for (size_t i = stats->count; i-- > 0;)
		if (stats->endpoints[i].unconfigured_at != 0) {
			first = stats->endpoints[i].endpoint;
			count++;
		}
	if (count == 0)
		find(report, "endpoints", GRADE_OK, NULL, "all are known to the workers");
	else
		find(report, "endpoints", GRADE_WARNING,
			"put it into the worker's configuration and send a HUP, or start "
			"a worker that has it",
			"jobs wait for \"%.*s\"%s: not in the worker's configuration",
			(int)first.len, first.ptr, count > 1 ? " and others" : "");
}

/* Workers follow a clock that is set back, but what a user delayed by it stays put. */
static void
check_clock(struct report *report)
{
	int64_t ahead_ms = report->health.newest_at - report->now;
	char ahead[TIME_TEXT_SIZE];

	if (ahead_ms <= CLOCK_SLACK_MS) {
		find(report, "clock", GRADE_OK, NULL, "agrees with the store");
		return;
	}
	duration_format(ahead_ms, ahead);
	find(report, "clock", GRADE_PROBLEM,
		"set the clock (timedatectl) if it is wrong; if it was ahead before, "
		"workers allow for that, and whqueue expedite runs what was delayed",
		"the store's newest entry lies %s in the future", ahead);
}

/* ---- of the worker that would be started here ------------------------------------ */

static size_t
endpoints_with_networks(const struct config *config)
{
	struct map_entry *entry;
	size_t cursor = 0, count = 0;

	while ((entry = map_next(&config->endpoints, &cursor)) != NULL) {
		const struct endpoint_config *endpoint = entry->value;

		count += endpoint->open != NULL;
	}
	return count;
}

static bool
all_is_open(const struct network *networks)
{
	while (networks != NULL && networks->prefix > 0)
		networks = networks->next;
	return networks != NULL;
}

static void
check_networks(struct report *report)
{
	const struct config *config = &report->config;
	size_t endpoints = endpoints_with_networks(config);
	char more[64] = "";
	struct buf list;

	buf_init(&list, FINDING_TEXT_MAX / 2);
	networks_put(config->open, &list);
	if (endpoints > 0)
		snprintf(more, sizeof(more), "; more to %zu endpoint%s of their own",
			endpoints, endpoints == 1 ? "" : "s");
	find(report, "networks", all_is_open(config->open) ? GRADE_CAUTION : GRADE_OK,
		"open no more than is needed: any URL reaches this machine and its "
		"neighbours",
		"deliveries go to public addresses%s%s%s%s",
		config->open == NULL ? " only" : " and ", buf_span(&list).ptr,
		list.failed ? " …" : "", more);
	buf_free(&list);
}

static void
check_sandbox(struct report *report)
{
	bool filters = sandbox_filters_calls();
	int version = sandbox_landlock_version();
	char landlock[32] = "no Landlock";

	if (version > 0)
		snprintf(landlock, sizeof(landlock), "Landlock version %d", version);
	find(report, "sandbox", filters && version > 0 ? GRADE_OK : GRADE_CAUTION,
		"a worker does without what this kernel lacks; whworker --sandbox "
		"require does not",
		"%s, %s", filters ? "seccomp" : "no seccomp", landlock);
}

static void
check_all(struct report *report)
{
	check_file(report);
	check_sqlite(report);
	check_integrity(report);
	check_wal(report);
	check_disk(report);
	check_networks(report);
	check_sandbox(report);
	/* Nobody has looked at the rest of a damaged store. */
	if (!report->health.integrity_ok)
		return;
	check_schema(report);
	check_leases(report);
	check_workers(report);
	check_endpoints(report);
	check_clock(report);
}

static const struct output_column columns[] = {
	{"CHECK", false, 0},
	{"RESULT", false, 0},
	{"FINDING", false, 0},
	{"ADVICE", false, 0},
	{0},
};

static int
put_record(struct output *output, const struct finding *finding, struct err *err)
{
	struct buf *json = output_json(output);

	output_row_begin(output, span_of(finding->check));
	if (output_wants_json(output)) {
		buf_add_char(json, '{');
		json_put_member_string(json, "check", span_of(finding->check));
		json_put_member_string(
			json, "result", span_of(grade_name(finding->grade)));
		json_put_member_string(json, "finding", span_of(finding->text));
		if (finding->advice != NULL)
			json_put_member_string(json, "advice", span_of(finding->advice));
		buf_add_char(json, '}');
	} else {
		output_cell(output, TINT_NONE, span_of(finding->check));
		output_cell(output, TINT_NONE, span_of(grade_name(finding->grade)));
		output_cell(output, TINT_NONE, span_of(finding->text));
		output_cell(output, TINT_NONE,
			span_of(finding->advice == NULL ? "" : finding->advice));
	}
	return output_row_end(output, err);
}

static int
print_records(struct cli *cli, const struct cli_common *common,
	const struct report *report, struct err *err)
{
	struct output *output;
	int result = 0;

	if (output_open(&output, cli, common, columns, err) != 0)
		return -1;
	for (size_t i = 0; i < report->count && result == 0; i++)
		result = put_record(output, &report->findings[i], err);
	if (output_close(output, NULL, result == 0 ? err : NULL) != 0)
		result = -1;
	return result;
}

/* What was found, and below it what to do. */
static void
put_sentences(struct buf *text, const struct finding *finding, size_t width)
{
	enum { INDENT = 20, ARROW = 3 };

	safe_prose(text, span_of(finding->text), INDENT, width);
	buf_add_char(text, '\n');
	if (finding->advice == NULL)
		return;
	buf_printf(text, "%*s-> ", INDENT, "");
	safe_prose(text, span_of(finding->advice), INDENT + ARROW, width);
	buf_add_char(text, '\n');
}

/* Sentences are for reading, so they are not squeezed into columns. */
static int
print_lines(struct cli *cli, const struct cli_common *common, const struct report *report,
	struct err *err)
{
	static const enum tint tints[] = {
		[GRADE_OK] = TINT_GOOD,
		[GRADE_CAUTION] = TINT_WARN,
		[GRADE_WARNING] = TINT_WARN,
		[GRADE_PROBLEM] = TINT_BAD,
	};
	bool color = color_wanted(common, cli->stdout_terminal);
	size_t width = output_width(cli->stdout_terminal);
	struct buf text;
	int result;

	buf_init(&text, 64 * 1024);
	for (size_t i = 0; i < report->count; i++) {
		const struct finding *finding = &report->findings[i];
		enum tint tint = tints[finding->grade];

		buf_printf(&text, "%s%-7s%s  %-9s  ", tint_start(tint, color),
			grade_name(finding->grade), tint_end(tint, color),
			finding->check);
		put_sentences(&text, finding, width);
	}
	result = cli_write_buf(cli, &text, err);
	buf_free(&text);
	return result;
}

static int
examine(struct cli *cli, const struct doctor_args *args, struct report *report,
	struct err *err)
{
	struct store *store;
	int result;

	if (config_open_networks(&report->config, &args->open, err) != 0 ||
		operator_open(cli, &args->common, STORE_READ, &store, err) != 0)
		return -1;
	result = store_health(store, report->now, &report->health, err);
	if (result == 0)
		result = store_stats(store, report->now, &report->stats, err);
	store_close(store);
	return result;
}

enum exit_code
doctor_run(struct cli *cli, const void *given)
{
	const struct doctor_args *args = given;
	const struct cli_common *common = &args->common;
	struct report report = {.now = clock_now(&cli->clock)};
	bool as_lines = output_format(cli, common) == FORMAT_TABLE;
	struct err err;
	int result;

	if (config_load(&report.config, common->config, NULL, &err) != 0)
		return cli_complain(cli, &err);
	result = examine(cli, args, &report, &err);
	if (result == 0) {
		check_all(&report);
		result = as_lines ? print_lines(cli, common, &report, &err)
				  : print_records(cli, common, &report, &err);
	}
	queue_stats_free(&report.stats);
	config_free(&report.config);
	return result == 0 ? report.code : cli_complain(cli, &err);
}
