/* SPDX-License-Identifier: MIT */
/*
 * delivery_loop DB URL COUNT CONCURRENCY: what a queue on SQLite and libcurl costs at
 * least, both on one thread: no retry, no dead letters, no attempt rows, no fairness.
 * When its stock of claimed jobs runs out it acknowledges what was delivered and claims
 * the next BATCH in one transaction, while the transfers that are under way go on.
 */
#include "sender.h"
#include "table.h"
#include "tool.h"

#include <stdlib.h>
#include <string.h>

enum { AUTOCHECKPOINT = 10000, BATCH = 1000 };

struct loop {
	struct table *table;
	struct parcel stock[BATCH];
	size_t stock_count;
	size_t stock_next;
	long *done;
	size_t done_count;
	long delivered;
};

static void
take_in(void *context, long id, const char *body, size_t len)
{
	struct loop *loop = context;
	char *copy = malloc(len);

	if (copy == NULL)
		fail("out of memory");
	memcpy(copy, body, len);
	loop->stock[loop->stock_count++] = (struct parcel){
		.job = id, .body = copy, .len = len};
}

static void
exchange(struct loop *loop)
{
	table_begin(loop->table);
	for (size_t i = 0; i < loop->done_count; i++)
		table_acknowledge(loop->table, loop->done[i]);
	loop->done_count = 0;
	loop->stock_count = 0;
	loop->stock_next = 0;
	table_claim(loop->table, BATCH, take_in, loop);
	table_commit(loop->table);
}

static bool
next_parcel(void *context, struct parcel *parcel)
{
	struct loop *loop = context;

	if (loop->stock_next == loop->stock_count)
		exchange(loop);
	if (loop->stock_count == 0)
		return false;
	*parcel = loop->stock[loop->stock_next++];
	return true;
}

static void
note_done(void *context, const struct parcel *parcel)
{
	struct loop *loop = context;

	free((char *)parcel->body);
	loop->done[loop->done_count++] = parcel->job;
	loop->delivered++;
}

int
main(int argc, char **argv)
{
	struct stopwatch start;
	struct sender *sender;
	struct loop loop = {0};
	size_t concurrency;

	if (argc != 5)
		fail("usage: delivery_loop DB URL COUNT CONCURRENCY");
	concurrency = (size_t)number_of(argv[4]);
	loop.table = table_open(argv[1], AUTOCHECKPOINT);
	loop.done = calloc(BATCH + concurrency, sizeof(*loop.done));
	if (loop.done == NULL)
		fail("out of memory");
	sender = sender_new(argv[2], concurrency);
	start = stopwatch_start();
	sender_run(sender, next_parcel, note_done, &loop);
	exchange(&loop);
	stopwatch_report(start, loop.delivered);
	if (loop.delivered != number_of(argv[3]))
		fail("delivered %ld jobs of %s", loop.delivered, argv[3]);
	sender_free(sender);
	table_close(loop.table);
	free(loop.done);
	return 0;
}
