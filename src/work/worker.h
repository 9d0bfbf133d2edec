/* SPDX-License-Identifier: MIT */
/*
 * The worker: an engine that delivers (work/engine.h, on the thread that calls
 * worker_run()) and a thread that speaks with the store (work/store_thread.h), with two
 * mailboxes between them. A task goes from the store thread to the engine and back.
 */
#ifndef WORK_WORKER_H
#define WORK_WORKER_H

#include "model/config.h"
#include "net/loop.h"
#include "work/store_thread.h"

struct worker;

struct worker_options {
	struct store *store; /* borrowed; the worker registers itself there */
	const struct clock *clock;
	const struct config *config; /* borrowed; see worker_configure() */
	const char *user_agent;
	bool drain;
	bool once;
	bool plain; /* lines for a terminal */
	bool color;
	worker_emit *emit;
	worker_complain *complain;
	void *context;
};

/* Registers with the store and starts claiming. Returns new. Errors as the store's. */
int worker_open(
	struct worker **worker, const struct worker_options *options, struct err *err);

/* For signals and timers of the caller's own; runs in worker_run(). */
struct loop *worker_loop(struct worker *worker);

/* Another configuration from the next attempt on; only the lease and the size of snippets
 * stay as they were. */
void worker_configure(struct worker *worker, const struct config *config);

/* No more claims: what has not been started is given back, what is in flight gets the
 * time of grace. */
void worker_stop(struct worker *worker);

size_t worker_in_flight(const struct worker *worker);

/* How many attempts came to that so far. */
size_t worker_attempts(const struct worker *worker, enum attempt_outcome outcome);

/* Gives back what is in flight too. */
void worker_abort(struct worker *worker);

/* Works until everything is done or it was stopped. Errors as the store's, and
 * ERR_OS. */
int worker_run(struct worker *worker, struct err *err);

/* After that: whether jobs wait because their endpoint is not in the configuration. */
bool worker_left_jobs(const struct worker *worker);
void worker_free(struct worker *worker); /* after worker_run() */

#endif
