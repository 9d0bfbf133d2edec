/* SPDX-License-Identifier: MIT */
#include "work/lanes.h"

#include "tap.h"

#include <stdlib.h>

static struct task *
make_task(struct task_pool *pool, int64_t job_id, int64_t endpoint_id)
{
	struct delivery *delivery = calloc(1, sizeof(*delivery));

	delivery->job_id = job_id;
	delivery->endpoint_id = endpoint_id;
	return task_take(pool, delivery);
}

static void
add_tasks(struct lanes *lanes, struct task_pool *pool, int64_t endpoint_id, int count)
{
	struct err err;

	for (int i = 0; i < count; i++)
		CHECK_INT(lanes_add(lanes, make_task(pool, i, endpoint_id), &err), 0);
}

static int
count_startable(struct lanes *lanes)
{
	int count = 0;

	while (lanes_next(lanes) != NULL)
		count++;
	return count;
}

static void
test_endpoints_take_turns(void)
{
	static const int64_t turns[] = {1, 2, 3, 1, 2, 3};
	struct task_pool pool = {0};
	struct lanes lanes;

	lanes_init(&lanes, 100);
	for (int64_t endpoint = 1; endpoint <= 3; endpoint++)
		add_tasks(&lanes, &pool, endpoint, 2);
	for (size_t i = 0; i < sizeof(turns) / sizeof(turns[0]); i++)
		CHECK_INT(lanes_next(&lanes)->delivery->endpoint_id, turns[i]);
	CHECK(lanes_next(&lanes) == NULL);
	lanes_free(&lanes);
	task_pool_free(&pool);
}

static void
test_jobs_of_an_endpoint_keep_their_order(void)
{
	struct task_pool pool = {0};
	struct lanes lanes;

	lanes_init(&lanes, 100);
	add_tasks(&lanes, &pool, 1, 3);
	for (int i = 0; i < 3; i++)
		CHECK_INT(lanes_next(&lanes)->delivery->job_id, i);
	lanes_free(&lanes);
	task_pool_free(&pool);
}

static void
test_unknown_endpoint_gets_half_the_slots(void)
{
	struct task_pool pool = {0};
	struct lanes lanes;

	CHECK_INT(lane_first_window(1), 1);
	CHECK_INT(lane_first_window(5), 3);
	lanes_init(&lanes, 10);
	add_tasks(&lanes, &pool, 1, 20);
	CHECK_INT(count_startable(&lanes), 5);
	lanes_free(&lanes);
	task_pool_free(&pool);
}

static void
test_answers_widen_the_window_up_to_all_slots(void)
{
	struct task_pool pool = {0};
	struct lanes lanes;
	struct task *task;

	lanes_init(&lanes, 4);
	add_tasks(&lanes, &pool, 1, 20);
	for (int i = 0; i < 5; i++) {
		task = lanes_next(&lanes);
		lanes_done(&lanes, task, true);
	}
	CHECK_INT(task->window, 4);
	CHECK_INT(count_startable(&lanes), 4);
	lanes_free(&lanes);
	task_pool_free(&pool);
}

static void
test_silence_halves_the_window_but_never_closes_it(void)
{
	static const int windows[] = {8, 4, 2, 1, 1};
	struct task_pool pool = {0};
	struct lanes lanes;

	lanes_init(&lanes, 32);
	add_tasks(&lanes, &pool, 1, 20);
	for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++) {
		struct task *task = lanes_next(&lanes);

		lanes_done(&lanes, task, false);
		CHECK_INT(task->window, windows[i]);
	}
	CHECK_INT(count_startable(&lanes), 1);
	lanes_free(&lanes);
	task_pool_free(&pool);
}

static int
count_startable_of(struct lanes *lanes, int64_t endpoint_id)
{
	struct task *task;
	int count = 0;

	while ((task = lanes_next(lanes)) != NULL)
		count += task->delivery->endpoint_id == endpoint_id;
	return count;
}

static void
test_new_endpoints_leave_a_quarter_of_the_slots(void)
{
	struct task_pool pool = {0};
	struct lanes lanes;

	lanes_init(&lanes, 8);
	add_tasks(&lanes, &pool, 1, 10);
	lanes_done(&lanes, lanes_next(&lanes), true);
	for (int64_t endpoint = 10; endpoint < 20; endpoint++)
		add_tasks(&lanes, &pool, endpoint, 10);
	/* The window of the first, and 6 of the others. */
	CHECK_INT(count_startable(&lanes), 5 + 6);
	lanes_free(&lanes);
	task_pool_free(&pool);
}

static void
test_silent_endpoints_have_a_quarter_of_the_slots_together(void)
{
	struct task_pool pool = {0};
	struct lanes lanes;

	lanes_init(&lanes, 8);
	for (int64_t endpoint = 10; endpoint < 20; endpoint++) {
		add_tasks(&lanes, &pool, endpoint, 1);
		lanes_done(&lanes, lanes_next(&lanes), false);
	}
	for (int64_t endpoint = 10; endpoint < 20; endpoint++)
		add_tasks(&lanes, &pool, endpoint, 10);
	add_tasks(&lanes, &pool, 1, 10);
	CHECK_INT(count_startable_of(&lanes, 1), 4);
	CHECK_INT(lanes.in_flight[STANDING_SILENT], 2);
	add_tasks(&lanes, &pool, 2, 10);
	CHECK_INT(count_startable(&lanes), 0);
	lanes_free(&lanes);
	task_pool_free(&pool);
}

/* Whoever was put off has its turn when there is a place, whatever became of it. */
static void
test_lanes_that_were_put_off_come_back(void)
{
	struct task_pool pool = {0};
	struct task *sent[2];
	struct lanes lanes;

	lanes_init(&lanes, 2);
	for (int64_t endpoint = 1; endpoint <= 3; endpoint++)
		add_tasks(&lanes, &pool, endpoint, 2);
	sent[0] = lanes_next(&lanes);
	sent[1] = lanes_next(&lanes);
	CHECK(lanes_next(&lanes) == NULL);
	lanes_done(&lanes, sent[0], true);
	CHECK_INT(lanes_next(&lanes)->delivery->endpoint_id, 3);
	CHECK_INT(lanes_next(&lanes)->delivery->endpoint_id, 1);
	CHECK(lanes_next(&lanes) == NULL);
	lanes_done(&lanes, sent[1], false);
	CHECK_INT(count_startable_of(&lanes, 2), 1);
	lanes_free(&lanes);
	task_pool_free(&pool);
}

static void
test_what_was_not_sent_says_nothing(void)
{
	struct task_pool pool = {0};
	struct lanes lanes;
	struct task *task;

	lanes_init(&lanes, 8);
	add_tasks(&lanes, &pool, 1, 10);
	task = lanes_next(&lanes);
	lanes_not_sent(&lanes, task);
	CHECK_INT(task->window, 0);
	CHECK_INT(count_startable(&lanes), 4);
	lanes_free(&lanes);
	task_pool_free(&pool);
}

static void
test_dropping_a_lane_leaves_the_others(void)
{
	struct task_pool pool = {0};
	struct task_list dropped = {0};
	struct lanes lanes;
	struct task *task;

	lanes_init(&lanes, 100);
	add_tasks(&lanes, &pool, 1, 3);
	add_tasks(&lanes, &pool, 2, 3);
	task = lanes_next(&lanes);
	lanes_done(&lanes, task, true);
	lanes_drop_lane(task, &dropped);
	CHECK_INT((int64_t)dropped.count, 2);
	CHECK_INT(lanes_next(&lanes)->delivery->endpoint_id, 2);
	lanes_drop_all(&lanes, &dropped);
	CHECK_INT((int64_t)dropped.count, 4);
	CHECK(lanes_next(&lanes) == NULL);
	lanes_free(&lanes);
	task_pool_free(&pool);
}

int
main(void)
{
	return tap_run((struct tap_test[]){
		TAP(test_endpoints_take_turns),
		TAP(test_jobs_of_an_endpoint_keep_their_order),
		TAP(test_unknown_endpoint_gets_half_the_slots),
		TAP(test_answers_widen_the_window_up_to_all_slots),
		TAP(test_silence_halves_the_window_but_never_closes_it),
		TAP(test_new_endpoints_leave_a_quarter_of_the_slots),
		TAP(test_silent_endpoints_have_a_quarter_of_the_slots_together),
		TAP(test_lanes_that_were_put_off_come_back),
		TAP(test_what_was_not_sent_says_nothing),
		TAP(test_dropping_a_lane_leaves_the_others),
		{0},
	});
}
