/* SPDX-License-Identifier: MIT */
/*
 * The reader of JSON against another one (jansson), and what we write against our reader.
 */
#include "target.h"

#include "model/members.h"
#include "model/record.h"
#include "other_reader.h"

#include <string.h>

enum { TEXT_MAX = 16 * 1024 * 1024, NESTED_MAX = 4096 };

/* What a string holds goes out and comes back the same. */
static void
check_string(struct json value)
{
	struct buf text, written, again;
	struct json read;

	buf_init(&text, TEXT_MAX);
	buf_init(&written, TEXT_MAX);
	buf_init(&again, TEXT_MAX);
	json_to_text(value, &text);
	HOLDS(span_is_utf8(buf_span(&text)));
	json_put_string(&written, buf_span(&text));
	HOLDS(json_read(buf_span(&written), &read, NULL) == 0);
	json_to_text(read, &again);
	HOLDS(span_equal(buf_span(&text), buf_span(&again)));
	HOLDS(memchr(buf_span(&text).ptr, '\0', text.len) != NULL ||
		json_is(value, buf_span(&text).ptr));
	buf_free(&text);
	buf_free(&written);
	buf_free(&again);
}

static void
check_number(struct json value)
{
	struct buf written;
	struct json read;
	int64_t number, again;

	if (!json_to_int64(value, &number))
		return;
	buf_init(&written, TEXT_MAX);
	buf_add_int64(&written, number);
	HOLDS(json_read(buf_span(&written), &read, NULL) == 0);
	HOLDS(json_to_int64(read, &again) && again == number);
	buf_free(&written);
}

/* A member by its name is the last one of that name. */
static void
check_lookup(struct json object)
{
	struct members members;
	struct buf name;

	members_read(&members, object);
	buf_init(&name, TEXT_MAX);
	for (struct json_iter it = json_iter(object); json_next(&it);) {
		struct json quoted = {JSON_STRING, {it.key.ptr - 1, it.key.len + 2}};
		struct json found;

		buf_clear(&name);
		json_to_text(quoted, &name);
		if (memchr(buf_span(&name).ptr, '\0', name.len) != NULL)
			continue;
		found = json_get(object, buf_span(&name).ptr);
		HOLDS(found.raw.ptr >= it.value.raw.ptr);
		HOLDS(members_get(&members, buf_span(&name).ptr).raw.ptr ==
			found.raw.ptr);
		check_string(quoted);
	}
	buf_free(&name);
}

static void
check_value(struct json value, struct span text)
{
	struct json again;

	HOLDS(value.raw.len > 0);
	HOLDS(value.raw.ptr >= text.ptr &&
		value.raw.ptr + value.raw.len <= text.ptr + text.len);
	if (text.len <= NESTED_MAX) {
		HOLDS(json_read(value.raw, &again, NULL) == 0);
		HOLDS(again.type == value.type && span_equal(again.raw, value.raw));
	}
	if (value.type == JSON_OBJECT && text.len <= NESTED_MAX)
		check_lookup(value);
	if (value.type == JSON_STRING)
		check_string(value);
	check_number(value);
}

/* Every value at every depth, with the containers that are open on a stack. */
static void
walk(struct json whole, struct span text)
{
	static struct json_iter open[JSON_DEPTH_MAX + 1];
	size_t depth = 1;

	check_value(whole, text);
	open[0] = json_iter(whole);
	while (depth > 0) {
		if (!json_next(&open[depth - 1])) {
			depth--;
			continue;
		}
		HOLDS(depth <= JSON_DEPTH_MAX);
		check_value(open[depth - 1].value, text);
		if (open[depth - 1].value.type >= JSON_ARRAY) {
			open[depth] = json_iter(open[depth - 1].value);
			depth++;
		}
	}
}

/* The two differ in depth, lone surrogates, and numbers that the other cannot hold. */
static void
compare(struct span text, bool accepted, const struct err *err)
{
	switch (other_reader_says(text)) {
	case OTHER_ACCEPTS: /* it does not mind a NUL behind a number */
		HOLDS(accepted || strstr(err->text, "nested too deeply") != NULL ||
			memchr(text.ptr, '\0', text.len) != NULL);
		break;
	case OTHER_REFUSES:
		HOLDS(!accepted || memmem(text.ptr, text.len, "\\u", 2) != NULL);
		break;
	case OTHER_CANNOT:
		break;
	}
}

void
fuzz_json(struct span input)
{
	struct json value;
	struct err err = {0};
	bool accepted = json_read(input, &value, &err) == 0;

	compare(input, accepted, &err);
	if (accepted)
		walk(value, input);
	else
		HOLDS(err.kind == ERR_DATA && span_starts(span_of(err.text), "byte "));
}

/* The last character, and what of it, is in the hands of whoever sent the bytes. */
void
fuzz_json_write(struct span input)
{
	struct buf written, text;
	struct json value;

	buf_init(&written, TEXT_MAX);
	buf_init(&text, TEXT_MAX);
	json_put_string(&written, input);
	HOLDS(json_read(buf_span(&written), &value, NULL) == 0);
	HOLDS(value.type == JSON_STRING && value.raw.len == written.len);
	for (size_t i = 0; i < written.len; i++) {
		unsigned char c = (unsigned char)written.data[i];

		HOLDS(c >= 0x20 && c != 0x7f);
		HOLDS(c != 0xc2 || (unsigned char)written.data[i + 1] >= 0xa0);
	}
	json_to_text(value, &text);
	HOLDS(!span_is_utf8(input) || span_equal(buf_span(&text), input));
	check_string(value);
	buf_free(&written);
	buf_free(&text);
}

void
fuzz_base64(struct span input)
{
	struct buf coded, decoded;

	buf_init(&coded, TEXT_MAX);
	buf_init(&decoded, TEXT_MAX);
	base64_put(&coded, input);
	HOLDS(base64_decode(&decoded, buf_span(&coded)));
	HOLDS(span_equal(buf_span(&decoded), input));
	buf_clear(&coded);
	buf_clear(&decoded);
	if (base64_decode(&decoded, input)) {
		base64_put(&coded, buf_span(&decoded));
		HOLDS(span_equal(buf_span(&coded), input));
	}
	buf_free(&coded);
	buf_free(&decoded);
}
