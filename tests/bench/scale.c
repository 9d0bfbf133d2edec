/* SPDX-License-Identifier: MIT */
/*
 * scale DB ROWS ROUNDS: what four operations cost with that many delayed jobs present.
 *
 * Fills a new store with ROWS jobs, of which one becomes due each millisecond from the
 * tenth day on, and READY jobs that are due. Then it times, ROUNDS times each and by the
 * median: a claim of 100 ready jobs; a claim of 100 that had to be promoted first,
 * because the clock we hand in has moved on by 100 ms; the statistics; and a page of 50.
 */
#include "store/store.h"
#include "tool.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { BATCH = 5000, READY = 20000, CLAIM = 100, PAGE = 50, DAY_MS = 86400000 };

struct bench {
	struct store *store;
	int64_t start_at; /* all times are made of it, so none of them is "now" */
	int64_t due_at;   /* when the first delayed job is due */
	long rounds;
};

static void
check(int result, const struct err *err)
{
	if (result != 0)
		fail("%s", err->text);
}

/* Puts in `count` jobs; the first is due at run_at, each next one step_ms later. */
static void
enqueue(struct bench *bench, const char *prefix, long count, int64_t run_at, int step_ms)
{
	static struct event events[BATCH];
	static struct receipt receipts[BATCH];
	static char ids[BATCH][32];
	struct err err;
	long done = 0;
	size_t size;

	while (done < count) {
		for (size = 0; size < BATCH && done < count; size++, done++) {
			snprintf(ids[size], sizeof(ids[size]), "%s_%09ld", prefix, done);
			events[size] = (struct event){
				.id = span_of(ids[size]),
				.endpoint = SPAN_LITERAL("http://127.0.0.1:9"),
				.event_type = SPAN_LITERAL("bench"),
				.request = {.url = SPAN_LITERAL("http://127.0.0.1:9/"),
					.body = SPAN_LITERAL("{}"),
					.body_kind = BODY_JSON},
				.max_attempts = 10,
				.run_at = run_at + done * step_ms,
			};
		}
		check(store_enqueue(bench->store, events, size, bench->start_at, receipts,
			      &err),
			&err);
	}
}

/* Claims CLAIM jobs, or gives them back: the latter is not timed. */
static void
release(struct bench *bench, struct delivery **claimed, size_t count, int64_t now)
{
	struct settle settles[CLAIM];
	struct exchange exchange = {
		.now = now, .settles = settles, .settle_count = count};
	struct err err;

	for (size_t i = 0; i < count; i++) {
		settles[i] = (struct settle){.job_id = claimed[i]->job_id,
			.token = claimed[i]->token,
			.endpoint_id = claimed[i]->endpoint_id,
			.outcome = SETTLE_RELEASED};
	}
	check(store_exchange(bench->store, &exchange, &err), &err);
	for (size_t i = 0; i < count; i++)
		free(claimed[i]);
}

static double
claim(struct bench *bench, int64_t now)
{
	struct delivery *claimed[CLAIM];
	struct exchange exchange = {.now = now,
		.claim_limit = CLAIM,
		.claim_room_default = CLAIM,
		.claimed = claimed};
	struct err err;
	double start = monotonic_seconds();
	double end;

	check(store_exchange(bench->store, &exchange, &err), &err);
	end = monotonic_seconds();
	if (exchange.claimed_count != CLAIM)
		fail("claimed %zu jobs of %d", exchange.claimed_count, CLAIM);
	release(bench, claimed, exchange.claimed_count, now);
	return end - start;
}

static double
claim_ready(struct bench *bench, long round)
{
	(void)round;
	return claim(bench, bench->start_at);
}

static double
claim_promoted(struct bench *bench, long round)
{
	return claim(bench, bench->due_at + (round + 1) * CLAIM - 1);
}

static double
statistics(struct bench *bench, long round)
{
	struct queue_stats stats;
	struct err err;
	double start = monotonic_seconds();

	(void)round;
	check(store_stats(bench->store, bench->start_at, &stats, &err), &err);
	queue_stats_free(&stats);
	return monotonic_seconds() - start;
}

static double
list(struct bench *bench, long round)
{
	struct job_filter filter = {.limit = PAGE};
	struct job_page page;
	struct err err;
	double start = monotonic_seconds();

	(void)round;
	check(store_list(bench->store, &filter, false, &page, &err), &err);
	if (page.count != PAGE)
		fail("listed %zu jobs of %d", page.count, PAGE);
	job_page_free(&page);
	return monotonic_seconds() - start;
}

static int
by_size(const void *left, const void *right)
{
	double a = *(const double *)left;
	double b = *(const double *)right;

	return (a > b) - (a < b);
}

typedef double operation(struct bench *bench, long round);

static double
median_us(struct bench *bench, operation *run)
{
	double *times = calloc((size_t)bench->rounds, sizeof(*times));
	double median;

	if (times == NULL)
		fail("out of memory");
	for (long i = 0; i < bench->rounds; i++)
		times[i] = run(bench, i);
	qsort(times, (size_t)bench->rounds, sizeof(*times), by_size);
	median = times[bench->rounds / 2] * 1e6;
	free(times);
	return median;
}

static void
prepare(struct bench *bench, const char *path, long rows)
{
	struct store_options options = {.path = path, .mode = STORE_CREATE};
	struct err err;

	bench->start_at = wall_us() / 1000;
	bench->due_at = bench->start_at + 10 * (int64_t)DAY_MS;
	options.now = bench->start_at;
	check(store_open(&bench->store, &options, &err), &err);
	enqueue(bench, "delayed", rows, bench->due_at, 1);
	enqueue(bench, "ready", READY, bench->start_at, 0);
}

int
main(int argc, char **argv)
{
	struct bench bench = {0};
	struct err err;
	int64_t worker;

	if (argc != 4 || number_of(argv[2]) < number_of(argv[3]) * CLAIM)
		fail("usage: scale DB ROWS ROUNDS (100 rows a round at least)");
	bench.rounds = number_of(argv[3]);
	prepare(&bench, argv[1], number_of(argv[2]));
	check(store_worker_start(bench.store, bench.start_at, DAY_MS, &worker, &err),
		&err);
	printf("{\"claim_us\":%.1f,", median_us(&bench, claim_ready));
	printf("\"promote_us\":%.1f,", median_us(&bench, claim_promoted));
	printf("\"stats_us\":%.1f,", median_us(&bench, statistics));
	printf("\"list_us\":%.1f}\n", median_us(&bench, list));
	store_close(bench.store);
	return 0;
}
