/* SPDX-License-Identifier: MIT */
/*
 * store_loop DB COUNT BATCH: the limit of every worker on SQLite. It claims jobs of the
 * bare table and acknowledges the batch before in the same transaction; it delivers
 * nothing.
 */
#include "table.h"
#include "tool.h"

#include <stdlib.h>

enum { AUTOCHECKPOINT = 10000 };

struct batch {
	long *ids;
	size_t count;
};

static void
remember(void *context, long id, const char *body, size_t len)
{
	struct batch *batch = context;

	(void)body;
	(void)len;
	batch->ids[batch->count++] = id;
}

/* One transaction; returns how many were claimed. */
static size_t
exchange(struct table *table, struct batch *batch, size_t limit)
{
	size_t claimed;

	table_begin(table);
	for (size_t i = 0; i < batch->count; i++)
		table_acknowledge(table, batch->ids[i]);
	batch->count = 0;
	claimed = table_claim(table, limit, remember, batch);
	table_commit(table);
	return claimed;
}

int
main(int argc, char **argv)
{
	struct stopwatch start;
	struct batch batch = {0};
	struct table *table;
	size_t limit, claimed;
	long count = 0, expected;

	if (argc != 4)
		fail("usage: store_loop DB COUNT BATCH");
	expected = number_of(argv[2]);
	limit = (size_t)number_of(argv[3]);
	batch.ids = calloc(limit, sizeof(*batch.ids));
	if (batch.ids == NULL)
		fail("out of memory");
	table = table_open(argv[1], AUTOCHECKPOINT);
	start = stopwatch_start();
	while ((claimed = exchange(table, &batch, limit)) > 0)
		count += (long)claimed;
	stopwatch_report(start, count);
	if (count != expected)
		fail("claimed %ld jobs of %ld", count, expected);
	table_close(table);
	free(batch.ids);
	return 0;
}
