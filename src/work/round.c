/* SPDX-License-Identifier: MIT */
#include "work/round.h"

#include <stdlib.h>

enum {
	OUT_FLUSH = 64 * 1024,
	FIRST_WAIT_US = 50 * 1000,
	LONGEST_WAIT_US = 5 * 1000 * 1000,
};

int64_t
store_thread_now(const struct store_thread *self)
{
	return clock_now(self->options.clock);
}

/* ---- output ---------------------------------------------------------------------- */

/* The beginning of a line is none: what memory did not suffice for is told elsewhere. */
static void
cut_off_partial_line(struct store_thread *self)
{
	struct buf *out = &self->out;
	struct err err;

	if (buf_check(out, &err) == 0)
		return;
	while (out->len > 0 && out->data[out->len - 1] != '\n')
		out->len--;
	err_context(&err, "output is lost");
	self->options.complain(self->options.context, &err);
}

/* Nobody reads any more, or the disk is full: stop, for unseen deliveries help nobody. */
void
store_thread_flush(struct store_thread *self)
{
	cut_off_partial_line(self);
	if (self->out.len > 0 && !self->output_lost &&
		self->options.emit(self->options.context, buf_span(&self->out),
			self->hurry_fd) != 0) {
		self->output_lost = true;
		atomic_store(&self->wants_stop, true);
		mailbox_nudge(&self->claimed);
	}
	buf_clear(&self->out);
}

static void
flush_if_full(struct store_thread *self)
{
	if (self->out.len >= OUT_FLUSH)
		store_thread_flush(self);
}

/* ---- failures -------------------------------------------------------------------- */

/* A store that is corrupt stays so; a full disk or a lock may pass. */
static bool
is_for_ever(struct store_thread *self, const struct err *err)
{
	int64_t now = store_thread_now(self);
	struct store_health health;

	if (err->kind != ERR_IO)
		return err->kind != ERR_BUSY && err->kind != ERR_OS;
	return store_health(self->options.store, now, &health, NULL) == 0 &&
		!health.integrity_ok;
}

static void
end_with(struct store_thread *self, const struct err *err)
{
	self->err = *err;
	self->done = true;
}

/* Whether it is not what the last round failed of, too. */
static bool
is_news(const struct store_thread *self, const struct err *err)
{
	return !self->round_failed || err->kind != self->trouble;
}

bool
round_is_last(const struct store_thread *self, int64_t now_us)
{
	return atomic_load(&self->hurry) ||
		(self->give_up_us != 0 && now_us >= self->give_up_us);
}

/* The same trouble is told once; the next round is put off, longer each time. What ends
 * the worker is told by who started it. */
void
round_put_off(struct store_thread *self, const struct err *err)
{
	int64_t now_us = clock_monotonic_us();

	if (is_news(self, err)) {
		self->wait_us = FIRST_WAIT_US;
		self->trouble = err->kind;
		report_error(
			&self->options.report, &self->out, err, store_thread_now(self));
		store_thread_flush(self);
		if (is_for_ever(self, err)) {
			end_with(self, err);
			return;
		}
		self->options.complain(self->options.context, err);
	} else if (self->wait_us < LONGEST_WAIT_US) {
		self->wait_us *= 2;
	}
	/* Nobody waits long for one that was to end: cron would start the next. */
	if (!self->round_failed && (self->options.drain || self->options.once) &&
		self->give_up_us == 0)
		self->give_up_us = now_us + self->options.grace_ms * 1000;
	self->round_failed = true;
	self->look = true;
	self->retry_us = now_us + self->wait_us;
	if (round_is_last(self, now_us))
		end_with(self, err);
}

void
round_recovered(struct store_thread *self)
{
	if (self->round_failed && !atomic_load(&self->stopping))
		self->give_up_us = 0;
	self->round_failed = false;
	self->retry_us = 0;
}

/* ---- a round --------------------------------------------------------------------- */

static int
reserve_batch(struct store_thread *self, size_t needed, struct err *err)
{
	struct settle *settles;
	struct delivery **deliveries;

	if (needed <= self->batch_cap)
		return 0;
	settles = realloc(self->settles, needed * sizeof(*settles));
	if (settles == NULL)
		return err_no_memory(err);
	self->settles = settles;
	deliveries = realloc(self->deliveries, needed * sizeof(*deliveries));
	if (deliveries == NULL)
		return err_no_memory(err);
	self->deliveries = deliveries;
	self->batch_cap = needed;
	return 0;
}

static size_t
gather_settles(struct store_thread *self)
{
	size_t count = 0;

	for (struct task *task = self->pending.head; task != NULL; task = task->next)
		self->settles[count++] = task->settle;
	return count;
}

static void
tell_attempt(struct store_thread *self, const struct task *task)
{
	struct span id = task->delivery->event_id;
	struct err err;

	if (buf_check(&task->line, &err) == 0) {
		buf_add_span(&self->out, buf_span(&task->line));
		return;
	}
	err_context(&err, "event %.*s: the line about its attempt is lost",
		span_shown(id), id.ptr);
	self->options.complain(self->options.context, &err);
}

/* Committed: only now does the world hear of it. */
static void
tell_settled(struct store_thread *self, int64_t now)
{
	struct task *task;

	for (size_t i = 0; (task = task_list_pop(&self->pending)) != NULL; i++) {
		if (self->settles[i].lost)
			report_lost(&self->options.report, &self->out, task, now);
		else
			tell_attempt(self, task);
		task_give_back(&self->pool, task);
		flush_if_full(self);
	}
	store_thread_flush(self);
}

static int
take_delivery(struct store_thread *self, struct delivery *delivery,
	struct task_list *fresh, struct err *err)
{
	struct task *task = task_take(&self->pool, delivery);

	if (task == NULL) {
		free(delivery);
		return err_no_memory(err);
	}
	if (demand_claimed(&self->demand, delivery, err) != 0) {
		task_give_back(&self->pool, task);
		return -1;
	}
	task_list_add(fresh, task);
	return 0;
}

/* What was claimed and cannot be taken, worker_stop gives back: the error is the end. */
static int
take_claimed(struct store_thread *self, size_t claimed, struct err *err)
{
	struct task_list fresh = {0};
	int result = 0;

	for (size_t i = 0; i < claimed; i++)
		if (result != 0)
			free(self->deliveries[i]);
		else
			result = take_delivery(self, self->deliveries[i], &fresh, err);
	mailbox_put(&self->claimed, &fresh);
	return result;
}

bool
round_may_claim(const struct store_thread *self)
{
	return !self->output_lost && !atomic_load(&self->stopping);
}

static int
exchange_batch(struct store_thread *self, struct exchange *exchange, struct err *err)
{
	struct demand_plan plan;
	size_t needed;

	if (demand_plan(&self->demand, &plan, err) != 0)
		return -1;
	/* With --once, what comes due meanwhile is left to others. */
	if (self->options.once)
		exchange->due_by = self->started_at;
	if (round_may_claim(self)) {
		exchange->claim_limit = (size_t)plan.limit;
		exchange->claim_sure = (size_t)plan.sure;
		exchange->claim_bytes = plan.bytes;
		exchange->claim_room_default = plan.room_default;
		exchange->rooms = plan.rooms;
		exchange->room_count = plan.room_count;
		exchange->rate_of = self->rates == NULL ? NULL : rates_of;
		exchange->rate_context = self->rates;
	}
	needed = self->pending.count > exchange->claim_limit ? self->pending.count
							     : exchange->claim_limit;
	if (reserve_batch(self, needed, err) != 0)
		return -1;
	exchange->settles = self->settles;
	exchange->settle_count = gather_settles(self);
	exchange->claimed = self->deliveries;
	return store_exchange(self->options.store, exchange, err);
}

/* A clock that stands still, as in tests, never brings an endpoint's next turn. */
static bool
waits_for_rate(const struct store_thread *self, const struct exchange *exchange)
{
	return exchange->paced && self->options.clock->fixed_at == 0;
}

/* Whether the exchange says that what was to be done is done. */
static bool
is_over(const struct store_thread *self, const struct exchange *exchange)
{
	return (self->options.drain || self->options.once) && self->demand.held == 0 &&
		exchange->claim_limit > 0 && !exchange->more &&
		!waits_for_rate(self, exchange);
}

void
round_run(struct store_thread *self)
{
	struct exchange exchange = {.now = store_thread_now(self)};
	struct err err;

	self->round_us = clock_monotonic_us();
	self->is_urgent = false;
	self->exchange_failed = exchange_batch(self, &exchange, &err) != 0;
	if (self->exchange_failed) {
		round_put_off(self, &err);
		return;
	}
	round_recovered(self);
	if (take_claimed(self, exchange.claimed_count, &err) != 0)
		end_with(self, &err);
	tell_settled(self, exchange.now);
	if (exchange.claim_limit > 0)
		self->next_due_at = exchange.next_due_at;
	/* Where the rooms are full, only a task that comes back makes a difference. */
	self->look = exchange.more &&
		(exchange.claimed_count > 0 || self->demand.held == 0);
	if (round_may_claim(self) && is_over(self, &exchange))
		self->done = true;
}
