/* SPDX-License-Identifier: MIT */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUF_FIRST_CAP = 256 };

void
buf_init(struct buf *buf, size_t max)
{
	*buf = (struct buf){.max = max};
}

void
buf_free(struct buf *buf)
{
	free(buf->data);
	buf_init(buf, buf->max);
}

void
buf_clear(struct buf *buf)
{
	buf->len = 0;
	buf->failed = false;
	buf->full = false;
	if (buf->data != NULL)
		buf->data[0] = '\0';
}

static bool
grow(struct buf *buf, size_t needed)
{
	size_t cap = buf->cap == 0 ? BUF_FIRST_CAP : buf->cap;
	char *data;

	while (cap < needed)
		cap *= 2;
	data = realloc(buf->data, cap);
	if (data == NULL)
		return false;
	buf->data = data;
	buf->cap = cap;
	return true;
}

char *
buf_reserve(struct buf *buf, size_t len)
{
	if (buf->failed)
		return NULL;
	buf->full = len > buf->max - buf->len;
	buf->failed = buf->full ||
		(buf->len + len + 1 > buf->cap && !grow(buf, buf->len + len + 1));
	return buf->failed ? NULL : buf->data + buf->len;
}

void
buf_add(struct buf *buf, const void *bytes, size_t len)
{
	char *room = buf_reserve(buf, len);

	if (room == NULL)
		return;
	if (len > 0)
		memcpy(room, bytes, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
}

/* Most lines are made of many of these: where there is room, without a detour. */
void
buf_add_char(struct buf *buf, char c)
{
	if (buf->failed || buf->len + 1 >= buf->cap || buf->len >= buf->max) {
		buf_add(buf, &c, 1);
		return;
	}
	buf->data[buf->len++] = c;
	buf->data[buf->len] = '\0';
}

void
buf_add_text(struct buf *buf, const char *text)
{
	buf_add(buf, text, strlen(text));
}

void
buf_add_span(struct buf *buf, struct span span)
{
	buf_add(buf, span.ptr, span.len);
}

void
buf_add_int64(struct buf *buf, int64_t value)
{
	char digits[24];
	char *end = digits + sizeof(digits);
	char *p = end;
	uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;

	do {
		*--p = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest > 0);
	if (value < 0)
		*--p = '-';
	buf_add(buf, p, (size_t)(end - p));
}

void
buf_printf(struct buf *buf, const char *format, ...)
{
	va_list args, again;
	int len;
	char *room;

	va_start(args, format);
	va_copy(again, args);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	room = len < 0 ? NULL : buf_reserve(buf, (size_t)len);
	if (room != NULL) {
		vsnprintf(room, (size_t)len + 1, format, again);
		buf->len += (size_t)len;
	}
	va_end(again);
}

struct span
buf_span(const struct buf *buf)
{
	return (struct span){buf->data == NULL ? "" : buf->data, buf->len};
}

int
buf_check(const struct buf *buf, struct err *err)
{
	if (!buf->failed)
		return 0;
	if (buf->full)
		return err_set(err, ERR_DATA, "larger than %zu bytes", buf->max);
	return err_no_memory(err);
}
