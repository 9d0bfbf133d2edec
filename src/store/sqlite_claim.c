/* SPDX-License-Identifier: MIT */
/*
 * Claiming: each endpoint that has waiting jobs gives up a fair share of them, the
 * endpoint least recently served first. What an operator expedited goes before all that,
 * and does not heed its endpoint's Retry-After.
 *
 * Of an endpoint's jobs the larger priority goes first; but where jobs of several
 * priorities are left behind, each eighth goes to the oldest of all, so that a stream of
 * important jobs slows the others and never starves them.
 */
#include "store/sqlite_delivery.h"

#include <stdlib.h>

enum { READY_ENDPOINTS, READY_JOBS, READY_JOB, EXPEDITED_JOBS, CLAIM, PAUSE };

const struct sql sqlite_claim_sql[] = {
	[READY_ENDPOINTS] = {"ready-endpoints",
		"SELECT id, waiting, claims, breaker_trips, paced_until_us, named, name"
		" FROM endpoint WHERE queue_id = ?1 AND waiting > 0 AND" ENDPOINT_OPEN
			ENDPOINT_HAS_DUE " ORDER BY served"},
	[READY_JOBS] = {"ready-jobs",
		DELIVERY_COLUMNS " FROM retry_queue q CROSS JOIN endpoint e"
				 " ON e.id = q.endpoint_id CROSS JOIN request r"
				 " ON r.job_id = q.id"
				 " WHERE q.endpoint_id = ?1 AND q.state = 0"
				 " AND (?3 IS NULL OR q.run_at <= ?3)"
				 " ORDER BY q.priority DESC, q.id LIMIT ?2"},
	[READY_JOB] = {"ready-job",
		DELIVERY_COLUMNS " FROM retry_queue q CROSS JOIN endpoint e"
				 " ON e.id = q.endpoint_id CROSS JOIN request r"
				 " ON r.job_id = q.id WHERE q.id = ?1"},
	[EXPEDITED_JOBS] = {"expedited-jobs",
		DELIVERY_COLUMNS " FROM retry_queue q INDEXED BY job_expedited"
				 " CROSS JOIN endpoint e ON e.id = q.endpoint_id"
				 " CROSS JOIN request r ON r.job_id = q.id"
				 " WHERE q.state = 0 AND q.expedited = 1"
				 " AND e.queue_id = ?1 AND e.held_at IS NULL"
				 " AND (?3 IS NULL OR q.run_at <= ?3)"
				 " ORDER BY q.id LIMIT ?2"},
	[CLAIM] = {"claim",
		"UPDATE retry_queue SET state = 2, token = ?1, worker = ?2,"
		" updated_at = ?3, expedited = 0 WHERE id IN" ID_LIST},
	[PAUSE] = {"pause-held",
		"UPDATE retry_queue SET state = 3, paused_by = 2 WHERE id = ?1"},
	{0},
};

enum { OLDEST_EVERY = 8 };

/* One endpoint's part in this claim. */
struct share {
	int64_t endpoint_id;
	size_t waiting;
	size_t most;    /* what it has, and what there is room for */
	int64_t claims; /* before this one */
	size_t jobs;
};

struct claim {
	struct sqlite_store *store;
	struct exchange *exchange;
	struct share *shares;
	size_t share_count;
	struct moved_job *held; /* jobs met whose event type is on hold */
	size_t held_count;
	size_t bytes; /* of the bodies of what was claimed */
};

/* ---- shares ---------------------------------------------------------------------- */

static int
compare_room(const void *key, const void *element)
{
	int64_t id = *(const int64_t *)key;
	int64_t other = ((const struct claim_room *)element)->endpoint_id;

	return (id > other) - (id < other);
}

int
claim_room_of(const struct exchange *exchange, int64_t endpoint_id)
{
	const struct claim_room *listed = exchange->room_count == 0
		? NULL
		: bsearch(&endpoint_id, exchange->rooms, exchange->room_count,
			  sizeof(*exchange->rooms), compare_room);

	return listed == NULL ? exchange->claim_room_default : listed->room;
}

/* How many jobs of the endpoint may still be claimed in this exchange. */
static size_t
room_left(const struct exchange *exchange, int64_t endpoint_id)
{
	int room = claim_room_of(exchange, endpoint_id);
	size_t taken = 0;

	for (size_t i = 0; i < exchange->claimed_count; i++)
		taken += exchange->claimed[i]->endpoint_id == endpoint_id;
	return room > 0 && (size_t)room > taken ? (size_t)room - taken : 0;
}

/* How many its rate allows now; the next three columns say which endpoint it is. */
static size_t
read_allowed(const struct exchange *exchange, struct query *query)
{
	int64_t paced_until_us, allowed;
	bool named;

	if (exchange->rate_of == NULL)
		return SIZE_MAX;
	paced_until_us = read_int(query);
	named = read_int(query);
	allowed = rate_allows(
		exchange->rate_of(exchange->rate_context, read_span(query), named),
		paced_until_us, exchange->now);
	return allowed > 0 ? (size_t)allowed : 0;
}

static size_t
smallest(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;

	return least < c ? least : c;
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
	bind_due_by(&query, exchange);
	while (claim->share_count < exchange->claim_limit &&
		(row = query_next(&query, err)) == 1) {
		struct share *share = &claim->shares[claim->share_count];
		size_t room;

		share->endpoint_id = read_int(&query);
		share->waiting = (size_t)read_int(&query);
		share->claims = read_int(&query);
		room = room_left(exchange, share->endpoint_id);
		if (read_int(&query) > 0 && room > 1)
			room = 1; /* a probe */
		share->most = smallest(
			share->waiting, room, read_allowed(exchange, &query));
		share->jobs = 0;
		claim->share_count += share->most > 0;
	}
	return query_stop(&query, row);
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

/* ---- taking jobs ----------------------------------------------------------------- */

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
	claim->bytes += copy->request.body.len;
	return 0;
}

/* Whether more would be too much to hold in memory. */
static bool
is_full(const struct claim *claim)
{
	const struct exchange *exchange = claim->exchange;

	return exchange->claim_bytes > 0 && claim->bytes >= exchange->claim_bytes &&
		exchange->claimed_count >= exchange->claim_sure;
}

/* Takes `count` jobs in the order of priority; *last is where that ended. */
static int
take_by_priority(struct claim *claim, int64_t endpoint_id, size_t count,
	struct ready_place *last, struct err *err)
{
	struct query query = query_start(claim->store, &sqlite_claim_sql[READY_JOBS]);
	int row = 1;

	bind_int(&query, endpoint_id);
	bind_int(&query, (int64_t)count);
	bind_due_by(&query, claim->exchange);
	while (!is_full(claim) && (row = query_next(&query, err)) == 1) {
		if (take_row(claim, &query, err) != 0) {
			query_end(&query);
			return -1;
		}
		last->priority = read_int(&query);
		last->id = sqlite3_column_int64(query.statement, 0);
	}
	return query_stop(&query, row);
}

static int
take_job(struct claim *claim, int64_t job_id, struct err *err)
{
	struct query query = query_start(claim->store, &sqlite_claim_sql[READY_JOB]);
	int row, taken;

	bind_int(&query, job_id);
	row = query_next(&query, err);
	if (row != 1)
		return row;
	taken = take_row(claim, &query, err);
	query_end(&query);
	return taken;
}

static int
take_oldest(struct claim *claim, int64_t endpoint_id, size_t count,
	struct ready_place after, struct err *err)
{
	int64_t *ids = calloc(count, sizeof(*ids));
	size_t found = 0;
	int result;

	if (ids == NULL)
		return err_no_memory(err);
	result = oldest_ready(claim->store, claim->exchange, endpoint_id, after, ids,
		count, &found, err);
	for (size_t i = 0; i < found && result == 0 && !is_full(claim); i++)
		result = take_job(claim, ids[i], err);
	free(ids);
	return result;
}

/* How many of the share's jobs go to the oldest, by the endpoint's count of claims. */
static int
count_oldest(
	struct claim *claim, const struct share *share, size_t *count, struct err *err)
{
	int64_t end = share->claims + (int64_t)share->jobs;
	int64_t turns = end / OLDEST_EVERY - share->claims / OLDEST_EVERY;
	bool differ;

	*count = 0;
	if (turns == 0 || share->waiting <= share->jobs)
		return 0;
	if (ready_priorities_differ(claim->store, share->endpoint_id, &differ, err) != 0)
		return -1;
	if (differ)
		*count = (size_t)turns;
	return 0;
}

static int
take_ready(struct claim *claim, const struct share *share, struct err *err)
{
	struct ready_place last = {INT64_MAX, 0};
	size_t oldest;

	if (count_oldest(claim, share, &oldest, err) != 0 ||
		take_by_priority(
			claim, share->endpoint_id, share->jobs - oldest, &last, err) != 0)
		return -1;
	return oldest == 0 ? 0
			   : take_oldest(claim, share->endpoint_id, oldest, last, err);
}

static int
take_expedited(struct claim *claim, struct err *err)
{
	struct exchange *exchange = claim->exchange;
	struct query query = query_start(claim->store, &sqlite_claim_sql[EXPEDITED_JOBS]);
	int row = 1;

	bind_int(&query, claim->store->queue_id);
	bind_int(&query, (int64_t)exchange->claim_limit);
	bind_due_by(&query, exchange);
	while (!is_full(claim) && (row = query_next(&query, err)) == 1) {
		int64_t endpoint_id = sqlite3_column_int64(query.statement, 1);

		if (room_left(exchange, endpoint_id) > 0 &&
			take_row(claim, &query, err) != 0) {
			query_end(&query);
			return -1;
		}
	}
	return query_stop(&query, row);
}

/* ---- writing the claim down ------------------------------------------------------ */

/* Jobs that an operator expedited do not wait for the rate, but they pay like others. */
static void
pay_for(const struct exchange *exchange, const struct delivery *delivery,
	struct endpoint_change *endpoint)
{
	const struct rate *rate;
	int64_t paced_until_us = endpoint->paced_until_us;

	if (exchange->rate_of == NULL)
		return;
	rate = exchange->rate_of(
		exchange->rate_context, delivery->endpoint, delivery->endpoint_named);
	if (rate->per_ms == 0)
		return;
	if (paced_until_us == 0)
		paced_until_us = delivery->paced_until_us;
	endpoint->paced_until_us = rate_pay(rate, paced_until_us, exchange->now);
}

/* `turn` grows from one delivery to the next, over all claims. */
static int
mark_served(struct sqlite_store *store, const struct exchange *exchange,
	const struct delivery *delivery, int64_t turn, struct err *err)
{
	struct endpoint_change *endpoint;

	if (endpoint_move(store, delivery->endpoint_id, JOB_WAITING, JOB_ACTIVE, err) !=
			0 ||
		endpoint_by_id(store, delivery->endpoint_id, &endpoint, err) != 0)
		return -1;
	endpoint->served = turn;
	endpoint->claims++;
	pay_for(exchange, delivery, endpoint);
	return 0;
}

/* Writes the token of up to ID_LIST_SIZE deliveries. */
static int
write_claimed(const struct claim *claim, struct delivery *const *deliveries, size_t count,
	int64_t token, struct err *err)
{
	struct query query = query_start(claim->store, &sqlite_claim_sql[CLAIM]);
	int64_t ids[ID_LIST_SIZE];

	for (size_t i = 0; i < count; i++) {
		ids[i] = deliveries[i]->job_id;
		deliveries[i]->token = token;
	}
	bind_int(&query, token);
	bind_int(&query, claim->store->worker);
	bind_int(&query, claim->exchange->now);
	bind_ids(&query, ids, count);
	return query_run(&query, err);
}

/* The deliveries from `first` on become active, under one token that is theirs alone. */
static int
mark_claimed(struct claim *claim, size_t first, struct err *err)
{
	struct exchange *exchange = claim->exchange;
	struct delivery **deliveries = &exchange->claimed[first];
	size_t count = exchange->claimed_count - first;
	int64_t token;

	if (count == 0)
		return 0;
	/* One for each, since they are also the order in which endpoints are served. */
	if (sequence_take(claim->store, SEQUENCE_TOKEN, count, &token, err) != 0)
		return -1;
	for (size_t done = 0; done < count; done += ID_LIST_SIZE) {
		size_t rest = count - done;

		if (write_claimed(claim, &deliveries[done],
			    rest < ID_LIST_SIZE ? rest : ID_LIST_SIZE, token, err) != 0)
			return -1;
	}
	for (size_t i = 0; i < count; i++)
		if (mark_served(claim->store, exchange, deliveries[i], token + (int64_t)i,
			    err) != 0)
			return -1;
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

/* The shares are dealt by what the endpoints' rows say: those are written first. */
static int
claim_expedited(struct claim *claim, struct err *err)
{
	if (take_expedited(claim, err) != 0 || pause_held(claim, err) != 0 ||
		mark_claimed(claim, 0, err) != 0)
		return -1;
	return claim->exchange->claimed_count == 0 ? 0
						   : endpoints_flush(claim->store, err);
}

static int
claim_shares(struct claim *claim, struct err *err)
{
	size_t first = claim->exchange->claimed_count;

	if (read_shares(claim, err) != 0)
		return -1;
	deal_out(claim);
	for (size_t i = 0; i < claim->share_count && !is_full(claim); i++)
		if (claim->shares[i].jobs > 0 &&
			take_ready(claim, &claim->shares[i], err) != 0)
			return -1;
	if (pause_held(claim, err) != 0)
		return -1;
	return mark_claimed(claim, first, err);
}

int
claim_jobs(struct sqlite_store *store, struct exchange *exchange, struct err *err)
{
	struct share *shares = calloc(exchange->claim_limit, sizeof(*shares));
	struct moved_job *held = calloc(exchange->claim_limit, sizeof(*held));
	struct claim claim = {store, exchange, shares, 0, held, 0, 0};
	int result = -1;

	if (shares == NULL || held == NULL)
		err_no_memory(err);
	else if (claim_expedited(&claim, err) == 0)
		result = claim_shares(&claim, err);
	free(held);
	free(shares);
	return result;
}
