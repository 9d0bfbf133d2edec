/* SPDX-License-Identifier: MIT */
#include "model/json.h"

#include "base/clock.h"

#include <string.h>

static bool
is_plain_ascii(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* How many bytes from `at` on can be written as they are. */
static size_t
plain_run(const char *at, const char *end)
{
	const char *from = at;
	size_t step;

	for (;;) {
		while (at < end && is_plain_ascii((unsigned char)*at))
			at++;
		if (at == end || (unsigned char)*at < 0x80)
			break;
		step = utf8_sequence(at, (size_t)(end - at));
		/* U+0080 to U+009F are controls to some terminals. */
		if (step == 0 || (at[0] == '\xc2' && (unsigned char)at[1] < 0xa0))
			break;
		at += step;
	}
	return (size_t)(at - from);
}

/* Writes the character at `at`, which is not plain, and returns its length. */
static size_t
put_escaped(struct buf *out, const char *at, const char *end)
{
	static const char controls[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
	unsigned char c = (unsigned char)*at;
	const char *found = memchr(controls, c, sizeof(controls) - 1);

	if (found != NULL) {
		buf_add_char(out, '\\');
		buf_add_char(out, letters[found - controls]);
		return 1;
	}
	if (c < 0x80) {
		buf_printf(out, "\\u%04x", c);
		return 1;
	}
	if (utf8_sequence(at, (size_t)(end - at)) == 0) {
		buf_add_text(out, "\xef\xbf\xbd");
		return 1;
	}
	buf_printf(out, "\\u%04x", (unsigned char)at[1]);
	return 2;
}

void
json_put_string(struct buf *out, struct span text)
{
	const char *at = text.ptr;
	const char *end = text.len == 0 ? at : at + text.len;

	buf_add_char(out, '"');
	while (at < end) {
		size_t run = plain_run(at, end);

		buf_add(out, at, run);
		at += run;
		if (at < end)
			at += put_escaped(out, at, end);
	}
	buf_add_char(out, '"');
}

void
json_put_key(struct buf *out, const char *key)
{
	char last = out->len == 0 ? '{' : out->data[out->len - 1];
	bool follows = last != '{' && last != '[';
	size_t len = strlen(key);
	char *room = buf_reserve(out, len + (follows ? 4 : 3));

	if (room == NULL)
		return;
	if (follows)
		*room++ = ',';
	*room++ = '"';
	room = (char *)memcpy(room, key, len) + len;
	memcpy(room, "\":", sizeof("\":"));
	out->len = (size_t)(room - out->data) + 2;
}

void
json_put_member_string(struct buf *out, const char *key, struct span text)
{
	json_put_key(out, key);
	json_put_string(out, text);
}

void
json_put_member_int(struct buf *out, const char *key, int64_t value)
{
	json_put_key(out, key);
	buf_add_int64(out, value);
}

void
json_put_member_bool(struct buf *out, const char *key, bool value)
{
	json_put_key(out, key);
	buf_add_text(out, value ? "true" : "false");
}

void
json_put_member_time(struct buf *out, const char *key, int64_t at)
{
	json_put_key(out, key);
	buf_add_char(out, '"');
	buf_add_time(out, at);
	buf_add_char(out, '"');
}

void
json_put_member_raw(struct buf *out, const char *key, struct span json)
{
	json_put_key(out, key);
	buf_add_span(out, json);
}
