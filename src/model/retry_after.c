/* SPDX-License-Identifier: MIT */
#include "model/retry_after.h"

#include "base/clock.h"

enum { LONGEST_DATE = 64 };

/* A reset below this many seconds is a delta, above it an instant since 1970. */
static const int64_t EPOCH_FROM = 1000000000;

/* Dates that arrive as 13 digits are milliseconds, as JavaScript counts. */
static const int64_t EPOCH_MS_FROM = 100000000000;

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Takes 1 to `digits` decimal digits; -1 if there are fewer or more. */
static int
take_number(struct span *text, size_t least, size_t most)
{
	int value = 0;
	size_t taken = 0;

	while (taken < text->len && is_digit(text->ptr[taken])) {
		if (taken == most)
			return -1;
		value = value * 10 + (text->ptr[taken++] - '0');
	}
	if (taken < least)
		return -1;
	text->ptr += taken;
	text->len -= taken;
	return value;
}

static bool
take_text(struct span *text, const char *expected)
{
	size_t len = span_of(expected).len;

	if (!span_starts_nocase(*text, expected))
		return false;
	text->ptr += len;
	text->len -= len;
	return true;
}

/* "Sun", "Sunday", …; which day it is does not matter. */
static bool
take_weekday(struct span *text)
{
	static const char *const days[] = {"Sunday", "Monday", "Tuesday", "Wednesday",
		"Thursday", "Friday", "Saturday", "Sun", "Mon", "Tue", "Wed", "Thu",
		"Fri", "Sat"};

	for (size_t i = 0; i < sizeof(days) / sizeof(days[0]); i++)
		if (take_text(text, days[i]))
			return true;
	return false;
}

static bool
take_month(struct span *text, int *month)
{
	static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
		"Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

	for (int i = 0; i < 12; i++)
		if (take_text(text, months[i])) {
			*month = i + 1;
			return true;
		}
	return false;
}

struct civil {
	int year, month, day, hour, minute, second;
};

static bool
take_clock(struct span *text, struct civil *civil)
{
	civil->hour = take_number(text, 2, 2);
	if (!take_text(text, ":"))
		return false;
	civil->minute = take_number(text, 2, 2);
	if (!take_text(text, ":"))
		return false;
	civil->second = take_number(text, 2, 2);
	return civil->hour >= 0 && civil->hour <= 23 && civil->minute >= 0 &&
		civil->minute <= 59 && civil->second >= 0 && civil->second <= 60;
}

/* "06 Nov 1994 08:49:37 GMT" */
static bool
take_imf_date(struct span text, struct civil *civil)
{
	civil->day = take_number(&text, 1, 2);
	if (!take_text(&text, " ") || !take_month(&text, &civil->month) ||
		!take_text(&text, " "))
		return false;
	civil->year = take_number(&text, 4, 4);
	return take_text(&text, " ") && take_clock(&text, civil) &&
		(take_text(&text, " GMT") || take_text(&text, " UTC")) && text.len == 0;
}

/* A two-digit year that would lie over 50 years ahead is the one before (RFC 9110). */
static int
full_year(int two_digits, int64_t now)
{
	char today[TIME_TEXT_SIZE];
	int this_year = 0, year;

	time_format(now, today);
	for (int i = 0; i < 4; i++)
		this_year = this_year * 10 + (today[i] - '0');
	year = this_year / 100 * 100 + two_digits;
	return year > this_year + 50 ? year - 100 : year;
}

/* "06-Nov-94 08:49:37 GMT" */
static bool
take_rfc850_date(struct span text, int64_t now, struct civil *civil)
{
	civil->day = take_number(&text, 2, 2);
	if (!take_text(&text, "-") || !take_month(&text, &civil->month) ||
		!take_text(&text, "-"))
		return false;
	civil->year = take_number(&text, 2, 2);
	if (civil->year >= 0)
		civil->year = full_year(civil->year, now);
	return take_text(&text, " ") && take_clock(&text, civil) &&
		take_text(&text, " GMT") && text.len == 0;
}

/* "Nov  6 08:49:37 1994" */
static bool
take_asctime_date(struct span text, struct civil *civil)
{
	if (!take_month(&text, &civil->month) || !take_text(&text, " "))
		return false;
	take_text(&text, " ");
	civil->day = take_number(&text, 1, 2);
	if (!take_text(&text, " ") || !take_clock(&text, civil) || !take_text(&text, " "))
		return false;
	civil->year = take_number(&text, 4, 4);
	return text.len == 0;
}

static int
days_in_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month - 1] + (month == 2 && leap);
}

bool
http_date_parse(struct span text, int64_t now, int64_t *seconds)
{
	struct civil civil = {0};

	if (text.len > LONGEST_DATE || !take_weekday(&text))
		return false;
	if (take_text(&text, ", ")) {
		if (!take_imf_date(text, &civil) && !take_rfc850_date(text, now, &civil))
			return false;
	} else if (!take_text(&text, " ") || !take_asctime_date(text, &civil)) {
		return false;
	}
	if (civil.year < 0 || civil.day < 1 ||
		civil.day > days_in_month(civil.year, civil.month))
		return false;
	*seconds = time_from_civil(civil.year, civil.month, civil.day, civil.hour,
		civil.minute, civil.second);
	return true;
}

static int64_t
clamp_seconds(int64_t seconds, int64_t cap_ms)
{
	if (seconds <= 0)
		return 0;
	return seconds > cap_ms / 1000 ? cap_ms : seconds * 1000;
}

/* Digits only: a server that sends -1, 1.5 or 1e3 has not understood the header. */
static bool
read_count(struct span text, int64_t *seconds)
{
	if (text.len == 0)
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (!is_digit(text.ptr[i]))
			return false;
	if (!span_to_int64(text, seconds))
		*seconds = INT64_MAX;
	return true;
}

static int64_t
response_time(const struct retry_hints *hints, int64_t now)
{
	int64_t seconds;

	return http_date_parse(span_trim(hints->date), now, &seconds) ? seconds
								      : now / 1000;
}

int64_t
retry_after_ms(const struct retry_hints *hints, int64_t now, int64_t cap_ms)
{
	struct span text = span_trim(hints->retry_after);
	int64_t sent = response_time(hints, now), seconds;

	if (read_count(text, &seconds))
		return clamp_seconds(seconds, cap_ms);
	if (http_date_parse(text, now, &seconds))
		return clamp_seconds(seconds - sent, cap_ms);
	if (read_count(span_trim(hints->milliseconds), &seconds))
		return seconds < cap_ms ? seconds : cap_ms;
	if (read_count(span_trim(hints->ratelimit_reset), &seconds))
		return clamp_seconds(seconds, cap_ms);
	if (!read_count(span_trim(hints->x_ratelimit_reset), &seconds))
		return -1;
	if (seconds > EPOCH_MS_FROM)
		seconds /= 1000;
	if (seconds > EPOCH_FROM)
		seconds -= sent;
	return clamp_seconds(seconds, cap_ms);
}
