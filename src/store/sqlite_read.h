/* SPDX-License-Identifier: MIT */
/*
 * From rows to the structs of model/job.h. Every statement that shows jobs or dead
 * letters has the columns that are given here, which one function for each reads.
 */
#ifndef STORE_SQLITE_READ_H
#define STORE_SQLITE_READ_H

#include "store/sqlite.h"

/* What is large is read only where ?9 asks for it. */
#define REQUEST_COLUMNS                                                                  \
	" r.body_kind, r.url, CASE WHEN ?9 THEN r.method END,"                           \
	" CASE WHEN ?9 THEN r.headers END, CASE WHEN ?9 THEN r.body END,"                \
	" CASE WHEN ?9 THEN r.extra END"

#define JOB_COLUMNS                                                                      \
	"SELECT q.id, q.state, q.priority, q.run_at, q.created_at, q.updated_at,"        \
	" q.attempt, q.attempts_made, q.max_attempts, q.crashes, q.http_status,"         \
	" e.named, e.held_at IS NOT NULL, r.event_id, e.name, q.event_type,"             \
	" q.ordering_key, q.error_type, q.category, a.rule, a.reason," REQUEST_COLUMNS

#define JOB_JOINS                                                                        \
	" CROSS JOIN endpoint e ON e.id = q.endpoint_id"                                 \
	" CROSS JOIN request r ON r.job_id = q.id"                                       \
	" LEFT JOIN attempt a ON a.job_id = q.id AND a.number = q.failed"

/* As JOB_COLUMNS, then what only a dead letter has. */
#define DEAD_COLUMNS                                                                     \
	"SELECT d.id, " STATE_ANYWHERE ", d.priority, coalesce(q.run_at, 0),"            \
	" d.created_at,"                                                                 \
	" coalesce(q.updated_at, iif(d.delivered, d.resolved_at, d.died_at)),"           \
	" coalesce(q.attempt, d.attempt), coalesce(q.attempts_made, d.attempts_made),"   \
	" d.max_attempts, d.crashes,"                                                    \
	" iif(q.id IS NULL, d.http_status, q.http_status), e.named,"                     \
	" e.held_at IS NOT NULL,"                                                        \
	" r.event_id, e.name, d.event_type, d.ordering_key, d.error_type, d.category,"   \
	" d.rule, d.reason," REQUEST_COLUMNS                                             \
	", d.status, d.died_at, d.first_died_at, d.retries,"                             \
	" coalesce(d.resolved_at, 0), d.delivered, d.death, d.resolved_by, d.note"

#define DEAD_JOINS                                                                       \
	" CROSS JOIN endpoint e ON e.id = d.endpoint_id"                                 \
	" CROSS JOIN request r ON r.job_id = d.id"                                       \
	" LEFT JOIN retry_queue q ON q.id = d.id"

/* Copies spans of rows into a page's arena; remembers the first failure. */
struct copier {
	struct query *query;
	struct arena *arena;
	struct err *err;
	bool failed;
};

typedef void copy_row(struct copier *copier, void *row);

void copy_job_row(struct copier *copier, void *row);  /* struct job */
void copy_dead_row(struct copier *copier, void *row); /* struct dead_letter */

/* Parts of a row: one column; the four of a failure. */
void copy_span(struct copier *copier, struct span *to);
void copy_failure(struct copier *copier, struct failure *failure);

/* Reads at most `most` rows into *rows, an array in the arena of structs of `size`. */
int read_rows(struct query *query, struct arena *arena, copy_row *copy, size_t size,
	size_t most, char **rows, size_t *count, struct err *err);

#endif
