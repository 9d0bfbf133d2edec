/* SPDX-License-Identifier: MIT */
/*
 * A classification as the member of a record, out and in.
 */
#include "model/classify_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_TEXT_SIZE = 40 };

void
classification_put(struct buf *out, const struct classification *result)
{
	buf_add_char(out, '{');
	json_put_member_string(out, "category", span_of(category_name(result->category)));
	json_put_member_string(out, "error_type", span_of(error_type_name(result->type)));
	json_put_member_bool(out, "retryable", result->retryable);
	json_put_member_int(out, "max_retries", result->max_retries);
	json_put_member_int(out, "base_delay_ms", result->base_delay_ms);
	json_put_member_int(out, "max_delay_ms", result->max_delay_ms);
	json_put_key(out, "multiplier");
	buf_printf(out, "%g", result->multiplier);
	if (result->retry_after_ms >= 0)
		json_put_member_int(out, "retry_after_ms", result->retry_after_ms);
	json_put_member_string(out, "rule", span_of(result->rule));
	json_put_member_string(out, "reason", span_of(result->reason));
	buf_add_char(out, '}');
}

static int
wrong(struct err *err, const char *key, const char *reason)
{
	return err_set(err, ERR_DATA, "classification.%s: %s", key, reason);
}

static int
read_type(struct json value, enum error_type *type, struct err *err)
{
	char text[32];
	struct json name = json_get(value, "error_type");

	if (name.type == JSON_ABSENT)
		return wrong(err, "error_type", "is missing");
	if (name.type != JSON_STRING ||
		!error_type_parse(json_copy(name, text, sizeof(text)), type))
		return wrong(err, "error_type", "is no error type");
	return 0;
}

static int
read_category(struct json value, enum category *category, struct err *err)
{
	char text[32];
	struct json name = json_get(value, "category");

	if (name.type == JSON_ABSENT)
		return 0;
	if (name.type != JSON_STRING ||
		!category_parse(json_copy(name, text, sizeof(text)), category))
		return wrong(err, "category", "is no category");
	return 0;
}

static int
read_retryable(struct json value, bool *retryable, struct err *err)
{
	struct json member = json_get(value, "retryable");

	if (member.type == JSON_ABSENT)
		return 0;
	if (member.type != JSON_TRUE && member.type != JSON_FALSE)
		return wrong(err, "retryable", "is not true or false");
	*retryable = member.type == JSON_TRUE;
	return 0;
}

static int
read_count(
	struct json value, const char *key, int64_t most, int64_t *count, struct err *err)
{
	struct json member = json_get(value, key);
	int64_t number;

	if (member.type == JSON_ABSENT)
		return 0;
	if (!json_to_int64(member, &number) || number < 0 || number > most)
		return wrong(err, key, "is not a whole number in range");
	*count = number;
	return 0;
}

static int
read_multiplier(struct json value, double *multiplier, struct err *err)
{
	char text[NUMBER_TEXT_SIZE];
	struct json member = json_get(value, "multiplier");
	double number;

	if (member.type == JSON_ABSENT)
		return 0;
	if (member.type != JSON_NUMBER || member.raw.len >= sizeof(text))
		return wrong(err, "multiplier", "is not a number");
	json_copy(member, text, sizeof(text));
	number = strtod(text, NULL);
	if (!(number >= 1 && number <= 1000))
		return wrong(err, "multiplier", "is not between 1 and 1000");
	*multiplier = number;
	return 0;
}

/* One line of whole characters, whoever wrote it and wherever it was cut off. */
static void
make_printable(char *text)
{
	size_t left = strlen(text), step;

	for (; left > 0; text += step, left -= step) {
		unsigned char c = (unsigned char)text[0];

		step = utf8_sequence(text, left);
		if (step == 0) {
			text[0] = '\0';
			return;
		}
		if (c < 0x20 || c == 0x7f || (c == 0xc2 && (unsigned char)text[1] < 0xa0))
			memset(text, ' ', step);
	}
}

static int
read_text(struct json value, const char *key, char *text, size_t size, struct err *err)
{
	struct json member = json_get(value, key);

	if (member.type != JSON_ABSENT && member.type != JSON_STRING)
		return wrong(err, key, "is not a string");
	json_copy(member, text, size);
	make_printable(text);
	return 0;
}

static int
read_numbers(const struct policy *policy, struct json value,
	struct classification *result, struct err *err)
{
	int64_t retries = result->max_retries;

	if (read_count(value, "max_retries", INT32_MAX, &retries, err) != 0 ||
		read_count(value, "base_delay_ms", DELAY_MAX_MS, &result->base_delay_ms,
			err) != 0 ||
		read_count(value, "max_delay_ms", DELAY_MAX_MS, &result->max_delay_ms,
			err) != 0 ||
		read_count(value, "retry_after_ms", INT64_MAX, &result->retry_after_ms,
			err) != 0)
		return -1;
	result->max_retries = (int)retries;
	if (result->retry_after_ms > policy->retry_after_cap_ms)
		result->retry_after_ms = policy->retry_after_cap_ms;
	return read_multiplier(value, &result->multiplier, err);
}

int
classification_read(const struct policy *policy, struct json value,
	struct classification *result, struct err *err)
{
	*result = (struct classification){.retry_after_ms = -1};
	if (value.type != JSON_OBJECT)
		return err_set(err, ERR_DATA, "classification: is not an object");
	if (read_type(value, &result->type, err) != 0)
		return -1;
	result->retryable = policy->types[result->type].retryable;
	if (read_retryable(value, &result->retryable, err) != 0)
		return -1;
	classification_conclude(policy, result);
	if (read_category(value, &result->category, err) != 0 ||
		read_numbers(policy, value, result, err) != 0 ||
		read_text(value, "rule", result->rule, sizeof(result->rule), err) != 0 ||
		read_text(value, "reason", result->reason, sizeof(result->reason), err) !=
			0)
		return -1;
	result->gone = !result->retryable && span_is(span_of(result->rule), "http-410");
	return 0;
}
