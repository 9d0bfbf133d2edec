/* SPDX-License-Identifier: MIT */
/*
 * A borrowed run of bytes. Not terminated, may hold NUL; {NULL, 0} means "absent".
 */
#ifndef BASE_SPAN_H
#define BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct span {
	const char *ptr;
	size_t len;
};

#define SPAN_LITERAL(text) ((struct span){(text), sizeof(text) - 1})

/* NULL becomes the absent span. */
struct span span_of(const char *text);

static inline bool
span_present(struct span span)
{
	return span.ptr != NULL;
}

/* How much of it to show in a message, as the precision of "%.*s". */
static inline int
span_shown(struct span span)
{
	enum { SHOWN_MAX = 64 };

	return span.len < SHOWN_MAX ? (int)span.len : SHOWN_MAX;
}

bool span_equal(struct span a, struct span b);
bool span_is(struct span span, const char *text);

/* ASCII case is ignored where the name says so. */
bool span_is_nocase(struct span span, const char *text);
bool span_starts_nocase(struct span span, const char *prefix);
bool span_starts(struct span span, const char *prefix);

/* Without leading and trailing ASCII white space. */
struct span span_trim(struct span span);

/* Takes what stands before the byte off the front of *rest, and the byte with it;
 * everything if it is not there, and then *rest is absent. */
struct span span_take(struct span *rest, char end);

/*
 * The whole span as a decimal integer: an optional '-', then digits. False, with *value
 * untouched, on anything else and on overflow.
 */
bool span_to_int64(struct span span, int64_t *value);

/* The length of the well-formed UTF-8 sequence at `at`; 0 if there is none (RFC 3629). */
size_t utf8_sequence(const char *at, size_t left);

/* Whether the bytes are well-formed UTF-8. */
bool span_is_utf8(struct span span);

#endif
