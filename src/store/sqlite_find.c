/* SPDX-License-Identifier: MIT */
/*
 * What a name means; one job, wherever it is, and its attempts.
 */
#include "store/sqlite_read.h"

#include <string.h>

enum { JOB_BY_ID, DEAD_BY_ID, KEY_OF, NUMBERED, ATTEMPTS };

const struct sql sqlite_find_sql[] = {
	[JOB_BY_ID] = {"job-by-id",
		JOB_COLUMNS " FROM retry_queue q" JOB_JOINS
			    " WHERE e.queue_id = ?1 AND q.id = ?10"},
	[DEAD_BY_ID] = {"dead-by-id",
		DEAD_COLUMNS " FROM dead_letter_queue d" DEAD_JOINS
			     " WHERE e.queue_id = ?1 AND d.id = ?10"},
	[KEY_OF] = {"key-of",
		"SELECT job_id FROM job_key WHERE queue_id = ?1 AND event_id = ?2"},
	[NUMBERED] = {"numbered",
		"SELECT r.job_id FROM request r"
		" LEFT JOIN retry_queue q ON q.id = r.job_id"
		" LEFT JOIN dead_letter_queue d ON d.id = r.job_id"
		" CROSS JOIN endpoint e ON e.id = coalesce(q.endpoint_id, d.endpoint_id)"
		" WHERE e.queue_id = ?1 AND r.job_id = ?2"},
	[ATTEMPTS] = {"attempts",
		"SELECT number, started_at, outcome, reported, http_status, http_version,"
		" dns_us, connect_us, tls_us, first_byte_us, total_us, delay_ms,"
		" jitter_ms, worker, peer, error_type, category, rule, reason, snippet"
		" FROM attempt WHERE job_id = ?1 ORDER BY number"},
	{0},
};

/* ---- names ----------------------------------------------------------------------- */

enum { NAME_SHOWN_MAX = 256 };

static int
no_such(const char *what, struct span name, struct err *err)
{
	return err_set(err, ERR_NO_INPUT, "%.*s: no such %s",
		(int)(name.len < NAME_SHOWN_MAX ? name.len : NAME_SHOWN_MAX), name.ptr,
		what);
}

static bool
strip_prefix(struct span *name, struct span prefix)
{
	if (name->len <= prefix.len || memcmp(name->ptr, prefix.ptr, prefix.len) != 0)
		return false;
	*name = (struct span){name->ptr + prefix.len, name->len - prefix.len};
	return true;
}

/* As a listing prints it: "007" is nobody's number, but may be an event id. */
static bool
is_number(struct span name, int64_t *number)
{
	return name.len > 0 && name.ptr[0] != '0' && span_to_int64(name, number) &&
		*number > 0;
}

/* 0 in *job_id if there is none. */
static int
job_of_event(struct sqlite_store *store, struct span event_id, int64_t *job_id,
	struct err *err)
{
	struct query query = query_start(store, &sqlite_find_sql[KEY_OF]);

	bind_int(&query, store->queue_id);
	bind_text(&query, event_id);
	return query_int(&query, 0, job_id, err);
}

/* The number itself, or 0 if no job of this queue has it. */
static int
job_of_number(
	struct sqlite_store *store, int64_t number, int64_t *job_id, struct err *err)
{
	struct query query = query_start(store, &sqlite_find_sql[NUMBERED]);

	bind_int(&query, store->queue_id);
	bind_int(&query, number);
	return query_int(&query, 0, job_id, err);
}

int
job_of_name(
	struct sqlite_store *store, struct span name, int64_t *job_id, struct err *err)
{
	struct span exact = name;
	int64_t number, of_event;

	if (strip_prefix(&exact, SPAN_LITERAL("event:")))
		return job_of_event(store, exact, job_id, err);
	if (strip_prefix(&exact, SPAN_LITERAL("job:")) && is_number(exact, &number))
		return job_of_number(store, number, job_id, err);
	if (!is_number(name, &number))
		return job_of_event(store, name, job_id, err);
	if (job_of_number(store, number, job_id, err) != 0 ||
		job_of_event(store, name, &of_event, err) != 0)
		return -1;
	if (*job_id != 0 && of_event != 0 && *job_id != of_event)
		return err_set(err, ERR_DATA,
			"%.*s: is a job's number and another job's event id;"
			" say job:%.*s or event:%.*s",
			(int)name.len, name.ptr, (int)name.len, name.ptr, (int)name.len,
			name.ptr);
	if (*job_id == 0)
		*job_id = of_event;
	return 0;
}

/* ---- one job --------------------------------------------------------------------- */

static struct query
start_by_id(struct sqlite_store *store, int which, int64_t job_id)
{
	static const struct job_filter any = {0};
	struct query query = query_start(store, &sqlite_find_sql[which]);

	bind_filter(&query, &any);
	bind_int(&query, true);
	bind_int(&query, job_id);
	return query;
}

static int
load_job(struct sqlite_store *store, int64_t job_id, struct job_page *page,
	struct err *err)
{
	struct query query = start_by_id(store, JOB_BY_ID, job_id);
	char *rows;

	if (read_rows(&query, &page->arena, copy_job_row, sizeof(struct job), 1, &rows,
		    &page->count, err) != 0)
		return -1;
	if (page->count == 0) {
		query = start_by_id(store, DEAD_BY_ID, job_id);
		if (read_rows(&query, &page->arena, copy_job_row, sizeof(struct job), 1,
			    &rows, &page->count, err) != 0)
			return -1;
	}
	page->jobs = (struct job *)rows;
	return 0;
}

static int
load_dead_letter(struct sqlite_store *store, int64_t job_id, struct dead_page *page,
	struct err *err)
{
	struct query query = start_by_id(store, DEAD_BY_ID, job_id);
	char *rows;

	if (read_rows(&query, &page->arena, copy_dead_row, sizeof(struct dead_letter), 1,
		    &rows, &page->count, err) != 0)
		return -1;
	page->letters = (struct dead_letter *)rows;
	return 0;
}

static int
find_job(struct sqlite_store *store, struct span name, struct job_page *page,
	struct err *err)
{
	int64_t job_id;

	if (holds_load(store, err) != 0 || job_of_name(store, name, &job_id, err) != 0 ||
		load_job(store, job_id, page, err) != 0)
		return -1;
	return page->count > 0 ? 0 : no_such("job", name, err);
}

int
sqlite_find(struct store *base, struct span id, struct job_page *page, struct err *err)
{
	*page = (struct job_page){0};
	arena_init(&page->arena);
	if (find_job(sqlite_of(base), id, page, err) == 0)
		return 0;
	job_page_free(page);
	return -1;
}

static int
find_dead_letter(struct sqlite_store *store, struct span name, struct dead_page *page,
	struct err *err)
{
	int64_t job_id;

	if (holds_load(store, err) != 0 || job_of_name(store, name, &job_id, err) != 0 ||
		load_dead_letter(store, job_id, page, err) != 0)
		return -1;
	return page->count > 0 ? 0 : no_such("dead letter", name, err);
}

int
sqlite_dead_find(
	struct store *base, struct span id, struct dead_page *page, struct err *err)
{
	*page = (struct dead_page){0};
	arena_init(&page->arena);
	if (find_dead_letter(sqlite_of(base), id, page, err) == 0)
		return 0;
	dead_page_free(page);
	return -1;
}

/* ---- attempts -------------------------------------------------------------------- */

static enum attempt_outcome
outcome_of(struct span name)
{
	int outcome = ATTEMPT_COMPLETED;

	while (outcome < ATTEMPT_DEAD &&
		!span_is(name, attempt_outcome_name((enum attempt_outcome)outcome)))
		outcome++;
	return (enum attempt_outcome)outcome;
}

static void
copy_attempt(struct copier *copier, void *row)
{
	struct attempt *attempt = row;
	struct query *query = copier->query;

	attempt->number = (int)read_int(query);
	attempt->started_at = read_int(query);
	attempt->outcome = outcome_of(read_span(query));
	attempt->reported = read_int(query);
	attempt->status = (int)read_int(query);
	attempt->http_version = (int)read_int(query);
	attempt->phases.dns_us = read_int(query);
	attempt->phases.connect_us = read_int(query);
	attempt->phases.tls_us = read_int(query);
	attempt->phases.first_byte_us = read_int(query);
	attempt->phases.total_us = read_int(query);
	attempt->delay_ms = read_int(query);
	attempt->jitter_ms = read_int(query);
	attempt->worker = read_int(query);
	copy_span(copier, &attempt->peer);
	copy_failure(copier, &attempt->failure);
	copy_span(copier, &attempt->snippet);
}

/* Enough for ten attempts in each of a hundred lives. */
enum { ATTEMPTS_MAX = 1000 };

int
sqlite_attempts(
	struct store *base, int64_t job_id, struct attempt_list *list, struct err *err)
{
	struct query query = query_start(sqlite_of(base), &sqlite_find_sql[ATTEMPTS]);
	char *rows;

	*list = (struct attempt_list){0};
	arena_init(&list->arena);
	bind_int(&query, job_id);
	if (read_rows(&query, &list->arena, copy_attempt, sizeof(struct attempt),
		    ATTEMPTS_MAX, &rows, &list->count, err) != 0) {
		attempt_list_free(list);
		return -1;
	}
	list->attempts = (struct attempt *)rows;
	return 0;
}
