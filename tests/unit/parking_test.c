/* SPDX-License-Identifier: MIT */
/*
 * Lanes whose endpoint is not well: what they learn from attempts and from the store, and
 * which tasks they let stay.
 */
#include "work/lanes.h"

#include "tap.h"

#include <stdlib.h>

static const int64_t NOW = 1767323045678;

struct setting {
	struct config config;
	struct lanes lanes;
	struct task_pool pool;
	int64_t jobs; /* made so far: their ids count up */
};

/* Ten slots; a breaker opens after three failures for a second. */
static void
setting_init(struct setting *setting)
{
	*setting = (struct setting){0};
	config_init(&setting->config);
	setting->config.limits.endpoint.breaker = (struct breaker_rule){3, 1000, 8000};
	lanes_init(&setting->lanes, 10);
	lanes_configure(&setting->lanes, &setting->config);
}

static void
setting_free(struct setting *setting)
{
	lanes_free(&setting->lanes);
	task_pool_free(&setting->pool);
	config_free(&setting->config);
}

/* A job of the one endpoint, with what the store says of its breaker. */
static struct task *
add_claimed(struct setting *setting, struct breaker breaker, int64_t closings)
{
	struct delivery *delivery = calloc(1, sizeof(*delivery));
	struct task *task;
	struct err err;

	delivery->job_id = ++setting->jobs;
	delivery->endpoint_id = 1;
	delivery->endpoint = SPAN_LITERAL("https://a.example");
	delivery->breaker = breaker;
	delivery->closings = closings;
	task = task_take(&setting->pool, delivery);
	CHECK_INT(lanes_add(&setting->lanes, task, &err), 0);
	return task;
}

static struct task *
add(struct setting *setting)
{
	return add_claimed(setting, (struct breaker){0}, 0);
}

static size_t
dropped_with(struct task *task)
{
	struct task_list dropped = {0};

	lanes_drop_lane(task, &dropped);
	return dropped.count;
}

/* One attempt from start to end; whether the endpoint is to be left alone now. */
static bool
attempt(struct setting *setting, enum health_sign sign, int64_t now)
{
	struct task *task = add(setting);
	bool leave_alone;

	CHECK(lanes_admit(task, now));
	CHECK(lanes_next(&setting->lanes) == task);
	leave_alone = lanes_learn(task, sign, now);
	lanes_done(&setting->lanes, task, true);
	return leave_alone;
}

static void
trip(struct setting *setting)
{
	CHECK(!attempt(setting, SIGN_ILL, NOW));
	CHECK(!attempt(setting, SIGN_ILL, NOW));
	CHECK(attempt(setting, SIGN_ILL, NOW));
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
test_a_run_of_failures_parks_what_waits_and_what_comes(void)
{
	struct setting setting;
	struct task *waiting;

	setting_init(&setting);
	trip(&setting);
	waiting = add(&setting);
	CHECK(!lanes_admit(waiting, NOW + 999));
	CHECK_INT((int64_t)dropped_with(waiting), 1);
	CHECK(lanes_next(&setting.lanes) == NULL);
	setting_free(&setting);
}

static void
test_the_settle_takes_it_to_the_store(void)
{
	struct setting setting;
	struct task *task;

	setting_init(&setting);
	CHECK(!attempt(&setting, SIGN_ILL, NOW));
	CHECK(!attempt(&setting, SIGN_ILL, NOW));
	task = add_claimed(&setting, (struct breaker){.failures = 2}, 0);
	CHECK(lanes_admit(task, NOW));
	CHECK(lanes_next(&setting.lanes) == task);
	CHECK(lanes_learn(task, SIGN_ILL, NOW));
	CHECK(task->settle.breaker_changed);
	CHECK_INT(task->settle.breaker.failures, 3);
	CHECK_INT(task->settle.breaker.trips, 1);
	CHECK_INT(task->settle.breaker.open_until, NOW + 1000);
	setting_free(&setting);
}

static void
test_a_job_that_fails_again_is_no_news(void)
{
	struct setting setting;

	setting_init(&setting);
	for (int round = 0; round < 10; round++) {
		setting.jobs = 0;
		CHECK(!attempt(&setting, SIGN_ILL, NOW));
		CHECK(!attempt(&setting, SIGN_ILL, NOW));
	}
	CHECK(attempt(&setting, SIGN_ILL, NOW));
	setting_free(&setting);
}

static void
test_a_run_starts_anew_with_each_worker(void)
{
	struct setting setting;
	struct task *task;

	setting_init(&setting);
	task = add_claimed(&setting, (struct breaker){.failures = 2}, 7);
	CHECK(lanes_admit(task, NOW));
	CHECK(!lanes_learn(task, SIGN_ILL, NOW));
	CHECK_INT(task->settle.closings, 7);
	CHECK(!lanes_learn(task, SIGN_WELL, NOW));
	CHECK(task->settle.breaker_changed);
	CHECK_INT(task->settle.breaker.failures, 0);
	setting_free(&setting);
}

static void
test_a_success_clears_what_another_worker_counted(void)
{
	struct setting setting;
	struct task *task;

	setting_init(&setting);
	task = add_claimed(&setting, (struct breaker){.failures = 2}, 0);
	CHECK(lanes_admit(task, NOW));
	CHECK(!lanes_learn(task, SIGN_WELL, NOW));
	CHECK(task->settle.breaker_changed);
	setting_free(&setting);
}

static void
test_success_costs_the_store_nothing(void)
{
	struct setting setting;
	struct task *task;

	setting_init(&setting);
	task = add(&setting);
	CHECK(lanes_admit(task, NOW));
	CHECK(!lanes_learn(task, SIGN_WELL, NOW));
	CHECK(!task->settle.breaker_changed);
	CHECK(!lanes_learn(task, SIGN_NONE, NOW));
	CHECK(!task->settle.breaker_changed);
	setting_free(&setting);
}

static void
test_half_open_is_one_at_a_time(void)
{
	struct setting setting;

	setting_init(&setting);
	for (int i = 0; i < 5; i++)
		CHECK(lanes_admit(
			add_claimed(&setting, (struct breaker){3, 1, NOW - 1}, 0), NOW));
	CHECK_INT(count_startable(&setting.lanes), 1);
	setting_free(&setting);
}

static void
test_a_probe_that_succeeds_lets_the_others_go(void)
{
	struct setting setting;
	struct task *probe;

	setting_init(&setting);
	trip(&setting);
	probe = add_claimed(&setting, (struct breaker){3, 1, NOW + 1000}, 0);
	CHECK(lanes_admit(probe, NOW + 1000));
	CHECK(lanes_next(&setting.lanes) == probe);
	add(&setting);
	add(&setting);
	add(&setting);
	CHECK(lanes_next(&setting.lanes) == NULL);
	CHECK(!lanes_learn(probe, SIGN_WELL, NOW + 1001));
	CHECK_INT(probe->settle.breaker.trips, 0);
	lanes_done(&setting.lanes, probe, true);
	/* It had been narrowed to one, and one answer has widened it again. */
	CHECK_INT(count_startable(&setting.lanes), 2);
	setting_free(&setting);
}

static void
test_a_probe_that_fails_doubles_the_cool_down(void)
{
	struct setting setting;
	struct task *probe;

	setting_init(&setting);
	trip(&setting);
	probe = add_claimed(&setting, (struct breaker){3, 1, NOW + 1000}, 0);
	CHECK(lanes_admit(probe, NOW + 1000));
	CHECK(lanes_next(&setting.lanes) == probe);
	CHECK(lanes_learn(probe, SIGN_ILL, NOW + 1000));
	CHECK_INT(probe->settle.breaker.open_until, NOW + 3000);
	setting_free(&setting);
}

static void
test_an_operator_or_another_worker_closes_it(void)
{
	struct setting setting;

	setting_init(&setting);
	trip(&setting);
	CHECK(!lanes_admit(add(&setting), NOW));
	CHECK(lanes_admit(add_claimed(&setting, (struct breaker){0}, 1), NOW));
	CHECK(lanes_admit(add_claimed(&setting, (struct breaker){0}, 1), NOW));
	setting_free(&setting);
}

static void
test_another_worker_opened_it_oftener(void)
{
	struct setting setting;
	struct task *probe;

	setting_init(&setting);
	trip(&setting);
	probe = add_claimed(&setting, (struct breaker){9, 3, NOW - 1}, 0);
	CHECK(lanes_admit(probe, NOW));
	CHECK(lanes_next(&setting.lanes) == probe);
	CHECK(lanes_learn(probe, SIGN_ILL, NOW));
	CHECK_INT(probe->settle.breaker.trips, 4);
	CHECK_INT(probe->settle.breaker.open_until, NOW + 8000);
	setting_free(&setting);
}

static void
test_retry_after_holds_for_what_is_on_its_way(void)
{
	struct setting setting;
	struct task *task;

	setting_init(&setting);
	task = add(&setting);
	CHECK(lanes_admit(task, NOW));
	task->settle.endpoint_not_before = NOW + 7000;
	CHECK(lanes_learn(task, SIGN_WELL, NOW));
	CHECK(!lanes_admit(add(&setting), NOW + 6999));
	CHECK(lanes_admit(add(&setting), NOW + 7000));
	setting_free(&setting);
}

static void
test_what_an_operator_expedites_passes(void)
{
	struct setting setting;
	struct task *task;

	setting_init(&setting);
	trip(&setting);
	task = add(&setting);
	task->delivery->expedited = true;
	CHECK(lanes_admit(task, NOW));
	CHECK(lanes_next(&setting.lanes) == task);
	setting_free(&setting);
}

static void
test_an_endpoint_may_have_a_limit_of_its_own(void)
{
	struct setting setting;

	setting_init(&setting);
	setting.config.limits.endpoint.concurrency = 2;
	for (int i = 0; i < 5; i++)
		CHECK(!attempt(&setting, SIGN_WELL, NOW));
	for (int i = 0; i < 5; i++)
		add(&setting);
	CHECK_INT(count_startable(&setting.lanes), 2);
	setting_free(&setting);
}

static void
test_a_new_configuration_holds_from_the_next_task_on(void)
{
	struct setting setting;

	setting_init(&setting);
	add(&setting);
	setting.config.limits.endpoint.concurrency = 1;
	lanes_configure(&setting.lanes, &setting.config);
	for (int i = 0; i < 5; i++)
		add(&setting);
	CHECK_INT(count_startable(&setting.lanes), 1);
	setting_free(&setting);
}

static void
test_unknown_endpoints_start_with_few(void)
{
	CHECK_INT(lane_first_window(5), 3);
	CHECK_INT(lane_first_window(50), 16);
	CHECK_INT(lane_first_window(500), 62);
	CHECK_INT(lane_first_window(2000), 250);
}

int
main(void)
{
	return tap_run((struct tap_test[]){
		TAP(test_a_run_of_failures_parks_what_waits_and_what_comes),
		TAP(test_the_settle_takes_it_to_the_store),
		TAP(test_a_job_that_fails_again_is_no_news),
		TAP(test_a_run_starts_anew_with_each_worker),
		TAP(test_a_success_clears_what_another_worker_counted),
		TAP(test_success_costs_the_store_nothing),
		TAP(test_half_open_is_one_at_a_time),
		TAP(test_a_probe_that_succeeds_lets_the_others_go),
		TAP(test_a_probe_that_fails_doubles_the_cool_down),
		TAP(test_an_operator_or_another_worker_closes_it),
		TAP(test_another_worker_opened_it_oftener),
		TAP(test_retry_after_holds_for_what_is_on_its_way),
		TAP(test_what_an_operator_expedites_passes),
		TAP(test_an_endpoint_may_have_a_limit_of_its_own),
		TAP(test_a_new_configuration_holds_from_the_next_task_on),
		TAP(test_unknown_endpoints_start_with_few),
		{0},
	});
}
