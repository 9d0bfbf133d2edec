/* SPDX-License-Identifier: MIT */
/*
 * A claimed job as the worker gets it, from a row.
 */
#ifndef STORE_SQLITE_DELIVERY_H
#define STORE_SQLITE_DELIVERY_H

#include "store/sqlite.h"

/* Of retry_queue q, endpoint e and request r; behind them comes the job's priority. */
#define DELIVERY_COLUMNS                                                                 \
	"SELECT q.id, q.endpoint_id, e.named, q.attempt, q.attempts_made,"               \
	" q.max_attempts, q.crashes, q.run_at, q.created_at, q.expedited,"               \
	" e.breaker_failures, e.breaker_trips, e.breaker_until, e.breaker_closings,"     \
	" e.paced_until_us, r.body_kind, r.event_id,"                                    \
	" e.name, q.event_type, r.url, r.method, r.headers, r.body, r.extra,"            \
	" q.priority"

/* Reads these columns of the present row, from which the spans borrow; not the priority.
 * The fencing token is yet to be given. */
void read_delivery(struct query *query, struct delivery *delivery);

/* Returns new: one block with everything that *borrowed points to; NULL: no memory. */
struct delivery *delivery_copy(struct delivery *borrowed);

#endif
