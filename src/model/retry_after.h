/* SPDX-License-Identifier: MIT */
/*
 * How long a response asks us to wait.
 *
 * Retry-After is seconds or an HTTP-date in any of its three forms (RFC 9110 §10.2.3 and
 * §5.6.7), the date relative to the response's own Date. Without it a count of
 * milliseconds, RateLimit-Reset (a delta) or X-RateLimit-Reset (a delta, or an epoch
 * above 1e9) is taken.
 */
#ifndef MODEL_RETRY_AFTER_H
#define MODEL_RETRY_AFTER_H

#include "base/span.h"

/* Absent spans for headers that were not there. */
struct retry_hints {
	struct span retry_after;
	struct span date;
	struct span milliseconds; /* Retry-After-Ms, x-ms-retry-after-ms */
	struct span ratelimit_reset;
	struct span x_ratelimit_reset;
};

/* Milliseconds from now, capped at cap_ms; 0 for a past date; -1 for no valid hint. */
int64_t retry_after_ms(const struct retry_hints *hints, int64_t now, int64_t cap_ms);

/* Seconds since the epoch; false if it is none of the three forms. */
bool http_date_parse(struct span text, int64_t now, int64_t *seconds);

#endif
