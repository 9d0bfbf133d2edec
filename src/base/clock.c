/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	SECOND_MS = 1000,
	MINUTE_MS = 60 * SECOND_MS,
	HOUR_MS = 60 * MINUTE_MS,
	DAY_MS = 24 * HOUR_MS,
};

int
clock_from_environment(struct clock *clock, struct err *err)
{
	const char *text = getenv("WH_TEST_CLOCK");
	struct err why;

	*clock = (struct clock){0};
	if (text == NULL || text[0] == '\0')
		return 0;
	if (time_parse(span_of(text), &clock->fixed_at, &why) != 0)
		return err_set(err, ERR_USAGE, "WH_TEST_CLOCK: %s", why.text);
	return 0;
}

int64_t
clock_now(const struct clock *clock)
{
	struct timespec now;

	if (clock->fixed_at != 0)
		return clock->fixed_at;
	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * SECOND_MS + now.tv_nsec / 1000000;
}

int64_t
clock_monotonic_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Days since 1970-01-01, from H. Hinnant's chrono-compatible date algorithms. */
static int64_t
days_from_civil(int year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t year_of_era = y - era * 400;
	int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
		day_of_year;

	return era * 146097 + day_of_era - 719468;
}

int64_t
time_from_civil(int year, int month, int day, int hour, int minute, int second)
{
	return ((days_from_civil(year, month, day) * 24 + hour) * 60 + minute) * 60 +
		second;
}

/* Writes `width` decimal digits and returns the place behind them. */
static char *
put_digits(char *out, int width, int value)
{
	for (int i = width - 1; i >= 0; i--) {
		out[i] = (char)('0' + value % 10);
		value /= 10;
	}
	return out + width;
}

static char *
put_char(char *out, char c)
{
	*out = c;
	return out + 1;
}

void
time_format(int64_t at, char *text)
{
	static const int64_t last_ms = 253402300799999; /* 9999-12-31T23:59:59.999Z */
	int64_t shown = at < 0 ? 0 : at > last_ms ? last_ms : at;
	time_t seconds = shown / SECOND_MS;
	struct tm civil;

	gmtime_r(&seconds, &civil);
	text = put_char(put_digits(text, 4, civil.tm_year + 1900), '-');
	text = put_char(put_digits(text, 2, civil.tm_mon + 1), '-');
	text = put_char(put_digits(text, 2, civil.tm_mday), 'T');
	text = put_char(put_digits(text, 2, civil.tm_hour), ':');
	text = put_char(put_digits(text, 2, civil.tm_min), ':');
	text = put_char(put_digits(text, 2, civil.tm_sec), '.');
	text = put_char(put_digits(text, 3, (int)(shown % SECOND_MS)), 'Z');
	*text = '\0';
}

void
buf_add_time(struct buf *buf, int64_t at)
{
	char text[TIME_TEXT_SIZE];

	time_format(at, text);
	buf_add_text(buf, text);
}

/* Takes exactly `digits` digits off the front of *text; -1 if they are not there. */
static int
take_digits(struct span *text, size_t digits)
{
	int value = 0;

	if (text->len < digits)
		return -1;
	for (size_t i = 0; i < digits; i++) {
		if (text->ptr[i] < '0' || text->ptr[i] > '9')
			return -1;
		value = value * 10 + (text->ptr[i] - '0');
	}
	text->ptr += digits;
	text->len -= digits;
	return value;
}

static bool
take_char(struct span *text, const char *allowed)
{
	/* strchr() would find a NUL at the end of the set. */
	if (text->len == 0 || text->ptr[0] == '\0' ||
		strchr(allowed, text->ptr[0]) == NULL)
		return false;
	text->ptr++;
	text->len--;
	return true;
}

static int
days_in_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && leap ? 29 : days[month - 1];
}

static bool
take_date(struct span *text, int *year, int *month, int *day)
{
	*year = take_digits(text, 4);
	if (*year < 0 || !take_char(text, "-"))
		return false;
	*month = take_digits(text, 2);
	if (*month < 1 || *month > 12 || !take_char(text, "-"))
		return false;
	*day = take_digits(text, 2);
	return *day >= 1 && *day <= days_in_month(*year, *month);
}

/* A leap second (60) is taken as the second after it. */
static bool
take_time_of_day(struct span *text, int *hour, int *minute, int *second)
{
	*hour = take_digits(text, 2);
	if (*hour < 0 || *hour > 23 || !take_char(text, ":"))
		return false;
	*minute = take_digits(text, 2);
	if (*minute < 0 || *minute > 59 || !take_char(text, ":"))
		return false;
	*second = take_digits(text, 2);
	return *second >= 0 && *second <= 60;
}

static bool
take_fraction(struct span *text, int *ms)
{
	int scale = 100;
	size_t digits = 0;

	*ms = 0;
	if (!take_char(text, "."))
		return true;
	for (; text->len > 0 && text->ptr[0] >= '0' && text->ptr[0] <= '9'; digits++) {
		*ms += (text->ptr[0] - '0') * scale;
		scale /= 10;
		text->ptr++;
		text->len--;
	}
	return digits > 0;
}

static bool
take_offset(struct span *text, int *offset_s)
{
	bool west = text->len > 0 && text->ptr[0] == '-';
	int hours, minutes;

	*offset_s = 0;
	if (take_char(text, "Zz"))
		return true;
	if (!take_char(text, "+-"))
		return false;
	hours = take_digits(text, 2);
	if (hours < 0 || hours > 23 || !take_char(text, ":"))
		return false;
	minutes = take_digits(text, 2);
	if (minutes < 0 || minutes > 59)
		return false;
	*offset_s = (hours * 60 + minutes) * 60 * (west ? -1 : 1);
	return true;
}

int
time_parse(struct span text, int64_t *at, struct err *err)
{
	struct span rest = text;
	int year, month, day, hour = 0, minute = 0, second = 0, ms = 0, offset_s = 0;

	if (!take_date(&rest, &year, &month, &day))
		goto bad;
	if (rest.len > 0 &&
		(!take_char(&rest, "Tt ") ||
			!take_time_of_day(&rest, &hour, &minute, &second) ||
			!take_fraction(&rest, &ms) || !take_offset(&rest, &offset_s)))
		goto bad;
	if (rest.len > 0)
		goto bad;
	*at = (time_from_civil(year, month, day, hour, minute, second) - offset_s) *
			SECOND_MS +
		ms;
	return 0;
bad:
	return err_set(err, ERR_DATA,
		"'%.*s' is not a time like 2026-01-02T03:04:05Z (RFC 3339)",
		span_shown(text), text.ptr);
}

static int64_t
take_unit(struct span *text)
{
	static const struct {
		const char *name;
		int64_t ms;
	} units[] = {{"ms", 1}, {"s", SECOND_MS}, {"m", MINUTE_MS}, {"h", HOUR_MS},
		{"d", DAY_MS}};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (!span_starts(*text, units[i].name))
			continue;
		text->ptr += strlen(units[i].name);
		text->len -= strlen(units[i].name);
		return units[i].ms;
	}
	return 0;
}

static bool
take_duration_part(struct span *text, int64_t *ms)
{
	size_t digits = 0;
	int64_t number, unit;
	struct span rest;

	while (digits < text->len && text->ptr[digits] >= '0' && text->ptr[digits] <= '9')
		digits++;
	if (!span_to_int64((struct span){text->ptr, digits}, &number))
		return false;
	rest = (struct span){text->ptr + digits, text->len - digits};
	unit = rest.len == 0 ? SECOND_MS : take_unit(&rest);
	*text = rest;
	return unit != 0 && !__builtin_mul_overflow(number, unit, &number) &&
		!__builtin_add_overflow(*ms, number, ms);
}

int
duration_parse(struct span text, int64_t *ms, struct err *err)
{
	struct span rest = text;
	int64_t sum = 0;

	do {
		if (!take_duration_part(&rest, &sum))
			return err_set(err, ERR_DATA,
				"'%.*s' is not a duration like 250ms, 90s, 15m, 2h or 30d",
				span_shown(text), text.ptr);
	} while (rest.len > 0);
	*ms = sum;
	return 0;
}

static void
format_two_units(int64_t large, const char *large_name, int64_t small,
	const char *small_name, char *text)
{
	if (small == 0)
		snprintf(text, TIME_TEXT_SIZE, "%lld%s", (long long)large, large_name);
	else
		snprintf(text, TIME_TEXT_SIZE, "%lld%s %lld%s", (long long)large,
			large_name, (long long)small, small_name);
}

void
duration_format(int64_t ms, char *text)
{
	if (ms < SECOND_MS)
		snprintf(text, TIME_TEXT_SIZE, "%lldms", (long long)ms);
	else if (ms < MINUTE_MS && ms % SECOND_MS >= 100)
		snprintf(text, TIME_TEXT_SIZE, "%lld.%llds", (long long)(ms / SECOND_MS),
			(long long)(ms % SECOND_MS / 100));
	else if (ms < MINUTE_MS)
		snprintf(text, TIME_TEXT_SIZE, "%llds", (long long)(ms / SECOND_MS));
	else if (ms < HOUR_MS)
		format_two_units(
			ms / MINUTE_MS, "m", ms % MINUTE_MS / SECOND_MS, "s", text);
	else if (ms < DAY_MS)
		format_two_units(ms / HOUR_MS, "h", ms % HOUR_MS / MINUTE_MS, "m", text);
	else
		format_two_units(ms / DAY_MS, "d", ms % DAY_MS / HOUR_MS, "h", text);
}
