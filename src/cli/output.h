/* SPDX-License-Identifier: MIT */
/*
 * Rows of results: a table for eyes, NDJSON (the contract), a JSON array, TSV, or ids
 * only.
 *
 * A verb describes its columns once and adds rows; each row carries its JSON and its
 * cells, and the format decides which are asked for. Whatever reaches a terminal is made
 * safe: control, escape and bidirectional characters are shown as \u{…}.
 */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include "base/buf.h"
#include "cli/cli.h"

enum { OUTPUT_COLUMNS_MAX = 16 };

enum tint { TINT_NONE, TINT_GOOD, TINT_BAD, TINT_WARN, TINT_DIM, TINT_BOLD };

struct output_column {
	const char *title; /* "ID"; NULL ends the array */
	bool right;        /* aligned to the right: numbers */
	int keep;          /* the least goes first in a narrow window; 0: never */
};

/* What -o asks for; for FORMAT_AUTO a table on a terminal, NDJSON in a pipe. */
enum cli_format output_format(const struct cli *cli, const struct cli_common *common);

struct output;

/* Borrows all that it is given until output_close(). Returns new. ERR_OS. */
int output_open(struct output **output, struct cli *cli, const struct cli_common *common,
	const struct output_column *columns, struct err *err);

/* Whether rows need cells (table, TSV), or JSON (NDJSON, JSON); ids are always needed. */
bool output_wants_cells(const struct output *output);
bool output_wants_json(const struct output *output);

/*
 * A row is made in order: begin, then a cell for each column or one JSON object, then
 * end. The buffer that output_json() returns is open for "{…}" to be appended.
 */
void output_row_begin(struct output *output, struct span id);
void output_cell(struct output *output, enum tint tint, struct span text);
void output_cell_printf(struct output *output, enum tint tint, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void output_cell_age(
	struct output *output, int64_t at, int64_t now); /* "5m", "now", "in 2h" */
void output_cell_due(
	struct output *output, int64_t at, int64_t now); /* "5m ago", "now", "in 2h" */
struct buf *output_json(struct output *output);
int output_row_end(struct output *output, struct err *err);

/* A dim line below a table ("50 of more; next page: --after X"); nothing elsewhere. */
void output_note(struct output *output, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Writes what is left. With no row at all a table prints `empty` (a sentence) instead of
 * a lone header (NULL: nothing). ERR_IO. Frees the output in any case.
 */
int output_close(struct output *output, const char *empty, struct err *err);

/*
 * `text` with everything that could move a cursor or deceive the eye made visible, cut
 * with an ellipsis to `width` columns (0: not cut). Returns the columns it takes.
 */
size_t safe_text(struct buf *out, struct span text, size_t width);

/*
 * The same of a text whose first line begins behind `indent` columns: broken at spaces so
 * that no line is wider than `width` (0: not broken), the others indented as far. A word
 * that is wider stays whole.
 */
void safe_prose(struct buf *out, struct span text, size_t indent, size_t width);

/* $COLUMNS, or those of the window if stdout is a terminal; 0: no limit. */
size_t output_width(bool terminal);

/* Lines of JSON that stay the same to a program, and do nothing to a terminal. */
void safe_json(struct buf *out, struct span json);

/* cli_write_buf() of such lines: safe where stdout is a terminal, else as they are. */
int output_write_json(struct cli *cli, const struct buf *json, struct err *err);

/* Whether stdout (or stderr) shall have colour: --color, NO_COLOR, TERM, a terminal. */
bool color_wanted(const struct cli_common *common, bool terminal);

/* ANSI for a tint, "" without colour. */
const char *tint_start(enum tint tint, bool color);
const char *tint_end(enum tint tint, bool color);

/* A progress line on stderr, only on a terminal and only after a second of work. */
struct progress {
	int64_t started_us;
	int64_t shown_us;
	bool enabled;
};

void progress_start(struct progress *progress, const struct cli *cli);
void progress_show(struct progress *progress, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void progress_end(struct progress *progress);

#endif
