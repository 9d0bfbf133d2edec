/* SPDX-License-Identifier: MIT */
/*
 * Timetables: when each attempt would be made if every one before it failed, without the
 * jitter, which only adds. For a new event that depends on how it fails, so it has a row
 * for each error type; a failure that joins the queue has one.
 */
#include "cmd/whenqueue/enqueue.h"

enum { TEXT_MAX = 64 * 1024 };

struct timetable {
	struct classification failure; /* of every attempt */
	int failed;                    /* attempts that were made already */
	int max_attempts;
	size_t count; /* attempts still to come */
	int64_t delay_ms[ATTEMPTS_MAX];
	enum dead_reason then;
};

/* The first attempt is delay_ms away; what the server asked for is part of that. */
static void
fill(struct timetable *table, const struct explainer *explainer, int64_t delay_ms,
	int64_t now)
{
	struct rng rng = {{0}};

	table->failure.retry_after_ms = -1;
	table->count = 0;
	for (;;) {
		struct verdict verdict;

		table->delay_ms[table->count++] = delay_ms;
		verdict = backoff_decide(&explainer->config->policy, &table->failure,
			table->failed + (int)table->count, table->max_attempts, now,
			&rng);
		table->then = verdict.dead;
		if (verdict.dead != DEAD_NOT || table->count == ATTEMPTS_MAX)
			return;
		delay_ms = verdict.delay_ms;
	}
}

/* A policy may name any number. */
static int64_t
plus(int64_t a, int64_t b)
{
	int64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

static int64_t
total_ms(const struct timetable *table)
{
	int64_t sum = 0;

	for (size_t i = 0; i < table->count; i++)
		sum = plus(sum, table->delay_ms[i]);
	return sum;
}

static void
put_timetable(struct buf *out, const struct timetable *table, int jitter_percent)
{
	int64_t after_ms = 0;

	json_put_key(out, "attempts");
	buf_add_char(out, '[');
	for (size_t i = 0; i < table->count; i++) {
		int64_t delay_ms = table->delay_ms[i];

		after_ms = plus(after_ms, delay_ms);
		buf_add_text(out, i == 0 ? "{" : ",{");
		json_put_member_int(out, "attempt", table->failed + 1 + (int)i);
		json_put_member_int(out, "delay_ms", delay_ms);
		if (table->failed + i > 0)
			json_put_member_int(out, "jitter_max_ms",
				delay_ms / 100 * jitter_percent +
					delay_ms % 100 * jitter_percent / 100);
		json_put_member_int(out, "after_ms", after_ms);
		buf_add_char(out, '}');
	}
	buf_add_char(out, ']');
}

static void
put_event(struct buf *out, const struct intake *intake, int64_t now)
{
	const struct event *event = intake->event;
	bool dead = event->dead != DEAD_NOT, later = event->run_at > now;

	json_put_member_string(out, "id", event->id);
	json_put_member_string(out, "endpoint", event->endpoint);
	json_put_member_string(out, "state",
		span_of(job_state_name(dead ? JOB_DEAD
				: later     ? JOB_DELAYED
					    : JOB_WAITING)));
	if (!dead)
		json_put_member_time(out, "run_at", event->run_at);
	if (intake->failure == NULL)
		return;
	json_put_member_int(out, "attempt", event->attempt);
	json_put_member_string(out, "rule", span_of(intake->failure->rule));
	json_put_member_string(out, "reason", span_of(intake->failure->reason));
}

static void
put_row(struct buf *out, const struct explainer *explainer, const struct timetable *table,
	const struct intake *intake, int64_t now)
{
	const struct classification *failure = &table->failure;

	buf_add_char(out, '{');
	if (intake != NULL)
		put_event(out, intake, now);
	json_put_member_string(
		out, "error_type", span_of(error_type_name(failure->type)));
	json_put_member_string(
		out, "category", span_of(category_name(failure->category)));
	json_put_member_bool(out, "retryable", failure->retryable);
	json_put_member_int(out, "max_attempts", table->max_attempts);
	put_timetable(out, table, explainer->config->policy.jitter_percent);
	json_put_member_int(out, "total_ms", total_ms(table));
	json_put_member_string(out, "then", span_of(dead_reason_name(table->then)));
	buf_add_char(out, '}');
}

static void
put_wait(struct buf *out, int64_t ms)
{
	char text[TIME_TEXT_SIZE];

	duration_format(ms, text);
	buf_add_text(out, ms == 0 ? "now" : text);
}

static int
put_cells(struct output *output, const struct timetable *table,
	const struct intake *intake, struct err *err)
{
	struct buf waits, total;
	int result;

	buf_init(&waits, TEXT_MAX);
	buf_init(&total, TEXT_MAX);
	for (size_t i = 0; i < table->count; i++) {
		buf_add_text(&waits, i == 0 ? "" : ", ");
		put_wait(&waits, table->delay_ms[i]);
	}
	if (total_ms(table) > 0)
		put_wait(&total, total_ms(table));
	if (intake != NULL)
		output_cell(output, TINT_NONE, intake->event->id);
	output_cell(output, TINT_NONE, span_of(error_type_name(table->failure.type)));
	output_cell_printf(output, TINT_NONE, "%zu", table->count);
	output_cell(output, TINT_NONE, buf_span(&waits));
	output_cell(
		output, TINT_NONE, table->count == 0 ? span_of("") : buf_span(&total));
	output_cell(output, TINT_DIM, span_of(dead_reason_name(table->then)));
	result = buf_check(&waits, err) == 0 ? buf_check(&total, err) : -1;
	buf_free(&total);
	buf_free(&waits);
	return result;
}

static int
print(const struct explainer *explainer, const struct timetable *table,
	const struct intake *intake, int64_t now, struct err *err)
{
	struct output *output = explainer->output;
	struct span id = span_of(error_type_name(table->failure.type));

	output_row_begin(output, intake == NULL ? id : intake->event->id);
	if (output_wants_cells(output) && put_cells(output, table, intake, err) != 0)
		return -1;
	if (output_wants_json(output))
		put_row(output_json(output), explainer, table, intake, now);
	return output_row_end(output, err);
}

/* The first column is for events only. */
static int
open_output(struct explainer *explainer, bool with_events, struct err *err)
{
	static const struct output_column columns[] = {{"EVENT", false, 0},
		{"IF IT FAILS BY", false, 0}, {"ATTEMPTS", true, 1},
		{"WAIT BEFORE EACH", false, 0}, {"IN ALL", true, 2},
		{"THEN DEAD BY", false, 3}, {0}};

	if (explainer->output != NULL)
		return 0;
	return output_open(&explainer->output, explainer->cli, explainer->common,
		with_events ? columns : columns + 1, err);
}

static int
print_each_type(const struct explainer *explainer, const struct intake *intake,
	int max_attempts, int64_t now, struct err *err)
{
	struct timetable table = {.max_attempts = max_attempts};

	for (int type = 0; type < ERROR_TYPE_COUNT; type++) {
		table.failure = classification_of(
			&explainer->config->policy, (enum error_type)type);
		fill(&table, explainer, intake == NULL ? 0 : intake->delay_ms, now);
		if (print(explainer, &table, intake, now, err) != 0)
			return -1;
	}
	return 0;
}

int
explain_policy(
	struct explainer *explainer, int max_attempts, int64_t now, struct err *err)
{
	if (open_output(explainer, false, err) != 0)
		return -1;
	return print_each_type(explainer, NULL, max_attempts, now, err);
}

int
explain_event(struct explainer *explainer, const struct intake *intake, int64_t now,
	struct err *err)
{
	const struct event *event = intake->event;
	struct timetable table = {
		.failed = event->attempt, .max_attempts = event->max_attempts};

	if (open_output(explainer, true, err) != 0)
		return -1;
	if (intake->failure == NULL)
		return print_each_type(explainer, intake, event->max_attempts, now, err);
	table.failure = *intake->failure;
	table.then = event->dead;
	if (event->dead == DEAD_NOT)
		fill(&table, explainer, intake->delay_ms, now);
	return print(explainer, &table, intake, now, err);
}

int
explain_close(struct explainer *explainer, struct err *err)
{
	if (explainer->output == NULL)
		return 0;
	return output_close(explainer->output, "nothing to explain", err);
}
