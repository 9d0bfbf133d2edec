/* SPDX-License-Identifier: MIT */
/*
 * The engine: delivers the tasks that it is given, on the loop of one thread, and says
 * what has become of each.
 *
 * A task comes in by engine_add() and waits for its turn (work/lanes.h, work/suspects.h);
 * engine_send() starts what may go; when its transfer is done, it is judged
 * (work/judge.h) and lies ready for engine_take_finished() with its settle filled in. The
 * engine knows nothing of the store.
 */
#ifndef WORK_ENGINE_H
#define WORK_ENGINE_H

#include "base/clock.h"
#include "model/config.h"
#include "net/client.h"
#include "work/judge.h"
#include "work/lanes.h"
#include "work/report.h"
#include "work/suspects.h"

struct engine_options {
	struct loop *loop; /* borrowed, as all of these, for the engine's life */
	const struct clock *clock;
	const struct config *config; /* until engine_configure() */
	const char *user_agent;
	struct report report;
	_Atomic int64_t *flights; /* store_worker_flights(): CONFIG_CONCURRENCY_MAX */
	worker_complain *complain;
	void *context; /* of complain */
};

struct engine {
	struct engine_options options;
	struct client *client; /* NULL after engine_break_off() */
	struct lanes lanes;
	struct suspects suspects;
	struct rng rng;
	struct judge judge;
	struct task_list finished;
	size_t concurrency;
	size_t in_flight;
	size_t attempts[ATTEMPT_OUTCOME_COUNT]; /* how many came to that so far */
	bool stopped;
};

/* Errors as client_open(). */
int engine_open(
	struct engine *engine, const struct engine_options *options, struct err *err);

/* Breaks off what is in flight: those tasks stay with whoever made them. */
void engine_break_off(struct engine *engine);
void engine_free(struct engine *engine);

/* Another configuration from the next task on, but for the number of slots. */
void engine_configure(struct engine *engine, const struct config *config);

/* Another number of slots; what is in flight beyond it goes on. ERR_OS: as it was. */
int engine_resize(struct engine *engine, int concurrency, struct err *err);

/* Takes a task in, or finishes it at once if it cannot be sent now. ERR_OS. */
int engine_add(struct engine *engine, struct task *task, struct err *err);

/* Fills the free slots with what may go. ERR_OS. */
int engine_send(struct engine *engine, struct err *err);

/* Whether it should be called again before the loop waits: what came to nothing at once
 * may have kept others waiting. */
bool engine_may_send_more(const struct engine *engine);

/* Judges the transfers that are done; after each loop_step(). ERR_OS. */
int engine_step(struct engine *engine, struct err *err);

/* Appends what is through, sent or not, to *finished. */
void engine_take_finished(struct engine *engine, struct task_list *finished);

/* What was not sent yet is finished, and so is what is added from now on. */
void engine_stop(struct engine *engine);

#endif
