/* SPDX-License-Identifier: MIT */
#include "model/json.h"

#include "tap.h"

#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 4096 };

/* Reads from an exact copy on the heap, so that a sanitizer sees a byte read too far. */
static int
read_copy(struct span text, enum json_type *type)
{
	char *copy = malloc(text.len + 1);
	struct json value = {0};
	int status;

	if (copy == NULL)
		abort();
	if (text.len > 0)
		memcpy(copy + 1, text.ptr, text.len);
	status = json_read((struct span){copy + 1, text.len}, &value, NULL);
	*type = value.type;
	free(copy);
	return status;
}

static struct json
parse(const char *text)
{
	struct json value = {0};

	CHECK_INT(json_read(span_of(text), &value, NULL), 0);
	return value;
}

static void
test_accepts_every_kind_of_value(void)
{
	static const struct {
		const char *text;
		enum json_type type;
	} cases[] = {
		{"null", JSON_NULL},
		{" true ", JSON_TRUE},
		{"\tfalse\r\n", JSON_FALSE},
		{"0", JSON_NUMBER},
		{"-0", JSON_NUMBER},
		{"10", JSON_NUMBER},
		{"-1.5e+10", JSON_NUMBER},
		{"1E5", JSON_NUMBER},
		{"0.0e-0", JSON_NUMBER},
		{"\"\"", JSON_STRING},
		{"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"", JSON_STRING},
		{"\"\\ud800\"", JSON_STRING},
		{"\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\"", JSON_STRING},
		{"[]", JSON_ARRAY},
		{"[ ]", JSON_ARRAY},
		{"[1, [2, {}], \"]\"]", JSON_ARRAY},
		{"{}", JSON_OBJECT},
		{"{ \"a\" : { \"b\" : [ null ] } , \"c\":1}", JSON_OBJECT},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum json_type type;

		tap_case(cases[i].text);
		CHECK_INT(read_copy(span_of(cases[i].text), &type), 0);
		CHECK_INT(type, cases[i].type);
	}
}

static void
test_refuses_what_the_grammar_does(void)
{
	static const char *const cases[] = {
		"",
		" ",
		"nul",
		"nulls",
		"True",
		"01",
		"-",
		"+1",
		"1.",
		".5",
		"1e",
		"1e+",
		"0x10",
		"NaN",
		"Infinity",
		"'a'",
		"\"",
		"\"a",
		"\"\\",
		"\"\\u12",
		"\"\\u12g4\"",
		"\"\\x41\"",
		"\"\t\"",
		"\"a\nb\"",
		"\"\xff\"",
		"\"\xc3\"",
		"\"\xed\xa0\x80\"",
		"\"\xc0\xaf\"",
		"[",
		"]",
		"[1",
		"[1,",
		"[1,]",
		"[,1]",
		"[1 2]",
		"[1}",
		"{",
		"}",
		"{\"a\"",
		"{\"a\":",
		"{\"a\":1",
		"{\"a\":1,",
		"{\"a\":1,}",
		"{a:1}",
		"{1:1}",
		"{\"a\" 1}",
		"{\"a\":1]",
		"{\"a\":1 \"b\":2}",
		"1 2",
		"{} x",
		"/**/1",
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum json_type type;

		tap_case(cases[i]);
		CHECK_INT(read_copy(span_of(cases[i]), &type), -1);
	}
}

static void
test_says_where_it_went_wrong(void)
{
	struct json value;
	struct err err;

	CHECK_INT(json_read(span_of("{\"a\":1,}"), &value, &err), -1);
	CHECK_INT(err.kind, ERR_DATA);
	CHECK_TEXT(err.text, "byte 8: member name expected");
	CHECK_INT(json_read(span_of("[1"), &value, &err), -1);
	CHECK_TEXT(err.text, "byte 3: the text ends here");
}

/* A control, a quote or a foreign byte at every offset of the eight-byte stride. */
static void
test_strides_do_not_hide_bytes(void)
{
	char text[40];
	enum json_type type;

	for (size_t at = 1; at < 30; at++) {
		memset(text, 'x', sizeof(text));
		text[0] = text[31] = '"';
		CHECK_INT(read_copy((struct span){text, 32}, &type), 0);
		text[at] = '\x1f';
		CHECK_INT(read_copy((struct span){text, 32}, &type), -1);
		text[at] = '"';
		CHECK_INT(read_copy((struct span){text, 32}, &type), -1);
		text[at] = '\x80';
		CHECK_INT(read_copy((struct span){text, 32}, &type), -1);
		text[at] = '\x7f';
		CHECK_INT(read_copy((struct span){text, 32}, &type), 0);
	}
}

static void
test_limits_nesting(void)
{
	char text[2 * (JSON_DEPTH_MAX + 1)];
	enum json_type type;

	memset(text, '[', JSON_DEPTH_MAX + 1);
	memset(text + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
	CHECK_INT(read_copy((struct span){text + 1, 2 * JSON_DEPTH_MAX}, &type), 0);
	CHECK_INT(read_copy((struct span){text, sizeof(text)}, &type), -1);
}

static void
test_values_are_exact_spans(void)
{
	struct json object = parse(
		" { \"a\" : 1.50 , \"s\":\"q\\\"}\\\\\" ,\"o\": {\"x\":[\"}\"] } , \"t\":true}\n");

	CHECK_SPAN(json_get(object, "a").raw, "1.50");
	CHECK_SPAN(json_get(object, "s").raw, "\"q\\\"}\\\\\"");
	CHECK_SPAN(json_get(object, "o").raw, "{\"x\":[\"}\"] }");
	CHECK_SPAN(json_get(object, "t").raw, "true");
	CHECK_INT(json_get(object, "x").type, JSON_ABSENT);
	CHECK(object.raw.ptr[object.raw.len - 1] == '}');
}

static void
test_iterates(void)
{
	struct json_iter it = json_iter(parse("[ 1 , \"b,]\" , [2,3] , {} ]"));

	CHECK(json_next(&it));
	CHECK_SPAN(it.value.raw, "1");
	CHECK(!span_present(it.key));
	CHECK(json_next(&it));
	CHECK_SPAN(it.value.raw, "\"b,]\"");
	CHECK(json_next(&it));
	CHECK_SPAN(it.value.raw, "[2,3]");
	CHECK(json_next(&it));
	CHECK_INT(it.value.type, JSON_OBJECT);
	CHECK(!json_next(&it));
	CHECK(!json_next(&it));
	it = json_iter(parse("{ }"));
	CHECK(!json_next(&it));
	it = json_iter(parse("12"));
	CHECK(!json_next(&it));
	it = json_iter((struct json){0});
	CHECK(!json_next(&it));
}

static void
test_get_takes_the_last_and_resolves_names(void)
{
	CHECK_SPAN(json_get(parse("{\"a\":1,\"b\":2,\"a\":3}"), "a").raw, "3");
	CHECK_SPAN(json_get(parse("{\"\\u0065rr\\u006Fr\":1}"), "error").raw, "1");
	CHECK_INT(
		json_get(parse("{\"errors\":1,\"erro\":2}"), "error").type, JSON_ABSENT);
	CHECK_INT(
		json_get(parse("{\"Retry-After\":1}"), "retry-after").type, JSON_ABSENT);
	CHECK_SPAN(json_get_nocase(parse("{\"Retry-After\":1}"), "retry-after").raw, "1");
	CHECK_INT(json_get(parse("[\"a\"]"), "a").type, JSON_ABSENT);
}

static void
test_path(void)
{
	struct json object = parse(
		"{\"error\":{\"response\":{\"status\":503},\"n\":null}}");

	CHECK_SPAN(json_path(object, "error.response.status").raw, "503");
	CHECK_INT(json_path(object, "error.n").type, JSON_NULL);
	CHECK_INT(json_path(object, "error.n.x").type, JSON_ABSENT);
	CHECK_INT(json_path(object, "error.cause.x").type, JSON_ABSENT);
}

static void
test_integers(void)
{
	static const struct {
		const char *text;
		bool integral;
		int64_t value;
	} cases[] = {
		{"503", true, 503},
		{"503.0", true, 503},
		{"5.03e2", true, 503},
		{"5030e-1", true, 503},
		{"0.000503E+6", true, 503},
		{"-0", true, 0},
		{"0e999999999999", true, 0},
		{"-12", true, -12},
		{"9223372036854775807", true, INT64_MAX},
		{"-9223372036854775808", true, INT64_MIN},
		{"9223372036854775808", false, 0},
		{"1e18", true, 1000000000000000000},
		{"1e19", false, 0},
		{"1e99999999999999999999", false, 0},
		{"503.5", false, 0},
		{"1e-1", false, 0},
		{"\"503\"", false, 0},
		{"true", false, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t value = 0;

		tap_case(cases[i].text);
		CHECK_INT(json_to_int64(parse(cases[i].text), &value), cases[i].integral);
		CHECK_INT(value, cases[i].value);
	}
}

static void
test_resolves_escapes(void)
{
	static const struct {
		const char *json, *text;
	} cases[] = {
		{"\"plain\"", "plain"},
		{"\"a\\\"b\\\\c\\/d\\b\\f\\n\\r\\t\"", "a\"b\\c/d\b\f\n\r\t"},
		{"\"\\u0041\\u00e9\\u20ac\"", "A\xc3\xa9\xe2\x82\xac"},
		{"\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80"},
		{"\"\\ud83d\"", "\xef\xbf\xbd"},
		{"\"\\ude00x\"", "\xef\xbf\xbdx"},
		{"\"\\ud83d\\u0041\"",
			"\xef\xbf\xbd"
			"A"},
		{"12", ""},
	};
	struct buf text;

	buf_init(&text, TEXT_MAX);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		tap_case(cases[i].json);
		buf_clear(&text);
		json_to_text(parse(cases[i].json), &text);
		CHECK_SPAN(buf_span(&text), cases[i].text);
	}
	buf_free(&text);
	CHECK(json_is(parse("\"a\\u0062\""), "ab"));
	CHECK(!json_is(parse("\"ab\""), "abc"));
	CHECK(!json_is(parse("12"), "12"));
}

static void
test_writes_strings(void)
{
	static const struct {
		const char *text, *json;
	} cases[] = {
		{"", "\"\""},
		{"a\"b\\c\n\x01", "\"a\\\"b\\\\c\\n\\u0001\""},
		{"\xc3\xa9\xf0\x9f\x98\x80", "\"\xc3\xa9\xf0\x9f\x98\x80\""},
		{"a\xff"
		 "b\xc3",
			"\"a\xef\xbf\xbd"
			"b\xef\xbf\xbd\""},
		{"\x7f\xc2\x9b"
		 "2J",
			"\"\\u007f\\u009b2J\""},
	};
	struct buf out;

	buf_init(&out, TEXT_MAX);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		tap_case(cases[i].json);
		buf_clear(&out);
		json_put_string(&out, span_of(cases[i].text));
		CHECK_SPAN(buf_span(&out), cases[i].json);
	}
	buf_clear(&out);
	json_put_string(&out, (struct span){0});
	CHECK_SPAN(buf_span(&out), "\"\"");
	buf_free(&out);
}

static void
test_writes_members(void)
{
	struct buf out;

	buf_init(&out, TEXT_MAX);
	buf_add_char(&out, '{');
	json_put_member_string(&out, "s", SPAN_LITERAL("x{"));
	json_put_member_int(&out, "i", -5);
	json_put_member_bool(&out, "b", true);
	json_put_member_time(&out, "at", 1000);
	json_put_key(&out, "a");
	buf_add_text(&out, "[{");
	json_put_member_raw(&out, "raw", SPAN_LITERAL("1.50"));
	buf_add_text(&out, "}]}");
	CHECK_SPAN(buf_span(&out),
		"{\"s\":\"x{\",\"i\":-5,\"b\":true,\"at\":\"1970-01-01T00:00:01.000Z\","
		"\"a\":[{\"raw\":1.50}]}");
	buf_free(&out);
}

int
main(void)
{
	return tap_run((struct tap_test[]){
		TAP(test_accepts_every_kind_of_value),
		TAP(test_refuses_what_the_grammar_does),
		TAP(test_says_where_it_went_wrong),
		TAP(test_strides_do_not_hide_bytes),
		TAP(test_limits_nesting),
		TAP(test_values_are_exact_spans),
		TAP(test_iterates),
		TAP(test_get_takes_the_last_and_resolves_names),
		TAP(test_path),
		TAP(test_integers),
		TAP(test_resolves_escapes),
		TAP(test_writes_strings),
		TAP(test_writes_members),
		{0},
	});
}
