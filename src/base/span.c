/* SPDX-License-Identifier: MIT */
#include "base/span.h"

#include <string.h>
#include <strings.h>

struct span
span_of(const char *text)
{
	return (struct span){text, text == NULL ? 0 : strlen(text)};
}

bool
span_equal(struct span a, struct span b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool
span_is(struct span span, const char *text)
{
	return span_equal(span, span_of(text));
}

bool
span_is_nocase(struct span span, const char *text)
{
	return span.len == strlen(text) && strncasecmp(span.ptr, text, span.len) == 0;
}

bool
span_starts_nocase(struct span span, const char *prefix)
{
	size_t len = strlen(prefix);

	return span.len >= len && strncasecmp(span.ptr, prefix, len) == 0;
}

bool
span_starts(struct span span, const char *prefix)
{
	size_t len = strlen(prefix);

	return span.len >= len && memcmp(span.ptr, prefix, len) == 0;
}

static bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

struct span
span_trim(struct span span)
{
	while (span.len > 0 && is_space(span.ptr[0])) {
		span.ptr++;
		span.len--;
	}
	while (span.len > 0 && is_space(span.ptr[span.len - 1]))
		span.len--;
	return span;
}

struct span
span_take(struct span *rest, char end)
{
	const char *at = rest->len == 0 ? NULL : memchr(rest->ptr, end, rest->len);
	struct span taken = *rest;

	if (at == NULL) {
		*rest = (struct span){0};
		return taken;
	}
	taken.len = (size_t)(at - taken.ptr);
	*rest = (struct span){at + 1, rest->len - taken.len - 1};
	return taken;
}

bool
span_to_int64(struct span span, int64_t *value)
{
	bool negative = span.len > 0 && span.ptr[0] == '-';
	int64_t sum = 0;

	if (span.len == (size_t)negative)
		return false;
	for (size_t i = negative; i < span.len; i++) {
		int digit = span.ptr[i] - '0';

		if (digit < 0 || digit > 9)
			return false;
		if (__builtin_mul_overflow(sum, 10, &sum) ||
			__builtin_sub_overflow(sum, digit, &sum))
			return false;
	}
	if (!negative && __builtin_sub_overflow(0, sum, &sum))
		return false;
	*value = sum;
	return true;
}

size_t
utf8_sequence(const char *at, size_t left)
{
	const unsigned char *p = (const unsigned char *)at;
	unsigned char low = 0x80, high = 0xbf;
	size_t len;

	if (left == 0)
		return 0;
	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	len = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (left < len)
		return 0;
	if (p[0] == 0xe0)
		low = 0xa0;
	else if (p[0] == 0xed)
		high = 0x9f;
	else if (p[0] == 0xf0)
		low = 0x90;
	else if (p[0] == 0xf4)
		high = 0x8f;
	if (p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

bool
span_is_utf8(struct span span)
{
	size_t at = 0;

	while (at < span.len) {
		size_t step = utf8_sequence(span.ptr + at, span.len - at);

		if (step == 0)
			return false;
		at += step;
	}
	return true;
}
