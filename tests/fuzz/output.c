/* SPDX-License-Identifier: MIT */
/*
 * Bytes on their way to a terminal, and to a shell.
 */
#include "target.h"

#include "cli/table.h"
#include "cmd/shell_word.h"

#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 64 * 1024 * 1024 };

static void
check_text(struct span input, size_t width)
{
	struct buf safe, again;
	size_t columns;

	buf_init(&safe, TEXT_MAX);
	buf_init(&again, TEXT_MAX);
	columns = safe_text(&safe, input, width);
	HOLDS(is_harmless(buf_span(&safe), false));
	HOLDS(width == 0 || columns <= width);
	HOLDS(safe_text(&again, buf_span(&safe), width) == columns);
	HOLDS(span_equal(buf_span(&safe), buf_span(&again)));
	/* A flood of marks on one letter must not climb over the lines above. */
	HOLDS(width == 0 || safe.len <= 64 * (width + 1));
	buf_free(&safe);
	buf_free(&again);
}

/* Each line a cell, in rows of three. */
static void
check_table(struct span input, size_t width)
{
	static const struct output_column columns[] = {
		{"ID", true, 0}, {"WHAT", false, 2}, {"WHY", false, 1}, {0}};
	struct table *table;
	struct buf out;

	buf_init(&out, TEXT_MAX);
	if (table_open(&table, columns, width, false, NULL) != 0)
		abort();
	while (input.len > 0) {
		for (int i = 0; i < 3; i++)
			table_cell(table, TINT_BAD, take_line(&input));
		table_row_end(table, &out);
	}
	table_finish(table, &out);
	HOLDS(table_check(table, NULL) == 0);
	HOLDS(is_harmless(buf_span(&out), true));
	table_free(table);
	buf_free(&out);
}

/* A program reads the same from what a terminal may be shown. */
static void
check_json(struct span input)
{
	struct json value, again;
	struct buf safe, before, after;

	if (json_read(input, &value, NULL) != 0)
		return;
	buf_init(&safe, TEXT_MAX);
	buf_init(&before, TEXT_MAX);
	buf_init(&after, TEXT_MAX);
	safe_json(&safe, input);
	HOLDS(is_harmless(buf_span(&safe), true));
	HOLDS(json_read(buf_span(&safe), &again, NULL) == 0 && again.type == value.type);
	json_to_text(value, &before);
	json_to_text(again, &after);
	HOLDS(span_equal(buf_span(&before), buf_span(&after)));
	buf_free(&safe);
	buf_free(&before);
	buf_free(&after);
}

/* The first line is the width. */
void
fuzz_output(struct span input)
{
	size_t width = (size_t)((uint64_t)take_number(&input, 0) % 200);

	check_text(input, width);
	check_text(input, 0);
	check_table(input, width);
	check_json(input);
}

/* The value of three octal digits. */
static char
octal(const char *at)
{
	return (char)((at[0] - '0') * 64 + (at[1] - '0') * 8 + (at[2] - '0'));
}

/* Reads one piece of a word as sh does: '…', $'…' of octal escapes, \', or plain. */
static const char *
unquote_piece(const char *at, struct buf *word)
{
	bool escapes = at[0] == '$';

	if (at[0] == '\\') {
		buf_add_char(word, at[1]);
		return at + 2;
	}
	if (at[0] != '\'' && !escapes) {
		HOLDS(strchr("|&;<>()$`\\\"' \t\n*?[#~=", *at) == NULL);
		buf_add_char(word, *at);
		return at + 1;
	}
	for (at += 1 + escapes; *at != '\'';) {
		HOLDS(*at != '\0');
		if (escapes && *at == '\\') {
			buf_add_char(word, octal(at + 1));
			at += 4;
		} else {
			buf_add_char(word, *at++);
		}
	}
	return at + 1;
}

void
fuzz_shell(struct span input)
{
	struct buf quoted, word;
	const char *at;

	buf_init(&quoted, TEXT_MAX);
	buf_init(&word, TEXT_MAX);
	shell_quote(&quoted, input);
	HOLDS(is_harmless(buf_span(&quoted), false));
	HOLDS(quoted.len > 0 && buf_check(&quoted, NULL) == 0);
	for (at = buf_span(&quoted).ptr; *at != '\0';)
		at = unquote_piece(at, &word);
	HOLDS(span_equal(buf_span(&word), input));
	buf_free(&quoted);
	buf_free(&word);
}
