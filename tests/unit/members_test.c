/* SPDX-License-Identifier: MIT */
#include "model/members.h"

#include "tap.h"

static void
read_text(struct members *members, const char *text)
{
	struct json object = {0};

	CHECK_INT(json_read(span_of(text), &object, NULL), 0);
	members_read(members, object);
}

static void
check_get(const struct members *members, const char *name, const char *value)
{
	tap_case(name);
	CHECK_SPAN(members_get(members, name).raw, value);
	CHECK_SPAN(json_get(members->object, name).raw, value);
	tap_case(NULL);
}

static void
check_absent(const struct members *members, const char *name)
{
	tap_case(name);
	CHECK_INT(members_get(members, name).type, JSON_ABSENT);
	tap_case(NULL);
}

static void
test_finds_by_name(void)
{
	struct members members;

	read_text(&members, "{\"a\":1, \"code\" : \"x\",\"\":2,\"a\":{\"b\":{\"c\":3}}}");
	check_get(&members, "a", "{\"b\":{\"c\":3}}");
	check_get(&members, "code", "\"x\"");
	check_get(&members, "", "2");
	check_absent(&members, "cod");
	check_absent(&members, "codes");
	CHECK_SPAN(members_path(&members, "a", "b.c").raw, "3");
	CHECK_SPAN(members_path(&members, "code", NULL).raw, "\"x\"");
	CHECK_INT(members_path(&members, "code", "b").type, JSON_ABSENT);
	CHECK_INT(members_path(&members, "d", "b").type, JSON_ABSENT);
}

static void
test_escapes(void)
{
	struct members members;

	read_text(&members, "{\"a\":1,\"c\\u006fde\":2,\"b\":3}");
	check_get(&members, "code", "2");
	check_get(&members, "a", "1");
	check_get(&members, "b", "3");
	check_absent(&members, "d");
}

/* More than there is room for, the last of which overrides the first. */
static void
test_many(void)
{
	struct members members;
	struct buf text;

	buf_init(&text, 65536);
	buf_add_text(&text, "{\"k\":0");
	for (int i = 0; i < 2 * MEMBERS_MAX; i++)
		buf_printf(&text, ",\"k%d\":%d", i, i);
	buf_add_text(&text, ",\"k\":1}");
	read_text(&members, buf_span(&text).ptr);
	check_get(&members, "k", "1");
	check_get(&members, "k0", "0");
	check_get(&members, "k100", "100");
	check_absent(&members, "k9999");
	buf_free(&text);
}

static void
test_other_values_have_none(void)
{
	static const char *const texts[] = {"[{\"a\":1}]", "\"a\"", "null", "{}"};
	struct members members;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		read_text(&members, texts[i]);
		check_absent(&members, "a");
		CHECK_INT(members.count, 0);
	}
	members_read(&members, (struct json){0});
	check_absent(&members, "a");
}

/* An object that is made to be searched over and over is not. */
static void
test_of_a_huge_object_the_first_count(void)
{
	struct members members;
	struct buf text;

	buf_init(&text, 4 * MEMBERS_SEARCHED_MAX);
	buf_add_text(&text, "{\"first\":1,\"\\u0061\":2");
	for (int i = 0; i < MEMBERS_MAX; i++)
		buf_printf(&text, ",\"k%d\":%d", i, i);
	buf_add_text(&text, ",\"last\":3,\"filler\":\"");
	for (int i = 0; i < MEMBERS_SEARCHED_MAX / 8; i++)
		buf_add_text(&text, "xxxxxxxx");
	buf_add_text(&text, "\"}");
	read_text(&members, buf_span(&text).ptr);
	check_get(&members, "first", "1");
	check_get(&members, "k90", "90");
	check_absent(&members, "a");
	check_absent(&members, "last");
	buf_free(&text);
}

int
main(void)
{
	return tap_run((struct tap_test[]){TAP(test_finds_by_name), TAP(test_escapes),
		TAP(test_of_a_huge_object_the_first_count), TAP(test_many),
		TAP(test_other_values_have_none), {0}});
}
