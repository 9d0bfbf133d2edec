/* SPDX-License-Identifier: MIT */
#include "cmd/whqueue/whqueue.h"

#include "model/record.h"

/* What is in the way of a job that would be due, or when it is due, or when it
 * was done. */
const struct output_column job_columns[] = {
	{"ID", true, 0},
	{"STATE", false, 0},
	{"DUE", false, 8},
	{"EVENT TYPE", false, 5},
	{"ENDPOINT", false, 6},
	{"TRIES", true, 4},
	{"LAST", false, 7},
	{"EVENT", false, 3},
	{"CREATED", false, 2},
	{0},
};

enum tint
job_state_tint(enum job_state state)
{
	static const enum tint tints[JOB_STATE_COUNT] = {
		[JOB_ACTIVE] = TINT_BOLD,
		[JOB_PAUSED] = TINT_WARN,
		[JOB_COMPLETED] = TINT_GOOD,
		[JOB_CANCELLED] = TINT_DIM,
		[JOB_DEAD] = TINT_BAD,
	};

	return state < JOB_STATE_COUNT ? tints[state] : TINT_NONE;
}

/* When it runs, or that something is in its way. */
static void
put_due(struct output *output, const struct job *job, int64_t now)
{
	bool to_come = job->state == JOB_WAITING || job->state == JOB_DELAYED;

	if (!to_come)
		output_cell(output, TINT_NONE, SPAN_LITERAL(""));
	else if (job->held)
		output_cell(output, TINT_WARN, SPAN_LITERAL("held"));
	else
		output_cell_due(output, job->run_at, now);
}

static void
put_last(struct output *output, const struct job *job)
{
	bool failed = span_present(job->failure.rule) && job->state != JOB_COMPLETED;
	const char *type = failed ? error_type_name(job->failure.type) : "";

	if (job->status != 0)
		output_cell_printf(output, TINT_NONE, "%d%s%s", job->status,
			failed ? " " : "", type);
	else
		output_cell(output, TINT_NONE, span_of(type));
}

static void
put_cells(struct output *output, const struct job *job, int64_t now)
{
	output_cell_printf(output, TINT_NONE, "%lld", (long long)job->id);
	output_cell(
		output, job_state_tint(job->state), span_of(job_state_name(job->state)));
	put_due(output, job, now);
	output_cell(output, TINT_NONE, job->event_type);
	output_cell(output, TINT_NONE, job->endpoint);
	output_cell_printf(
		output, TINT_NONE, "%d/%d", job->attempts_made, job->max_attempts);
	put_last(output, job);
	output_cell(output, TINT_NONE, job->event_id);
	output_cell_age(output, job->created_at, now);
}

int
job_row(struct output *output, const struct job *job, int64_t now, struct err *err)
{
	struct buf *json = output_json(output);
	char id[24];

	snprintf(id, sizeof(id), "%lld", (long long)job->id);
	output_row_begin(output, span_of(id));
	if (output_wants_json(output)) {
		buf_add_char(json, '{');
		put_job(json, job);
		buf_add_char(json, '}');
	} else if (output_wants_cells(output)) {
		put_cells(output, job, now);
	}
	return output_row_end(output, err);
}

struct listing {
	struct cli *cli;
	struct store *store;
	struct output *output;
	struct paging paging;
	size_t shown;
	bool reveal;
	bool some_due;
};

static int
list_job(void *context, const struct job *job, struct err *err)
{
	struct listing *listing = context;
	int64_t now = clock_now(&listing->cli->clock);
	struct redacted redacted;
	struct job shown = *job;
	int result;

	if (request_redact(&redacted, &job->request, listing->reveal, err) != 0)
		return -1;
	shown.request = redacted.request;
	result = job_row(listing->output, &shown, now, err);
	redacted_free(&redacted);
	listing->some_due |= job_is_due(job, now);
	listing->shown++;
	return result;
}

static const char *
empty_text(const struct filter_args *filter)
{
	return filter_takes_all(filter) ? "the queue is empty" : "no job matches";
}

static int
list_filter(const struct list_args *args, struct job_filter *filter, struct err *err)
{
	if (operator_filter(&args->filter, false, filter, err) != 0)
		return -1;
	if (args->filter.limit < 0)
		filter->limit = FILTER_LIMIT_DEFAULT;
	return 0;
}

static int
list_open(struct listing *listing, const struct list_args *args, struct err *err)
{
	struct job_filter filter;

	if (list_filter(args, &filter, err) != 0 ||
		operator_open_for(listing->cli, &args->common, STORE_READ, &args->filter,
			&listing->store, err) != 0)
		return -1;
	listing->reveal = args->reveal;
	paging_start(&listing->paging, &filter);
	return output_open(
		&listing->output, listing->cli, &args->common, job_columns, err);
}

static int
list(struct listing *listing, const struct list_args *args, struct err *err)
{
	const char *empty = empty_text(&args->filter);
	int result;

	if (list_open(listing, args, err) != 0)
		return -1;
	result = jobs_matching(listing->store, &listing->paging,
		output_wants_json(listing->output), list_job, listing, err);
	if (result == 0)
		operator_tell_of_rest(listing->cli, &args->common, listing->output,
			listing->shown, buf_span(&listing->paging.cursor));
	if (output_close(listing->output, empty, result == 0 ? err : NULL) != 0)
		result = -1;
	if (listing->some_due && operator_is_watched(listing->cli, &args->common))
		operator_warn_without_worker(listing->cli, listing->store);
	return result;
}

enum exit_code
list_run(struct cli *cli, const void *given)
{
	struct listing listing = {.cli = cli};
	struct err err;
	enum exit_code code;

	if (list(&listing, given, &err) != 0)
		code = cli_complain(cli, &err);
	else
		code = listing.shown > 0 ? EXIT_DONE : EXIT_NONE;
	store_close(listing.store);
	paging_free(&listing.paging);
	return code;
}
