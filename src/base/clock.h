/* SPDX-License-Identifier: MIT */
/*
 * Time: instants are int64_t milliseconds since the Unix epoch (names end in _at),
 * durations are int64_t milliseconds (names end in _ms).
 *
 * A clock is a value that is handed down, so that a test can hold it still. Every program
 * makes one in main() with clock_from_environment(): WH_TEST_CLOCK, an RFC 3339 time,
 * stops it there.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/buf.h"

enum { TIME_TEXT_SIZE = 32 };

struct clock {
	int64_t fixed_at; /* 0: the real clock */
};

/* ERR_USAGE if the variable is set to something that is no time. */
int clock_from_environment(struct clock *clock, struct err *err);

int64_t clock_now(const struct clock *clock);

/* For measuring intervals only; never stops, whatever the test clock says. */
int64_t clock_monotonic_us(void);

/* RFC 3339 UTC with milliseconds ("2026-01-02T03:04:05.678Z"); text has
 * TIME_TEXT_SIZE. */
void time_format(int64_t at, char *text);
void buf_add_time(struct buf *buf, int64_t at);

/*
 * RFC 3339 §5.6 with any offset, fraction cut to milliseconds; a date alone means
 * midnight UTC. ERR_DATA.
 */
int time_parse(struct span text, int64_t *at, struct err *err);

/* "250ms", "90s", "15m", "2h", "30d", "1h30m"; a bare number is seconds. ERR_DATA. */
int duration_parse(struct span text, int64_t *ms, struct err *err);

/* The largest two units: "850ms", "1.5s", "2m 5s", "3h", "12d 4h". Text has
 * TIME_TEXT_SIZE. */
void duration_format(int64_t ms, char *text);

/* Seconds from the civil UTC time (proleptic Gregorian); for HTTP-date too. */
int64_t time_from_civil(int year, int month, int day, int hour, int minute, int second);

#endif
