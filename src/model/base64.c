/* SPDX-License-Identifier: MIT */
#include "model/record.h"

#include <string.h>

static const char DIGITS[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Up to three bytes, as the upper ones of 24 bits. */
static uint32_t
group_of(const unsigned char *bytes, size_t count)
{
	uint32_t group = (uint32_t)bytes[0] << 16;

	if (count > 1)
		group |= (uint32_t)bytes[1] << 8;
	if (count > 2)
		group |= bytes[2];
	return group;
}

void
base64_put(struct buf *out, struct span bytes)
{
	const unsigned char *from = (const unsigned char *)bytes.ptr;
	size_t len = (bytes.len + 2) / 3 * 4;
	char *to = buf_reserve(out, len);

	if (to == NULL)
		return;
	for (size_t at = 0; at < bytes.len; at += 3, to += 4) {
		size_t count = bytes.len - at < 3 ? bytes.len - at : 3;
		uint32_t group = group_of(from + at, count);

		to[0] = DIGITS[group >> 18];
		to[1] = DIGITS[group >> 12 & 63];
		to[2] = count > 1 ? DIGITS[group >> 6 & 63] : '=';
		to[3] = count > 2 ? DIGITS[group & 63] : '=';
	}
	*to = '\0';
	out->len += len;
}

/* -1 for anything that is no digit; '=' is none. */
static int
digit_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Decodes one group of `count` digits into count - 1 bytes. */
static bool
decode_group(const char *digits, size_t count, char *to)
{
	uint32_t group = 0;

	for (size_t i = 0; i < 4; i++) {
		int value = i < count ? digit_value(digits[i]) : 0;

		if (value < 0)
			return false;
		group = group << 6 | (uint32_t)value;
	}
	/* Bits that no byte uses must be zero, or two texts would mean the same. */
	if (count < 4 && (group & (0xffffffu >> (8 * (count - 1)))) != 0)
		return false;
	for (size_t i = 0; i + 1 < count; i++)
		to[i] = (char)(group >> (16 - 8 * i));
	return true;
}

bool
base64_decode(struct buf *out, struct span text)
{
	size_t padding = 0, len;
	char *to;

	if (text.len % 4 != 0)
		return false;
	while (padding < 2 && padding < text.len &&
		text.ptr[text.len - 1 - padding] == '=')
		padding++;
	len = text.len / 4 * 3 - padding;
	to = buf_reserve(out, len);
	if (to == NULL)
		return false;
	for (size_t at = 0; at < text.len; at += 4, to += 3) {
		size_t count = at + 4 == text.len ? 4 - padding : 4;

		if (!decode_group(text.ptr + at, count, to))
			return false;
	}
	out->len += len;
	out->data[out->len] = '\0';
	return true;
}
