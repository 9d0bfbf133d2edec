/* SPDX-License-Identifier: MIT */
/*
 * The least that a durable queue in SQLite must do: a narrow table of jobs, their bodies
 * beside it, and a partial index of the ready ones; WAL, synchronous=FULL.
 */
#ifndef BENCH_TABLE_H
#define BENCH_TABLE_H

#include <stddef.h>

struct table;

/* Opens or creates. */
struct table *table_open(const char *path, long autocheckpoint);
void table_close(struct table *table);

void table_begin(struct table *table);
void table_commit(struct table *table);

/* Called between begin and commit. */
void table_insert(struct table *table, long id, const char *body, size_t len);
void table_acknowledge(struct table *table, long id);

typedef void table_each(void *context, long id, const char *body, size_t len);

/* Claims the oldest ready jobs, calls each() for them, and returns their number. */
size_t table_claim(struct table *table, size_t limit, table_each *each, void *context);

#endif
