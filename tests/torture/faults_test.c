/* SPDX-License-Identifier: MIT */
/*
 * Every program, with the Nth call of a kind made to fail (fault.c), N = 1, 2, 3 … until
 * a run in which nothing failed. After each run: it ended by itself with a documented
 * status that fits the fault, it said so, what it printed is true and is the beginning of
 * what it would have printed, the store is sound, and the same command without a fault
 * finishes the job. The last two need no look where the store is still what it was.
 *
 *	faults_test [SCENARIO[:CLASS]…]
 *
 * Between the first and the last calls N grows by a third. Every N is TORTURE=full
 * (`make torture`), in as many processes as $TORTURE_JOBS says: most of a run is waiting;
 * $FIRST and $LAST bound it.
 */
#include "lab.h"

#include "cli/exit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RUNS_SHOWN = 3, ANSWER_MAX = 1 << 20, PARTS_OF_FULL = 8 };

/* With so many of its own libcurl prepares, connects and watches the first transfers. */
enum { DENSE_UNTIL = 8, FIRST_OF_LIBCURL = 100 };

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
	{"close", EIO, "EIO", "once", EVERYONE},
	{"lock", EINTR, "EINTR", "once", STORE_PROGRAMS},
	{"lock", ENOLCK, "ENOLCK", "once", STORE_PROGRAMS},
	{"alloc", ENOMEM, "ENOMEM", "once", EVERYONE},
	{"alloc", ENOMEM, "ENOMEM", "ever", EVERYONE},
	{"libcurl", ENOMEM, "ENOMEM", "once", WORKER_ONLY},
	{"map", ENOMEM, "ENOMEM", "once", STORE_PROGRAMS},
	{"map", ENOMEM, "ENOMEM", "ever", STORE_PROGRAMS},
	{"random", ENOSYS, "ENOSYS", "ever", STORE_PROGRAMS},
	{"resolve", EAGAIN, "EAI_AGAIN", "once", WORKER_ONLY},
	{"socket", EMFILE, "EMFILE", "once", WORKER_ONLY},
	{"option", ENOTCONN, "ENOTCONN", "once", WORKER_ONLY},
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

static const char EVENT[] = "{\"id\":\"n1\",\"url\":\"^/ok\"}\n";

static const char WAITING[] =
	"{\"id\":\"w1\",\"url\":\"^/ok\",\"event_type\":\"a\",\"payload\":{\"n\":1}}\n"
	"{\"id\":\"w5\",\"url\":\"^/token/ab\",\"headers\":{\"x-token\":\"a\\u0062\"}}\n"
	"{\"id\":\"w2\",\"url\":\"^/status/404\",\"event_type\":\"b\",\"payload\":2}\n"
	"{\"id\":\"w3\",\"url\":\"^/status/503\",\"payload\":[3]}\n"
	"{\"id\":\"w4\",\"url\":\"http://named.test:~/ok\",\"payload\":\"four\"}\n"
	"{\"id\":\"w6\",\"url\":\"http://later.test:~/status/429?retry-after=7200\"}\n"
	"{\"id\":\"w7\",\"url\":\"http://throttling.test:~/status/400"
	"?body=%7B%22__type%22:%22ThrottlingException%22%7D\"}\n";

static const char DEAD[] =
	"{\"id\":\"d1\",\"url\":\"^/ok\",\"attempt\":1,\"http\":{\"status\":404}}\n"
	"{\"id\":\"d2\",\"url\":\"^/ok\",\"attempt\":1,\"http\":{\"status\":410},"
	"\"note\":[1],\"headers\":{\"x-a\":\"\\u0062\"},\"payload\":{\"secret\":1}}\n"
	"{\"id\":\"d3\",\"url\":\"^/ok\",\"attempt\":2,\"error\":{\"message\":\"bad "
	"signature\"}}\n";

static const char REPORTS[] =
	"{\"id\":1,\"http\":{\"status\":503,\"headers\":{\"retry-after\":\"120\"}}}\n"
	"\"connect ECONNREFUSED 127.0.0.1:80\"\n"
	"{\"error\":{\"code\":\"40P01\",\"cause\":{\"code\":\"ETIMEDOUT\"}}}\n"
	"something that is not JSON\n"
	"{\"error\":{\"message\":\"signature does not match\"}}\n";

/* Whoever sends it dies of it. */
static const char POISON[] =
	"{\"id\":\"p1\",\"url\":\"^/poison\",\"priority\":5,\"payload\":1}\n";

enum { SCENARIOS = 20 };

static const struct scenario scenarios[SCENARIOS] = {
	{"help", "whdlq cleanup --help", NULL, "none", EVERYONE, false, false},
	{"whclassify", "whclassify", REPORTS, "none", EVERYONE, false, false},
	{"whenqueue-explain", "whenqueue --explain -o table --jitter 0", EVENT, "none",
		EVERYONE, false, false},
	{"whenqueue-new", "whenqueue --db x/y/wh.db --jitter 0", EVENTS, "none",
		STORE_PROGRAMS, false, true},
	{"whenqueue", "whenqueue --db wh.db --jitter 0", EVENTS, "store", STORE_PROGRAMS,
		false, true},
	{"whworker",
		"whworker --db wh.db --drain --jitter 0 --grace 300ms --policy quick",
		NULL, "store", WORKER_ONLY, true, false},
	{"whworker-takeover",
		"whworker --db wh.db --drain --jitter 0 --grace 300ms --policy quick",
		NULL, "crashed", WORKER_ONLY, true, false},
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
	{"whdlq-show-page", "whdlq show -o table --db wh.db d2", NULL, "store",
		STORE_PROGRAMS, false, false},
	{"whdlq-retry", "whdlq retry --db wh.db d1 d2", NULL, "store", STORE_PROGRAMS,
		false, false},
	{"whdlq-stats", "whdlq stats -o table --db wh.db", NULL, "store", STORE_PROGRAMS,
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

/* What a response asked for was heard: the most that a Retry-After is taken for. */
static const char WAIT_IS_HEARD[] = "SELECT json_extract(?1, '$.status') IS NOT 429"
				    " OR json_extract(?1, '$.delay_ms') = 3600000";

static const char ATTEMPTS_SETTLED[] = "SELECT count(*) FROM attempt WHERE NOT reported";

/* ---- a sweep --------------------------------------------------------------------- */

/* Where a scenario is run, and how it goes without a fault. */
struct bench {
	const struct scenario *scenario; /* NULL: none yet */
	char place[32];                  /* in the laboratory */
	char db[LAB_PATH_MAX];
	char mark[LAB_PATH_MAX]; /* a file of one byte, which a fault sets */
	struct outcome clean;
	struct buf after; /* the fingerprint */
};

/* One scenario under one kind of fault, N after N. */
struct sweep {
	struct lab *lab;
	const struct bench *bench;
	const struct scenario *scenario;
	const struct fault_kind *kind;
	long nth;
	int part; /* of so many that share a full sweep */
	int parts;
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
	else if (code == EXIT_NONE && sweep->bench->clean.code != EXIT_NONE)
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

/* Where the next word of it begins, or its next line. */
static struct span
skip_blanks(struct span text)
{
	while (text.len > 0 && *text.ptr == ' ') {
		text.ptr++;
		text.len--;
	}
	return text;
}

/* Whether both begin with the same words in the same lines. The columns of a table that
 * was cut short are narrower. */
static bool
has_the_words_of(struct span got, struct span whole)
{
	for (;;) {
		got = skip_blanks(got);
		whole = skip_blanks(whole);
		if (got.len == 0)
			return true;
		if (whole.len == 0 || *got.ptr != *whole.ptr)
			return false;
		got = (struct span){got.ptr + 1, got.len - 1};
		whole = (struct span){whole.ptr + 1, whole.len - 1};
	}
}

static void
check_output(struct sweep *sweep)
{
	struct span got = buf_span(&sweep->outcome.out);
	struct span whole = buf_span(&sweep->bench->clean.out);
	bool is_table = strstr(sweep->scenario->line, "-o table") != NULL;
	bool is_start = is_table
		? has_the_words_of(got, whole)
		: got.len <= whole.len && memcmp(got.ptr, whole.ptr, got.len) == 0;

	/* A record that memory did not suffice for is told by its line; the rest goes on.
	 */
	bool goes_on = sweep->scenario->receipts && sweep->outcome.code == EXIT_OS &&
		strstr(buf_span(&sweep->outcome.err).ptr, ": line ") != NULL;

	if (sweep->scenario->varies || goes_on)
		return;
	if (!is_start)
		complain(sweep, "printed something else: %.300s", got.ptr);
	else if (sweep->outcome.code == sweep->bench->clean.code && got.len != whole.len)
		complain(sweep, "hid that output is missing");
}

static void
check_lines(struct sweep *sweep, const char *truth)
{
	const char *line = buf_span(&sweep->outcome.out).ptr;

	for (const char *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		struct span text = {line, (size_t)(end - line)};

		if (!lab_answers(sweep->bench->db, truth, text, "1"))
			complain(sweep, "this line is not true: %.*s", (int)text.len,
				text.ptr);
	}
}

/* Not a settled attempt is kept quiet, unless it is said that its line is lost. */
static void
check_all_told(struct sweep *sweep)
{
	const char *line = buf_span(&sweep->outcome.out).ptr;
	char told[24];
	int lines = 0;

	if (sweep->outcome.code != EXIT_DONE || sweep->outcome.err.len > 0)
		return;
	for (; (line = strstr(line, "\"attempt\":")) != NULL; line++)
		lines++;
	snprintf(told, sizeof(told), "%d", lines);
	if (!lab_answers(sweep->bench->db, ATTEMPTS_SETTLED, (struct span){0}, told))
		complain(sweep, "told of %s attempts, which are not all", told);
}

/* What was printed is so in the store. */
static void
check_truth(struct sweep *sweep)
{
	if (sweep->scenario->receipts)
		check_lines(sweep, RECEIPT_IS_TRUE);
	if (sweep->scenario->reach != WORKER_ONLY)
		return;
	check_lines(sweep, ATTEMPT_IS_TRUE);
	check_lines(sweep, WAIT_IS_HEARD);
	check_all_told(sweep);
}

static void
check_store(struct sweep *sweep)
{
	const char *damage = lab_damage(sweep->bench->db, &sweep->answer);

	if (damage != NULL)
		complain(sweep, "the store: %s", damage);
}

/* Without a fault the same command ends as it should, and leaves what it should. */
static void
check_second_run(struct sweep *sweep, const struct command *command)
{
	const char *damage;

	lab_run(sweep->lab, sweep->bench->place, command, &sweep->outcome);
	if (sweep->outcome.code != sweep->bench->clean.code &&
		sweep->outcome.code != EXIT_NONE && sweep->outcome.code != EXIT_DONE)
		complain(sweep, "the second run failed");
	damage = lab_damage(sweep->bench->db, &sweep->answer);
	if (damage != NULL)
		complain(sweep, "the store after the second run: %s", damage);
	lab_ask(sweep->bench->db, FINGERPRINT, (struct span){0}, &sweep->answer);
	if (!span_is(buf_span(&sweep->answer), buf_span(&sweep->bench->after).ptr))
		complain(sweep, "after the second run there is %s, not %s",
			buf_span(&sweep->answer).ptr, buf_span(&sweep->bench->after).ptr);
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

/* The variables of a run, with a fault if `order` is not NULL; a worker's names resolve
 * to the receiver's address. */
struct variables {
	char order[64];
	char mark[LAB_PATH_MAX + 16];
	char preload[3 * LAB_PATH_MAX];
	const char *list[6];
};

static void
set_variables(struct variables *to, const struct lab *lab, const struct bench *bench,
	const char *order)
{
	bool names = bench->scenario->reach == WORKER_ONLY;
	size_t count = 0;

	*to = (struct variables){0};
	snprintf(to->preload, sizeof(to->preload), "LD_PRELOAD=%s%s%s%s",
		order == NULL ? "" : lab->build,
		order == NULL ? "" : "/torture/fault.so ", names ? lab->build : "",
		names ? "/tests/resolver.so" : "");
	to->list[count++] = to->preload;
	to->list[count++] = clock_of(bench->scenario);
	to->list[count++] = "WH_TEST_HOSTS=hosts";
	if (order == NULL)
		return;
	snprintf(to->order, sizeof(to->order), "FAULT=%s", order);
	snprintf(to->mark, sizeof(to->mark), "FAULT_MARK=%s", bench->mark);
	to->list[count++] = to->order;
	to->list[count++] = to->mark;
}

/* One run; false if it had no Nth call. */
static bool
strike(struct sweep *sweep)
{
	const struct scenario *scenario = sweep->scenario;
	struct variables faulty, sound;
	struct command command = {scenario->line, scenario->input, faulty.list};
	char order[48];
	bool struck;

	snprintf(order, sizeof(order), "%s %d %ld %s", sweep->kind->class,
		sweep->kind->number, sweep->nth, sweep->kind->how);
	set_variables(&faulty, sweep->lab, sweep->bench, order);
	set_variables(&sound, sweep->lab, sweep->bench, NULL);
	lab_copy(sweep->lab, scenario->from, sweep->bench->place);
	lab_run(sweep->lab, sweep->bench->place, &command, &sweep->outcome);
	struck = take_mark(sweep->bench->mark);
	check_code(sweep);
	check_message(sweep);
	check_output(sweep);
	check_truth(sweep);
	if (!struck || lab_is_copy(sweep->lab, scenario->from, sweep->bench->place))
		return struck;
	check_store(sweep);
	command.environment = sound.list;
	check_second_run(sweep, &command);
	return true;
}

static bool
is_full(void)
{
	const char *torture = getenv("TORTURE");

	return torture != NULL && strcmp(torture, "full") == 0;
}

/* The Nth call, if there is one. */
static bool
try(struct sweep *sweep, long nth)
{
	sweep->nth = nth;
	if (!strike(sweep))
		return false;
	sweep->runs++;
	return true;
}

static void
sweep_all(struct sweep *sweep)
{
	long last = lab_number("LAST", LONG_MAX);
	long nth = lab_number("FIRST", 1) + sweep->part;

	while (nth <= last && try(sweep, nth))
		nth += sweep->parts;
}

/* How many calls are the first, which are all tried. */
static long
first_calls(const struct fault_kind *kind)
{
	return strcmp(kind->class, "libcurl") == 0 ? FIRST_OF_LIBCURL : DENSE_UNTIL;
}

/* The first calls, some in between, and the last, with which it is told what was done. */
static void
sweep_some(struct sweep *sweep)
{
	long stride = lab_number("STRIDE", 3), dense = first_calls(sweep->kind);
	long next = 1, last = 0;

	while (try(sweep, next)) {
		last = next;
		next += next < dense || next < stride ? 1 : next / stride;
	}
	while (next - last > 1) {
		long middle = last + (next - last) / 2;

		if (try(sweep, middle))
			last = middle;
		else
			next = middle;
	}
	for (long nth = last - DENSE_UNTIL; nth < last; nth++)
		if (nth > dense)
			try(sweep, nth);
}

static void
run_sweep(struct sweep *sweep)
{
	outcome_init(&sweep->outcome);
	buf_init(&sweep->answer, ANSWER_MAX);
	if (sweep->parts > 1)
		sweep_all(sweep);
	else
		sweep_some(sweep);
	outcome_free(&sweep->outcome);
	buf_free(&sweep->answer);
}

/* ---- the suite ------------------------------------------------------------------- */

/* What the processes that share the work have done so far. */
struct tally {
	atomic_int taken; /* units of work: a scenario, a kind of fault, a part */
	atomic_int tests;
	atomic_int failed;
	atomic_long runs[SCENARIOS][KINDS];
};

struct suite {
	struct lab lab;
	char **wanted;
	int parts;
	struct tally *tally; /* in memory that is shared */
};

static void
bench_init(struct bench *bench, const struct lab *lab, int job)
{
	char name[32];

	*bench = (struct bench){0};
	snprintf(bench->place, sizeof(bench->place), "run-%d", job);
	snprintf(name, sizeof(name), "mark-%d", job);
	lab_path(lab, name, bench->mark);
	take_mark(bench->mark);
	outcome_init(&bench->clean);
	buf_init(&bench->after, ANSWER_MAX);
}

static void
bench_free(struct bench *bench)
{
	outcome_free(&bench->clean);
	buf_free(&bench->after);
}

/* How it goes without a fault. */
static void
prepare(struct bench *bench, struct lab *lab, const struct scenario *scenario)
{
	bool nested = strstr(scenario->line, "x/y/") != NULL;
	struct variables sound;
	struct command command = {scenario->line, scenario->input, sound.list};
	char name[64];
	int code;

	if (bench->scenario == scenario)
		return;
	bench->scenario = scenario;
	snprintf(name, sizeof(name), "%s/%swh.db", bench->place, nested ? "x/y/" : "");
	lab_path(lab, name, bench->db);
	set_variables(&sound, lab, bench, NULL);
	lab_copy(lab, scenario->from, bench->place);
	lab_run(lab, bench->place, &command, &bench->clean);
	code = bench->clean.code;
	/* The doctor has something to say, and whclassify is given what is no record. */
	if (code != EXIT_DONE && code != EXIT_NONE && code != EXIT_DATA) {
		printf("Bail out! %s ends with %d: %s\n", scenario->name, code,
			buf_span(&bench->clean.err).ptr);
		exit(1);
	}
	lab_ask(bench->db, FINGERPRINT, (struct span){0}, &bench->after);
}

static void
report(const struct sweep *sweep)
{
	const struct fault_kind *kind = sweep->kind;
	long first = lab_number("FIRST", 1) + sweep->part;

	printf("%s - %s: %s %s %s, ", sweep->wrong > 0 ? "not ok" : "ok",
		sweep->scenario->name, kind->class, kind->name, kind->how);
	if (sweep->parts > 1)
		printf("N = %ld, %ld …: ", first, first + sweep->parts);
	printf("%ld runs\n", sweep->runs);
}

static void
test_kind(struct suite *suite, struct bench *bench, int scenario, int kind, int part)
{
	struct sweep sweep = {.lab = &suite->lab,
		.bench = bench,
		.scenario = &scenarios[scenario],
		.kind = &kinds[kind],
		.part = part,
		.parts = suite->parts};

	prepare(bench, &suite->lab, sweep.scenario);
	run_sweep(&sweep);
	if (sweep.runs == 0 && part == 0 && sweep.kind->reach == WORKER_ONLY)
		complain(&sweep, "there is no such call: that shows nothing");
	atomic_fetch_add(&suite->tally->runs[scenario][kind], sweep.runs);
	atomic_fetch_add(&suite->tally->tests, 1);
	atomic_fetch_add(&suite->tally->failed, sweep.wrong > 0);
	report(&sweep);
	fflush(stdout);
}

/* Whether a SCENARIO[:CLASS] names it; `kind` NULL: in whichever class. */
static bool
is_wanted(const struct scenario *scenario, const struct fault_kind *kind, char **wanted)
{
	if (*wanted == NULL)
		return true;
	for (; *wanted != NULL; wanted++) {
		size_t len = strcspn(*wanted, ":");
		const char *class = *wanted + len;

		if (len == strlen(scenario->name) &&
			strncmp(*wanted, scenario->name, len) == 0 &&
			(kind == NULL || *class == '\0' ||
				strcmp(class + 1, kind->class) == 0))
			return true;
	}
	return false;
}

/* Unit after unit of what nobody has taken yet. A full sweep that is broken off has tried
 * every class, in steps. */
static void
do_job(struct suite *suite, int job)
{
	struct bench bench;
	int unit;

	bench_init(&bench, &suite->lab, job);
	while ((unit = atomic_fetch_add(&suite->tally->taken, 1)) <
		SCENARIOS * KINDS * suite->parts) {
		int kind = unit % KINDS;
		int part = unit / KINDS % suite->parts;
		int scenario = unit / KINDS / suite->parts;

		if (is_wanted(&scenarios[scenario], &kinds[kind], suite->wanted) &&
			kinds[kind].reach <= scenarios[scenario].reach)
			test_kind(suite, &bench, scenario, kind, part);
	}
	bench_free(&bench);
}

/* Each writes what it has to say about a unit at once. */
static void
start_jobs(struct suite *suite, long jobs)
{
	for (int job = 0; job < jobs; job++) {
		pid_t child = fork();

		if (child < 0)
			abort();
		if (child > 0)
			continue;
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		setvbuf(stdout, NULL, _IOFBF, ANSWER_MAX);
		lab_join(&suite->lab);
		do_job(suite, job);
		_exit(0);
	}
}

static void
await_jobs(struct suite *suite, long jobs)
{
	for (int status; jobs > 0 && wait(&status) > 0; jobs--) {
		if (status == 0)
			continue;
		printf("not ok - a job ended with status %d\n", status);
		atomic_fetch_add(&suite->tally->tests, 1);
		atomic_fetch_add(&suite->tally->failed, 1);
	}
}

/* Counts of the same class are next to each other. */
static long
print_figures(const struct suite *suite, int scenario)
{
	const char *separator = "";
	long of_class = 0, all = 0;

	printf("# figure: %s, runs with a fault:", scenarios[scenario].name);
	for (int i = 0; i < KINDS; i++) {
		of_class += suite->tally->runs[scenario][i];
		if (i + 1 < KINDS && strcmp(kinds[i].class, kinds[i + 1].class) == 0)
			continue;
		if (of_class > 0) {
			printf("%s %s %ld", separator, kinds[i].class, of_class);
			separator = ",";
		}
		all += of_class;
		of_class = 0;
	}
	putchar('\n');
	return all;
}

static void
write_file(const struct lab *lab, const char *name, const char *text)
{
	char path[LAB_PATH_MAX];
	FILE *file;

	lab_path(lab, name, path);
	file = fopen(path, "w");
	if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0)
		abort();
}

/* A worker is killed with jobs in flight, and leaves its record of them. */
static void
crash_worker(struct lab *lab, const char *place)
{
	char preload[2 * LAB_PATH_MAX + 64];
	const char *const environment[] = {preload, "WH_TEST_HOSTS=hosts", NULL};

	snprintf(preload, sizeof(preload),
		"LD_PRELOAD=%s/tests/poison.so %s/tests/resolver.so", lab->build,
		lab->build);
	lab_must_run(
		lab, place, &(struct command){"whenqueue --db wh.db", POISON, NULL}, 0);
	lab_must_run(lab, place,
		&(struct command){
			"whworker --db wh.db --drain --policy quick", NULL, environment},
		-SIGKILL);
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

	lab_empty(lab, "none");
	lab_empty(lab, "store");
	lab_must_run(lab, "store",
		&(struct command){"whenqueue --db wh.db", WAITING, environment}, 0);
	lab_must_run(lab, "store",
		&(struct command){"whenqueue --db wh.db", DEAD, environment}, 0);
	write_file(lab, "store/quick", quick);
	write_file(lab, "store/hosts",
		"named.test 127.0.0.1\nlater.test 127.0.0.1\n"
		"throttling.test 127.0.0.1\n");
	lab_copy(lab, "store", "crashed");
	crash_worker(lab, "crashed");
	lab_copy(lab, "store", "resolved");
	lab_must_run(lab, "resolved",
		&(struct command){
			"whdlq resolve --db wh.db --by me d1", NULL, environment},
		0);
}

int
main(int argc, char **argv)
{
	struct suite suite = {.wanted = argv + 1, .parts = is_full() ? PARTS_OF_FULL : 1};
	long jobs = lab_number("TORTURE_JOBS", 3), runs = 0;

	(void)argc;
	suite.tally = mmap(NULL, sizeof(*suite.tally), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (suite.tally == MAP_FAILED)
		abort();
	lab_open(&suite.lab);
	make_stores(&suite.lab);
	start_jobs(&suite, jobs);
	await_jobs(&suite, jobs);
	for (int i = 0; i < SCENARIOS; i++)
		if (is_wanted(&scenarios[i], NULL, suite.wanted))
			runs += print_figures(&suite, i);
	lab_close(&suite.lab);
	printf("# figure: %ld runs with a fault in all\n1..%d\n", runs,
		suite.tally->tests);
	return suite.tally->failed > 0;
}
