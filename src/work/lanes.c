/* SPDX-License-Identifier: MIT */
#include "work/lanes.h"

#include <stdlib.h>

int
lane_first_window(int concurrency)
{
	return (concurrency + 1) / 2;
}

void
lanes_init(struct lanes *lanes, int concurrency)
{
	*lanes = (struct lanes){.concurrency = concurrency};
	map_init(&lanes->by_endpoint);
}

void
lanes_free(struct lanes *lanes)
{
	struct map_entry *entry;

	for (size_t at = 0; (entry = map_next(&lanes->by_endpoint, &at)) != NULL;)
		free(entry->value);
	map_free(&lanes->by_endpoint);
}

/* NULL when memory is out. */
static struct lane *
lane_of(struct lanes *lanes, int64_t endpoint_id)
{
	struct span key = {(const char *)&endpoint_id, sizeof(endpoint_id)};
	struct lane *lane = map_get(&lanes->by_endpoint, key);

	if (lane != NULL)
		return lane;
	lane = calloc(1, sizeof(*lane));
	if (lane == NULL)
		return NULL;
	lane->endpoint_id = endpoint_id;
	lane->window = lane_first_window(lanes->concurrency);
	if (map_set(&lanes->by_endpoint, key, lane, NULL) == 0)
		return lane;
	free(lane);
	return NULL;
}

/* At the end of the turn, if it may send. */
static void
queue_lane(struct lanes *lanes, struct lane *lane)
{
	if (lane->queued || lane->waiting.count == 0 || lane->in_flight >= lane->window)
		return;
	lane->queued = true;
	lane->next = NULL;
	if (lanes->last == NULL)
		lanes->first = lane;
	else
		lanes->last->next = lane;
	lanes->last = lane;
}

int
lanes_add(struct lanes *lanes, struct task *task, struct err *err)
{
	task->lane = lane_of(lanes, task->delivery->endpoint_id);
	if (task->lane == NULL)
		return err_no_memory(err);
	task_list_add(&task->lane->waiting, task);
	queue_lane(lanes, task->lane);
	return 0;
}

struct task *
lanes_next(struct lanes *lanes)
{
	while (lanes->first != NULL) {
		struct lane *lane = lanes->first;
		struct task *task = task_list_pop(&lane->waiting);

		lanes->first = lane->next;
		if (lanes->first == NULL)
			lanes->last = NULL;
		lane->queued = false;
		if (task == NULL)
			continue; /* its tasks were dropped meanwhile */
		lane->in_flight++;
		queue_lane(lanes, lane);
		return task;
	}
	return NULL;
}

void
lanes_done(struct lanes *lanes, struct task *task, bool answered)
{
	struct lane *lane = task->lane;

	lane->in_flight--;
	if (!answered)
		lane->window = lane->window > 1 ? lane->window / 2 : 1;
	else if (lane->window < lanes->concurrency)
		lane->window++;
	task->window = lane->window;
	queue_lane(lanes, lane);
}

void
lanes_drop_lane(struct task *task, struct task_list *dropped)
{
	task_list_join(dropped, &task->lane->waiting);
}

void
lanes_drop_all(struct lanes *lanes, struct task_list *dropped)
{
	struct map_entry *entry;

	for (size_t at = 0; (entry = map_next(&lanes->by_endpoint, &at)) != NULL;) {
		struct lane *lane = entry->value;

		task_list_join(dropped, &lane->waiting);
	}
}
