/* SPDX-License-Identifier: MIT */
/*
 * Reading the operator's policy document. It is skimmed like a record (model/json.h), so
 * every member knows its place in the text and an error can name the line.
 */
#include "model/policy.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_TEXT_SIZE = 64, NUMBER_TEXT_SIZE = 40 };

static const double LARGEST_MULTIPLIER = 1000;

/* What is being read, and how far inside the document that is. */
struct reading {
	struct span text;
	struct policy *policy;
	struct err *err;
	char path[128]; /* "types.network." */
};

static size_t
line_of(const struct reading *reading, const char *at)
{
	size_t line = 1;

	for (const char *p = reading->text.ptr; p < at; p++)
		line += *p == '\n';
	return line;
}

static int
wrong(const struct reading *reading, const char *at, struct span key, const char *reason)
{
	return err_set(reading->err, ERR_CONFIG, "line %zu: %s%.*s: %s",
		line_of(reading, at), reading->path, (int)(key.len < 64 ? key.len : 64),
		key.ptr, reason);
}

static int
wrong_member(
	const struct reading *reading, const struct json_iter *it, const char *reason)
{
	return wrong(reading, it->value.raw.ptr, it->key, reason);
}

static int
read_integer(const struct reading *reading, const struct json_iter *it, int64_t least,
	int64_t most, int64_t *number)
{
	char reason[96];

	if (json_to_int64(it->value, number) && *number >= least && *number <= most)
		return 0;
	snprintf(reason, sizeof(reason), "is not a whole number from %lld to %lld",
		(long long)least, (long long)most);
	return wrong_member(reading, it, reason);
}

static int
read_int(const struct reading *reading, const struct json_iter *it, int least, int most,
	int *number)
{
	int64_t wide;

	if (read_integer(reading, it, least, most, &wide) != 0)
		return -1;
	*number = (int)wide;
	return 0;
}

static int
read_bool(const struct reading *reading, const struct json_iter *it, bool *value)
{
	if (it->value.type != JSON_TRUE && it->value.type != JSON_FALSE)
		return wrong_member(reading, it, "is not true or false");
	*value = it->value.type == JSON_TRUE;
	return 0;
}

/* Copies a string's text; -1 without a message if it is no string or does not fit. */
static int
copy_string(struct json value, char *text, size_t size)
{
	struct buf buf;
	int status = -1;

	if (value.type != JSON_STRING)
		return -1;
	buf_init(&buf, size - 1);
	json_to_text(value, &buf);
	if (!buf.failed && memchr(buf_span(&buf).ptr, '\0', buf.len) == NULL) {
		memcpy(text, buf_span(&buf).ptr, buf.len);
		text[buf.len] = '\0';
		status = 0;
	}
	buf_free(&buf);
	return status;
}

static int
read_string(const struct reading *reading, const struct json_iter *it, char *text,
	size_t size)
{
	if (copy_string(it->value, text, size) != 0 || text[0] == '\0')
		return wrong_member(
			reading, it, "is not a string, or is empty or too long");
	return 0;
}

static int
read_duration_value(struct json value, int64_t *ms)
{
	char text[NUMBER_TEXT_SIZE];

	if (copy_string(value, text, sizeof(text)) != 0)
		return -1;
	return duration_parse(span_of(text), ms, NULL);
}

static int
read_duration(const struct reading *reading, const struct json_iter *it, int64_t *ms)
{
	if (read_duration_value(it->value, ms) != 0)
		return wrong_member(reading, it,
			"is not a duration like \"90s\" (numbers: the name with _ms)");
	return 0;
}

static int
read_multiplier(
	const struct reading *reading, const struct json_iter *it, double *multiplier)
{
	char text[NUMBER_TEXT_SIZE];

	if (it->value.type != JSON_NUMBER || it->value.raw.len >= sizeof(text))
		return wrong_member(reading, it, "is not a number");
	memcpy(text, it->value.raw.ptr, it->value.raw.len);
	text[it->value.raw.len] = '\0';
	*multiplier = strtod(text, NULL);
	if (!(*multiplier >= 1 && *multiplier <= LARGEST_MULTIPLIER))
		return wrong_member(reading, it, "is not between 1 and 1000");
	return 0;
}

static int
read_schedule(const struct reading *reading, const struct json_iter *it,
	struct retry_rule *rule)
{
	size_t len = 0;

	if (it->value.type != JSON_ARRAY)
		return wrong_member(reading, it, "is not a list of durations");
	for (struct json_iter item = json_iter(it->value); json_next(&item);) {
		if (len == POLICY_SCHEDULE_MAX)
			return wrong_member(reading, it, "has more than 32 entries");
		if (read_duration_value(item.value, &rule->schedule_ms[len++]) != 0)
			return wrong(reading, item.value.raw.ptr, it->key,
				"has an entry that is no duration like \"90s\"");
	}
	rule->schedule_len = len;
	rule->max_retries = (int)len;
	return 0;
}

static int
expect_object(const struct reading *reading, const struct json_iter *it)
{
	if (it->value.type != JSON_OBJECT)
		return wrong_member(reading, it, "is not an object");
	return 0;
}

static int
read_type_member(const struct reading *reading, const struct json_iter *it,
	struct retry_rule *rule)
{
	if (span_is(it->key, "retryable"))
		return read_bool(reading, it, &rule->retryable);
	if (span_is(it->key, "max_retries"))
		return read_int(reading, it, 0, INT32_MAX, &rule->max_retries);
	if (span_is(it->key, "base_delay"))
		return read_duration(reading, it, &rule->base_delay_ms);
	if (span_is(it->key, "base_delay_ms"))
		return read_integer(reading, it, 0, INT64_MAX, &rule->base_delay_ms);
	if (span_is(it->key, "max_delay"))
		return read_duration(reading, it, &rule->max_delay_ms);
	if (span_is(it->key, "max_delay_ms"))
		return read_integer(reading, it, 0, INT64_MAX, &rule->max_delay_ms);
	if (span_is(it->key, "multiplier"))
		return read_multiplier(reading, it, &rule->multiplier);
	if (span_is(it->key, "schedule"))
		return read_schedule(reading, it, rule);
	return wrong_member(reading, it, "no such member");
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
read_type(struct reading *reading, const struct json_iter *it)
{
	struct retry_rule *rule;
	struct json_iter retries = {.key = SPAN_LITERAL("max_retries")};
	enum error_type type;

	if (!error_type_parse(it->key, &type))
		return wrong_member(reading, it, "no such error type");
	if (expect_object(reading, it) != 0)
		return -1;
	rule = &reading->policy->types[type];
	snprintf(
		reading->path, sizeof(reading->path), "types.%s.", error_type_name(type));
	for (struct json_iter member = json_iter(it->value); json_next(&member);)
		if (read_type_member(reading, &member, rule) != 0)
			return -1;
	/* Beside a schedule the number counts wherever it stands. */
	retries.value = json_get(it->value, "max_retries");
	if (retries.value.type != JSON_ABSENT &&
		read_type_member(reading, &retries, rule) != 0)
		return -1;
	settle_category(rule);
	return 0;
}

static int
read_types(struct reading *reading, const struct json_iter *it)
{
	if (expect_object(reading, it) != 0)
		return -1;
	for (struct json_iter type = json_iter(it->value); json_next(&type);) {
		snprintf(reading->path, sizeof(reading->path), "types.");
		if (read_type(reading, &type) != 0)
			return -1;
	}
	reading->path[0] = '\0';
	return 0;
}

/* 409, "4xx", "500-599" */
static int
read_status(const struct reading *reading, const struct json_iter *it,
	struct match_rule *rule)
{
	char text[16];
	int64_t from = 0, to = 0;

	if (json_to_int64(it->value, &from)) {
		to = from;
	} else if (copy_string(it->value, text, sizeof(text)) == 0) {
		if (strlen(text) == 3 && strcmp(text + 1, "xx") == 0) {
			from = (text[0] - '0') * 100;
			to = from + 99;
		} else if (strlen(text) == 7 && text[3] == '-') {
			span_to_int64((struct span){text, 3}, &from);
			span_to_int64((struct span){text + 4, 3}, &to);
		}
	}
	if (from < 100 || to > 599 || from > to)
		return wrong_member(
			reading, it, "is not a status like 409, \"5xx\" or \"500-504\"");
	rule->status_from = (int)from;
	rule->status_to = (int)to;
	return 0;
}

static int
read_match_member(const struct reading *reading, const struct json_iter *it,
	struct match_rule *rule)
{
	if (span_is(it->key, "status"))
		return read_status(reading, it, rule);
	if (span_is(it->key, "code"))
		return read_string(reading, it, rule->code, sizeof(rule->code));
	if (span_is(it->key, "error_name"))
		return read_string(
			reading, it, rule->error_name, sizeof(rule->error_name));
	if (span_is(it->key, "message"))
		return read_string(reading, it, rule->message, sizeof(rule->message));
	if (span_is(it->key, "endpoint"))
		return read_string(reading, it, rule->endpoint, sizeof(rule->endpoint));
	if (span_is(it->key, "event_type"))
		return read_string(
			reading, it, rule->event_type, sizeof(rule->event_type));
	return wrong_member(reading, it, "no such condition");
}

static int
read_match(const struct reading *reading, const struct json_iter *it,
	struct match_rule *rule)
{
	if (expect_object(reading, it) != 0)
		return -1;
	for (struct json_iter member = json_iter(it->value); json_next(&member);)
		if (read_match_member(reading, &member, rule) != 0)
			return -1;
	return 0;
}

static int
read_rule_type(
	const struct reading *reading, const struct json_iter *it, enum error_type *type)
{
	char name[KEY_TEXT_SIZE];

	if (copy_string(it->value, name, sizeof(name)) != 0 ||
		!error_type_parse(span_of(name), type))
		return wrong_member(reading, it, "no such error type");
	return 0;
}

static int
read_rule_member(const struct reading *reading, const struct json_iter *it,
	struct match_rule *rule)
{
	if (span_is(it->key, "name"))
		return read_string(reading, it, rule->name, sizeof(rule->name));
	if (span_is(it->key, "match"))
		return read_match(reading, it, rule);
	if (span_is(it->key, "error_type"))
		return read_rule_type(reading, it, &rule->type);
	if (!span_is(it->key, "retryable"))
		return wrong_member(reading, it, "no such member");
	rule->sets_retryable = true;
	return read_bool(reading, it, &rule->retryable);
}

static int
read_rule(struct reading *reading, struct json value)
{
	static const char *const needed[] = {"name", "match", "error_type"};
	struct policy *policy = reading->policy;
	struct match_rule *rule = &policy->rules[policy->rule_count];

	*rule = (struct match_rule){0};
	if (value.type != JSON_OBJECT)
		return wrong(
			reading, value.raw.ptr, SPAN_LITERAL("rule"), "is not an object");
	for (struct json_iter it = json_iter(value); json_next(&it);)
		if (read_rule_member(reading, &it, rule) != 0)
			return -1;
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (json_get(value, needed[i]).type == JSON_ABSENT)
			return wrong(
				reading, value.raw.ptr, span_of(needed[i]), "is missing");
	policy->rule_count++;
	return 0;
}

static int
read_rules(struct reading *reading, const struct json_iter *it)
{
	size_t index = 0;

	if (it->value.type != JSON_ARRAY)
		return wrong_member(reading, it, "is not a list");
	reading->policy->rule_count = 0;
	for (struct json_iter item = json_iter(it->value); json_next(&item); index++) {
		if (index == POLICY_RULES_MAX)
			return wrong_member(reading, it, "has more than 64 rules");
		snprintf(reading->path, sizeof(reading->path), "rules[%zu].", index);
		if (read_rule(reading, item.value) != 0)
			return -1;
	}
	reading->path[0] = '\0';
	return 0;
}

static int
read_common_schedule(struct reading *reading, const struct json_iter *it)
{
	for (int i = 0; i < ERROR_TYPE_COUNT; i++)
		if (reading->policy->types[i].retryable &&
			read_schedule(reading, it, &reading->policy->types[i]) != 0)
			return -1;
	return 0;
}

static int
read_member(struct reading *reading, const struct json_iter *it)
{
	struct policy *policy = reading->policy;

	if (span_is(it->key, "max_attempts"))
		return read_int(reading, it, 1, INT32_MAX, &policy->max_attempts);
	if (span_is(it->key, "jitter_percent"))
		return read_int(reading, it, 0, 100, &policy->jitter_percent);
	if (span_is(it->key, "retry_after_cap"))
		return read_duration(reading, it, &policy->retry_after_cap_ms);
	if (span_is(it->key, "retry_after_cap_ms"))
		return read_integer(
			reading, it, 0, INT64_MAX, &policy->retry_after_cap_ms);
	if (span_is(it->key, "rules"))
		return read_rules(reading, it);
	if (span_is(it->key, "types"))
		return read_types(reading, it);
	if (span_is(it->key, "schedule"))
		return 0; /* read before the rest */
	return wrong_member(reading, it, "no such member");
}

static int
read_document(struct reading *reading, struct json document)
{
	struct json_iter schedule = {.key = SPAN_LITERAL("schedule")};

	if (document.type != JSON_OBJECT)
		return wrong(reading, document.raw.ptr, SPAN_LITERAL("policy"),
			"is not an object");
	/* The shorthand comes first, so that a type's own numbers override it. */
	schedule.value = json_get(document, "schedule");
	if (schedule.value.type != JSON_ABSENT &&
		read_common_schedule(reading, &schedule) != 0)
		return -1;
	for (struct json_iter it = json_iter(document); json_next(&it);)
		if (read_member(reading, &it) != 0)
			return -1;
	return 0;
}

static int
syntax_error(const struct reading *reading, const struct err *why)
{
	size_t byte = 0;
	int used = 0;

	if (sscanf(why->text, "byte %zu: %n", &byte, &used) != 1 || byte == 0)
		return err_set(reading->err, ERR_CONFIG, "%s", why->text);
	return err_set(reading->err, ERR_CONFIG, "line %zu: %s",
		line_of(reading, reading->text.ptr + byte - 1), why->text + used);
}

int
policy_read(struct policy *policy, struct span text, struct err *err)
{
	struct policy changed = *policy;
	struct reading reading = {.text = text, .policy = &changed, .err = err};
	struct json document;
	struct err why;

	if (json_read(text, &document, &why) != 0)
		return syntax_error(&reading, &why);
	if (read_document(&reading, document) != 0)
		return -1;
	*policy = changed;
	return 0;
}
