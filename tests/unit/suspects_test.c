/* SPDX-License-Identifier: MIT */
/*
 * Suspects of a crash: in small company after one, alone after two, and never so that the
 * others starve.
 */
#include "work/suspects.h"

#include "tap.h"

enum { CONCURRENCY = 9, COMPANY = 3 };

static _Atomic int64_t flights[CONCURRENCY];

static struct suspects
fresh(void)
{
	struct suspects suspects;
	struct err err;

	CHECK_INT(suspects_init(&suspects, CONCURRENCY, flights, CONCURRENCY, &err), 0);
	return suspects;
}

static void
test_one_crash_is_small_company(void)
{
	struct suspects suspects = fresh();
	struct delivery delivery = {.job_id = 1, .crashes = 1};
	struct task tasks[COMPANY + 1];

	for (int i = 0; i <= COMPANY; i++) {
		tasks[i] = (struct task){.delivery = &delivery};
		CHECK_INT(suspects_admit(&suspects, &tasks[i]), i < COMPANY);
	}
	CHECK(suspects_next_of_few(&suspects) == NULL);
	CHECK(!suspects_hold_others(&suspects));
	suspects_left(&suspects, &tasks[0]);
	CHECK(suspects_next_of_few(&suspects) == &tasks[COMPANY]);
	CHECK(suspects_next_of_few(&suspects) == NULL);
	suspects_free(&suspects);
}

static void
test_company_follows_the_slots(void)
{
	struct suspects suspects = fresh();
	struct delivery delivery = {.job_id = 1, .crashes = 1};
	struct task tasks[COMPANY + 1];

	for (int i = 0; i <= COMPANY; i++) {
		tasks[i] = (struct task){.delivery = &delivery};
		(void)suspects_admit(&suspects, &tasks[i]);
	}
	suspects_resize(&suspects, 1);
	suspects_left(&suspects, &tasks[0]);
	CHECK(suspects_next_of_few(&suspects) == NULL);
	suspects_resize(&suspects, CONCURRENCY + 1);
	CHECK(suspects_next_of_few(&suspects) == &tasks[COMPANY]);
	suspects_free(&suspects);
}

static void
test_two_crashes_are_solitude_in_turn(void)
{
	struct suspects suspects = fresh();
	struct delivery delivery = {.job_id = 1, .crashes = 2};
	struct task first = {.delivery = &delivery}, second = first;

	CHECK(!suspects_admit(&suspects, &first));
	CHECK(!suspects_admit(&suspects, &second));
	CHECK(suspects_next_alone(&suspects, 4) == NULL);
	CHECK(suspects_hold_others(&suspects));
	CHECK(suspects_next_alone(&suspects, 0) == &first);
	CHECK(suspects_hold_others(&suspects));
	CHECK(!suspects_wait_for_nothing(&suspects, 0));
	suspects_left(&suspects, &first);
	CHECK(suspects_next_alone(&suspects, 0) == NULL);
	CHECK(!suspects_hold_others(&suspects));
	suspects_others_had_their_turn(&suspects);
	CHECK(suspects_wait_for_nothing(&suspects, 0));
	CHECK(suspects_next_alone(&suspects, 0) == &second);
	suspects_left(&suspects, &second);
	CHECK(!suspects_hold_others(&suspects));
	suspects_free(&suspects);
}

static void
test_places_are_used_again(void)
{
	struct suspects suspects = fresh();
	struct delivery delivery = {.job_id = 7};
	struct task tasks[CONCURRENCY];

	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < CONCURRENCY; i++) {
			tasks[i] = (struct task){.delivery = &delivery};
			CHECK(suspects_admit(&suspects, &tasks[i]));
			suspects_start(&suspects, &tasks[i]);
			CHECK_INT(flights[tasks[i].place], 7);
		}
		for (int i = 0; i < CONCURRENCY; i++) {
			suspects_end(&suspects, &tasks[i]);
			CHECK_INT(flights[tasks[i].place], 0);
		}
	}
	suspects_free(&suspects);
}

static void
test_an_end_in_order_leaves_nobody_suspected(void)
{
	struct suspects suspects = fresh();
	struct delivery delivery = {.job_id = 7};
	struct task tasks[2] = {{.delivery = &delivery}, {.delivery = &delivery}};

	for (int i = 0; i < 2; i++) {
		CHECK(suspects_admit(&suspects, &tasks[i]));
		suspects_start(&suspects, &tasks[i]);
	}
	suspects_clear(&suspects);
	for (int i = 0; i < CONCURRENCY; i++)
		CHECK_INT(flights[i], 0);
	suspects_free(&suspects);
}

int
main(void)
{
	return tap_run((struct tap_test[]){
		TAP(test_one_crash_is_small_company),
		TAP(test_company_follows_the_slots),
		TAP(test_two_crashes_are_solitude_in_turn),
		TAP(test_places_are_used_again),
		TAP(test_an_end_in_order_leaves_nobody_suspected),
		{0},
	});
}
