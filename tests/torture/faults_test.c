/* SPDX-License-Identifier: MIT */
/*
 * Every program, with the Nth call of a kind made to fail (fault.c), N = 1, 2, 3 … until
 * a run in which nothing failed. After each run: it ended by itself with a documented
 * status that fits the fault, it said so, what it printed is true and is the beginning of
 * what it would have printed, the store is sound, and the same command without a fault
 * finishes the job.
 *
 *	faults_test [SCENARIO…]
 *
 * After the first calls N grows by a third, for the whole sweep takes minutes: that is
 * TORTURE=full (`make torture`). There is no accept(2) to fail: our programs are clients.
 */
#include "lab.h"

#include "cli/exit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DENSE_UNTIL = 8, RUNS_SHOWN = 3, ANSWER_MAX = 1 << 20 };

/* ---- what fails ------------------------------------------------------------------ */

/* The programs that a class of calls is found in. */
enum reach { EVERYONE, STORE_PROGRAMS, WORKER_ONLY };

struct fault_kind {
	const char *class;
	int number; /* 0: a short transfer */
	const char *name;
	const char *how;
	enum reach reach;
};

static const struct fault_kind kinds[] = {
	{"write", EIO, "EIO", "once", EVERYONE},
	{"write", ENOSPC, "ENOSPC", "once", EVERYONE},
	{"write", ENOSPC, "ENOSPC", "ever", EVERYONE},
	{"write", EINTR, "EINTR", "once", EVERYONE},
	{"write", 0, "short", "once", EVERYONE},
	{"read", EIO, "EIO", "once", EVERYONE},
	{"read", EINTR, "EINTR", "once", EVERYONE},
	{"read", 0, "short", "once", EVERYONE},
	{"sync", EIO, "EIO", "once", STORE_PROGRAMS},
	{"sync", EIO, "EIO", "ever", STORE_PROGRAMS},
	{"open", EMFILE, "EMFILE", "once", EVERYONE},
	{"open", EMFILE, "EMFILE", "ever", EVERYONE},
	{"open", EACCES, "EACCES", "once", EVERYONE},
	{"open", EIO, "EIO", "once", EVERYONE},
	{"files", EIO, "EIO", "once", EVERYONE},
	{"files", EACCES, "EACCES", "once", EVERYONE},
	{"lock", EINTR, "EINTR", "once", STORE_PROGRAMS},
	{"lock", ENOLCK, "ENOLCK", "once", STORE_PROGRAMS},
	{"alloc", ENOMEM, "ENOMEM", "once", EVERYONE},
	{"alloc", ENOMEM, "ENOMEM", "ever", EVERYONE},
	{"map", ENOMEM, "ENOMEM", "once", STORE_PROGRAMS},
	{"socket", EMFILE, "EMFILE", "once", WORKER_ONLY},
	{"connect", ECONNREFUSED, "ECONNREFUSED", "once", WORKER_ONLY},
	{"connect", EINTR, "EINTR", "once", WORKER_ONLY},
	{"send", ECONNRESET, "ECONNRESET", "once", WORKER_ONLY},
	{"send", EINTR, "EINTR", "once", WORKER_ONLY},
	{"send", 0, "short", "once", WORKER_ONLY},
	{"receive", ECONNRESET, "ECONNRESET", "once", WORKER_ONLY},
	{"receive", EINTR, "EINTR", "once", WORKER_ONLY},
	{"receive", 0, "short", "once", WORKER_ONLY},
	{"wait", EINTR, "EINTR", "once", EVERYONE},
	{"setup", EMFILE, "EMFILE", "once", WORKER_ONLY},
	{"setup", ENOMEM, "ENOMEM", "ever", WORKER_ONLY},
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

/* ---- who is run ------------------------------------------------------------------ */

struct scenario {
	const char *name;
	const char *line;
	const char *input;
	const char *from; /* the store at the beginning: a directory of the laboratory */
	enum reach reach; /* how far up the list of classes it goes */
	bool varies;      /* what it prints depends on more than the store */
	bool receipts;    /* prints one for each event */
};

static const char EVENTS[] =
	"{\"id\":\"n1\",\"url\":\"^/ok\",\"event_type\":\"a\",\"payload\":{\"n\":1}}\n"
	"{\"id\":\"n2\",\"url\":\"^/ok\",\"payload_b64\":\"AAEC\",\"delay\":\"90s\"}\n"
	"{\"id\":\"n3\",\"url\":\"^/ok\",\"headers\":{\"x-a\":\"b\"},\"payload\":[1]}\n"
	"{\"id\":\"w1\",\"url\":\"^/ok\",\"payload\":1}\n"
	"{\"id\":\"n4\",\"url\":\"https://other.example/\",\"ordering_key\":\"k\"}\n"
	"{\"id\":\"n5\",\"url\":\"^/ok\",\"attempt\":1,\"http\":{\"status\":503}}\n"
	"{\"id\":\"n6\",\"url\":\"^/ok\",\"attempt\":1,\"http\":{\"status\":404}}\n";

static const char WAITING[] =
	"{\"id\":\"w1\",\"url\":\"^/ok\",\"event_type\":\"a\",\"payload\":{\"n\":1}}\n"
	"{\"id\":\"w2\",\"url\":\"^/status/404\",\"event_type\":\"b\",\"payload\":2}\n"
	"{\"id\":\"w3\",\"url\":\"^/status/503\",\"payload\":[3]}\n"
	"{\"id\":\"w4\",\"url\":\"^/ok\",\"payload\":\"four\"}\n";

static const char DEAD[] =
	"{\"id\":\"d1\",\"url\":\"^/ok\",\"attempt\":1,\"http\":{\"status\":404}}\n"
	"{\"id\":\"d2\",\"url\":\"^/ok\",\"attempt\":1,\"http\":{\"status\":410},"
	"\"payload\":{\"secret\":1}}\n"
	"{\"id\":\"d3\",\"url\":\"^/ok\",\"attempt\":2,\"error\":{\"message\":\"bad "
	"signature\"}}\n";

static const char REPORTS[] =
	"{\"id\":1,\"http\":{\"status\":503,\"headers\":{\"retry-after\":\"120\"}}}\n"
	"\"connect ECONNREFUSED 127.0.0.1:80\"\n"
	"{\"error\":{\"code\":\"40P01\",\"cause\":{\"code\":\"ETIMEDOUT\"}}}\n"
	"something that is not JSON\n"
	"{\"error\":{\"message\":\"signature does not match\"}}\n";

static const struct scenario scenarios[] = {
	{"whclassify", "whclassify", REPORTS, "none", EVERYONE, false, false},
	{"whenqueue-new", "whenqueue --db x/y/wh.db --jitter 0", EVENTS, "none",
		STORE_PROGRAMS, false, true},
	{"whenqueue", "whenqueue --db wh.db --jitter 0", EVENTS, "store", STORE_PROGRAMS,
		false, true},
	{"whworker",
		"whworker --db wh.db --drain --jitter 0 --grace 300ms --policy quick",
		NULL, "store", WORKER_ONLY, true, false},
	{"whqueue-list", "whqueue list --db wh.db", NULL, "store", STORE_PROGRAMS, false,
		false},
	{"whqueue-hold", "whqueue hold --db wh.db --event-type a", NULL, "store",
		STORE_PROGRAMS, false, false},
	{"whqueue-cancel", "whqueue cancel --db wh.db --all --yes", NULL, "store",
		STORE_PROGRAMS, false, false},
	{"whqueue-stats", "whqueue stats --db wh.db", NULL, "store", STORE_PROGRAMS,
		false, false},
	{"whqueue-doctor", "whqueue doctor --db wh.db", NULL, "store", STORE_PROGRAMS,
		true, false},
	{"whdlq-list", "whdlq list --db wh.db", NULL, "store", STORE_PROGRAMS, false,
		false},
	{"whdlq-show", "whdlq show --db wh.db d2", NULL, "store", STORE_PROGRAMS, false,
		false},
	{"whdlq-retry", "whdlq retry --db wh.db d1 d2", NULL, "store", STORE_PROGRAMS,
		false, false},
	{"whdlq-resolve", "whdlq resolve --db wh.db --by me -m done d3", NULL, "store",
		STORE_PROGRAMS, false, false},
	{"whdlq-cleanup", "whdlq cleanup --db wh.db --older-than 1s", NULL, "resolved",
		STORE_PROGRAMS, false, false},
	{"whdlq-export", "whdlq export --db wh.db --all", NULL, "store", STORE_PROGRAMS,
		false, false},
};

/* ---- the state of a store -------------------------------------------------------- */

/* Where every event is, and what is on hold. */
static const char FINGERPRINT[] =
	"SELECT group_concat(line, ', ') FROM (SELECT k.event_id || ':' ||"
	" coalesce(q.state, '-') || coalesce(d.status, '-') ||"
	" coalesce(d.resolved_by, '') AS line FROM job_key k"
	" LEFT JOIN retry_queue q ON q.id = k.job_id"
	" LEFT JOIN dead_letter_queue d ON d.id = k.job_id"
	" UNION ALL SELECT 'hold ' || event_type || releasing FROM hold ORDER BY 1)";

/* A receipt, or a worker's line about an attempt, is true. */
static const char RECEIPT_IS_TRUE[] =
	"SELECT count(*) FROM job_key WHERE event_id = json_extract(?1, '$.id')"
	" AND job_id = json_extract(?1, '$.job_id')";

static const char ATTEMPT_IS_TRUE[] =
	"SELECT CASE WHEN json_extract(?1, '$.event') IN ('completed', 'retry', 'dead')"
	" THEN (SELECT count(*) FROM attempt WHERE job_id = json_extract(?1, '$.job_id')"
	" AND outcome = json_extract(?1, '$.event')) > 0 ELSE 1 END";

/* ---- a sweep --------------------------------------------------------------------- */

/* One scenario under one kind of fault, N after N. */
struct sweep {
	struct lab *lab;
	const struct scenario *scenario;
	const struct fault_kind *kind;
	const struct outcome *clean; /* without a fault */
	const char *after;           /* the fingerprint after that */
	char db[LAB_PATH_MAX];
	char mark[LAB_PATH_MAX]; /* a file of one byte, which a fault sets */
	long nth;
	long runs;
	long wrong;
	struct outcome outcome;
	struct buf answer;
};

static void __attribute__((format(printf, 2, 3)))
complain(struct sweep *sweep, const char *format, ...)
{
	va_list args;

	if (sweep->wrong++ >= RUNS_SHOWN)
		return;
	printf("# %s %s %s, N = %ld: ", sweep->kind->class, sweep->kind->name,
		sweep->kind->how, sweep->nth);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n#   exit %d: %s\n", sweep->outcome.code,
		sweep->outcome.err.len == 0 ? "(said nothing)" : sweep->outcome.err.data);
}

static bool
is_documented(int code)
{
	for (size_t i = 0; exit_table[i].meaning != NULL; i++)
		if ((int)exit_table[i].code == code)
			return true;
	return false;
}

static void
check_code(struct sweep *sweep)
{
	int code = sweep->outcome.code;

	if (code == LAB_HUNG)
		complain(sweep, "did not end");
	else if (code < 0)
		complain(sweep, "was ended by signal %d", -code);
	else if (!is_documented(code) || code == EXIT_BUG || code == EXIT_USAGE)
		complain(sweep, "ended with a status that does not fit");
	else if (code == EXIT_NONE && sweep->clean->code != EXIT_NONE)
		complain(sweep, "made an answer of it");
}

/* A failure is told in lines that begin with who tells it. */
static void
check_message(struct sweep *sweep)
{
	const char *name = sweep->scenario->line;
	size_t len = strcspn(name, " ");
	const char *line = buf_span(&sweep->outcome.err).ptr;

	/* What the doctor finds is its answer. */
	bool answered = strstr(buf_span(&sweep->outcome.out).ptr,
				"\"result\":\"problem\"") != NULL;

	if (sweep->outcome.code > EXIT_NONE && *line == '\0' && !answered)
		complain(sweep, "failed without a word");
	for (; *line != '\0'; line = strchr(line, '\n') + 1) {
		if (strncmp(line, name, len) != 0 || line[len] != ':') {
			complain(sweep, "said something without its name");
			return;
		}
		if (strchr(line, '\n') == NULL)
			return;
	}
}

static void
check_output(struct sweep *sweep)
{
	struct span got = buf_span(&sweep->outcome.out);
	struct span whole = buf_span(&sweep->clean->out);
	/* An answer that memory did not suffice for may be a vaguer one. */
	bool vague = sweep->scenario->reach == EVERYONE &&
		strcmp(sweep->kind->class, "alloc") == 0;
	bool is_start = got.len <= whole.len && memcmp(got.ptr, whole.ptr, got.len) == 0;

	if (sweep->scenario->varies || vague)
		return;
	if (!is_start)
		complain(sweep, "printed something else: %.300s", got.ptr);
	else if (sweep->outcome.code == sweep->clean->code && got.len != whole.len)
		complain(sweep, "hid that output is missing");
}

static void
check_lines(struct sweep *sweep, const char *truth)
{
	const char *line = buf_span(&sweep->outcome.out).ptr;

	for (const char *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		struct span text = {line, (size_t)(end - line)};

		if (!lab_answers(sweep->db, truth, text, "1"))
			complain(sweep, "this line is not true: %.*s", (int)text.len,
				text.ptr);
	}
}

static void
check_store(struct sweep *sweep)
{
	const char *damage = lab_damage(sweep->db, &sweep->answer);

	if (damage != NULL)
		complain(sweep, "the store: %s", damage);
	if (sweep->scenario->receipts)
		check_lines(sweep, RECEIPT_IS_TRUE);
	else if (strncmp(sweep->scenario->line, "whworker", 8) == 0)
		check_lines(sweep, ATTEMPT_IS_TRUE);
}

/* Without a fault the same command ends as it should, and leaves what it should. */
static void
check_second_run(struct sweep *sweep, const struct command *command)
{
	const char *damage;

	lab_run(sweep->lab, "run", command, &sweep->outcome);
	if (sweep->outcome.code != sweep->clean->code &&
		sweep->outcome.code != EXIT_NONE && sweep->outcome.code != EXIT_DONE)
		complain(sweep, "the second run failed");
	damage = lab_damage(sweep->db, &sweep->answer);
	if (damage != NULL)
		complain(sweep, "the store after the second run: %s", damage);
	lab_ask(sweep->db, FINGERPRINT, (struct span){0}, &sweep->answer);
	if (!span_is(buf_span(&sweep->answer), sweep->after))
		complain(sweep, "after the second run there is %s, not %s",
			buf_span(&sweep->answer).ptr, sweep->after);
}

static const char CLOCK[] = "WH_TEST_CLOCK=2026-03-01T12:00:00.000Z";

/* A worker's clock must go on, or no retry comes due. */
static const char *
clock_of(const struct scenario *scenario)
{
	return scenario->reach == WORKER_ONLY ? "WH_TEST_CLOCK=" : CLOCK;
}

/* Whether it is set; and then it is not any more. */
static bool
take_mark(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	char byte = 0, unset = 0;
	bool taken = fd >= 0 && pread(fd, &byte, 1, 0) >= 0 &&
		pwrite(fd, &unset, 1, 0) == 1;

	if (!taken)
		abort();
	close(fd);
	return byte != 0;
}

/* One run; false if it had no Nth call. */
static bool
strike(struct sweep *sweep)
{
	char order[64], mark[LAB_PATH_MAX + 16], preload[2 * LAB_PATH_MAX];
	const char *const faulty[] = {
		order, mark, preload, clock_of(sweep->scenario), NULL};
	const char *const sound[] = {clock_of(sweep->scenario), NULL};
	struct command command = {sweep->scenario->line, sweep->scenario->input, faulty};
	bool struck;

	snprintf(order, sizeof(order), "FAULT=%s %d %ld %s", sweep->kind->class,
		sweep->kind->number, sweep->nth, sweep->kind->how);
	snprintf(mark, sizeof(mark), "FAULT_MARK=%s", sweep->mark);
	snprintf(preload, sizeof(preload), "LD_PRELOAD=%s/torture/fault.so",
		sweep->lab->build);
	lab_copy(sweep->lab, sweep->scenario->from, "run");
	lab_run(sweep->lab, "run", &command, &sweep->outcome);
	struck = take_mark(sweep->mark);
	check_code(sweep);
	check_message(sweep);
	check_output(sweep);
	check_store(sweep);
	command.environment = sound;
	if (struck)
		check_second_run(sweep, &command);
	return struck;
}

static long
next_nth(long nth)
{
	const char *torture = getenv("TORTURE");
	bool full = torture != NULL && strcmp(torture, "full") == 0;

	return full || nth < DENSE_UNTIL ? nth + 1 : nth + nth / lab_number("STRIDE", 3);
}

static void
run_sweep(struct sweep *sweep)
{
	lab_path(sweep->lab, "mark", sweep->mark);
	take_mark(sweep->mark);
	outcome_init(&sweep->outcome);
	buf_init(&sweep->answer, ANSWER_MAX);
	for (sweep->nth = 1; strike(sweep); sweep->nth = next_nth(sweep->nth))
		sweep->runs++;
	outcome_free(&sweep->outcome);
	buf_free(&sweep->answer);
}

/* ---- the suite ------------------------------------------------------------------- */

struct suite {
	struct lab lab;
	int tests;
	int failed;
	long runs;
};

/* How it goes without a fault. */
static void
run_clean(struct suite *suite, const struct scenario *scenario, const char *db,
	struct outcome *clean, struct buf *after)
{
	const char *const environment[] = {clock_of(scenario), NULL};
	struct command command = {scenario->line, scenario->input, environment};

	lab_copy(&suite->lab, scenario->from, "run");
	lab_run(&suite->lab, "run", &command, clean);
	/* The doctor has something to say, and whclassify is given what is no record. */
	if (clean->code != EXIT_DONE && clean->code != EXIT_NONE &&
		clean->code != EXIT_DATA) {
		printf("Bail out! %s ends with %d: %s\n", scenario->name, clean->code,
			buf_span(&clean->err).ptr);
		exit(1);
	}
	lab_ask(db, FINGERPRINT, (struct span){0}, after);
}

/* Counts of the same class are next to each other. */
static void
add_figure(struct buf *figures, size_t kind, long *runs_of_class)
{
	bool last = kind + 1 == KINDS ||
		strcmp(kinds[kind].class, kinds[kind + 1].class) != 0;

	if (!last || *runs_of_class == 0)
		return;
	buf_printf(figures, "%s %s %ld", figures->len > 0 ? "," : "", kinds[kind].class,
		*runs_of_class);
	*runs_of_class = 0;
}

static void
test_kind(struct suite *suite, struct sweep *sweep)
{
	const struct fault_kind *kind = sweep->kind;

	run_sweep(sweep);
	if (sweep->runs == 0 && kind->reach == WORKER_ONLY)
		complain(sweep, "there is no such call: that shows nothing");
	suite->runs += sweep->runs;
	suite->failed += sweep->wrong > 0;
	printf("%s %d - %s: %s %s %s, %ld runs\n", sweep->wrong > 0 ? "not ok" : "ok",
		++suite->tests, sweep->scenario->name, kind->class, kind->name, kind->how,
		sweep->runs);
}

static void
test_scenario(struct suite *suite, const struct scenario *scenario)
{
	bool nested = strstr(scenario->line, "x/y/") != NULL;
	struct outcome clean;
	struct buf after, figures;
	char db[LAB_PATH_MAX];
	long runs_of_class = 0;

	lab_path(&suite->lab, nested ? "run/x/y/wh.db" : "run/wh.db", db);
	outcome_init(&clean);
	buf_init(&after, ANSWER_MAX);
	buf_init(&figures, ANSWER_MAX);
	run_clean(suite, scenario, db, &clean, &after);
	for (size_t i = 0; i < KINDS; i++) {
		struct sweep sweep = {.lab = &suite->lab,
			.scenario = scenario,
			.kind = &kinds[i],
			.clean = &clean,
			.after = buf_span(&after).ptr};

		snprintf(sweep.db, sizeof(sweep.db), "%s", db);
		if (kinds[i].reach <= scenario->reach)
			test_kind(suite, &sweep);
		runs_of_class += sweep.runs;
		add_figure(&figures, i, &runs_of_class);
	}
	printf("# figure: %s, runs with a fault:%s\n", scenario->name,
		buf_span(&figures).ptr);
	outcome_free(&clean);
	buf_free(&after);
	buf_free(&figures);
}

/* The stores that the scenarios begin with. */
static void
make_stores(struct lab *lab)
{
	static const char quick[] =
		"{\"types\":{\"server\":{\"max_retries\":2,\"base_delay\":\"0ms\"},"
		"\"network\":{\"max_retries\":9,\"base_delay\":\"0ms\"},"
		"\"unknown\":{\"max_retries\":9,\"base_delay\":\"0ms\"}}}\n";
	const char *const environment[] = {
		"WH_TEST_CLOCK=2026-03-01T11:00:00.000Z", NULL};
	char path[LAB_PATH_MAX];
	FILE *file;

	lab_empty(lab, "none");
	lab_empty(lab, "store");
	lab_must_run(lab, "store",
		&(struct command){"whenqueue --db wh.db", WAITING, environment}, 0);
	lab_must_run(lab, "store",
		&(struct command){"whenqueue --db wh.db", DEAD, environment}, 0);
	lab_path(lab, "store/quick", path);
	file = fopen(path, "w");
	fputs(quick, file);
	fclose(file);
	lab_copy(lab, "store", "resolved");
	lab_must_run(lab, "resolved",
		&(struct command){
			"whdlq resolve --db wh.db --by me d1", NULL, environment},
		0);
}

static bool
is_wanted(const struct scenario *scenario, char **wanted)
{
	if (*wanted == NULL)
		return true;
	for (; *wanted != NULL; wanted++)
		if (strcmp(*wanted, scenario->name) == 0)
			return true;
	return false;
}

int
main(int argc, char **argv)
{
	struct suite suite = {0};

	(void)argc;
	lab_open(&suite.lab);
	make_stores(&suite.lab);
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++)
		if (is_wanted(&scenarios[i], argv + 1))
			test_scenario(&suite, &scenarios[i]);
	lab_close(&suite.lab);
	printf("# figure: %ld runs with a fault in all\n1..%d\n", suite.runs,
		suite.tests);
	return suite.failed > 0;
}
