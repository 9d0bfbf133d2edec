/* SPDX-License-Identifier: MIT */
#include "model/breaker.h"

#include "tap.h"

static const int64_t NOW = 1000000;

static const struct breaker_rule RULE = {
	.failures = 3, .cool_down_ms = 1000, .max_cool_down_ms = 3000};

static void
fail_times(struct breaker *breaker, int count, int64_t now)
{
	for (int i = 0; i < count; i++)
		CHECK(!breaker_failed(breaker, &RULE, now));
}

static struct breaker
opened(void)
{
	struct breaker breaker = {0};

	fail_times(&breaker, 2, NOW);
	CHECK(breaker_failed(&breaker, &RULE, NOW));
	return breaker;
}

static void
test_opens_on_a_run_of_failures(void)
{
	struct breaker breaker = opened();

	CHECK_INT(breaker.failures, 3);
	CHECK_INT(breaker.trips, 1);
	CHECK_INT(breaker.open_until, NOW + 1000);
	CHECK_INT(breaker_state(&breaker, NOW), BREAKER_OPEN);
	CHECK_INT(breaker_state(&breaker, NOW + 999), BREAKER_OPEN);
	CHECK_INT(breaker_state(&breaker, NOW + 1000), BREAKER_HALF_OPEN);
}

static void
test_a_success_ends_the_run(void)
{
	struct breaker breaker = {0};

	fail_times(&breaker, 2, NOW);
	breaker_succeeded(&breaker);
	fail_times(&breaker, 2, NOW);
	CHECK_INT(breaker_state(&breaker, NOW), BREAKER_CLOSED);
}

static void
test_what_was_in_flight_does_not_prolong_the_cool_down(void)
{
	struct breaker breaker = opened();

	CHECK(!breaker_failed(&breaker, &RULE, NOW + 500));
	CHECK_INT(breaker.open_until, NOW + 1000);
	CHECK_INT(breaker.trips, 1);
	CHECK_INT(breaker.failures, 4);
}

static void
test_each_failed_probe_doubles_the_cool_down_up_to_a_cap(void)
{
	static const int64_t waits[] = {2000, 3000, 3000};
	struct breaker breaker = opened();
	int64_t now = NOW;

	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		now = breaker.open_until;
		CHECK(breaker_failed(&breaker, &RULE, now));
		CHECK_INT(breaker.open_until, now + waits[i]);
	}
}

static void
test_a_probe_that_succeeds_closes_it_for_good(void)
{
	struct breaker breaker = opened();

	breaker_succeeded(&breaker);
	CHECK_INT(breaker_state(&breaker, NOW), BREAKER_CLOSED);
	fail_times(&breaker, 2, NOW);
	CHECK(breaker_failed(&breaker, &RULE, NOW));
	CHECK_INT(breaker.open_until, NOW + 1000);
}

static void
test_no_failures_means_never(void)
{
	const struct breaker_rule off = {0, 1000, 3000};
	struct breaker breaker = {0};

	for (int i = 0; i < 1000; i++)
		CHECK(!breaker_failed(&breaker, &off, NOW));
	CHECK_INT(breaker_state(&breaker, NOW), BREAKER_CLOSED);
}

static void
test_a_long_outage_does_not_overflow(void)
{
	const struct breaker_rule rule = {1, INT64_C(1) << 40, INT64_MAX / 4};
	struct breaker breaker = {.trips = 1 << 30};

	CHECK(breaker_failed(&breaker, &rule, NOW));
	CHECK_INT(breaker.open_until, NOW + INT64_MAX / 4);
}

static void
test_what_speaks_of_the_endpoint(void)
{
	CHECK_INT(breaker_sign(0, ERROR_NETWORK), SIGN_ILL);
	CHECK_INT(breaker_sign(0, ERROR_VALIDATION), SIGN_NONE);
	CHECK_INT(breaker_sign(200, ERROR_NETWORK), SIGN_ILL);
	CHECK_INT(breaker_sign(422, ERROR_VALIDATION), SIGN_WELL);
	CHECK_INT(breaker_sign(429, ERROR_RATE_LIMIT), SIGN_WELL);
	CHECK_INT(breaker_sign(500, ERROR_DATABASE), SIGN_ILL);
	CHECK_INT(breaker_sign(503, ERROR_RATE_LIMIT), SIGN_ILL);
}

static void
test_names(void)
{
	CHECK_TEXT(breaker_state_name(BREAKER_CLOSED), "closed");
	CHECK_TEXT(breaker_state_name(BREAKER_OPEN), "open");
	CHECK_TEXT(breaker_state_name(BREAKER_HALF_OPEN), "half_open");
}

int
main(void)
{
	return tap_run((struct tap_test[]){
		TAP(test_opens_on_a_run_of_failures),
		TAP(test_a_success_ends_the_run),
		TAP(test_what_was_in_flight_does_not_prolong_the_cool_down),
		TAP(test_each_failed_probe_doubles_the_cool_down_up_to_a_cap),
		TAP(test_a_probe_that_succeeds_closes_it_for_good),
		TAP(test_no_failures_means_never),
		TAP(test_a_long_outage_does_not_overflow),
		TAP(test_what_speaks_of_the_endpoint),
		TAP(test_names),
		{0},
	});
}
