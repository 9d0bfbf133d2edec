/* SPDX-License-Identifier: MIT */
/*
 * Times, durations, sizes and rates as people and servers write them.
 */
#include "target.h"

#include "base/clock.h"
#include "model/document.h"
#include "model/rate.h"
#include "model/retry_after.h"

#include <string.h>
#include <time.h>

static const int64_t YEAR_10000_AT = INT64_C(253402300800000);
static const int64_t CAP_MS = 3600 * 1000;

static bool
has_only(struct span text, const char *allowed)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] == '\0' || strchr(allowed, text.ptr[i]) == NULL)
			return false;
	return true;
}

/* Written as an IMF-fixdate it is the same date. */
static void
check_date(struct span text)
{
	int64_t seconds, again;
	char written[64];
	struct tm civil;
	time_t at;

	if (!http_date_parse(text, FUZZ_NOW, &seconds))
		return;
	HOLDS(has_only(text,
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"0123456789 ,:-"));
	at = (time_t)seconds;
	gmtime_r(&at, &civil);
	if (civil.tm_year + 1900 > 9999) /* a leap second at the end of 9999 */
		return;
	strftime(written, sizeof(written), "%a, %d %b %Y %H:%M:%S GMT", &civil);
	HOLDS(civil.tm_year + 1900 < 1000 ||
		(http_date_parse(span_of(written), FUZZ_NOW, &again) &&
			again == seconds));
}

/* Lines: Retry-After, Date, milliseconds, RateLimit-Reset, X-RateLimit-Reset. */
void
fuzz_retry_after(struct span input)
{
	struct retry_hints hints = {
		.retry_after = take_line(&input),
		.date = take_line(&input),
		.milliseconds = take_line(&input),
		.ratelimit_reset = take_line(&input),
		.x_ratelimit_reset = take_line(&input),
	};
	int64_t wait_ms = retry_after_ms(&hints, FUZZ_NOW, CAP_MS);

	HOLDS(wait_ms >= -1 && wait_ms <= CAP_MS);
	HOLDS(retry_after_ms(&hints, FUZZ_NOW, CAP_MS) == wait_ms);
	HOLDS(retry_after_ms(&hints, FUZZ_NOW, 0) <= 0);
	check_date(hints.retry_after);
	check_date(hints.date);
}

static void
check_time(struct span text)
{
	char written[TIME_TEXT_SIZE];
	int64_t at, again;

	if (time_parse(text, &at, NULL) != 0)
		return;
	HOLDS(has_only(text, "0123456789-:.+ TtZz"));
	if (at < 0 || at >= YEAR_10000_AT)
		return;
	time_format(at, written);
	HOLDS(time_parse(span_of(written), &again, NULL) == 0 && again == at);
}

static void
check_duration(struct span text)
{
	char written[TIME_TEXT_SIZE];
	int64_t ms;

	if (duration_parse(text, &ms, NULL) != 0)
		return;
	HOLDS(ms >= 0 && text.len > 0 && has_only(text, "0123456789msdh"));
	duration_format(ms, written);
	HOLDS(has_only(span_of(written), "0123456789msdh ."));
}

static void
check_rate(struct span text)
{
	struct rate rate;
	int64_t until_us = 0;

	if (rate_parse(text, &rate, NULL) != 0)
		return;
	HOLDS(has_only(text, "0123456789/smh"));
	for (int i = 0; i < 10; i++) {
		int64_t next_us = rate_pay(&rate, until_us, FUZZ_NOW);

		HOLDS(rate_allows(&rate, until_us, FUZZ_NOW) >= 0);
		HOLDS(next_us > until_us);
		until_us = next_us;
	}
}

void
fuzz_time(struct span input)
{
	size_t bytes;
	struct err err = {0};

	check_time(input);
	check_duration(input);
	check_rate(input);
	if (size_parse(input, &bytes, &err) == 0)
		HOLDS(has_only(input, "0123456789KMGiBk"));
	else
		HOLDS(err.kind == ERR_DATA);
}
