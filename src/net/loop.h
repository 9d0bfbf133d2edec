/* SPDX-License-Identifier: MIT */
/*
 * An event loop over epoll: descriptors and timers, one thread.
 *
 * Watches and timers are embedded in whatever waits; the loop borrows them until they are
 * taken out. The wait is bounded by the first timer of a heap, so that setting a timer
 * costs no system call; a watch is changed in the kernel only when what it waits for
 * really changed.
 */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include "base/heap.h"

enum {
	LOOP_READ = 1,
	LOOP_WRITE = 2,
	LOOP_ERROR = 4, /* reported only: the descriptor has failed or was hung up */
};

typedef void watch_event(void *context, unsigned events);
typedef void timer_event(void *context);

struct watch {
	int fd;
	watch_event *on_event;
	void *context;
	unsigned events; /* what the kernel watches for; 0: it does not */
};

struct timer {
	struct heap_node node; /* key: the deadline in microseconds */
	timer_event *on_expiry;
	void *context;
};

struct loop {
	int epoll_fd;
	int64_t now_us; /* monotonic; read once per step */
	struct heap timers;
};

/* ERR_OS. A loop that could not be initialised needs no loop_free(). */
int loop_init(struct loop *loop, struct err *err);
void loop_free(struct loop *loop);

/* Adds or changes a watch; events 0 takes it out, which cannot fail. ERR_OS. */
int loop_watch(struct loop *loop, struct watch *watch, unsigned events, struct err *err);

/* Arms a timer, or moves it; a deadline in the past expires in the next step. ERR_OS. */
int loop_timer_set(
	struct loop *loop, struct timer *timer, int64_t at_us, struct err *err);
void loop_timer_cancel(struct loop *loop, struct timer *timer); /* may be unarmed */
bool loop_timer_armed(const struct timer *timer);

/* Waits once and calls back for all that happened. ERR_OS. */
int loop_step(struct loop *loop, struct err *err);

#endif
