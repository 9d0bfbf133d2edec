/* SPDX-License-Identifier: MIT */
/*
 * Listings, one page a call: a page begins behind the last row of the page before, so
 * that nothing is held open while a reader thinks.
 */
#include "store/sqlite_read.h"

#include <string.h>

enum {
	LIST_JOBS,
	LIST_WAITING,
	LIST_DELAYED,
	LIST_ACTIVE,
	LIST_PAUSED,
	LIST_BLOCKED,
	STATE_SHARE,
	LIST_DEAD_JOBS,
	LIST_DEAD,
	LIST_DEAD_STATUS,
};

#define FROM_JOBS    " FROM retry_queue q" JOB_JOINS " WHERE" JOB_FILTER
#define FROM_LETTERS " FROM dead_letter_queue d" DEAD_JOINS " WHERE" DEAD_FILTER
#define BY_DEATH     " ORDER BY d.died_at DESC, d.id DESC LIMIT ?13"

/* By way of the state's own index: reads all jobs of the state, and sorts them. */
#define LIST_STATE(state, index)                                                         \
	JOB_COLUMNS " FROM retry_queue q INDEXED BY " index JOB_JOINS                    \
		    " WHERE" JOB_FILTER " AND q.id < ?10 AND ?11 <> 0"                   \
		    " AND q.state = " state " ORDER BY q.id DESC LIMIT ?12"

const struct sql sqlite_list_sql[] = {
	[LIST_JOBS] = {"list-jobs",
		JOB_COLUMNS FROM_JOBS " AND q.id < ?10 AND (?11 >> q.state) & 1"
				      " ORDER BY q.id DESC LIMIT ?12"},
	[LIST_WAITING] = {"list-waiting", LIST_STATE("0", "job_ready"), .walks = true},
	[LIST_DELAYED] = {"list-delayed", LIST_STATE("1", "job_due"), .walks = true},
	[LIST_ACTIVE] = {"list-active", LIST_STATE("2", "job_active"), .walks = true},
	[LIST_PAUSED] = {"list-paused", LIST_STATE("3", "job_paused"), .walks = true},
	[LIST_BLOCKED] = {"list-blocked",
		LIST_STATE("7 AND q.ordering_key IS NOT NULL AND q.state IN (3, 7)",
			"job_behind"),
		.walks = true},
	[STATE_SHARE] = {"state-share",
		"SELECT sum(CASE ?2 WHEN 0 THEN waiting WHEN 1 THEN delayed"
		" WHEN 2 THEN active WHEN 3 THEN paused ELSE blocked END),"
		" sum(waiting + delayed + active + paused + completed + cancelled"
		" + blocked)"
		" FROM endpoint WHERE queue_id = ?1"},
	[LIST_DEAD_JOBS] = {"list-dead-jobs",
		DEAD_COLUMNS
		" FROM dead_letter_queue d" DEAD_JOINS " WHERE" FILTER_CONDITIONS(
			"d", "created_at") " AND d.id < ?10 AND +d.status = ?11"
					   " ORDER BY d.id DESC LIMIT ?12"},
	[LIST_DEAD] = {"list-dead",
		DEAD_COLUMNS FROM_LETTERS " AND (d.died_at, d.id) < (?10, ?11)"
					  " AND (?12 >> d.status) & 1" BY_DEATH},
	[LIST_DEAD_STATUS] = {"list-dead-status",
		DEAD_COLUMNS FROM_LETTERS " AND (d.died_at, d.id) < (?10, ?11)"
					  " AND d.status = ?12" BY_DEATH},
	{0},
};

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
	struct query query = query_start(store, sql);
	unsigned states = filter->states == 0 ? STATES_QUEUED : filter->states;
	bool dead = sql == &sqlite_list_sql[LIST_DEAD_JOBS];
	char *rows;

	bind_job_page(&query, filter, with_request, after,
		dead ? DEAD_UNRESOLVED : states & STATES_QUEUED);
	if (read_rows(&query, &page->arena, copy_job_row, sizeof(struct job),
		    page_size(filter) + 1, &rows, &page->count, err) != 0)
		return -1;
	page->jobs = (struct job *)rows;
	return 0;
}

static const int LIST_OF_STATE[JOB_STATE_COUNT] = {
	[JOB_WAITING] = LIST_WAITING,
	[JOB_DELAYED] = LIST_DELAYED,
	[JOB_ACTIVE] = LIST_ACTIVE,
	[JOB_PAUSED] = LIST_PAUSED,
	[JOB_BLOCKED] = LIST_BLOCKED,
};

/* The one state that is asked for, if it has an index of its own; else -1. */
static int
indexed_state(const struct job_filter *filter)
{
	for (int state = 0; state < JOB_STATE_COUNT; state++)
		if (filter->states == 1u << state && LIST_OF_STATE[state] != 0)
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
		*sql = &sqlite_list_sql[LIST_OF_STATE[state]];
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
read_queued_jobs(struct sqlite_store *store, const struct job_filter *filter,
	bool with_request, struct cursor after, struct job_page *page, struct err *err)
{
	const struct sql *sql;

	if (!filter_wants_queued(filter))
		return 0;
	if (choose_list(store, filter, &sql, err) != 0)
		return -1;
	return read_jobs(store, sql, filter, with_request, after, page, err);
}

static int
fill_job_page(struct sqlite_store *store, const struct job_filter *filter,
	bool with_request, struct job_page *page, struct err *err)
{
	struct cursor after;

	if (cursor_read(filter->after, &after, err) != 0 || holds_load(store, err) != 0 ||
		read_queued_jobs(store, filter, with_request, after, page, err) != 0)
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
