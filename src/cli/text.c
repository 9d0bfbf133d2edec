/* SPDX-License-Identifier: MIT */
/*
 * Text from elsewhere on its way to a terminal: what could move the cursor, change
 * colours or reorder what is read is shown as \u{…} instead of being obeyed.
 */
#include "cli/output.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

/* More marks than this on one letter are not writing: they climb over the lines above. */
enum { MARKS_MAX = 8, WORD_BYTES_MAX = 64 * 1024 * 1024 };

static bool
is_deceptive(uint32_t point)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{0x00, 0x1f},       /* C0 controls */
		{0x7f, 0x9f},       /* DEL, C1 controls */
		{0xad, 0xad},       /* soft hyphen */
		{0x34f, 0x34f},     /* combining grapheme joiner */
		{0x61c, 0x61c},     /* Arabic letter mark */
		{0x115f, 0x1160},   /* Hangul fillers */
		{0x17b4, 0x17b5},   /* Khmer vowels that are not shown */
		{0x180b, 0x180f},   /* Mongolian selectors and separator */
		{0x200b, 0x200f},   /* zero-width, directional marks */
		{0x2028, 0x202e},   /* line separators, bidirectional embeddings */
		{0x2060, 0x206f},   /* invisible operators, bidirectional isolates */
		{0x3164, 0x3164},   /* Hangul filler */
		{0xfeff, 0xfeff},   /* byte order mark */
		{0xffa0, 0xffa0},   /* halfwidth Hangul filler */
		{0xfff0, 0xfffb},   /* interlinear annotation */
		{0x1bca0, 0x1bca3}, /* shorthand format controls */
		{0x1d173, 0x1d17a}, /* musical format controls */
		{0xe0000, 0xe0fff}, /* tags, and selectors that hide text */
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (point >= ranges[i].first && point <= ranges[i].last)
			return true;
	return false;
}

/* The code point of a sequence that utf8_sequence() accepted. */
static uint32_t
decode(const char *at, size_t len)
{
	static const unsigned char lead_bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	uint32_t point = (unsigned char)at[0] & lead_bits[len];

	for (size_t i = 1; i < len; i++)
		point = point << 6 | ((unsigned char)at[i] & 0x3f);
	return point;
}

/*
 * Only wcwidth() needs a locale. Loading one takes a tenth of the time of a program that
 * enqueues one event, and most texts are ASCII.
 */
static int
columns_of(uint32_t point)
{
	if (point < 0x80)
		return 1;
	if (MB_CUR_MAX == 1)
		setlocale(LC_CTYPE, "C.UTF-8");
	return wcwidth((wchar_t)point);
}

/*
 * Whether the character is not to be shown as it is; *columns is what it would take.
 * *marks counts those in a row that take none.
 */
static bool
must_escape(uint32_t point, size_t *marks, int *columns)
{
	if (is_deceptive(point)) {
		*marks = 0;
		return true;
	}
	*columns = columns_of(point);
	*marks = *columns == 0 ? *marks + 1 : 0;
	return *marks > MARKS_MAX;
}

/* Appends one character made safe, and returns the columns it takes. */
static size_t
add_safe(struct buf *out, const char *at, size_t len, size_t *marks)
{
	size_t before = out->len;
	int columns;

	if (len == 0) {
		buf_printf(out, "\\x{%02x}", (unsigned char)*at);
		return out->len - before;
	}
	if (must_escape(decode(at, len), marks, &columns)) {
		buf_printf(out, "\\u{%x}", (unsigned)decode(at, len));
		return out->len - before;
	}
	buf_add(out, at, len);
	return columns < 0 ? 1 : (size_t)columns;
}

static void
truncate_to(struct buf *out, size_t len)
{
	if (out->failed)
		return;
	out->len = len;
	out->data[len] = '\0';
}

size_t
safe_text(struct buf *out, struct span text, size_t width)
{
	size_t columns = 0;
	size_t marks = 0;
	size_t fits_len = out->len,
	       fits_columns = 0; /* with room left for the ellipsis */

	for (size_t at = 0; at < text.len && !out->failed;) {
		size_t len = utf8_sequence(text.ptr + at, text.len - at);

		columns += add_safe(out, text.ptr + at, len, &marks);
		at += len == 0 ? 1 : len;
		if (width > 0 && columns > width) {
			truncate_to(out, fits_len);
			buf_add_text(out, "…");
			return fits_columns + 1;
		}
		if (columns < width) {
			fits_len = out->len;
			fits_columns = columns;
		}
	}
	return columns;
}

void
safe_prose(struct buf *out, struct span text, size_t indent, size_t width)
{
	size_t column = indent;
	struct buf word;

	buf_init(&word, WORD_BYTES_MAX);
	while (text.len > 0) {
		size_t columns;

		buf_clear(&word);
		columns = safe_text(&word, span_take(&text, ' '), 0);
		if (column > indent && width > 0 && column + 1 + columns > width) {
			buf_printf(out, "\n%*s", (int)indent, "");
			column = indent;
		} else if (column > indent) {
			buf_add_char(out, ' ');
			column++;
		}
		buf_add_span(out, buf_span(&word));
		out->failed |= word.failed;
		column += columns;
	}
	buf_free(&word);
}

/* Outside strings JSON has no such characters but white space; between lines newlines. */
static void
add_json_escape(struct buf *out, uint32_t point)
{
	if (point == '\n')
		buf_add_char(out, '\n');
	else if (point < 0x20)
		buf_add_char(out, ' ');
	else if (point < 0x10000)
		buf_printf(out, "\\u%04x", (unsigned)point);
	else
		buf_printf(out, "\\u%04x\\u%04x",
			(unsigned)(0xd800 + ((point - 0x10000) >> 10)),
			(unsigned)(0xdc00 + ((point - 0x10000) & 0x3ff)));
}

void
safe_json(struct buf *out, struct span json)
{
	size_t len, marks = 0;
	int columns;

	for (size_t at = 0; at < json.len; at += len) {
		uint32_t point;

		len = utf8_sequence(json.ptr + at, json.len - at);
		if (len == 0) {
			buf_add_text(out, "\\ufffd");
			len = 1;
			continue;
		}
		point = decode(json.ptr + at, len);
		if (must_escape(point, &marks, &columns))
			add_json_escape(out, point);
		else
			buf_add(out, json.ptr + at, len);
	}
}
