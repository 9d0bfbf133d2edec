/* SPDX-License-Identifier: MIT */
/*
 * Which task is sent next: one lane per endpoint, served in turn, each with a window of
 * deliveries that it may have in flight.
 *
 * The window starts at a few slots, or an eighth of many, and never at more than half of
 * them; it grows by one with each answer and is halved by each attempt that got none, as
 * Postfix does for a destination: an endpoint that has gone dark keeps a slot or two
 * busy, not all of them. Many such endpoints together have but a share of the slots too,
 * as have all new ones: who answers finds one. After a run of failures an endpoint's
 * breaker opens, and its jobs go back to be parked in the store.
 *
 * What is known of a breaker lives here and, by way of the settles, in the store, which
 * tells it with each job; so workers learn from each other, and from an operator.
 */
#ifndef WORK_LANES_H
#define WORK_LANES_H

#include "base/map.h"
#include "model/config.h"
#include "work/task.h"

enum { LANE_RUN_MAX = 32 };

/* The jobs that failed since the last success, the latest ones. A job that fails again is
 * no news of its endpoint: with a few jobs their retries shall come when they are due. */
struct lane_run {
	int64_t jobs[LANE_RUN_MAX];
	size_t count; /* those that were forgotten are counted too */
};

struct lane_queue;

struct lane {
	int64_t endpoint_id;
	struct task_list waiting;
	enum standing standing;
	int in_flight;
	int window;
	struct endpoint_rule rule;
	unsigned rule_version; /* of the configuration that it comes from */
	unsigned told_version; /* of the one that was said not to have it */
	bool known;            /* the rest was learnt from a job */
	struct breaker breaker;
	struct lane_run run;
	int64_t closings;         /* of the breaker, as in struct delivery */
	int64_t not_before;       /* the endpoint asked to be left alone; 0 */
	struct lane_queue *queue; /* that it is in; NULL: it may not send */
	struct lane *previous, *next;
};

struct lane_queue {
	struct lane *first;
	struct lane *last;
};

struct lanes {
	struct map by_endpoint; /* endpoint id -> struct lane, owned */
	struct lane_queue turn;
	struct lane_queue put_off[STANDING_COUNT]; /* their share was used up */
	int in_flight[STANDING_COUNT];
	int concurrency;
	const struct config *config; /* borrowed; NULL: endpoints have no rules */
	unsigned config_version;
};

/* The window of an endpoint that nothing is known of. */
int lane_first_window(int concurrency);

/*
 * How many of the slots all endpoints of that standing may have together. One new
 * endpoint gets half of all at most, so that another finds a place beside it; silent ones
 * count as new ones too, and the rest is for those that answer.
 */
int lane_share(int concurrency, enum standing standing);

void lanes_init(struct lanes *lanes, int concurrency);
void lanes_free(struct lanes *lanes);

/* Another number of slots. */
void lanes_resize(struct lanes *lanes, int concurrency);

/* From the next task on; the old one may be freed. */
void lanes_configure(struct lanes *lanes, const struct config *config);

int lanes_add(struct lanes *lanes, struct task *task, struct err *err); /* ERR_OS */

/* Whether an added task may stay: not if its endpoint was parked while it was on its way
 * to us, from the store or back to it. */
bool lanes_admit(struct task *task, int64_t now);

/* The task to send now, counted as in flight; NULL if no lane may send. */
struct task *lanes_next(struct lanes *lanes);

/* Counts a task that was not added as in flight, as if it had been its lane's turn. False
 * if its endpoint was parked meanwhile. ERR_OS: -1. */
int lanes_jump(struct lanes *lanes, struct task *task, int64_t now, bool *may_go,
	struct err *err);

/* A task that lanes_next() gave is through; tells the task the lane's window. */
void lanes_done(struct lanes *lanes, struct task *task, bool answered);

/* A task that lanes_next() gave was not sent. */
void lanes_not_sent(struct lanes *lanes, struct task *task);

/*
 * What the attempt, as it was judged, says of its endpoint; its settle takes it to the
 * store. True if the endpoint is to be left alone now. Before lanes_done().
 */
bool lanes_learn(struct task *task, enum health_sign sign, int64_t now);

/* Takes back what waits: in the lane of that task, or everywhere. */
void lanes_drop_lane(struct task *task, struct task_list *dropped);
void lanes_drop_all(struct lanes *lanes, struct task_list *dropped);

#endif
