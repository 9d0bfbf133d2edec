/* SPDX-License-Identifier: MIT */
/*
 * Classification is total and deterministic, and what it says can be shown, written and
 * read back; and the verdict on a failure keeps the rules of the backoff.
 */
#include "target.h"

#include "model/backoff.h"
#include "model/retry_after.h"

#include <string.h>

enum { TEXT_MAX = 16 * 1024 * 1024, RETRIES_TRIED = 70 };

static void
put_both(const struct classification *a, const struct classification *b, bool same)
{
	struct buf first, second;

	buf_init(&first, TEXT_MAX);
	buf_init(&second, TEXT_MAX);
	classification_put(&first, a);
	classification_put(&second, b);
	HOLDS(!same || span_equal(buf_span(&first), buf_span(&second)));
	buf_free(&first);
	buf_free(&second);
}

static void
check_readable(const struct policy *policy, const struct classification *result)
{
	struct classification again;
	struct json value;
	struct buf written;

	buf_init(&written, TEXT_MAX);
	classification_put(&written, result);
	HOLDS(json_read(buf_span(&written), &value, NULL) == 0);
	HOLDS(classification_read(policy, value, &again, NULL) == 0);
	put_both(result, &again, true);
	buf_free(&written);
}

static void
check_result(const struct policy *policy, const struct classification *result)
{
	HOLDS(result->type < ERROR_TYPE_COUNT && result->category < CATEGORY_COUNT);
	HOLDS(result->rule[0] != '\0' && result->reason[0] != '\0');
	HOLDS(span_is_utf8(span_of(result->rule)));
	HOLDS(span_is_utf8(span_of(result->reason)));
	HOLDS(fits_header(span_of(result->rule)) && fits_header(span_of(result->reason)));
	HOLDS(result->retry_after_ms >= -1 &&
		result->retry_after_ms <= policy->retry_after_cap_ms);
	HOLDS(result->max_retries >= 0 && result->base_delay_ms >= 0);
	HOLDS(result->status == 0 || (result->status >= 100 && result->status <= 999));
	check_readable(policy, result);
}

static void
classify_twice(struct json report)
{
	struct classification result, again;
	struct policy policy;

	policy_init(&policy);
	memset(&again, 0xa5, sizeof(again));
	classify(&policy, report, FUZZ_NOW, &result);
	classify(&policy, report, FUZZ_NOW, &again);
	put_both(&result, &again, true);
	check_result(&policy, &result);
}

/* As JSON where it is, and always as the text of a message. */
void
fuzz_classify(struct span input)
{
	struct buf message;
	struct json report;

	if (json_read(input, &report, NULL) == 0)
		classify_twice(report);
	buf_init(&message, TEXT_MAX);
	json_put_string(&message, input);
	HOLDS(json_read(buf_span(&message), &report, NULL) == 0);
	classify_twice(report);
	buf_free(&message);
}

/* Takes all up to an empty line off the front of *rest. */
static struct span
take_block(struct span *rest)
{
	const char *end = memmem(rest->ptr, rest->len, "\n\n", 2);
	struct span block = *rest;

	if (end == NULL) {
		*rest = (struct span){rest->ptr + rest->len, 0};
		return block;
	}
	block.len = (size_t)(end - rest->ptr) + 1;
	rest->ptr += block.len + 1;
	rest->len -= block.len + 1;
	return block;
}

/* Lines: curl code, errno, status, libcurl's message; then headers up to an empty line,
 * and the body. */
void
fuzz_transfer(struct span input)
{
	struct transfer_failure failure = {
		.curl_code = (int)(uint16_t)take_number(&input, 0),
		.os_errno = (int)(uint8_t)take_number(&input, 0),
		.status = (int)((uint64_t)take_number(&input, 0) % 600),
		.message = take_line(&input),
	};
	struct classification result, again;
	struct span lines = take_block(&input);
	struct policy policy;

	while (lines.len > 0)
		response_facts_add_line(&failure.facts, span_take(&lines, '\n'));
	failure.body = input;
	if (failure.status < 100)
		failure.status = 0;
	policy_init(&policy);
	classify_transfer(&policy, &failure, FUZZ_NOW, &result);
	classify_transfer(&policy, &failure, FUZZ_NOW, &again);
	put_both(&result, &again, true);
	check_result(&policy, &result);
}

static void
check_verdict(const struct policy *policy, const struct classification *failure,
	int attempt, uint64_t seed)
{
	struct rng rng;
	struct verdict verdict;

	rng_seed(&rng, seed);
	verdict = backoff_decide(
		policy, failure, attempt, policy->max_attempts, FUZZ_NOW, &rng);
	if (verdict.dead != DEAD_NOT) {
		HOLDS(verdict.dead < DEAD_REASON_COUNT);
		return;
	}
	HOLDS(failure->retryable && attempt < policy->max_attempts);
	HOLDS(verdict.delay_ms >= 0 && verdict.delay_ms >= failure->retry_after_ms);
	HOLDS(verdict.jitter_ms >= 0);
	HOLDS((double)verdict.jitter_ms <=
		(double)verdict.delay_ms * policy->jitter_percent / 100);
	HOLDS(verdict.run_at >= FUZZ_NOW);
}

/* Delays never shrink, and never pass the longest. */
static void
check_rule(const struct retry_rule *rule)
{
	int64_t before = 0;

	for (int retry = 0; retry <= RETRIES_TRIED; retry++) {
		int64_t delay = backoff_delay_ms(rule, retry);

		HOLDS(delay >= 0);
		if (rule->schedule_len > 0)
			continue;
		HOLDS(delay >= before && delay <= rule->max_delay_ms);
		before = delay;
	}
}

/* Lines: a seed, the attempt, a policy, a classification. */
void
fuzz_verdict(struct span input)
{
	uint64_t seed = (uint64_t)take_number(&input, 1);
	int attempt = 1 + (int)((uint64_t)take_number(&input, 0) % 1000);
	struct span text = take_line(&input);
	struct classification failure;
	struct policy policy;
	struct json value;

	policy_init(&policy);
	if (text.len > 0 && policy_read(&policy, text, NULL) != 0)
		return;
	for (int i = 0; i < ERROR_TYPE_COUNT; i++)
		check_rule(&policy.types[i]);
	if (json_read(input, &value, NULL) != 0)
		return;
	if (classification_read(&policy, value, &failure, NULL) != 0)
		classify(&policy, value, FUZZ_NOW, &failure);
	HOLDS(span_is_utf8(span_of(failure.reason)));
	HOLDS(fits_header(span_of(failure.rule)) && fits_header(span_of(failure.reason)));
	HOLDS(failure.retry_after_ms <= policy.retry_after_cap_ms);
	for (int i = 0; i < 4; i++)
		check_verdict(&policy, &failure, attempt, seed + (uint64_t)i);
}
