/* SPDX-License-Identifier: MIT */
#include "model/backoff.h"

static const char *const DEAD_NAMES[DEAD_REASON_COUNT] = {
	[DEAD_NOT] = "not_dead",
	[DEAD_NON_RETRYABLE] = "non_retryable",
	[DEAD_RETRIES_EXHAUSTED] = "retries_exhausted",
	[DEAD_MAX_ATTEMPTS] = "max_attempts",
	[DEAD_GONE] = "gone",
	[DEAD_CRASH_LOOP] = "crash_loop",
	[DEAD_BLOCKED_ADDRESS] = "blocked_address",
};

const char *
dead_reason_name(enum dead_reason reason)
{
	return DEAD_NAMES[reason];
}

bool
dead_reason_parse(struct span name, enum dead_reason *reason)
{
	for (int i = DEAD_NOT + 1; i < DEAD_REASON_COUNT; i++)
		if (span_is(name, DEAD_NAMES[i])) {
			*reason = (enum dead_reason)i;
			return true;
		}
	return false;
}

static int64_t
scheduled_delay_ms(const struct retry_rule *rule, int retry)
{
	size_t entry = (size_t)retry - 1;

	return rule->schedule_ms[entry < rule->schedule_len ? entry
							    : rule->schedule_len - 1];
}

/* By squaring, so that no number of retries takes long; may be infinite. */
static double
power(double base, int exponent)
{
	double product = 1;

	for (; exponent > 0; exponent /= 2) {
		if (exponent % 2 == 1)
			product *= base;
		base *= base;
	}
	return product;
}

int64_t
backoff_delay_ms(const struct retry_rule *rule, int retry)
{
	double delay;

	if (retry < 1)
		return 0;
	if (rule->schedule_len > 0)
		return scheduled_delay_ms(rule, retry);
	if (rule->base_delay_ms <= 0)
		return 0;
	delay = (double)rule->base_delay_ms * power(rule->multiplier, retry - 1);
	return delay < (double)rule->max_delay_ms ? (int64_t)delay : rule->max_delay_ms;
}

/* A classification may have been read from a record, so its own numbers count. */
static struct retry_rule
rule_of(const struct policy *policy, const struct classification *failure)
{
	struct retry_rule rule = policy_rule(policy, failure->type, failure->retryable);

	rule.base_delay_ms = failure->base_delay_ms;
	rule.max_delay_ms = failure->max_delay_ms;
	rule.multiplier = failure->multiplier;
	return rule;
}

static enum dead_reason
reason_to_stop(const struct classification *failure, int attempt, int max_attempts)
{
	if (failure->blocked)
		return DEAD_BLOCKED_ADDRESS;
	if (failure->gone)
		return DEAD_GONE;
	if (!failure->retryable)
		return DEAD_NON_RETRYABLE;
	if (attempt > failure->max_retries)
		return DEAD_RETRIES_EXHAUSTED;
	if (attempt >= max_attempts)
		return DEAD_MAX_ATTEMPTS;
	return DEAD_NOT;
}

struct verdict
backoff_decide(const struct policy *policy, const struct classification *failure,
	int attempt, int max_attempts, int64_t now, struct rng *rng)
{
	struct verdict verdict = {.dead = reason_to_stop(failure, attempt, max_attempts)};
	struct retry_rule rule = rule_of(policy, failure);
	int64_t most_jitter;

	if (verdict.dead != DEAD_NOT)
		return verdict;
	verdict.delay_ms = backoff_delay_ms(&rule, attempt);
	if (verdict.delay_ms < failure->retry_after_ms)
		verdict.delay_ms = failure->retry_after_ms;
	/* Divided first: a delay near INT64_MAX must not overflow. */
	most_jitter = verdict.delay_ms / 100 * policy->jitter_percent +
		verdict.delay_ms % 100 * policy->jitter_percent / 100;
	verdict.jitter_ms = (int64_t)rng_below(rng, (uint64_t)most_jitter + 1);
	if (__builtin_add_overflow(now, verdict.delay_ms, &verdict.run_at) ||
		__builtin_add_overflow(
			verdict.run_at, verdict.jitter_ms, &verdict.run_at))
		verdict.run_at = INT64_MAX;
	return verdict;
}
