/* SPDX-License-Identifier: MIT */
/*
 * Two halves: json_read() is a validating state machine whose only memory is one bit per
 * open container; everything behind it walks text that is known to be valid and so needs
 * no checks of its own.
 */
#include "model/json.h"

#include <endian.h>
#include <string.h>
#include <strings.h>

static const uint64_t EVERY_BYTE = 0x0101010101010101;

enum expectation {
	EXPECT_VALUE,
	EXPECT_ITEM_OR_END, /* behind '[' */
	EXPECT_KEY,
	EXPECT_KEY_OR_END, /* behind '{' */
	EXPECT_MORE,       /* behind a value: ',' or the end of its container */
};

struct reader {
	const char *start;
	const char *at;
	const char *end;
	const char *wrong; /* reason of the first failure */
	enum expectation expect;
	int depth;
	bool is_object[JSON_DEPTH_MAX]; /* per open container */
};

static bool
fail(struct reader *reader, const char *reason)
{
	reader->wrong = reader->at == reader->end ? "the text ends here" : reason;
	return false;
}

static bool
is_white(char c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static const char *
skip_white(const char *at, const char *end)
{
	while (at < end && is_white(*at))
		at++;
	return at;
}

/*
 * The top bit of each of the eight bytes at `at` that is a quote, a backslash, a control
 * or not ASCII: a byte minus 1 borrows into its top bit only if the byte was 0. The
 * borrow goes on upwards, so only the lowest bit is to be trusted.
 */
static uint64_t
special_bits(const char *at)
{
	uint64_t word, quote, backslash, control;

	memcpy(&word, at, sizeof(word));
	word = le64toh(word);
	quote = (word ^ (EVERY_BYTE * '"')) - EVERY_BYTE;
	backslash = (word ^ (EVERY_BYTE * '\\')) - EVERY_BYTE;
	control = word - EVERY_BYTE * 0x20;
	return (quote | backslash | control | word) & (EVERY_BYTE * 0x80);
}

static bool
is_plain(char c)
{
	return (unsigned char)c - 0x20u < 0x60 && c != '"' && c != '\\';
}

/* Skips what stands for itself in a string. */
static const char *
skip_plain(const char *at, const char *end)
{
	while (end - at >= 8) {
		uint64_t special = special_bits(at);

		if (special != 0)
			return at + __builtin_ctzll(special) / 8;
		at += 8;
	}
	while (at < end && is_plain(*at))
		at++;
	return at;
}

static bool
is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* At the character behind a backslash. */
static bool
scan_escape(struct reader *reader)
{
	if (reader->at == reader->end || memchr("\"\\/bfnrtu", *reader->at, 9) == NULL)
		return fail(reader, "no such escape");
	if (*reader->at++ != 'u')
		return true;
	for (int i = 0; i < 4; i++, reader->at++)
		if (reader->at == reader->end || !is_hex(*reader->at))
			return fail(reader, "\\u wants four hexadecimal digits");
	return true;
}

/* At the character behind the opening quote; ends behind the closing one. */
static bool
scan_string(struct reader *reader)
{
	for (;;) {
		size_t step;

		reader->at = skip_plain(reader->at, reader->end);
		if (reader->at == reader->end)
			return fail(reader, "");
		if (*reader->at == '"') {
			reader->at++;
			return true;
		}
		if ((unsigned char)*reader->at < 0x20)
			return fail(reader, "control character in a string");
		if (*reader->at == '\\') {
			reader->at++;
			if (!scan_escape(reader))
				return false;
			continue;
		}
		step = utf8_sequence(reader->at, (size_t)(reader->end - reader->at));
		if (step == 0)
			return fail(reader, "invalid UTF-8");
		reader->at += step;
	}
}

static bool
scan_digits(struct reader *reader)
{
	if (reader->at == reader->end || !is_digit(*reader->at))
		return fail(reader, "digit expected");
	while (reader->at < reader->end && is_digit(*reader->at))
		reader->at++;
	return true;
}

static bool
take(struct reader *reader, char c)
{
	if (reader->at == reader->end || *reader->at != c)
		return false;
	reader->at++;
	return true;
}

static bool
scan_number(struct reader *reader)
{
	take(reader, '-');
	if (!take(reader, '0') && !scan_digits(reader))
		return false;
	if (take(reader, '.') && !scan_digits(reader))
		return false;
	if (!take(reader, 'e') && !take(reader, 'E'))
		return true;
	if (!take(reader, '+'))
		take(reader, '-');
	return scan_digits(reader);
}

static bool
scan_word(struct reader *reader, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(reader->end - reader->at) < len ||
		memcmp(reader->at, word, len) != 0)
		return fail(reader, "value expected");
	reader->at += len;
	return true;
}

static bool
open_container(struct reader *reader, bool is_object)
{
	if (reader->depth == JSON_DEPTH_MAX)
		return fail(reader, "nested too deeply");
	reader->at++;
	reader->is_object[reader->depth++] = is_object;
	reader->expect = is_object ? EXPECT_KEY_OR_END : EXPECT_ITEM_OR_END;
	return true;
}

static bool
scan_value(struct reader *reader)
{
	reader->expect = EXPECT_MORE;
	switch (*reader->at) {
	case '{':
		return open_container(reader, true);
	case '[':
		return open_container(reader, false);
	case '"':
		reader->at++;
		return scan_string(reader);
	case 't':
		return scan_word(reader, "true");
	case 'f':
		return scan_word(reader, "false");
	case 'n':
		return scan_word(reader, "null");
	default:
		if (*reader->at != '-' && !is_digit(*reader->at))
			return fail(reader, "value expected");
		return scan_number(reader);
	}
}

static bool
scan_key(struct reader *reader)
{
	if (!take(reader, '"'))
		return fail(reader, "member name expected");
	if (!scan_string(reader))
		return false;
	reader->at = skip_white(reader->at, reader->end);
	if (!take(reader, ':'))
		return fail(reader, "':' expected");
	reader->expect = EXPECT_VALUE;
	return true;
}

static bool
close_container(struct reader *reader)
{
	reader->at++;
	reader->depth--;
	reader->expect = EXPECT_MORE;
	return true;
}

static bool
scan_more(struct reader *reader)
{
	bool is_object = reader->is_object[reader->depth - 1];

	if (*reader->at == (is_object ? '}' : ']'))
		return close_container(reader);
	if (*reader->at != ',')
		return fail(reader,
			is_object ? "',' or '}' expected" : "',' or ']' expected");
	reader->at++;
	reader->expect = is_object ? EXPECT_KEY : EXPECT_VALUE;
	return true;
}

/* One token, at a byte that is not white space. */
static bool
scan_token(struct reader *reader)
{
	switch (reader->expect) {
	case EXPECT_ITEM_OR_END:
		if (*reader->at == ']')
			return close_container(reader);
		return scan_value(reader);
	case EXPECT_KEY_OR_END:
		if (*reader->at == '}')
			return close_container(reader);
		return scan_key(reader);
	case EXPECT_KEY:
		return scan_key(reader);
	case EXPECT_MORE:
		return scan_more(reader);
	default:
		return scan_value(reader);
	}
}

static bool
scan_document(struct reader *reader)
{
	do {
		reader->at = skip_white(reader->at, reader->end);
		if (reader->at == reader->end)
			return fail(reader, "");
		if (!scan_token(reader))
			return false;
	} while (reader->depth > 0 || reader->expect != EXPECT_MORE);
	return true;
}

static enum json_type
type_of(char first)
{
	switch (first) {
	case '{':
		return JSON_OBJECT;
	case '[':
		return JSON_ARRAY;
	case '"':
		return JSON_STRING;
	case 't':
		return JSON_TRUE;
	case 'f':
		return JSON_FALSE;
	case 'n':
		return JSON_NULL;
	default:
		return JSON_NUMBER;
	}
}

int
json_read(struct span text, struct json *value, struct err *err)
{
	struct reader reader;
	const char *first, *behind = NULL;

	/* Not an initialiser: it would clear is_object for every record. */
	reader.start = reader.at = text.len == 0 ? "" : text.ptr;
	reader.end = reader.start + text.len;
	reader.wrong = NULL;
	reader.expect = EXPECT_VALUE;
	reader.depth = 0;
	if (scan_document(&reader)) {
		behind = reader.at;
		reader.at = skip_white(reader.at, reader.end);
		if (reader.at < reader.end)
			fail(&reader, "something follows the value");
	}
	if (reader.wrong != NULL)
		return err_set(err, ERR_DATA, "byte %zu: %s",
			(size_t)(reader.at - reader.start) + 1, reader.wrong);
	first = skip_white(reader.start, reader.end);
	*value = (struct json){type_of(*first), {first, (size_t)(behind - first)}};
	return 0;
}

/* From here on the text is valid: every string has its end, every container too. */

/* From behind the opening quote to the closing one. */
static const char *
string_end(const char *at, const char *end)
{
	for (;;) {
		const char *quote = memchr(at, '"', (size_t)(end - at));
		const char *back = quote;

		while (back > at && back[-1] == '\\')
			back--;
		if ((quote - back) % 2 == 0)
			return quote;
		at = quote + 1;
	}
}

static const char *
container_end(const char *at, const char *end)
{
	size_t depth = 0;

	for (;; at++) {
		switch (*at) {
		case '"':
			at = string_end(at + 1, end);
			break;
		case '{':
		case '[':
			depth++;
			break;
		case '}':
		case ']':
			if (--depth == 0)
				return at + 1;
			break;
		default:
			break;
		}
	}
}

static const char *
scalar_end(const char *at, const char *end)
{
	while (at < end && *at != ',' && *at != '}' && *at != ']' && !is_white(*at))
		at++;
	return at;
}

static struct json
value_at(const char *at, const char *end)
{
	enum json_type type = type_of(*at);
	const char *behind;

	if (type == JSON_STRING)
		behind = string_end(at + 1, end) + 1;
	else if (type == JSON_OBJECT || type == JSON_ARRAY)
		behind = container_end(at, end);
	else
		behind = scalar_end(at, end);
	return (struct json){type, {at, (size_t)(behind - at)}};
}

struct json_iter
json_iter(struct json container)
{
	struct json_iter it = {0};

	if (container.type == JSON_OBJECT || container.type == JSON_ARRAY) {
		it.at = container.raw.ptr + 1;
		it.end = container.raw.ptr + container.raw.len;
	}
	return it;
}

bool
json_next(struct json_iter *it)
{
	bool in_object;
	const char *at;

	if (it->at == it->end)
		return false;
	in_object = it->end[-1] == '}';
	at = skip_white(it->at, it->end);
	if (*at == ',')
		at = skip_white(at + 1, it->end);
	if (at == it->end - 1) {
		it->at = it->end;
		return false;
	}
	if (in_object) {
		const char *quote = string_end(at + 1, it->end);

		it->key = (struct span){at + 1, (size_t)(quote - at - 1)};
		at = skip_white(quote + 1, it->end);
		at = skip_white(at + 1, it->end);
	}
	it->value = value_at(at, it->end);
	it->at = at + it->value.raw.len;
	return true;
}

static unsigned
hex_value(const char *digits)
{
	unsigned value = 0;

	for (int i = 0; i < 4; i++) {
		unsigned c = (unsigned char)digits[i];

		value = value * 16 + (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	return value;
}

static size_t
utf8_encode(unsigned code, char *bytes)
{
	if (code < 0x80) {
		bytes[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		bytes[0] = (char)(0xc0 | code >> 6);
		bytes[1] = (char)(0x80 | (code & 0x3f));
		return 2;
	}
	if (code < 0x10000) {
		bytes[0] = (char)(0xe0 | code >> 12);
		bytes[1] = (char)(0x80 | (code >> 6 & 0x3f));
		bytes[2] = (char)(0x80 | (code & 0x3f));
		return 3;
	}
	bytes[0] = (char)(0xf0 | code >> 18);
	bytes[1] = (char)(0x80 | (code >> 12 & 0x3f));
	bytes[2] = (char)(0x80 | (code >> 6 & 0x3f));
	bytes[3] = (char)(0x80 | (code & 0x3f));
	return 4;
}

/* The code point of the \uXXXX at the front of *rest, or of the pair that starts there.
 */
static unsigned
take_unicode_escape(struct span *rest)
{
	unsigned code = hex_value(rest->ptr + 2), low;

	rest->ptr += 6;
	rest->len -= 6;
	if (code < 0xd800 || code > 0xdfff)
		return code;
	if (code > 0xdbff || rest->len < 6 || memcmp(rest->ptr, "\\u", 2) != 0)
		return 0xfffd;
	low = hex_value(rest->ptr + 2);
	if (low < 0xdc00 || low > 0xdfff)
		return 0xfffd;
	rest->ptr += 6;
	rest->len -= 6;
	return 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
}

/* Takes one escape off the front of *rest; returns how many bytes it stands for. */
static size_t
take_escape(struct span *rest, char *bytes)
{
	static const char letters[] = "bfnrt", controls[] = "\b\f\n\r\t";
	char letter = rest->ptr[1];
	const char *found;

	if (letter == 'u')
		return utf8_encode(take_unicode_escape(rest), bytes);
	found = memchr(letters, letter, sizeof(letters) - 1);
	bytes[0] = found == NULL ? letter : controls[found - letters];
	rest->ptr += 2;
	rest->len -= 2;
	return 1;
}

/* Takes the next run of literal bytes, or one escape, off the front of *rest. */
static struct span
take_piece(struct span *rest, char *bytes)
{
	const char *escape = memchr(rest->ptr, '\\', rest->len);
	struct span piece = *rest;

	if (escape == rest->ptr)
		return (struct span){bytes, take_escape(rest, bytes)};
	if (escape != NULL)
		piece.len = (size_t)(escape - rest->ptr);
	rest->ptr += piece.len;
	rest->len -= piece.len;
	return piece;
}

static bool
same_bytes(struct span a, const char *b, bool nocase)
{
	return nocase ? strncasecmp(a.ptr, b, a.len) == 0 : memcmp(a.ptr, b, a.len) == 0;
}

/* Whether the inside of a string, escapes resolved, is `text`. */
static bool
inside_is(struct span inside, const char *text, bool nocase)
{
	size_t left = strlen(text);
	char bytes[4];

	if (inside.len < left)
		return false;
	while (inside.len > 0) {
		struct span piece = take_piece(&inside, bytes);

		if (piece.len > left || !same_bytes(piece, text, nocase))
			return false;
		text += piece.len;
		left -= piece.len;
	}
	return left == 0;
}

static struct json
get(struct json object, const char *key, bool nocase)
{
	struct json found = {0};

	if (object.type != JSON_OBJECT)
		return found;
	for (struct json_iter it = json_iter(object); json_next(&it);)
		if (inside_is(it.key, key, nocase))
			found = it.value;
	return found;
}

struct json
json_get(struct json object, const char *key)
{
	return get(object, key, false);
}

struct json
json_get_nocase(struct json object, const char *key)
{
	return get(object, key, true);
}

struct json
json_path(struct json object, const char *path)
{
	char key[64];

	while (object.type == JSON_OBJECT) {
		size_t len = strcspn(path, ".");

		if (len >= sizeof(key))
			break;
		memcpy(key, path, len);
		key[len] = '\0';
		object = json_get(object, key);
		if (path[len] == '\0')
			return object;
		path += len + 1;
	}
	return (struct json){0};
}

/* The exponent behind 'e', held within a range in which nothing can overflow. */
static int
read_exponent(struct span digits)
{
	bool negative = digits.ptr[0] == '-';
	int value = 0;

	for (size_t i = !is_digit(digits.ptr[0]); i < digits.len; i++)
		if (value < 100000000)
			value = value * 10 + (digits.ptr[i] - '0');
	return negative ? -value : value;
}

static bool
shift_decimal(int64_t *value, int64_t places)
{
	if (*value == 0)
		return true;
	for (; places > 0; places--)
		if (__builtin_mul_overflow(*value, 10, value))
			return false;
	return true;
}

/*
 * The number is a run of digits times a power of ten. Zeros are held back until a digit
 * follows, so that those at the end only move the power and 5.030 stays 503e-2.
 */
bool
json_to_int64(struct json value, int64_t *number)
{
	bool negative = value.type == JSON_NUMBER && value.raw.ptr[0] == '-';
	bool fraction = false;
	int64_t sum = 0, zeros = 0, power = 0;

	if (value.type != JSON_NUMBER)
		return false;
	for (size_t i = negative; i < value.raw.len; i++) {
		char c = value.raw.ptr[i];

		if (c == '.') {
			fraction = true;
			continue;
		}
		if (!is_digit(c)) {
			power += read_exponent((struct span){
				value.raw.ptr + i + 1, value.raw.len - i - 1});
			break;
		}
		power -= fraction;
		zeros++;
		if (c == '0')
			continue;
		if (!shift_decimal(&sum, zeros) ||
			__builtin_sub_overflow(sum, c - '0', &sum))
			return false;
		zeros = 0;
	}
	power += zeros;
	if ((sum != 0 && power < 0) || !shift_decimal(&sum, power))
		return false;
	if (!negative && __builtin_sub_overflow(0, sum, &sum))
		return false;
	*number = sum;
	return true;
}

static struct span
inside_of(struct json string)
{
	return (struct span){string.raw.ptr + 1, string.raw.len - 2};
}

void
json_to_text(struct json value, struct buf *text)
{
	for (struct json_pieces it = json_pieces(value); json_next_piece(&it);)
		buf_add_span(text, it.piece);
}

struct json_pieces
json_pieces(struct json value)
{
	struct json_pieces it = {0};

	if (value.type == JSON_STRING)
		it.rest = inside_of(value);
	return it;
}

bool
json_next_piece(struct json_pieces *it)
{
	if (it->rest.len == 0)
		return false;
	it->piece = take_piece(&it->rest, it->escape);
	return true;
}

bool
json_is(struct json value, const char *text)
{
	return value.type == JSON_STRING && inside_is(inside_of(value), text, false);
}

bool
json_key_is(struct span key, const char *name)
{
	struct json quoted = {JSON_STRING, {key.ptr - 1, key.len + 2}};

	/* With escapes it is longer than what it reads. */
	return span_is(key, name) ||
		(key.len > strlen(name) && memchr(key.ptr, '\\', key.len) != NULL &&
			json_is(quoted, name));
}
