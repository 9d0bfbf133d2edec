/* SPDX-License-Identifier: MIT */
#include "work/worker.h"

#include "work/engine.h"

#include <stdlib.h>

struct worker {
	struct worker_options options;
	struct loop loop;
	struct engine engine;
	struct store_thread store_thread;
	struct watch mail;  /* from the store thread */
	struct timer grace; /* how long a drain may take */
	bool stopping;
	bool aborted;
	bool store_done;
	bool is_over; /* the engine has ended; perhaps not the store thread */
};

/* ---- running --------------------------------------------------------------------- */

static int
take_mail(struct worker *worker, struct err *err)
{
	struct task_list mail = {0};
	struct task *task;

	worker->store_done = !mailbox_take(&worker->store_thread.claimed, &mail);
	if (atomic_load(&worker->store_thread.wants_stop))
		worker_stop(worker);
	while ((task = task_list_pop(&mail)) != NULL)
		if (engine_add(&worker->engine, task, err) != 0)
			return -1;
	return 0;
}

static void
hand_over(struct worker *worker)
{
	struct task_list finished = {0};

	engine_take_finished(&worker->engine, &finished);
	mailbox_put(&worker->store_thread.finished, &finished);
}

static int
send_what_may_go(struct worker *worker, struct err *err)
{
	do {
		hand_over(worker);
		if (engine_send(&worker->engine, err) != 0)
			return -1;
	} while (engine_may_send_more(&worker->engine));
	return 0;
}

/* The mail itself is taken after the step. */
static void
on_mail(void *context, unsigned events)
{
	(void)context;
	(void)events;
}

/* Nothing is left to be done here, or nobody to do it for. */
static bool
is_done(const struct worker *worker)
{
	return worker->store_done || worker->aborted ||
		(worker->stopping && worker->engine.in_flight == 0);
}

static int
run_engine(struct worker *worker, struct err *err)
{
	if (loop_watch(&worker->loop, &worker->mail, LOOP_READ, err) != 0)
		return -1;
	while (!is_done(worker)) {
		if (take_mail(worker, err) != 0 || send_what_may_go(worker, err) != 0)
			return -1;
		if (worker->store_done ||
			!mailbox_sleep(&worker->store_thread.claimed, 1))
			continue;
		if (loop_step(&worker->loop, err) != 0 ||
			engine_step(&worker->engine, err) != 0)
			return -1;
		mailbox_awake(&worker->store_thread.claimed);
	}
	return 0;
}

/* The time of grace begins, if it has not. */
static void
begin_stop(struct worker *worker)
{
	if (worker->stopping)
		return;
	worker->stopping = true;
	atomic_store(&worker->store_thread.stopping, true);
	mailbox_nudge(&worker->store_thread.finished);
	if (loop_timer_set(&worker->loop, &worker->grace,
		    worker->loop.now_us + worker->options.config->limits.grace_ms * 1000,
		    NULL) != 0)
		worker_abort(worker);
}

/* What keeps the store thread may last: signals and the time of grace count meanwhile. */
static int
wait_for_store_thread(struct worker *worker, struct err *err)
{
	struct mailbox *claimed = &worker->store_thread.claimed;
	struct task_list unwanted = {0};

	if (loop_watch(&worker->loop, &worker->mail, LOOP_READ, err) != 0)
		return -1;
	while (mailbox_take(claimed, &unwanted)) {
		if (!mailbox_sleep(claimed, 1))
			continue;
		if (loop_step(&worker->loop, err) != 0)
			return -1;
		mailbox_awake(claimed);
	}
	return 0;
}

int
worker_run(struct worker *worker, struct err *err)
{
	struct err store_err;
	int result = run_engine(worker, err);

	/* What was neither finished nor released is given back as the thread ends. */
	begin_stop(worker);
	hand_over(worker);
	mailbox_close(&worker->store_thread.finished);
	engine_break_off(&worker->engine);
	worker->is_over = true;
	if (wait_for_store_thread(worker, &store_err) != 0)
		worker_abort(worker);
	loop_timer_cancel(&worker->loop, &worker->grace);
	loop_watch(&worker->loop, &worker->mail, 0, NULL);
	if (store_thread_join(&worker->store_thread, &store_err) == 0)
		return result;
	*err = store_err;
	return -1;
}

struct loop *
worker_loop(struct worker *worker)
{
	return &worker->loop;
}

size_t
worker_in_flight(const struct worker *worker)
{
	return worker->is_over ? 0 : worker->engine.in_flight;
}

size_t
worker_attempts(const struct worker *worker, enum attempt_outcome outcome)
{
	return worker->engine.attempts[outcome];
}

bool
worker_left_jobs(const struct worker *worker)
{
	return worker->store_thread.left_behind;
}

/* ---- stopping -------------------------------------------------------------------- */

void
worker_stop(struct worker *worker)
{
	if (worker->stopping)
		return;
	begin_stop(worker);
	engine_stop(&worker->engine);
}

void
worker_abort(struct worker *worker)
{
	worker_stop(worker);
	worker->aborted = true;
	store_thread_hurry(&worker->store_thread);
}

static void
on_grace_over(void *context)
{
	worker_abort(context);
}

/* ---- another configuration ------------------------------------------------------- */

static void
follow_limits(struct worker *worker, const struct config *config)
{
	struct rates *rates;
	struct err err;

	rates = rates_make(config, &err);
	if (rates == NULL ||
		engine_resize(&worker->engine, config->limits.concurrency, &err) != 0) {
		worker->options.complain(worker->options.context, &err);
		rates_free(rates);
		return;
	}
	store_thread_pace(&worker->store_thread, rates);
}

void
worker_configure(struct worker *worker, const struct config *config)
{
	worker->options.config = config;
	if (worker->is_over)
		return;
	engine_configure(&worker->engine, config);
	follow_limits(worker, config);
}

/* ---- life ------------------------------------------------------------------------ */

static struct report
report_of(const struct worker_options *options, int64_t number)
{
	return (struct report){options->plain, options->color, number};
}

/* With room for any concurrency, which may be raised while requests are under way. */
static int
open_engine(struct worker *worker, int64_t number, struct err *err)
{
	const struct worker_options *options = &worker->options;
	struct engine_options engine = {
		.loop = &worker->loop,
		.clock = options->clock,
		.config = options->config,
		.user_agent = options->user_agent,
		.report = report_of(options, number),
		.complain = options->complain,
		.context = options->context,
	};

	if (store_worker_flights(
		    options->store, CONFIG_CONCURRENCY_MAX, &engine.flights, err) != 0)
		return -1;
	return engine_open(&worker->engine, &engine, err);
}

static int
start_store_thread(struct worker *worker, int64_t number, struct err *err)
{
	const struct worker_options *options = &worker->options;
	const struct limits *limits = &options->config->limits;
	struct store_thread_options thread = {
		.store = options->store,
		.clock = options->clock,
		.report = report_of(options, number),
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
	return store_thread_start(&worker->store_thread, &thread, err);
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
	if (open_engine(worker, number, err) != 0)
		goto out;
	if (start_store_thread(worker, number, err) == 0)
		return 0;
	engine_free(&worker->engine);
out:
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
	if (loop_init(&self->loop, err) != 0)
		goto out;
	if (join_store(self, err) != 0)
		goto out_loop;
	self->mail = (struct watch){.fd = self->store_thread.claimed.event_fd,
		.on_event = on_mail,
		.context = self};
	*worker = self;
	return 0;

out_loop:
	loop_free(&self->loop);
out:
	free(self);
	return -1;
}

void
worker_free(struct worker *worker)
{
	if (worker == NULL)
		return;
	engine_free(&worker->engine);
	loop_free(&worker->loop);
	free(worker);
}
