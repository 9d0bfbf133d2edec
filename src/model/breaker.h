/* SPDX-License-Identifier: MIT */
/*
 * A circuit breaker per endpoint: after a run of failures that say "nobody is well there"
 * its jobs are parked without spending their attempts; after a cool-down one probe goes
 * out, and its outcome closes the breaker or doubles the cool-down.
 */
#ifndef MODEL_BREAKER_H
#define MODEL_BREAKER_H

#include "model/policy.h"

enum breaker_state {
	BREAKER_CLOSED,
	BREAKER_OPEN,      /* parked until open_until */
	BREAKER_HALF_OPEN, /* the cool-down is over: one probe at a time */
	BREAKER_STATE_COUNT,
};

const char *breaker_state_name(enum breaker_state state); /* "half_open" */

struct breaker_rule {
	int failures;         /* of as many jobs, in a row, to open; 0: it never opens */
	int64_t cool_down_ms; /* the first; doubles with each failed probe */
	int64_t max_cool_down_ms;
};

extern const struct breaker_rule breaker_defaults; /* 20, 5 s, 5 min */

struct breaker {
	int failures;       /* in a row */
	int trips;          /* times it opened since it was last closed */
	int64_t open_until; /* 0: closed */
};

enum breaker_state breaker_state(const struct breaker *breaker, int64_t now);

/* What an attempt says of the endpoint, rather than of one event. */
enum health_sign {
	SIGN_NONE, /* nothing was sent, or nothing can be told */
	SIGN_WELL, /* an answer: a 422 too comes from a receiver that is well */
	SIGN_ILL,  /* none, none that came through, or a 5xx */
};

/* Of an attempt that failed. Status 0: no response. */
enum health_sign breaker_sign(int status, enum error_type type);

void breaker_succeeded(struct breaker *breaker);

/* True if this failure opened it (again): open_until has moved. */
bool breaker_failed(
	struct breaker *breaker, const struct breaker_rule *rule, int64_t now);

#endif
