/* SPDX-License-Identifier: MIT */
/*
 * What each of the operator's verbs does to one job, in a transaction that the caller has
 * begun (sqlite_act.c, which finds the jobs).
 */
#ifndef STORE_SQLITE_VERB_H
#define STORE_SQLITE_VERB_H

#include "store/sqlite.h"

enum { NO_LETTER = DEAD_STATUS_COUNT };

/* What a verb is about to change, as it is now. */
struct subject {
	int64_t job_id;
	int64_t endpoint_id;
	enum job_state state;
	int64_t run_at;
	bool queued; /* it has a row in retry_queue */
	int letter;  /* enum dead_status, or NO_LETTER */
	struct span event_id;
};

/* Reads a job of this queue; *found: there is one. Its event id goes to the arena. */
int subject_load(struct sqlite_store *store, int64_t job_id, struct arena *arena,
	struct subject *subject, bool *found, struct err *err);

/* Counters follow what is done, and a key's next job goes if this one was in its way. */
struct verb {
	unsigned works_on; /* bits 1 << enum dead_status if it is on letters, else 1 <<
			    * enum job_state */
	int (*apply)(struct sqlite_store *store, const struct subject *subject,
		const struct action *action, struct err *err);
};

const struct verb *verb_of(const struct action *action);

#endif
