/* SPDX-License-Identifier: MIT */
/*
 * What the store does with endpoints that are not well, and with those that have a rate.
 */
#include "store_fixture.h"

static const char ENDPOINT[] = "https://a.example";

static void
enqueue_some(struct store *store, const char *endpoint, int count)
{
	char id[64];

	for (int i = 0; i < count; i++) {
		struct event event;

		snprintf(id, sizeof(id), "%s-%d", endpoint, i);
		event = event_of(id, endpoint);
		enqueue_event(store, &event);
	}
}

static int
ignore_report(void *context, const struct action_report *report)
{
	(void)context;
	(void)report;
	return 0;
}

/* Claims what there is and frees it; how many, and in *round when to come back. */
static size_t
count_claimed(struct store *store, int64_t now, struct exchange *round)
{
	struct delivery *claimed[100] = {0};
	size_t count = claim_at(store, now, claimed, 100, round);

	for (size_t i = 0; i < count; i++)
		free(claimed[i]);
	return count;
}

/* Settles as tried again much later, and says what that did to the breaker. */
static void
settle_breaker(struct store *store, const struct delivery *delivery,
	enum settle_outcome outcome, struct breaker breaker, int64_t now)
{
	struct settle settle = settle_of(delivery, outcome);

	settle.run_at = NOW + 3600000;
	settle.breaker_changed = true;
	settle.breaker = breaker;
	settle.closings = delivery->closings;
	CHECK(!settle_at(store, settle, now));
}

static struct endpoint_stats
stats_of(struct store *store, int64_t now)
{
	struct queue_stats stats;
	struct endpoint_stats found = {0};
	struct err err = {0};

	if (!ok(store_stats(store, now, &stats, &err), &err))
		return found;
	if (CHECK_INT((int64_t)stats.count, 1))
		found = stats.endpoints[0];
	found.endpoint = (struct span){0};
	queue_stats_free(&stats);
	return found;
}

/* A store with four jobs, one of which has just opened the breaker for a second. */
static struct fixture
tripped(void)
{
	struct fixture f = fixture_new();
	struct delivery *delivery;

	enqueue_some(f.store, ENDPOINT, 5);
	delivery = claim_one(f.store, NOW);
	settle_breaker(f.store, delivery, SETTLE_RETRY,
		(struct breaker){10, 1, NOW + 1000}, NOW);
	free(delivery);
	return f;
}

static void
test_an_open_breaker_parks_its_jobs(void)
{
	struct fixture f = tripped();
	struct endpoint_stats stats = stats_of(f.store, NOW);
	struct exchange round;

	CHECK_INT((int64_t)count_claimed(f.store, NOW + 999, &round), 0);
	CHECK(!round.more);
	CHECK_INT(round.next_due_at, NOW + 1000);
	CHECK_INT(stats.counts[JOB_WAITING], 4);
	CHECK_INT(stats.breaker.failures, 10);
	CHECK_INT(stats.breaker.trips, 1);
	CHECK_INT(stats.breaker.open_until, NOW + 1000);
	CHECK_INT(stats.breaker_opened_at, NOW);
	check_health(f.store);
	fixture_free(&f);
}

static const int64_t DAY_MS = 24 * 3600 * 1000;

/* What a worker does now and then; it is also when it looks at the clock. */
static void
look_after(struct store *store, int64_t now)
{
	struct stalled_list list;
	struct err err = {0};

	if (ok(store_reclaim(store, now, 10, &list, &err), &err))
		arena_free(&list.arena);
}

static void
test_a_breaker_follows_a_clock_that_is_set_back(void)
{
	struct fixture f = tripped();
	struct exchange round;

	look_after(f.store, NOW + 400);
	look_after(f.store, NOW - DAY_MS);
	CHECK_INT(stats_of(f.store, NOW - DAY_MS).breaker.open_until, NOW - DAY_MS + 600);
	CHECK_INT((int64_t)count_claimed(f.store, NOW - DAY_MS + 599, &round), 0);
	CHECK_INT((int64_t)count_claimed(f.store, NOW - DAY_MS + 600, &round), 1);
	look_after(f.store, NOW - DAY_MS + 700);
	CHECK_INT(stats_of(f.store, NOW - DAY_MS).breaker.open_until, NOW - DAY_MS + 600);
	check_health(f.store);
	fixture_free(&f);
}

static void
test_a_clock_that_is_a_little_wrong_moves_nothing(void)
{
	struct fixture f = tripped();

	look_after(f.store, NOW);
	look_after(f.store, NOW - 15000);
	CHECK_INT(stats_of(f.store, NOW).breaker.open_until, NOW + 1000);
	fixture_free(&f);
}

static void
test_an_attempt_that_was_judged_by_a_clock_set_back_since(void)
{
	struct fixture f = fixture_new();
	struct delivery *delivery, *claimed[1];
	struct settle settle;
	struct exchange round;

	enqueue_some(f.store, ENDPOINT, 1);
	delivery = claim_one(f.store, NOW);
	settle = settle_of(delivery, SETTLE_RETRY);
	settle.judged_at = NOW + DAY_MS;
	settle.run_at = NOW + DAY_MS + 3000;
	settle.endpoint_not_before = NOW + DAY_MS + 2000;
	CHECK(!settle_at(f.store, settle, NOW));
	free(delivery);
	CHECK_INT(stats_of(f.store, NOW).not_before, NOW + 2000);
	claim_at(f.store, NOW, claimed, 1, &round);
	CHECK_INT(round.next_due_at, NOW + 3000);
	fixture_free(&f);
}

/* So many jobs like that one, each due a millisecond after the one before. */
static void
enqueue_series(struct store *store, const struct event *first, size_t count)
{
	struct event *events = calloc(count, sizeof(*events));
	struct receipt *receipts = calloc(count, sizeof(*receipts));
	char(*ids)[32] = calloc(count, sizeof(*ids));
	struct err err = {0};

	for (size_t i = 0; i < count; i++) {
		snprintf(ids[i], sizeof(ids[i]), "%.*s-%zu", (int)first->id.len,
			first->id.ptr, i);
		events[i] = *first;
		events[i].id = span_of(ids[i]);
		events[i].run_at += (int64_t)i;
	}
	ok(store_enqueue(store, events, count, NOW, receipts, &err), &err);
	free(ids);
	free(receipts);
	free(events);
}

/* More than are moved at a time, some of which the user put there himself. */
static void
test_retries_follow_a_clock_that_is_set_back(void)
{
	struct fixture f = fixture_new();
	struct event own = event_of("own", ENDPOINT);
	struct event retry = event_of("retry", ENDPOINT);
	struct exchange round;

	own.run_at = NOW + 3000;
	enqueue_series(f.store, &own, 700);
	retry.run_at = NOW + 2000;
	retry.attempt = 1;
	retry.reported = (struct attempt){.outcome = ATTEMPT_RETRY};
	enqueue_series(f.store, &retry, 1500);
	look_after(f.store, NOW - DAY_MS);
	count_claimed(f.store, NOW - DAY_MS, &round);
	CHECK_INT(round.next_due_at, NOW - DAY_MS + 2000);
	CHECK_INT((int64_t)count_claimed(f.store, NOW - DAY_MS + 2009, &round), 10);
	for (int i = 0; i < 3; i++)
		count_claimed(f.store, NOW - 1000, &round);
	CHECK_INT(stats_of(f.store, NOW).counts[JOB_DELAYED], 700);
	check_health(f.store);
	fixture_free(&f);
}

static void
test_a_worker_that_does_not_know_the_endpoint_leaves_its_jobs(void)
{
	struct fixture f = fixture_new();
	struct delivery *delivery;
	struct settle settle;

	enqueue_some(f.store, ENDPOINT, 2);
	delivery = claim_one(f.store, NOW);
	settle = settle_of(delivery, SETTLE_RELEASED);
	settle.unconfigured = true;
	CHECK(!settle_at(f.store, settle, NOW + 1));
	CHECK_INT(stats_of(f.store, NOW + 1).unconfigured_at, NOW + 1);
	CHECK_INT(stats_of(f.store, NOW + 1).counts[JOB_WAITING], 2);
	free(delivery);
	delivery = claim_one(f.store, NOW + 2);
	CHECK_INT(delivery->attempts_made, 0);
	CHECK_INT(stats_of(f.store, NOW + 2).unconfigured_at, 0);
	check_health(f.store);
	free(delivery);
	fixture_free(&f);
}

/* Of the room's endpoint no more than it says. */
static size_t
claim_in_room(struct store *store, const struct claim_room *room,
	struct delivery **claimed, size_t limit, struct exchange *round)
{
	struct err err = {0};

	*round = (struct exchange){.now = NOW,
		.claim_limit = limit,
		.claim_room_default = 5,
		.rooms = room,
		.room_count = 1,
		.claimed = claimed};
	ok(store_exchange(store, round, &err), &err);
	return round->claimed_count;
}

static void
test_what_is_never_claimed_is_not_left_behind(void)
{
	struct fixture f = fixture_new();
	struct delivery *first, *claimed[5] = {0};
	struct claim_room room;
	struct exchange round;
	struct action expedite = {.verb = ACT_EXPEDITE, .now = NOW};
	struct job_filter all = {0};
	struct err err;

	enqueue_some(f.store, ENDPOINT, 3);
	first = claim_one(f.store, NOW);
	room = (struct claim_room){first->endpoint_id, CLAIM_NEVER};
	ok(store_act_matching(f.store, &expedite, &all, ignore_report, NULL, &err), &err);
	CHECK_INT((int64_t)claim_in_room(f.store, &room, claimed, 5, &round), 0);
	CHECK(!round.more);
	CHECK_INT((int64_t)count_claimed(f.store, NOW, &round), 2);
	free(first);
	fixture_free(&f);
}

/* A claim looks at so many expedited jobs; what it does not see, it does not leave. */
static void
test_what_is_never_claimed_hides_no_more_than_a_claim_misses(void)
{
	struct fixture f = fixture_new();
	struct delivery *claimed[2] = {0};
	struct claim_room room;
	struct settle settle;
	struct exchange round;

	enqueue_some(f.store, "https://b.example", 3);
	enqueue_some(f.store, ENDPOINT, 2);
	CHECK_INT((int64_t)claim_at(f.store, NOW, claimed, 2, &round), 2);
	room = (struct claim_room){claimed[0]->endpoint_id, CLAIM_NEVER};
	settle = settle_of(claimed[1], SETTLE_RETRY);
	settle.endpoint_not_before = NOW + 60000;
	CHECK(!settle_at(f.store, settle, NOW));
	free(claimed[0]);
	free(claimed[1]);
	act(f.store, ACT_EXPEDITE, "https://b.example-1", NOW);
	act(f.store, ACT_EXPEDITE, "https://b.example-2", NOW);
	act(f.store, ACT_EXPEDITE, "https://a.example-1", NOW);
	CHECK_INT((int64_t)claim_in_room(f.store, &room, claimed, 2, &round), 0);
	CHECK(!round.more);
	fixture_free(&f);
}

static void
test_other_endpoints_go_on(void)
{
	struct fixture f = tripped();
	struct exchange round;

	enqueue_some(f.store, "https://b.example", 3);
	CHECK_INT((int64_t)count_claimed(f.store, NOW, &round), 3);
	fixture_free(&f);
}

static void
test_after_the_cool_down_there_is_one_probe(void)
{
	struct fixture f = tripped();
	struct delivery *probe = claim_one(f.store, NOW + 1000);
	struct exchange round;

	if (!CHECK(probe != NULL))
		abort();
	CHECK_INT(probe->breaker.trips, 1);
	CHECK_INT(probe->attempt, 0);
	CHECK_INT((int64_t)count_claimed(f.store, NOW + 1000, &round), 0);
	CHECK(!round.more);
	settle_breaker(f.store, probe, SETTLE_RETRY, (struct breaker){11, 2, NOW + 3000},
		NOW + 1001);
	CHECK_INT((int64_t)count_claimed(f.store, NOW + 2999, &round), 0);
	CHECK_INT((int64_t)count_claimed(f.store, NOW + 3000, &round), 1);
	CHECK_INT(stats_of(f.store, NOW).breaker_opened_at, NOW);
	free(probe);
	fixture_free(&f);
}

static void
test_a_delivery_closes_it(void)
{
	struct fixture f = tripped();
	struct delivery *probe = claim_one(f.store, NOW + 1000);
	struct exchange round;

	settle_breaker(f.store, probe, SETTLE_COMPLETED, (struct breaker){0}, NOW + 1001);
	CHECK_INT((int64_t)count_claimed(f.store, NOW + 1001, &round), 3);
	CHECK_INT(stats_of(f.store, NOW).breaker_opened_at, 0);
	free(probe);
	fixture_free(&f);
}

static void
test_release_closes_it(void)
{
	struct fixture f = tripped();
	struct exchange round;
	struct err err = {0};
	bool changed = false;

	ok(store_hold(
		   f.store, HOLD_ENDPOINT, span_of(ENDPOINT), false, NOW, &changed, &err),
		&err);
	CHECK(changed);
	ok(store_hold(
		   f.store, HOLD_ENDPOINT, span_of(ENDPOINT), false, NOW, &changed, &err),
		&err);
	CHECK(!changed);
	CHECK_INT(stats_of(f.store, NOW).breaker.failures, 0);
	CHECK_INT((int64_t)count_claimed(f.store, NOW, &round), 4);
	fixture_free(&f);
}

static void
test_release_forgets_retry_after(void)
{
	struct fixture f = fixture_new();
	struct delivery *delivery;
	struct settle settle;
	struct exchange round;
	struct err err = {0};
	bool changed = false;

	enqueue_some(f.store, ENDPOINT, 3);
	delivery = claim_one(f.store, NOW);
	settle = settle_of(delivery, SETTLE_RETRY);
	settle.endpoint_not_before = NOW + 60000;
	CHECK(!settle_at(f.store, settle, NOW));
	CHECK_INT((int64_t)count_claimed(f.store, NOW, &round), 0);
	ok(store_hold(
		   f.store, HOLD_ENDPOINT, span_of(ENDPOINT), false, NOW, &changed, &err),
		&err);
	CHECK(changed);
	CHECK_INT((int64_t)count_claimed(f.store, NOW, &round), 2);
	free(delivery);
	fixture_free(&f);
}

static void
test_failures_from_before_a_release_do_not_open_it_again(void)
{
	struct fixture f = fixture_new();
	struct delivery *claimed[2] = {0};
	struct exchange round;
	struct err err = {0};
	bool changed;

	enqueue_some(f.store, ENDPOINT, 5);
	claim_at(f.store, NOW, claimed, 2, &round);
	settle_breaker(f.store, claimed[0], SETTLE_RETRY,
		(struct breaker){10, 1, NOW + 1000}, NOW);
	ok(store_hold(
		   f.store, HOLD_ENDPOINT, span_of(ENDPOINT), false, NOW, &changed, &err),
		&err);
	settle_breaker(f.store, claimed[1], SETTLE_RETRY,
		(struct breaker){11, 1, NOW + 1000}, NOW);
	CHECK_INT((int64_t)count_claimed(f.store, NOW, &round), 3);
	free(claimed[0]);
	free(claimed[1]);
	fixture_free(&f);
}

static void
test_fewer_failures_elsewhere_do_not_close_it(void)
{
	struct fixture f = fixture_new();
	struct delivery *claimed[2] = {0};
	struct exchange round;

	enqueue_some(f.store, ENDPOINT, 5);
	claim_at(f.store, NOW, claimed, 2, &round);
	settle_breaker(f.store, claimed[0], SETTLE_RETRY,
		(struct breaker){10, 1, NOW + 1000}, NOW);
	settle_breaker(f.store, claimed[1], SETTLE_RETRY, (struct breaker){4, 0, 0}, NOW);
	CHECK_INT((int64_t)count_claimed(f.store, NOW, &round), 0);
	free(claimed[0]);
	free(claimed[1]);
	fixture_free(&f);
}

static void
test_expedited_jobs_pass_an_open_breaker(void)
{
	struct fixture f = tripped();
	struct delivery *delivery;

	act(f.store, ACT_EXPEDITE, "https://a.example-3", NOW);
	delivery = claim_one(f.store, NOW);
	if (CHECK(delivery != NULL)) {
		CHECK(delivery->expedited);
		CHECK_SPAN(delivery->event_id, "https://a.example-3");
	}
	free(delivery);
	fixture_free(&f);
}

static void
test_an_expedited_job_is_a_probe_too(void)
{
	struct fixture f = tripped();
	struct exchange round;

	act(f.store, ACT_EXPEDITE, "https://a.example-3", NOW);
	CHECK_INT((int64_t)count_claimed(f.store, NOW + 1000, &round), 1);
	CHECK(!round.more);
	check_health(f.store);
	fixture_free(&f);
}

/* ---- rates ----------------------------------------------------------------------- */

static const struct rate TEN = {10, 1000};
static const struct rate NO_LIMIT = {0};

static const struct rate *
rate_of(const void *context, struct span endpoint, bool named)
{
	(void)context;
	(void)named;
	return span_is(endpoint, ENDPOINT) ? &TEN : &NO_LIMIT;
}

static size_t
claim_paced_due_by(
	struct store *store, int64_t now, int64_t due_by, struct exchange *round)
{
	struct delivery *claimed[100] = {0};
	struct err err = {0};

	*round = (struct exchange){.now = now,
		.due_by = due_by,
		.claim_limit = 100,
		.claim_room_default = 1000,
		.rate_of = rate_of,
		.claimed = claimed};
	ok(store_exchange(store, round, &err), &err);
	for (size_t i = 0; i < round->claimed_count; i++)
		free(claimed[i]);
	return round->claimed_count;
}

static size_t
claim_bounded(struct store *store, size_t sure, size_t bytes, bool *more)
{
	struct delivery *claimed[20] = {0};
	struct err err = {0};
	struct exchange round = {.now = NOW,
		.claim_limit = 20,
		.claim_sure = sure,
		.claim_bytes = bytes,
		.claim_room_default = 1000,
		.claimed = claimed};

	ok(store_exchange(store, &round, &err), &err);
	for (size_t i = 0; i < round.claimed_count; i++)
		free(claimed[i]);
	*more = round.more;
	return round.claimed_count;
}

static void
test_claims_end_where_bodies_come_to_too_much(void)
{
	struct fixture f = fixture_new();
	bool more;

	enqueue_some(f.store, ENDPOINT, 10); /* of 7 bytes each */
	enqueue_some(f.store, "https://b.example", 10);
	CHECK_INT((int64_t)claim_bounded(f.store, 0, 1, &more), 1);
	CHECK(more);
	CHECK_INT((int64_t)claim_bounded(f.store, 2, 3 * 7, &more), 3);
	CHECK_INT((int64_t)claim_bounded(f.store, 12, 1, &more), 12);
	CHECK(more);
	CHECK_INT((int64_t)claim_bounded(f.store, 0, 0, &more), 4);
	CHECK(!more);
	check_health(f.store);
	fixture_free(&f);
}

static size_t
claim_paced(struct store *store, int64_t now, struct exchange *round)
{
	return claim_paced_due_by(store, now, 0, round);
}

static void
test_claims_keep_the_rate_of_an_endpoint(void)
{
	struct fixture f = fixture_new();
	struct exchange round;
	size_t claimed = 0;

	enqueue_some(f.store, ENDPOINT, 30);
	for (int64_t now = NOW; now < NOW + 1000; now += 10)
		claimed += claim_paced(f.store, now, &round);
	CHECK(claimed >= 10 && claimed <= 11);
	CHECK(!round.more);
	CHECK(round.next_due_at > NOW + 990 && round.next_due_at <= NOW + 1100);
	check_health(f.store);
	fixture_free(&f);
}

static void
test_an_expedited_job_pays_before_others_are_claimed(void)
{
	struct fixture f = fixture_new();
	struct exchange round;

	enqueue_some(f.store, ENDPOINT, 30);
	while (claim_paced(f.store, NOW, &round) > 0)
		;
	act(f.store, ACT_EXPEDITE, "https://a.example-29", NOW);
	CHECK_INT((int64_t)claim_paced(f.store, NOW + 100, &round), 1);
	fixture_free(&f);
}

static void
test_the_rate_outlives_the_worker(void)
{
	struct fixture f = fixture_new();
	struct exchange round;
	struct err err = {0};
	size_t claimed;

	enqueue_some(f.store, ENDPOINT, 30);
	claimed = claim_paced(f.store, NOW, &round);
	CHECK(claimed > 0);
	store_close(f.store);
	f.store = open_mode(&f, STORE_CREATE);
	ok(store_worker_start(f.store, NOW, 30000, &f.worker, &err), &err);
	CHECK_INT((int64_t)claim_paced(f.store, NOW, &round), 0);
	fixture_free(&f);
}

/* What a drain stays for: not what is on hold, or parked, or asked to be left alone. */
static void
test_what_waits_for_the_rate_alone_is_told(void)
{
	struct fixture f = fixture_new();
	struct delivery *delivery;
	struct settle settle;
	struct exchange round;
	struct err err = {0};
	bool changed;

	enqueue_some(f.store, ENDPOINT, 30);
	delivery = claim_one(f.store, NOW);
	CHECK(claim_paced(f.store, NOW, &round) > 0);
	CHECK(round.paced);
	CHECK_INT((int64_t)claim_paced(f.store, NOW, &round), 0);
	CHECK(round.paced);
	CHECK_INT((int64_t)claim_paced_due_by(f.store, NOW, NOW, &round), 0);
	CHECK(round.paced);
	claim_paced_due_by(f.store, NOW, NOW - 1, &round);
	CHECK(!round.paced);
	ok(store_hold(
		   f.store, HOLD_ENDPOINT, span_of(ENDPOINT), true, NOW, &changed, &err),
		&err);
	claim_paced(f.store, NOW, &round);
	CHECK(!round.paced);
	ok(store_hold(
		   f.store, HOLD_ENDPOINT, span_of(ENDPOINT), false, NOW, &changed, &err),
		&err);
	claim_paced(f.store, NOW, &round);
	CHECK(round.paced);
	settle = settle_of(delivery, SETTLE_RETRY);
	settle.endpoint_not_before = NOW + 60000;
	CHECK(!settle_at(f.store, settle, NOW));
	claim_paced(f.store, NOW, &round);
	CHECK(!round.paced);
	free(delivery);
	fixture_free(&f);
}

static void
test_a_parked_endpoint_does_not_wait_for_the_rate_alone(void)
{
	struct fixture f = tripped();
	struct exchange round;

	/* The probe is on its way, whatever the rate allows. */
	CHECK_INT((int64_t)claim_paced(f.store, NOW + 1000, &round), 1);
	CHECK(!round.paced);
	CHECK(!round.more);
	fixture_free(&f);
}

static void
test_a_rate_does_not_slow_others(void)
{
	struct fixture f = fixture_new();
	struct exchange round;

	enqueue_some(f.store, ENDPOINT, 30);
	enqueue_some(f.store, "https://b.example", 30);
	CHECK(claim_paced(f.store, NOW, &round) >= 31);
	fixture_free(&f);
}

int
main(void)
{
	return tap_run((struct tap_test[]){
		TAP(test_an_open_breaker_parks_its_jobs),
		TAP(test_a_breaker_follows_a_clock_that_is_set_back),
		TAP(test_a_clock_that_is_a_little_wrong_moves_nothing),
		TAP(test_an_attempt_that_was_judged_by_a_clock_set_back_since),
		TAP(test_retries_follow_a_clock_that_is_set_back),
		TAP(test_a_worker_that_does_not_know_the_endpoint_leaves_its_jobs),
		TAP(test_what_is_never_claimed_is_not_left_behind),
		TAP(test_what_is_never_claimed_hides_no_more_than_a_claim_misses),
		TAP(test_other_endpoints_go_on),
		TAP(test_after_the_cool_down_there_is_one_probe),
		TAP(test_a_delivery_closes_it),
		TAP(test_release_closes_it),
		TAP(test_release_forgets_retry_after),
		TAP(test_failures_from_before_a_release_do_not_open_it_again),
		TAP(test_fewer_failures_elsewhere_do_not_close_it),
		TAP(test_expedited_jobs_pass_an_open_breaker),
		TAP(test_an_expedited_job_is_a_probe_too),
		TAP(test_claims_end_where_bodies_come_to_too_much),
		TAP(test_claims_keep_the_rate_of_an_endpoint),
		TAP(test_an_expedited_job_pays_before_others_are_claimed),
		TAP(test_the_rate_outlives_the_worker),
		TAP(test_what_waits_for_the_rate_alone_is_told),
		TAP(test_a_parked_endpoint_does_not_wait_for_the_rate_alone),
		TAP(test_a_rate_does_not_slow_others),
		{0},
	});
}
