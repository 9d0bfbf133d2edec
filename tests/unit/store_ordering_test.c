/* SPDX-License-Identifier: MIT */
/*
 * Ordering keys and priorities, on every backend: what goes next, what waits for it, and
 * what does not.
 */
#include "store_fixture.h"

static const char ENDPOINT[] = "https://a.example";

static struct receipt
enqueue_ordered(struct store *store, const char *id, const char *key)
{
	struct event event = event_of(id, ENDPOINT);

	event.ordering_key = span_of(key);
	return enqueue_event(store, &event);
}

/* The ids that a claim of many gets, in order, with a space behind each; they
 * stay out. */
static const char *
claimed_ids(struct store *store, int64_t now)
{
	static char text[256];
	struct delivery *claimed[32] = {NULL};
	struct exchange round;
	size_t count = claim_at(store, now, claimed, 32, &round);
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%.*s ",
			(int)claimed[i]->event_id.len, claimed[i]->event_id.ptr);
		free(claimed[i]);
	}
	return text;
}

/* Claims one job, settles it, and says which it was: "-" if there was none. */
static const char *
work(struct store *store, int64_t now, enum settle_outcome outcome)
{
	static char text[64];
	struct delivery *delivery = claim_one(store, now);

	if (delivery == NULL)
		return "-";
	snprintf(text, sizeof(text), "%.*s", (int)delivery->event_id.len,
		delivery->event_id.ptr);
	CHECK(!settle_at(store, settle_of(delivery, outcome), now));
	free(delivery);
	return text;
}

/* ---- one key --------------------------------------------------------------------- */

static void
test_one_of_a_key_is_out_in_the_order_of_acceptance(void)
{
	struct fixture f = fixture_new();

	CHECK_INT(enqueue_ordered(f.store, "a1", "k").state, JOB_WAITING);
	CHECK_INT(enqueue_ordered(f.store, "a2", "k").state, JOB_BLOCKED);
	CHECK_INT(enqueue_ordered(f.store, "a3", "k").state, JOB_BLOCKED);
	CHECK_INT(enqueue_ordered(f.store, "b1", "other").state, JOB_WAITING);
	enqueue(f.store, "free");
	check_health(f.store);
	CHECK_TEXT(work(f.store, NOW, SETTLE_COMPLETED), "a1");
	CHECK_TEXT(claimed_ids(f.store, NOW), "a2 b1 free ");
	CHECK_TEXT(claimed_ids(f.store, NOW), "");
	CHECK_INT(state_of(f.store, "a3"), JOB_BLOCKED);
	check_health(f.store);
	fixture_free(&f);
}

static void
test_the_next_goes_in_the_exchange_that_ends_the_one_before(void)
{
	struct fixture f = fixture_new();
	struct delivery *first, *second = NULL;
	struct settle settle;
	struct exchange round = {.now = NOW, .claim_limit = 1, .claim_room_default = 5};
	struct err err = {0};

	enqueue_ordered(f.store, "a1", "k");
	enqueue_ordered(f.store, "a2", "k");
	first = claim_one(f.store, NOW);
	settle = settle_of(first, SETTLE_COMPLETED);
	round.settles = &settle;
	round.settle_count = 1;
	round.claimed = &second;
	ok(store_exchange(f.store, &round, &err), &err);
	if (CHECK_INT(round.claimed_count, 1))
		CHECK(span_is(second->event_id, "a2"));
	free(first);
	free(second);
	fixture_free(&f);
}

static void
test_a_retry_holds_back_its_successors_only(void)
{
	struct fixture f = fixture_new();

	enqueue_ordered(f.store, "a1", "k");
	enqueue_ordered(f.store, "a2", "k");
	enqueue_ordered(f.store, "b1", "other");
	CHECK_TEXT(work(f.store, NOW, SETTLE_RETRY), "a1");
	CHECK_TEXT(work(f.store, NOW, SETTLE_COMPLETED), "b1");
	CHECK_TEXT(work(f.store, NOW, SETTLE_COMPLETED), "-");
	CHECK_INT(state_of(f.store, "a1"), JOB_DELAYED);
	CHECK_TEXT(work(f.store, NOW + 5000, SETTLE_COMPLETED), "a1");
	CHECK_TEXT(work(f.store, NOW + 5000, SETTLE_COMPLETED), "a2");
	check_health(f.store);
	fixture_free(&f);
}

static void
test_a_delayed_one_holds_back_what_is_due(void)
{
	struct fixture f = fixture_new();
	struct event later = event_of("a1", ENDPOINT);

	later.ordering_key = SPAN_LITERAL("k");
	later.run_at = NOW + 1000;
	CHECK_INT(enqueue_event(f.store, &later).state, JOB_DELAYED);
	CHECK_INT(enqueue_ordered(f.store, "a2", "k").state, JOB_BLOCKED);
	CHECK_TEXT(work(f.store, NOW, SETTLE_COMPLETED), "-");
	CHECK_TEXT(work(f.store, NOW + 1000, SETTLE_COMPLETED), "a1");
	CHECK_TEXT(work(f.store, NOW + 1000, SETTLE_COMPLETED), "a2");
	fixture_free(&f);
}

static void
test_a_successor_keeps_its_own_delay(void)
{
	struct fixture f = fixture_new();
	struct event later = event_of("a2", ENDPOINT);

	enqueue_ordered(f.store, "a1", "k");
	later.ordering_key = SPAN_LITERAL("k");
	later.run_at = NOW + 1000;
	CHECK_INT(enqueue_event(f.store, &later).state, JOB_BLOCKED);
	CHECK_TEXT(work(f.store, NOW, SETTLE_COMPLETED), "a1");
	CHECK_INT(state_of(f.store, "a2"), JOB_DELAYED);
	CHECK_TEXT(work(f.store, NOW + 1000, SETTLE_COMPLETED), "a2");
	fixture_free(&f);
}

static void
test_a_key_spans_endpoints_and_not_queues(void)
{
	struct fixture f = fixture_new();
	struct event elsewhere = event_of("a2", "https://b.example");
	struct store_options options = {
		.path = f.path, .mode = STORE_WRITE, .queue = "second", .now = NOW};
	struct store *second;
	struct err err = {0};

	enqueue_ordered(f.store, "a1", "k");
	elsewhere.ordering_key = SPAN_LITERAL("k");
	CHECK_INT(enqueue_event(f.store, &elsewhere).state, JOB_BLOCKED);
	ok(store_open(&second, &options, &err), &err);
	CHECK_INT(enqueue_ordered(second, "s1", "k").state, JOB_WAITING);
	store_close(second);
	fixture_free(&f);
}

static void
test_a_dead_one_lets_the_next_go(void)
{
	struct fixture f = fixture_new();

	enqueue_ordered(f.store, "a1", "k");
	enqueue_ordered(f.store, "a2", "k");
	CHECK_TEXT(work(f.store, NOW, SETTLE_DEAD), "a1");
	CHECK_TEXT(work(f.store, NOW, SETTLE_COMPLETED), "a2");
	CHECK_INT(enqueue_ordered(f.store, "a3", "k").state, JOB_WAITING);
	check_health(f.store);
	fixture_free(&f);
}

static void
test_a_stale_settle_lets_nobody_go(void)
{
	struct fixture f = fixture_new();
	struct delivery *first;
	struct settle stale;

	enqueue_ordered(f.store, "a1", "k");
	enqueue_ordered(f.store, "a2", "k");
	first = claim_one(f.store, NOW);
	stale = settle_of(first, SETTLE_COMPLETED);
	stale.token++;
	CHECK(settle_at(f.store, stale, NOW));
	CHECK_TEXT(claimed_ids(f.store, NOW), "");
	free(first);
	fixture_free(&f);
}

/* ---- crashes --------------------------------------------------------------------- */

static void
crash_once(struct fixture *f)
{
	struct stalled_list list;
	struct err err = {0};

	store_close(f->store);
	f->store = open_mode(f, STORE_WRITE);
	ok(store_worker_start(f->store, NOW, 30000, &f->worker, &err), &err);
	ok(store_reclaim(f->store, NOW, 10, &list, &err), &err);
	CHECK_INT(list.count, 1);
	arena_free(&list.arena);
}

static void
test_a_crash_keeps_the_order(void)
{
	struct fixture f = fixture_new();

	enqueue_ordered(f.store, "a1", "k");
	enqueue_ordered(f.store, "a2", "k");
	for (int crash = 0; crash < 2; crash++) {
		CHECK_TEXT(claimed_ids(f.store, NOW), "a1 ");
		crash_once(&f);
	}
	CHECK_TEXT(claimed_ids(f.store, NOW), "a1 ");
	CHECK_INT(state_of(f.store, "a2"), JOB_BLOCKED);
	crash_once(&f);
	CHECK_INT(status_of(f.store, "a1"), DEAD_UNRESOLVED);
	CHECK_TEXT(claimed_ids(f.store, NOW), "a2 ");
	check_health(f.store);
	fixture_free(&f);
}

/* ---- the operator ---------------------------------------------------------------- */

static void
test_cancelling_lets_the_next_go(void)
{
	struct fixture f = fixture_new();

	for (int i = 1; i <= 4; i++)
		enqueue_ordered(f.store, (char[]){'a', (char)('0' + i), '\0'}, "k");
	act(f.store, ACT_CANCEL, "a2", NOW);
	CHECK_INT(state_of(f.store, "a3"), JOB_BLOCKED);
	act(f.store, ACT_CANCEL, "a1", NOW);
	CHECK_INT(state_of(f.store, "a3"), JOB_WAITING);
	CHECK_TEXT(claimed_ids(f.store, NOW), "a3 ");
	check_health(f.store);
	fixture_free(&f);
}

static void
test_a_held_job_holds_back_its_successors(void)
{
	struct fixture f = fixture_new();

	enqueue_ordered(f.store, "a1", "k");
	enqueue_ordered(f.store, "a2", "k");
	enqueue_ordered(f.store, "a3", "k");
	act(f.store, ACT_HOLD, "a2", NOW);
	CHECK_TEXT(work(f.store, NOW, SETTLE_COMPLETED), "a1");
	CHECK_TEXT(work(f.store, NOW, SETTLE_COMPLETED), "-");
	act(f.store, ACT_RELEASE, "a2", NOW);
	CHECK_TEXT(work(f.store, NOW, SETTLE_COMPLETED), "a2");
	CHECK_TEXT(work(f.store, NOW, SETTLE_COMPLETED), "a3");
	check_health(f.store);
	fixture_free(&f);
}

static void
test_what_is_released_waits_for_what_is_in_flight(void)
{
	struct fixture f = fixture_new();
	struct delivery *first;

	enqueue_ordered(f.store, "a1", "k");
	enqueue_ordered(f.store, "a2", "k");
	act(f.store, ACT_HOLD, "a2", NOW);
	first = claim_one(f.store, NOW);
	act(f.store, ACT_RELEASE, "a2", NOW);
	CHECK_INT(state_of(f.store, "a2"), JOB_BLOCKED);
	CHECK(!settle_at(f.store, settle_of(first, SETTLE_COMPLETED), NOW));
	CHECK_INT(state_of(f.store, "a2"), JOB_WAITING);
	free(first);
	fixture_free(&f);
}

static void
test_a_hold_on_an_event_type_keeps_the_order(void)
{
	struct fixture f = fixture_new();
	struct err err = {0};
	bool changed;

	enqueue_ordered(f.store, "a1", "k");
	enqueue_ordered(f.store, "a2", "k");
	ok(store_hold(f.store, HOLD_EVENT_TYPE, SPAN_LITERAL("invoice.paid"), true, NOW,
		   &changed, &err),
		&err);
	CHECK_TEXT(work(f.store, NOW, SETTLE_COMPLETED), "-");
	CHECK_INT(enqueue_ordered(f.store, "a3", "k").state, JOB_BLOCKED);
	ok(store_hold(f.store, HOLD_EVENT_TYPE, SPAN_LITERAL("invoice.paid"), false, NOW,
		   &changed, &err),
		&err);
	CHECK_TEXT(work(f.store, NOW, SETTLE_COMPLETED), "a1");
	CHECK_TEXT(work(f.store, NOW, SETTLE_COMPLETED), "a2");
	CHECK_TEXT(work(f.store, NOW, SETTLE_COMPLETED), "a3");
	check_health(f.store);
	fixture_free(&f);
}

/* A dead letter goes out before the job that the hold set aside, and joins it there. */
static void
test_two_that_a_hold_set_aside_keep_their_order(void)
{
	struct fixture f = fixture_new();
	struct err err = {0};
	bool changed;

	enqueue_ordered(f.store, "a1", "k");
	CHECK_TEXT(work(f.store, NOW, SETTLE_DEAD), "a1");
	enqueue_ordered(f.store, "a2", "k");
	enqueue_ordered(f.store, "a3", "k");
	ok(store_hold(f.store, HOLD_EVENT_TYPE, SPAN_LITERAL("invoice.paid"), true, NOW,
		   &changed, &err),
		&err);
	CHECK_TEXT(work(f.store, NOW, SETTLE_COMPLETED), "-");
	act(f.store, ACT_RETRY, "a1", NOW);
	CHECK_TEXT(work(f.store, NOW, SETTLE_COMPLETED), "-");
	CHECK_INT(state_of(f.store, "a1"), JOB_PAUSED);
	CHECK_INT(state_of(f.store, "a2"), JOB_PAUSED);
	ok(store_hold(f.store, HOLD_EVENT_TYPE, SPAN_LITERAL("invoice.paid"), false, NOW,
		   &changed, &err),
		&err);
	CHECK_TEXT(work(f.store, NOW, SETTLE_COMPLETED), "a1");
	CHECK_TEXT(work(f.store, NOW, SETTLE_COMPLETED), "a2");
	CHECK_TEXT(work(f.store, NOW, SETTLE_COMPLETED), "a3");
	check_health(f.store);
	fixture_free(&f);
}

static void
test_what_is_blocked_cannot_be_expedited(void)
{
	struct fixture f = fixture_new();

	enqueue_ordered(f.store, "a1", "k");
	enqueue_ordered(f.store, "a2", "k");
	CHECK_INT(act(f.store, ACT_EXPEDITE, "a2", NOW).result, ACT_WRONG_STATE);
	CHECK_TEXT(act(f.store, ACT_EXPEDITE, "a2", NOW).state, "blocked");
	fixture_free(&f);
}

/* ---- dead letters ---------------------------------------------------------------- */

static void
test_a_dead_letter_goes_before_what_is_not_in_flight(void)
{
	struct fixture f = fixture_new();

	enqueue_ordered(f.store, "a1", "k");
	enqueue_ordered(f.store, "a2", "k");
	enqueue_ordered(f.store, "a3", "k");
	CHECK_TEXT(work(f.store, NOW, SETTLE_DEAD), "a1");
	CHECK_TEXT(work(f.store, NOW, SETTLE_RETRY), "a2");
	act(f.store, ACT_RETRY, "a1", NOW);
	CHECK_INT(state_of(f.store, "a1"), JOB_WAITING);
	CHECK_INT(state_of(f.store, "a2"), JOB_BLOCKED);
	check_health(f.store);
	CHECK_TEXT(work(f.store, NOW, SETTLE_COMPLETED), "a1");
	CHECK_INT(state_of(f.store, "a2"), JOB_DELAYED);
	CHECK_TEXT(work(f.store, NOW + 5000, SETTLE_COMPLETED), "a2");
	CHECK_TEXT(work(f.store, NOW + 5000, SETTLE_COMPLETED), "a3");
	check_health(f.store);
	fixture_free(&f);
}

static void
test_a_dead_letter_is_never_beside_what_is_in_flight(void)
{
	struct fixture f = fixture_new();
	struct delivery *second;

	enqueue_ordered(f.store, "a1", "k");
	enqueue_ordered(f.store, "a2", "k");
	enqueue_ordered(f.store, "a3", "k");
	CHECK_TEXT(work(f.store, NOW, SETTLE_DEAD), "a1");
	second = claim_one(f.store, NOW);
	if (!CHECK(second != NULL))
		return;
	act(f.store, ACT_RETRY, "a1", NOW);
	CHECK_INT(state_of(f.store, "a1"), JOB_BLOCKED);
	CHECK_TEXT(claimed_ids(f.store, NOW), "");
	/* What was in flight is to be retried later; until then it is the
	 * letter's turn. */
	CHECK(!settle_at(f.store, settle_of(second, SETTLE_RETRY), NOW));
	CHECK_TEXT(work(f.store, NOW, SETTLE_COMPLETED), "a1");
	CHECK_TEXT(work(f.store, NOW, SETTLE_COMPLETED), "-");
	CHECK_TEXT(work(f.store, NOW + 5000, SETTLE_COMPLETED), "a2");
	CHECK_TEXT(work(f.store, NOW + 5000, SETTLE_COMPLETED), "a3");
	free(second);
	check_health(f.store);
	fixture_free(&f);
}

static void
test_dead_letters_of_a_key_go_in_the_order_of_acceptance(void)
{
	struct fixture f = fixture_new();
	struct action action = {.verb = ACT_RETRY, .now = NOW};
	struct job_filter every = {0};
	struct err err = {0};

	for (int i = 1; i <= 3; i++) {
		enqueue_ordered(f.store, (char[]){'a', (char)('0' + i), '\0'}, "k");
		work(f.store, NOW + i, SETTLE_DEAD);
	}
	ok(store_act_matching(f.store, &action, &every, NULL, NULL, &err), &err);
	check_health(f.store);
	CHECK_TEXT(work(f.store, NOW, SETTLE_COMPLETED), "a1");
	CHECK_TEXT(work(f.store, NOW, SETTLE_COMPLETED), "a2");
	CHECK_TEXT(work(f.store, NOW, SETTLE_COMPLETED), "a3");
	fixture_free(&f);
}

static void
test_calling_a_retry_off_lets_the_next_go(void)
{
	struct fixture f = fixture_new();

	enqueue_ordered(f.store, "a1", "k");
	enqueue_ordered(f.store, "a2", "k");
	CHECK_TEXT(work(f.store, NOW, SETTLE_DEAD), "a1");
	act(f.store, ACT_RETRY, "a1", NOW);
	CHECK_INT(state_of(f.store, "a2"), JOB_BLOCKED);
	act(f.store, ACT_CANCEL, "a1", NOW);
	CHECK_INT(status_of(f.store, "a1"), DEAD_UNRESOLVED);
	CHECK_TEXT(work(f.store, NOW, SETTLE_COMPLETED), "a2");
	check_health(f.store);
	fixture_free(&f);
}

/* ---- seeing ---------------------------------------------------------------------- */

static void
test_blocked_jobs_are_listed_and_counted(void)
{
	struct fixture f = fixture_new();
	struct job_filter blocked = {.states = 1u << JOB_BLOCKED};
	struct queue_stats stats;
	struct job_page page;
	struct err err = {0};

	enqueue_ordered(f.store, "a1", "k");
	enqueue_ordered(f.store, "a2", "k");
	ok(store_stats(f.store, NOW, &stats, &err), &err);
	CHECK_INT(stats.total.counts[JOB_WAITING], 1);
	CHECK_INT(stats.total.counts[JOB_BLOCKED], 1);
	queue_stats_free(&stats);
	ok(store_list(f.store, &blocked, false, &page, &err), &err);
	if (CHECK_INT(page.count, 1)) {
		CHECK(span_is(page.jobs[0].event_id, "a2"));
		CHECK(span_is(page.jobs[0].ordering_key, "k"));
	}
	job_page_free(&page);
	fixture_free(&f);
}

/* ---- priorities ------------------------------------------------------------------ */

static void
enqueue_priority(struct store *store, const char *prefix, int number, int priority)
{
	struct event event;
	char id[32];

	snprintf(id, sizeof(id), "%s%d", prefix, number);
	event = event_of(id, ENDPOINT);
	event.priority = priority;
	enqueue_event(store, &event);
}

static void
test_larger_priorities_first_then_the_oldest(void)
{
	struct fixture f = fixture_new();

	enqueue_priority(f.store, "low", 1, -5);
	enqueue_priority(f.store, "mid", 1, 0);
	enqueue_priority(f.store, "high", 1, 10);
	enqueue_priority(f.store, "mid", 2, 0);
	CHECK_TEXT(claimed_ids(f.store, NOW), "high1 mid1 mid2 low1 ");
	fixture_free(&f);
}

/* The claim that gets the job, where each one makes room for another important job. */
static int
served_at(struct store *store, const char *id, int number)
{
	for (int claim = 1; claim < 1000; claim++) {
		enqueue_priority(store, "stream", number++, 10);
		if (strcmp(work(store, NOW, SETTLE_COMPLETED), id) == 0)
			return claim;
	}
	return 0;
}

static void
test_a_stream_of_high_priority_starves_nobody(void)
{
	struct fixture f = fixture_new();
	int served;

	enqueue_priority(f.store, "low", 1, 0);
	served = served_at(f.store, "low1", 0);
	CHECK(served > 1);
	CHECK(served <= 8);
	/* Behind n older ones it is the oldest after n more such turns at the latest. */
	for (int i = 0; i < 20; i++)
		enqueue_priority(f.store, "older", i, 10);
	enqueue_priority(f.store, "low", 2, -100);
	served = served_at(f.store, "low2", 1000);
	CHECK(served > 20);
	CHECK(served <= 8 * 22);
	check_health(f.store);
	fixture_free(&f);
}

static void
test_each_eighth_of_a_claim_is_the_oldest(void)
{
	struct fixture f = fixture_new();

	enqueue_priority(f.store, "low", 1, 0);
	enqueue_priority(f.store, "lower", 1, -7);
	enqueue_priority(f.store, "low", 2, 0);
	for (int i = 0; i < 40; i++)
		enqueue_priority(f.store, "h", i, 10);
	CHECK_TEXT(claimed_ids(f.store, NOW),
		"h0 h1 h2 h3 h4 h5 h6 h7 h8 h9 h10 h11 h12 h13 h14 h15 h16 h17 h18 h19"
		" h20 h21 h22 h23 h24 h25 h26 h27 low1 lower1 low2 h28 ");
	fixture_free(&f);
}

int
main(void)
{
	return tap_run((const struct tap_test[]){
		TAP(test_one_of_a_key_is_out_in_the_order_of_acceptance),
		TAP(test_the_next_goes_in_the_exchange_that_ends_the_one_before),
		TAP(test_a_retry_holds_back_its_successors_only),
		TAP(test_a_delayed_one_holds_back_what_is_due),
		TAP(test_a_successor_keeps_its_own_delay),
		TAP(test_a_key_spans_endpoints_and_not_queues),
		TAP(test_a_dead_one_lets_the_next_go),
		TAP(test_a_stale_settle_lets_nobody_go),
		TAP(test_a_crash_keeps_the_order),
		TAP(test_cancelling_lets_the_next_go),
		TAP(test_a_held_job_holds_back_its_successors),
		TAP(test_what_is_released_waits_for_what_is_in_flight),
		TAP(test_a_hold_on_an_event_type_keeps_the_order),
		TAP(test_two_that_a_hold_set_aside_keep_their_order),
		TAP(test_what_is_blocked_cannot_be_expedited),
		TAP(test_a_dead_letter_goes_before_what_is_not_in_flight),
		TAP(test_a_dead_letter_is_never_beside_what_is_in_flight),
		TAP(test_dead_letters_of_a_key_go_in_the_order_of_acceptance),
		TAP(test_calling_a_retry_off_lets_the_next_go),
		TAP(test_blocked_jobs_are_listed_and_counted),
		TAP(test_larger_priorities_first_then_the_oldest),
		TAP(test_a_stream_of_high_priority_starves_nobody),
		TAP(test_each_eighth_of_a_claim_is_the_oldest),
		{0},
	});
}
