/* SPDX-License-Identifier: MIT */
/*
 * Claiming: delayed jobs that have come due become waiting ones (a bounded step), then
 * each endpoint that has waiting jobs gives up a fair share of them, the endpoint least
 * recently served first. What an operator expedited goes before all that, and does not
 * heed its endpoint's Retry-After.
 */
#include "store/sqlite.h"

#include <stdlib.h>
#include <string.h>

enum {
	DUE_JOBS,
	PROMOTE,
	READY_ENDPOINTS,
	READY_JOBS,
	EXPEDITED_JOBS,
	CLAIM,
	PAUSE,
	ANY_READY,
	NEXT_DUE,
	NEXT_NOT_BEFORE,
};

#define DELIVERY_COLUMNS                                                                 \
	"SELECT q.id, q.endpoint_id, e.named, q.attempt, q.attempts_made,"               \
	" q.max_attempts, q.crashes, q.run_at, q.created_at, r.body_kind, r.event_id,"   \
	" e.name, q.event_type, r.url, r.method, r.headers, r.body, r.extra"

const struct sql sqlite_claim_sql[] = {
	[DUE_JOBS] = {"due-jobs",
		"SELECT id, endpoint_id, event_type FROM retry_queue"
		" WHERE state = 1 AND run_at <= ?1 ORDER BY run_at LIMIT ?2"},
	[PROMOTE] = {"promote",
		"UPDATE retry_queue SET state = ?2, paused_by = ?3 WHERE id = ?1"},
	[READY_ENDPOINTS] = {"ready-endpoints",
		"SELECT id, waiting FROM endpoint WHERE queue_id = ?1 AND waiting > 0"
		" AND held_at IS NULL AND not_before <= ?2 ORDER BY served"},
	[READY_JOBS] = {"ready-jobs",
		DELIVERY_COLUMNS " FROM retry_queue q CROSS JOIN endpoint e"
				 " ON e.id = q.endpoint_id CROSS JOIN request r"
				 " ON r.job_id = q.id"
				 " WHERE q.endpoint_id = ?1 AND q.state = 0"
				 " ORDER BY q.priority DESC, q.id LIMIT ?2"},
	[EXPEDITED_JOBS] = {"expedited-jobs",
		DELIVERY_COLUMNS " FROM retry_queue q INDEXED BY job_expedited"
				 " CROSS JOIN endpoint e ON e.id = q.endpoint_id"
				 " CROSS JOIN request r ON r.job_id = q.id"
				 " WHERE q.state = 0 AND q.expedited = 1"
				 " AND e.queue_id = ?1 AND e.held_at IS NULL"
				 " ORDER BY q.id LIMIT ?2"},
	[CLAIM] = {"claim",
		"UPDATE retry_queue SET state = 2, token = ?2, worker = ?3,"
		" updated_at = ?4, expedited = 0 WHERE id = ?1"},
	[PAUSE] = {"pause-held",
		"UPDATE retry_queue SET state = 3, paused_by = 2 WHERE id = ?1"},
	[ANY_READY] = {"any-ready",
		"SELECT EXISTS (SELECT 1 FROM endpoint WHERE queue_id = ?1"
		" AND waiting > 0 AND held_at IS NULL AND not_before <= ?2)"
		" OR EXISTS (SELECT 1 FROM retry_queue"
		" WHERE state = 1 AND run_at <= ?2)"
		" OR EXISTS (SELECT 1 FROM retry_queue q INDEXED BY job_expedited"
		" CROSS JOIN endpoint e ON e.id = q.endpoint_id WHERE q.state = 0"
		" AND q.expedited = 1 AND e.queue_id = ?1 AND e.held_at IS NULL)"},
	[NEXT_DUE] = {"next-due",
		"SELECT run_at FROM retry_queue WHERE state = 1"
		" ORDER BY run_at LIMIT 1"},
	[NEXT_NOT_BEFORE] = {"next-not-before",
		"SELECT min(not_before) FROM endpoint WHERE queue_id = ?1"
		" AND waiting > 0 AND held_at IS NULL AND not_before > ?2"},
	{0},
};

enum { PROMOTE_MAX = 1000 };

/* A job that changes its state, read before any row is written: SQLite does not promise
 * what a SELECT sees of rows that change under it. */
struct moved_job {
	int64_t id;
	int64_t endpoint_id;
	bool held;
};

/* One endpoint's part in this claim. */
struct share {
	int64_t endpoint_id;
	size_t most; /* what it has, and what there is room for */
	size_t jobs;
};

struct claim {
	struct sqlite_store *store;
	struct exchange *exchange;
	struct share *shares;
	size_t share_count;
	struct moved_job *held; /* jobs met whose event type is on hold */
	size_t held_count;
};

/* ---- promotion ------------------------------------------------------------------- */

static int
read_due(struct sqlite_store *store, int64_t now, struct moved_job *jobs, size_t *count,
	struct err *err)
{
	struct query query = query_start(store, &sqlite_claim_sql[DUE_JOBS]);
	int row;

	bind_int(&query, now);
	bind_int(&query, PROMOTE_MAX);
	for (*count = 0; (row = query_next(&query, err)) == 1; (*count)++) {
		struct moved_job *job = &jobs[*count];

		job->id = read_int(&query);
		job->endpoint_id = read_int(&query);
		job->held = holds_cover(&store->holds, read_span(&query));
	}
	return row;
}

static int
promote_due(struct sqlite_store *store, int64_t now, struct err *err)
{
	struct moved_job jobs[PROMOTE_MAX];
	size_t count;

	if (read_due(store, now, jobs, &count, err) != 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		struct query query = query_start(store, &sqlite_claim_sql[PROMOTE]);
		enum job_state state = jobs[i].held ? JOB_PAUSED : JOB_WAITING;

		bind_int(&query, jobs[i].id);
		bind_int(&query, state);
		bind_optional(&query, jobs[i].held, PAUSED_BY_HOLD);
		if (query_run(&query, err) != 0 ||
			endpoint_move(
				store, jobs[i].endpoint_id, JOB_DELAYED, state, err) != 0)
			return -1;
	}
	return 0;
}

/* ---- shares ---------------------------------------------------------------------- */

static int
compare_room(const void *key, const void *element)
{
	int64_t id = *(const int64_t *)key;
	int64_t other = ((const struct claim_room *)element)->endpoint_id;

	return (id > other) - (id < other);
}

/* How many jobs of the endpoint may still be claimed in this exchange. */
static size_t
room_left(const struct exchange *exchange, int64_t endpoint_id)
{
	const struct claim_room *listed = exchange->room_count == 0
		? NULL
		: bsearch(&endpoint_id, exchange->rooms, exchange->room_count,
			  sizeof(*exchange->rooms), compare_room);
	int room = listed == NULL ? exchange->claim_room_default : listed->room;
	size_t taken = 0;

	for (size_t i = 0; i < exchange->claimed_count; i++)
		taken += exchange->claimed[i]->endpoint_id == endpoint_id;
	return room > 0 && (size_t)room > taken ? (size_t)room - taken : 0;
}

static int
read_shares(struct claim *claim, struct err *err)
{
	const struct exchange *exchange = claim->exchange;
	struct query query = query_start(
		claim->store, &sqlite_claim_sql[READY_ENDPOINTS]);
	int row = 1;

	bind_int(&query, claim->store->queue_id);
	bind_int(&query, exchange->now);
	while (claim->share_count < exchange->claim_limit &&
		(row = query_next(&query, err)) == 1) {
		struct share *share = &claim->shares[claim->share_count];
		size_t waiting, room;

		share->endpoint_id = read_int(&query);
		waiting = (size_t)read_int(&query);
		room = room_left(exchange, share->endpoint_id);
		share->most = waiting < room ? waiting : room;
		share->jobs = 0;
		claim->share_count += share->most > 0;
	}
	if (row == 1)
		query_end(&query);
	return row < 0 ? -1 : 0;
}

/*
 * Deals out the limit in rounds of equal slices: who has fewer jobs than a slice leaves
 * the rest to the others. The number of rounds is logarithmic, since each one either
 * satisfies an endpoint or deals out most of what is left.
 */
static void
deal_out(struct claim *claim)
{
	size_t left = claim->exchange->claim_limit - claim->exchange->claimed_count;
	size_t hungry = claim->share_count;

	while (left > 0 && hungry > 0) {
		size_t slice = left / hungry > 0 ? left / hungry : 1;

		hungry = 0;
		for (size_t i = 0; i < claim->share_count && left > 0; i++) {
			struct share *share = &claim->shares[i];
			size_t more = share->most - share->jobs;

			more = more < slice ? more : slice;
			more = more < left ? more : left;
			share->jobs += more;
			left -= more;
			hungry += share->jobs < share->most;
		}
	}
}

/* ---- deliveries ------------------------------------------------------------------ */

enum { DELIVERY_SPANS = 8 };

/* In the order of DELIVERY_COLUMNS. */
static void
delivery_spans(struct delivery *delivery, struct span *spans[DELIVERY_SPANS])
{
	spans[0] = &delivery->event_id;
	spans[1] = &delivery->endpoint;
	spans[2] = &delivery->event_type;
	spans[3] = &delivery->request.url;
	spans[4] = &delivery->request.method;
	spans[5] = &delivery->request.headers;
	spans[6] = &delivery->request.body;
	spans[7] = &delivery->request.extra;
}

static void
read_delivery(struct query *query, struct delivery *delivery)
{
	struct span *spans[DELIVERY_SPANS];

	delivery->job_id = read_int(query);
	delivery->endpoint_id = read_int(query);
	delivery->endpoint_named = read_int(query);
	delivery->attempt = (int)read_int(query);
	delivery->attempts_made = (int)read_int(query);
	delivery->max_attempts = (int)read_int(query);
	delivery->crashes = (int)read_int(query);
	delivery->run_at = read_int(query);
	delivery->created_at = read_int(query);
	delivery->request.body_kind = (enum body_kind)read_int(query);
	delivery_spans(delivery, spans);
	for (int i = 0; i < DELIVERY_SPANS; i++)
		*spans[i] = read_span(query);
}

/* One block with everything that *borrowed points to; NULL if memory is out. */
static struct delivery *
delivery_copy(struct delivery *borrowed)
{
	struct span *from[DELIVERY_SPANS], *to[DELIVERY_SPANS];
	size_t size = sizeof(*borrowed);
	struct delivery *copy;
	char *at;

	delivery_spans(borrowed, from);
	for (int i = 0; i < DELIVERY_SPANS; i++)
		size += from[i]->len;
	copy = malloc(size);
	if (copy == NULL)
		return NULL;
	*copy = *borrowed;
	at = (char *)(copy + 1);
	delivery_spans(copy, to);
	for (int i = 0; i < DELIVERY_SPANS; i++) {
		if (!span_present(*from[i]))
			continue;
		memcpy(at, from[i]->ptr, from[i]->len);
		to[i]->ptr = at;
		at += from[i]->len;
	}
	return copy;
}

/* Takes the job of the present row, or notes that its event type is on hold. */
static int
take_row(struct claim *claim, struct query *query, struct err *err)
{
	struct exchange *exchange = claim->exchange;
	struct delivery found = {0};
	struct delivery *copy;

	read_delivery(query, &found);
	if (holds_cover(&claim->store->holds, found.event_type)) {
		claim->held[claim->held_count++] = (struct moved_job){
			found.job_id, found.endpoint_id, true};
		return 0;
	}
	copy = delivery_copy(&found);
	if (copy == NULL)
		return err_no_memory(err);
	exchange->claimed[exchange->claimed_count++] = copy;
	return 0;
}

static int
take_ready(struct claim *claim, const struct share *share, struct err *err)
{
	struct query query = query_start(claim->store, &sqlite_claim_sql[READY_JOBS]);
	int row;

	bind_int(&query, share->endpoint_id);
	bind_int(&query, (int64_t)share->jobs);
	while ((row = query_next(&query, err)) == 1)
		if (take_row(claim, &query, err) != 0) {
			query_end(&query);
			return -1;
		}
	return row;
}

static int
take_expedited(struct claim *claim, struct err *err)
{
	struct exchange *exchange = claim->exchange;
	struct query query = query_start(claim->store, &sqlite_claim_sql[EXPEDITED_JOBS]);
	int row;

	bind_int(&query, claim->store->queue_id);
	bind_int(&query, (int64_t)exchange->claim_limit);
	while ((row = query_next(&query, err)) == 1) {
		int64_t endpoint_id = sqlite3_column_int64(query.statement, 1);

		if (room_left(exchange, endpoint_id) > 0 &&
			take_row(claim, &query, err) != 0) {
			query_end(&query);
			return -1;
		}
	}
	return row;
}

/* ---- writing the claim down ------------------------------------------------------ */

static int
mark_served(struct sqlite_store *store, const struct delivery *delivery, struct err *err)
{
	struct endpoint_change *endpoint;

	if (endpoint_move(store, delivery->endpoint_id, JOB_WAITING, JOB_ACTIVE, err) !=
			0 ||
		endpoint_by_id(store, delivery->endpoint_id, &endpoint, err) != 0)
		return -1;
	/* Tokens only grow, so they do as the order of service. */
	endpoint->served = delivery->token;
	return 0;
}

/* The deliveries from `first` on become active, under tokens of their own. */
static int
mark_claimed(struct claim *claim, size_t first, struct err *err)
{
	struct exchange *exchange = claim->exchange;
	struct sqlite_store *store = claim->store;
	size_t count = exchange->claimed_count - first;
	int64_t token;

	if (count == 0)
		return 0;
	if (sequence_take(store, SEQUENCE_TOKEN, count, &token, err) != 0)
		return -1;
	for (size_t i = first; i < exchange->claimed_count; i++) {
		struct delivery *delivery = exchange->claimed[i];
		struct query query = query_start(store, &sqlite_claim_sql[CLAIM]);

		delivery->token = token++;
		bind_int(&query, delivery->job_id);
		bind_int(&query, delivery->token);
		bind_int(&query, store->worker);
		bind_int(&query, exchange->now);
		if (query_run(&query, err) != 0 || mark_served(store, delivery, err) != 0)
			return -1;
	}
	return 0;
}

static int
pause_held(struct claim *claim, struct err *err)
{
	for (; claim->held_count > 0; claim->held_count--) {
		const struct moved_job *job = &claim->held[claim->held_count - 1];
		struct query query = query_start(claim->store, &sqlite_claim_sql[PAUSE]);

		bind_int(&query, job->id);
		if (query_run(&query, err) != 0 ||
			endpoint_move(claim->store, job->endpoint_id, JOB_WAITING,
				JOB_PAUSED, err) != 0)
			return -1;
	}
	return 0;
}

static int
claim_expedited(struct claim *claim, struct err *err)
{
	if (take_expedited(claim, err) != 0 || pause_held(claim, err) != 0)
		return -1;
	return mark_claimed(claim, 0, err);
}

static int
claim_shares(struct claim *claim, struct err *err)
{
	size_t first = claim->exchange->claimed_count;

	if (read_shares(claim, err) != 0)
		return -1;
	deal_out(claim);
	for (size_t i = 0; i < claim->share_count; i++)
		if (claim->shares[i].jobs > 0 &&
			take_ready(claim, &claim->shares[i], err) != 0)
			return -1;
	if (pause_held(claim, err) != 0)
		return -1;
	return mark_claimed(claim, first, err);
}

static int
claim_jobs(struct sqlite_store *store, struct exchange *exchange, struct err *err)
{
	size_t limit = exchange->claim_limit;
	struct claim claim = {.store = store, .exchange = exchange};
	int result = -1;

	claim.shares = calloc(limit, sizeof(*claim.shares));
	claim.held = calloc(limit, sizeof(*claim.held));
	if (claim.shares == NULL || claim.held == NULL)
		err_no_memory(err);
	else if (claim_expedited(&claim, err) == 0)
		result = claim_shares(&claim, err);
	free(claim.held);
	free(claim.shares);
	return result;
}

/* ---- what comes next ------------------------------------------------------------- */

static int
look_ahead(struct sqlite_store *store, struct exchange *exchange, struct err *err)
{
	struct query more = query_start(store, &sqlite_claim_sql[ANY_READY]);
	struct query due = query_start(store, &sqlite_claim_sql[NEXT_DUE]);
	struct query later = query_start(store, &sqlite_claim_sql[NEXT_NOT_BEFORE]);
	int64_t any, due_at, not_before;

	bind_int(&more, store->queue_id);
	bind_int(&more, exchange->now);
	bind_int(&later, store->queue_id);
	bind_int(&later, exchange->now);
	if (query_int(&more, 0, &any, err) != 0 ||
		query_int(&due, 0, &due_at, err) != 0 ||
		query_int(&later, 0, &not_before, err) != 0)
		return -1;
	exchange->more = any != 0;
	exchange->next_due_at = due_at == 0 || (not_before != 0 && not_before < due_at)
		? not_before
		: due_at;
	return 0;
}

int
exchange_claim(struct sqlite_store *store, struct exchange *exchange, struct err *err)
{
	if (store->holds.all)
		return 0;
	if (promote_due(store, exchange->now, err) != 0)
		return -1;
	if (store->endpoints.affects_claims && endpoints_flush(store, err) != 0)
		return -1;
	if (exchange->claim_limit > 0 && claim_jobs(store, exchange, err) != 0)
		return -1;
	if (endpoints_flush(store, err) != 0)
		return -1;
	return look_ahead(store, exchange, err);
}
