/* SPDX-License-Identifier: MIT */
/*
 * What happens to a job after a failed attempt: when it runs again, or why it never will.
 */
#ifndef MODEL_BACKOFF_H
#define MODEL_BACKOFF_H

#include "model/classify.h"

/*
 * The delay before retry n (n >= 1): base * multiplier^(n - 1), or the schedule's n-th
 * entry, clamped to max_delay_ms (the schedule is not clamped).
 */
int64_t backoff_delay_ms(const struct retry_rule *rule, int retry);

enum dead_reason {
	DEAD_NOT = 0,
	DEAD_NON_RETRYABLE,
	DEAD_RETRIES_EXHAUSTED, /* as many retries as its error type may have */
	DEAD_MAX_ATTEMPTS,      /* as many attempts as any job may have */
	DEAD_GONE,              /* HTTP 410 */
	DEAD_CRASH_LOOP,        /* three workers died of it */
	DEAD_BLOCKED_ADDRESS,   /* where it leads may not be connected to */
	DEAD_REASON_COUNT,
};

const char *dead_reason_name(enum dead_reason reason); /* "retries_exhausted" */
bool dead_reason_parse(struct span name, enum dead_reason *reason);

struct verdict {
	enum dead_reason dead; /* DEAD_NOT: it runs again */
	int64_t delay_ms;      /* backoff, or the server's wait if that is longer */
	int64_t jitter_ms;     /* on top */
	int64_t run_at;        /* now + delay_ms + jitter_ms */
};

/*
 * `attempt` counts the failed attempts so far, this one included; max_attempts is the
 * job's. Clamped first, then jittered; jitter only adds.
 */
struct verdict backoff_decide(const struct policy *policy,
	const struct classification *failure, int attempt, int max_attempts, int64_t now,
	struct rng *rng);

#endif
