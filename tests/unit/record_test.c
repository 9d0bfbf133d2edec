/* SPDX-License-Identifier: MIT */
#include "model/record.h"

#include "tap.h"

#include <string.h>

struct reading {
	struct arena arena;
	struct record record;
	struct err err;
	int failed;
};

static struct reading
reading_of(const char *line)
{
	struct reading reading = {0};

	reading.failed = record_read(
		&reading.record, span_of(line), &reading.arena, &reading.err);
	return reading;
}

static void
test_keeps_a_payload_byte_for_byte(void)
{
	struct reading reading = reading_of(
		"{\"url\":\"https://a/\",\"payload\": {\"b\":1.0, \"a\":1e2,\"b\":2}  }");

	CHECK_INT(reading.failed, 0);
	CHECK_INT(reading.record.request.body_kind, BODY_JSON);
	CHECK_SPAN(reading.record.request.body, "{\"b\":1.0, \"a\":1e2,\"b\":2}");
	arena_free(&reading.arena);
}

static void
test_null_is_absent_but_a_null_payload_is_one(void)
{
	struct reading reading = reading_of(
		"{\"url\":\"http://a\",\"error\":null,\"id\":null,\"payload\":null}");

	CHECK_INT(reading.failed, 0);
	CHECK(!record_is_report(&reading.record));
	CHECK(!span_present(reading.record.id));
	CHECK_SPAN(reading.record.request.body, "null");
	arena_free(&reading.arena);
}

static void
test_decodes_what_is_escaped(void)
{
	struct reading reading = reading_of(
		"{\"\\u0075rl\":\"https:\\/\\/a\\/\",\"event_type\":\"\\u00e9\","
		"\"payload_b64\":\"\\/\\/8A\"}");

	CHECK_INT(reading.failed, 0);
	CHECK_SPAN(reading.record.request.url, "https://a/");
	CHECK_SPAN(reading.record.event_type, "\xc3\xa9");
	CHECK_INT(reading.record.request.body_kind, BODY_RAW);
	CHECK_INT(reading.record.request.body.len, 3);
	CHECK(memcmp(reading.record.request.body.ptr, "\xff\xff\0", 3) == 0);
	arena_free(&reading.arena);
}

static void
test_keeps_members_it_does_not_know(void)
{
	struct reading reading = reading_of(
		"{\"a\": {\"x\":[1]}, \"url\":\"http://a\","
		"\"b\":\"},{\" , \"priority\":-3, \"c\":null}");

	CHECK_INT(reading.failed, 0);
	CHECK_SPAN(reading.record.request.extra,
		"\"a\": {\"x\":[1]},\"b\":\"},{\",\"c\":null");
	CHECK_INT(reading.record.priority, -3);
	arena_free(&reading.arena);
}

static void
test_refuses(void)
{
	static const struct {
		const char *line, *reason;
	} cases[] = {
		{"[]", "not a JSON object"},
		{"{\"id\":7}", "id: not a string"},
		{"{\"id\":\"\"}", "id: not 1 to 256 bytes of printable text"},
		{"{\"url\":\"ftp://a\"}",
			"url: scheme 'ftp': only http and https can be delivered to"},
		{"{\"endpoint\":\"https://a\"}",
			"endpoint: a name is wanted here; a url belongs in url"},
		{"{\"priority\":101}", "priority: not a whole number from -100 to 100"},
		{"{\"max_attempts\":0}",
			"max_attempts: not a whole number from 1 to 1000"},
		{"{\"attempt\":1.5}", "attempt: not a whole number from 0 to 1000"},
		{"{\"delay\":\"3650d1ms\"}", "delay: longer than ten years"},
		{"{\"delay\":\"1s\",\"run_at\":\"2026-01-02\"}",
			"run_at: delay is there too; give one"},
		{"{\"payload\":1,\"payload_b64\":\"\"}",
			"payload_b64: payload is there too; give one"},
		{"{\"payload_b64\":\"YQ=\"}",
			"payload_b64: not base64 (RFC 4648 section 4, padded)"},
		{"{\"headers\":{\"A\":\"b\\r\\nC: d\"}}",
			"headers.A: line break or NUL in the value would forge a header"},
		{"{\"http\":503}", "http: not an object"},
		{"{\"a\":1,}", "not JSON: byte 8: member name expected"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct reading reading = reading_of(cases[i].line);

		tap_case(cases[i].line);
		CHECK_INT(reading.failed, -1);
		CHECK_INT(reading.err.kind, ERR_DATA);
		CHECK_TEXT(reading.err.text, cases[i].reason);
		arena_free(&reading.arena);
	}
	tap_case(NULL);
}

static void
test_takes_what_curl_prints(void)
{
	struct reading reading = reading_of(
		"{\"exitcode\":7,\"http_code\":0,"
		"\"url\":\"localhost:9001/hook\",\"method\":\"PUT\","
		"\"url_effective\":\"http://localhost:9001/hook\"}");

	CHECK_INT(reading.failed, 0);
	CHECK(reading.record.from_curl);
	CHECK(record_is_report(&reading.record));
	CHECK(!record_is_success(&reading.record));
	CHECK_SPAN(reading.record.request.url, "http://localhost:9001/hook");
	CHECK_SPAN(reading.record.request.method, "PUT");
	arena_free(&reading.arena);
	reading = reading_of("{\"exitcode\":0,\"http_code\":204,"
			     "\"url_effective\":\"http://a/\",\"classification\":{}}");
	CHECK(record_is_success(&reading.record));
	arena_free(&reading.arena);
	reading = reading_of("{\"exitcode\":18,\"http_code\":200,"
			     "\"url_effective\":\"http://a/\"}");
	CHECK(!record_is_success(&reading.record));
	arena_free(&reading.arena);
}

static void
test_an_origin_that_a_listing_shows_is_no_name(void)
{
	struct reading reading = reading_of(
		"{\"url\":\"https://a/x\",\"endpoint\":\"https://a\"}");

	CHECK_INT(reading.failed, 0);
	CHECK(!span_present(reading.record.endpoint));
	arena_free(&reading.arena);
}

static void
test_base64(void)
{
	static const struct {
		const char *bytes, *text;
	} vectors[] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"},
		{"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
	static const char *const wrong[] = {"Z", "Zg",
		"Zg=", "Zh==", "Zm9=", "Zg==Zg==", "Z===", "====", "Zm9v\n", "Zm9-"};

	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		struct buf buf;

		buf_init(&buf, 64);
		base64_put(&buf, span_of(vectors[i].bytes));
		CHECK_SPAN(buf_span(&buf), vectors[i].text);
		buf_clear(&buf);
		CHECK(base64_decode(&buf, span_of(vectors[i].text)));
		CHECK_SPAN(buf_span(&buf), vectors[i].bytes);
		buf_free(&buf);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct buf buf;

		tap_case(wrong[i]);
		buf_init(&buf, 64);
		CHECK(!base64_decode(&buf, span_of(wrong[i])));
		buf_free(&buf);
	}
	tap_case(NULL);
}

static void
test_a_listing_hides_no_member_of_ours(void)
{
	struct job job = {
		.id = 3,
		.event_id = SPAN_LITERAL("e"),
		.request = {.extra = SPAN_LITERAL("\"state\":\"x\",\"job\\u005fid\":7,"
						  "\"m\\u0069ne\":1")},
	};
	struct json listed;
	struct buf out;

	buf_init(&out, 4096);
	buf_add_char(&out, '{');
	put_job(&out, &job);
	buf_add_char(&out, '}');
	CHECK_INT(json_read(buf_span(&out), &listed, NULL), 0);
	CHECK(json_is(json_get(listed, "state"), "waiting"));
	CHECK_SPAN(json_get(listed, "job_id").raw, "3");
	CHECK_SPAN(json_get(listed, "mine").raw, "1");
	buf_clear(&out);
	put_request(&out, &job.request);
	CHECK_SPAN(buf_span(&out), "\"state\":\"x\",\"job\\u005fid\":7,\"m\\u0069ne\":1");
	buf_free(&out);
}

static void
test_phases_that_did_not_happen_are_left_out(void)
{
	struct phases phases = {12, -1, -1, -1, 1234567}, none = {-1, -1, -1, -1, -1};
	struct buf out;

	buf_init(&out, 256);
	put_phases(&out, &none);
	CHECK_INT(out.len, 0);
	put_phases(&out, &phases);
	CHECK_SPAN(buf_span(&out), "\"phases\":{\"dns_ms\":0.012,\"total_ms\":1234.567}");
	buf_free(&out);
}

int
main(void)
{
	return tap_run((struct tap_test[]){TAP(test_keeps_a_payload_byte_for_byte),
		TAP(test_null_is_absent_but_a_null_payload_is_one),
		TAP(test_decodes_what_is_escaped),
		TAP(test_keeps_members_it_does_not_know), TAP(test_refuses),
		TAP(test_takes_what_curl_prints),
		TAP(test_an_origin_that_a_listing_shows_is_no_name), TAP(test_base64),
		TAP(test_a_listing_hides_no_member_of_ours),
		TAP(test_phases_that_did_not_happen_are_left_out), {0}});
}
