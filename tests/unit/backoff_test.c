/* SPDX-License-Identifier: MIT */
#include "model/backoff.h"

#include "tap.h"

enum { NOW = 1000000 };

static struct policy
default_policy(void)
{
	struct policy policy;

	policy_init(&policy);
	return policy;
}

static struct verdict
decide(const struct policy *policy, const struct classification *failure, int attempt)
{
	struct rng rng;

	rng_seed(&rng, 1);
	return backoff_decide(policy, failure, attempt, policy->max_attempts, NOW, &rng);
}

static void
test_doubles_up_to_the_clamp(void)
{
	static const int64_t expected[] = {
		2000, 4000, 8000, 16000, 32000, 64000, 128000, 256000, 300000, 300000};
	struct policy policy = default_policy();

	for (int i = 0; i < 10; i++)
		CHECK_INT(backoff_delay_ms(&policy.types[ERROR_NETWORK], i + 1),
			expected[i]);
	CHECK_INT(backoff_delay_ms(&policy.types[ERROR_NETWORK], INT32_MAX), 300000);
	CHECK_INT(backoff_delay_ms(&policy.types[ERROR_RATE_LIMIT], 3), 240000);
	CHECK_INT(backoff_delay_ms(&policy.types[ERROR_RATE_LIMIT], 4), 300000);
	CHECK_INT(backoff_delay_ms(&policy.types[ERROR_CLIENT], 3), 0);
	CHECK_INT(backoff_delay_ms(&policy.types[ERROR_NETWORK], 0), 0);
}

static void
test_follows_a_schedule(void)
{
	struct policy policy = default_policy();
	struct retry_rule *rule = &policy.types[ERROR_SERVER];
	struct classification failure = classification_of(&policy, ERROR_SERVER);

	rule->schedule_len = 3;
	rule->schedule_ms[0] = 5000;
	rule->schedule_ms[1] = 300000;
	rule->schedule_ms[2] = 86400000;
	CHECK_INT(backoff_delay_ms(rule, 1), 5000);
	CHECK_INT(backoff_delay_ms(rule, 2), 300000);
	CHECK_INT(backoff_delay_ms(rule, 3), 86400000);
	CHECK_INT(backoff_delay_ms(rule, 4), 86400000);
	CHECK_INT(decide(&policy, &failure, 3).delay_ms, 86400000);
}

static void
test_stops_for_the_right_reason(void)
{
	struct policy policy = default_policy();
	struct classification network = classification_of(&policy, ERROR_NETWORK);
	struct classification client = classification_of(&policy, ERROR_CLIENT);

	CHECK_INT(decide(&policy, &network, 1).dead, DEAD_NOT);
	CHECK_INT(decide(&policy, &network, 5).dead, DEAD_NOT);
	CHECK_INT(decide(&policy, &network, 6).dead, DEAD_RETRIES_EXHAUSTED);
	CHECK_INT(decide(&policy, &client, 1).dead, DEAD_NON_RETRYABLE);
	client.gone = true;
	CHECK_INT(decide(&policy, &client, 1).dead, DEAD_GONE);
	network.max_retries = 50;
	CHECK_INT(decide(&policy, &network, 9).dead, DEAD_NOT);
	CHECK_INT(decide(&policy, &network, 10).dead, DEAD_MAX_ATTEMPTS);
}

static void
test_retry_after_is_a_floor(void)
{
	struct policy policy = default_policy();
	struct classification failure = classification_of(&policy, ERROR_SERVER);

	policy.jitter_percent = 0;
	failure.retry_after_ms = 0;
	CHECK_INT(decide(&policy, &failure, 1).delay_ms, 5000);
	failure.retry_after_ms = 4999;
	CHECK_INT(decide(&policy, &failure, 1).delay_ms, 5000);
	failure.retry_after_ms = 3600000;
	CHECK_INT(decide(&policy, &failure, 1).delay_ms, 3600000);
	CHECK_INT(decide(&policy, &failure, 1).run_at, NOW + 3600000);
}

static void
test_jitter_only_adds(void)
{
	struct policy policy = default_policy();
	struct classification failure = classification_of(&policy, ERROR_SERVER);
	int64_t smallest = INT64_MAX, largest = 0;
	struct rng rng;

	rng_seed(&rng, 7);
	for (int i = 0; i < 2000; i++) {
		struct verdict verdict = backoff_decide(
			&policy, &failure, 1, 10, NOW, &rng);

		CHECK_INT(verdict.delay_ms, 5000);
		CHECK_INT(verdict.run_at, NOW + verdict.delay_ms + verdict.jitter_ms);
		smallest = verdict.jitter_ms < smallest ? verdict.jitter_ms : smallest;
		largest = verdict.jitter_ms > largest ? verdict.jitter_ms : largest;
	}
	CHECK(smallest >= 0 && smallest < 10);
	CHECK(largest <= 500 && largest > 490);
	policy.jitter_percent = 0;
	CHECK_INT(decide(&policy, &failure, 1).jitter_ms, 0);
}

static void
test_absurd_numbers_do_not_overflow(void)
{
	struct policy policy = default_policy();
	struct classification failure = classification_of(&policy, ERROR_SERVER);
	struct verdict verdict;

	failure.base_delay_ms = failure.max_delay_ms = INT64_MAX;
	failure.multiplier = 1e300;
	failure.max_retries = INT32_MAX;
	policy.max_attempts = INT32_MAX;
	verdict = decide(&policy, &failure, INT32_MAX - 1);
	CHECK_INT(verdict.delay_ms, INT64_MAX);
	CHECK_INT(verdict.run_at, INT64_MAX);
}

static void
test_names_of_the_dead(void)
{
	enum dead_reason reason = DEAD_NOT;

	CHECK_TEXT(dead_reason_name(DEAD_RETRIES_EXHAUSTED), "retries_exhausted");
	for (int i = DEAD_NOT + 1; i < DEAD_REASON_COUNT; i++) {
		CHECK(dead_reason_parse(
			span_of(dead_reason_name((enum dead_reason)i)), &reason));
		CHECK_INT(reason, i);
	}
	CHECK(!dead_reason_parse(SPAN_LITERAL("not_dead"), &reason));
	CHECK(!dead_reason_parse(SPAN_LITERAL("GONE"), &reason));
}

int
main(void)
{
	return tap_run((struct tap_test[]){
		TAP(test_doubles_up_to_the_clamp),
		TAP(test_follows_a_schedule),
		TAP(test_stops_for_the_right_reason),
		TAP(test_retry_after_is_a_floor),
		TAP(test_jitter_only_adds),
		TAP(test_absurd_numbers_do_not_overflow),
		TAP(test_names_of_the_dead),
		{0},
	});
}
