/* SPDX-License-Identifier: MIT */
#include "model/retry_after.h"

#include "tap.h"

static const int64_t NOW = 1795455600000; /* 2026-11-23T17:40:00Z */
static const int64_t HOUR_MS = 3600000;

static int64_t
wait_of(const char *retry_after, const char *date)
{
	struct retry_hints hints = {
		.retry_after = span_of(retry_after), .date = span_of(date)};

	return retry_after_ms(&hints, NOW, HOUR_MS);
}

static void
test_seconds(void)
{
	CHECK_INT(wait_of("0", NULL), 0);
	CHECK_INT(wait_of("120", NULL), 120000);
	CHECK_INT(wait_of(" 7 ", NULL), 7000);
	CHECK_INT(wait_of("007", NULL), 7000);
	CHECK_INT(wait_of("3600", NULL), HOUR_MS);
	CHECK_INT(wait_of("3601", NULL), HOUR_MS);
	CHECK_INT(wait_of("99999999999999999999999999", NULL), HOUR_MS);
}

static void
test_what_is_no_wait_is_ignored(void)
{
	static const char *const cases[] = {NULL, "", " ", "-5", "+5", "1.5", "1e3",
		"0x10", "NaN", "Infinity", "soon", "5 seconds", "5,6",
		"2026-11-23T18:00:00Z", "Mon, 23 Nov 2026",
		"Mon, 23 Nov 2026 25:00:00 GMT", "Mon, 31 Feb 2026 10:00:00 GMT",
		"Mon, 23 Nov 2026 18:00:00 CET", "Mon, 23 Foo 2026 18:00:00 GMT",
		"Mon, 23 Nov 2026 18:00:00 GMT x"};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		tap_case(cases[i]);
		CHECK_INT(wait_of(cases[i], NULL), -1);
	}
}

static void
test_dates_count_from_the_response(void)
{
	CHECK_INT(wait_of("Mon, 23 Nov 2026 17:40:30 GMT", NULL), 30000);
	CHECK_INT(
		wait_of("Mon, 23 Nov 2026 17:40:30 GMT", "Mon, 23 Nov 2026 17:40:20 GMT"),
		10000);
	CHECK_INT(wait_of("Mon, 23 Nov 2026 17:40:30 GMT", "yesterday"), 30000);
	CHECK_INT(wait_of("Monday, 23-Nov-26 17:40:30 GMT", NULL), 30000);
	CHECK_INT(wait_of("Mon Nov 23 17:40:30 2026", NULL), 30000);
	CHECK_INT(wait_of("Wed, 21 Oct 2015 07:28:00 GMT", NULL), 0);
	CHECK_INT(wait_of("Fri, 31 Dec 2027 07:28:00 GMT", NULL), HOUR_MS);
}

static void
test_the_three_forms_are_one_instant(void)
{
	static const char *const forms[] = {"Sun, 06 Nov 1994 08:49:37 GMT",
		"Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"};

	for (size_t i = 0; i < 3; i++) {
		int64_t seconds = 0;

		tap_case(forms[i]);
		CHECK(http_date_parse(span_of(forms[i]), NOW, &seconds));
		CHECK_INT(seconds, 784111777);
	}
}

static void
test_two_digit_years_are_near(void)
{
	int64_t near = 0, far = 0;

	CHECK(http_date_parse(
		SPAN_LITERAL("Monday, 01-Jan-76 00:00:00 GMT"), NOW, &near));
	CHECK(http_date_parse(SPAN_LITERAL("Monday, 01-Jan-77 00:00:00 GMT"), NOW, &far));
	CHECK_INT(near, 3345062400); /* 2076 */
	CHECK_INT(far, 220924800);   /* 1977 */
}

static void
test_leap_days(void)
{
	int64_t seconds = 0;

	CHECK(http_date_parse(
		SPAN_LITERAL("Thu, 29 Feb 2024 00:00:00 GMT"), NOW, &seconds));
	CHECK_INT(seconds, 1709164800);
	CHECK(!http_date_parse(
		SPAN_LITERAL("Sun, 29 Feb 2026 00:00:00 GMT"), NOW, &seconds));
}

static void
test_resets_stand_in(void)
{
	struct retry_hints delta = {.ratelimit_reset = SPAN_LITERAL("50")};
	struct retry_hints epoch = {.x_ratelimit_reset = SPAN_LITERAL("1795455660")};
	struct retry_hints millis = {.x_ratelimit_reset = SPAN_LITERAL("1795455660000")};
	struct retry_hints exact = {.milliseconds = SPAN_LITERAL("371")};
	struct retry_hints past = {.x_ratelimit_reset = SPAN_LITERAL("1700000000")};

	CHECK_INT(retry_after_ms(&delta, NOW, HOUR_MS), 50000);
	CHECK_INT(retry_after_ms(&epoch, NOW, HOUR_MS), 60000);
	CHECK_INT(retry_after_ms(&millis, NOW, HOUR_MS), 60000);
	CHECK_INT(retry_after_ms(&exact, NOW, HOUR_MS), 371);
	CHECK_INT(retry_after_ms(&past, NOW, HOUR_MS), 0);
	delta.retry_after = SPAN_LITERAL("20");
	CHECK_INT(retry_after_ms(&delta, NOW, HOUR_MS), 20000);
	delta.retry_after = SPAN_LITERAL("soon");
	CHECK_INT(retry_after_ms(&delta, NOW, HOUR_MS), 50000);
}

int
main(void)
{
	return tap_run((struct tap_test[]){
		TAP(test_seconds),
		TAP(test_what_is_no_wait_is_ignored),
		TAP(test_dates_count_from_the_response),
		TAP(test_the_three_forms_are_one_instant),
		TAP(test_two_digit_years_are_near),
		TAP(test_leap_days),
		TAP(test_resets_stand_in),
		{0},
	});
}
