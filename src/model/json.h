/* SPDX-License-Identifier: MIT */
/*
 * Reading JSON in place.
 *
 * Records are skimmed, not parsed into a tree: one pass validates the text, and a value
 * is the span of its bytes, so a payload reaches the wire exactly as it was given,
 * members we do not know pass through untouched, and nothing is allocated. (jansson takes
 * 20 us for a 1 KB record, changes number spellings and refuses the lone surrogates that
 * JavaScript really prints.) Nesting is limited; nothing here recurses on input.
 */
#ifndef MODEL_JSON_H
#define MODEL_JSON_H

#include "base/buf.h"

enum json_type {
	JSON_ABSENT = 0, /* so that a zeroed struct json is "no such member" */
	JSON_NULL,
	JSON_FALSE,
	JSON_TRUE,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT,
};

enum { JSON_DEPTH_MAX = 512 };

/* A value inside a text that json_read() accepted. Borrows that text. */
struct json {
	enum json_type type;
	struct span raw; /* exactly the value: no white space around, quotes included */
};

/*
 * Validates the whole text as one value (RFC 8259). A lone surrogate escape is accepted,
 * as the grammar does; raw invalid UTF-8 is not. On failure returns -1 with ERR_DATA,
 * "byte N: reason".
 */
int json_read(struct span text, struct json *value, struct err *err);

/*
 * Steps through an array or an object; any other type has no members.
 *	for (struct json_iter it = json_iter(v); json_next(&it);) use(it.key, it.value);
 */
struct json_iter {
	struct span key; /* raw: no quotes, escapes not resolved; absent in an array */
	struct json value;
	const char *at;  /* private */
	const char *end; /* private */
};

struct json_iter json_iter(struct json container);
bool json_next(struct json_iter *it);

/* Whether a key of json_next() reads exactly `name`, its escapes resolved. */
bool json_key_is(struct span key, const char *name);

/* The last member with that name (as JavaScript has it); JSON_ABSENT if there is none. */
struct json json_get(struct json object, const char *key);
struct json json_get_nocase(struct json object, const char *key);

/* json_get() along a dotted path: "error.response.status". */
struct json json_path(struct json object, const char *path);

/* True if the number is integral and fits; 503, 503.0 and 5.03e2 are the same number. */
bool json_to_int64(struct json value, int64_t *number);

/* Resolves a string's escapes into buf (lone surrogates become U+FFFD). Not a string:
 * nothing. */
void json_to_text(struct json value, struct buf *text);

/*
 * The same without memory, piece after piece; a piece is borrowed until the next.
 *	for (struct json_pieces it = json_pieces(v); json_next_piece(&it);) use(it.piece);
 */
struct json_pieces {
	struct span piece;
	struct span rest; /* private */
	char escape[4];   /* private */
};

struct json_pieces json_pieces(struct json value);
bool json_next_piece(struct json_pieces *it);

/* Whether the value is a string that reads exactly `text`. */
bool json_is(struct json value, const char *text);

/* Writing: `text` as a JSON string with quotes. Invalid UTF-8 becomes U+FFFD. */
void json_put_string(struct buf *out, struct span text);

/*
 * Writing an object: ,"key": with the comma only where one is needed (the buffer does not
 * end in '{' or '['). Keys are literals of ours and are not escaped.
 */
void json_put_key(struct buf *out, const char *key);
void json_put_member_string(struct buf *out, const char *key, struct span text);
void json_put_member_int(struct buf *out, const char *key, int64_t value);
void json_put_member_bool(struct buf *out, const char *key, bool value);
void json_put_member_time(struct buf *out, const char *key, int64_t at);
void json_put_member_raw(struct buf *out, const char *key, struct span json);

#endif
