/* SPDX-License-Identifier: MIT */
/*
 * The store is asked again and again, and left alone for ten times as long as it took to
 * answer, so that waiting for thousands of letters costs a worker little.
 */
#include "cmd/whdlq/wait.h"

#include "cmd/keeper.h"
#include "model/json.h"

#include <signal.h>
#include <time.h>

enum { PAUSE_MIN_US = 50 * 1000, PAUSE_MAX_US = 2 * 1000 * 1000, PAUSE_FACTOR = 10 };

static const struct output_column columns[] = {
	{"ID", true, 0},
	{"RESULT", false, 0},
	{"TRIES", true, 2},
	{"ENDPOINT", false, 1},
	{"CAUSE", false, 3},
	{0},
};

struct waiting {
	struct cli *cli;
	struct job_list *list;
	struct store *store;
	struct output *output;
	struct progress progress;
	size_t delivered;
	size_t failed;
	sigset_t signals; /* blocked, and looked for between two letters */
	int signal;       /* the one that ended the wait; 0 */
};

/* What became of it; NULL: nothing yet. */
static const char *
outcome_of(const struct dead_letter *letter)
{
	switch (letter->status) {
	case DEAD_UNRESOLVED:
		return letter->job.state == JOB_CANCELLED ? "cancelled" : "dead";
	case DEAD_RESOLVED:
		return letter->delivered ? "delivered" : "resolved";
	default:
		return letter->job.state == JOB_CANCELLED ? "cancelled" : NULL;
	}
}

static void
outcome_cells(struct output *output, const struct job *job, const char *outcome)
{
	bool delivered = span_is(span_of(outcome), "delivered");

	output_cell_printf(output, TINT_BOLD, "%lld", (long long)job->id);
	output_cell(output, delivered ? TINT_GOOD : TINT_BAD, span_of(outcome));
	output_cell_printf(output, TINT_NONE, "%d", job->attempts_made);
	output_cell(output, TINT_NONE, job->endpoint);
	output_cell(output, TINT_DIM, delivered ? SPAN_LITERAL("") : job->failure.reason);
}

static void
outcome_json(struct buf *out, const struct job *job, const char *outcome)
{
	bool failed = !span_is(span_of(outcome), "delivered");

	buf_add_char(out, '{');
	json_put_member_string(out, "id", job->event_id);
	json_put_member_int(out, "job_id", job->id);
	json_put_member_string(out, "result", span_of(outcome));
	json_put_member_int(out, "attempts_made", job->attempts_made);
	if (job->status != 0)
		json_put_member_int(out, "last_status", job->status);
	if (failed && span_present(job->failure.reason))
		json_put_member_string(out, "reason", job->failure.reason);
	buf_add_char(out, '}');
}

static int
report(struct waiting *waiting, const struct job *job, const char *outcome,
	struct err *err)
{
	struct output *output = waiting->output;
	char id[24];

	if (span_is(span_of(outcome), "delivered"))
		waiting->delivered++;
	else
		waiting->failed++;
	snprintf(id, sizeof(id), "%lld", (long long)job->id);
	output_row_begin(output, span_of(id));
	if (output_wants_cells(output))
		outcome_cells(output, job, outcome);
	if (output_wants_json(output))
		outcome_json(output_json(output), job, outcome);
	if (output_row_end(output, err) != 0)
		return -1;
	return cli_flush(waiting->cli, err);
}

/* Asks for one; *settled says whether it need not be asked for again. */
static int
look(struct waiting *waiting, int64_t job_id, bool *settled, struct err *err)
{
	struct dead_page page;
	const char *outcome;
	char name[32];
	int result = 0;

	snprintf(name, sizeof(name), "job:%lld", (long long)job_id);
	if (store_dead_find(waiting->store, span_of(name), &page, err) != 0) {
		if (err->kind != ERR_NO_INPUT)
			return -1;
		*settled = true;
		return report(waiting, &(struct job){.id = job_id}, "deleted", err);
	}
	outcome = outcome_of(&page.letters[0]);
	*settled = outcome != NULL;
	if (outcome != NULL)
		result = report(waiting, &page.letters[0].job, outcome, err);
	dead_page_free(&page);
	return result;
}

/* Sleeps for that long, or until a signal ends the wait. */
static bool
is_interrupted_within(struct waiting *waiting, int64_t pause_us)
{
	struct timespec pause = {pause_us / 1000000, pause_us % 1000000 * 1000};
	int signal;

	if (waiting->signal != 0)
		return true;
	signal = sigtimedwait(&waiting->signals, NULL, &pause);
	waiting->signal = signal > 0 ? signal : 0;
	return waiting->signal != 0;
}

/* There may be very many. Whatever was not looked at is on its way. */
static int
look_at_all(struct waiting *waiting, struct err *err)
{
	struct job_list *list = waiting->list;
	size_t left = 0;

	for (size_t i = 0; i < list->count; i++) {
		bool settled = false;

		if (!is_interrupted_within(waiting, 0) &&
			look(waiting, list->jobs[i], &settled, err) != 0)
			return -1;
		if (!settled)
			list->jobs[left++] = list->jobs[i];
	}
	list->count = left;
	return 0;
}

/* How long to sleep after a look that took so long, but not beyond the deadline. */
static int64_t
pause_after(int64_t took_us, int64_t left_us)
{
	int64_t pause_us = took_us * PAUSE_FACTOR;

	if (pause_us < PAUSE_MIN_US)
		pause_us = PAUSE_MIN_US;
	if (pause_us > PAUSE_MAX_US)
		pause_us = PAUSE_MAX_US;
	return pause_us < left_us ? pause_us : left_us;
}

static int
look_until(struct waiting *waiting, int64_t timeout_ms, struct err *err)
{
	int64_t started_us = clock_monotonic_us();
	int64_t left_us = PAUSE_MAX_US;

	for (;;) {
		int64_t looked_us = clock_monotonic_us(), now_us;

		if (look_at_all(waiting, err) != 0)
			return -1;
		now_us = clock_monotonic_us();
		if (timeout_ms > 0)
			left_us = timeout_ms * 1000 - (now_us - started_us);
		if (waiting->list->count == 0 || left_us <= 0)
			return 0;
		progress_show(&waiting->progress,
			"%zu delivered, %zu failed again, %zu on their way",
			waiting->delivered, waiting->failed, waiting->list->count);
		if (is_interrupted_within(
			    waiting, pause_after(now_us - looked_us, left_us)))
			return 0;
	}
}

static enum exit_code
verdict(struct waiting *waiting)
{
	size_t left = waiting->list->count;

	if (waiting->signal != 0)
		cli_warn(waiting->cli,
			"interrupted: %zu were delivered, %zu failed again; %zu are still"
			" on their way: whdlq list --status retrying",
			waiting->delivered, waiting->failed, left);
	else if (left > 0)
		cli_warn(waiting->cli,
			"time is up: %zu %s still on %s way; see whdlq list --status "
			"retrying",
			left, left == 1 ? "is" : "are", left == 1 ? "its" : "their");
	return left == 0 && waiting->failed == 0 ? EXIT_DONE : EXIT_NONE;
}

/* What may keep us waiting for long. */
static void
warn_unsent(const struct waiting *waiting)
{
	struct keepers keepers = {
		.store = waiting->store, .now = clock_now(&waiting->cli->clock)};

	operator_warn_without_worker(waiting->cli, waiting->store);
	for (size_t i = 0; i < waiting->list->count; i++)
		keepers_note(&keepers, waiting->list->jobs[i]);
	keepers_tell(&keepers, waiting->cli);
	keepers_free(&keepers);
}

/* Those that would end us, but not what whoever started us has shielded us from. */
static void
signals_block(struct waiting *waiting)
{
	static const int ends[] = {SIGINT, SIGTERM};
	struct sigaction action;

	sigemptyset(&waiting->signals);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (sigaction(ends[i], NULL, &action) == 0 &&
			action.sa_handler != SIG_IGN)
			sigaddset(&waiting->signals, ends[i]);
	sigprocmask(SIG_BLOCK, &waiting->signals, NULL);
}

/* The shell that called us stops, or goes on, by how we ended. */
static void
end_by_signal(struct waiting *waiting)
{
	sigprocmask(SIG_UNBLOCK, &waiting->signals, NULL);
	if (waiting->signal != 0 && cli_flush(waiting->cli, &(struct err){0}) == 0)
		raise(waiting->signal);
}

enum exit_code
wait_for_outcomes(struct cli *cli, const struct cli_common *common, struct job_list *list,
	int64_t timeout_ms)
{
	struct waiting waiting = {.cli = cli, .list = list};
	enum exit_code code;
	struct err err;
	int result;

	if (cli_flush(cli, &err) != 0 ||
		operator_open(cli, common, STORE_READ, &waiting.store, &err) != 0)
		return cli_complain(cli, &err);
	signals_block(&waiting);
	result = output_open(&waiting.output, cli, common, columns, &err);
	if (result == 0) {
		progress_start(&waiting.progress, cli);
		warn_unsent(&waiting);
		result = look_until(&waiting, timeout_ms, &err);
		progress_end(&waiting.progress);
		if (output_close(waiting.output, "", result == 0 ? &err : NULL) != 0)
			result = -1;
	}
	store_close(waiting.store);
	code = result == 0 ? verdict(&waiting) : cli_complain(cli, &err);
	end_by_signal(&waiting);
	return code;
}
