/* SPDX-License-Identifier: MIT */
/*
 * Documents that people write: what is accepted is safe to use, what is not is refused
 * with the line it stands in.
 */
#include "target.h"

#include "model/config.h"
#include "model/url.h"

#include <string.h>

static void
check_endpoint(const struct endpoint_config *endpoint)
{
	HOLDS(endpoint_name_check(endpoint->name, NULL) == 0);
	HOLDS(url_check(endpoint->url, NULL) == 0);
	for (size_t i = 0; i < endpoint->header_count; i++) {
		const struct config_header *header = &endpoint->headers[i];

		HOLDS(header_check(header->name, header->value, NULL) == 0);
		HOLDS(span_present(header->value) != span_present(header->file));
	}
	HOLDS((endpoint->tls_cert == NULL) == (endpoint->tls_key == NULL));
	HOLDS(endpoint->rule.concurrency >= 0 && endpoint->timeout_ms >= 0);
}

static void
check_policy(const struct policy *policy)
{
	HOLDS(policy->max_attempts >= 1 && policy->rule_count <= POLICY_RULES_MAX);
	HOLDS(policy->jitter_percent >= 0 && policy->jitter_percent <= 100);
	for (int i = 0; i < ERROR_TYPE_COUNT; i++) {
		const struct retry_rule *rule = &policy->types[i];

		HOLDS(rule->schedule_len <= POLICY_SCHEDULE_MAX);
		HOLDS(rule->multiplier >= 1 && rule->max_retries >= 0);
		HOLDS(rule->base_delay_ms >= 0 && rule->max_delay_ms >= 0);
	}
}

static void
check_refusal(const struct err *err)
{
	HOLDS(err->kind == ERR_CONFIG && span_starts(span_of(err->text), "line "));
}

void
fuzz_config(struct span input)
{
	struct config config;
	struct policy policy;
	struct map_entry *entry;
	struct err err = {0};
	size_t cursor = 0;

	config_init(&config);
	if (config_read(&config, input, "conf.d", &err) == 0) {
		while ((entry = map_next(&config.endpoints, &cursor)) != NULL)
			check_endpoint(entry->value);
		check_policy(&config.policy);
		HOLDS(config.limits.concurrency >= 1 && config.limits.lease_ms > 0);
	} else {
		check_refusal(&err);
	}
	config_free(&config);
	policy_init(&policy);
	if (policy_read(&policy, input, &err) != 0)
		check_refusal(&err);
	check_policy(&policy);
}
