/* SPDX-License-Identifier: MIT */
/*
 * Listings, one page a call: a page begins behind the last row of the page before, so
 * that nothing is held open while a reader thinks.
 *
 * Jobs and dead letters are read by one function each, which every statement here feeds
 * with the same columns.
 */
#include "store/sqlite.h"

#include <string.h>

enum {
	LIST_JOBS,
	LIST_WAITING,
	LIST_DELAYED,
	LIST_ACTIVE,
	LIST_PAUSED,
	STATE_SHARE,
	LIST_DEAD_JOBS,
	LIST_DEAD,
	LIST_DEAD_STATUS,
	JOB_BY_ID,
	DEAD_BY_ID,
	KEY_OF,
	ATTEMPTS,
};

/* What is large is read only where ?9 asks for it. */
#define REQUEST_COLUMNS                                                                  \
	" r.body_kind, r.url, CASE WHEN ?9 THEN r.method END,"                           \
	" CASE WHEN ?9 THEN r.headers END, CASE WHEN ?9 THEN r.body END,"                \
	" CASE WHEN ?9 THEN r.extra END"

#define JOB_COLUMNS                                                                      \
	"SELECT q.id, q.state, q.priority, q.run_at, q.created_at, q.updated_at,"        \
	" q.attempt, q.attempts_made, q.max_attempts, q.crashes, q.http_status,"         \
	" e.named, e.held_at IS NOT NULL, r.event_id, e.name, q.event_type,"             \
	" q.error_type, q.category, a.rule, a.reason," REQUEST_COLUMNS

#define JOB_JOINS                                                                        \
	" CROSS JOIN endpoint e ON e.id = q.endpoint_id"                                 \
	" CROSS JOIN request r ON r.job_id = q.id"                                       \
	" LEFT JOIN attempt a ON a.job_id = q.id AND a.number = q.failed"

/* As JOB_COLUMNS, then what only a dead letter has. */
#define DEAD_COLUMNS                                                                     \
	"SELECT d.id, coalesce(q.state, 6), d.priority, coalesce(q.run_at, 0),"          \
	" d.created_at, coalesce(q.updated_at, d.died_at),"                              \
	" coalesce(q.attempt, d.attempt), coalesce(q.attempts_made, d.attempts_made),"   \
	" d.max_attempts, d.crashes,"                                                    \
	" iif(q.id IS NULL, d.http_status, q.http_status), e.named,"                     \
	" e.held_at IS NOT NULL,"                                                        \
	" r.event_id, e.name, d.event_type, d.error_type, d.category, d.rule,"           \
	" d.reason," REQUEST_COLUMNS                                                     \
	", d.status, d.died_at, d.first_died_at, d.retries,"                             \
	" coalesce(d.resolved_at, 0), d.delivered, d.death, d.resolved_by, d.note"

#define DEAD_JOINS                                                                       \
	" CROSS JOIN endpoint e ON e.id = d.endpoint_id"                                 \
	" CROSS JOIN request r ON r.job_id = d.id"                                       \
	" LEFT JOIN retry_queue q ON q.id = d.id"

/* By way of the state's own index: reads all jobs of the state, and sorts them. */
#define LIST_STATE(state, index)                                                         \
	JOB_COLUMNS " FROM retry_queue q INDEXED BY " index JOB_JOINS                    \
		    " WHERE" FILTER_CONDITIONS(                                          \
			    "q", "created_at") " AND q.id < ?10 AND q.state = " state    \
					       " AND ?11 <> 0"                           \
					       " ORDER BY q.id DESC LIMIT ?12"

const struct sql sqlite_list_sql[] = {
	[LIST_JOBS] = {"list-jobs",
		JOB_COLUMNS " FROM retry_queue q" JOB_JOINS " WHERE" FILTER_CONDITIONS(
			"q", "created_at") " AND q.id < ?10 AND (?11 >> q.state) & 1"
					   " ORDER BY q.id DESC LIMIT ?12"},
	[LIST_WAITING] = {"list-waiting", LIST_STATE("0", "job_ready"), .walks = true},
	[LIST_DELAYED] = {"list-delayed", LIST_STATE("1", "job_due"), .walks = true},
	[LIST_ACTIVE] = {"list-active", LIST_STATE("2", "job_active"), .walks = true},
	[LIST_PAUSED] = {"list-paused", LIST_STATE("3", "job_paused"), .walks = true},
	[STATE_SHARE] = {"state-share",
		"SELECT sum(CASE ?2 WHEN 0 THEN waiting WHEN 1 THEN delayed"
		" WHEN 2 THEN active ELSE paused END),"
		" sum(waiting + delayed + active + paused + completed + cancelled)"
		" FROM endpoint WHERE queue_id = ?1"},
	[LIST_DEAD_JOBS] = {"list-dead-jobs",
		DEAD_COLUMNS
		" FROM dead_letter_queue d" DEAD_JOINS " WHERE" FILTER_CONDITIONS(
			"d", "created_at") " AND d.id < ?10 AND +d.status = ?11"
					   " ORDER BY d.id DESC LIMIT ?12"},
	[LIST_DEAD] = {"list-dead",
		DEAD_COLUMNS
		" FROM dead_letter_queue d" DEAD_JOINS " WHERE" FILTER_CONDITIONS(
			"d", "died_at") " AND (d.died_at, d.id) < (?10, ?11)"
					" AND (?12 >> d.status) & 1"
					" ORDER BY d.died_at DESC, d.id DESC LIMIT ?13"},
	[LIST_DEAD_STATUS] = {"list-dead-status",
		DEAD_COLUMNS
		" FROM dead_letter_queue d" DEAD_JOINS " WHERE" FILTER_CONDITIONS("d",
			"died_at") " AND (d.died_at, d.id) < (?10, ?11) AND d.status = ?12"
				   " ORDER BY d.died_at DESC, d.id DESC LIMIT ?13"},
	[JOB_BY_ID] = {"job-by-id",
		JOB_COLUMNS " FROM retry_queue q" JOB_JOINS
			    " WHERE e.queue_id = ?1 AND q.id = ?10"},
	[DEAD_BY_ID] = {"dead-by-id",
		DEAD_COLUMNS " FROM dead_letter_queue d" DEAD_JOINS
			     " WHERE e.queue_id = ?1 AND d.id = ?10"},
	[KEY_OF] = {"key-of",
		"SELECT job_id FROM job_key WHERE queue_id = ?1 AND event_id = ?2"},
	[ATTEMPTS] = {"attempts",
		"SELECT number, started_at, outcome, reported, http_status, http_version,"
		" dns_us, connect_us, tls_us, first_byte_us, total_us, delay_ms,"
		" jitter_ms, worker, peer, error_type, category, rule, reason, snippet"
		" FROM attempt WHERE job_id = ?1 ORDER BY number"},
	{0},
};

/* ---- rows ------------------------------------------------------------------------ */

/* Copies spans of rows into a page's arena; remembers the first failure. */
struct copier {
	struct query *query;
	struct arena *arena;
	struct err *err;
	bool failed;
};

static void
copy_span(struct copier *copier, struct span *to)
{
	struct span from = read_span(copier->query);

	if (!copier->failed && arena_copy(copier->arena, from, to, copier->err) != 0)
		copier->failed = true;
}

static void
copy_failure(struct copier *copier, struct failure *failure)
{
	failure->type = ERROR_UNKNOWN;
	failure->category = CATEGORY_RETRYABLE;
	error_type_parse(read_span(copier->query), &failure->type);
	category_parse(read_span(copier->query), &failure->category);
	copy_span(copier, &failure->rule);
	copy_span(copier, &failure->reason);
}

static void
copy_request(struct copier *copier, struct request *request)
{
	request->body_kind = (enum body_kind)read_int(copier->query);
	copy_span(copier, &request->url);
	copy_span(copier, &request->method);
	copy_span(copier, &request->headers);
	copy_span(copier, &request->body);
	copy_span(copier, &request->extra);
}

/* In the order of JOB_COLUMNS. */
static void
copy_job(struct copier *copier, struct job *job)
{
	struct sqlite_store *store = copier->query->store;
	struct query *query = copier->query;

	job->id = read_int(query);
	job->state = (enum job_state)read_int(query);
	job->priority = (int)read_int(query);
	job->run_at = read_int(query);
	job->created_at = read_int(query);
	job->updated_at = read_int(query);
	job->attempt = (int)read_int(query);
	job->attempts_made = (int)read_int(query);
	job->max_attempts = (int)read_int(query);
	job->crashes = (int)read_int(query);
	job->status = (int)read_int(query);
	job->endpoint_named = read_int(query);
	job->held = read_int(query) || store->holds.all;
	copy_span(copier, &job->event_id);
	copy_span(copier, &job->endpoint);
	copy_span(copier, &job->event_type);
	copy_failure(copier, &job->failure);
	copy_request(copier, &job->request);
	if (!copier->failed &&
		arena_copy(copier->arena, span_of(store->queue), &job->queue,
			copier->err) != 0)
		copier->failed = true;
}

/* In the order of DEAD_COLUMNS. */
static void
copy_dead_letter(struct copier *copier, struct dead_letter *letter)
{
	struct query *query = copier->query;

	copy_job(copier, &letter->job);
	letter->status = (enum dead_status)read_int(query);
	letter->died_at = read_int(query);
	letter->first_died_at = read_int(query);
	letter->retries = (int)read_int(query);
	letter->resolved_at = read_int(query);
	letter->delivered = read_int(query);
	dead_reason_parse(read_span(query), &letter->reason);
	copy_span(copier, &letter->resolved_by);
	copy_span(copier, &letter->note);
}

/*
 * A reader of pages: places for one row more than asked for, which only says that there
 * is a next page.
 */
typedef void copy_row(struct copier *copier, void *row);

static void
copy_job_row(struct copier *copier, void *row)
{
	copy_job(copier, row);
}

static void
copy_dead_row(struct copier *copier, void *row)
{
	copy_dead_letter(copier, row);
}

/* Reads at most `most` rows of `size` bytes into *rows, in the arena. */
static int
read_rows(struct query *query, struct arena *arena, copy_row *copy, size_t size,
	size_t most, char **rows, size_t *count, struct err *err)
{
	struct copier copier = {query, arena, err, false};
	int row = 0;

	*count = 0;
	*rows = arena_alloc(arena, size * most);
	if (*rows == NULL)
		return err_no_memory(err);
	while (*count < most && (row = query_next(query, err)) == 1) {
		copy(&copier, *rows + size * (*count)++);
		if (copier.failed)
			break;
	}
	if (row == 1)
		query_end(query);
	return row < 0 || copier.failed ? -1 : 0;
}

static size_t
page_size(const struct job_filter *filter)
{
	return filter->limit == 0 || filter->limit > PAGE_MAX ? PAGE_MAX : filter->limit;
}

/* ---- jobs ------------------------------------------------------------------------ */

static void
bind_job_page(struct query *query, const struct job_filter *filter, bool with_request,
	struct cursor after, unsigned states)
{
	bind_filter(query, filter);
	bind_int(query, with_request);
	bind_int(query, after.id);
	bind_int(query, states);
	bind_int(query, (int64_t)page_size(filter) + 1);
}

static int
read_jobs(struct sqlite_store *store, const struct sql *sql,
	const struct job_filter *filter, bool with_request, struct cursor after,
	struct job_page *page, struct err *err)
{
	enum { QUEUED = (1 << JOB_DEAD) - 1 };
	struct query query = query_start(store, sql);
	unsigned states = filter->states == 0 ? QUEUED : filter->states;
	bool dead = sql == &sqlite_list_sql[LIST_DEAD_JOBS];
	char *rows;

	bind_job_page(&query, filter, with_request, after,
		dead ? DEAD_UNRESOLVED : states & QUEUED);
	if (read_rows(&query, &page->arena, copy_job_row, sizeof(struct job),
		    page_size(filter) + 1, &rows, &page->count, err) != 0)
		return -1;
	page->jobs = (struct job *)rows;
	return 0;
}

/* The one state that is asked for, if it has an index of its own; else -1. */
static int
indexed_state(const struct job_filter *filter)
{
	for (int state = JOB_WAITING; state <= JOB_PAUSED; state++)
		if (filter->states == 1u << state)
			return state;
	return -1;
}

/*
 * A listing walks back from the newest job until it has a page. Where a state is so rare
 * that the walk would pass more jobs than the state has, it goes by the state's index
 * and sorts.
 */
static int
choose_list(struct sqlite_store *store, const struct job_filter *filter,
	const struct sql **sql, struct err *err)
{
	struct query query = query_start(store, &sqlite_list_sql[STATE_SHARE]);
	int state = indexed_state(filter);
	double of_state, all;
	int row;

	*sql = &sqlite_list_sql[LIST_JOBS];
	if (state < 0)
		return 0;
	bind_int(&query, store->queue_id);
	bind_int(&query, state);
	row = query_next(&query, err);
	if (row <= 0)
		return row;
	of_state = (double)read_int(&query);
	all = (double)read_int(&query);
	query_end(&query);
	if (of_state * of_state < all * (double)page_size(filter))
		*sql = &sqlite_list_sql[LIST_WAITING + state];
	return 0;
}

/* Merges the jobs of *other, in the same arena, into *page; both by descending id. */
static int
merge_jobs(struct job_page *page, const struct job_page *other, struct err *err)
{
	size_t count = page->count + other->count;
	struct job *merged = arena_alloc(&page->arena, (count + 1) * sizeof(*merged));
	size_t a = 0, b = 0;

	if (merged == NULL)
		return err_no_memory(err);
	for (size_t i = 0; i < count; i++) {
		bool first = b == other->count ||
			(a < page->count && page->jobs[a].id > other->jobs[b].id);

		merged[i] = first ? page->jobs[a++] : other->jobs[b++];
	}
	page->jobs = merged;
	page->count = count;
	return 0;
}

/* Dead jobs are in another table; both are in the order of ids. */
static int
read_dead_jobs(struct sqlite_store *store, const struct job_filter *filter,
	bool with_request, struct cursor after, struct job_page *page, struct err *err)
{
	struct job_page dead = {.arena = page->arena};
	int result = read_jobs(store, &sqlite_list_sql[LIST_DEAD_JOBS], filter,
		with_request, after, &dead, err);

	page->arena = dead.arena;
	return result == 0 ? merge_jobs(page, &dead, err) : -1;
}

static int
fill_job_page(struct sqlite_store *store, const struct job_filter *filter,
	bool with_request, struct job_page *page, struct err *err)
{
	const struct sql *sql;
	struct cursor after;

	if (cursor_read(filter->after, &after, err) != 0 || holds_load(store, err) != 0 ||
		choose_list(store, filter, &sql, err) != 0 ||
		read_jobs(store, sql, filter, with_request, after, page, err) != 0)
		return -1;
	if ((filter->states & 1u << JOB_DEAD) != 0 &&
		read_dead_jobs(store, filter, with_request, after, page, err) != 0)
		return -1;
	if (page->count <= page_size(filter))
		return 0;
	page->count = page_size(filter);
	after = (struct cursor){0, page->jobs[page->count - 1].id};
	return cursor_write(&page->arena, after, &page->next, err);
}

int
sqlite_list(struct store *base, const struct job_filter *filter, bool with_request,
	struct job_page *page, struct err *err)
{
	*page = (struct job_page){0};
	arena_init(&page->arena);
	if (fill_job_page(sqlite_of(base), filter, with_request, page, err) == 0)
		return 0;
	job_page_free(page);
	return -1;
}

/* ---- dead letters ---------------------------------------------------------------- */

/* The one status that the filter names; -1 if it names none or several. */
static int
only_status(const struct job_filter *filter)
{
	for (int status = 0; status < DEAD_STATUS_COUNT; status++)
		if (filter->dead_statuses == 1u << status)
			return status;
	return -1;
}

static struct query
start_dead_page(struct sqlite_store *store, const struct job_filter *filter,
	bool with_request, struct cursor after)
{
	int status = only_status(filter);
	struct query query = query_start(
		store, &sqlite_list_sql[status < 0 ? LIST_DEAD : LIST_DEAD_STATUS]);

	bind_filter(&query, filter);
	bind_int(&query, with_request);
	bind_int(&query, after.at);
	bind_int(&query, after.id);
	if (status >= 0)
		bind_int(&query, status);
	else
		bind_int(
			&query, filter->dead_statuses == 0 ? ~0u : filter->dead_statuses);
	bind_int(&query, (int64_t)page_size(filter) + 1);
	return query;
}

static int
fill_dead_page(struct sqlite_store *store, const struct job_filter *filter,
	bool with_request, struct dead_page *page, struct err *err)
{
	struct cursor after;
	struct query query;
	char *rows;

	if (cursor_read(filter->after, &after, err) != 0 || holds_load(store, err) != 0)
		return -1;
	query = start_dead_page(store, filter, with_request, after);
	if (read_rows(&query, &page->arena, copy_dead_row, sizeof(struct dead_letter),
		    page_size(filter) + 1, &rows, &page->count, err) != 0)
		return -1;
	page->letters = (struct dead_letter *)rows;
	if (page->count <= page_size(filter))
		return 0;
	page->count = page_size(filter);
	after.at = page->letters[page->count - 1].died_at;
	after.id = page->letters[page->count - 1].job.id;
	return cursor_write(&page->arena, after, &page->next, err);
}

int
sqlite_dead_list(struct store *base, const struct job_filter *filter, bool with_request,
	struct dead_page *page, struct err *err)
{
	*page = (struct dead_page){0};
	arena_init(&page->arena);
	if (fill_dead_page(sqlite_of(base), filter, with_request, page, err) == 0)
		return 0;
	dead_page_free(page);
	return -1;
}

/* ---- one job --------------------------------------------------------------------- */

static int
no_such_job(struct span id, struct err *err)
{
	return err_set(err, ERR_NO_INPUT, "%.*s: no such job",
		(int)(id.len < 256 ? id.len : 256), id.ptr);
}

static struct query
start_by_id(struct sqlite_store *store, int which, int64_t job_id)
{
	static const struct job_filter any = {0};
	struct query query = query_start(store, &sqlite_list_sql[which]);

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

int
job_id_of_event(struct sqlite_store *store, struct span event_id, int64_t *job_id,
	struct err *err)
{
	struct query query = query_start(store, &sqlite_list_sql[KEY_OF]);

	bind_int(&query, store->queue_id);
	bind_text(&query, event_id);
	return query_int(&query, 0, job_id, err);
}

/* As a job id first, if it looks like one, else as an event id. */
static int
find_job(struct sqlite_store *store, struct span id, struct job_page *page,
	struct err *err)
{
	int64_t job_id;

	if (holds_load(store, err) != 0)
		return -1;
	if (span_to_int64(id, &job_id) && load_job(store, job_id, page, err) != 0)
		return -1;
	if (page->count > 0)
		return 0;
	if (job_id_of_event(store, id, &job_id, err) != 0 ||
		load_job(store, job_id, page, err) != 0)
		return -1;
	return page->count > 0 ? 0 : no_such_job(id, err);
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
find_dead_letter(struct sqlite_store *store, struct span id, struct dead_page *page,
	struct err *err)
{
	int64_t job_id;

	if (holds_load(store, err) != 0)
		return -1;
	if (span_to_int64(id, &job_id) && load_dead_letter(store, job_id, page, err) != 0)
		return -1;
	if (page->count > 0)
		return 0;
	if (job_id_of_event(store, id, &job_id, err) != 0 ||
		load_dead_letter(store, job_id, page, err) != 0)
		return -1;
	return page->count > 0 ? 0 : no_such_job(id, err);
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
	struct query query = query_start(sqlite_of(base), &sqlite_list_sql[ATTEMPTS]);
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
