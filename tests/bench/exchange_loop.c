/* SPDX-License-Identifier: MIT */
/*
 * exchange_loop DB COUNT BATCH: what our store costs a worker that delivers nothing: it
 * claims BATCH jobs and settles the batch before as completed, with an attempt row each,
 * in one exchange. The figure beside store_loop.
 */
#include "store/store.h"
#include "tool.h"

#include <stdlib.h>

enum { LEASE_MS = 600000 };

struct batch {
	struct delivery **claimed;
	struct settle *settles;
	size_t size;
	size_t count; /* claimed, and to be settled */
};

static void
check(int result, const struct err *err)
{
	if (result != 0)
		fail("%s", err->text);
}

static struct settle
completed(const struct delivery *delivery, int64_t now)
{
	return (struct settle){
		.job_id = delivery->job_id,
		.token = delivery->token,
		.endpoint_id = delivery->endpoint_id,
		.outcome = SETTLE_COMPLETED,
		.attempt = {.number = 1,
			.started_at = now,
			.outcome = ATTEMPT_COMPLETED,
			.status = 200,
			.http_version = 11,
			.phases = {-1, -1, -1, 300, 310},
			.peer = SPAN_LITERAL("127.0.0.1:8080"),
			.snippet = SPAN_LITERAL("ok")},
	};
}

/* Settles the batch, claims the next; returns how many that are. */
static size_t
exchange_next(struct store *store, struct batch *batch)
{
	struct exchange exchange = {.now = wall_us() / 1000,
		.settles = batch->settles,
		.settle_count = batch->count,
		.claim_limit = batch->size,
		.claim_room_default = (int)batch->size,
		.claimed = batch->claimed};
	struct err err;

	for (size_t i = 0; i < batch->count; i++) {
		batch->settles[i] = completed(batch->claimed[i], exchange.now);
		free(batch->claimed[i]);
	}
	check(store_exchange(store, &exchange, &err), &err);
	for (size_t i = 0; i < batch->count; i++)
		if (batch->settles[i].lost)
			fail("a settle found its job lost");
	batch->count = exchange.claimed_count;
	return batch->count;
}

static struct store *
open_store(const char *path)
{
	struct store_options options = {
		.path = path, .mode = STORE_WRITE, .now = wall_us() / 1000};
	struct store *store;
	struct err err;
	int64_t worker;

	check(store_open(&store, &options, &err), &err);
	check(store_worker_start(store, options.now, LEASE_MS, &worker, &err), &err);
	return store;
}

int
main(int argc, char **argv)
{
	struct batch batch = {0};
	struct stopwatch start;
	struct store *store;
	long settled = 0;

	if (argc != 4)
		fail("usage: exchange_loop DB COUNT BATCH");
	batch.size = (size_t)number_of(argv[3]);
	batch.claimed = calloc(batch.size, sizeof(struct delivery *));
	batch.settles = calloc(batch.size, sizeof(*batch.settles));
	if (batch.claimed == NULL || batch.settles == NULL)
		fail("out of memory");
	store = open_store(argv[1]);
	start = stopwatch_start();
	while (exchange_next(store, &batch) > 0)
		settled += (long)batch.count;
	stopwatch_report(start, settled);
	if (settled != number_of(argv[2]))
		fail("settled %ld jobs of %s", settled, argv[2]);
	store_close(store);
	free(batch.settles);
	free(batch.claimed);
	return 0;
}
