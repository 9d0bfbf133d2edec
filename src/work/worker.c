/* SPDX-License-Identifier: MIT */
#include "work/worker.h"

#include "net/client.h"
#include "work/judge.h"
#include "work/lanes.h"
#include "work/request.h"
#include "work/suspects.h"

#include <stdlib.h>

struct worker {
	struct worker_options options;
	struct loop loop;
	struct client *client;
	struct lanes lanes;
	struct suspects suspects;
	struct rng rng;
	struct judge judge;
	struct report report;
	struct store_thread store_thread;
	struct watch mail;         /* from the store thread */
	struct timer grace;        /* how long a drain may take */
	struct task_list finished; /* to be handed over after this step */
	size_t concurrency;
	size_t in_flight;
	bool stopping;
	bool aborted;
	bool store_done;
};

/* ---- attempts -------------------------------------------------------------------- */

static void
finish_task(struct worker *worker, struct task *task)
{
	report_attempt(&worker->report, &task->line, task,
		request_url(task->delivery, worker->options.config));
	suspects_end(&worker->suspects, task);
	task_list_add(&worker->finished, task);
}

static enum health_sign
sign_of(const struct task *task)
{
	if (task->settle.outcome == SETTLE_COMPLETED)
		return SIGN_WELL;
	return breaker_sign(task->settle.attempt.status, task->failure.type);
}

/* By the configuration of now: a network may have been closed since the job was started.
 */
static const char *
judge_connection(void *context, const struct address *address)
{
	const struct task *task = context;

	return request_refusal(task->delivery, task->worker->options.config, address);
}

static void
on_done(void *context, const struct transfer_result *result)
{
	struct task *task = context;
	struct worker *worker = task->worker;
	int64_t now = clock_now(worker->options.clock);
	struct breaker before;
	bool leave_alone;

	worker->in_flight--;
	judge_transfer(&worker->judge, task, result, now);
	before = task->lane->breaker;
	leave_alone = lanes_learn(task, sign_of(task), now);
	lanes_done(&worker->lanes, task, result->status != 0 || result->refusal != NULL);
	finish_task(worker, task);
	report_breaker(&worker->report, &task->line, task, &before, now);
	if (leave_alone)
		lanes_drop_lane(task, &worker->finished);
}

static void
refuse_task(struct worker *worker, struct task *task, const struct err *why)
{
	lanes_not_sent(&worker->lanes, task);
	judge_refusal(&worker->judge, task, why, clock_now(worker->options.clock));
	finish_task(worker, task);
}

/* Whether the job's request is at fault, or it is on its way. ERR_OS: neither. */
static int
start_task(struct worker *worker, struct transfer *transfer, struct task *task,
	struct err *err)
{
	struct transfer_request request;

	task->started_at = clock_now(worker->options.clock);
	suspects_start(&worker->suspects, task);
	if (request_make(transfer, &request, task->delivery, worker->options.config,
		    task->started_at, err) != 0) {
		transfer_drop(transfer);
		if (err->kind != ERR_DATA)
			return -1;
		refuse_task(worker, task, err);
		return 0;
	}
	worker->in_flight++;
	if (task->lane->breaker.trips > 0)
		report_probe(&worker->report, &task->line, task);
	return transfer_start(transfer, &request, on_done, task, err);
}

/* Its jobs wait for a configuration that says where they go, here or elsewhere. */
static void
leave_waiting(struct worker *worker, struct task *task)
{
	struct lane *lane = task->lane;
	struct span endpoint = task->delivery->endpoint;
	struct err why;

	lanes_not_sent(&worker->lanes, task);
	task->settle.unconfigured = true;
	if (lane->told_version != worker->lanes.config_version) {
		lane->told_version = worker->lanes.config_version;
		err_set(&why, ERR_CONFIG,
			"endpoint \"%.*s\" is not in the configuration: its jobs wait",
			(int)endpoint.len, endpoint.ptr);
		worker->options.complain(worker->options.context, &why);
		report_unconfigured(&worker->report, &task->line, task, &why,
			clock_now(worker->options.clock));
	}
	task_list_add(&worker->finished, task);
}

static int
send_task(struct worker *worker, struct task *task, struct err *err)
{
	struct transfer *transfer;

	if (!span_present(request_url(task->delivery, worker->options.config))) {
		leave_waiting(worker, task);
		return 0;
	}
	transfer = client_take(worker->client);
	return transfer == NULL ? err_no_memory(err)
				: start_task(worker, transfer, task, err);
}

/* ---- mail ------------------------------------------------------------------------ */

/* What must wait goes back: here it would keep others from being claimed. */
static int
queue_task(struct worker *worker, struct task *task, struct err *err)
{
	if (lanes_add(&worker->lanes, task, err) != 0)
		return -1;
	if (!lanes_admit(task, clock_now(worker->options.clock)))
		lanes_drop_lane(task, &worker->finished);
	return 0;
}

static int
add_task(struct worker *worker, struct task *task, struct err *err)
{
	return suspects_admit(&worker->suspects, task) ? queue_task(worker, task, err)
						       : 0;
}

static int
take_mail(struct worker *worker, struct err *err)
{
	struct task_list mail = {0};
	struct task *task;

	worker->store_done = !mailbox_take(&worker->store_thread.claimed, &mail);
	if (atomic_load(&worker->store_thread.wants_stop))
		worker_stop(worker);
	while ((task = task_list_pop(&mail)) != NULL) {
		task->worker = worker;
		if (worker->stopping)
			task_list_add(&worker->finished, task);
		else if (add_task(worker, task, err) != 0)
			return -1;
	}
	return 0;
}

/* ---- sending --------------------------------------------------------------------- */

static int
send_alone(struct worker *worker, struct err *err)
{
	int64_t now = clock_now(worker->options.clock);
	struct task *task;
	bool may_go;

	task = suspects_next_alone(&worker->suspects, worker->in_flight);
	if (task == NULL)
		return 0;
	if (lanes_jump(&worker->lanes, task, now, &may_go, err) != 0)
		return -1;
	if (may_go)
		return send_task(worker, task, err);
	task_list_add(&worker->finished, task);
	return 0;
}

/* In turn with one suspect that is sent alone, and with all the others. */
static int
fill_slots(struct worker *worker, struct err *err)
{
	struct task *task;

	while ((task = suspects_next_of_few(&worker->suspects)) != NULL)
		if (queue_task(worker, task, err) != 0)
			return -1;
	if (send_alone(worker, err) != 0)
		return -1;
	if (suspects_hold_others(&worker->suspects))
		return 0;
	while (worker->in_flight < worker->concurrency &&
		(task = lanes_next(&worker->lanes)) != NULL)
		if (send_task(worker, task, err) != 0)
			return -1;
	suspects_others_had_their_turn(&worker->suspects);
	return 0;
}

static void
hand_over(struct worker *worker)
{
	for (struct task *task = worker->finished.head; task != NULL; task = task->next)
		suspects_left(&worker->suspects, task);
	mailbox_put(&worker->store_thread.finished, &worker->finished);
}

/* Again after what came to nothing at once: it may have kept others waiting. */
static int
send_what_may_go(struct worker *worker, struct err *err)
{
	do {
		hand_over(worker);
		if (fill_slots(worker, err) != 0)
			return -1;
	} while (worker->finished.count > 0 ||
		suspects_wait_for_nothing(&worker->suspects, worker->in_flight));
	return 0;
}

/* The mail itself is taken after the step. */
static void
on_mail(void *context, unsigned events)
{
	(void)context;
	(void)events;
}

/* ---- stopping -------------------------------------------------------------------- */

void
worker_stop(struct worker *worker)
{
	if (worker->stopping)
		return;
	worker->stopping = true;
	atomic_store(&worker->store_thread.stopping, true);
	mailbox_nudge(&worker->store_thread.finished);
	lanes_drop_all(&worker->lanes, &worker->finished);
	suspects_drop_all(&worker->suspects, &worker->finished);
	if (loop_timer_set(&worker->loop, &worker->grace,
		    worker->loop.now_us + worker->options.config->limits.grace_ms * 1000,
		    NULL) != 0)
		worker_abort(worker);
}

size_t
worker_in_flight(const struct worker *worker)
{
	return worker->in_flight;
}

void
worker_abort(struct worker *worker)
{
	worker_stop(worker);
	worker->aborted = true;
	atomic_store(&worker->store_thread.hurry, true);
}

static void
on_grace_over(void *context)
{
	worker_abort(context);
}

static void
follow_limits(struct worker *worker, const struct config *config)
{
	struct rates *rates;
	struct err err;

	rates = rates_make(config, &err);
	if (rates == NULL ||
		client_resize(worker->client, (size_t)config->limits.concurrency, &err) !=
			0) {
		worker->options.complain(worker->options.context, &err);
		rates_free(rates);
		return;
	}
	worker->concurrency = (size_t)config->limits.concurrency;
	lanes_resize(&worker->lanes, config->limits.concurrency);
	suspects_resize(&worker->suspects, config->limits.concurrency);
	store_thread_pace(&worker->store_thread, rates);
}

void
worker_configure(struct worker *worker, const struct config *config)
{
	worker->options.config = config;
	worker->judge.policy = &config->policy;
	lanes_configure(&worker->lanes, config);
	follow_limits(worker, config);
	client_forget_tls(worker->client);
}

struct loop *
worker_loop(struct worker *worker)
{
	return &worker->loop;
}

/* ---- life ------------------------------------------------------------------------ */

static int
open_engine(struct worker *worker, struct err *err)
{
	const struct config *config = worker->options.config;
	struct client_options options = {
		.loop = &worker->loop,
		.judge = judge_connection,
		.concurrency = (size_t)config->limits.concurrency,
		.snippet_bytes = config->limits.snippet_bytes,
		.user_agent = worker->options.user_agent,
	};

	if (loop_init(&worker->loop, err) != 0)
		return -1;
	if (client_open(&worker->client, &options, err) == 0)
		return 0;
	loop_free(&worker->loop);
	return -1;
}

static int
start_store_thread(struct worker *worker, int64_t number, struct err *err)
{
	const struct worker_options *options = &worker->options;
	const struct limits *limits = &options->config->limits;
	struct store_thread_options thread = {
		.store = options->store,
		.clock = options->clock,
		.concurrency = limits->concurrency,
		.lease_ms = limits->lease_ms,
		.grace_ms = limits->grace_ms,
		.retention_ms = limits->retention_ms,
		.drain = options->drain,
		.once = options->once,
		.emit = options->emit,
		.complain = options->complain,
		.context = options->context,
	};

	thread.rates = rates_make(options->config, err);
	if (thread.rates == NULL)
		return -1;
	worker->report = (struct report){options->plain, options->color, number};
	thread.report = worker->report;
	return store_thread_start(&worker->store_thread, &thread, err);
}

/* With room for any concurrency, which may be raised while requests are under way. */
static int
watch_flights(struct worker *worker, struct err *err)
{
	_Atomic int64_t *flights;

	if (store_worker_flights(
		    worker->options.store, CONFIG_CONCURRENCY_MAX, &flights, err) != 0)
		return -1;
	return suspects_init(&worker->suspects, (int)worker->concurrency, flights,
		CONFIG_CONCURRENCY_MAX, err);
}

/* Registers first: the number goes into every line and every attempt row. */
static int
join_store(struct worker *worker, struct err *err)
{
	const struct worker_options *options = &worker->options;
	int64_t now = clock_now(options->clock);
	int64_t number;

	if (store_worker_start(options->store, now, options->config->limits.lease_ms,
		    &number, err) != 0)
		return -1;
	worker->judge = (struct judge){
		.policy = &options->config->policy,
		.rng = &worker->rng,
		.worker = number,
		.snippet_bytes = options->config->limits.snippet_bytes,
	};
	if (watch_flights(worker, err) == 0 &&
		start_store_thread(worker, number, err) == 0)
		return 0;
	(void)store_worker_stop(options->store, now, NULL);
	return -1;
}

int
worker_open(struct worker **worker, const struct worker_options *options, struct err *err)
{
	struct worker *self = calloc(1, sizeof(*self));

	if (self == NULL)
		return err_no_memory(err);
	self->options = *options;
	self->grace = (struct timer){.on_expiry = on_grace_over, .context = self};
	self->concurrency = (size_t)options->config->limits.concurrency;
	rng_init(&self->rng);
	lanes_init(&self->lanes, options->config->limits.concurrency);
	lanes_configure(&self->lanes, options->config);
	if (open_engine(self, err) != 0)
		goto out;
	if (join_store(self, err) != 0)
		goto out_engine;
	self->mail = (struct watch){.fd = self->store_thread.claimed.event_fd,
		.on_event = on_mail,
		.context = self};
	*worker = self;
	return 0;

out_engine:
	client_close(self->client);
	loop_free(&self->loop);
out:
	suspects_free(&self->suspects);
	lanes_free(&self->lanes);
	free(self);
	return -1;
}

/* Nothing is left to be done here, or nobody to do it for. */
static bool
is_done(const struct worker *worker)
{
	return worker->store_done || worker->aborted ||
		(worker->stopping && worker->in_flight == 0);
}

static int
run_engine(struct worker *worker, struct err *err)
{
	if (loop_watch(&worker->loop, &worker->mail, LOOP_READ, err) != 0)
		return -1;
	while (!is_done(worker)) {
		if (take_mail(worker, err) != 0 || send_what_may_go(worker, err) != 0)
			return -1;
		if (!mailbox_sleep(&worker->store_thread.claimed, 1))
			continue;
		if (loop_step(&worker->loop, err) != 0 ||
			client_run(worker->client, err) != 0)
			return -1;
		mailbox_awake(&worker->store_thread.claimed);
	}
	return 0;
}

int
worker_run(struct worker *worker, struct err *err)
{
	struct err store_err;
	int result = run_engine(worker, err);

	/* What was neither finished nor released, the thread's last act gives back. */
	atomic_store(&worker->store_thread.stopping, true);
	mailbox_put(&worker->store_thread.finished, &worker->finished);
	mailbox_close(&worker->store_thread.finished);
	client_close(worker->client);
	worker->client = NULL;
	loop_watch(&worker->loop, &worker->mail, 0, NULL);
	if (store_thread_join(&worker->store_thread, &store_err) == 0)
		return result;
	*err = store_err;
	return -1;
}

bool
worker_left_jobs(const struct worker *worker)
{
	return worker->store_thread.left_behind;
}

void
worker_free(struct worker *worker)
{
	if (worker == NULL)
		return;
	suspects_free(&worker->suspects);
	lanes_free(&worker->lanes);
	loop_free(&worker->loop);
	free(worker);
}
