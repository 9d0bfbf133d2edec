/* SPDX-License-Identifier: MIT */
/*
 * The least that libcurl and epoll must do to POST many parcels at once: one multi
 * handle, a pool of easy handles that keep their connections, the timer armed only by the
 * wait, and epoll_ctl called only when a socket wants something it has not asked for
 * before.
 */
#ifndef BENCH_SENDER_H
#define BENCH_SENDER_H

#include <stdbool.h>
#include <stddef.h>

struct sender;

struct parcel {
	long job;
	const char *body; /* borrowed until it is done */
	size_t len;
};

/* Fills the next parcel; false: there is nothing more to send. */
typedef bool sender_next(void *context, struct parcel *parcel);

/* Called for each parcel that was answered with 2xx; anything else ends the program. */
typedef void sender_done(void *context, const struct parcel *parcel);

struct sender *sender_new(const char *url, size_t concurrency);
void sender_free(struct sender *sender);

/* Sends until next() has nothing more and all is answered. */
void sender_run(
	struct sender *sender, sender_next *next, sender_done *done, void *context);

#endif
