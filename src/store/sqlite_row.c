/* SPDX-License-Identifier: MIT */
/*
 * Rows that several operations write: attempts, the move to the dead letter queue, and
 * forgetting a job.
 */
#include "store/sqlite.h"

enum {
	ADD_ATTEMPT,
	ADD_ATTEMPTS,
	BURY,
	BURY_AGAIN,
	DELETE_JOB,
	FORGET_KEY,
	FORGET_REQUEST,
	FORGET_ATTEMPTS
};

#define INSERT_ATTEMPT                                                                   \
	"INSERT INTO attempt (job_id, number, started_at, outcome, reported,"            \
	" http_status, http_version, dns_us, connect_us, tls_us, first_byte_us,"         \
	" total_us, delay_ms, jitter_ms, worker, peer, error_type, category,"            \
	" rule, reason, snippet) VALUES"
#define ATTEMPT_REST   " ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?"
#define ATTEMPT_ROW    " (?, ?," ATTEMPT_REST ")"
#define ATTEMPT_ROWS_4 ATTEMPT_ROW "," ATTEMPT_ROW "," ATTEMPT_ROW "," ATTEMPT_ROW

enum { ATTEMPTS_AT_ONCE = 8 };

const struct sql sqlite_row_sql[] = {
	[ADD_ATTEMPT] = {"add-attempt",
		INSERT_ATTEMPT " (?1, coalesce(?2, (SELECT attempts_made FROM retry_queue"
			       " WHERE id = ?1))," ATTEMPT_REST ")"},
	[ADD_ATTEMPTS] = {"add-attempts",
		INSERT_ATTEMPT ATTEMPT_ROWS_4 "," ATTEMPT_ROWS_4},
	[BURY] = {"bury",
		"INSERT INTO dead_letter_queue (id, endpoint_id, status, death, died_at,"
		" first_died_at, priority, created_at, attempt, attempts_made,"
		" max_attempts, crashes, http_status, failed, error_type, category,"
		" event_type, rule, reason, ordering_key, ordering_queue)"
		" SELECT q.id, q.endpoint_id, 0, ?2, ?3, ?3, q.priority, q.created_at,"
		" q.attempt, q.attempts_made, q.max_attempts, q.crashes, q.http_status,"
		" q.failed, coalesce(?6, q.error_type), coalesce(?7, q.category),"
		" q.event_type, coalesce(?4, a.rule), coalesce(?5, a.reason),"
		" q.ordering_key, q.ordering_queue"
		" FROM retry_queue q LEFT JOIN attempt a"
		" ON a.job_id = q.id AND a.number = q.failed WHERE q.id = ?1"
		" ON CONFLICT (id) DO UPDATE SET status = 0, death = excluded.death,"
		" died_at = excluded.died_at, resolved_at = NULL, resolved_by = NULL,"
		" delivered = 0, attempt = excluded.attempt,"
		" attempts_made = excluded.attempts_made, crashes = excluded.crashes,"
		" http_status = excluded.http_status, failed = excluded.failed,"
		" error_type = excluded.error_type, category = excluded.category,"
		" rule = excluded.rule, reason = excluded.reason"},
	[BURY_AGAIN] = {"bury-again",
		"UPDATE dead_letter_queue SET status = 0, attempt = q.attempt,"
		" attempts_made = q.attempts_made, crashes = q.crashes"
		" FROM retry_queue q"
		" WHERE dead_letter_queue.id = ?1 AND q.id = ?1"},
	[DELETE_JOB] = {"delete-job", "DELETE FROM retry_queue WHERE id = ?1"},
	[FORGET_KEY] = {"forget-key",
		"DELETE FROM job_key"
		" WHERE queue_id = (SELECT queue_id FROM endpoint WHERE id = ?2)"
		" AND event_id = (SELECT event_id FROM request WHERE job_id = ?1)"},
	[FORGET_REQUEST] = {"forget-request", "DELETE FROM request WHERE job_id = ?1"},
	[FORGET_ATTEMPTS] = {"forget-attempts", "DELETE FROM attempt WHERE job_id = ?1"},
	{0},
};

static void
bind_attempt(struct query *query, int64_t job_id, const struct attempt *attempt)
{
	const struct failure *failure = &attempt->failure;
	bool failed = span_present(failure->rule);

	bind_int(query, job_id);
	bind_optional(query, attempt->number > 0, attempt->number);
	bind_int(query, attempt->started_at);
	bind_text(query, span_of(attempt_outcome_name(attempt->outcome)));
	bind_int(query, attempt->reported);
	bind_int(query, attempt->status);
	bind_int(query, attempt->http_version);
	bind_int(query, attempt->phases.dns_us);
	bind_int(query, attempt->phases.connect_us);
	bind_int(query, attempt->phases.tls_us);
	bind_int(query, attempt->phases.first_byte_us);
	bind_int(query, attempt->phases.total_us);
	bind_int(query, attempt->delay_ms);
	bind_int(query, attempt->jitter_ms);
	bind_int(query, attempt->worker);
	bind_text(query, attempt->peer);
	bind_text(query, span_of(failed ? error_type_name(failure->type) : NULL));
	bind_text(query, span_of(failed ? category_name(failure->category) : NULL));
	bind_text(query, failure->rule);
	bind_text(query, failure->reason);
	bind_blob(query, attempt->snippet);
}

int
attempt_insert(struct sqlite_store *store, int64_t job_id, const struct attempt *attempt,
	struct err *err)
{
	struct query query = query_start(store, &sqlite_row_sql[ADD_ATTEMPT]);

	bind_attempt(&query, job_id, attempt);
	return query_run(&query, err);
}

static int
insert_group(struct sqlite_store *store, struct settle *const *settles, struct err *err)
{
	struct query query = query_start(store, &sqlite_row_sql[ADD_ATTEMPTS]);

	for (size_t i = 0; i < ATTEMPTS_AT_ONCE; i++)
		bind_attempt(&query, settles[i]->job_id, &settles[i]->attempt);
	return query_run(&query, err);
}

int
attempts_insert(struct sqlite_store *store, struct settle *const *settles, size_t count,
	struct err *err)
{
	size_t done = 0;

	for (; count - done >= ATTEMPTS_AT_ONCE; done += ATTEMPTS_AT_ONCE)
		if (insert_group(store, &settles[done], err) != 0)
			return -1;
	for (; done < count; done++)
		if (attempt_insert(store, settles[done]->job_id, &settles[done]->attempt,
			    err) != 0)
			return -1;
	return 0;
}

static int
run_on_job(struct sqlite_store *store, const struct sql *sql, int64_t job_id,
	struct err *err)
{
	struct query query = query_start(store, sql);

	bind_int(&query, job_id);
	return query_run(&query, err);
}

static int
write_entry(struct sqlite_store *store, const struct burial *burial, struct err *err)
{
	const struct failure *failure = burial->failure;
	struct query query = query_start(store, &sqlite_row_sql[BURY]);

	bind_int(&query, burial->job_id);
	bind_text(&query, span_of(dead_reason_name(burial->death)));
	bind_int(&query, burial->now);
	bind_text(&query, failure == NULL ? (struct span){0} : failure->rule);
	bind_text(&query, failure == NULL ? (struct span){0} : failure->reason);
	bind_text(
		&query, span_of(failure == NULL ? NULL : error_type_name(failure->type)));
	bind_text(&query,
		span_of(failure == NULL ? NULL : category_name(failure->category)));
	return query_run(&query, err);
}

int
job_bury(struct sqlite_store *store, const struct burial *burial, struct err *err)
{
	struct order_key key;
	int result;

	if (order_key_if_behind(store, burial->job_id, &key, err) != 0)
		return -1;
	result = burial->death == DEAD_NOT
		? run_on_job(store, &sqlite_row_sql[BURY_AGAIN], burial->job_id, err)
		: write_entry(store, burial, err);
	if (result != 0 ||
		run_on_job(store, &sqlite_row_sql[DELETE_JOB], burial->job_id, err) !=
			0 ||
		endpoint_move(store, burial->endpoint_id, burial->from, JOB_DEAD, err) !=
			0)
		return -1;
	return order_advance(store, &key, burial->now, err);
}

int
job_delete(struct sqlite_store *store, int64_t job_id, struct err *err)
{
	return run_on_job(store, &sqlite_row_sql[DELETE_JOB], job_id, err);
}

int
job_forget(
	struct sqlite_store *store, int64_t job_id, int64_t endpoint_id, struct err *err)
{
	struct query key = query_start(store, &sqlite_row_sql[FORGET_KEY]);

	bind_int(&key, job_id);
	bind_int(&key, endpoint_id);
	if (query_run(&key, err) != 0 ||
		run_on_job(store, &sqlite_row_sql[FORGET_REQUEST], job_id, err) != 0)
		return -1;
	return run_on_job(store, &sqlite_row_sql[FORGET_ATTEMPTS], job_id, err);
}
