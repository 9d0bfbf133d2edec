/* SPDX-License-Identifier: MIT */
/*
 * Which task is sent next: one lane per endpoint, served in turn, each with a window of
 * deliveries that it may have in flight.
 *
 * The window starts at half of all slots, grows by one with each answer and is halved by
 * each attempt that got none, as Postfix does for a destination: an endpoint that has
 * gone dark keeps a slot or two busy, not all of them.
 */
#ifndef WORK_LANES_H
#define WORK_LANES_H

#include "base/map.h"
#include "work/task.h"

struct lane {
	int64_t endpoint_id;
	struct task_list waiting;
	int in_flight;
	int window;
	bool queued;
	struct lane *next; /* of those that may send */
};

struct lanes {
	struct map by_endpoint; /* endpoint id -> struct lane, owned */
	struct lane *first;
	struct lane *last;
	int concurrency;
};

/* The window of an endpoint that nothing is known of. */
int lane_first_window(int concurrency);

void lanes_init(struct lanes *lanes, int concurrency);
void lanes_free(struct lanes *lanes);

int lanes_add(struct lanes *lanes, struct task *task, struct err *err); /* ERR_OS */

/* The task to send now, counted as in flight; NULL if no lane may send. */
struct task *lanes_next(struct lanes *lanes);

/* A task that lanes_next() gave is through; tells the task the lane's window. */
void lanes_done(struct lanes *lanes, struct task *task, bool answered);

/* Takes back what waits: in the lane of that task, or everywhere. */
void lanes_drop_lane(struct task *task, struct task_list *dropped);
void lanes_drop_all(struct lanes *lanes, struct task_list *dropped);

#endif
