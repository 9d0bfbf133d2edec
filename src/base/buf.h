/* SPDX-License-Identifier: MIT */
/*
 * A growing byte buffer that is created with its maximum.
 *
 * Appending never reports: the first failure (the maximum, or memory) makes the buffer
 * *failed* and every later append a no-op, so a caller writes a whole line and asks once.
 * A buffer that has not failed is always followed by a NUL that does not count in `len`.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/err.h"
#include "base/span.h"

struct buf {
	char *data; /* NULL until the first byte */
	size_t len;
	size_t cap;
	size_t max; /* most bytes it may ever hold */
	bool failed;
	bool full; /* failed because of the maximum */
};

void buf_init(struct buf *buf, size_t max);
void buf_free(struct buf *buf);  /* leaves it as after buf_init() */
void buf_clear(struct buf *buf); /* empty and not failed; keeps the memory */

void buf_add(struct buf *buf, const void *bytes, size_t len);
void buf_add_char(struct buf *buf, char c);
void buf_add_text(struct buf *buf, const char *text);
void buf_add_span(struct buf *buf, struct span span);
void buf_add_int64(struct buf *buf, int64_t value);
void buf_printf(struct buf *buf, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Room for `len` more bytes at data + len, or NULL. The caller then adds to len. */
char *buf_reserve(struct buf *buf, size_t len);

/* The content; borrowed until the next append. */
struct span buf_span(const struct buf *buf);

/* 0, or -1 if an append failed: ERR_DATA for the maximum, ERR_OS for memory. */
int buf_check(const struct buf *buf, struct err *err);

#endif
