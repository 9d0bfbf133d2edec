/* SPDX-License-Identifier: MIT */
/*
 * The operator's policy document: one table per kind of object; the rest is what
 * model/document.h does with them. Tables are read from the top, so that what is special
 * stands below what it overrides.
 */
#include "model/policy.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_TEXT_SIZE = 40, STATUS_TEXT_SIZE = 16, NAME_TEXT_SIZE = 64 };

static const double LARGEST_MULTIPLIER = 1000;
static const struct match_rule EMPTY_RULE;

/* ---- types ----------------------------------------------------------------------- */

static int
read_delay(void *target, const struct node *node, struct err *err)
{
	struct retry_rule *rule = target;
	int64_t delay_ms;

	if (rule->schedule_len == POLICY_SCHEDULE_MAX)
		return node_error(node, err, "more than %d delays", POLICY_SCHEDULE_MAX);
	if (node_duration(node, &delay_ms, err) != 0)
		return -1;
	if (delay_ms > DELAY_MAX_MS)
		return node_error(node, err, "longer than ten years");
	rule->schedule_ms[rule->schedule_len++] = delay_ms;
	return 0;
}

static int
read_schedule(void *target, const struct node *node, struct err *err)
{
	struct retry_rule *rule = target;

	rule->schedule_len = 0;
	if (node_read_each(node, JSON_ARRAY, read_delay, rule, err) != 0)
		return -1;
	if (rule->schedule_len == 0)
		return node_error(node, err, "must not be empty");
	rule->max_retries = (int)rule->schedule_len;
	return 0;
}

static int
read_multiplier(void *target, const struct node *node, struct err *err)
{
	struct retry_rule *rule = target;
	struct span number = node->value.raw;
	char text[NUMBER_TEXT_SIZE];

	if (node->value.type != JSON_NUMBER || number.len >= sizeof(text))
		return node_error(node, err, "not a number");
	memcpy(text, number.ptr, number.len);
	text[number.len] = '\0';
	rule->multiplier = strtod(text, NULL);
	if (!(rule->multiplier >= 1 && rule->multiplier <= LARGEST_MULTIPLIER))
		return node_error(node, err, "not between 1 and %g", LARGEST_MULTIPLIER);
	return 0;
}

/* A type made retryable, or final, takes the category that says so. */
static void
settle_category(struct retry_rule *rule)
{
	bool final = rule->category == CATEGORY_NON_RETRYABLE ||
		rule->category == CATEGORY_VALIDATION;

	if (rule->retryable && final)
		rule->category = CATEGORY_RETRYABLE;
	else if (!rule->retryable && !final)
		rule->category = CATEGORY_NON_RETRYABLE;
}

static int
read_type(void *target, const struct node *node, struct err *err)
{
	static const struct node_member members[] = {
		{"retryable", node_read_bool, offsetof(struct retry_rule, retryable), 0,
			1},
		{.name = "schedule", .read = read_schedule},
		{"max_retries", node_read_int, offsetof(struct retry_rule, max_retries),
			0, INT32_MAX},
		{"base_delay", node_read_duration,
			offsetof(struct retry_rule, base_delay_ms), 0, DELAY_MAX_MS},
		{"base_delay_ms", node_read_int64,
			offsetof(struct retry_rule, base_delay_ms), 0, DELAY_MAX_MS},
		{"max_delay", node_read_duration,
			offsetof(struct retry_rule, max_delay_ms), 0, DELAY_MAX_MS},
		{"max_delay_ms", node_read_int64,
			offsetof(struct retry_rule, max_delay_ms), 0, DELAY_MAX_MS},
		{.name = "multiplier", .read = read_multiplier},
		{0},
	};
	struct policy *policy = target;
	enum error_type type;

	if (!error_type_parse(node->name, &type))
		return node_error(node, err, "no such error type");
	if (node_read(node, members, &policy->types[type], err) != 0)
		return -1;
	settle_category(&policy->types[type]);
	return 0;
}

static int
read_types(void *target, const struct node *node, struct err *err)
{
	return node_read_each(node, JSON_OBJECT, read_type, target, err);
}

static int
read_common_schedule(void *target, const struct node *node, struct err *err)
{
	struct policy *policy = target;

	for (int i = 0; i < ERROR_TYPE_COUNT; i++)
		if (policy->types[i].retryable &&
			read_schedule(&policy->types[i], node, err) != 0)
			return -1;
	return 0;
}

/* ---- rules ----------------------------------------------------------------------- */

/* "4xx", "500-599" */
static void
parse_status_range(const char *text, int64_t *from, int64_t *to)
{
	if (strlen(text) == 3 && strcmp(text + 1, "xx") == 0) {
		*from = (text[0] - '0') * 100;
		*to = *from + 99;
	} else if (strlen(text) == 7 && text[3] == '-') {
		span_to_int64((struct span){text, 3}, from);
		span_to_int64((struct span){text + 4, 3}, to);
	}
}

static int
read_status(void *target, const struct node *node, struct err *err)
{
	struct match_rule *rule = target;
	char text[STATUS_TEXT_SIZE];
	int64_t from = 0, to = 0;

	if (json_to_int64(node->value, &from))
		to = from;
	else if (node_copy(node, text, sizeof(text), NULL) == 0)
		parse_status_range(text, &from, &to);
	if (from < 100 || to > 599 || from > to)
		return node_error(
			node, err, "not a status like 409, \"5xx\" or \"500-504\"");
	rule->status_from = (int)from;
	rule->status_to = (int)to;
	return 0;
}

static int
read_match(void *target, const struct node *node, struct err *err)
{
	static const struct node_member members[] = {
		{.name = "status", .read = read_status},
		{"code", node_read_text, offsetof(struct match_rule, code), 1,
			sizeof(EMPTY_RULE.code)},
		{"error_name", node_read_text, offsetof(struct match_rule, error_name), 1,
			sizeof(EMPTY_RULE.error_name)},
		{"message", node_read_text, offsetof(struct match_rule, message), 1,
			sizeof(EMPTY_RULE.message)},
		{"endpoint", node_read_text, offsetof(struct match_rule, endpoint), 1,
			sizeof(EMPTY_RULE.endpoint)},
		{"event_type", node_read_text, offsetof(struct match_rule, event_type), 1,
			sizeof(EMPTY_RULE.event_type)},
		{0},
	};

	return node_read(node, members, target, err);
}

static int
read_rule_type(void *target, const struct node *node, struct err *err)
{
	struct match_rule *rule = target;
	char name[NAME_TEXT_SIZE];

	if (node_copy(node, name, sizeof(name), NULL) != 0 ||
		!error_type_parse(span_of(name), &rule->type))
		return node_error(node, err, "no such error type");
	return 0;
}

static int
read_retryable(void *target, const struct node *node, struct err *err)
{
	struct match_rule *rule = target;

	rule->sets_retryable = true;
	return node_read_bool(target, node, err);
}

static int
read_rule(void *target, const struct node *node, struct err *err)
{
	static const struct node_member members[] = {
		{"name", node_read_text, offsetof(struct match_rule, name), 1,
			sizeof(EMPTY_RULE.name)},
		{.name = "match", .read = read_match},
		{.name = "error_type", .read = read_rule_type},
		{"retryable", read_retryable, offsetof(struct match_rule, retryable), 0,
			1},
		{0},
	};
	struct policy *policy = target;
	struct match_rule *rule = &policy->rules[policy->rule_count];

	if (policy->rule_count == POLICY_RULES_MAX)
		return node_error(node, err, "more than %d rules", POLICY_RULES_MAX);
	policy->rule_count++;
	*rule = EMPTY_RULE;
	if (node_read(node, members, rule, err) != 0 ||
		node_require(node, "name", err) != 0 ||
		node_require(node, "match", err) != 0)
		return -1;
	return node_require(node, "error_type", err);
}

static int
read_rules(void *target, const struct node *node, struct err *err)
{
	struct policy *policy = target;

	policy->rule_count = 0;
	return node_read_each(node, JSON_ARRAY, read_rule, policy, err);
}

/* ---- the document ---------------------------------------------------------------- */

int
policy_read_node(struct policy *policy, const struct node *node, struct err *err)
{
	static const struct node_member members[] = {
		{"max_attempts", node_read_int, offsetof(struct policy, max_attempts), 1,
			INT32_MAX},
		{"jitter_percent", node_read_int, offsetof(struct policy, jitter_percent),
			0, 100},
		{"retry_after_cap", node_read_duration,
			offsetof(struct policy, retry_after_cap_ms), 0, DELAY_MAX_MS},
		{"retry_after_cap_ms", node_read_int64,
			offsetof(struct policy, retry_after_cap_ms), 0, DELAY_MAX_MS},
		{.name = "schedule", .read = read_common_schedule},
		{.name = "types", .read = read_types},
		{.name = "rules", .read = read_rules},
		{0},
	};
	struct policy changed = *policy;

	if (node_read(node, members, &changed, err) != 0)
		return -1;
	*policy = changed;
	return 0;
}

int
policy_read(struct policy *policy, struct span text, struct err *err)
{
	struct node root;

	if (document_open(&root, text, err) != 0)
		return -1;
	return policy_read_node(policy, &root, err);
}
