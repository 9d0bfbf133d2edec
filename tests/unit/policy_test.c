/* SPDX-License-Identifier: MIT */
#include "model/policy.h"

#include "tap.h"

static struct policy
read_policy(const char *text)
{
	struct policy policy;
	struct err err = {0};

	policy_init(&policy);
	CHECK_INT(policy_read(&policy, span_of(text), &err), 0);
	CHECK_TEXT(err.text, "");
	return policy;
}

static void
test_defaults(void)
{
	static const struct {
		enum error_type type;
		enum category category;
		bool retryable;
		int retries;
		int64_t base, max;
	} rows[] = {
		{ERROR_NETWORK, CATEGORY_RETRYABLE, true, 5, 2000, 300000},
		{ERROR_RATE_LIMIT, CATEGORY_RATE_LIMIT, true, 3, 60000, 300000},
		{ERROR_SERVER, CATEGORY_RETRYABLE, true, 5, 5000, 300000},
		{ERROR_DATABASE, CATEGORY_RETRYABLE, true, 3, 3000, 300000},
		{ERROR_CLIENT, CATEGORY_NON_RETRYABLE, false, 0, 0, 0},
		{ERROR_SIGNATURE, CATEGORY_NON_RETRYABLE, false, 0, 0, 0},
		{ERROR_VALIDATION, CATEGORY_VALIDATION, false, 0, 0, 0},
		{ERROR_UNKNOWN, CATEGORY_RETRYABLE, true, 3, 5000, 300000},
	};
	struct policy policy = read_policy("{}");

	for (size_t i = 0; i < ERROR_TYPE_COUNT; i++) {
		const struct retry_rule *rule = &policy.types[rows[i].type];

		tap_case(error_type_name(rows[i].type));
		CHECK_INT(rule->category, rows[i].category);
		CHECK_INT(rule->retryable, rows[i].retryable);
		CHECK_INT(rule->max_retries, rows[i].retries);
		CHECK_INT(rule->base_delay_ms, rows[i].base);
		CHECK_INT(rule->max_delay_ms, rows[i].max);
		CHECK(rule->multiplier == 2);
	}
	tap_case(NULL);
	CHECK_INT(policy.max_attempts, 10);
	CHECK_INT(policy.jitter_percent, 10);
	CHECK_INT(policy.retry_after_cap_ms, 3600000);
}

static void
test_names(void)
{
	enum error_type type = ERROR_NETWORK;
	enum category category = CATEGORY_RETRYABLE;

	for (int i = 0; i < ERROR_TYPE_COUNT; i++) {
		CHECK(error_type_parse(
			span_of(error_type_name((enum error_type)i)), &type));
		CHECK_INT(type, i);
	}
	CHECK(!error_type_parse(SPAN_LITERAL("Network"), &type));
	CHECK(category_parse(SPAN_LITERAL("non_retryable"), &category));
	CHECK_INT(category, CATEGORY_NON_RETRYABLE);
	CHECK(!category_parse(SPAN_LITERAL("NO"), &category));
}

static void
test_overrides(void)
{
	struct policy policy = read_policy(
		"{\"max_attempts\":4,\"jitter_percent\":0,\"retry_after_cap\":\"2h\","
		"\"types\":{"
		"\"network\":{\"max_retries\":7,\"base_delay\":\"250ms\","
		"\"max_delay_ms\":9000,"
		"\"multiplier\":1.5},\"client\":{\"retryable\":true,\"max_retries\":2,"
		"\"base_delay\":\"1s\",\"max_delay\":\"1m\"},"
		"\"server\":{\"retryable\":false}}}");

	CHECK_INT(policy.max_attempts, 4);
	CHECK_INT(policy.jitter_percent, 0);
	CHECK_INT(policy.retry_after_cap_ms, 7200000);
	CHECK_INT(policy.types[ERROR_NETWORK].max_retries, 7);
	CHECK_INT(policy.types[ERROR_NETWORK].base_delay_ms, 250);
	CHECK_INT(policy.types[ERROR_NETWORK].max_delay_ms, 9000);
	CHECK(policy.types[ERROR_NETWORK].multiplier == 1.5);
	CHECK_INT(policy.types[ERROR_CLIENT].category, CATEGORY_RETRYABLE);
	CHECK_INT(policy.types[ERROR_SERVER].category, CATEGORY_NON_RETRYABLE);
	CHECK_INT(policy.types[ERROR_DATABASE].base_delay_ms, 3000);
}

static void
test_schedules(void)
{
	struct policy policy = read_policy("{\"types\":{\"server\":{\"max_retries\":2,"
					   "\"schedule\":[\"1s\",\"2s\",\"3s\"]}},"
					   "\"schedule\":[\"5s\",\"5m\"]}");

	CHECK_INT(policy.types[ERROR_NETWORK].schedule_len, 2);
	CHECK_INT(policy.types[ERROR_NETWORK].schedule_ms[1], 300000);
	CHECK_INT(policy.types[ERROR_NETWORK].max_retries, 2);
	CHECK_INT(policy.types[ERROR_CLIENT].schedule_len, 0);
	CHECK_INT(policy.types[ERROR_SERVER].schedule_len, 3);
	CHECK_INT(policy.types[ERROR_SERVER].schedule_ms[0], 1000);
	CHECK_INT(policy.types[ERROR_SERVER].max_retries, 2);
}

static void
test_rules(void)
{
	struct policy policy = read_policy(
		"{\"rules\":[{\"name\":\"busy\",\"match\":{\"status\":409,"
		"\"endpoint\":\"acme\","
		"\"code\":\"E1\",\"error_name\":\"N\",\"message\":\"m\","
		"\"event_type\":\"a.*\"},"
		"\"error_type\":\"rate_limit\",\"retryable\":true},"
		"{\"name\":\"all\",\"match\":{\"status\":\"5xx\"},"
		"\"error_type\":\"client\"},"
		"{\"name\":\"some\",\"match\":{\"status\":\"500-504\"},"
		"\"error_type\":\"server\"}]}");

	CHECK_INT(policy.rule_count, 3);
	CHECK_TEXT(policy.rules[0].name, "busy");
	CHECK_INT(policy.rules[0].status_from, 409);
	CHECK_INT(policy.rules[0].status_to, 409);
	CHECK_TEXT(policy.rules[0].code, "E1");
	CHECK_TEXT(policy.rules[0].event_type, "a.*");
	CHECK_INT(policy.rules[0].type, ERROR_RATE_LIMIT);
	CHECK(policy.rules[0].sets_retryable && policy.rules[0].retryable);
	CHECK(!policy.rules[1].sets_retryable);
	CHECK_INT(policy.rules[1].status_from, 500);
	CHECK_INT(policy.rules[1].status_to, 599);
	CHECK_INT(policy.rules[2].status_to, 504);
}

static void
test_errors_name_line_and_member(void)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{"{\n\"max_attempts\":10,\n}", "line 3: not JSON: member name expected"},
		{"[]", "line 1: not an object"},
		{"{\n\"max_attempt\":10}",
			"line 2: max_attempt: unknown member; there are max_attempts, "
			"jitter_percent, retry_after_cap, retry_after_cap_ms, schedule, "
			"types, rules"},
		{"{\"max_attempts\":0}",
			"line 1: max_attempts: not a whole number from 1 to 2147483647"},
		{"{\"types\":{\n\"net\":{}}}", "line 2: types.net: no such error type"},
		{"{\"types\":{\"network\":{\n\n\"max_retries\":-1}}}",
			"line 3: types.network.max_retries: not a whole number from 0 to "
			"2147483647"},
		{"{\"types\":{\"server\":{\"multiplier\":0.5}}}",
			"line 1: types.server.multiplier: not between 1 and 1000"},
		{"{\"types\":{\"server\":{\"max_delay\":\"3651d\"}}}",
			"line 1: types.server.max_delay: not between 0ms and 3650d"},
		{"{\"retry_after_cap_ms\":9223372036854775807}",
			"line 1: retry_after_cap_ms: not a whole number from 0 to "
			"315360000000"},
		{"{\"schedule\":[\"1s\",\"3651d\"]}",
			"line 1: schedule[1]: longer than ten years"},
		{"{\"schedule\":[]}", "line 1: schedule: must not be empty"},
		{"{\"types\":{\"network\":{\n\"schedule\":[]}}}",
			"line 2: types.network.schedule: must not be empty"},
		{"{\"schedule\":[\"5s\",\n\"x\"]}",
			"line 2: schedule[1]: 'x' is not a duration like 250ms, 90s, 15m, 2h "
			"or 30d"},
		{"{\"rules\":[\n{\"name\":\"a\",\"match\":{}}]}",
			"line 2: rules[0]: it has no error_type"},
		{"{\"rules\":[{\"name\":\"a\",\"match\":{\"stat\":1}}]}",
			"line 1: rules[0].match.stat: unknown member; there are status, code, "
			"error_name, message, endpoint, event_type"},
		{"{\"rules\":[{\"match\":{\"status\":\"9xx\"}}]}",
			"line 1: rules[0].match.status: not a status like 409, \"5xx\" or "
			"\"500-504\""},
		{"{\"rules\":[{\"name\":\"\"}]}", "line 1: rules[0].name: empty"},
		{"{\"types\":{\"server\":{\"retryable\":1}}}",
			"line 1: types.server.retryable: not true or false"},
		{"{\"schedule\":\"5s\"}", "line 1: schedule: not a list"},
		{"{\"max_attempts\":1,\n\"max_attempts\":2}",
			"line 2: max_attempts: given twice"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct policy policy;
		struct err err = {0};

		policy_init(&policy);
		tap_case(cases[i].text);
		CHECK_INT(policy_read(&policy, span_of(cases[i].text), &err), -1);
		CHECK_INT(err.kind, ERR_CONFIG);
		CHECK_TEXT(err.text, cases[i].message);
	}
}

/* The 65th rule, and a name of 64 bytes where 63 and a NUL have room. */
static void
test_limits(void)
{
	struct policy policy;
	struct err err = {0};
	struct buf text;

	policy_init(&policy);
	buf_init(&text, 65536);
	buf_add_text(&text, "{\"rules\":[");
	for (int i = 0; i <= POLICY_RULES_MAX; i++)
		buf_printf(&text,
			"%s{\"name\":\"%063d\",\"match\":{},"
			"\"error_type\":\"client\"}",
			i == 0 ? "" : ",\n", i);
	buf_add_text(&text, "]}");
	CHECK_INT(policy_read(&policy, buf_span(&text), &err), -1);
	CHECK_TEXT(err.text, "line 65: rules[64]: more than 64 rules");
	buf_clear(&text);
	buf_printf(&text, "{\"rules\":[{\"name\":\"%064d\"}]}", 0);
	CHECK_INT(policy_read(&policy, buf_span(&text), &err), -1);
	CHECK_TEXT(err.text, "line 1: rules[0].name: longer than 63 bytes");
	buf_free(&text);
}

static void
test_a_refused_document_changes_nothing(void)
{
	struct policy policy;

	policy_init(&policy);
	CHECK_INT(
		policy_read(&policy, SPAN_LITERAL("{\"max_attempts\":3,\"x\":1}"), NULL),
		-1);
	CHECK_INT(policy.max_attempts, 10);
	CHECK_INT(policy_read(&policy, SPAN_LITERAL("{"), NULL), -1);
}

int
main(void)
{
	return tap_run((struct tap_test[]){
		TAP(test_defaults),
		TAP(test_names),
		TAP(test_overrides),
		TAP(test_schedules),
		TAP(test_rules),
		TAP(test_limits),
		TAP(test_errors_name_line_and_member),
		TAP(test_a_refused_document_changes_nothing),
		{0},
	});
}
