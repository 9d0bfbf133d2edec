/* SPDX-License-Identifier: MIT */
#include "net/loop.h"

#include "base/clock.h"

#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { EVENTS_PER_STEP = 256 };

int
loop_init(struct loop *loop, struct err *err)
{
	*loop = (struct loop){.epoll_fd = epoll_create1(EPOLL_CLOEXEC)};
	if (loop->epoll_fd < 0)
		return err_errno(err, "epoll");
	heap_init(&loop->timers);
	loop->now_us = clock_monotonic_us();
	return 0;
}

void
loop_free(struct loop *loop)
{
	heap_free(&loop->timers);
	close(loop->epoll_fd);
}

static uint32_t
to_epoll(unsigned events)
{
	return (events & LOOP_READ ? (uint32_t)EPOLLIN : 0) |
		(events & LOOP_WRITE ? (uint32_t)EPOLLOUT : 0);
}

static unsigned
from_epoll(uint32_t events)
{
	return (events & EPOLLIN ? (unsigned)LOOP_READ : 0) |
		(events & EPOLLOUT ? (unsigned)LOOP_WRITE : 0) |
		(events & (EPOLLERR | EPOLLHUP) ? (unsigned)LOOP_ERROR : 0);
}

int
loop_watch(struct loop *loop, struct watch *watch, unsigned events, struct err *err)
{
	struct epoll_event event = {.events = to_epoll(events), .data.ptr = watch};
	int operation = watch->events == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;

	if (events == watch->events)
		return 0;
	if (events == 0)
		operation = EPOLL_CTL_DEL;
	/* A descriptor that was closed is out of the set already: nothing to report. */
	if (epoll_ctl(loop->epoll_fd, operation, watch->fd, &event) != 0 && events != 0)
		return err_errno(err, "epoll");
	watch->events = events;
	return 0;
}

int
loop_timer_set(struct loop *loop, struct timer *timer, int64_t at_us, struct err *err)
{
	return heap_set(&loop->timers, &timer->node, at_us, err);
}

void
loop_timer_cancel(struct loop *loop, struct timer *timer)
{
	heap_remove(&loop->timers, &timer->node);
}

bool
loop_timer_armed(const struct timer *timer)
{
	return timer->node.position != 0;
}

/* Rounded up, so that the timer has expired when the wait ends. */
static int
wait_ms(const struct loop *loop)
{
	struct heap_node *first = heap_first(&loop->timers);
	int64_t left_us;

	if (first == NULL)
		return -1;
	left_us = first->key - clock_monotonic_us();
	if (left_us <= 0)
		return 0;
	return left_us / 1000 < INT_MAX ? (int)((left_us + 999) / 1000) : INT_MAX;
}

static void
expire_timers(struct loop *loop)
{
	struct heap_node *first;

	while ((first = heap_first(&loop->timers)) != NULL &&
		first->key <= loop->now_us) {
		/* The node opens the timer. */
		struct timer *timer = (struct timer *)first;

		heap_remove(&loop->timers, first);
		timer->on_expiry(timer->context);
	}
}

int
loop_step(struct loop *loop, struct err *err)
{
	struct epoll_event events[EVENTS_PER_STEP];
	int count = epoll_wait(loop->epoll_fd, events, EVENTS_PER_STEP, wait_ms(loop));

	if (count < 0 && errno != EINTR)
		return err_errno(err, "epoll");
	loop->now_us = clock_monotonic_us();
	for (int i = 0; i < count; i++) {
		struct watch *watch = events[i].data.ptr;

		watch->on_event(watch->context, from_epoll(events[i].events));
	}
	expire_timers(loop);
	return 0;
}
