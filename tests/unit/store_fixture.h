/* SPDX-License-Identifier: MIT */
/*
 * What the tests of the store share: a directory of their own, a store in it, and short
 * ways to enqueue, claim and settle. Each check fails the test that runs.
 */
#ifndef TESTS_UNIT_STORE_FIXTURE_H
#define TESTS_UNIT_STORE_FIXTURE_H

#include "store/store.h"

#include "tap.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const int64_t NOW = 1767323045678;

struct fixture {
	char directory[64];
	char path[128];
	struct store *store;
	int64_t worker;
};

/*
 * The suite runs on one backend, which $TEST_STORE names: it says where in the fixture's
 * directory a new store is. A new backend passes the same tests.
 */
struct backend {
	const char *name;
	void (*locate)(struct fixture *fixture);
};

static inline void
locate_sqlite(struct fixture *fixture)
{
	snprintf(fixture->path, sizeof(fixture->path), "%s/wh.db", fixture->directory);
}

static const struct backend BACKENDS[] = {{"sqlite", locate_sqlite}};

static inline const struct backend *
backend_chosen(void)
{
	const char *name = getenv("TEST_STORE");

	for (size_t i = 0; i < sizeof(BACKENDS) / sizeof(BACKENDS[0]); i++)
		if (name == NULL || strcmp(BACKENDS[i].name, name) == 0)
			return &BACKENDS[i];
	printf("Bail out! there is no backend '%s'\n", name);
	exit(1);
}

static inline bool
ok(int result, const struct err *err)
{
	if (!tap_check(result == 0, "result == 0", __FILE__, __LINE__)) {
		printf("#   %s\n", err->text);
		fflush(stdout);
	}
	return result == 0;
}

static inline struct store *
open_mode(const struct fixture *fixture, enum store_mode mode)
{
	struct store_options options = {
		.path = fixture->path, .mode = mode, .now = NOW, .busy_wait_ms = 20000};
	struct store *store = NULL;
	struct err err = {0};

	ok(store_open(&store, &options, &err), &err);
	return store;
}

/* A fresh store, and a worker on it. Without a store nothing can be tested. */
static inline struct fixture
fixture_new(void)
{
	struct fixture fixture = {.directory = "/tmp/whtools-test-XXXXXX"};
	struct err err = {0};

	if (mkdtemp(fixture.directory) == NULL)
		abort();
	backend_chosen()->locate(&fixture);
	fixture.store = open_mode(&fixture, STORE_CREATE);
	if (fixture.store == NULL)
		abort();
	ok(store_worker_start(fixture.store, NOW, 30000, &fixture.worker, &err), &err);
	return fixture;
}

static inline int
remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	return remove(path);
}

static inline void
fixture_free(struct fixture *fixture)
{
	store_close(fixture->store);
	nftw(fixture->directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static inline struct event
event_of(const char *id, const char *endpoint)
{
	return (struct event){
		.id = span_of(id),
		.endpoint = span_of(endpoint),
		.event_type = SPAN_LITERAL("invoice.paid"),
		.request = {.url = SPAN_LITERAL("https://a.example/hook"),
			.body = SPAN_LITERAL("{\"n\":1}"),
			.body_kind = BODY_JSON},
		.max_attempts = 10,
		.run_at = NOW,
	};
}

static inline struct receipt
enqueue_event(struct store *store, const struct event *event)
{
	struct receipt receipt = {0};
	struct err err = {0};

	ok(store_enqueue(store, event, 1, NOW, &receipt, &err), &err);
	return receipt;
}

static inline int64_t
enqueue(struct store *store, const char *id)
{
	struct event event = event_of(id, "https://a.example");

	return enqueue_event(store, &event).job_id;
}

/* Claims at most `limit` jobs; *round keeps more and next_due_at. */
static inline size_t
claim_at(struct store *store, int64_t now, struct delivery **claimed, size_t limit,
	struct exchange *round)
{
	struct err err = {0};

	*round = (struct exchange){.now = now,
		.claim_limit = limit,
		.claim_room_default = 1000,
		.claimed = claimed};
	ok(store_exchange(store, round, &err), &err);
	return round->claimed_count;
}

static inline struct delivery *
claim_one(struct store *store, int64_t now)
{
	struct delivery *delivery = NULL;
	struct exchange round;

	claim_at(store, now, &delivery, 1, &round);
	return delivery;
}

static inline struct settle
settle_of(const struct delivery *delivery, enum settle_outcome outcome)
{
	struct settle settle = {.job_id = delivery->job_id,
		.token = delivery->token,
		.endpoint_id = delivery->endpoint_id,
		.outcome = outcome,
		.run_at = NOW + 5000,
		.dead = DEAD_RETRIES_EXHAUSTED};

	settle.attempt.started_at = NOW;
	settle.attempt.status = outcome == SETTLE_COMPLETED ? 200 : 503;
	settle.attempt.outcome = outcome == SETTLE_COMPLETED ? ATTEMPT_COMPLETED
		: outcome == SETTLE_DEAD                     ? ATTEMPT_DEAD
							     : ATTEMPT_RETRY;
	settle.attempt.peer = SPAN_LITERAL("203.0.113.7:443");
	settle.attempt.snippet = SPAN_LITERAL("busy");
	if (outcome != SETTLE_COMPLETED)
		settle.attempt.failure = (struct failure){ERROR_SERVER,
			CATEGORY_RETRYABLE, SPAN_LITERAL("http-5xx"),
			SPAN_LITERAL("the server answered 503")};
	return settle;
}

/* Returns whether it was lost. */
static inline bool
settle_at(struct store *store, struct settle settle, int64_t now)
{
	struct exchange round = {.now = now, .settles = &settle, .settle_count = 1};
	struct err err = {0};

	ok(store_exchange(store, &round, &err), &err);
	return settle.lost;
}

/* Claims the next job and settles it so; returns its id, 0 if there was none. */
static inline int64_t
work_once(struct store *store, int64_t now, enum settle_outcome outcome)
{
	struct delivery *delivery = claim_one(store, now);
	int64_t job_id;

	if (delivery == NULL)
		return 0;
	job_id = delivery->job_id;
	CHECK(!settle_at(store, settle_of(delivery, outcome), now));
	free(delivery);
	return job_id;
}

static inline int
state_of(struct store *store, const char *id)
{
	struct job_page page;
	struct err err = {0};
	int state;

	if (store_find(store, span_of(id), &page, &err) != 0)
		return -1;
	state = (int)page.jobs[0].state;
	job_page_free(&page);
	return state;
}

static inline int
status_of(struct store *store, const char *id)
{
	struct dead_page page;
	struct err err = {0};
	int status;

	if (store_dead_find(store, span_of(id), &page, &err) != 0)
		return -1;
	status = (int)page.letters[0].status;
	dead_page_free(&page);
	return status;
}

/* Acts on one id; returns the result. */
static inline int
keep_result(void *context, const struct action_report *report)
{
	*(struct action_report *)context = *report;
	return 0;
}

static inline struct action_report
act(struct store *store, enum action_verb verb, const char *id, int64_t now)
{
	struct action action = {.verb = verb, .now = now};
	struct action_report report = {0};
	struct span span = span_of(id);
	struct err err = {0};

	ok(store_act(store, &action, &span, 1, keep_result, &report, &err), &err);
	return report;
}

/* The counters agree with the rows, and the file is sound. */
static inline void
check_health(struct store *store)
{
	struct store_health health;
	struct err err = {0};

	ok(store_health(store, NOW, &health, &err), &err);
	CHECK(health.integrity_ok);
	CHECK(health.counters_ok);
	CHECK(health.checksums_ok);
}

#endif
