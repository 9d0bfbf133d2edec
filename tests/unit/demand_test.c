/* SPDX-License-Identifier: MIT */
#include "work/demand.h"

#include "work/lanes.h"

#include "tap.h"

enum { CONCURRENCY = 10, FIRST_WINDOW = 5, NO_ROOM = -2 };

static struct demand_plan
plan_of(struct demand *demand)
{
	struct demand_plan plan = {0};
	struct err err;

	CHECK_INT(demand_plan(demand, &plan, &err), 0);
	return plan;
}

static struct delivery
delivery_of(int64_t endpoint_id, size_t bytes)
{
	return (struct delivery){
		.endpoint_id = endpoint_id, .request.body = {NULL, bytes}};
}

static void
claim_large(struct demand *demand, int64_t endpoint_id, int count, size_t bytes)
{
	struct delivery delivery = delivery_of(endpoint_id, bytes);
	struct err err;

	for (int i = 0; i < count; i++)
		CHECK_INT(demand_claimed(demand, &delivery, &err), 0);
}

static void
claim(struct demand *demand, int64_t endpoint_id, int count)
{
	claim_large(demand, endpoint_id, count, 0);
}

static void
return_large(
	struct demand *demand, int64_t endpoint_id, int count, int window, size_t bytes)
{
	struct delivery delivery = delivery_of(endpoint_id, bytes);

	for (int i = 0; i < count; i++)
		demand_returned(demand, &delivery, window, STANDING_ANSWERS);
}

static void
return_tasks(struct demand *demand, int64_t endpoint_id, int count, int window)
{
	return_large(demand, endpoint_id, count, window, 0);
}

/* The endpoint is known to answer, and nothing of it is held. */
static void
introduce(struct demand *demand, int64_t endpoint_id)
{
	claim(demand, endpoint_id, 1);
	return_tasks(demand, endpoint_id, 1, FIRST_WINDOW);
	for (int lull = 0; lull < 20; lull++)
		plan_of(demand);
}

/* NO_ROOM: the endpoint gets the default. */
static int
room_of(const struct demand_plan *plan, int64_t endpoint_id)
{
	for (size_t i = 0; i < plan->room_count; i++)
		if (plan->rooms[i].endpoint_id == endpoint_id)
			return plan->rooms[i].room;
	return NO_ROOM;
}

static void
test_at_first_as_much_as_can_be_in_flight(void)
{
	struct demand demand;
	struct demand_plan plan;

	demand_init(&demand, CONCURRENCY);
	plan = plan_of(&demand);
	CHECK_INT(plan.limit, CONCURRENCY);
	CHECK_INT(plan.room_default, FIRST_WINDOW);
	CHECK_INT((int64_t)plan.room_count, 0);
	demand_free(&demand);
}

static void
test_slow_receivers_are_not_prefetched_for(void)
{
	struct demand demand;
	struct demand_plan plan;

	demand_init(&demand, CONCURRENCY);
	introduce(&demand, 1);
	introduce(&demand, 2);
	claim(&demand, 1, FIRST_WINDOW);
	claim(&demand, 2, FIRST_WINDOW);
	CHECK(!demand_wants(&demand));
	plan = plan_of(&demand);
	CHECK_INT(plan.limit, 0);
	CHECK_INT(room_of(&plan, 1), 0);
	demand_free(&demand);
}

static void
test_fast_receivers_are_prefetched_for_within_bounds(void)
{
	struct demand demand;
	struct demand_plan plan;
	int last = 0;

	demand_init(&demand, CONCURRENCY);
	for (int round = 0; round < 20; round++) {
		plan = plan_of(&demand);
		CHECK(plan.limit >= last);
		last = plan.limit;
		claim(&demand, 1, plan.limit);
		return_tasks(&demand, 1, plan.limit, CONCURRENCY);
	}
	CHECK_INT(last, CONCURRENCY + LOOKAHEAD_MAX);
	demand_free(&demand);
}

/* A receiver that refuses large bodies at once must not have us hold thousands of them.
 */
static void
test_large_bodies_are_not_held_ahead_without_end(void)
{
	enum { MIB = 1 << 20, BODIES = HELD_BYTES_MAX / MIB };
	struct demand demand;
	struct demand_plan plan;

	demand_init(&demand, CONCURRENCY);
	for (int round = 0; round < 20; round++) {
		plan = plan_of(&demand);
		claim(&demand, 1, plan.limit);
		return_tasks(&demand, 1, plan.limit, CONCURRENCY);
	}
	claim_large(&demand, 1, CONCURRENCY, MIB);
	plan = plan_of(&demand);
	CHECK_INT(plan.sure, 0);
	CHECK_INT((int64_t)plan.bytes, (int64_t)(BODIES - CONCURRENCY) * MIB);
	claim_large(&demand, 1, BODIES - CONCURRENCY, MIB);
	CHECK(!demand_wants(&demand));
	CHECK_INT(plan_of(&demand).limit, 0);
	/* a slot that is free is filled whatever is held */
	return_large(&demand, 1, BODIES - CONCURRENCY + 1, CONCURRENCY, MIB);
	claim_large(&demand, 1, 1, HELD_BYTES_MAX);
	return_large(&demand, 1, 2, CONCURRENCY, MIB);
	plan = plan_of(&demand);
	CHECK_INT(plan.limit, 2);
	CHECK_INT(plan.sure, 2);
	CHECK_INT((int64_t)plan.bytes, 1);
	demand_free(&demand);
}

static void
test_what_is_held_counts_against_its_endpoint_only(void)
{
	struct demand demand;
	struct demand_plan plan;

	demand_init(&demand, CONCURRENCY);
	claim(&demand, 7, 3);
	plan = plan_of(&demand);
	CHECK_INT(plan.limit, CONCURRENCY - 3);
	CHECK_INT(room_of(&plan, 7), FIRST_WINDOW - 3);
	CHECK_INT(room_of(&plan, 8), NO_ROOM);
	demand_free(&demand);
}

static void
test_a_dark_endpoint_keeps_its_small_room(void)
{
	struct demand demand;
	struct demand_plan plan;

	demand_init(&demand, CONCURRENCY);
	claim(&demand, 7, 1);
	return_tasks(&demand, 7, 1, 1);
	for (int lull = 0; lull < 10; lull++)
		plan = plan_of(&demand);
	CHECK_INT(room_of(&plan, 7), 1);
	demand_free(&demand);
}

static void
test_an_endpoint_at_rest_is_not_listed(void)
{
	struct demand demand;
	struct demand_plan plan;

	demand_init(&demand, CONCURRENCY);
	claim(&demand, 7, 4);
	return_tasks(&demand, 7, 4, CONCURRENCY);
	for (int lull = 0; lull < 20; lull++)
		plan = plan_of(&demand);
	CHECK_INT(room_of(&plan, 7), NO_ROOM);
	claim(&demand, 7, 2);
	plan = plan_of(&demand);
	CHECK_INT(room_of(&plan, 7), CONCURRENCY - 2);
	demand_free(&demand);
}

static void
test_new_endpoints_leave_places_for_those_that_answer(void)
{
	struct demand demand;
	struct demand_plan plan;

	demand_init(&demand, CONCURRENCY);
	introduce(&demand, 1);
	for (int64_t endpoint = 10; endpoint < 20; endpoint++)
		claim(&demand, endpoint, FIRST_WINDOW);
	CHECK(demand_wants(&demand));
	plan = plan_of(&demand);
	CHECK_INT(plan.limit, CONCURRENCY - lane_share(CONCURRENCY, STANDING_NEW));
	CHECK_INT(room_of(&plan, 1), FIRST_WINDOW);
	CHECK_INT(room_of(&plan, 10), 0);
	CHECK_INT(plan.room_default, 0);
	demand_free(&demand);
}

static void
test_silent_endpoints_leave_places_for_new_ones(void)
{
	struct demand demand;
	struct demand_plan plan;

	demand_init(&demand, CONCURRENCY);
	for (int64_t endpoint = 10; endpoint < 20; endpoint++) {
		struct delivery delivery = delivery_of(endpoint, 0);

		claim(&demand, endpoint, 1);
		demand_returned(&demand, &delivery, 1, STANDING_SILENT);
	}
	for (int lull = 0; lull < 20; lull++)
		plan_of(&demand);
	for (int64_t endpoint = 10; endpoint < 20; endpoint++)
		claim(&demand, endpoint, 1);
	plan = plan_of(&demand);
	CHECK_INT(plan.room_default, FIRST_WINDOW);
	CHECK_INT(room_of(&plan, 10), 0);
	CHECK_INT(plan.limit, CONCURRENCY - lane_share(CONCURRENCY, STANDING_SILENT));
	demand_free(&demand);
}

static void
test_a_closed_endpoint_has_no_room_until_it_is_opened(void)
{
	struct demand demand;
	struct demand_plan plan;

	demand_init(&demand, CONCURRENCY);
	introduce(&demand, 7);
	claim(&demand, 7, 1);
	return_tasks(&demand, 7, 1, 0);
	demand_close(&demand, 7);
	demand_close(&demand, 7);
	CHECK_INT(demand.closed, 1);
	for (int lull = 0; lull < 20; lull++)
		plan = plan_of(&demand);
	CHECK_INT(room_of(&plan, 7), CLAIM_NEVER);
	demand_open_all(&demand);
	plan = plan_of(&demand);
	CHECK_INT(room_of(&plan, 7), NO_ROOM);
	CHECK_INT(demand.closed, 0);
	demand_free(&demand);
}

static void
test_rooms_are_sorted(void)
{
	struct demand demand;
	struct demand_plan plan;

	demand_init(&demand, 1000);
	for (int64_t i = 0; i < 100; i++)
		claim(&demand, i * 37 % 101, 1);
	plan = plan_of(&demand);
	CHECK_INT((int64_t)plan.room_count, 100);
	for (size_t i = 1; i < plan.room_count; i++)
		CHECK(plan.rooms[i - 1].endpoint_id < plan.rooms[i].endpoint_id);
	demand_free(&demand);
}

int
main(void)
{
	return tap_run((struct tap_test[]){
		TAP(test_at_first_as_much_as_can_be_in_flight),
		TAP(test_slow_receivers_are_not_prefetched_for),
		TAP(test_fast_receivers_are_prefetched_for_within_bounds),
		TAP(test_large_bodies_are_not_held_ahead_without_end),
		TAP(test_what_is_held_counts_against_its_endpoint_only),
		TAP(test_a_dark_endpoint_keeps_its_small_room),
		TAP(test_an_endpoint_at_rest_is_not_listed),
		TAP(test_new_endpoints_leave_places_for_those_that_answer),
		TAP(test_silent_endpoints_leave_places_for_new_ones),
		TAP(test_a_closed_endpoint_has_no_room_until_it_is_opened),
		TAP(test_rooms_are_sorted),
		{0},
	});
}
