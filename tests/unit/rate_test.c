/* SPDX-License-Identifier: MIT */
#include "model/rate.h"

#include "tap.h"

static const int64_t NOW = 1767323045678;

static struct rate
rate_of(const char *text)
{
	struct rate rate = {0};
	struct err err = {0};

	CHECK_INT(rate_parse(span_of(text), &rate, &err), 0);
	return rate;
}

/* Sends all that it may at each of `steps` moments that are `step_ms` apart. */
static int64_t
sent_in(const struct rate *rate, int64_t *paced_until_us, int steps, int64_t step_ms)
{
	int64_t sent = 0;

	for (int i = 0; i < steps; i++) {
		int64_t now = NOW + i * step_ms;

		for (int64_t n = rate_allows(rate, *paced_until_us, now); n > 0; n--) {
			*paced_until_us = rate_pay(rate, *paced_until_us, now);
			sent++;
		}
		CHECK_INT(rate_allows(rate, *paced_until_us, now), 0);
	}
	return sent;
}

static void
test_parses_what_people_write(void)
{
	CHECK_INT(rate_of("50/s").count, 50);
	CHECK_INT(rate_of("50/s").per_ms, 1000);
	CHECK_INT(rate_of("3000/m").per_ms, 60000);
	CHECK_INT(rate_of("1/h").per_ms, 3600000);
}

static void
test_refuses_everything_else(void)
{
	static const char *const bad[] = {"", "/", "50", "50/", "/s", "0/s", "-1/s",
		"50/d", "50/ s", "5.5/s", "1000001/s"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct rate rate;
		struct err err = {0};

		tap_case(bad[i]);
		CHECK_INT(rate_parse(span_of(bad[i]), &rate, &err), -1);
		CHECK_INT(err.kind, ERR_DATA);
	}
	tap_case(NULL);
}

static void
test_without_a_rate_nothing_waits(void)
{
	const struct rate none = {0};

	CHECK_INT(rate_allows(&none, 0, NOW), INT64_MAX);
	CHECK_INT(rate_allows(&none, INT64_MAX, NOW), INT64_MAX);
}

static void
test_keeps_the_rate_however_often_one_looks(void)
{
	static const int64_t steps_ms[] = {1, 7, 20, 100};

	for (size_t i = 0; i < sizeof(steps_ms) / sizeof(steps_ms[0]); i++) {
		struct rate rate = rate_of("50/s");
		int64_t paced_until_us = 0;
		int64_t sent = sent_in(
			&rate, &paced_until_us, (int)(10000 / steps_ms[i]), steps_ms[i]);

		/* Ten seconds' worth, and at most a tenth of a second's ahead. */
		CHECK(sent >= 495 && sent <= 506);
	}
}

static void
test_rest_is_not_saved_up(void)
{
	struct rate rate = rate_of("50/s");

	CHECK_INT(rate_allows(&rate, 0, NOW), 6);
	CHECK_INT(rate_allows(&rate, (NOW - 60000) * 1000, NOW), 6);
}

static void
test_a_slow_rate_sends_one_at_a_time(void)
{
	struct rate rate = rate_of("1/h");
	int64_t paced_until_us = 0;

	CHECK_INT(sent_in(&rate, &paced_until_us, 1, 1), 1);
	CHECK_INT(rate_allows(&rate, paced_until_us, NOW + 3599000), 0);
	CHECK_INT(rate_allows(&rate, paced_until_us, NOW + 3600000), 1);
}

static void
test_a_rate_that_divides_badly_is_not_exceeded(void)
{
	struct rate rate = rate_of("700000/s");
	int64_t paced_until_us = (NOW - 1) * 1000;

	CHECK(sent_in(&rate, &paced_until_us, 1000, 1) <= 700000);
}

int
main(void)
{
	return tap_run((struct tap_test[]){
		TAP(test_parses_what_people_write),
		TAP(test_refuses_everything_else),
		TAP(test_without_a_rate_nothing_waits),
		TAP(test_keeps_the_rate_however_often_one_looks),
		TAP(test_rest_is_not_saved_up),
		TAP(test_a_slow_rate_sends_one_at_a_time),
		TAP(test_a_rate_that_divides_badly_is_not_exceeded),
		{0},
	});
}
