/* SPDX-License-Identifier: MIT */
/*
 * The examples in tests/fixtures are failures of real software with what is expected of
 * them; what they do not reach is tested one by one.
 */
#include "model/classify_internal.h"

#include "base/clock.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 1 << 20 };

static const int64_t NOW = 1795455600000; /* 2026-11-23T17:40:00Z */

static struct policy
default_policy(void)
{
	struct policy policy;

	policy_init(&policy);
	return policy;
}

static struct classification
classify_text(const char *text)
{
	struct policy policy = default_policy();
	struct classification result;
	struct json report = {0};

	CHECK_INT(json_read(span_of(text), &report, NULL), 0);
	classify(&policy, report, NOW, &result);
	return result;
}

static void
check(const char *text, enum error_type type, bool retryable, const char *rule)
{
	struct classification result;

	tap_case(text);
	result = classify_text(text);
	CHECK_TEXT(error_type_name(result.type), error_type_name(type));
	CHECK_INT(result.retryable, retryable);
	CHECK_TEXT(result.rule, rule);
	CHECK(result.reason[0] != '\0');
	tap_case(NULL);
}

static bool
accepts_type(struct json expect, enum error_type type)
{
	struct json accepted = json_get(expect, "accept_types");

	for (struct json_iter it = json_iter(accepted); json_next(&it);)
		if (json_is(it.value, error_type_name(type)))
			return true;
	return json_is(json_get(expect, "type"), error_type_name(type));
}

static void
check_retry_after(struct json expect, int64_t got)
{
	struct json rule = json_get(expect, "retry_after_rule");
	int64_t wanted;

	if (json_to_int64(json_get(expect, "retry_after_ms"), &wanted))
		CHECK_INT(got, wanted);
	if (json_is(rule, "ignore"))
		CHECK_INT(got, -1);
	if (json_is(rule, "zero-or-default"))
		CHECK(got == 0 || got == -1);
	if (json_is(rule, "cap"))
		CHECK_INT(got, 3600000);
}

/* The fixture's one input that JSON could not carry is the text behind this base64. */
static struct json
input_of(struct json line)
{
	static const char lone_surrogate[] =
		"{\"error\":{\"message\":\"\\ud800 read ECONNRESET\","
		"\"code\":\"ECONNRESET\"}}";
	struct json input = json_get(line, "input");

	if (json_get(line, "input_b64").type != JSON_ABSENT)
		CHECK_INT(json_read(span_of(lone_surrogate), &input, NULL), 0);
	return input;
}

static void
check_example(struct json line)
{
	struct policy policy = default_policy();
	struct json expect = json_get(line, "expect");
	struct classification got;
	char id[64];

	json_copy(json_get(line, "id"), id, sizeof(id));
	tap_case(id);
	classify(&policy, input_of(line), NOW, &got);
	CHECK(accepts_type(expect, got.type));
	CHECK_INT(got.retryable, json_get(expect, "retryable").type == JSON_TRUE);
	if (json_get(expect, "accept_types").type == JSON_ABSENT)
		CHECK(json_is(json_get(expect, "category"), category_name(got.category)));
	check_retry_after(expect, got.retry_after_ms);
	CHECK(got.rule[0] != '\0' && got.reason[0] != '\0');
	CHECK(span_is_utf8(span_of(got.reason)));
}

static void
check_examples(const char *path, int wanted)
{
	FILE *file = fopen(path, "r");
	char *text = NULL;
	size_t cap = 0;
	ssize_t len;
	int count = 0;

	CHECK(file != NULL);
	while (file != NULL && (len = getline(&text, &cap, file)) > 0) {
		struct json line = {0};

		CHECK_INT(json_read((struct span){text, (size_t)len}, &line, NULL), 0);
		check_example(line);
		count++;
	}
	tap_case(NULL);
	CHECK_INT(count, wanted);
	free(text);
	if (file != NULL)
		fclose(file);
}

static void
test_produced_examples(void)
{
	check_examples("tests/fixtures/classify-examples.ndjson", 198);
}

static void
test_further_examples(void)
{
	check_examples("tests/fixtures/classify-more.ndjson", 288);
}

static void
test_tables_can_be_searched(void)
{
	CHECK(code_tables_are_sorted());
	CHECK(database_tables_are_sorted());
	CHECK(name_tables_are_sorted());
	CHECK(phrases_are_sorted());
}

static void
test_rules_are_named(void)
{
	check("{\"http\":{\"status\":503}}", ERROR_SERVER, true, "http-5xx");
	check("{\"http\":{\"status\":429}}", ERROR_RATE_LIMIT, true, "http-429");
	check("{\"http\":{\"status\":404}}", ERROR_CLIENT, false, "http-4xx");
	check("{\"error\":{\"code\":\"ECONNREFUSED\"}}", ERROR_NETWORK, true,
		"errno-ECONNREFUSED");
	check("{\"error\":{\"code\":\"40P01\"}}", ERROR_DATABASE, true, "sqlstate-40P01");
	check("{\"error\":{\"name\":\"ZodError\"}}", ERROR_VALIDATION, false,
		"name-ZodError");
	check("{\"exitcode\":28,\"http_code\":0}", ERROR_NETWORK, true, "curl-28");
	check("\"read timed out\"", ERROR_NETWORK, true, "text-read-timed-out");
	check("{\"error\":{\"message\":\"oops\"}}", ERROR_UNKNOWN, true, "no-evidence");
}

static void
test_reasons_are_sentences(void)
{
	CHECK_TEXT(classify_text("{\"http\":{\"status\":503}}").reason,
		"the receiver answered 503 Service Unavailable");
	CHECK_TEXT(classify_text("{\"error\":{\"code\":\"ECONNREFUSED\"}}").reason,
		"connection refused (ECONNREFUSED)");
}

static void
test_status_must_be_one(void)
{
	check("{\"error\":{\"status\":99}}", ERROR_UNKNOWN, true, "no-evidence");
	check("{\"error\":{\"status\":600}}", ERROR_UNKNOWN, true, "no-evidence");
	check("{\"error\":{\"status\":\"503\"}}", ERROR_SERVER, true, "http-5xx");
	check("{\"error\":{\"status\":5.03e2}}", ERROR_SERVER, true, "http-5xx");
	check("{\"error\":{\"status\":\"503x\"}}", ERROR_UNKNOWN, true, "no-evidence");
	check("{\"http\":{\"status\":204}}", ERROR_UNKNOWN, true, "http-2xx");
	check("{\"http\":{\"status\":200},\"error\":{\"code\":\"EPIPE\"}}", ERROR_NETWORK,
		true, "errno-EPIPE");
	check("{\"http\":{\"status\":500},\"error\":{\"code\":\"EPIPE\"}}", ERROR_SERVER,
		true, "http-5xx");
}

static void
test_gone(void)
{
	CHECK(classify_text("{\"http\":{\"status\":410}}").gone);
	CHECK(!classify_text("{\"http\":{\"status\":404}}").gone);
	CHECK_INT(classify_text("{\"http\":{\"status\":410}}").status, 410);
}

static void
test_odd_reports_are_unknown(void)
{
	static const char *const reports[] = {"null", "{}", "[]", "[{}]", "0", "true",
		"\"\"", "{\"error\":null}", "{\"error\":[]}", "{\"error\":{}}",
		"{\"http\":7}", "{\"error\":{\"message\":7,\"code\":{},\"name\":[]}}",
		"{\"error\":{\"code\":\"\",\"errno\":1e99}}",
		"{\"http\":{\"headers\":[[]]}}", "{\"http\":{\"headers\":{\"a\":{}}}}",
		"{\"error\":{\"message\":\"\\ud800\"}}"};

	for (size_t i = 0; i < sizeof(reports) / sizeof(reports[0]); i++)
		check(reports[i], ERROR_UNKNOWN, true, "no-evidence");
}

/* A NUL must not make a table's search read on behind a key. */
static void
test_names_with_odd_bytes(void)
{
	check("{\"error\":{\"name\":\"zoderror\\u0000\"}}", ERROR_UNKNOWN, true,
		"no-evidence");
	check("{\"error\":{\"code\":\"EPIPE\\u0000x\"}}", ERROR_UNKNOWN, true,
		"no-evidence");
	check("{\"error\":{\"name\":\"Timeout\\u001b[2J\"}}", ERROR_NETWORK, true,
		"name-Timeout-[2J");
}

static void
test_duplicate_names_take_the_last(void)
{
	check("{\"http\":{\"status\":404,\"status\":503}}", ERROR_SERVER, true,
		"http-5xx");
}

/* Deep causes are followed to a bound, and a deep report is read without harm. */
static void
test_deep_reports(void)
{
	struct buf text;

	buf_init(&text, TEXT_MAX);
	for (int i = 0; i < 200; i++)
		buf_add_text(&text, "{\"cause\":");
	buf_add_text(&text, "{\"code\":\"EPIPE\"}");
	for (int i = 0; i < 200; i++)
		buf_add_char(&text, '}');
	CHECK_TEXT(classify_text(text.data).rule, "no-evidence");
	buf_free(&text);
	check("{\"error\":{\"cause\":{\"cause\":{\"errors\":[{\"code\":\"EPIPE\"}]}}}}",
		ERROR_NETWORK, true, "errno-EPIPE");
}

static void
test_only_the_ends_of_a_long_message_are_read(void)
{
	struct buf text;

	buf_init(&text, TEXT_MAX);
	buf_add_char(&text, '"');
	for (int i = 0; i < 20000; i++)
		buf_add_text(&text, "lorem ");
	buf_add_text(&text, "socket hang up\"");
	CHECK_TEXT(classify_text(text.data).rule, "text-socket-hang-up");
	buf_free(&text);
}

static int64_t
wait_of(const char *status_and_headers)
{
	char text[256];

	snprintf(text, sizeof(text), "{\"http\":{\"status\":%s}}", status_and_headers);
	return classify_text(text).retry_after_ms;
}

/* As JSON, with an escape before each 'e', so that pieces are short and long. */
static void
put_message(struct buf *json, size_t len)
{
	buf_add_char(json, '"');
	for (size_t i = 0; i < len; i++)
		if (i % 97 == 0)
			buf_add_text(json, "\\u0065");
		else
			buf_add_char(json, (char)('a' + i % 23));
	buf_add_char(json, '"');
}

static void
check_message_ends(size_t len)
{
	struct buf json, whole;
	struct json message;
	char text[MESSAGE_ROOM];
	struct span ends, expected;

	buf_init(&json, 1 << 20);
	buf_init(&whole, 1 << 20);
	put_message(&json, len);
	CHECK_INT(json_read(buf_span(&json), &message, NULL), 0);
	json_to_text(message, &whole);
	ends = message_ends(message, text);
	expected = buf_span(&whole);
	if (len > MESSAGE_HEAD + MESSAGE_TAIL) {
		expected.len = MESSAGE_HEAD;
		CHECK(memcmp(ends.ptr + MESSAGE_HEAD, whole.data + len - MESSAGE_TAIL,
			      MESSAGE_TAIL) == 0);
		CHECK_INT(ends.len, MESSAGE_HEAD + MESSAGE_TAIL);
	} else {
		CHECK_INT(ends.len, len);
	}
	CHECK(memcmp(ends.ptr, expected.ptr, expected.len) == 0);
	buf_free(&json);
	buf_free(&whole);
}

static void
test_the_ends_of_a_message(void)
{
	static const size_t lengths[] = {0, 1, MESSAGE_HEAD, MESSAGE_HEAD + MESSAGE_TAIL,
		MESSAGE_HEAD + MESSAGE_TAIL + 1, MESSAGE_ROOM - 1, MESSAGE_ROOM,
		MESSAGE_ROOM + 1, MESSAGE_ROOM + MESSAGE_TAIL, 100000};

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		check_message_ends(lengths[i]);
}

static void
test_the_deeper_of_equals_decides(void)
{
	check("{\"error\":{\"message\":\"request timed out\",\"cause\":"
	      "{\"message\":\"jwt expired\"}}}",
		ERROR_SIGNATURE, false, "text-jwt-expired");
	check("{\"error\":{\"message\":\"jwt expired\",\"cause\":"
	      "{\"message\":\"request timed out\"}}}",
		ERROR_NETWORK, true, "text-request-timed-out");
	check("{\"error\":{\"code\":\"P2002\",\"cause\":{\"message\":\"read timed out\"}}}",
		ERROR_DATABASE, false, "prisma-P2002");
}

static void
test_numbers_that_count_things_are_no_status(void)
{
	check("\"the query returned 404 rows\"", ERROR_UNKNOWN, true, "no-evidence");
	check("\"got 500 ms\"", ERROR_UNKNOWN, true, "no-evidence");
	check("\"the server returned 404\"", ERROR_CLIENT, false, "http-4xx");
}

static void
test_headers_in_any_shape(void)
{
	CHECK_INT(wait_of("503,\"headers\":{\"RETRY-AFTER\":7}"), 7000);
	CHECK_INT(wait_of("503,\"headers\":{\"retry-after\":[\"7\",\"9\"]}"), 7000);
	CHECK_INT(wait_of("503,\"headers\":[[\"Retry-After\",\"7\"]]"), 7000);
	CHECK_INT(wait_of("503,\"headers\":[\"Retry-After\",\"7\"]"), 7000);
	CHECK_INT(wait_of("503,\"headers\":[{\"name\":\"retry-after\",\"value\":7}]"),
		7000);
	CHECK_INT(wait_of("404,\"headers\":{\"retry-after\":\"7\"}"), -1);
}

static void
test_a_reset_counts_when_the_quota_is_used_up(void)
{
	CHECK_INT(wait_of("429,\"headers\":{\"ratelimit-reset\":\"30\"}"), 30000);
	CHECK_INT(wait_of("429,\"headers\":{\"x-ratelimit-remaining\":\"9\","
			  "\"ratelimit-reset\":\"30\"}"),
		-1);
	CHECK_INT(wait_of("503,\"headers\":{\"ratelimit-reset\":\"30\"}"), -1);
}

static void
test_throttling_codes_beat_a_403(void)
{
	check("{\"http\":{\"status\":403,\"body\":\"{\\\"error\\\":{\\\"errors\\\":"
	      "[{\\\"reason\\\":\\\"rateLimitExceeded\\\"}]}}\"}}",
		ERROR_RATE_LIMIT, true, "http-403-throttled");
	check("{\"http\":{\"status\":400,\"headers\":{\"x-amzn-ErrorType\":"
	      "\"ThrottlingException:http://x/\"}}}",
		ERROR_RATE_LIMIT, true, "http-400-throttled");
	check("{\"http\":{\"status\":403,\"body\":\"rate limit\"}}", ERROR_CLIENT, false,
		"http-4xx");
}

static struct match_rule
busy_rule(void)
{
	return (struct match_rule){
		.name = "acme-busy",
		.status_from = 409,
		.status_to = 409,
		.endpoint = "Acme",
		.event_type = "invoice.*",
		.type = ERROR_CLIENT,
		.sets_retryable = true,
		.retryable = true,
	};
}

static void
test_operator_rules_come_first(void)
{
	struct policy policy = default_policy();
	struct transfer_failure failure = {.status = 409,
		.endpoint = SPAN_LITERAL("acme"),
		.event_type = SPAN_LITERAL("invoice.paid")};
	struct classification result;

	policy.rules[0] = busy_rule();
	policy.rule_count = 1;
	classify_transfer(&policy, &failure, NOW, &result);
	CHECK_TEXT(result.rule, "policy:acme-busy");
	CHECK_INT(result.retryable, true);
	CHECK_INT(result.category, CATEGORY_RETRYABLE);
	CHECK_INT(result.max_retries, 3);
	failure.event_type = SPAN_LITERAL("user.created");
	classify_transfer(&policy, &failure, NOW, &result);
	CHECK_TEXT(result.rule, "http-4xx");
	failure.event_type = SPAN_LITERAL("invoice.paid");
	failure.status = 404;
	classify_transfer(&policy, &failure, NOW, &result);
	CHECK_TEXT(result.rule, "http-4xx");
}

static void
test_operator_rules_see_codes_and_words(void)
{
	struct policy policy = default_policy();
	struct json report = {0};
	struct classification result;
	struct match_rule rule = {.name = "r", .type = ERROR_SERVER};

	json_read(span_of("{\"error\":{\"message\":\"the gate is shut\",\"cause\":"
			  "{\"code\":\"E_GATE\",\"name\":\"GateError\"}}}"),
		&report, NULL);
	policy.rule_count = 1;
	policy.rules[0] = rule;
	memcpy(policy.rules[0].code, "e_gate", 7);
	classify(&policy, report, NOW, &result);
	CHECK_TEXT(result.rule, "policy:r");
	policy.rules[0] = rule;
	memcpy(policy.rules[0].error_name, "GateError", 10);
	memcpy(policy.rules[0].message, "gate is", 8);
	classify(&policy, report, NOW, &result);
	CHECK_TEXT(result.rule, "policy:r");
	memcpy(policy.rules[0].message, "ate is", 7);
	classify(&policy, report, NOW, &result);
	CHECK_TEXT(result.rule, "no-evidence");
}

static void
test_own_transfers(void)
{
	struct policy policy = default_policy();
	struct transfer_failure failure = {.status = 503};
	struct classification result;

	response_facts_add_line(
		&failure.facts, SPAN_LITERAL("X-Other: Retry-After: 7\r\n"));
	response_facts_add_line(&failure.facts, SPAN_LITERAL("Retry-After: 9\r\n"));
	response_facts_add_line(&failure.facts, SPAN_LITERAL("\r\n"));
	classify_transfer(&policy, &failure, NOW, &result);
	CHECK_TEXT(result.rule, "http-5xx");
	CHECK_INT(result.retry_after_ms, 9000);
	CHECK_INT(result.status, 503);
	failure = (struct transfer_failure){.curl_code = 7, .os_errno = 111};
	classify_transfer(&policy, &failure, NOW, &result);
	CHECK_TEXT(result.rule, "errno-ECONNREFUSED");
	failure = (struct transfer_failure){.curl_code = 28, .status = 200};
	classify_transfer(&policy, &failure, NOW, &result);
	CHECK_TEXT(result.rule, "curl-28");
	failure = (struct transfer_failure){.curl_code = 60};
	classify_transfer(&policy, &failure, NOW, &result);
	CHECK_INT(result.type, ERROR_NETWORK);
	CHECK_INT(result.retryable, false);
	CHECK_INT(result.category, CATEGORY_NON_RETRYABLE);
	CHECK_INT(result.max_retries, 0);
}

static void
test_writes_and_reads_back(void)
{
	struct policy policy = default_policy();
	struct classification put = classify_text("{\"http\":{\"status\":429,\"headers\":"
						  "{\"retry-after\":\"9\"}}}");
	struct classification got;
	struct json value = {0};
	struct buf out;

	buf_init(&out, TEXT_MAX);
	classification_put(&out, &put);
	CHECK_SPAN(buf_span(&out),
		"{\"category\":\"RATE_LIMIT\",\"error_type\":\"rate_limit\",\"retryable\":true,"
		"\"max_retries\":3,\"base_delay_ms\":60000,\"max_delay_ms\":300000,"
		"\"multiplier\":2,\"retry_after_ms\":9000,\"rule\":\"http-429\","
		"\"reason\":\"the receiver answered 429 Too Many Requests\"}");
	CHECK_INT(json_read(buf_span(&out), &value, NULL), 0);
	CHECK_INT(classification_read(&policy, value, &got, NULL), 0);
	CHECK_INT(got.type, ERROR_RATE_LIMIT);
	CHECK_INT(got.retry_after_ms, 9000);
	CHECK_TEXT(got.rule, "http-429");
	buf_free(&out);
}

static void
test_reading_checks_types(void)
{
	static const char *const wrong[] = {"7", "{}", "{\"error_type\":7}",
		"{\"error_type\":\"nope\"}",
		"{\"error_type\":\"server\",\"retryable\":1}",
		"{\"error_type\":\"server\",\"category\":\"x\"}",
		"{\"error_type\":\"server\",\"max_retries\":-1}",
		"{\"error_type\":\"server\",\"max_retries\":1.5}",
		"{\"error_type\":\"server\",\"base_delay_ms\":9223372036854775807}",
		"{\"error_type\":\"server\",\"max_delay_ms\":315360000001}",
		"{\"error_type\":\"server\",\"multiplier\":0.5}",
		"{\"error_type\":\"server\",\"rule\":7}"};
	struct policy policy = default_policy();
	struct classification result;
	struct json value = {0};
	struct err err;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		tap_case(wrong[i]);
		json_read(span_of(wrong[i]), &value, NULL);
		CHECK_INT(classification_read(&policy, value, &result, &err), -1);
		CHECK_INT(err.kind, ERR_DATA);
	}
	tap_case(NULL);
	json_read(SPAN_LITERAL("{\"error_type\":\"database\"}"), &value, NULL);
	CHECK_INT(classification_read(&policy, value, &result, NULL), 0);
	CHECK_INT(result.base_delay_ms, 3000);
	CHECK_INT(result.retry_after_ms, -1);
}

/* What other software says is shown in our listings, and holds up a whole endpoint. */
static void
test_reading_distrusts(void)
{
	struct policy policy = default_policy();
	struct classification result;
	struct json value = {0};
	char text[512];

	json_read(SPAN_LITERAL("{\"error_type\":\"server\",\"rule\":\"a\\nb\\u001b\","
			       "\"reason\":\"x\\u009by\\u007f\","
			       "\"retry_after_ms\":9223372036854775807}"),
		&value, NULL);
	CHECK_INT(classification_read(&policy, value, &result, NULL), 0);
	CHECK_TEXT(result.rule, "a b ");
	CHECK_TEXT(result.reason, "x  y ");
	CHECK_INT(result.retry_after_ms, policy.retry_after_cap_ms);

	/* Cut off in the middle of a character, it ends before that. */
	snprintf(text, sizeof(text),
		"{\"error_type\":\"server\",\"reason\":\"%0*d\u4e2d\"}",
		CLASSIFY_REASON_SIZE - 2, 7);
	json_read(span_of(text), &value, NULL);
	CHECK_INT(classification_read(&policy, value, &result, NULL), 0);
	CHECK_INT((int64_t)span_of(result.reason).len, CLASSIFY_REASON_SIZE - 2);
	CHECK(span_is_utf8(span_of(result.reason)));
}

int
main(void)
{
	return tap_run((struct tap_test[]){
		TAP(test_produced_examples),
		TAP(test_further_examples),
		TAP(test_tables_can_be_searched),
		TAP(test_rules_are_named),
		TAP(test_reasons_are_sentences),
		TAP(test_status_must_be_one),
		TAP(test_gone),
		TAP(test_odd_reports_are_unknown),
		TAP(test_names_with_odd_bytes),
		TAP(test_duplicate_names_take_the_last),
		TAP(test_deep_reports),
		TAP(test_only_the_ends_of_a_long_message_are_read),
		TAP(test_the_ends_of_a_message),
		TAP(test_the_deeper_of_equals_decides),
		TAP(test_numbers_that_count_things_are_no_status),
		TAP(test_headers_in_any_shape),
		TAP(test_a_reset_counts_when_the_quota_is_used_up),
		TAP(test_throttling_codes_beat_a_403),
		TAP(test_operator_rules_come_first),
		TAP(test_operator_rules_see_codes_and_words),
		TAP(test_own_transfers),
		TAP(test_writes_and_reads_back),
		TAP(test_reading_checks_types),
		TAP(test_reading_distrusts),
		{0},
	});
}
