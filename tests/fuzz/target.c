/* SPDX-License-Identifier: MIT */
#include "target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct target targets[] = {
	{"json", fuzz_json},
	{"json_write", fuzz_json_write},
	{"base64", fuzz_base64},
	{"record", fuzz_record},
	{"classify", fuzz_classify},
	{"transfer", fuzz_transfer},
	{"verdict", fuzz_verdict},
	{"retry_after", fuzz_retry_after},
	{"time", fuzz_time},
	{"url", fuzz_url},
	{"guard", fuzz_guard},
	{"header", fuzz_header},
	{"config", fuzz_config},
	{"args", fuzz_args},
	{"ids", fuzz_ids},
	{"lines", fuzz_lines},
	{"output", fuzz_output},
	{"shell", fuzz_shell},
	{0},
};

const struct target *
target_named(const char *name)
{
	for (const struct target *target = targets; target->name != NULL; target++)
		if (strcmp(target->name, name) == 0)
			return target;
	return NULL;
}

void
holds(bool held, const char *what, const char *file, int line)
{
	if (held)
		return;
	fprintf(stderr, "# %s:%d: does not hold: %s\n", file, line, what);
	abort();
}

struct span
take_line(struct span *rest)
{
	const char *end = rest->len == 0 ? NULL : memchr(rest->ptr, '\n', rest->len);
	struct span line = *rest;

	if (end != NULL)
		line.len = (size_t)(end - rest->ptr);
	rest->ptr += line.len + (end != NULL);
	rest->len -= line.len + (end != NULL);
	return line;
}

int64_t
take_number(struct span *rest, int64_t otherwise)
{
	int64_t number = otherwise;

	span_to_int64(take_line(rest), &number);
	return number;
}

/* Said once more here, and in other words than those of the code under test. */
static bool
moves_a_terminal(const unsigned char *at, size_t len)
{
	if (len == 1)
		return at[0] < 0x20 || at[0] == 0x7f;
	if (len == 2) /* C1 controls; the Arabic letter mark */
		return (at[0] == 0xc2 && at[1] < 0xa0) ||
			(at[0] == 0xd8 && at[1] == 0x9c);
	if (len == 4) /* tags and whatever else shows nothing, U+E0000 to U+E0FFF */
		return at[0] == 0xf3 && at[1] == 0xa0;
	if (at[0] == 0xef) /* the byte order mark */
		return at[1] == 0xbb && at[2] == 0xbf;
	if (at[0] != 0xe2)
		return false;
	/* U+200B to U+200F, U+2028 to U+202E; U+2060 to U+206F */
	return (at[1] == 0x80 &&
		       ((at[2] >= 0x8b && at[2] <= 0x8f) ||
			       (at[2] >= 0xa8 && at[2] <= 0xae))) ||
		(at[1] == 0x81 && at[2] >= 0xa0 && at[2] <= 0xaf);
}

bool
is_harmless(struct span text, bool lines)
{
	size_t len;

	for (size_t at = 0; at < text.len; at += len) {
		len = utf8_sequence(text.ptr + at, text.len - at);
		if (len == 0)
			return false;
		if (lines && text.ptr[at] == '\n')
			continue;
		if (moves_a_terminal((const unsigned char *)text.ptr + at, len))
			return false;
	}
	return true;
}

bool
fits_header(struct span text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] == '\r' || text.ptr[i] == '\n' || text.ptr[i] == '\0')
			return false;
	return true;
}
