/* SPDX-License-Identifier: MIT */
/*
 * The conformance suite of store.h: what every backend must do. It sees a store only
 * through its interface.
 */
#include "store_fixture.h"

#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

/* ---- accepting ------------------------------------------------------------------- */

static void
test_an_event_comes_back_as_it_went_in(void)
{
	struct fixture f = fixture_new();
	struct event event = event_of("evt_1", "acme");
	struct delivery *delivery;

	event.endpoint_named = true;
	event.request = (struct request){
		.url = {0},
		.method = SPAN_LITERAL("PUT"),
		.headers = SPAN_LITERAL("{\"x\":\"y\"}"),
		.body = {"a\0b\xff", 4},
		.body_kind = BODY_RAW,
		.extra = SPAN_LITERAL("\"more\":1"),
	};
	CHECK_INT(enqueue_event(f.store, &event).state, JOB_WAITING);
	delivery = claim_one(f.store, NOW);
	if (!tap_check(delivery != NULL, "claimed", __FILE__, __LINE__))
		goto out;
	CHECK_SPAN(delivery->event_id, "evt_1");
	CHECK_SPAN(delivery->endpoint, "acme");
	CHECK(delivery->endpoint_named);
	CHECK_SPAN(delivery->event_type, "invoice.paid");
	CHECK(!span_present(delivery->request.url));
	CHECK_SPAN(delivery->request.method, "PUT");
	CHECK_SPAN(delivery->request.headers, "{\"x\":\"y\"}");
	CHECK(span_equal(delivery->request.body, event.request.body));
	CHECK_INT(delivery->request.body_kind, BODY_RAW);
	CHECK_SPAN(delivery->request.extra, "\"more\":1");
	CHECK_INT(delivery->max_attempts, 10);
out:
	free(delivery);
	fixture_free(&f);
}

static void
test_an_event_id_is_one_job(void)
{
	struct fixture f = fixture_new();
	struct event events[3] = {
		event_of("a", "e"), event_of("b", "e"), event_of("a", "other")};
	struct receipt receipts[3], again;
	struct err err = {0};

	ok(store_enqueue(f.store, events, 3, NOW, receipts, &err), &err);
	CHECK(!receipts[0].duplicate);
	CHECK(!receipts[1].duplicate);
	CHECK(receipts[2].duplicate);
	CHECK_INT(receipts[2].job_id, receipts[0].job_id);
	CHECK(receipts[1].job_id != receipts[0].job_id);
	CHECK_INT(work_once(f.store, NOW, SETTLE_COMPLETED), receipts[0].job_id);
	again = enqueue_event(f.store, &events[0]);
	CHECK(again.duplicate);
	CHECK_INT(again.state, JOB_COMPLETED);
	CHECK_INT(again.job_id, receipts[0].job_id);
	fixture_free(&f);
}

static void
test_a_purged_event_id_is_a_new_job(void)
{
	struct fixture f = fixture_new();
	int64_t first = enqueue(f.store, "a");
	struct event event = event_of("a", "https://a.example");
	struct receipt receipt;
	struct err err = {0};
	size_t purged;

	work_once(f.store, NOW, SETTLE_COMPLETED);
	ok(store_purge(f.store, NOW, 100, &purged, &err), &err);
	CHECK_INT(purged, 0);
	ok(store_purge(f.store, NOW + 1, 100, &purged, &err), &err);
	CHECK_INT(purged, 1);
	CHECK_INT(state_of(f.store, "a"), -1);
	receipt = enqueue_event(f.store, &event);
	CHECK(!receipt.duplicate);
	CHECK(receipt.job_id > first);
	check_health(f.store);
	fixture_free(&f);
}

static void
test_a_reported_failure_joins_the_queue(void)
{
	struct fixture f = fixture_new();
	struct event event = event_of("a", "e");
	struct attempt_list attempts;
	struct job_page page;
	struct err err = {0};

	event.attempt = 3;
	event.run_at = NOW + 1000;
	event.reported = (struct attempt){.reported = true,
		.started_at = NOW,
		.outcome = ATTEMPT_RETRY,
		.status = 429,
		.failure = {ERROR_RATE_LIMIT, CATEGORY_RATE_LIMIT,
			SPAN_LITERAL("http-429"), SPAN_LITERAL("too many")}};
	CHECK_INT(enqueue_event(f.store, &event).state, JOB_DELAYED);
	ok(store_find(f.store, SPAN_LITERAL("a"), &page, &err), &err);
	CHECK_INT(page.jobs[0].attempt, 3);
	CHECK_INT(page.jobs[0].attempts_made, 3);
	CHECK_INT(page.jobs[0].status, 429);
	CHECK_INT(page.jobs[0].failure.type, ERROR_RATE_LIMIT);
	CHECK_SPAN(page.jobs[0].failure.rule, "http-429");
	ok(store_attempts(f.store, page.jobs[0].id, &attempts, &err), &err);
	CHECK_INT(attempts.count, 1);
	CHECK_INT(attempts.attempts[0].number, 3);
	CHECK(attempts.attempts[0].reported);
	attempt_list_free(&attempts);
	job_page_free(&page);
	fixture_free(&f);
}

static void
test_what_can_never_succeed_is_dead_at_once(void)
{
	struct fixture f = fixture_new();
	struct event event = event_of("a", "e");
	struct dead_page page;
	struct err err = {0};

	event.attempt = 1;
	event.dead = DEAD_NON_RETRYABLE;
	event.reported = (struct attempt){.started_at = NOW,
		.status = 401,
		.outcome = ATTEMPT_DEAD,
		.failure = {ERROR_SIGNATURE, CATEGORY_NON_RETRYABLE,
			SPAN_LITERAL("http-401"), SPAN_LITERAL("who are you")}};
	CHECK_INT(enqueue_event(f.store, &event).state, JOB_DEAD);
	CHECK(claim_one(f.store, NOW) == NULL);
	CHECK_INT(state_of(f.store, "a"), JOB_DEAD);
	CHECK(enqueue_event(f.store, &event).duplicate);
	ok(store_dead_find(f.store, SPAN_LITERAL("a"), &page, &err), &err);
	CHECK_INT(page.letters[0].reason, DEAD_NON_RETRYABLE);
	CHECK_INT(page.letters[0].job.failure.type, ERROR_SIGNATURE);
	CHECK_SPAN(page.letters[0].job.failure.reason, "who are you");
	CHECK_INT(page.letters[0].died_at, NOW);
	dead_page_free(&page);
	check_health(f.store);
	fixture_free(&f);
}

/* ---- claiming -------------------------------------------------------------------- */

static void
test_a_delayed_job_waits_for_its_time(void)
{
	struct fixture f = fixture_new();
	struct event event = event_of("a", "e");
	struct delivery *claimed[4] = {0};
	struct exchange round;

	event.run_at = NOW + 5000;
	enqueue_event(f.store, &event);
	CHECK_INT(claim_at(f.store, NOW + 4999, claimed, 4, &round), 0);
	CHECK_INT(round.next_due_at, NOW + 5000);
	CHECK(!round.more);
	CHECK_INT(claim_at(f.store, NOW + 5000, claimed, 4, &round), 1);
	CHECK_INT(round.next_due_at, 0);
	free(claimed[0]);
	fixture_free(&f);
}

static void
test_priority_then_age(void)
{
	struct fixture f = fixture_new();
	static const char *const ids[] = {"low", "mid1", "high", "mid2"};
	static const int priorities[] = {-5, 0, 9, 0};
	static const char *const order[] = {"high", "mid1", "mid2", "low"};

	for (int i = 0; i < 4; i++) {
		struct event event = event_of(ids[i], "e");

		event.priority = priorities[i];
		enqueue_event(f.store, &event);
	}
	for (int i = 0; i < 4; i++) {
		struct delivery *delivery = claim_one(f.store, NOW);

		if (tap_check(delivery != NULL, "claimed", __FILE__, __LINE__))
			CHECK_SPAN(delivery->event_id, order[i]);
		free(delivery);
	}
	fixture_free(&f);
}

enum { MANY_MAX = 1500 };

static void
enqueue_many(struct store *store, const char *endpoint, int from, int count)
{
	static char ids[MANY_MAX][32];
	static struct event events[MANY_MAX];
	static struct receipt receipts[MANY_MAX];
	struct err err = {0};

	for (int i = 0; i < count; i++) {
		snprintf(ids[i], sizeof(ids[i]), "%s-%d", endpoint, from + i);
		events[i] = event_of(ids[i], endpoint);
	}
	ok(store_enqueue(store, events, (size_t)count, NOW, receipts, &err), &err);
}

static int
count_of(struct delivery **claimed, size_t count, const char *endpoint)
{
	int found = 0;

	for (size_t i = 0; i < count; i++)
		found += span_is(claimed[i]->endpoint, endpoint);
	return found;
}

static void
free_all(struct delivery **claimed, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(claimed[i]);
}

static void
test_a_claim_is_fair_to_endpoints(void)
{
	struct fixture f = fixture_new();
	struct delivery *claimed[20] = {0};
	struct exchange round;
	size_t count;

	enqueue_many(f.store, "big", 0, 30);
	enqueue_many(f.store, "small", 0, 2);
	enqueue_many(f.store, "mid", 0, 5);
	count = claim_at(f.store, NOW, claimed, 12, &round);
	CHECK_INT(count, 12);
	CHECK(round.more);
	CHECK_INT(count_of(claimed, count, "small"), 2);
	CHECK_INT(count_of(claimed, count, "big"), 5);
	CHECK_INT(count_of(claimed, count, "mid"), 5);
	free_all(claimed, count);
	fixture_free(&f);
}

static void
test_claims_go_round_the_endpoints(void)
{
	struct fixture f = fixture_new();
	int of_a = 0, of_b = 0;

	enqueue_many(f.store, "a", 0, 10);
	enqueue_many(f.store, "b", 0, 10);
	for (int i = 0; i < 8; i++) {
		struct delivery *delivery = claim_one(f.store, NOW);

		of_a += count_of(&delivery, 1, "a");
		of_b += count_of(&delivery, 1, "b");
		free(delivery);
	}
	CHECK_INT(of_a, 4);
	CHECK_INT(of_b, 4);
	fixture_free(&f);
}

static void
test_a_claim_keeps_to_the_room(void)
{
	struct fixture f = fixture_new();
	struct delivery *claimed[20] = {0};
	struct delivery *first;
	struct claim_room room;
	struct exchange round;
	struct err err = {0};

	enqueue_many(f.store, "a", 0, 8);
	first = claim_one(f.store, NOW);
	enqueue_many(f.store, "b", 0, 8);
	room = (struct claim_room){first->endpoint_id, 2};
	round = (struct exchange){.now = NOW,
		.claim_limit = 20,
		.claim_room_default = 3,
		.rooms = &room,
		.room_count = 1,
		.claimed = claimed};
	ok(store_exchange(f.store, &round, &err), &err);
	CHECK_INT(count_of(claimed, round.claimed_count, "a"), 2);
	CHECK_INT(count_of(claimed, round.claimed_count, "b"), 3);
	CHECK(round.more);
	free_all(claimed, round.claimed_count);
	free(first);
	fixture_free(&f);
}

/* ---- what was due at a time -------------------------------------------------------- */

static const int64_t LATER = NOW + 1000;

/* Claims one at LATER of what was due at NOW. */
static struct delivery *
claim_due_by_now(struct store *store, struct exchange *round)
{
	struct delivery *delivery = NULL;
	struct err err = {0};

	*round = (struct exchange){.now = LATER,
		.due_by = NOW,
		.claim_limit = 1,
		.claim_room_default = 5,
		.claimed = &delivery};
	ok(store_exchange(store, round, &err), &err);
	return delivery;
}

/* All that was due at NOW, one after the other; how many. */
static int
claim_all_due_by_now(struct store *store, int most)
{
	struct delivery *delivery;
	struct exchange round;
	int count = 0;

	while (count <= most && (delivery = claim_due_by_now(store, &round)) != NULL) {
		CHECK(delivery->run_at <= NOW);
		free(delivery);
		count++;
	}
	CHECK(!round.more);
	CHECK(!round.paced);
	CHECK_INT(round.next_due_at, 0);
	return count;
}

/* Comes due after NOW. */
static void
enqueue_late(struct store *store, const char *id, const char *endpoint, int priority)
{
	struct event event = event_of(id, endpoint);

	event.run_at = NOW + 1;
	event.priority = priority;
	enqueue_event(store, &event);
}

/* As another worker does that has no room for it. */
static void
promote(struct store *store)
{
	struct exchange round = {.now = LATER};
	struct err err = {0};

	ok(store_exchange(store, &round, &err), &err);
}

static void
test_what_came_due_later_stays(void)
{
	struct fixture f = fixture_new();

	enqueue_late(f.store, "late", "e", 0);
	enqueue_many(f.store, "e", 0, 3);
	CHECK_INT(claim_all_due_by_now(f.store, 3), 3);
	CHECK_INT(state_of(f.store, "late"), JOB_DELAYED);
	promote(f.store);
	CHECK_INT(state_of(f.store, "late"), JOB_WAITING);
	CHECK_INT(claim_all_due_by_now(f.store, 0), 0);
	CHECK(work_once(f.store, LATER, SETTLE_COMPLETED) != 0);
	check_health(f.store);
	fixture_free(&f);
}

static void
test_what_came_due_later_is_in_nobodys_way(void)
{
	struct fixture f = fixture_new();
	char id[24];

	/* Of the same endpoint they are first in any order, the others are first served.
	 */
	for (int i = 0; i < 40; i++) {
		snprintf(id, sizeof(id), "late-%d", i);
		enqueue_late(f.store, id, i % 2 == 0 ? "e" : id, i % 3);
	}
	enqueue_many(f.store, "e", 0, 40);
	promote(f.store);
	CHECK_INT(claim_all_due_by_now(f.store, 40), 40);
	fixture_free(&f);
}

static void
test_what_was_expedited_later_stays(void)
{
	struct fixture f = fixture_new();

	enqueue_late(f.store, "late", "e", 0);
	enqueue_many(f.store, "e", 0, 3);
	act(f.store, ACT_EXPEDITE, "late", NOW + 1);
	CHECK_INT(claim_all_due_by_now(f.store, 3), 3);
	CHECK_INT(state_of(f.store, "late"), JOB_WAITING);
	fixture_free(&f);
}

/* ---- settling -------------------------------------------------------------------- */

static void
test_a_retry_runs_again(void)
{
	struct fixture f = fixture_new();
	struct attempt_list attempts;
	struct delivery *delivery;
	struct err err = {0};
	int64_t id = enqueue(f.store, "a");

	CHECK_INT(work_once(f.store, NOW, SETTLE_RETRY), id);
	CHECK_INT(state_of(f.store, "a"), JOB_DELAYED);
	CHECK(claim_one(f.store, NOW + 4999) == NULL);
	delivery = claim_one(f.store, NOW + 5000);
	if (tap_check(delivery != NULL, "claimed again", __FILE__, __LINE__)) {
		CHECK_INT(delivery->attempt, 1);
		CHECK_INT(delivery->attempts_made, 1);
		settle_at(f.store, settle_of(delivery, SETTLE_COMPLETED), NOW + 5001);
	}
	free(delivery);
	CHECK_INT(state_of(f.store, "a"), JOB_COMPLETED);
	ok(store_attempts(f.store, id, &attempts, &err), &err);
	CHECK_INT(attempts.count, 2);
	CHECK_INT(attempts.attempts[0].number, 1);
	CHECK_INT(attempts.attempts[0].outcome, ATTEMPT_RETRY);
	CHECK_INT(attempts.attempts[0].failure.type, ERROR_SERVER);
	CHECK_SPAN(attempts.attempts[0].snippet, "busy");
	CHECK_SPAN(attempts.attempts[0].peer, "203.0.113.7:443");
	CHECK_INT(attempts.attempts[1].number, 2);
	CHECK_INT(attempts.attempts[1].outcome, ATTEMPT_COMPLETED);
	CHECK(!span_present(attempts.attempts[1].failure.rule));
	attempt_list_free(&attempts);
	fixture_free(&f);
}

static void
test_an_old_token_changes_nothing(void)
{
	struct fixture f = fixture_new();
	struct delivery *first, *second;
	struct settle wrong;

	enqueue(f.store, "a");
	first = claim_one(f.store, NOW);
	CHECK(!settle_at(f.store, settle_of(first, SETTLE_RELEASED), NOW));
	second = claim_one(f.store, NOW);
	CHECK(second->token > first->token);
	for (int outcome = SETTLE_COMPLETED; outcome <= SETTLE_RELEASED; outcome++)
		CHECK(settle_at(
			f.store, settle_of(first, (enum settle_outcome)outcome), NOW));
	CHECK_INT(state_of(f.store, "a"), JOB_ACTIVE);
	wrong = settle_of(second, SETTLE_COMPLETED);
	CHECK(!settle_at(f.store, wrong, NOW));
	CHECK(settle_at(f.store, wrong, NOW));
	free(first);
	free(second);
	check_health(f.store);
	fixture_free(&f);
}

/* Settles all; of each third the token is an older one. */
static void
settle_all(struct store *store, struct delivery **claimed, struct settle *settles,
	size_t count)
{
	struct exchange round = {
		.now = NOW + 5, .settles = settles, .settle_count = count};
	struct err err = {0};

	for (size_t i = 0; i < count; i++) {
		settles[i] = settle_of(claimed[i], SETTLE_COMPLETED);
		settles[i].attempt.status = i % 5 == 0 ? 204 : 200;
		settles[i].token -= i % 3 == 0;
	}
	ok(store_exchange(store, &round, &err), &err);
}

static void
check_settled(struct store *store, const struct settle *settle, bool lost)
{
	struct attempt_list attempts;
	struct err err = {0};

	CHECK_INT(settle->lost, lost);
	ok(store_attempts(store, settle->job_id, &attempts, &err), &err);
	CHECK_INT(attempts.count, lost ? 0 : 1);
	if (attempts.count == 1) {
		CHECK_INT(attempts.attempts[0].number, 1);
		CHECK_INT(attempts.attempts[0].status, settle->attempt.status);
	}
	attempt_list_free(&attempts);
}

/* More than one statement settles, of two statuses, and some that are no longer ours. */
static void
test_many_are_settled_at_once(void)
{
	enum { MANY = 150 };
	static struct delivery *claimed[MANY];
	static struct settle settles[MANY];
	struct fixture f = fixture_new();
	struct job_filter filter = {.states = 1u << JOB_ACTIVE, .limit = MANY};
	struct exchange round;
	struct job_page page;
	struct err err = {0};

	enqueue_many(f.store, "a", 0, MANY);
	CHECK_INT(claim_at(f.store, NOW, claimed, MANY, &round), MANY);
	settle_all(f.store, claimed, settles, MANY);
	for (size_t i = 0; i < MANY; i++)
		check_settled(f.store, &settles[i], i % 3 == 0);
	ok(store_list(f.store, &filter, false, &page, &err), &err);
	CHECK_INT(page.count, MANY / 3);
	job_page_free(&page);
	free_all(claimed, MANY);
	check_health(f.store);
	fixture_free(&f);
}

static void
test_an_endpoint_may_ask_us_to_stay_away(void)
{
	struct fixture f = fixture_new();
	struct delivery *claimed[4] = {0};
	struct delivery *delivery;
	struct exchange round;
	struct settle settle;

	enqueue_many(f.store, "a", 0, 3);
	delivery = claim_one(f.store, NOW);
	settle = settle_of(delivery, SETTLE_RETRY);
	settle.endpoint_not_before = NOW + 60000;
	settle_at(f.store, settle, NOW);
	CHECK_INT(claim_at(f.store, NOW, claimed, 4, &round), 0);
	CHECK(!round.more);
	CHECK_INT(round.next_due_at, NOW + 5000);
	CHECK_INT(claim_at(f.store, NOW + 5000, claimed, 4, &round), 0);
	CHECK_INT(round.next_due_at, NOW + 60000);
	CHECK_INT(act(f.store, ACT_EXPEDITE, "a-2", NOW + 6000).result, ACTED);
	CHECK_INT(claim_at(f.store, NOW + 6000, claimed, 4, &round), 1);
	CHECK_SPAN(claimed[0]->event_id, "a-2");
	free(claimed[0]);
	CHECK_INT(claim_at(f.store, NOW + 60000, claimed, 4, &round), 2);
	free_all(claimed, 2);
	free(delivery);
	fixture_free(&f);
}

/* ---- workers --------------------------------------------------------------------- */

/* Starts a child that claims what there is and is killed without a word. */
static void
crash_with_a_claim(const struct fixture *f)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		struct store *store = open_mode(f, STORE_WRITE);
		struct delivery *claimed[10] = {0};
		struct exchange round;
		struct err err;
		int64_t worker;

		if (store_worker_start(store, NOW, 3600000, &worker, &err) != 0 ||
			claim_at(store, NOW, claimed, 10, &round) == 0)
			_exit(1);
		raise(SIGKILL);
	}
	waitpid(child, &status, 0);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void
check_reclaimed(struct store *store, int crashes, bool dead)
{
	struct stalled_list list;
	struct err err = {0};

	ok(store_reclaim(store, NOW, 10, &list, &err), &err);
	CHECK_INT(list.count, 1);
	if (list.count == 1) {
		CHECK_SPAN(list.jobs[0].event_id, "a");
		CHECK_INT(list.jobs[0].crashes, crashes);
		CHECK_INT(list.jobs[0].dead, dead);
	}
	arena_free(&list.arena);
}

static void
test_a_crash_gives_the_job_back_at_once(void)
{
	struct fixture f = fixture_new();
	struct dead_page page;
	struct err err = {0};
	int64_t id = enqueue(f.store, "a");

	crash_with_a_claim(&f);
	CHECK_INT(state_of(f.store, "a"), JOB_ACTIVE);
	check_reclaimed(f.store, 1, false);
	CHECK_INT(state_of(f.store, "a"), JOB_WAITING);
	crash_with_a_claim(&f);
	check_reclaimed(f.store, 2, false);
	CHECK_INT(state_of(f.store, "a"), JOB_WAITING);
	crash_with_a_claim(&f);
	check_reclaimed(f.store, 3, true);
	ok(store_dead_find(f.store, SPAN_LITERAL("a"), &page, &err), &err);
	CHECK_INT(page.letters[0].reason, DEAD_CRASH_LOOP);
	CHECK_INT(page.letters[0].job.id, id);
	CHECK_INT(page.letters[0].job.attempts_made, 0);
	CHECK_INT(page.letters[0].job.crashes, 3);
	dead_page_free(&page);
	check_health(f.store);
	fixture_free(&f);
}

/* A child claims all there is, says that it delivers `event`, and is killed. */
static void
crash_delivering(const struct fixture *f, const char *event)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		struct store *store = open_mode(f, STORE_WRITE);
		struct delivery *claimed[10] = {0};
		_Atomic int64_t *flights;
		struct exchange round;
		struct err err;
		int64_t worker;
		int count;

		if (store_worker_start(store, NOW, 3600000, &worker, &err) != 0 ||
			store_worker_flights(store, 4, &flights, &err) != 0)
			_exit(1);
		count = (int)claim_at(store, NOW, claimed, 10, &round);
		for (int i = 0; i < count; i++)
			if (span_is(claimed[i]->event_id, event))
				flights[3] = claimed[i]->job_id;
		raise(SIGKILL);
	}
	waitpid(child, &status, 0);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void
take_back_all(struct store *store)
{
	struct stalled_list list;
	struct err err = {0};

	ok(store_reclaim(store, NOW, 10, &list, &err), &err);
	CHECK_INT(list.count, 3);
	arena_free(&list.arena);
}

static int
crashes_of(struct store *store, const char *event)
{
	struct job_page page;
	struct err err = {0};
	int crashes = -1;

	if (ok(store_find(store, span_of(event), &page, &err), &err))
		crashes = page.jobs[0].crashes;
	job_page_free(&page);
	return crashes;
}

static void
test_only_what_was_under_way_is_suspected(void)
{
	struct fixture f = fixture_new();

	enqueue(f.store, "a");
	enqueue(f.store, "b");
	enqueue(f.store, "c");
	crash_delivering(&f, "b");
	take_back_all(f.store);
	crash_delivering(&f, "b");
	take_back_all(f.store);
	crash_delivering(&f, "c");
	take_back_all(f.store);
	CHECK_INT(crashes_of(f.store, "a"), 0);
	CHECK_INT(crashes_of(f.store, "b"), 2);
	CHECK_INT(crashes_of(f.store, "c"), 1);
	crash_delivering(&f, "b");
	take_back_all(f.store);
	CHECK_INT(state_of(f.store, "a"), JOB_WAITING);
	CHECK_INT(state_of(f.store, "b"), JOB_DEAD);
	CHECK_INT(state_of(f.store, "c"), JOB_WAITING);
	check_health(f.store);
	fixture_free(&f);
}

/* Without descriptors nobody can read who is to blame, and so nobody is blamed yet. */
static void
test_nobody_is_suspected_for_want_of_descriptors(void)
{
	struct fixture f = fixture_new();
	struct rlimit limit, before;
	struct stalled_list list;
	struct err err = {0};

	enqueue(f.store, "a");
	enqueue(f.store, "b");
	enqueue(f.store, "c");
	crash_delivering(&f, "b");
	getrlimit(RLIMIT_NOFILE, &before);
	limit = (struct rlimit){0, before.rlim_max};
	setrlimit(RLIMIT_NOFILE, &limit);
	CHECK_INT(store_reclaim(f.store, NOW, 10, &list, &err), -1);
	setrlimit(RLIMIT_NOFILE, &before);
	CHECK_INT(err.kind, ERR_OS);
	CHECK_INT(list.count, 0);
	arena_free(&list.arena);
	CHECK_INT(state_of(f.store, "a"), JOB_ACTIVE);
	take_back_all(f.store);
	CHECK_INT(crashes_of(f.store, "a"), 0);
	CHECK_INT(crashes_of(f.store, "b"), 1);
	CHECK_INT(crashes_of(f.store, "c"), 0);
	check_health(f.store);
	fixture_free(&f);
}

static void
test_an_attempt_clears_of_crashes(void)
{
	struct fixture f = fixture_new();
	struct delivery *delivery;

	enqueue(f.store, "a");
	crash_with_a_claim(&f);
	check_reclaimed(f.store, 1, false);
	delivery = claim_one(f.store, NOW);
	CHECK_INT(delivery->crashes, 1);
	CHECK(!settle_at(f.store, settle_of(delivery, SETTLE_RELEASED), NOW));
	free(delivery);
	CHECK_INT(crashes_of(f.store, "a"), 1);
	delivery = claim_one(f.store, NOW);
	CHECK(!settle_at(f.store, settle_of(delivery, SETTLE_RETRY), NOW));
	free(delivery);
	CHECK_INT(crashes_of(f.store, "a"), 0);
	fixture_free(&f);
}

static void
test_a_living_worker_keeps_its_jobs(void)
{
	struct fixture f = fixture_new();
	struct store *other = open_mode(&f, STORE_WRITE);
	struct stalled_list list;
	struct delivery *delivery;
	struct err err = {0};

	enqueue(f.store, "a");
	delivery = claim_one(f.store, NOW);
	ok(store_reclaim(other, NOW + 86400000, 10, &list, &err), &err);
	CHECK_INT(list.count, 0);
	arena_free(&list.arena);
	CHECK(!settle_at(f.store, settle_of(delivery, SETTLE_COMPLETED), NOW));
	free(delivery);
	store_close(other);
	fixture_free(&f);
}

static void
test_stopping_is_no_crash(void)
{
	struct fixture f = fixture_new();
	struct delivery *delivery;
	struct job_page page;
	struct err err = {0};

	enqueue(f.store, "a");
	delivery = claim_one(f.store, NOW);
	ok(store_worker_stop(f.store, NOW, &err), &err);
	ok(store_find(f.store, SPAN_LITERAL("a"), &page, &err), &err);
	CHECK_INT(page.jobs[0].state, JOB_WAITING);
	CHECK_INT(page.jobs[0].crashes, 0);
	job_page_free(&page);
	CHECK(settle_at(f.store, settle_of(delivery, SETTLE_COMPLETED), NOW));
	free(delivery);
	fixture_free(&f);
}

static bool
readable(int fd)
{
	struct pollfd poller = {.fd = fd, .events = POLLIN};

	return poll(&poller, 1, 0) == 1;
}

static struct store *
open_queue(const struct fixture *fixture, const char *queue)
{
	struct store_options options = {.path = fixture->path,
		.mode = STORE_WRITE,
		.queue = queue,
		.now = NOW,
		.busy_wait_ms = 20000};
	struct store *store = NULL;
	struct err err = {0};

	ok(store_open(&store, &options, &err), &err);
	return store;
}

static void
enqueue_delayed(struct store *store, const char *id, int64_t run_at)
{
	struct event event = event_of(id, "https://a.example");

	event.run_at = run_at;
	enqueue_event(store, &event);
}

static void
test_a_worker_is_not_woken_for_another_queue(void)
{
	struct fixture f = fixture_new();
	struct store *other = open_queue(&f, "other");
	struct exchange round;
	struct err err = {0};

	enqueue_delayed(other, "theirs", NOW + 1000);
	round = (struct exchange){.now = NOW};
	ok(store_exchange(f.store, &round, &err), &err);
	CHECK_INT(round.next_due_at, 0);
	enqueue_delayed(f.store, "ours", NOW + 2000);
	ok(store_exchange(f.store, &round, &err), &err);
	CHECK_INT(round.next_due_at, NOW + 2000);
	round.now = NOW + 1000;
	ok(store_exchange(f.store, &round, &err), &err);
	CHECK(!round.more);
	store_close(other);
	fixture_free(&f);
}

static void
test_many_jobs_of_another_queue_do_not_hide_ours(void)
{
	struct fixture f = fixture_new();
	struct store *other = open_queue(&f, "other");
	struct delivery *claimed[1];
	struct exchange round;
	char id[32];

	for (int i = 0; i < 100; i++) {
		snprintf(id, sizeof(id), "theirs-%d", i);
		enqueue_delayed(other, id, NOW + 1);
	}
	enqueue_delayed(f.store, "ours", NOW + 1000);
	CHECK_INT((int64_t)claim_at(f.store, NOW + 1000, claimed, 1, &round), 1);
	free(claimed[0]);
	store_close(other);
	fixture_free(&f);
}

static void
test_work_wakes_workers(void)
{
	struct fixture f = fixture_new();
	struct store *other = open_mode(&f, STORE_WRITE);
	struct err err = {0};
	int fd = store_wake_fd(f.store, &err);

	CHECK(fd >= 0 && !readable(fd));
	enqueue(other, "a");
	CHECK(readable(fd));
	store_wake_clear(f.store);
	CHECK(!readable(fd));
	work_once(f.store, NOW, SETTLE_COMPLETED);
	CHECK(!readable(fd));
	store_close(other);
	fixture_free(&f);
}

/* ---- dead letters ---------------------------------------------------------------- */

static void
test_the_life_of_a_dead_letter(void)
{
	struct fixture f = fixture_new();
	struct attempt_list attempts;
	struct dead_page page;
	struct err err = {0};
	int64_t id = enqueue(f.store, "a");

	CHECK_INT(work_once(f.store, NOW, SETTLE_DEAD), id);
	CHECK_INT(status_of(f.store, "a"), DEAD_UNRESOLVED);
	CHECK_INT(act(f.store, ACT_RETRY, "a", NOW).result, ACTED);
	CHECK_INT(act(f.store, ACT_RETRY, "a", NOW).result, ACT_WRONG_STATE);
	CHECK_INT(status_of(f.store, "a"), DEAD_RETRYING);
	CHECK_INT(state_of(f.store, "a"), JOB_WAITING);
	CHECK_INT(work_once(f.store, NOW + 10, SETTLE_DEAD), id);
	ok(store_dead_find(f.store, SPAN_LITERAL("a"), &page, &err), &err);
	CHECK_INT(page.letters[0].job.id, id);
	CHECK_INT(page.letters[0].status, DEAD_UNRESOLVED);
	CHECK_INT(page.letters[0].first_died_at, NOW);
	CHECK_INT(page.letters[0].died_at, NOW + 10);
	CHECK_INT(page.letters[0].retries, 1);
	CHECK_INT(page.letters[0].job.attempt, 1);
	CHECK_INT(page.letters[0].job.attempts_made, 2);
	dead_page_free(&page);
	act(f.store, ACT_RETRY, "a", NOW + 20);
	CHECK_INT(work_once(f.store, NOW + 20, SETTLE_COMPLETED), id);
	ok(store_dead_find(f.store, SPAN_LITERAL("a"), &page, &err), &err);
	CHECK_INT(page.letters[0].status, DEAD_RESOLVED);
	CHECK(page.letters[0].delivered);
	CHECK_INT(page.letters[0].resolved_at, NOW + 20);
	CHECK_INT(page.letters[0].job.state, JOB_COMPLETED);
	dead_page_free(&page);
	ok(store_attempts(f.store, id, &attempts, &err), &err);
	CHECK_INT(attempts.count, 3);
	attempt_list_free(&attempts);
	check_health(f.store);
	fixture_free(&f);
}

static void
test_resolving_by_hand(void)
{
	struct fixture f = fixture_new();
	struct action action = {.verb = ACT_RESOLVE,
		.now = NOW + 5,
		.by = SPAN_LITERAL("ada"),
		.note = SPAN_LITERAL("fixed by hand")};
	struct span id = SPAN_LITERAL("a");
	struct action_report report;
	struct dead_page page;
	struct err err = {0};

	enqueue(f.store, "a");
	work_once(f.store, NOW, SETTLE_DEAD);
	ok(store_act(f.store, &action, &id, 1, keep_result, &report, &err), &err);
	CHECK_TEXT(report.state, "unresolved");
	ok(store_dead_find(f.store, id, &page, &err), &err);
	CHECK_SPAN(page.letters[0].resolved_by, "ada");
	CHECK_SPAN(page.letters[0].note, "fixed by hand");
	CHECK(!page.letters[0].delivered);
	dead_page_free(&page);
	CHECK_INT(act(f.store, ACT_RETRY, "a", NOW).result, ACT_WRONG_STATE);
	CHECK_INT(act(f.store, ACT_REOPEN, "a", NOW).result, ACTED);
	CHECK_INT(status_of(f.store, "a"), DEAD_UNRESOLVED);
	CHECK_INT(act(f.store, ACT_CLEANUP, "a", NOW).result, ACT_WRONG_STATE);
	CHECK_INT(act(f.store, ACT_DELETE, "a", NOW).result, ACTED);
	CHECK_INT(act(f.store, ACT_DELETE, "a", NOW).result, ACT_NOT_FOUND);
	CHECK_INT(status_of(f.store, "a"), -1);
	CHECK(!enqueue_event(f.store,
		&(struct event){event_of("a", "e").id, .endpoint = SPAN_LITERAL("e"),
			.run_at = NOW})
			.duplicate);
	check_health(f.store);
	fixture_free(&f);
}

static void
test_a_delivered_entry_and_its_job_part(void)
{
	struct fixture f = fixture_new();
	struct attempt_list attempts;
	struct err err = {0};
	size_t purged;
	int64_t id = enqueue(f.store, "a");

	work_once(f.store, NOW, SETTLE_DEAD);
	act(f.store, ACT_RETRY, "a", NOW);
	work_once(f.store, NOW, SETTLE_COMPLETED);
	ok(store_purge(f.store, NOW + 1, 10, &purged, &err), &err);
	CHECK_INT(purged, 1);
	CHECK_INT(status_of(f.store, "a"), DEAD_RESOLVED);
	ok(store_attempts(f.store, id, &attempts, &err), &err);
	CHECK_INT(attempts.count, 2);
	attempt_list_free(&attempts);
	CHECK_INT(act(f.store, ACT_CLEANUP, "a", NOW).result, ACTED);
	CHECK_INT(status_of(f.store, "a"), -1);
	ok(store_attempts(f.store, id, &attempts, &err), &err);
	CHECK_INT(attempts.count, 0);
	attempt_list_free(&attempts);
	check_health(f.store);
	fixture_free(&f);
}

/* Also when its row in the queue is gone, and only the letter is left to tell. */
static void
test_a_delivered_entry_stays_completed(void)
{
	struct fixture f = fixture_new();
	struct receipt receipt;
	struct job_page page;
	struct event event = event_of("a", "https://a.example");
	struct err err = {0};
	int64_t id = enqueue(f.store, "a");

	work_once(f.store, NOW, SETTLE_DEAD);
	CHECK_INT(enqueue_event(f.store, &event).state, JOB_DEAD);
	act(f.store, ACT_RETRY, "a", NOW);
	CHECK_INT(work_once(f.store, NOW + 20, SETTLE_COMPLETED), id);
	ok(store_purge(f.store, NOW + 21, 10, NULL, &err), &err);
	receipt = enqueue_event(f.store, &event);
	CHECK(receipt.duplicate);
	CHECK_INT(receipt.job_id, id);
	CHECK_INT(receipt.state, JOB_COMPLETED);
	CHECK_TEXT(act(f.store, ACT_CANCEL, "a", NOW).state, "completed");
	if (ok(store_find(f.store, SPAN_LITERAL("a"), &page, &err), &err)) {
		CHECK_INT(page.jobs[0].state, JOB_COMPLETED);
		CHECK_INT(page.jobs[0].updated_at, NOW + 20);
	}
	job_page_free(&page);
	CHECK_INT(act(f.store, ACT_REOPEN, "a", NOW).result, ACTED);
	CHECK_INT(state_of(f.store, "a"), JOB_DEAD);
	CHECK_INT(enqueue_event(f.store, &event).state, JOB_DEAD);
	check_health(f.store);
	fixture_free(&f);
}

static void
test_a_cancelled_retry_is_dead_again(void)
{
	struct fixture f = fixture_new();

	enqueue(f.store, "a");
	work_once(f.store, NOW, SETTLE_DEAD);
	act(f.store, ACT_RETRY, "a", NOW);
	CHECK_INT(act(f.store, ACT_CANCEL, "a", NOW).result, ACTED);
	CHECK_INT(status_of(f.store, "a"), DEAD_UNRESOLVED);
	CHECK_INT(state_of(f.store, "a"), JOB_DEAD);
	CHECK(claim_one(f.store, NOW) == NULL);
	check_health(f.store);
	fixture_free(&f);
}

/* ---- the operator's verbs on jobs ------------------------------------------------ */

static void
test_verbs_say_what_they_found(void)
{
	struct fixture f = fixture_new();
	struct action_report report;
	char id[24];

	snprintf(id, sizeof(id), "%lld", (long long)enqueue(f.store, "a"));
	report = act(f.store, ACT_HOLD, id, NOW);
	CHECK_INT(report.result, ACTED);
	CHECK_TEXT(report.state, "waiting");
	report = act(f.store, ACT_HOLD, "a", NOW);
	CHECK_INT(report.result, ACT_WRONG_STATE);
	CHECK_TEXT(report.state, "paused");
	CHECK(claim_one(f.store, NOW) == NULL);
	CHECK_INT(act(f.store, ACT_RELEASE, "a", NOW).result, ACTED);
	CHECK_INT(act(f.store, ACT_CANCEL, "a", NOW).result, ACTED);
	CHECK_INT(act(f.store, ACT_EXPEDITE, "a", NOW).result, ACT_WRONG_STATE);
	CHECK_INT(act(f.store, ACT_CANCEL, "nobody", NOW).result, ACT_NOT_FOUND);
	CHECK_INT(act(f.store, ACT_CANCEL, "999999", NOW).result, ACT_NOT_FOUND);
	CHECK_INT(act(f.store, ACT_RETRY, "a", NOW).result, ACT_WRONG_STATE);
	check_health(f.store);
	fixture_free(&f);
}

/* Event ids that are each other's numbers: what each name means, or that it is
 * refused. */
static void
test_a_number_that_may_mean_two_jobs_is_refused(void)
{
	struct fixture f = fixture_new();
	struct action action = {.verb = ACT_DELETE, .now = NOW};
	struct span names[] = {SPAN_LITERAL("c"), SPAN_LITERAL("2")};
	struct action_report report = {0};
	struct dead_page letters;
	struct job_page jobs;
	struct err err = {0};

	CHECK_INT(enqueue(f.store, "2"), 1);
	CHECK_INT(enqueue(f.store, "1"), 2);
	CHECK_INT(enqueue(f.store, "c"), 3);
	for (int i = 0; i < 3; i++)
		work_once(f.store, NOW, SETTLE_DEAD);
	CHECK_INT(store_act(f.store, &action, names, 2, keep_result, &report, &err), -1);
	CHECK_INT(err.kind, ERR_DATA);
	CHECK_TEXT(err.text,
		"2: is a job's number and another job's event id;"
		" say job:2 or event:2");
	CHECK_INT(status_of(f.store, "c"), DEAD_UNRESOLVED);
	CHECK_INT(store_find(f.store, SPAN_LITERAL("1"), &jobs, &err), -1);
	CHECK_INT(err.kind, ERR_DATA);
	CHECK_INT(store_dead_find(f.store, SPAN_LITERAL("1"), &letters, &err), -1);
	CHECK_INT(err.kind, ERR_DATA);

	report = act(f.store, ACT_DELETE, "event:2", NOW);
	CHECK_INT(report.job_id, 1);
	CHECK_INT(act(f.store, ACT_DELETE, "event:2", NOW).result, ACT_NOT_FOUND);
	CHECK_INT(act(f.store, ACT_DELETE, "job:1", NOW).result, ACT_NOT_FOUND);
	CHECK_INT(act(f.store, ACT_RETRY, "1", NOW).job_id, 2);
	CHECK_INT(act(f.store, ACT_CANCEL, "job:2", NOW).job_id, 2);
	check_health(f.store);
	fixture_free(&f);
}

/* More names than one transaction takes: the last of them stops the first. */
static void
test_a_doubtful_name_stops_all_of_them(void)
{
	enum { NAMES = 1500 };
	static struct span names[NAMES];
	struct fixture f = fixture_new();
	struct action action = {.verb = ACT_CANCEL, .now = NOW};
	struct action_report report = {0};
	struct err err = {0};

	enqueue(f.store, "2");
	enqueue(f.store, "b");
	for (size_t i = 0; i < NAMES - 1; i++)
		names[i] = SPAN_LITERAL("b");
	names[NAMES - 1] = SPAN_LITERAL("2");
	CHECK_INT(store_act(f.store, &action, names, NAMES, keep_result, &report, &err),
		-1);
	CHECK_INT(err.kind, ERR_DATA);
	CHECK_INT(state_of(f.store, "b"), JOB_WAITING);
	fixture_free(&f);
}

static void
test_what_names_mean(void)
{
	struct fixture f = fixture_new();
	struct action_report report;

	enqueue(f.store, "1");
	CHECK_INT(state_of(f.store, "1"), JOB_WAITING); /* one job is no doubt */
	CHECK_INT(enqueue(f.store, "03"), 2);
	CHECK_INT(enqueue(f.store, "job:1"), 3);
	CHECK_INT(enqueue(f.store, "job:x"), 4);
	CHECK_INT(enqueue(f.store, "event:1"), 5);
	CHECK_INT(act(f.store, ACT_HOLD, "03", NOW).job_id, 2);
	CHECK_INT(act(f.store, ACT_HOLD, "02", NOW).result, ACT_NOT_FOUND);
	CHECK_INT(act(f.store, ACT_HOLD, "job:02", NOW).result, ACT_NOT_FOUND);
	CHECK_INT(act(f.store, ACT_HOLD, "job:1", NOW).job_id, 1);
	CHECK_INT(act(f.store, ACT_HOLD, "event:job:1", NOW).job_id, 3);
	CHECK_INT(act(f.store, ACT_HOLD, "job:x", NOW).job_id, 4);
	CHECK_INT(act(f.store, ACT_HOLD, "event:1", NOW).job_id, 1);
	CHECK_INT(act(f.store, ACT_HOLD, "event:event:1", NOW).job_id, 5);
	CHECK_INT(act(f.store, ACT_HOLD, "-1", NOW).result, ACT_NOT_FOUND);
	CHECK_INT(act(f.store, ACT_HOLD, "", NOW).result, ACT_NOT_FOUND);
	report = act(f.store, ACT_CANCEL, "job:7", NOW);
	CHECK_SPAN(report.id, "job:7");
	fixture_free(&f);
}

static void
test_a_missing_dead_letter_is_called_so(void)
{
	struct fixture f = fixture_new();
	struct dead_page page;
	struct err err = {0};

	enqueue(f.store, "a");
	CHECK_INT(store_dead_find(f.store, SPAN_LITERAL("a"), &page, &err), -1);
	CHECK_INT(err.kind, ERR_NO_INPUT);
	CHECK_TEXT(err.text, "a: no such dead letter");
	fixture_free(&f);
}

static void
test_a_number_may_be_an_event_id(void)
{
	struct fixture f = fixture_new();

	enqueue(f.store, "777000");
	CHECK_INT(state_of(f.store, "777000"), JOB_WAITING);
	CHECK_INT(act(f.store, ACT_CANCEL, "777000", NOW).result, ACTED);
	fixture_free(&f);
}

static int
count_reports(void *context, const struct action_report *report)
{
	*(int *)context += report->result == ACTED;
	return 0;
}

static void
test_matching_in_chunks_with_a_dry_run(void)
{
	struct fixture f = fixture_new();
	struct job_filter filter = {.endpoint = SPAN_LITERAL("a")};
	struct action action = {.verb = ACT_CANCEL, .now = NOW, .dry_run = true};
	struct err err = {0};
	int acted = 0;

	enqueue_many(f.store, "a", 0, 1203);
	enqueue_many(f.store, "b", 0, 3);
	ok(store_act_matching(f.store, &action, &filter, count_reports, &acted, &err),
		&err);
	CHECK_INT(acted, 1203);
	CHECK_INT(state_of(f.store, "a-0"), JOB_WAITING);
	CHECK_INT(state_of(f.store, "a-1202"), JOB_WAITING);
	check_health(f.store);
	action.dry_run = false;
	filter.limit = 1100;
	acted = 0;
	ok(store_act_matching(f.store, &action, &filter, count_reports, &acted, &err),
		&err);
	CHECK_INT(acted, 1100);
	CHECK_INT(state_of(f.store, "a-0"), JOB_WAITING);
	CHECK_INT(state_of(f.store, "a-1202"), JOB_CANCELLED);
	filter.limit = 0;
	acted = 0;
	ok(store_act_matching(f.store, &action, &filter, count_reports, &acted, &err),
		&err);
	CHECK_INT(acted, 103);
	CHECK_INT(state_of(f.store, "b-0"), JOB_WAITING);
	check_health(f.store);
	fixture_free(&f);
}

/* ---- holds ----------------------------------------------------------------------- */

static bool
set_hold(struct store *store, enum hold_scope scope, const char *name, bool on)
{
	struct err err = {0};
	bool changed = false;

	ok(store_hold(store, scope, span_of(name), on, NOW, &changed, &err), &err);
	return changed;
}

static void
test_a_held_endpoint_stands_still(void)
{
	struct fixture f = fixture_new();
	struct queue_stats stats;
	struct job_page page;
	struct err err = {0};

	CHECK(set_hold(f.store, HOLD_ENDPOINT, "a", true));
	CHECK(!set_hold(f.store, HOLD_ENDPOINT, "a", true));
	enqueue_many(f.store, "a", 0, 2);
	enqueue_many(f.store, "b", 0, 1);
	CHECK(work_once(f.store, NOW, SETTLE_COMPLETED) != 0);
	CHECK_INT(work_once(f.store, NOW, SETTLE_COMPLETED), 0);
	ok(store_find(f.store, SPAN_LITERAL("a-0"), &page, &err), &err);
	CHECK(page.jobs[0].held);
	job_page_free(&page);
	ok(store_stats(f.store, NOW, &stats, &err), &err);
	CHECK_INT(stats.total.counts[JOB_PAUSED], 0);
	CHECK_INT(stats.total.counts[JOB_WAITING], 2);
	CHECK_INT(stats.total.counts[JOB_COMPLETED], 1);
	CHECK_INT(stats.total.oldest_due_at, 0);
	queue_stats_free(&stats);
	CHECK(set_hold(f.store, HOLD_ENDPOINT, "a", false));
	CHECK(!set_hold(f.store, HOLD_ENDPOINT, "a", false));
	CHECK(work_once(f.store, NOW, SETTLE_COMPLETED) != 0);
	fixture_free(&f);
}

static void
test_all_endpoints_and_holds_are_known(void)
{
	struct fixture f = fixture_new();
	struct queue_stats stats;
	struct err err = {0};

	enqueue_many(f.store, "b", 0, 1);
	CHECK(work_once(f.store, NOW, SETTLE_COMPLETED) != 0);
	ok(store_purge(f.store, NOW + 1, 10, NULL, &err), &err);
	CHECK(set_hold(f.store, HOLD_ENDPOINT, "a", true));
	CHECK(set_hold(f.store, HOLD_EVENT_TYPE, "invoice.paid", true));
	CHECK(set_hold(f.store, HOLD_EVENT_TYPE, "user.created", true));
	CHECK(set_hold(f.store, HOLD_EVENT_TYPE, "user.created", false));
	ok(store_stats(f.store, NOW, &stats, &err), &err);
	CHECK_INT(stats.count, 1);
	CHECK_INT(stats.held_type_count, 1);
	queue_stats_free(&stats);
	ok(store_endpoints(f.store, NOW, &stats, &err), &err);
	CHECK_INT(stats.count, 2);
	CHECK(span_is(stats.endpoints[0].endpoint, "a") && stats.endpoints[0].held);
	CHECK(span_is(stats.endpoints[1].endpoint, "b") && !stats.endpoints[1].held);
	CHECK_INT(stats.held_type_count, 1);
	CHECK(span_is(stats.held_types[0], "invoice.paid"));
	CHECK(!stats.total.held);
	queue_stats_free(&stats);
	CHECK(set_hold(f.store, HOLD_ALL, "", true));
	ok(store_endpoints(f.store, NOW, &stats, &err), &err);
	CHECK(stats.total.held);
	CHECK_INT(stats.held_type_count, 1);
	queue_stats_free(&stats);
	fixture_free(&f);
}

static void
test_a_release_makes_no_endpoint(void)
{
	struct fixture f = fixture_new();
	struct queue_stats stats;
	struct err err = {0};

	CHECK(!set_hold(f.store, HOLD_ENDPOINT, "typo", false));
	ok(store_endpoints(f.store, NOW, &stats, &err), &err);
	CHECK_INT(stats.count, 0);
	queue_stats_free(&stats);
	CHECK(set_hold(f.store, HOLD_ENDPOINT, "typo", true));
	CHECK(set_hold(f.store, HOLD_ENDPOINT, "typo", false));
	fixture_free(&f);
}

static void
test_a_held_event_type_is_set_aside(void)
{
	struct fixture f = fixture_new();
	struct event event = event_of("other", "https://a.example");
	struct event later = event_of("later", "https://a.example");

	event.event_type = SPAN_LITERAL("user.created");
	later.run_at = NOW + 100;
	enqueue(f.store, "before");
	enqueue_event(f.store, &later);
	CHECK(set_hold(f.store, HOLD_EVENT_TYPE, "invoice.paid", true));
	CHECK(!set_hold(f.store, HOLD_EVENT_TYPE, "invoice.paid", true));
	CHECK_INT(enqueue_event(f.store, &event).state, JOB_WAITING);
	enqueue(f.store, "after");
	CHECK_INT(state_of(f.store, "after"), JOB_PAUSED);
	CHECK(claim_one(f.store, NOW + 100) == NULL ||
		state_of(f.store, "other") == JOB_ACTIVE);
	CHECK_INT(state_of(f.store, "before"), JOB_PAUSED);
	CHECK_INT(state_of(f.store, "later"), JOB_PAUSED);
	check_health(f.store);
	CHECK(set_hold(f.store, HOLD_EVENT_TYPE, "invoice.paid", false));
	CHECK(!set_hold(f.store, HOLD_EVENT_TYPE, "invoice.paid", false));
	CHECK(work_once(f.store, NOW + 100, SETTLE_COMPLETED) != 0);
	CHECK(work_once(f.store, NOW + 100, SETTLE_COMPLETED) != 0);
	CHECK(work_once(f.store, NOW + 100, SETTLE_COMPLETED) != 0);
	check_health(f.store);
	fixture_free(&f);
}

static void
test_releasing_a_type_leaves_what_was_held_by_hand(void)
{
	struct fixture f = fixture_new();

	enqueue(f.store, "a");
	act(f.store, ACT_HOLD, "a", NOW);
	set_hold(f.store, HOLD_EVENT_TYPE, "invoice.paid", true);
	set_hold(f.store, HOLD_EVENT_TYPE, "invoice.paid", false);
	CHECK_INT(state_of(f.store, "a"), JOB_PAUSED);
	fixture_free(&f);
}

static void
test_queues_are_apart(void)
{
	struct fixture f = fixture_new();
	struct store_options options = {
		.path = f.path, .mode = STORE_CREATE, .queue = "other", .now = NOW};
	struct event event = event_of("a", "https://a.example");
	struct store *other;
	struct err err = {0};
	int64_t worker;

	if (!ok(store_open(&other, &options, &err), &err))
		return;
	ok(store_worker_start(other, NOW, 30000, &worker, &err), &err);
	event.run_at = NOW + 100;
	enqueue_event(f.store, &event);
	CHECK(!enqueue_event(other, &event).duplicate);
	CHECK(set_hold(f.store, HOLD_EVENT_TYPE, "invoice.paid", true));
	CHECK(claim_one(f.store, NOW + 100) == NULL);
	CHECK_INT(state_of(f.store, "a"), JOB_PAUSED);
	CHECK(work_once(other, NOW + 100, SETTLE_COMPLETED) != 0);
	CHECK_INT(state_of(f.store, "a"), JOB_PAUSED);
	check_health(other);
	store_close(other);
	fixture_free(&f);
}

static void
test_a_hold_needs_a_name(void)
{
	struct fixture f = fixture_new();
	struct err err = {0};

	CHECK_INT(store_hold(f.store, HOLD_EVENT_TYPE, SPAN_LITERAL(""), true, NOW, NULL,
			  &err),
		-1);
	CHECK_INT(err.kind, ERR_DATA);
	enqueue(f.store, "a");
	CHECK(work_once(f.store, NOW, SETTLE_COMPLETED) != 0);
	fixture_free(&f);
}

static void
test_everything_can_be_held(void)
{
	struct fixture f = fixture_new();
	struct delivery *claimed[2] = {0};
	struct exchange round;

	enqueue(f.store, "a");
	CHECK(set_hold(f.store, HOLD_ALL, NULL, true));
	CHECK_INT(claim_at(f.store, NOW, claimed, 2, &round), 0);
	CHECK(!round.more);
	CHECK_INT(round.next_due_at, 0);
	CHECK(set_hold(f.store, HOLD_ALL, NULL, false));
	CHECK_INT(claim_at(f.store, NOW, claimed, 2, &round), 1);
	free(claimed[0]);
	fixture_free(&f);
}

/* ---- seeing ---------------------------------------------------------------------- */

static size_t
count_listed(struct store *store, struct job_filter filter, int *pages)
{
	struct job_page page;
	struct err err = {0};
	char cursor[64];
	int64_t last = INT64_MAX;
	size_t count = 0;

	for (*pages = 0; *pages < 100; ++*pages) {
		if (!ok(store_list(store, &filter, false, &page, &err), &err))
			return 0;
		for (size_t i = 0; i < page.count; i++) {
			CHECK(page.jobs[i].id < last);
			last = page.jobs[i].id;
		}
		count += page.count;
		if (!span_present(page.next))
			break;
		snprintf(cursor, sizeof(cursor), "%.*s", (int)page.next.len,
			page.next.ptr);
		filter.after = span_of(cursor);
		job_page_free(&page);
	}
	job_page_free(&page);
	return count;
}

static void
test_listing_pages_and_filters(void)
{
	struct fixture f = fixture_new();
	int pages;

	enqueue_many(f.store, "a", 0, 250);
	enqueue_many(f.store, "b", 0, 5);
	work_once(f.store, NOW, SETTLE_RETRY);
	work_once(f.store, NOW, SETTLE_DEAD);
	CHECK_INT(count_listed(f.store, (struct job_filter){0}, &pages), 254);
	CHECK_INT(pages, 1);
	CHECK_INT(count_listed(f.store, (struct job_filter){.limit = 50}, &pages), 254);
	CHECK_INT(pages, 5);
	CHECK_INT(count_listed(f.store, (struct job_filter){.limit = 254}, &pages), 254);
	CHECK_INT(count_listed(f.store, (struct job_filter){.states = 1 << JOB_DELAYED},
			  &pages),
		1);
	CHECK_INT(count_listed(f.store,
			  (struct job_filter){.states = 1 << JOB_DELAYED | 1 << JOB_DEAD},
			  &pages),
		2);
	CHECK_INT(count_listed(f.store,
			  (struct job_filter){.endpoint = SPAN_LITERAL("b")}, &pages),
		4);
	CHECK_INT(count_listed(f.store,
			  (struct job_filter){.event_type = SPAN_LITERAL("invoice.*")},
			  &pages),
		254);
	CHECK_INT(count_listed(f.store,
			  (struct job_filter){.event_type = SPAN_LITERAL("invoice")},
			  &pages),
		0);
	CHECK_INT(count_listed(f.store,
			  (struct job_filter){.has_type = true, .type = ERROR_SERVER},
			  &pages),
		1);
	CHECK_INT(
		count_listed(f.store, (struct job_filter){.since = NOW + 1}, &pages), 0);
	CHECK_INT(count_listed(f.store, (struct job_filter){.until = NOW}, &pages), 0);
	fixture_free(&f);
}

static void
test_a_listing_of_all_states_merges_the_dead(void)
{
	struct fixture f = fixture_new();
	int pages;

	enqueue_many(f.store, "a", 0, 20);
	for (int i = 0; i < 10; i++)
		work_once(f.store, NOW, i % 2 == 0 ? SETTLE_DEAD : SETTLE_COMPLETED);
	CHECK_INT(count_listed(f.store, (struct job_filter){.states = ~0u, .limit = 3},
			  &pages),
		20);
	CHECK_INT(pages, 6);
	fixture_free(&f);
}

static void
test_dead_letters_page_by_time_of_death(void)
{
	struct fixture f = fixture_new();
	struct job_filter filter = {.limit = 4};
	struct dead_page page;
	struct err err = {0};
	char cursor[64];

	enqueue_many(f.store, "a", 0, 6);
	for (int i = 0; i < 6; i++)
		work_once(f.store, NOW + i / 2, SETTLE_DEAD);
	ok(store_dead_list(f.store, &filter, true, &page, &err), &err);
	CHECK_INT(page.count, 4);
	CHECK_INT(page.letters[0].died_at, NOW + 2);
	CHECK_SPAN(page.letters[0].job.event_id, "a-5");
	CHECK_SPAN(page.letters[0].job.request.body, "{\"n\":1}");
	CHECK_SPAN(page.letters[3].job.event_id, "a-2");
	snprintf(cursor, sizeof(cursor), "%.*s", (int)page.next.len, page.next.ptr);
	dead_page_free(&page);
	filter.after = span_of(cursor);
	filter.dead_statuses = 1 << DEAD_UNRESOLVED;
	ok(store_dead_list(f.store, &filter, false, &page, &err), &err);
	CHECK_INT(page.count, 2);
	CHECK_SPAN(page.letters[1].job.event_id, "a-0");
	CHECK(!span_present(page.letters[1].job.request.body));
	CHECK(!span_present(page.next));
	dead_page_free(&page);
	fixture_free(&f);
}

static void
test_a_bad_cursor_is_refused(void)
{
	static const char *const cursors[] = {"", "x", "1", "1.", ".1", "1.2.3", "1.x"};
	struct fixture f = fixture_new();

	for (size_t i = 0; i < sizeof(cursors) / sizeof(cursors[0]); i++) {
		struct job_filter filter = {.after = span_of(cursors[i])};
		struct dead_page dead;
		struct job_page page;
		struct err err = {0};

		tap_case(cursors[i]);
		CHECK_INT(store_list(f.store, &filter, false, &page, &err), -1);
		CHECK_INT(err.kind, ERR_DATA);
		CHECK_INT(store_dead_list(f.store, &filter, false, &dead, &err), -1);
		CHECK_INT(err.kind, ERR_DATA);
	}
	fixture_free(&f);
}

static void
test_dead_letters_are_counted_by_group(void)
{
	struct fixture f = fixture_new();
	struct job_filter filter = {0};
	struct dead_stats stats;
	struct err err = {0};

	enqueue_many(f.store, "a", 0, 2);
	enqueue_many(f.store, "b", 0, 1);
	for (int i = 0; i < 3; i++)
		work_once(f.store, NOW, SETTLE_DEAD);
	act(f.store, ACT_RESOLVE, "a-0", NOW);
	ok(store_dead_stats(f.store, &filter, BY_ENDPOINT, &stats, &err), &err);
	CHECK_INT(stats.count, 2);
	CHECK_SPAN(stats.rows[0].key, "a");
	CHECK_INT(stats.rows[0].counts[DEAD_UNRESOLVED], 1);
	CHECK_INT(stats.rows[0].counts[DEAD_RESOLVED], 1);
	dead_stats_free(&stats);
	ok(store_dead_stats(f.store, &filter, BY_DAY, &stats, &err), &err);
	CHECK_SPAN(stats.rows[0].key, "2026-01-02");
	dead_stats_free(&stats);
	ok(store_dead_stats(f.store, &filter, BY_REASON, &stats, &err), &err);
	CHECK_SPAN(stats.rows[0].key, "retries_exhausted");
	CHECK_INT(stats.rows[0].oldest_at, NOW);
	dead_stats_free(&stats);
	fixture_free(&f);
}

static void
test_stats_tell_the_oldest_due(void)
{
	struct fixture f = fixture_new();
	struct event event = event_of("x", "a");
	struct queue_stats stats;
	struct err err = {0};

	event.run_at = NOW + 1000;
	enqueue_event(f.store, &event);
	ok(store_stats(f.store, NOW, &stats, &err), &err);
	CHECK_INT(stats.total.oldest_due_at, 0);
	CHECK_INT(stats.total.counts[JOB_DELAYED], 1);
	CHECK_INT(stats.workers, 1);
	queue_stats_free(&stats);
	ok(store_stats(f.store, NOW + 2000, &stats, &err), &err);
	CHECK_INT(stats.total.oldest_due_at, NOW + 1000);
	queue_stats_free(&stats);
	event = event_of("y", "a");
	event.run_at = NOW - 500;
	event.priority = -1;
	enqueue_event(f.store, &event);
	enqueue_many(f.store, "a", 0, 2);
	ok(store_stats(f.store, NOW, &stats, &err), &err);
	CHECK_INT(stats.count, 1);
	CHECK_INT(stats.endpoints[0].oldest_due_at, NOW - 500);
	queue_stats_free(&stats);
	fixture_free(&f);
}

static int
ignore_report(void *context, const struct action_report *report)
{
	(void)context;
	(void)report;
	return 0;
}

static void
test_counting_what_matches_agrees_with_the_counters(void)
{
	struct fixture f = fixture_new();
	struct action hold = {.verb = ACT_HOLD, .now = NOW};
	struct job_filter all = {0}, some = {.states = 1u << JOB_WAITING};
	struct queue_stats stats, counted;
	struct event event = event_of("later", "b");
	struct span held = SPAN_LITERAL("a-1");
	struct err err = {0};

	enqueue_many(f.store, "a", 0, 5);
	enqueue_many(f.store, "b", 0, 3);
	event.run_at = NOW + 1000;
	enqueue_event(f.store, &event);
	work_once(f.store, NOW, SETTLE_DEAD);
	work_once(f.store, NOW, SETTLE_COMPLETED);
	ok(store_act(f.store, &hold, &held, 1, ignore_report, NULL, &err), &err);
	ok(store_stats(f.store, NOW + 2000, &stats, &err), &err);
	ok(store_count(f.store, &all, NOW + 2000, &counted, &err), &err);
	CHECK_INT((int64_t)counted.count, (int64_t)stats.count);
	for (int state = 0; state < JOB_STATE_COUNT; state++)
		for (size_t i = 0; i < counted.count; i++)
			CHECK_INT(counted.endpoints[i].counts[state],
				stats.endpoints[i].counts[state]);
	CHECK_INT(counted.total.oldest_due_at, stats.total.oldest_due_at);
	queue_stats_free(&counted);
	some.endpoint = SPAN_LITERAL("b");
	ok(store_count(f.store, &some, NOW, &counted, &err), &err);
	CHECK_INT((int64_t)counted.count, 1);
	CHECK_INT(counted.total.counts[JOB_WAITING],
		stats.endpoints[1].counts[JOB_WAITING]);
	CHECK_INT(counted.total.counts[JOB_DELAYED], 0);
	queue_stats_free(&counted);
	queue_stats_free(&stats);
	fixture_free(&f);
}

/* ---- under load ------------------------------------------------------------------ */

/* One random operation of a worker, an application or an operator. */
static void
random_step(struct store *store, struct rng *rng, int64_t now)
{
	char id[24];
	struct event event;

	snprintf(id, sizeof(id), "r%d", (int)rng_below(rng, 60));
	switch (rng_below(rng, 6)) {
	case 0:
		event = event_of(id, rng_below(rng, 2) ? "a" : "b");
		event.run_at = now + (int64_t)rng_below(rng, 3) * 1000 - 1000;
		enqueue_event(store, &event);
		break;
	case 1:
	case 2:
		work_once(store, now,
			(enum settle_outcome)rng_below(rng, SETTLE_RELEASED + 1));
		break;
	case 3:
		free(claim_one(store, now));
		break;
	case 4:
		set_hold(store, rng_below(rng, 2) ? HOLD_ENDPOINT : HOLD_EVENT_TYPE,
			rng_below(rng, 2) ? "a" : "invoice.paid", rng_below(rng, 3) == 0);
		break;
	default:
		act(store, (enum action_verb)rng_below(rng, ACT_CLEANUP + 1), id, now);
	}
}

static void
test_counters_agree_after_anything(void)
{
	for (uint64_t seed = 1; seed <= 3; seed++) {
		struct fixture f = fixture_new();
		struct err err = {0};
		struct rng rng;

		rng_seed(&rng, seed);
		for (int i = 0; i < 600; i++)
			random_step(f.store, &rng, NOW + i * 100);
		ok(store_purge(f.store, NOW + 30000, 1000, NULL, &err), &err);
		check_health(f.store);
		fixture_free(&f);
	}
}

/* Delivers until nothing is left; returns false if a settle was lost. */
static bool
drain(struct store *store)
{
	struct delivery *delivery;
	bool lost = false;

	while ((delivery = claim_one(store, NOW)) != NULL) {
		lost |= settle_at(store, settle_of(delivery, SETTLE_COMPLETED), NOW);
		free(delivery);
	}
	return !lost;
}

static void
check_each_was_delivered_once(struct store *store, size_t count)
{
	struct job_filter filter = {0};
	struct job_page page;
	struct err err = {0};

	ok(store_list(store, &filter, false, &page, &err), &err);
	CHECK_INT(page.count, count);
	for (size_t i = 0; i < page.count; i++) {
		CHECK_INT(page.jobs[i].state, JOB_COMPLETED);
		CHECK_INT(page.jobs[i].attempts_made, 1);
	}
	job_page_free(&page);
}

static void
test_two_processes_never_share_a_job(void)
{
	struct fixture f = fixture_new();
	int status;
	pid_t child;

	enqueue_many(f.store, "a", 0, 150);
	child = fork();
	if (child == 0) {
		struct store *store = open_mode(&f, STORE_WRITE);
		struct err err;
		int64_t worker;

		_exit(store_worker_start(store, NOW, 30000, &worker, &err) != 0 ||
			!drain(store));
	}
	CHECK(drain(f.store));
	waitpid(child, &status, 0);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	check_each_was_delivered_once(f.store, 150);
	check_health(f.store);
	fixture_free(&f);
}

/* Enqueues in small batches, telling each one through the pipe once it is receipted. */
static void
enqueue_until_killed(const struct fixture *f, int pipe_fd)
{
	struct store *store = open_mode(f, STORE_WRITE);

	for (int64_t i = 0;; i += 5) {
		enqueue_many(store, "k", (int)i, 5);
		if (write(pipe_fd, &i, sizeof(i)) != sizeof(i))
			_exit(1);
	}
}

static void
test_what_was_receipted_survives_a_kill(void)
{
	struct fixture f = fixture_new();
	int64_t last = 0, batch;
	int pipes[2], status;
	char id[24];
	pid_t child;

	if (pipe(pipes) != 0)
		abort();
	child = fork();
	if (child == 0)
		enqueue_until_killed(&f, pipes[1]);
	close(pipes[1]);
	while (last < 200 && read(pipes[0], &batch, sizeof(batch)) == sizeof(batch))
		last = batch;
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	while (read(pipes[0], &batch, sizeof(batch)) == sizeof(batch))
		last = batch;
	close(pipes[0]);
	for (int64_t i = 0; i < last + 5; i++) {
		snprintf(id, sizeof(id), "k-%lld", (long long)i);
		CHECK_INT(state_of(f.store, id), JOB_WAITING);
	}
	check_health(f.store);
	fixture_free(&f);
}

int
main(void)
{
	return tap_run((struct tap_test[]){
		TAP(test_an_event_comes_back_as_it_went_in),
		TAP(test_an_event_id_is_one_job),
		TAP(test_a_purged_event_id_is_a_new_job),
		TAP(test_a_reported_failure_joins_the_queue),
		TAP(test_what_can_never_succeed_is_dead_at_once),
		TAP(test_a_delayed_job_waits_for_its_time),
		TAP(test_priority_then_age),
		TAP(test_a_claim_is_fair_to_endpoints),
		TAP(test_claims_go_round_the_endpoints),
		TAP(test_a_claim_keeps_to_the_room),
		TAP(test_what_came_due_later_stays),
		TAP(test_what_came_due_later_is_in_nobodys_way),
		TAP(test_what_was_expedited_later_stays),
		TAP(test_a_retry_runs_again),
		TAP(test_an_old_token_changes_nothing),
		TAP(test_many_are_settled_at_once),
		TAP(test_an_endpoint_may_ask_us_to_stay_away),
		TAP(test_a_crash_gives_the_job_back_at_once),
		TAP(test_only_what_was_under_way_is_suspected),
		TAP(test_nobody_is_suspected_for_want_of_descriptors),
		TAP(test_an_attempt_clears_of_crashes),
		TAP(test_a_living_worker_keeps_its_jobs),
		TAP(test_stopping_is_no_crash),
		TAP(test_a_worker_is_not_woken_for_another_queue),
		TAP(test_many_jobs_of_another_queue_do_not_hide_ours),
		TAP(test_work_wakes_workers),
		TAP(test_the_life_of_a_dead_letter),
		TAP(test_resolving_by_hand),
		TAP(test_a_delivered_entry_and_its_job_part),
		TAP(test_a_delivered_entry_stays_completed),
		TAP(test_a_cancelled_retry_is_dead_again),
		TAP(test_verbs_say_what_they_found),
		TAP(test_a_number_may_be_an_event_id),
		TAP(test_a_number_that_may_mean_two_jobs_is_refused),
		TAP(test_a_doubtful_name_stops_all_of_them),
		TAP(test_what_names_mean),
		TAP(test_a_missing_dead_letter_is_called_so),
		TAP(test_matching_in_chunks_with_a_dry_run),
		TAP(test_a_held_endpoint_stands_still),
		TAP(test_all_endpoints_and_holds_are_known),
		TAP(test_a_release_makes_no_endpoint),
		TAP(test_a_held_event_type_is_set_aside),
		TAP(test_releasing_a_type_leaves_what_was_held_by_hand),
		TAP(test_queues_are_apart),
		TAP(test_a_hold_needs_a_name),
		TAP(test_everything_can_be_held),
		TAP(test_listing_pages_and_filters),
		TAP(test_a_listing_of_all_states_merges_the_dead),
		TAP(test_dead_letters_page_by_time_of_death),
		TAP(test_a_bad_cursor_is_refused),
		TAP(test_dead_letters_are_counted_by_group),
		TAP(test_stats_tell_the_oldest_due),
		TAP(test_counting_what_matches_agrees_with_the_counters),
		TAP(test_counters_agree_after_anything),
		TAP(test_two_processes_never_share_a_job),
		TAP(test_what_was_receipted_survives_a_kill),
		{0},
	});
}
