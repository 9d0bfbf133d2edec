/* SPDX-License-Identifier: MIT */
/*
 * Settling what was claimed. Each update names the fencing token of the claim and counts
 * its rows: a worker that was given up for dead changes nothing.
 */
#include "store/sqlite.h"

enum {
	SETTLE_AS_FAILED,
	SETTLE_AS_RELEASED,
	ANY_RETRIED,
};

#define OURS " WHERE id = ?1 AND token = ?2 AND endpoint_id = ?3 AND state = 2"

const struct sql sqlite_settle_sql[] = {
	[SETTLE_AS_FAILED] = {"settle-failed",
		"UPDATE retry_queue SET updated_at = ?4, http_status = ?5, state = ?6,"
		" run_at = ?7, crashes = 0, attempt = attempt + 1,"
		" attempts_made = attempts_made + 1,"
		" failed = attempts_made + 1, error_type = ?8, category = ?9" OURS},
	[SETTLE_AS_RELEASED] = {"settle-released",
		"UPDATE retry_queue SET state = 0, updated_at = ?4" OURS},
	[ANY_RETRIED] = {"any-retried",
		"SELECT EXISTS (SELECT 1 FROM dead_letter_queue WHERE status = 1)"},
	{0},
};

static struct query
start_settle(
	struct sqlite_store *store, int which, const struct settle *settle, int64_t now)
{
	struct query query = query_start(store, &sqlite_settle_sql[which]);

	bind_int(&query, settle->job_id);
	bind_int(&query, settle->token);
	bind_int(&query, settle->endpoint_id);
	bind_int(&query, now);
	return query;
}

/* Runs the update; settle->lost says whether it found the job under our token. */
static int
finish_settle(struct query *query, struct settle *settle, struct err *err)
{
	int changed;

	if (query_run_counted(query, &changed, err) != 0)
		return -1;
	settle->lost = changed == 0;
	return 0;
}

/* The number comes from the row, which counts also what other programs reported. */
static int
add_attempt(struct sqlite_store *store, const struct settle *settle, struct err *err)
{
	struct attempt attempt = settle->attempt;

	attempt.number = 0;
	return attempt_insert(store, settle->job_id, &attempt, err);
}

static int
find_retried_letters(struct sqlite_store *store, struct err *err)
{
	struct query query = query_start(store, &sqlite_settle_sql[ANY_RETRIED]);
	int64_t any;

	if (query_int(&query, 0, &any, err) != 0)
		return -1;
	store->letters_retried = any;
	return 0;
}

static int
settle_failed(struct sqlite_store *store, struct settle *settle, enum job_state state,
	int64_t now, struct err *err)
{
	const struct failure *failure = &settle->attempt.failure;
	struct query query = start_settle(store, SETTLE_AS_FAILED, settle, now);

	bind_int(&query, settle->attempt.status);
	bind_int(&query, state);
	bind_int(&query, settle->run_at);
	bind_text(&query, span_of(error_type_name(failure->type)));
	bind_text(&query, span_of(category_name(failure->category)));
	if (finish_settle(&query, settle, err) != 0)
		return -1;
	return settle->lost ? 0 : add_attempt(store, settle, err);
}

static int
settle_retry(
	struct sqlite_store *store, struct settle *settle, int64_t now, struct err *err)
{
	enum job_state state = settle->run_at <= now ? JOB_WAITING : JOB_DELAYED;

	if (settle_failed(store, settle, state, now, err) != 0)
		return -1;
	if (settle->lost)
		return 0;
	if (endpoint_move(store, settle->endpoint_id, JOB_ACTIVE, state, err) != 0)
		return -1;
	return order_rejoin(store, settle->job_id, settle->endpoint_id, state, now, err);
}

static int
settle_dead(
	struct sqlite_store *store, struct settle *settle, int64_t now, struct err *err)
{
	struct burial burial = {
		.job_id = settle->job_id,
		.endpoint_id = settle->endpoint_id,
		.from = JOB_ACTIVE,
		.death = settle->dead,
		.now = now,
	};

	if (settle_failed(store, settle, JOB_ACTIVE, now, err) != 0)
		return -1;
	return settle->lost ? 0 : job_bury(store, &burial, err);
}

static int
settle_released(
	struct sqlite_store *store, struct settle *settle, int64_t now, struct err *err)
{
	struct query query = start_settle(store, SETTLE_AS_RELEASED, settle, now);
	struct endpoint_change *endpoint;

	if (finish_settle(&query, settle, err) != 0)
		return -1;
	if (settle->lost)
		return 0;
	store->poke = true;
	if (endpoint_by_id(store, settle->endpoint_id, &endpoint, err) != 0)
		return -1;
	if (settle->unconfigured)
		endpoint->unconfigured_at = now;
	return endpoint_move(store, settle->endpoint_id, JOB_ACTIVE, JOB_WAITING, err);
}

static int
settle_completed(struct sqlite_store *store, struct completion_batch *batch,
	struct settle *settle, int64_t now, struct err *err)
{
	if (completion_add(batch, settle))
		return 0;
	if (complete_batch(store, batch, now, err) != 0)
		return -1;
	(void)completion_add(batch, settle);
	return 0;
}

/* What is completed waits in the batch. */
static int
settle_one(struct sqlite_store *store, struct completion_batch *batch,
	struct settle *settle, int64_t now, struct err *err)
{
	switch (settle->outcome) {
	case SETTLE_COMPLETED:
		return settle_completed(store, batch, settle, now, err);
	case SETTLE_RETRY:
		return settle_retry(store, settle, now, err);
	case SETTLE_DEAD:
		return settle_dead(store, settle, now, err);
	case SETTLE_RELEASED:
		return settle_released(store, settle, now, err);
	}
	return err_set(err, ERR_BUG, "outcome %d of a settle", (int)settle->outcome);
}

/* What a receiver says of itself counts even if the job was no longer ours. */
static int
stay_away(struct sqlite_store *store, const struct settle *settle, struct err *err)
{
	struct endpoint_change *endpoint;

	if (settle->endpoint_not_before == 0)
		return 0;
	if (endpoint_by_id(store, settle->endpoint_id, &endpoint, err) != 0)
		return -1;
	if (settle->endpoint_not_before > endpoint->not_before)
		endpoint->not_before = settle->endpoint_not_before;
	endpoint_count(store, endpoint, JOB_ACTIVE, 0);
	store->endpoints.affects_claims = true;
	return 0;
}

/* The clock was set back since the attempt ended: what is to come follows it. */
static void
follow_clock(struct settle *settle, int64_t now)
{
	int64_t ahead_ms = settle->judged_at - now;

	if (ahead_ms <= CLOCK_SLACK_MS)
		return;
	settle->run_at -= ahead_ms;
	if (settle->endpoint_not_before != 0)
		settle->endpoint_not_before -= ahead_ms;
	settle->judged_at = now;
}

int
exchange_settle(struct sqlite_store *store, struct exchange *exchange, struct err *err)
{
	struct completion_batch batch = {.count = 0};

	if (exchange->settle_count > 0 && find_retried_letters(store, err) != 0)
		return -1;
	for (size_t i = 0; i < exchange->settle_count; i++) {
		struct settle *settle = &exchange->settles[i];

		follow_clock(settle, exchange->now);
		if (settle_one(store, &batch, settle, exchange->now, err) != 0 ||
			stay_away(store, settle, err) != 0 ||
			endpoint_learn(store, settle, exchange->now, err) != 0)
			return -1;
	}
	return complete_batch(store, &batch, exchange->now, err);
}
