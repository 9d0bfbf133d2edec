/* SPDX-License-Identifier: MIT */
#include "work/store_thread.h"

#include "work/round.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
	OUT_MAX = 256 * 1024 * 1024, /* far more than the lines of a round */
	RECLAIM_EVERY_US = 500 * 1000,
	RECLAIM_LIMIT = 1000, /* in one transaction, as PURGE_LIMIT: others wait for it */
	PURGE_EVERY_US = 60 * 1000 * 1000,
	PURGE_AGAIN_US = 100 * 1000, /* while there is more to forget */
	PURGE_LIMIT = 1000,
	GATHER_MIN_US = 12 * 1000, /* these four were found by tests/bench */
	GATHER_MAX_US = 50 * 1000,
	GATHER_US_A_JOB = 1000,
	GATHER_ENOUGH = 64, /* a commit of so many costs little for each */
};

/* ---- housekeeping ---------------------------------------------------------------- */

static int
beat(struct store_thread *self, int64_t now_us, struct err *err)
{
	self->beat_us = now_us + self->options.lease_ms * 1000 / 3;
	return store_worker_beat(self->options.store, store_thread_now(self), err);
}

static int
reclaim(struct store_thread *self, int64_t now_us, struct err *err)
{
	struct stalled_list list;
	int64_t now = store_thread_now(self);

	self->reclaim_us = now_us + RECLAIM_EVERY_US;
	if (store_reclaim(self->options.store, now, RECLAIM_LIMIT, &list, err) != 0)
		return -1;
	for (size_t i = 0; i < list.count; i++)
		report_stalled(&self->options.report, &self->out, &list.jobs[i], now);
	store_thread_flush(self);
	/* Who died may have been the only one to know when something comes due. */
	self->look = true;
	if (list.count == RECLAIM_LIMIT)
		self->reclaim_us = now_us;
	arena_free(&list.arena);
	return 0;
}

static int
purge(struct store_thread *self, int64_t now_us, struct err *err)
{
	int64_t before = store_thread_now(self) - self->options.retention_ms;
	size_t purged = 0;

	self->purge_us = now_us + PURGE_EVERY_US;
	if (store_purge(self->options.store, before, PURGE_LIMIT, &purged, err) != 0)
		return -1;
	if (purged == PURGE_LIMIT)
		self->purge_us = now_us + PURGE_AGAIN_US;
	return 0;
}

static int64_t
earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Until when a store that failed is left alone; 0: it is not. */
static int64_t
retry_at_us(const struct store_thread *self)
{
	if (atomic_load(&self->hurry))
		return 0;
	return self->give_up_us == 0 ? self->retry_us
				     : earlier(self->retry_us, self->give_up_us);
}

/* When the first step of housekeeping is due. */
static int64_t
next_step_us(const struct store_thread *self)
{
	return earlier(self->beat_us, earlier(self->reclaim_us, self->purge_us));
}

static void
keep_house(struct store_thread *self)
{
	int64_t now_us = clock_monotonic_us();
	struct err err;

	if (retry_at_us(self) > now_us)
		return;
	/* The last try is for what has come back. */
	if (round_is_last(self, now_us) && self->pending.count > 0)
		return;
	if (next_step_us(self) > now_us)
		return;
	if ((now_us >= self->beat_us && beat(self, now_us, &err) != 0) ||
		(now_us >= self->reclaim_us && reclaim(self, now_us, &err) != 0) ||
		(now_us >= self->purge_us && purge(self, now_us, &err) != 0))
		round_put_off(self, &err);
	/* Only a round shows that a round works: it writes more. */
	else if (!self->exchange_failed)
		round_recovered(self);
}

/* ---- the thread ------------------------------------------------------------------ */

static bool
is_due(const struct store_thread *self)
{
	return self->next_due_at != 0 && self->next_due_at <= store_thread_now(self);
}

/* How many make a commit's own cost small. Where many are under way, as with slow
 * receivers, a longer wait for more of them keeps nobody idle. */
static size_t
enough(const struct store_thread *self)
{
	size_t half = (size_t)self->demand.concurrency / 2;

	return half > GATHER_ENOUGH ? half : GATHER_ENOUGH;
}

/* How many more must come back to be worth a commit: as many as are then still out, but
 * not more than are enough. */
static size_t
worth_waiting_for(const struct store_thread *self)
{
	size_t held = (size_t)self->demand.held;
	size_t pending = self->pending.count;
	size_t half;

	if (held <= pending || pending >= enough(self))
		return 0;
	half = (held - pending + 1) / 2;
	return half < enough(self) - pending ? half : enough(self) - pending;
}

/* The more come back, the longer it is worth waiting for yet more of them; where it is a
 * few, what waits for them should not wait for others. */
static int64_t
gather_us(size_t pending)
{
	int64_t us = (int64_t)pending * GATHER_US_A_JOB;

	if (us < GATHER_MIN_US)
		return GATHER_MIN_US;
	return us < GATHER_MAX_US ? us : GATHER_MAX_US;
}

/* Until when the next round is put off so that more may come back; 0: not at all. */
static int64_t
gather_until_us(const struct store_thread *self)
{
	if (worth_waiting_for(self) == 0 || self->is_urgent ||
		atomic_load(&self->stopping))
		return 0;
	return self->round_us + gather_us(self->pending.count);
}

/* Whether a round is worth it now. */
static bool
has_work(struct store_thread *self)
{
	int64_t now_us = clock_monotonic_us();

	if (retry_at_us(self) > now_us || gather_until_us(self) > now_us)
		return false;
	if (self->pending.count > 0)
		return true;
	return round_may_claim(self) && demand_wants(&self->demand) &&
		(self->look || is_due(self));
}

/* Until the next thing that happens by itself. */
static int64_t
left_us(const struct store_thread *self)
{
	int64_t now_us = clock_monotonic_us();
	int64_t left, due_ms;

	if (retry_at_us(self) > now_us)
		return retry_at_us(self) - now_us;
	if (gather_until_us(self) > now_us)
		return gather_until_us(self) - now_us;
	left = next_step_us(self) - now_us;
	if (self->next_due_at != 0 && demand_wants(&self->demand) &&
		round_may_claim(self) && self->retry_us == 0 &&
		self->options.clock->fixed_at == 0) {
		due_ms = self->next_due_at - store_thread_now(self);
		/* In milliseconds: what is years away has too many microseconds. */
		if (due_ms < left / 1000)
			left = due_ms * 1000;
	}
	return left;
}

/* The same in milliseconds, rounded up. */
static int
wait_ms(const struct store_thread *self)
{
	int64_t left = left_us(self);

	return left <= 0 ? 0 : (int)((left + 999) / 1000);
}

static void
wait_for_news(struct store_thread *self)
{
	struct pollfd fds[] = {
		{.fd = self->finished.event_fd, .events = POLLIN},
		{.fd = self->wake_fd, .events = POLLIN},
	};
	/* What we mean to look at anyway need not wake us. */
	nfds_t count = self->look ? 1 : 2;
	bool gathers = gather_until_us(self) > clock_monotonic_us();

	if (!mailbox_sleep(&self->finished, gathers ? worth_waiting_for(self) : 1))
		return;
	(void)poll(fds, count, wait_ms(self));
	mailbox_awake(&self->finished);
	if (count == 2 && fds[1].revents != 0) {
		store_wake_clear(self->options.store);
		self->look = true;
		self->is_urgent = self->demand.held < self->demand.concurrency;
	}
}

static void
note_returned(struct store_thread *self, const struct task *task)
{
	demand_returned(&self->demand, task->delivery, task->window, task->standing);
	if (task->settle.unconfigured)
		demand_close(&self->demand, task->delivery->endpoint_id);
}

static void
follow_rates(struct store_thread *self, struct rates *rates)
{
	const struct limits *limits;

	if (rates == NULL)
		return;
	rates_free(self->rates);
	self->rates = rates;
	limits = rates_limits(rates);
	self->options.grace_ms = limits->grace_ms;
	self->options.retention_ms = limits->retention_ms;
	demand_resize(&self->demand, limits->concurrency);
	demand_open_all(&self->demand);
	self->look = true;
}

static void
take_mail(struct store_thread *self)
{
	struct task_list mail = {0};
	/* First: what the old configuration did not have is in the mail by now. */
	struct rates *rates = atomic_exchange(&self->new_rates, NULL);
	bool open = mailbox_take(&self->finished, &mail);

	for (struct task *task = mail.head; task != NULL; task = task->next)
		note_returned(self, task);
	follow_rates(self, rates);
	task_list_join(&self->pending, &mail);
	if (!open && self->pending.count == 0)
		self->done = true;
	if (self->give_up_us == 0 && atomic_load(&self->stopping))
		self->give_up_us = clock_monotonic_us() + self->options.grace_ms * 1000;
}

static void *
run(void *context)
{
	struct store_thread *self = context;
	struct err err;

	while (!self->done) {
		take_mail(self);
		/* First, for what a dead worker held is part of what a drain drains. */
		if (!self->done)
			keep_house(self);
		if (self->done)
			break;
		if (has_work(self))
			round_run(self);
		else
			wait_for_news(self);
	}
	if (store_worker_stop(self->options.store, store_thread_now(self), &err) != 0 &&
		self->err.kind == ERR_NONE)
		self->err = err;
	self->left_behind = self->demand.closed > 0;
	mailbox_close(&self->claimed);
	return NULL;
}

static void
release_all(struct store_thread *self)
{
	task_pool_free(&self->pool);
	demand_free(&self->demand);
	free(self->settles);
	free(self->deliveries);
	rates_free(atomic_exchange(&self->new_rates, NULL));
	rates_free(self->rates);
	buf_free(&self->out);
	close(self->hurry_fd);
	mailbox_free(&self->claimed);
	mailbox_free(&self->finished);
}

static int
open_channels(struct store_thread *self, struct err *err)
{
	self->hurry_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (self->hurry_fd < 0)
		return err_errno(err, "eventfd");
	if (mailbox_init(&self->finished, err) != 0)
		goto out;
	if (mailbox_init(&self->claimed, err) == 0)
		return 0;
	mailbox_free(&self->finished);
out:
	close(self->hurry_fd);
	return -1;
}

int
store_thread_start(struct store_thread *self, const struct store_thread_options *options,
	struct err *err)
{
	int64_t now_us = clock_monotonic_us();

	*self = (struct store_thread){
		.options = *options,
		.look = true,
		.rates = options->rates,
		.beat_us = now_us + options->lease_ms * 1000 / 3,
		.reclaim_us = now_us,
		/* At once: a worker of cron may never be here for a whole period. */
		.purge_us = now_us,
	};
	self->started_at = store_thread_now(self);
	self->wake_fd = store_wake_fd(options->store, err);
	if (self->wake_fd < 0 || open_channels(self, err) != 0) {
		rates_free(self->rates);
		return -1;
	}
	buf_init(&self->out, OUT_MAX);
	demand_init(&self->demand, options->concurrency);
	errno = pthread_create(&self->thread, NULL, run, self);
	if (errno == 0)
		return 0;
	err_errno(err, "thread");
	release_all(self);
	return -1;
}

void
store_thread_pace(struct store_thread *self, struct rates *rates)
{
	rates_free(atomic_exchange(&self->new_rates, rates));
	mailbox_nudge(&self->finished);
}

void
store_thread_hurry(struct store_thread *self)
{
	atomic_store(&self->hurry, true);
	(void)eventfd_write(self->hurry_fd, 1);
	mailbox_nudge(&self->finished);
}

int
store_thread_join(struct store_thread *self, struct err *err)
{
	pthread_join(self->thread, NULL);
	release_all(self);
	if (self->err.kind == ERR_NONE)
		return 0;
	*err = self->err;
	return -1;
}
