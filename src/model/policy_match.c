/* SPDX-License-Identifier: MIT */
/*
 * Whether one of the operator's rules fits a failure.
 */
#include "model/classify_internal.h"

#include <string.h>
#include <strings.h>

enum { MEMBER_TEXT_SIZE = 128 };

static bool
member_is(struct json value, const char *wanted)
{
	char text[MEMBER_TEXT_SIZE];

	return span_is_nocase(json_copy(value, text, sizeof(text)), wanted);
}

static bool
matches_code(const struct rule_subject *subject, const char *code)
{
	static const char *const keys[] = {"code", "errno", "sqlState", "codeName",
		"type", "errorCode", "error_code", "originalCode", "exitcode"};
	struct members error;

	for (size_t i = 0; i < subject->layer_count; i++) {
		members_read(&error, subject->layers[i].error);
		for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
			if (member_is(members_get(&error, keys[k]), code))
				return true;
	}
	return false;
}

static bool
matches_name(const struct rule_subject *subject, const char *name)
{
	struct members error;

	for (size_t i = 0; i < subject->layer_count; i++) {
		members_read(&error, subject->layers[i].error);
		if (member_is(layer_name(&error), name))
			return true;
	}
	return false;
}

static bool
message_has(struct json value, const char *phrase)
{
	char text[MESSAGE_ROOM];

	return text_has_words(message_ends(value, text), phrase);
}

static bool
matches_message(const struct rule_subject *subject, const char *phrase)
{
	struct members error;

	for (size_t i = 0; i < subject->layer_count; i++) {
		members_read(&error, subject->layers[i].error);
		if (message_has(layer_message(&error), phrase))
			return true;
	}
	return text_has_words(subject->message, phrase);
}

/* A trailing '*' in the pattern stands for any rest. */
static bool
matches_pattern(struct span text, const char *pattern)
{
	size_t len = strlen(pattern);

	if (len == 0 || pattern[len - 1] != '*')
		return span_is_nocase(text, pattern);
	return text.len >= len - 1 && strncasecmp(text.ptr, pattern, len - 1) == 0;
}

static bool
rule_matches(const struct match_rule *rule, const struct rule_subject *subject)
{
	if (rule->status_from != 0 &&
		(subject->status < rule->status_from ||
			subject->status > rule->status_to))
		return false;
	return (rule->endpoint[0] == '\0' ||
		       span_is_nocase(subject->endpoint, rule->endpoint)) &&
		(rule->event_type[0] == '\0' ||
			matches_pattern(subject->event_type, rule->event_type)) &&
		(rule->code[0] == '\0' || matches_code(subject, rule->code)) &&
		(rule->error_name[0] == '\0' ||
			matches_name(subject, rule->error_name)) &&
		(rule->message[0] == '\0' || matches_message(subject, rule->message));
}

const struct match_rule *
policy_match(const struct policy *policy, const struct rule_subject *subject)
{
	for (size_t i = 0; i < policy->rule_count; i++)
		if (rule_matches(&policy->rules[i], subject))
			return &policy->rules[i];
	return NULL;
}
