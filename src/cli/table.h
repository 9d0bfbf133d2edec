/* SPDX-License-Identifier: MIT */
/*
 * Laying out a table for eyes. The widths come from the first rows (a batch), so that a
 * long listing streams in bounded memory.
 */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include "cli/output.h"

struct table;

/* Borrows the columns; width 0: as wide as it comes. Returns new in *table. ERR_OS. */
int table_open(struct table **table, const struct output_column *columns, size_t width,
	bool color, struct err *err);
void table_free(struct table *table);

/* Cells of a row in order; those that are missing at its end are empty. */
void table_cell(struct table *table, enum tint tint, struct span text);

/* Ends the row; once a batch is full its lines are appended to out. */
void table_row_end(struct table *table, struct buf *out);

/* The lines that are left. */
void table_finish(struct table *table, struct buf *out);

/* A text of cells that did not fit in memory. */
int table_check(const struct table *table, struct err *err);

#endif
