/* SPDX-License-Identifier: MIT */
/*
 * Taking events in. The key (queue, event id) decides first whether an event is new;
 * everything else follows in the same transaction.
 */
#include "store/sqlite.h"

enum { ADD_KEY, FIND_DUPLICATE, ADD_REQUEST, ADD_JOB, ADD_DEAD };

const struct sql sqlite_enqueue_sql[] = {
	[ADD_KEY] = {"add-key",
		"INSERT INTO job_key (queue_id, event_id, job_id) VALUES (?1, ?2, ?3)"
		" ON CONFLICT DO NOTHING"},
	[FIND_DUPLICATE] = {"find-duplicate",
		"SELECT k.job_id, " STATE_ANYWHERE ", coalesce(q.run_at, 0),"
		" coalesce(q.attempt, d.attempt, 0)"
		" FROM job_key k LEFT JOIN retry_queue q ON q.id = k.job_id"
		" LEFT JOIN dead_letter_queue d ON d.id = k.job_id"
		" WHERE k.queue_id = ?1 AND k.event_id = ?2"},
	[ADD_REQUEST] = {"add-request",
		"INSERT INTO request (job_id, event_id, url, method, headers, body_kind,"
		" body, extra) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"},
	[ADD_JOB] = {"add-job",
		"INSERT INTO retry_queue (id, endpoint_id, state, priority, run_at,"
		" created_at, updated_at, attempt, attempts_made, max_attempts,"
		" paused_by, http_status, failed, error_type, category, event_type,"
		" ordering_key, ordering_queue)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7, ?7, ?8, ?9, ?10, ?7, ?11, ?12,"
		" ?13, ?14, ?15)"},
	[ADD_DEAD] = {"add-dead",
		"INSERT INTO dead_letter_queue (id, endpoint_id, status, death, died_at,"
		" first_died_at, priority, created_at, attempt, attempts_made,"
		" max_attempts, crashes, http_status, failed, error_type, category,"
		" event_type, rule, reason, ordering_key, ordering_queue)"
		" VALUES (?1, ?2, 0, ?3, ?4, ?4, ?5, ?4, ?6, ?6, ?7, 0, ?8, ?6, ?9, ?10,"
		" ?11, ?12, ?13, ?14, ?15)"},
	{0},
};

/* One event on its way in. */
struct arrival {
	const struct event *event;
	int64_t job_id;
	int64_t now;
	enum job_state state;
	struct endpoint_change *endpoint;
};

/* *added: the event id was not there. */
static int
add_key(struct sqlite_store *store, const struct arrival *arrival, int *added,
	struct err *err)
{
	struct query query = query_start(store, &sqlite_enqueue_sql[ADD_KEY]);

	bind_int(&query, store->queue_id);
	bind_text(&query, arrival->event->id);
	bind_int(&query, arrival->job_id);
	return query_run_counted(&query, added, err);
}

static int
report_duplicate(struct sqlite_store *store, struct span event_id,
	struct receipt *receipt, struct err *err)
{
	struct query query = query_start(store, &sqlite_enqueue_sql[FIND_DUPLICATE]);

	bind_int(&query, store->queue_id);
	bind_text(&query, event_id);
	if (query_next(&query, err) < 0)
		return -1;
	receipt->duplicate = true;
	receipt->job_id = read_int(&query);
	receipt->state = (enum job_state)read_choice(&query, JOB_STATE_COUNT);
	receipt->run_at = read_int(&query);
	receipt->attempt = (int)read_int(&query);
	return query_done(&query, err);
}

static enum job_state
state_by_itself(const struct sqlite_store *store, const struct event *event, int64_t now)
{
	if (holds_cover(&store->holds, event->event_type))
		return JOB_PAUSED;
	return event->run_at <= now ? JOB_WAITING : JOB_DELAYED;
}

static int
choose_state(struct sqlite_store *store, struct arrival *arrival, struct err *err)
{
	const struct event *event = arrival->event;

	arrival->state = JOB_DEAD;
	if (event->dead != DEAD_NOT)
		return 0;
	arrival->state = state_by_itself(store, event, arrival->now);
	if (!span_present(event->ordering_key))
		return 0;
	return order_arrive(store, event->ordering_key, &arrival->state, err);
}

static int
add_request(struct sqlite_store *store, const struct arrival *arrival, struct err *err)
{
	const struct request *request = &arrival->event->request;
	struct query query = query_start(store, &sqlite_enqueue_sql[ADD_REQUEST]);

	bind_int(&query, arrival->job_id);
	bind_text(&query, arrival->event->id);
	bind_text(&query, request->url);
	bind_text(&query, request->method);
	bind_text(&query, request->headers);
	bind_int(&query, request->body_kind);
	/* JSON as text, so that it can be read and searched with the sqlite3 shell. */
	if (request->body_kind == BODY_JSON)
		bind_text(&query, request->body);
	else
		bind_blob(&query, request->body);
	bind_text(&query, request->extra);
	return query_run(&query, err);
}

static void
bind_failure(struct query *query, const struct failure *failure)
{
	bool failed = span_present(failure->rule);

	bind_text(query, span_of(failed ? error_type_name(failure->type) : NULL));
	bind_text(query, span_of(failed ? category_name(failure->category) : NULL));
}

static void
bind_order(struct query *query, const struct event *event)
{
	bind_text(query, event->ordering_key);
	bind_optional(query, span_present(event->ordering_key), query->store->queue_id);
}

static int
add_job(struct sqlite_store *store, const struct arrival *arrival, struct err *err)
{
	const struct event *event = arrival->event;
	struct query query = query_start(store, &sqlite_enqueue_sql[ADD_JOB]);

	bind_int(&query, arrival->job_id);
	bind_int(&query, arrival->endpoint->id);
	bind_int(&query, arrival->state);
	bind_int(&query, event->priority);
	bind_int(&query, event->run_at);
	bind_int(&query, arrival->now);
	bind_int(&query, event->attempt);
	bind_int(&query, event->max_attempts);
	bind_optional(&query, arrival->state == JOB_PAUSED, PAUSED_BY_HOLD);
	bind_int(&query, event->reported.status);
	bind_failure(&query, &event->reported.failure);
	bind_text(&query, event->event_type);
	bind_order(&query, event);
	store->poke = true;
	return query_run(&query, err);
}

static int
add_dead(struct sqlite_store *store, const struct arrival *arrival, struct err *err)
{
	const struct event *event = arrival->event;
	struct query query = query_start(store, &sqlite_enqueue_sql[ADD_DEAD]);

	bind_int(&query, arrival->job_id);
	bind_int(&query, arrival->endpoint->id);
	bind_text(&query, span_of(dead_reason_name(event->dead)));
	bind_int(&query, arrival->now);
	bind_int(&query, event->priority);
	bind_int(&query, event->attempt);
	bind_int(&query, event->max_attempts);
	bind_int(&query, event->reported.status);
	bind_failure(&query, &event->reported.failure);
	bind_text(&query, event->event_type);
	bind_text(&query, event->reported.failure.rule);
	bind_text(&query, event->reported.failure.reason);
	bind_order(&query, event);
	return query_run(&query, err);
}

static int
add_reported_attempt(
	struct sqlite_store *store, const struct arrival *arrival, struct err *err)
{
	struct attempt attempt = arrival->event->reported;

	if (arrival->event->attempt == 0)
		return 0;
	attempt.number = arrival->event->attempt;
	return attempt_insert(store, arrival->job_id, &attempt, err);
}

static int
enqueue_one(struct sqlite_store *store, struct arrival *arrival, struct receipt *receipt,
	struct err *err)
{
	const struct event *event = arrival->event;
	int added;

	*receipt = (struct receipt){0};
	if (add_key(store, arrival, &added, err) != 0)
		return -1;
	if (!added)
		return report_duplicate(store, event->id, receipt, err);
	if (endpoint_by_name(store, event->endpoint, event->endpoint_named,
		    &arrival->endpoint, err) != 0 ||
		choose_state(store, arrival, err) != 0)
		return -1;
	if (add_request(store, arrival, err) != 0 ||
		(arrival->state == JOB_DEAD ? add_dead : add_job)(store, arrival, err) !=
			0 ||
		add_reported_attempt(store, arrival, err) != 0)
		return -1;
	endpoint_count(store, arrival->endpoint, arrival->state, 1);
	receipt->job_id = arrival->job_id;
	receipt->state = arrival->state;
	receipt->run_at = arrival->state == JOB_DEAD ? 0 : event->run_at;
	receipt->attempt = event->attempt;
	return 0;
}

static int
enqueue_all(struct sqlite_store *store, const struct event *events, size_t count,
	int64_t now, struct receipt *receipts, struct err *err)
{
	int64_t first;

	if (holds_load(store, err) != 0 || clock_note(store, now, err) != 0 ||
		sequence_take(store, SEQUENCE_JOB, count, &first, err) != 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		struct arrival arrival = {
			.event = &events[i], .job_id = first + (int64_t)i, .now = now};

		if (enqueue_one(store, &arrival, &receipts[i], err) != 0)
			return -1;
	}
	return 0;
}

int
sqlite_enqueue(struct store *base, const struct event *events, size_t count, int64_t now,
	struct receipt *receipts, struct err *err)
{
	struct sqlite_store *store = sqlite_of(base);

	if (count == 0)
		return 0;
	if (txn_begin(store, err) != 0)
		return -1;
	return txn_end(store, enqueue_all(store, events, count, now, receipts, err), err);
}
