/* SPDX-License-Identifier: MIT */
#include "work/engine.h"

#include "work/request.h"

/* ---- what comes of an attempt ---------------------------------------------------- */

static void
finish_task(struct engine *engine, struct task *task)
{
	report_attempt(&engine->options.report, &task->line, task,
		request_url(task->delivery, engine->options.config));
	suspects_end(&engine->suspects, task);
	engine->attempts[task->settle.attempt.outcome]++;
	task_list_add(&engine->finished, task);
}

static enum health_sign
sign_of(const struct task *task)
{
	if (task->settle.outcome == SETTLE_COMPLETED)
		return SIGN_WELL;
	return breaker_sign(task->settle.attempt.status, task->failure.type);
}

/* By the configuration of now: a network may have been closed since the job was
 * started. */
static const char *
judge_connection(void *context, const struct address *address)
{
	const struct task *task = context;

	return request_refusal(task->delivery, task->engine->options.config, address);
}

static void
on_done(void *context, const struct transfer_result *result)
{
	struct task *task = context;
	struct engine *engine = task->engine;
	int64_t now = clock_now(engine->options.clock);
	struct breaker before;
	bool leave_alone;

	engine->in_flight--;
	judge_transfer(&engine->judge, task, result, now);
	before = task->lane->breaker;
	leave_alone = lanes_learn(task, sign_of(task), now);
	lanes_done(&engine->lanes, task, result->status != 0 || result->blocked);
	finish_task(engine, task);
	report_breaker(&engine->options.report, &task->line, task, &before, now);
	if (leave_alone)
		lanes_drop_lane(task, &engine->finished);
}

/* ---- sending --------------------------------------------------------------------- */

static void
refuse_task(struct engine *engine, struct task *task, const struct err *why)
{
	lanes_not_sent(&engine->lanes, task);
	judge_refusal(&engine->judge, task, why, clock_now(engine->options.clock));
	finish_task(engine, task);
}

/* Starts the transfer, or refuses a job of which no request can be made. ERR_OS. */
static int
start_task(struct engine *engine, struct transfer *transfer, struct task *task,
	struct err *err)
{
	const struct engine_options *options = &engine->options;
	struct transfer_request request;

	task->started_at = clock_now(options->clock);
	suspects_start(&engine->suspects, task);
	if (request_make(transfer, &request, task->delivery, options->config,
		    task->started_at, err) != 0) {
		transfer_drop(transfer);
		if (err->kind != ERR_DATA)
			return -1;
		refuse_task(engine, task, err);
		return 0;
	}
	engine->in_flight++;
	if (task->lane->breaker.trips > 0)
		report_probe(&options->report, &task->line, task);
	return transfer_start(transfer, &request, on_done, task, err);
}

/* Said once for each configuration that lacks the endpoint. */
static void
complain_of_endpoint(struct engine *engine, struct task *task)
{
	const struct engine_options *options = &engine->options;
	struct span endpoint = task->delivery->endpoint;
	struct err why;

	if (task->lane->told_version == engine->lanes.config_version)
		return;
	task->lane->told_version = engine->lanes.config_version;
	err_set(&why, ERR_CONFIG,
		"endpoint \"%.*s\" is not in the configuration: its jobs wait",
		(int)endpoint.len, endpoint.ptr);
	options->complain(options->context, &why);
	report_unconfigured(
		&options->report, &task->line, task, &why, clock_now(options->clock));
}

/* Its jobs wait for a configuration that says where they go, here or elsewhere. */
static void
leave_waiting(struct engine *engine, struct task *task)
{
	lanes_not_sent(&engine->lanes, task);
	task->settle.unconfigured = true;
	complain_of_endpoint(engine, task);
	task_list_add(&engine->finished, task);
}

static int
send_task(struct engine *engine, struct task *task, struct err *err)
{
	struct transfer *transfer;

	if (!span_present(request_url(task->delivery, engine->options.config))) {
		leave_waiting(engine, task);
		return 0;
	}
	transfer = client_take(engine->client);
	return transfer == NULL ? err_no_memory(err)
				: start_task(engine, transfer, task, err);
}

/* ---- whose turn it is ------------------------------------------------------------ */

/* A task whose endpoint is parked goes back to the store: here it would take the
 * place of one that can be sent. */
static int
queue_task(struct engine *engine, struct task *task, struct err *err)
{
	if (lanes_add(&engine->lanes, task, err) != 0)
		return -1;
	if (!lanes_admit(task, clock_now(engine->options.clock)))
		lanes_drop_lane(task, &engine->finished);
	return 0;
}

int
engine_add(struct engine *engine, struct task *task, struct err *err)
{
	task->engine = engine;
	if (engine->stopped) {
		task_list_add(&engine->finished, task);
		return 0;
	}
	return suspects_admit(&engine->suspects, task) ? queue_task(engine, task, err)
						       : 0;
}

static int
send_alone(struct engine *engine, struct err *err)
{
	int64_t now = clock_now(engine->options.clock);
	struct task *task;
	bool may_go;

	task = suspects_next_alone(&engine->suspects, engine->in_flight);
	if (task == NULL)
		return 0;
	if (lanes_jump(&engine->lanes, task, now, &may_go, err) != 0)
		return -1;
	if (may_go)
		return send_task(engine, task, err);
	task_list_add(&engine->finished, task);
	return 0;
}

/* A suspect that is sent alone and all other tasks take turns. */
int
engine_send(struct engine *engine, struct err *err)
{
	struct task *task;

	while ((task = suspects_next_of_few(&engine->suspects)) != NULL)
		if (queue_task(engine, task, err) != 0)
			return -1;
	if (send_alone(engine, err) != 0)
		return -1;
	if (suspects_hold_others(&engine->suspects))
		return 0;
	while (engine->in_flight < engine->concurrency &&
		(task = lanes_next(&engine->lanes)) != NULL)
		if (send_task(engine, task, err) != 0)
			return -1;
	suspects_others_had_their_turn(&engine->suspects);
	return 0;
}

bool
engine_may_send_more(const struct engine *engine)
{
	return engine->finished.count > 0 ||
		suspects_wait_for_nothing(&engine->suspects, engine->in_flight);
}

int
engine_step(struct engine *engine, struct err *err)
{
	return client_run(engine->client, err);
}

void
engine_take_finished(struct engine *engine, struct task_list *finished)
{
	for (struct task *task = engine->finished.head; task != NULL; task = task->next)
		suspects_left(&engine->suspects, task);
	task_list_join(finished, &engine->finished);
}

void
engine_stop(struct engine *engine)
{
	engine->stopped = true;
	lanes_drop_all(&engine->lanes, &engine->finished);
	suspects_drop_all(&engine->suspects, &engine->finished);
}

/* ---- life ------------------------------------------------------------------------ */

void
engine_configure(struct engine *engine, const struct config *config)
{
	engine->options.config = config;
	engine->judge.policy = &config->policy;
	lanes_configure(&engine->lanes, config);
	client_forget_tls(engine->client);
}

int
engine_resize(struct engine *engine, int concurrency, struct err *err)
{
	if (client_resize(engine->client, (size_t)concurrency, err) != 0)
		return -1;
	engine->concurrency = (size_t)concurrency;
	lanes_resize(&engine->lanes, concurrency);
	suspects_resize(&engine->suspects, concurrency);
	return 0;
}

static int
open_client(struct engine *engine, struct err *err)
{
	const struct limits *limits = &engine->options.config->limits;
	struct client_options options = {
		.loop = engine->options.loop,
		.judge = judge_connection,
		.concurrency = (size_t)limits->concurrency,
		.snippet_bytes = limits->snippet_bytes,
		.user_agent = engine->options.user_agent,
	};

	return client_open(&engine->client, &options, err);
}

int
engine_open(struct engine *engine, const struct engine_options *options, struct err *err)
{
	const struct limits *limits = &options->config->limits;

	*engine = (struct engine){
		.options = *options,
		.concurrency = (size_t)limits->concurrency,
	};
	engine->judge = (struct judge){
		.policy = &options->config->policy,
		.rng = &engine->rng,
		.worker = options->report.worker,
		.snippet_bytes = limits->snippet_bytes,
	};
	rng_init(&engine->rng);
	lanes_init(&engine->lanes, limits->concurrency);
	lanes_configure(&engine->lanes, options->config);
	if (suspects_init(&engine->suspects, limits->concurrency, options->flights,
		    CONFIG_CONCURRENCY_MAX, err) == 0 &&
		open_client(engine, err) == 0)
		return 0;
	engine_free(engine);
	return -1;
}

void
engine_break_off(struct engine *engine)
{
	client_close(engine->client);
	engine->client = NULL;
	suspects_clear(&engine->suspects);
}

void
engine_free(struct engine *engine)
{
	client_close(engine->client);
	suspects_free(&engine->suspects);
	lanes_free(&engine->lanes);
}
