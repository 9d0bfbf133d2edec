/* SPDX-License-Identifier: MIT */
#include "work/lanes.h"

#include <stdlib.h>

/* An endpoint that has yet to show that it is there gets a few slots, or that part of
 * many; the window of one that is there doubles with each round trip. */
enum { FIRST_WINDOW_FEW = 16, FIRST_WINDOW_PART = 8 };

static int
smaller(int a, int b)
{
	return a < b ? a : b;
}

int
lane_first_window(int concurrency)
{
	int part = concurrency / FIRST_WINDOW_PART;
	int most = part > FIRST_WINDOW_FEW ? part : FIRST_WINDOW_FEW;

	return smaller((concurrency + 1) / 2, most);
}

int
lane_share(int concurrency, enum standing standing)
{
	int quarters[STANDING_COUNT] = {
		[STANDING_NEW] = 3, [STANDING_SILENT] = 1, [STANDING_ANSWERS] = 4};

	return (quarters[standing] * concurrency + 3) / 4;
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

/* Windows that are too wide now narrow with the next configuration's rules. */
void
lanes_resize(struct lanes *lanes, int concurrency)
{
	lanes->concurrency = concurrency;
}

void
lanes_configure(struct lanes *lanes, const struct config *config)
{
	lanes->config = config;
	lanes->config_version++;
}

/* How wide the window may get. */
static int
widest(const struct lanes *lanes, const struct lane *lane)
{
	int own = lane->rule.concurrency;

	return own > 0 ? smaller(own, lanes->concurrency) : lanes->concurrency;
}

static void
follow_rule(struct lanes *lanes, struct lane *lane, const struct delivery *delivery)
{
	if (lane->rule_version == lanes->config_version)
		return;
	lane->rule_version = lanes->config_version;
	lane->rule = *config_rule(
		lanes->config, delivery->endpoint, delivery->endpoint_named);
	lane->window = smaller(lane->window, widest(lanes, lane));
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

/* While the breaker is not closed, a probe at a time. */
static bool
may_send(const struct lane *lane)
{
	int most = lane->breaker.trips > 0 ? 1 : lane->window;

	return lane->waiting.count > 0 && lane->in_flight < most;
}

static void
push_lane(struct lane_queue *queue, struct lane *lane)
{
	lane->queue = queue;
	lane->previous = queue->last;
	lane->next = NULL;
	if (queue->last == NULL)
		queue->first = lane;
	else
		queue->last->next = lane;
	queue->last = lane;
}

static void
remove_lane(struct lane *lane)
{
	struct lane_queue *queue = lane->queue;

	if (queue == NULL)
		return;
	if (lane->previous == NULL)
		queue->first = lane->next;
	else
		lane->previous->next = lane->next;
	if (lane->next == NULL)
		queue->last = lane->previous;
	else
		lane->next->previous = lane->previous;
	lane->queue = NULL;
}

/* NULL if the queue is empty. */
static struct lane *
pop_lane(struct lane_queue *queue)
{
	struct lane *lane = queue->first;

	if (lane != NULL)
		remove_lane(lane);
	return lane;
}

/* At the end of the turn, if it may send. */
static void
queue_lane(struct lanes *lanes, struct lane *lane)
{
	if (lane->queue == NULL && may_send(lane))
		push_lane(&lanes->turn, lane);
}

int
lanes_add(struct lanes *lanes, struct task *task, struct err *err)
{
	task->lane = lane_of(lanes, task->delivery->endpoint_id);
	if (task->lane == NULL)
		return err_no_memory(err);
	follow_rule(lanes, task->lane, task->delivery);
	task_list_add(&task->lane->waiting, task);
	queue_lane(lanes, task->lane);
	return 0;
}

/* A run of failures is counted by each worker for itself, and from its start. */
static void
adopt(struct lane *lane, const struct breaker *stored)
{
	lane->breaker = stored->trips > 0 ? *stored : (struct breaker){0};
	lane->run.count = 0;
}

/*
 * The store is ahead of us where an operator or another worker closed the breaker, or
 * opened it oftener than we did. Where it is behind, the job was claimed before what we
 * know was written.
 */
static void
listen_to_store(struct lane *lane, const struct delivery *delivery, int64_t now)
{
	const struct breaker *stored = &delivery->breaker;
	bool parked = breaker_state(&lane->breaker, now) == BREAKER_OPEN;

	if (!lane->known || delivery->closings > lane->closings) {
		lane->known = true;
		lane->closings = delivery->closings;
		lane->not_before = 0;
		adopt(lane, stored);
	} else if (stored->trips > lane->breaker.trips ||
		(stored->trips == 0 && lane->breaker.trips > 0 && !parked)) {
		adopt(lane, stored);
	}
}

bool
lanes_admit(struct task *task, int64_t now)
{
	struct lane *lane = task->lane;

	listen_to_store(lane, task->delivery, now);
	return task->delivery->expedited ||
		(now >= lane->not_before &&
			breaker_state(&lane->breaker, now) != BREAKER_OPEN);
}

static bool
share_is_used_up(const struct lanes *lanes, enum standing standing)
{
	const int *in_flight = lanes->in_flight;
	int silent = in_flight[STANDING_SILENT];

	if (standing == STANDING_ANSWERS)
		return false;
	if (standing == STANDING_SILENT &&
		silent >= lane_share(lanes->concurrency, STANDING_SILENT))
		return true;
	return silent + in_flight[STANDING_NEW] >=
		lane_share(lanes->concurrency, STANDING_NEW);
}

/* A lane that was put off, if there is a place in the share again; NULL. */
static struct lane *
next_put_off(struct lanes *lanes, enum standing standing)
{
	struct lane *lane;

	while (!share_is_used_up(lanes, standing) &&
		(lane = pop_lane(&lanes->put_off[standing])) != NULL)
		if (may_send(lane))
			return lane;
	return NULL;
}

/* The lane whose turn it is; NULL if none may send. */
static struct lane *
next_lane(struct lanes *lanes)
{
	struct lane *lane;

	for (int i = 0; i < STANDING_COUNT; i++)
		if ((lane = next_put_off(lanes, (enum standing)i)) != NULL)
			return lane;
	while ((lane = pop_lane(&lanes->turn)) != NULL) {
		if (!may_send(lane))
			continue; /* what it had was dropped meanwhile, or parked */
		if (!share_is_used_up(lanes, lane->standing))
			return lane;
		push_lane(&lanes->put_off[lane->standing], lane);
	}
	return NULL;
}

struct task *
lanes_next(struct lanes *lanes)
{
	struct lane *lane = next_lane(lanes);
	struct task *task;

	if (lane == NULL)
		return NULL;
	lane->in_flight++;
	lanes->in_flight[lane->standing]++;
	task = task_list_pop(&lane->waiting);
	queue_lane(lanes, lane);
	return task;
}

int
lanes_jump(struct lanes *lanes, struct task *task, int64_t now, bool *may_go,
	struct err *err)
{
	task->lane = lane_of(lanes, task->delivery->endpoint_id);
	if (task->lane == NULL)
		return err_no_memory(err);
	follow_rule(lanes, task->lane, task->delivery);
	*may_go = lanes_admit(task, now);
	if (*may_go) {
		task->lane->in_flight++;
		lanes->in_flight[task->lane->standing]++;
	}
	return 0;
}

/* Adds the job to the run; false if it is in there already. */
static bool
join_run(struct lane_run *run, int64_t job_id)
{
	for (size_t i = 0; i < run->count && i < LANE_RUN_MAX; i++)
		if (run->jobs[i] == job_id)
			return false;
	run->jobs[run->count++ % LANE_RUN_MAX] = job_id;
	return true;
}

/* Whether the attempt says something new: what a success has to tell is that there were
 * failures, here or at another worker. */
static bool
is_news(struct lane *lane, const struct delivery *delivery, enum health_sign sign)
{
	if (sign == SIGN_WELL)
		return lane->breaker.failures > 0 || delivery->breaker.failures > 0;
	return sign == SIGN_ILL &&
		(join_run(&lane->run, delivery->job_id) || lane->breaker.trips > 0);
}

static bool
note_sign(struct lane *lane, enum health_sign sign, int64_t now)
{
	if (sign == SIGN_WELL) {
		breaker_succeeded(&lane->breaker);
		lane->run.count = 0;
		return false;
	}
	if (!breaker_failed(&lane->breaker, &lane->rule.breaker, now))
		return false;
	lane->window = 1;
	return true;
}

bool
lanes_learn(struct task *task, enum health_sign sign, int64_t now)
{
	struct lane *lane = task->lane;
	struct settle *settle = &task->settle;
	bool opened = false;

	if (is_news(lane, task->delivery, sign)) {
		opened = note_sign(lane, sign, now);
		settle->breaker_changed = true;
		settle->breaker = lane->breaker;
		settle->closings = lane->closings;
	}
	if (settle->endpoint_not_before > lane->not_before)
		lane->not_before = settle->endpoint_not_before;
	return opened || settle->endpoint_not_before != 0;
}

/* A lane that was put off for its old standing may have its turn now. */
static void
set_standing(struct lanes *lanes, struct lane *lane, enum standing standing)
{
	if (lane->standing == standing)
		return;
	if (lane->queue == &lanes->put_off[lane->standing])
		remove_lane(lane);
	lanes->in_flight[lane->standing] -= lane->in_flight;
	lane->standing = standing;
	lanes->in_flight[standing] += lane->in_flight;
}

void
lanes_done(struct lanes *lanes, struct task *task, bool answered)
{
	struct lane *lane = task->lane;

	set_standing(lanes, lane, answered ? STANDING_ANSWERS : STANDING_SILENT);
	if (!answered)
		lane->window = lane->window > 1 ? lane->window / 2 : 1;
	else if (lane->breaker.trips == 0 && lane->window < widest(lanes, lane))
		lane->window++;
	task->window = lane->window;
	task->standing = lane->standing;
	lanes_not_sent(lanes, task);
}

void
lanes_not_sent(struct lanes *lanes, struct task *task)
{
	struct lane *lane = task->lane;

	lane->in_flight--;
	lanes->in_flight[lane->standing]--;
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
