/* SPDX-License-Identifier: MIT */
#include "store/sqlite_read.h"

void
copy_span(struct copier *copier, struct span *to)
{
	struct span from = read_span(copier->query);

	if (!copier->failed && arena_copy(copier->arena, from, to, copier->err) != 0)
		copier->failed = true;
}

void
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
	job->state = (enum job_state)read_choice(query, JOB_STATE_COUNT);
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
	copy_span(copier, &job->ordering_key);
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
	letter->status = (enum dead_status)read_choice(query, DEAD_STATUS_COUNT);
	letter->died_at = read_int(query);
	letter->first_died_at = read_int(query);
	letter->retries = (int)read_int(query);
	letter->resolved_at = read_int(query);
	letter->delivered = read_int(query);
	dead_reason_parse(read_span(query), &letter->reason);
	copy_span(copier, &letter->resolved_by);
	copy_span(copier, &letter->note);
}

void
copy_job_row(struct copier *copier, void *row)
{
	copy_job(copier, row);
}

void
copy_dead_row(struct copier *copier, void *row)
{
	copy_dead_letter(copier, row);
}

int
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
	if (row == 1 && query_done(query, err) != 0)
		return -1;
	return row < 0 || copier.failed ? -1 : 0;
}
