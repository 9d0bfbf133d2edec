/* SPDX-License-Identifier: MIT */
#include "model/policy.h"

static const char *const TYPE_NAMES[ERROR_TYPE_COUNT] = {
	[ERROR_NETWORK] = "network",
	[ERROR_RATE_LIMIT] = "rate_limit",
	[ERROR_SERVER] = "server",
	[ERROR_DATABASE] = "database",
	[ERROR_CLIENT] = "client",
	[ERROR_SIGNATURE] = "signature",
	[ERROR_VALIDATION] = "validation",
	[ERROR_UNKNOWN] = "unknown",
};

static const char *const CATEGORY_NAMES[CATEGORY_COUNT] = {
	[CATEGORY_RETRYABLE] = "RETRYABLE",
	[CATEGORY_RATE_LIMIT] = "RATE_LIMIT",
	[CATEGORY_NON_RETRYABLE] = "NON_RETRYABLE",
	[CATEGORY_VALIDATION] = "VALIDATION",
};

const char *
error_type_name(enum error_type type)
{
	return TYPE_NAMES[type];
}

const char *
category_name(enum category category)
{
	return CATEGORY_NAMES[category];
}

bool
error_type_parse(struct span name, enum error_type *type)
{
	for (int i = 0; i < ERROR_TYPE_COUNT; i++)
		if (span_is(name, TYPE_NAMES[i])) {
			*type = (enum error_type)i;
			return true;
		}
	return false;
}

bool
category_parse(struct span name, enum category *category)
{
	for (int i = 0; i < CATEGORY_COUNT; i++)
		if (span_is_nocase(name, CATEGORY_NAMES[i])) {
			*category = (enum category)i;
			return true;
		}
	return false;
}

static struct retry_rule
retrying(enum category category, int max_retries, int64_t base_delay_ms)
{
	return (struct retry_rule){
		.category = category,
		.retryable = true,
		.max_retries = max_retries,
		.base_delay_ms = base_delay_ms,
		.max_delay_ms = 300000,
		.multiplier = 2,
	};
}

static struct retry_rule
final(enum category category)
{
	struct retry_rule rule = retrying(category, 0, 0);

	rule.retryable = false;
	rule.max_delay_ms = 0;
	return rule;
}

void
policy_init(struct policy *policy)
{
	*policy = (struct policy){
		.types =
			{
				[ERROR_NETWORK] = retrying(CATEGORY_RETRYABLE, 5, 2000),
				[ERROR_RATE_LIMIT] = retrying(
					CATEGORY_RATE_LIMIT, 3, 60000),
				[ERROR_SERVER] = retrying(CATEGORY_RETRYABLE, 5, 5000),
				[ERROR_DATABASE] = retrying(CATEGORY_RETRYABLE, 3, 3000),
				[ERROR_CLIENT] = final(CATEGORY_NON_RETRYABLE),
				[ERROR_SIGNATURE] = final(CATEGORY_NON_RETRYABLE),
				[ERROR_VALIDATION] = final(CATEGORY_VALIDATION),
				[ERROR_UNKNOWN] = retrying(CATEGORY_RETRYABLE, 3, 5000),
			},
		.max_attempts = 10,
		.jitter_percent = 10,
		.retry_after_cap_ms = 3600000,
	};
}

struct retry_rule
policy_rule(const struct policy *policy, enum error_type type, bool retryable)
{
	if (policy->types[type].retryable == retryable)
		return policy->types[type];
	return retryable ? policy->types[ERROR_UNKNOWN] : final(CATEGORY_NON_RETRYABLE);
}
