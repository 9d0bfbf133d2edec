/* SPDX-License-Identifier: MIT */
#include "model/response_facts.h"

#include "model/classify_internal.h"

#include <string.h>

static void
copy_text(char *to, size_t size, struct span value)
{
	size_t len = value.len < size ? value.len : size - 1;

	if (len > 0)
		memcpy(to, value.ptr, len);
	to[len] = '\0';
}

void
response_facts_add(struct response_facts *facts, struct span name, struct span value)
{
	const struct {
		const char *name;
		char *to;
		size_t size;
	} known[] = {
		{"retry-after", facts->retry_after, sizeof(facts->retry_after)},
		{"date", facts->date, sizeof(facts->date)},
		{"ratelimit-reset", facts->ratelimit_reset,
			sizeof(facts->ratelimit_reset)},
		{"x-ratelimit-reset", facts->x_ratelimit_reset,
			sizeof(facts->x_ratelimit_reset)},
		{"x-rate-limit-reset", facts->x_ratelimit_reset,
			sizeof(facts->x_ratelimit_reset)},
		{"retry-after-ms", facts->retry_after_in_ms,
			sizeof(facts->retry_after_in_ms)},
		{"x-ms-retry-after-ms", facts->retry_after_in_ms,
			sizeof(facts->retry_after_in_ms)},
		{"x-ratelimit-remaining", facts->remaining, sizeof(facts->remaining)},
		{"x-rate-limit-remaining", facts->remaining, sizeof(facts->remaining)},
		{"ratelimit-remaining", facts->remaining, sizeof(facts->remaining)},
		{"x-amzn-errortype", facts->error_type, sizeof(facts->error_type)},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (span_is_nocase(name, known[i].name)) {
			copy_text(known[i].to, known[i].size, span_trim(value));
			return;
		}
}

static void
add_json_header(struct response_facts *facts, struct span name, struct json value)
{
	char text[64];

	if (value.type == JSON_ARRAY) {
		struct json_iter it = json_iter(value);

		value = json_next(&it) ? it.value : (struct json){0};
	}
	response_facts_add(facts, name, json_copy(value, text, sizeof(text)));
}

/* {"Retry-After":"5"}, [["Retry-After","5"]], [{"name":"Retry-After","value":"5"}], or
 * the flat list of names and values that Node calls rawHeaders. */
void
response_facts_add_json(struct response_facts *facts, struct json headers)
{
	char name[64] = "", pending[64] = "";
	bool have_name = false;

	for (struct json_iter it = json_iter(headers); json_next(&it);) {
		struct json_iter pair = json_iter(it.value);

		if (headers.type == JSON_OBJECT) {
			add_json_header(facts, it.key, it.value);
		} else if (it.value.type == JSON_OBJECT) {
			add_json_header(facts,
				json_copy(json_get(it.value, "name"), name, sizeof(name)),
				json_get(it.value, "value"));
		} else if (it.value.type == JSON_ARRAY && json_next(&pair)) {
			struct span key = json_copy(pair.value, name, sizeof(name));

			if (json_next(&pair))
				add_json_header(facts, key, pair.value);
		} else if (have_name) {
			add_json_header(facts, span_of(pending), it.value);
			have_name = false;
		} else {
			have_name = json_copy(it.value, pending, sizeof(pending)).len > 0;
		}
	}
}

void
response_facts_add_line(struct response_facts *facts, struct span line)
{
	struct span name = span_take(&line, ':');

	if (span_present(line))
		response_facts_add(facts, name, line);
}

struct retry_hints
response_hints(const struct response_facts *facts)
{
	return (struct retry_hints){
		.retry_after = span_of(facts->retry_after),
		.date = span_of(facts->date),
		.milliseconds = span_of(facts->retry_after_in_ms),
		.ratelimit_reset = span_of(facts->ratelimit_reset),
		.x_ratelimit_reset = span_of(facts->x_ratelimit_reset),
	};
}
