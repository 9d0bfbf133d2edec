/* SPDX-License-Identifier: MIT */
/*
 * How many deliveries an endpoint takes in a stretch of time: a token bucket, kept as one
 * number. Each delivery pays for a stretch of time, and "paced until" is when all that
 * was sent so far is paid for; while that is ahead, nothing goes. What was not used of
 * the last tenth of a second may still be: that is the depth of the bucket.
 */
#ifndef MODEL_RATE_H
#define MODEL_RATE_H

#include "base/err.h"
#include "base/span.h"

/* "50/s", "3000/m", "1/h". */
struct rate {
	int64_t count;
	int64_t per_ms; /* 0: no limit */
};

/* ERR_DATA. */
int rate_parse(struct span text, struct rate *rate, struct err *err);

/* How many may be sent now; INT64_MAX if there is no limit. */
int64_t rate_allows(const struct rate *rate, int64_t paced_until_us, int64_t now);

/* Paced until when, with one more sent now. */
int64_t rate_pay(const struct rate *rate, int64_t paced_until_us, int64_t now);

#endif
