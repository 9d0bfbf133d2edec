/* SPDX-License-Identifier: MIT */
/*
 * The thread that speaks with the store.
 *
 * Round after round it takes all tasks that the engine has finished, settles them and
 * claims as many new ones in one transaction, prints the lines of what was committed, and
 * hands the new tasks over. While a commit is under way the engine goes on delivering, so
 * the batches grow with the load by themselves; and while most of what it holds is still
 * out, it gathers for a few milliseconds, for a commit costs the same for one as for ten.
 * Between rounds it beats, takes jobs back from workers that died, and forgets old
 * completed jobs.
 *
 * A settle is never dropped: if the store fails, the round is tried again until it works
 * or, when the worker is stopping, until the time of grace is over.
 */
#ifndef WORK_STORE_THREAD_H
#define WORK_STORE_THREAD_H

#include "base/clock.h"
#include "work/demand.h"
#include "work/mailbox.h"
#include "work/rates.h"
#include "work/report.h"

#include <stdatomic.h>

/* Writes whole lines to where the reports go; called by the store thread only. Non-zero
 * if that is no longer possible: the worker then stops. It may wait for a reader, but not
 * for long once hurry_fd is readable. */
typedef int worker_emit(void *context, struct span lines, int hurry_fd);

struct store_thread_options {
	struct store *store; /* borrowed, with a worker started */
	const struct clock *clock;
	struct report report;
	int concurrency;
	int64_t lease_ms;
	int64_t grace_ms;
	int64_t retention_ms;
	bool drain;          /* end when nothing is due */
	bool once;           /* end when what was due at the start has been tried */
	struct rates *rates; /* takes, also if it does not start; NULL: none */
	worker_emit *emit;
	worker_complain *complain;
	void *context;
};

struct store_thread {
	struct store_thread_options options;
	struct mailbox finished; /* from the engine; closed when no more will come */
	struct mailbox claimed;  /* to the engine; closed when this thread is done */
	atomic_bool stopping;    /* claim no more; set by the engine, which then nudges */
	atomic_bool hurry;       /* store_thread_hurry() */
	atomic_bool wants_stop;  /* our output is gone; the engine is nudged */
	_Atomic(struct rates *) new_rates; /* from the engine; NULL: go on as before */

	/* The thread's own. */
	struct rates *rates; /* NULL: none */
	struct task_pool pool;
	struct demand demand;
	struct task_list pending; /* finished, not yet settled */
	struct settle *settles;
	struct delivery **deliveries;
	size_t batch_cap; /* places in both */
	struct buf out;
	int wake_fd;
	int hurry_fd; /* readable once there is a hurry */
	int64_t started_at;
	int64_t next_due_at;
	bool look;             /* something may be due */
	bool is_urgent;        /* … and nothing is in its way */
	bool round_failed;     /* the last one, or housekeeping since then */
	bool exchange_failed;  /* the last one */
	enum err_kind trouble; /* what it failed of */
	bool output_lost;
	bool left_behind; /* at the end: jobs for endpoints that nobody configured */
	bool done;
	int64_t wait_us;                       /* before the next try, after a failure */
	int64_t round_us;                      /* monotonic: the last one; 0 */
	int64_t retry_us;                      /* monotonic: no round before that; 0 */
	int64_t give_up_us;                    /* monotonic: since stopping; 0 */
	int64_t beat_us, reclaim_us, purge_us; /* monotonic: when they are due */
	struct err err; /* why it ended; kind ERR_NONE: it was done */
	pthread_t thread;
};

/* ERR_OS, ERR_IO. After a failure there is nothing to free. */
int store_thread_start(struct store_thread *self,
	const struct store_thread_options *options, struct err *err);

/* Claims by other rates, which it takes, from the next round on, and again of endpoints
 * that were not in the configuration; with their concurrency, grace and retention. */
void store_thread_pace(struct store_thread *self, struct rates *rates);

/* It does not wait any more for a store that fails, nor for who reads the lines: each
 * thing is tried once. */
void store_thread_hurry(struct store_thread *self);

/* Waits for its end and frees everything; -1 with the error that ended it. */
int store_thread_join(struct store_thread *self, struct err *err);

#endif
