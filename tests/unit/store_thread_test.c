/* SPDX-License-Identifier: MIT */
/*
 * The store thread against a store that fails when the test says so: nothing that was
 * delivered is forgotten, and nothing is told before it is committed.
 */
#include "work/store_thread.h"

#include "store/backend.h"
#include "tap.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* A store of one queue of identical jobs. */
struct fake_store {
	struct store base;
	struct err failure;          /* of the next exchanges */
	int works;                   /* exchanges that work before that */
	int failures;                /* how many of them fail */
	int due;                     /* jobs not yet claimed */
	int stale;                   /* jobs that a dead worker holds */
	atomic_int tries;            /* exchanges so far, whatever came of them */
	atomic_int reclaim_failures; /* how many of the next reclaims fail */
	atomic_int reclaims;         /* that worked */
	int completed, lost;         /* what was settled */
	int released;
	bool lose; /* the next settles have lost their lease */
	bool corrupt;
	bool stopped;
	int wake_fd; /* never readable */
};

static int
fake_exchange(struct store *base, struct exchange *exchange, struct err *err)
{
	struct fake_store *store = (struct fake_store *)base;

	exchange->claimed_count = 0;
	atomic_fetch_add(&store->tries, 1);
	if (store->works > 0) {
		store->works--;
	} else if (store->failures > 0) {
		store->failures--;
		*err = store->failure;
		return -1;
	}
	for (size_t i = 0; i < exchange->settle_count; i++) {
		struct settle *settle = &exchange->settles[i];

		settle->lost = store->lose;
		store->lost += settle->lost;
		store->completed += settle->outcome == SETTLE_COMPLETED;
		store->released += settle->outcome == SETTLE_RELEASED;
	}
	while (store->due > 0 && exchange->claimed_count < exchange->claim_limit) {
		struct delivery *delivery = calloc(1, sizeof(*delivery));

		delivery->job_id = store->due--;
		delivery->event_id = SPAN_LITERAL("evt");
		exchange->claimed[exchange->claimed_count++] = delivery;
	}
	exchange->more = store->due > 0;
	exchange->next_due_at = 0;
	return 0;
}

static int
fake_stop(struct store *base, int64_t now, struct err *err)
{
	(void)now;
	(void)err;
	((struct fake_store *)base)->stopped = true;
	return 0;
}

static int
fake_beat(struct store *base, int64_t now, struct err *err)
{
	(void)base;
	(void)now;
	(void)err;
	return 0;
}

static int
fake_reclaim(struct store *base, int64_t now, size_t limit, struct stalled_list *list,
	struct err *err)
{
	struct fake_store *store = (struct fake_store *)base;

	(void)now;
	(void)limit;
	*list = (struct stalled_list){0};
	if (atomic_load(&store->reclaim_failures) > 0) {
		atomic_fetch_sub(&store->reclaim_failures, 1);
		*err = store->failure;
		return -1;
	}
	atomic_fetch_add(&store->reclaims, 1);
	store->due += store->stale;
	store->stale = 0;
	return 0;
}

static int
fake_purge(
	struct store *base, int64_t before, size_t limit, size_t *purged, struct err *err)
{
	(void)base;
	(void)before;
	(void)limit;
	(void)err;
	*purged = 0;
	return 0;
}

static int
fake_wake_fd(struct store *base, struct err *err)
{
	(void)err;
	return ((struct fake_store *)base)->wake_fd;
}

static int
fake_health(struct store *base, int64_t now, struct store_health *health, struct err *err)
{
	(void)now;
	(void)err;
	*health = (struct store_health){
		.integrity_ok = !((struct fake_store *)base)->corrupt};
	return 0;
}

static const struct store_ops fake_ops = {
	.worker_beat = fake_beat,
	.worker_stop = fake_stop,
	.exchange = fake_exchange,
	.reclaim = fake_reclaim,
	.wake_fd = fake_wake_fd,
	.purge = fake_purge,
	.health = fake_health,
};

/* What the thread said. */
struct heard {
	struct buf lines;
	int complaints;
	bool refuse; /* the lines are lost */
};

static int
hear_lines(void *context, struct span lines, int hurry_fd)
{
	struct heard *heard = context;

	(void)hurry_fd;
	if (heard->refuse)
		return -1;
	buf_add_span(&heard->lines, lines);
	return 0;
}

static void
hear_complaint(void *context, const struct err *err)
{
	(void)err;
	((struct heard *)context)->complaints++;
}

struct scene {
	struct fake_store store;
	struct heard heard;
	struct clock clock;
	struct store_thread thread;
};

static void
scene_start(struct scene *scene, bool drain, int64_t grace_ms)
{
	struct store_thread_options options = {
		.store = &scene->store.base,
		.clock = &scene->clock,
		.report = {.worker = 1},
		.concurrency = 4,
		.lease_ms = 60000,
		.grace_ms = grace_ms,
		.retention_ms = 1000,
		.drain = drain,
		.emit = hear_lines,
		.complain = hear_complaint,
		.context = &scene->heard,
	};
	struct err err;

	scene->store.base.ops = &fake_ops;
	scene->store.wake_fd = eventfd(0, EFD_CLOEXEC);
	scene->clock.fixed_at = 1000000;
	buf_init(&scene->heard.lines, 1 << 20);
	CHECK_INT(store_thread_start(&scene->thread, &options, &err), 0);
}

static void
scene_end(struct scene *scene)
{
	close(scene->store.wake_fd);
	buf_free(&scene->heard.lines);
}

/* Delivers everything that is claimed, as an engine would, until the thread closes. */
static void
play_engine(struct scene *scene)
{
	struct task_list mail = {0}, done = {0};
	struct task *task;

	while (mailbox_take(&scene->thread.claimed, &mail) &&
		!atomic_load(&scene->thread.wants_stop)) {
		while ((task = task_list_pop(&mail)) != NULL) {
			task->settle.outcome = SETTLE_COMPLETED;
			task->window = 4;
			buf_add_text(&task->line, "delivered\n");
			task_list_add(&done, task);
		}
		mailbox_put(&scene->thread.finished, &done);
		sched_yield();
	}
}

static int
count_lines(const struct scene *scene, const char *text)
{
	int count = 0;

	for (const char *at = scene->heard.lines.data;
		at != NULL && (at = strstr(at, text)) != NULL; at++)
		count++;
	return count;
}

static void
test_drains(void)
{
	struct scene scene = {.store = {.due = 100}};
	struct err err;

	scene_start(&scene, true, 0);
	play_engine(&scene);
	CHECK_INT(store_thread_join(&scene.thread, &err), 0);
	CHECK_INT(scene.store.completed, 100);
	CHECK_INT(count_lines(&scene, "delivered\n"), 100);
	CHECK_INT(scene.heard.complaints, 0);
	CHECK(scene.store.stopped);
	scene_end(&scene);
}

static void
test_a_drain_includes_what_a_dead_worker_held(void)
{
	struct scene scene = {.store = {.due = 0, .stale = 3}};
	struct err err;

	scene_start(&scene, true, 0);
	play_engine(&scene);
	CHECK_INT(store_thread_join(&scene.thread, &err), 0);
	CHECK_INT(scene.store.completed, 3);
	scene_end(&scene);
}

static void
test_a_full_disk_costs_nothing_but_time(void)
{
	struct scene scene = {.store = {.due = 20, .failures = 3}};
	struct err err;

	err_set(&scene.store.failure, ERR_IO, "disk full");
	scene_start(&scene, true, 10000);
	play_engine(&scene);
	CHECK_INT(store_thread_join(&scene.thread, &err), 0);
	CHECK_INT(scene.store.completed, 20);
	CHECK_INT(scene.heard.complaints, 1);
	CHECK_INT(count_lines(&scene, "\"event\":\"error\",\"reason\":\"disk full\""), 1);
	CHECK_INT(count_lines(&scene, "delivered\n"), 20);
	scene_end(&scene);
}

static void
test_a_corrupt_store_is_the_end(void)
{
	struct scene scene = {.store = {.due = 20, .failures = 1000, .corrupt = true}};
	struct err err = {0};

	err_set(&scene.store.failure, ERR_IO, "malformed");
	scene_start(&scene, true, 0);
	play_engine(&scene);
	CHECK_INT(store_thread_join(&scene.thread, &err), -1);
	CHECK_INT(err.kind, ERR_IO);
	CHECK_INT(scene.store.failures, 999);
	scene_end(&scene);
}

static void
test_a_lost_lease_is_told_as_stalled(void)
{
	struct scene scene = {.store = {.due = 1, .lose = true}};
	struct err err;

	scene_start(&scene, true, 0);
	play_engine(&scene);
	CHECK_INT(store_thread_join(&scene.thread, &err), 0);
	CHECK_INT(scene.store.lost, 1);
	CHECK_INT(count_lines(&scene, "delivered\n"), 0);
	CHECK_INT(count_lines(&scene, "\"event\":\"stalled\""), 1);
	scene_end(&scene);
}

/* The engine's last act: one delivery is done, and no more will come. */
static void
hand_over_and_close(struct scene *scene)
{
	struct task_list mail = {0};

	while (mail.count == 0) {
		mailbox_take(&scene->thread.claimed, &mail);
		sched_yield();
	}
	mail.head->settle.outcome = SETTLE_COMPLETED;
	atomic_store(&scene->thread.stopping, true);
	mailbox_put(&scene->thread.finished, &mail);
	mailbox_close(&scene->thread.finished);
}

static void
test_when_stopping_a_store_that_fails_is_given_up(void)
{
	struct scene scene = {.store = {.due = 1, .works = 1, .failures = 1000}};
	struct err err = {0};

	err_set(&scene.store.failure, ERR_BUSY, "locked");
	scene_start(&scene, false, 10);
	hand_over_and_close(&scene);
	CHECK_INT(store_thread_join(&scene.thread, &err), -1);
	CHECK_INT(err.kind, ERR_BUSY);
	CHECK_INT(scene.store.completed, 0);
	CHECK(scene.store.failures < 999);
	CHECK(scene.store.stopped);
	scene_end(&scene);
}

static void
test_when_stopping_a_store_that_recovers_gets_everything(void)
{
	struct scene scene = {.store = {.due = 1, .works = 1, .failures = 2}};
	struct err err = {0};

	err_set(&scene.store.failure, ERR_BUSY, "locked");
	scene_start(&scene, false, 60000);
	hand_over_and_close(&scene);
	CHECK_INT(store_thread_join(&scene.thread, &err), 0);
	CHECK_INT(scene.store.completed, 1);
	scene_end(&scene);
}

/* Of this process, all threads. */
static int64_t
cpu_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void
test_when_stopping_it_sleeps_between_tries_and_makes_the_last_one_in_time(void)
{
	struct scene scene = {.store = {.due = 1, .works = 1, .failures = 1000}};
	struct err err = {0};
	int64_t started, cpu;

	err_set(&scene.store.failure, ERR_BUSY, "locked");
	scene_start(&scene, false, 800);
	hand_over_and_close(&scene);
	started = clock_monotonic_us();
	cpu = cpu_us();
	CHECK_INT(store_thread_join(&scene.thread, &err), -1);
	/* At 0, 50, 150, 350, 750 and 800 ms: the next would be at 1550. */
	CHECK(atomic_load(&scene.store.tries) <= 1 + 6);
	CHECK(clock_monotonic_us() - started < 1500 * 1000);
	CHECK(cpu_us() - cpu < 300 * 1000);
	scene_end(&scene);
}

static void
test_in_a_hurry_a_store_that_fails_is_tried_once_more(void)
{
	struct scene scene = {.store = {.due = 1, .works = 1, .failures = 1000}};
	struct err err = {0};

	err_set(&scene.store.failure, ERR_BUSY, "locked");
	scene_start(&scene, false, 3600 * 1000);
	hand_over_and_close(&scene);
	while (atomic_load(&scene.store.tries) < 2)
		sched_yield();
	store_thread_hurry(&scene.thread);
	CHECK_INT(store_thread_join(&scene.thread, &err), -1);
	CHECK_INT(err.kind, ERR_BUSY);
	CHECK(scene.store.stopped);
	scene_end(&scene);
}

/* One reclaim fails and the next one works, or the thread has ended. */
static void
fail_to_reclaim_once(struct scene *scene)
{
	struct task_list mail = {0};
	int before;

	atomic_store(&scene->store.reclaim_failures, 1);
	while (atomic_load(&scene->store.reclaim_failures) > 0 &&
		mailbox_take(&scene->thread.claimed, &mail))
		sched_yield();
	before = atomic_load(&scene->store.reclaims);
	while (atomic_load(&scene->store.reclaims) == before &&
		mailbox_take(&scene->thread.claimed, &mail))
		sched_yield();
}

static void
take_tasks(struct scene *scene, struct task_list *mail, size_t count)
{
	while (mail->count < count) {
		mailbox_take(&scene->thread.claimed, mail);
		sched_yield();
	}
}

static void
hand_over(struct scene *scene, struct task_list *mail)
{
	for (struct task *task = mail->head; task != NULL; task = task->next) {
		task->settle.outcome = SETTLE_COMPLETED;
		task->window = 4;
		task->standing = STANDING_ANSWERS;
	}
	mailbox_put(&scene->thread.finished, mail);
}

/* While all slots of a drain are busy, nothing but housekeeping speaks with the store. */
static void
test_housekeeping_that_works_again_is_the_end_of_a_trouble(void)
{
	struct scene scene = {.store = {.due = 16}};
	struct task_list mail = {0};
	struct err err = {0};

	err_set(&scene.store.failure, ERR_BUSY, "locked");
	scene_start(&scene, true, 1);
	take_tasks(&scene, &mail, 4);
	hand_over(&scene, &mail);
	take_tasks(&scene, &mail, 12); /* and twice as many in advance as came back */
	fail_to_reclaim_once(&scene);
	fail_to_reclaim_once(&scene);
	CHECK_INT(atomic_load(&scene.store.tries), 2);
	hand_over(&scene, &mail);
	play_engine(&scene);
	CHECK_INT(store_thread_join(&scene.thread, &err), 0);
	CHECK_INT(scene.store.completed, 16);
	CHECK_INT(scene.heard.complaints, 2);
	scene_end(&scene);
}

/* It is the round that fails, for ever: what else works does not give it more time. */
static void
test_housekeeping_that_works_does_not_prolong_a_drain(void)
{
	struct scene scene = {.store = {.due = 1, .works = 1, .failures = 1000}};
	struct err err = {0};

	err_set(&scene.store.failure, ERR_IO, "disk full");
	scene_start(&scene, true, 1200);
	play_engine(&scene);
	CHECK_INT(store_thread_join(&scene.thread, &err), -1);
	CHECK_INT(err.kind, ERR_IO);
	CHECK(atomic_load(&scene.store.reclaims) > 1);
	CHECK_INT(scene.heard.complaints, 1);
	scene_end(&scene);
}

static void
test_lost_output_asks_for_a_stop(void)
{
	struct scene scene = {.store = {.due = 1}, .heard = {.refuse = true}};
	struct err err;

	scene_start(&scene, true, 0);
	play_engine(&scene);
	CHECK(atomic_load(&scene.thread.wants_stop));
	mailbox_close(&scene.thread.finished);
	CHECK_INT(store_thread_join(&scene.thread, &err), 0);
	CHECK_INT(scene.store.completed, 1);
	scene_end(&scene);
}

int
main(void)
{
	return tap_run((struct tap_test[]){
		TAP(test_drains),
		TAP(test_a_drain_includes_what_a_dead_worker_held),
		TAP(test_a_full_disk_costs_nothing_but_time),
		TAP(test_a_corrupt_store_is_the_end),
		TAP(test_a_lost_lease_is_told_as_stalled),
		TAP(test_when_stopping_a_store_that_fails_is_given_up),
		TAP(test_when_stopping_a_store_that_recovers_gets_everything),
		TAP(test_when_stopping_it_sleeps_between_tries_and_makes_the_last_one_in_time),
		TAP(test_in_a_hurry_a_store_that_fails_is_tried_once_more),
		TAP(test_housekeeping_that_works_again_is_the_end_of_a_trouble),
		TAP(test_housekeeping_that_works_does_not_prolong_a_drain),
		TAP(test_lost_output_asks_for_a_stop),
		{0},
	});
}
