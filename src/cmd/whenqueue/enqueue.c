/* SPDX-License-Identifier: MIT */
/*
 * The run of the program: from the options and the input to committed batches.
 *
 * Functions here return 0 to go on and -1 to stop reading; what is wrong has then been
 * complained of. One bad record is complained of and does not stop anything.
 */
#include "cmd/whenqueue/enqueue.h"

#include "cli/input.h"
#include "cmd/operator.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { PIPE_BYTES = 1024 * 1024 };

struct run {
	struct cli *cli;
	const struct enqueue_args *args;
	struct config config;
	struct defaults defaults;
	struct planner planner;
	struct batch batch;
	struct receipt_writer writer;
	struct explainer explainer;
	struct store *store; /* NULL with --explain */
	size_t taken;        /* records, good or bad */
};

/* Where a record came from. */
struct place {
	const char *file; /* NULL: standard input, or the command line */
	size_t line;      /* 0: no line of its own */
};

static void
complain(struct run *run, const struct place *place, struct err *err)
{
	if (place->file != NULL && place->line > 0)
		err_context(err, "%s: line %zu", place->file, place->line);
	else if (place->file != NULL)
		err_context(err, "%s", place->file);
	else if (place->line > 0)
		err_context(err, "line %zu", place->line);
	cli_complain(run->cli, err);
}

/* Whoever read the receipts may leave; the input still wants to be queued. */
static int
acknowledge(struct run *run)
{
	struct err err;

	if (run->cli->output_closed ||
		receipts_write(&run->writer, &run->batch, &err) == 0 ||
		run->cli->output_closed)
		return 0;
	cli_complain(run->cli, &err);
	return -1;
}

static int
commit(struct run *run)
{
	struct batch *batch = &run->batch;
	struct err err;
	int failed = 0;

	if (batch->count == 0)
		return 0;
	if (store_enqueue(run->store, batch->events, batch->count, batch->now,
		    batch->receipts, &err) == 0) {
		failed = acknowledge(run);
	} else {
		failed = -1;
		if (batch->last_line > 0)
			err_context(&err,
				"lines %zu to %zu were not queued, nor any behind them",
				batch->first_line, batch->last_line);
		cli_complain(run->cli, &err);
	}
	batch->most = store_is_contended(run->store) ? BATCH_EVENTS_SHARED : BATCH_EVENTS;
	batch_clear(batch);
	return failed;
}

static int
plan(struct run *run, struct record *record, struct err *err)
{
	struct batch *batch = &run->batch;
	struct intake *intake = &batch->intakes[batch->count];

	if (defaults_apply(&run->defaults, record, err) != 0)
		return -1;
	intake->event = &batch->events[batch->count];
	return event_plan(&run->planner, record, batch->now, &batch->arena, intake, err);
}

/* Takes a record into the batch, or says what is wrong with it. */
static int
admit(struct run *run, const struct place *place, struct record *record)
{
	struct batch *batch = &run->batch;
	struct err err;
	int failed = 0;

	if (plan(run, record, &err) != 0) {
		complain(run, place, &err);
	} else if (run->args->explain) {
		failed = explain_event(
			&run->explainer, &batch->intakes[0], batch->now, &err);
		if (failed)
			cli_complain(run->cli, &err);
	} else {
		batch->first_line = batch->count == 0 ? place->line : batch->first_line;
		batch->last_line = place->line;
		batch->count++;
	}
	/* What was refused must not pile up while nothing is there to be committed. */
	if (batch->count == 0)
		batch_clear(batch);
	return failed;
}

static int
make_room(struct run *run, size_t len)
{
	if (batch_is_full(&run->batch, len) && commit(run) != 0)
		return -1;
	if (run->batch.count == 0)
		run->batch.now = clock_now(&run->cli->clock);
	return 0;
}

static int
take_line(struct run *run, const struct place *place, struct span line)
{
	struct record record;
	struct err err;

	run->taken++;
	if (make_room(run, line.len) != 0)
		return -1;
	if (batch_keep(&run->batch, line, &line, &err) == 0 &&
		record_read(&record, line, &run->batch.arena, &err) == 0)
		return admit(run, place, &record);
	complain(run, place, &err);
	if (run->batch.count == 0)
		batch_clear(&run->batch);
	return err.kind == ERR_DATA ? 0 : -1;
}

/* Commits as soon as reading on would wait, so that a slow writer never does. */
static int
take_next_line(struct run *run, struct input *input, struct place *place, bool *at_end)
{
	struct span line;
	struct err err;

	if (run->batch.count > 0 && !input_ready(input) && commit(run) != 0)
		return -1;
	switch (input_line(input, &line, &err)) {
	case INPUT_LINE:
		place->line = input->line;
		return take_line(run, place, line);
	case INPUT_TOO_LONG:
		place->line = input->line;
		err_set(&err, ERR_DATA, "longer than %zu bytes, the limit max_line",
			run->config.limits.max_line);
		complain(run, place, &err);
		return 0;
	case INPUT_FAILED:
		place->line = 0;
		complain(run, place, &err);
		*at_end = true;
		return 0;
	default:
		*at_end = true;
		return 0;
	}
}

static int
take_lines(struct run *run, int fd, const char *file)
{
	struct place place = {.file = file};
	struct input input;
	bool at_end = false;
	int failed = 0;

	/* The more a pipe holds while we commit, the larger the next batch. */
	fcntl(fd, F_SETPIPE_SZ, PIPE_BYTES);
	input_init(&input, fd, run->config.limits.max_line);
	while (!at_end && failed == 0)
		failed = take_next_line(run, &input, &place, &at_end);
	input_free(&input);
	if (commit(run) != 0)
		failed = -1;
	return failed;
}

/*
 * Bytes that are one line of JSON are kept as such, so that listings show them; all
 * others would break a listing's line and are kept as they are.
 */
static enum body_kind
kind_of_body(struct span body)
{
	struct json value;

	if (body.len == 0)
		return BODY_NONE;
	if (memchr(body.ptr, '\n', body.len) != NULL ||
		memchr(body.ptr, '\r', body.len) != NULL ||
		json_read(body, &value, NULL) != 0)
		return BODY_RAW;
	return BODY_JSON;
}

static int
take_payload(struct run *run, struct span payload, const char *file)
{
	struct record record = {0};
	struct place place = {.file = file};
	struct err err;

	run->taken++;
	if (make_room(run, payload.len) != 0)
		return -1;
	if (batch_keep(&run->batch, payload, &record.request.body, &err) != 0) {
		complain(run, &place, &err);
		return 0;
	}
	record.request.body_kind = kind_of_body(payload);
	return admit(run, &place, &record);
}

static int
take_raw(struct run *run, int fd, const char *file)
{
	struct place place = {.file = file};
	struct buf payload;
	struct err err;
	int failed = 0;

	buf_init(&payload, run->config.limits.max_line);
	if (input_all(fd, &payload, &err) == 0)
		failed = take_payload(run, buf_span(&payload), file);
	else
		complain(run, &place, &err);
	buf_free(&payload);
	return failed;
}

static int
take_fd(struct run *run, int fd, const char *file)
{
	bool raw = run->args->raw || run->args->data != NULL;

	if (fd == STDIN_FILENO && run->cli->stdin_terminal)
		cli_warn(run->cli, "reading %s from the terminal; end with ^D",
			raw ? "the payload" : "records");
	return raw ? take_raw(run, fd, file) : take_lines(run, fd, file);
}

static int
take_file(struct run *run, const char *path)
{
	struct err err;
	int fd, failed;

	if (strcmp(path, "-") == 0)
		return take_fd(run, STDIN_FILENO, NULL);
	fd = file_open(path, &err);
	if (fd < 0) {
		cli_complain(run->cli, &err);
		return 0;
	}
	failed = take_fd(run, fd, path);
	close(fd);
	return failed;
}

/* All that the command line points to. */
static int
take_input(struct run *run)
{
	const char *data = run->args->data;
	struct cli *cli = run->cli;
	int failed = 0;

	if (data != NULL && data[0] == '@')
		failed = take_file(run, data + 1);
	else if (data != NULL)
		failed = take_payload(run, span_of(data), NULL);
	else if (cli->operand_count == 0)
		failed = take_fd(run, STDIN_FILENO, NULL);
	for (size_t i = 0; i < cli->operand_count && failed == 0; i++)
		failed = take_file(run, cli->operands[i]);
	if (commit(run) != 0)
		failed = -1;
	return failed;
}

static int
check_usage(const struct cli *cli, const struct enqueue_args *args, struct err *err)
{
	const char *option = args->data != NULL ? "--data" : "--raw";

	if (args->data != NULL && cli->operand_count > 0)
		return err_set(err, ERR_USAGE, "--data: a file is named too; give one");
	if ((args->data != NULL || args->raw) && args->url == NULL &&
		args->endpoint == NULL)
		return err_set(err, ERR_USAGE, "%s: no target; give --url or --endpoint",
			option);
	return 0;
}

static int
open_store(struct run *run, struct err *err)
{
	const struct cli_common *common = &run->args->common;
	struct store_options options = {
		.mode = STORE_CREATE,
		.queue = common->queue,
		.now = clock_now(&run->cli->clock),
	};
	struct buf path;
	int failed;

	buf_init(&path, 4096);
	failed = cli_store_path(common, &path, err);
	options.path = buf_span(&path).ptr;
	if (!failed)
		failed = store_open(&run->store, &options, err);
	buf_free(&path);
	return failed;
}

/* Everything but the configuration, which is there; run_close() in any case. */
static int
run_open(struct run *run, struct err *err)
{
	const struct enqueue_args *args = run->args;

	run->planner.config = &run->config;
	run->planner.endpoints_known = args->common.config != NULL;
	run->planner.ordered = args->ordered;
	rng_init(&run->planner.rng);
	run->explainer = (struct explainer){
		.cli = run->cli, .common = &args->common, .config = &run->config};
	receipt_writer_init(&run->writer, run->cli, &args->common);
	if (args->jitter >= 0)
		run->config.policy.jitter_percent = (int)args->jitter;
	if (defaults_init(&run->defaults, run->cli, args, err) != 0)
		return -1;
	if (batch_init(&run->batch, run->config.limits.max_line, err) != 0)
		return -1;
	return args->explain ? 0 : open_store(run, err);
}

static void
run_close(struct run *run)
{
	store_close(run->store);
	batch_free(&run->batch);
	defaults_free(&run->defaults);
	receipt_writer_free(&run->writer);
	config_free(&run->config);
}

static int
explain_rest(struct run *run, struct err *err)
{
	const struct policy *policy = &run->config.policy;
	int64_t asked = run->args->max_attempts;
	int failed = 0;

	if (run->taken == 0 && run->cli->worst == EXIT_DONE)
		failed = explain_policy(&run->explainer,
			asked > 0 ? (int)asked : policy->max_attempts,
			clock_now(&run->cli->clock), err);
	return explain_close(&run->explainer, failed == 0 ? err : NULL) == 0 ? failed
									     : -1;
}

static int
finish(struct run *run, struct err *err)
{
	const struct enqueue_args *args = run->args;

	if (args->explain)
		return explain_rest(run, err);
	if (run->taken == 0 && run->cli->worst == EXIT_DONE &&
		(args->url != NULL || args->endpoint != NULL))
		cli_warn(run->cli,
			"no records came in, so nothing was queued; "
			"an event without a body is --data ''");
	if (run->taken > 0 && operator_is_watched(run->cli, &args->common))
		operator_warn_without_worker(run->cli, run->store);
	return run->cli->output_closed ? 0 : receipts_end(&run->writer, err);
}

/* The policy alone is explained without waiting for records from a terminal. */
static bool
wants_input(const struct run *run)
{
	const struct enqueue_args *args = run->args;

	return !args->explain || args->data != NULL || run->cli->operand_count > 0 ||
		!run->cli->stdin_terminal;
}

enum exit_code
enqueue_run(struct cli *cli, const void *arguments)
{
	const struct enqueue_args *args = arguments;
	struct run run = {.cli = cli, .args = args};
	struct err err;

	if (check_usage(cli, args, &err) != 0 ||
		config_load(
			&run.config, args->common.config, args->policy.policy, &err) != 0)
		return cli_complain(cli, &err);
	if (run_open(&run, &err) != 0) {
		cli_complain(cli, &err);
	} else {
		if (wants_input(&run))
			take_input(&run);
		if (finish(&run, &err) != 0)
			cli_complain(cli, &err);
	}
	run_close(&run);
	return cli->worst;
}
