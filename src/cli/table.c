/* SPDX-License-Identifier: MIT */
#include "cli/table.h"

#include <stdlib.h>

enum {
	BATCH_ROWS = 256,
	GAP = 2,
	LEAST = 14,      /* a text column is cut down to this before one is dropped */
	LEAST_LAST = 24, /* the last one is often prose, that needs some more to speak */
	KEEP_MAX = 100,
	CELL_COLUMNS_MAX = 1000,
	TEXT_MAX = 64 * 1024 * 1024,
};

struct cell {
	size_t at, len; /* in the text */
	size_t columns;
	enum tint tint;
};

struct table {
	const struct output_column *columns;
	size_t count;
	size_t width;
	bool color;
	bool laid_out;
	size_t widths[OUTPUT_COLUMNS_MAX]; /* 0: dropped */
	bool empty[OUTPUT_COLUMNS_MAX];    /* nothing but the title and zeros */
	size_t rows;
	size_t filled; /* cells of the row that is being made */
	struct buf text;
	struct cell *cells;
};

int
table_open(struct table **table, const struct output_column *columns, size_t width,
	bool color, struct err *err)
{
	struct table *made = calloc(1, sizeof(*made));

	*table = NULL;
	if (made == NULL)
		return err_no_memory(err);
	*made = (struct table){.columns = columns, .width = width, .color = color};
	while (columns[made->count].title != NULL && made->count < OUTPUT_COLUMNS_MAX)
		made->count++;
	buf_init(&made->text, TEXT_MAX);
	made->cells = calloc(made->count * BATCH_ROWS, sizeof(made->cells[0]));
	if (made->cells == NULL) {
		free(made);
		return err_no_memory(err);
	}
	*table = made;
	return 0;
}

void
table_free(struct table *table)
{
	if (table == NULL)
		return;
	buf_free(&table->text);
	free(table->cells);
	free(table);
}

int
table_check(const struct table *table, struct err *err)
{
	return buf_check(&table->text, err);
}

void
table_cell(struct table *table, enum tint tint, struct span text)
{
	struct cell *cell;

	if (table->filled == table->count)
		return;
	cell = &table->cells[table->rows * table->count + table->filled++];
	cell->at = table->text.len;
	cell->columns = safe_text(&table->text, text, CELL_COLUMNS_MAX);
	cell->len = table->text.len - cell->at;
	cell->tint = tint;
}

static bool
says_nothing(const struct table *table, const struct cell *cell)
{
	return cell->columns == 0 ||
		(cell->len == 1 && buf_span(&table->text).ptr[cell->at] == '0');
}

/* As wide as the widest cell, and as the title. */
static void
measure(struct table *table)
{
	for (size_t column = 0; column < table->count; column++) {
		size_t widest = span_of(table->columns[column].title).len;

		table->empty[column] = true;
		for (size_t row = 0; row < table->rows; row++) {
			const struct cell *cell =
				&table->cells[row * table->count + column];

			widest = cell->columns > widest ? cell->columns : widest;
			table->empty[column] &= says_nothing(table, cell);
		}
		table->widths[column] = widest;
	}
}

static size_t
least_of(const struct table *table, size_t column)
{
	return column == table->count - 1 ? LEAST_LAST : LEAST;
}

static bool
may_shrink(const struct table *table, size_t column)
{
	return !table->columns[column].right && table->columns[column].keep > 0 &&
		table->widths[column] > least_of(table, column);
}

/* The columns the table takes; if `shrunk`, with all that may be cut cut to the least. */
static size_t
total_width(const struct table *table, bool shrunk)
{
	size_t total = 0;

	for (size_t column = 0; column < table->count; column++) {
		if (table->widths[column] == 0)
			continue;
		total += total > 0 ? GAP : 0;
		total += shrunk && may_shrink(table, column) ? least_of(table, column)
							     : table->widths[column];
	}
	return total;
}

/* How readily a column is given up: the less, the sooner; empty ones before all others.
 */
static int
value_of(const struct table *table, size_t column)
{
	int keep = table->columns[column].keep;

	return table->empty[column] ? keep - KEEP_MAX : keep;
}

static bool
drop_column(struct table *table)
{
	size_t found = table->count;

	for (size_t column = 0; column < table->count; column++) {
		if (table->widths[column] == 0 || table->columns[column].keep == 0)
			continue;
		if (found == table->count ||
			value_of(table, column) < value_of(table, found))
			found = column;
	}
	if (found == table->count)
		return false;
	table->widths[found] = 0;
	return true;
}

static bool
shrink_widest(struct table *table)
{
	size_t found = table->count;

	for (size_t column = 0; column < table->count; column++)
		if (may_shrink(table, column) &&
			(found == table->count ||
				table->widths[column] > table->widths[found]))
			found = column;
	if (found == table->count)
		return false;
	table->widths[found]--;
	return true;
}

/* Drops what cannot fit even when cut, then cuts the widest columns evenly. */
static void
lay_out(struct table *table)
{
	measure(table);
	table->laid_out = true;
	if (table->width == 0)
		return;
	while (total_width(table, true) > table->width && drop_column(table))
		;
	while (total_width(table, false) > table->width && shrink_widest(table))
		;
}

static bool
is_last(const struct table *table, size_t column)
{
	while (++column < table->count)
		if (table->widths[column] > 0)
			return false;
	return true;
}

/* A cell padded to its column; nothing is padded at the end of a line. */
static void
put_cell(const struct table *table, struct buf *out, size_t column, enum tint tint,
	struct span text)
{
	struct buf cut;
	size_t columns, padding;
	bool right = table->columns[column].right;

	buf_init(&cut, TEXT_MAX);
	columns = safe_text(&cut, text, table->widths[column]);
	padding = table->widths[column] > columns ? table->widths[column] - columns : 0;
	if (right)
		buf_printf(out, "%*s", (int)padding, "");
	if (cut.len > 0) {
		buf_add_text(out, tint_start(tint, table->color));
		buf_add_span(out, buf_span(&cut));
		buf_add_text(out, tint_end(tint, table->color));
	}
	if (!is_last(table, column))
		buf_printf(out, "%*s", (int)(right ? 0 : padding) + GAP, "");
	out->failed |= cut.failed;
	buf_free(&cut);
}

/* Ends a line; the padding of empty cells at its end is taken back. */
static void
end_line(struct buf *out)
{
	while (!out->failed && out->len > 0 && out->data[out->len - 1] == ' ')
		out->len--;
	buf_add_char(out, '\n');
}

static void
put_titles(const struct table *table, struct buf *out)
{
	for (size_t column = 0; column < table->count; column++)
		if (table->widths[column] > 0)
			put_cell(table, out, column, TINT_BOLD,
				span_of(table->columns[column].title));
	end_line(out);
}

static void
put_row(const struct table *table, struct buf *out, size_t row)
{
	for (size_t column = 0; column < table->count; column++) {
		const struct cell *cell = &table->cells[row * table->count + column];

		if (table->widths[column] == 0)
			continue;
		put_cell(table, out, column, cell->tint,
			(struct span){buf_span(&table->text).ptr + cell->at, cell->len});
	}
	end_line(out);
}

void
table_finish(struct table *table, struct buf *out)
{
	if (table->rows == 0)
		return;
	if (!table->laid_out) {
		lay_out(table);
		put_titles(table, out);
	}
	for (size_t row = 0; row < table->rows; row++)
		put_row(table, out, row);
	table->rows = 0;
	out->failed |= table->text.failed;
	buf_clear(&table->text);
}

void
table_row_end(struct table *table, struct buf *out)
{
	while (table->filled < table->count)
		table_cell(table, TINT_NONE, SPAN_LITERAL(""));
	table->filled = 0;
	table->rows++;
	if (table->rows == BATCH_ROWS)
		table_finish(table, out);
}
