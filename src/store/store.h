/* SPDX-License-Identifier: MIT */
/*
 * The store: one interface, a const struct of functions per backend (store/backend.h).
 *
 * Every call that changes something is one transaction, synced to disk before it returns
 * 0; when it returns -1 nothing of it happened. Errors: ERR_BUSY (locked for longer than
 * we wait), ERR_IO (disk full, I/O, corrupt), ERR_NO_INPUT (no such store),
 * ERR_PERMISSION, ERR_CREATE, ERR_CONFIG (not ours, or newer than us), ERR_OS (memory).
 *
 * Times come from the caller. A store handle belongs to one thread at a time.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/arena.h"
#include "model/breaker.h"
#include "model/job.h"
#include "model/rate.h"

struct store;

enum store_mode {
	STORE_READ,   /* must exist; nothing is changed, not even the schema */
	STORE_WRITE,  /* must exist; migrated to our schema if it is older */
	STORE_CREATE, /* created (0600, directories 0700) if it does not exist */
};

struct store_options {
	const char *path;
	enum store_mode mode;
	const char *queue;    /* NULL: QUEUE_DEFAULT */
	int64_t now;          /* for the migration's time stamp */
	int64_t busy_wait_ms; /* longest wait for the write lock; 0: 30 s */
};

/* Returns new in *store. */
int store_open(
	struct store **store, const struct store_options *options, struct err *err);
void store_close(struct store *store);

/* ---- accepting ------------------------------------------------------------------- */

struct event {
	struct span id;
	struct span endpoint; /* as in struct job */
	bool endpoint_named;
	struct span event_type;
	struct request request;
	struct span ordering_key; /* absent: in no order */
	int priority;
	int max_attempts;
	int64_t run_at;
	int attempt; /* failed attempts so far; > 0: a failure joins the queue */
	enum dead_reason dead;   /* not DEAD_NOT: straight to the dead letter queue */
	struct attempt reported; /* the failed attempt, where `attempt` > 0 */
};

struct receipt {
	int64_t job_id;
	bool duplicate;       /* job_id is the one that was there */
	enum job_state state; /* JOB_PAUSED: its event type is on hold; JOB_BLOCKED: an
			       * earlier job has its ordering key */
	int64_t run_at;
	int attempt;
};

/*
 * Takes a batch in, all or nothing; receipts[i] belongs to events[i].
 *
 * Of the events of one ordering key (in one queue) at most one is in flight, and they go
 * in the order of acceptance: the next when the one before is completed, dead, cancelled
 * or deleted. One that is delayed, retried or held keeps those behind it, and no others.
 */
int store_enqueue(struct store *store, const struct event *events, size_t count,
	int64_t now, struct receipt *receipts, struct err *err);

/* Whether the last write had to wait for other writers, which large batches would
 * now keep waiting in turn. */
bool store_is_contended(const struct store *store);

/* ---- working --------------------------------------------------------------------- */

/*
 * A worker is known by a number, and alive for as long as the kernel holds its lock on
 * the store's side file (same machine) or its lease lasts (another machine).
 */
int store_worker_start(struct store *store, int64_t now, int64_t lease_ms,
	int64_t *worker, struct err *err);
int store_worker_beat(struct store *store, int64_t now, struct err *err);

/*
 * An array in which the worker, from any of its threads, notes the ids of the jobs that
 * it is delivering at this moment; 0 is a free place. It outlives the process: when a
 * worker dies, the jobs that stand there are suspected of it, and no others that it had
 * claimed. If a worker never asked for the array, all that it had claimed are. The
 * store owns *jobs until it is closed.
 */
int store_worker_flights(
	struct store *store, size_t places, _Atomic int64_t **jobs, struct err *err);

/* Gives back what the worker still holds, without a crash on its record. */
int store_worker_stop(struct store *store, int64_t now, struct err *err);

/* A job claimed for delivery: one block of memory, freed with free(). */
struct delivery {
	int64_t job_id;
	int64_t token; /* fencing token: a settle with an older one changes nothing */
	int64_t endpoint_id;
	struct span event_id;
	struct span endpoint;
	bool endpoint_named;
	struct span event_type;
	struct request request;
	int attempt; /* failed attempts of the present budget */
	int attempts_made;
	int max_attempts;
	int crashes;
	int64_t run_at;
	int64_t created_at;
	bool expedited; /* an operator wants it out, whatever its endpoint's state */
	struct breaker breaker; /* its endpoint's, when it was claimed */
	int64_t closings;       /* how often it was closed, by a delivery or by hand */
	int64_t paced_until_us; /* by the endpoint's rate */
};

enum settle_outcome {
	SETTLE_COMPLETED,
	SETTLE_RETRY,
	SETTLE_DEAD,
	SETTLE_RELEASED, /* not tried: back to waiting, nothing is counted */
};

struct settle {
	int64_t job_id;
	int64_t token;
	int64_t endpoint_id;
	enum settle_outcome outcome;
	int64_t judged_at;           /* when run_at and the like were set; 0 */
	int64_t run_at;              /* SETTLE_RETRY */
	enum dead_reason dead;       /* SETTLE_DEAD */
	struct attempt attempt;      /* unless SETTLE_RELEASED */
	int64_t endpoint_not_before; /* it asked us to stay away until then; 0 */
	bool breaker_changed;
	bool unconfigured;      /* SETTLE_RELEASED: nobody here knows where it goes */
	struct breaker breaker; /* as it is now; without failures: closed */
	int64_t closings;       /* the delivery's: older failures do not count */
	bool lost;              /* out: the token was no longer ours; nothing changed */
};

/*
 * How many jobs of an endpoint may be claimed now; endpoints that are not listed get
 * the default. With CLAIM_NEVER none are, and those that are due do not count as left
 * behind.
 */
enum { CLAIM_NEVER = -1 };

struct claim_room {
	int64_t endpoint_id;
	int room;
};

/* How often an endpoint may be sent something; borrowed, never NULL. */
typedef const struct rate *claim_rate(
	const void *context, struct span endpoint, bool named);

/* One round of a worker: settle what is done and claim what is due, in one
 * transaction. */
struct exchange {
	int64_t now;
	int64_t due_by; /* nothing that came due later than that; 0: all that is due */
	struct settle *settles;
	size_t settle_count;
	size_t claim_limit; /* 0: claim nothing */
	size_t claim_sure;  /* at least so many of them, and one, whatever their size */
	size_t claim_bytes; /* no more once all bodies come to as much; 0: no bound */
	int claim_room_default;
	const struct claim_room *rooms; /* sorted by endpoint_id */
	size_t room_count;
	claim_rate *rate_of; /* NULL: no endpoint has a rate */
	const void *rate_context;
	struct delivery **claimed; /* out: claim_limit places; returns new in each */
	size_t claimed_count;      /* out */
	int64_t next_due_at;       /* out: when the next delayed job is due; 0: none */
	bool more;                 /* out: jobs are due that the limits left behind */
	bool paced; /* out: none of these, but some that wait for their endpoint's rate */
};

/*
 * Claims are fair: round the endpoints that have due jobs, by priority then age in each.
 * An endpoint whose breaker is open is passed over; after its cool-down it gives one job,
 * and no other while that is on its way.
 */
int store_exchange(struct store *store, struct exchange *exchange, struct err *err);

struct stalled_job {
	int64_t job_id;
	struct span event_id;
	int crashes; /* while it was being delivered, since its last attempt */
	bool dead;   /* the third crash: dead-lettered as crash_loop */
};

struct stalled_list {
	struct arena arena;
	struct stalled_job *jobs;
	size_t count;
};

/*
 * Mends what crashes, and a clock that was set back, leave behind; for every worker to
 * call now and then.
 *
 * Takes back the jobs of workers that died, at most `limit` of them. One that was being
 * delivered has one crash more on its record, until an attempt comes to an end; at the
 * third it is dead-lettered. Returns new in *list.
 *
 * If `now` is behind an earlier one, the clock was set back: retries, and endpoints that
 * are left alone, then keep what is left of their wait.
 */
int store_reclaim(struct store *store, int64_t now, size_t limit,
	struct stalled_list *list, struct err *err);

/*
 * A descriptor that becomes readable when any process has enqueued, released or retried
 * something; store_wake_clear() then drains it. Owned by the store.
 */
int store_wake_fd(struct store *store, struct err *err);
void store_wake_clear(struct store *store);

/*
 * Housekeeping in small steps: forgets jobs that were completed or cancelled before
 * `before`, at most `limit`, and checkpoints when it is worth it. *purged may be NULL.
 */
int store_purge(struct store *store, int64_t before, size_t limit, size_t *purged,
	struct err *err);

/* ---- seeing ---------------------------------------------------------------------- */

enum { FILTER_LIMIT_DEFAULT = 50 };

/* Absent spans and zeroes do not restrict. */
struct job_filter {
	unsigned states;        /* jobs: 1 << enum job_state; 0: any that is queued */
	unsigned dead_statuses; /* dead letters: 1 << enum dead_status; 0: any */
	struct span event_type; /* a trailing '*' matches any rest */
	struct span endpoint;
	bool has_type;
	enum error_type type;
	bool has_category;
	enum category category;
	int64_t since, until; /* created (jobs) or died (dead letters): [since, until) */
	struct span after;    /* cursor: `next` of the page before */
	size_t limit;         /* 0: no limit */
};

struct job_page {
	struct arena arena;
	struct job *jobs;
	size_t count;
	struct span next; /* absent: this is the last page */
};

struct dead_page {
	struct arena arena;
	struct dead_letter *letters;
	size_t count;
	struct span next;
};

struct attempt_list {
	struct arena arena;
	struct attempt *attempts;
	size_t count;
};

/* At most `limit` (or PAGE_MAX) rows, newest first; pages hold no lock between calls. */
enum { PAGE_MAX = 200 };
int store_list(struct store *store, const struct job_filter *filter, bool with_request,
	struct job_page *page, struct err *err);
int store_dead_list(struct store *store, const struct job_filter *filter,
	bool with_request, struct dead_page *page, struct err *err);
/* Whether it could be the `next` of a page. */
bool store_cursor_valid(struct span cursor);
void job_page_free(struct job_page *page);
void dead_page_free(struct dead_page *page);

/*
 * Finds a job of this queue by name, wherever it is (state JOB_DEAD: also a dead letter).
 *
 * "job:N" is the job with that number, "event:ID" the one with that event id. Of other
 * names a number (decimal, no leading zero) is a job's, or else an event id, and the rest
 * are event ids. ERR_DATA: the number of one job is the event id of another.
 * ERR_NO_INPUT "no such job", "no such dead letter". Page with one entry; free likewise.
 */
int store_find(
	struct store *store, struct span name, struct job_page *page, struct err *err);
int store_dead_find(
	struct store *store, struct span name, struct dead_page *page, struct err *err);

int store_attempts(
	struct store *store, int64_t job_id, struct attempt_list *list, struct err *err);
void attempt_list_free(struct attempt_list *list);

struct endpoint_stats {
	struct span endpoint;
	int64_t counts[JOB_STATE_COUNT]; /* [JOB_DEAD]: unresolved dead letters */
	int64_t oldest_due_at;           /* 0: nothing is due */
	int64_t not_before;              /* Retry-After of the whole endpoint; 0 */
	bool held;
	struct breaker breaker;
	int64_t breaker_opened_at; /* 0: it is closed */
	int64_t unconfigured_at; /* since when jobs wait for a worker that knows it; 0 */
};

struct queue_stats {
	struct arena arena;
	struct endpoint_stats total; /* endpoint is the queue's name; held: all is held */
	struct endpoint_stats *endpoints;
	size_t count;
	struct span *held_types; /* event types that are on hold */
	size_t held_type_count;
	int64_t workers; /* alive */
};

/* Read from counters, so it costs the same with any number of jobs. A job counts by
 * its own state even if its endpoint is on hold; nothing is overdue there. */
int store_stats(
	struct store *store, int64_t now, struct queue_stats *stats, struct err *err);

/* The same of the jobs that match, counted one by one, with the endpoints that have
 * some. The limit and the cursor of the filter are ignored. */
int store_count(struct store *store, const struct job_filter *filter, int64_t now,
	struct queue_stats *stats, struct err *err);

/* How all endpoints are that ever had a job, or were held, in the order of their names:
 * also those of which store_stats() has nothing to tell. Nothing is overdue, and workers
 * are not counted. */
int store_endpoints(
	struct store *store, int64_t now, struct queue_stats *stats, struct err *err);
void queue_stats_free(struct queue_stats *stats);

enum dead_group {
	BY_CATEGORY,
	BY_ERROR_TYPE,
	BY_EVENT_TYPE,
	BY_ENDPOINT,
	BY_DAY,
	BY_REASON,
	BY_CAUSE, /* the failure's reason, in words */
};

struct dead_count {
	struct span key;
	int64_t counts[DEAD_STATUS_COUNT];
	int64_t oldest_at;
	int64_t newest_at;
};

struct dead_stats {
	struct arena arena;
	struct dead_count *rows;
	size_t count;
};

int store_dead_stats(struct store *store, const struct job_filter *filter,
	enum dead_group group, struct dead_stats *stats, struct err *err);
void dead_stats_free(struct dead_stats *stats);

/* ---- the operator's verbs -------------------------------------------------------- */

enum action_verb {
	ACT_CANCEL,   /* waiting, delayed, paused, blocked -> cancelled */
	ACT_HOLD,     /* waiting, delayed, blocked -> paused */
	ACT_RELEASE,  /* paused -> waiting or delayed; blocked if it is not its turn */
	ACT_EXPEDITE, /* delayed, waiting -> due now, whatever its endpoint's state */

	/* The others are on dead letters. A retry has a fresh budget of attempts; of an
	 * ordering key it goes before what was accepted later and is not active. */
	ACT_RETRY,   /* unresolved -> waiting */
	ACT_RESOLVE, /* unresolved -> resolved */
	ACT_REOPEN,  /* resolved -> unresolved */
	ACT_DELETE,  /* dead letter, unresolved or resolved -> gone, with its attempts */
	ACT_CLEANUP, /* as ACT_DELETE, resolved only */
};

/* Whether the verb is about dead letters, rather than jobs. */
bool action_is_on_letters(enum action_verb verb);

struct action {
	enum action_verb verb;
	int64_t now;
	bool dry_run;   /* the same path, rolled back */
	struct span by; /* ACT_RESOLVE */
	struct span note;
	int64_t resolved_before; /* ACT_CLEANUP of all that match; 0: any time */
};

enum action_result {
	ACTED,
	ACT_NOT_FOUND,
	ACT_WRONG_STATE, /* `state` says which it is in */
};

struct action_report {
	struct span operand; /* as it was named; absent: a filter found it */
	struct span id;      /* its event id; the operand if it was not found */
	int64_t job_id;      /* 0: not found */
	enum action_result result;
	const char *state; /* it was in: a job_state_name() or dead_status_name() */
};

/* Called once per job, after the commit that it was part of. Non-zero stops with -1. */
typedef int action_each(void *context, const struct action_report *report);

/* On jobs by name, as in store_find(). One that may mean two jobs: nothing is done. */
int store_act(struct store *store, const struct action *action, const struct span *ids,
	size_t count, action_each *each, void *context, struct err *err);

/* On all that match, in chunks of about 1000, each a transaction; limit 0: all. */
int store_act_matching(struct store *store, const struct action *action,
	const struct job_filter *filter, action_each *each, void *context,
	struct err *err);

enum hold_scope { HOLD_ENDPOINT, HOLD_EVENT_TYPE, HOLD_ALL };

/*
 * Holds or releases an endpoint, an event type or everything, now and for what comes.
 * *changed says whether it was not so before. An endpoint that has no jobs yet may be
 * held. Releasing one also closes its breaker and forgets its Retry-After.
 */
int store_hold(struct store *store, enum hold_scope scope, struct span name, bool hold,
	int64_t now, bool *changed, struct err *err);

/* ---- health ---------------------------------------------------------------------- */

enum { HEALTH_TEXT_MAX = 256 };

struct store_health {
	int schema_version;
	int schema_known;  /* the newest that we know */
	bool checksums_ok; /* of the migrations that were applied */
	bool integrity_ok;
	char integrity[HEALTH_TEXT_MAX]; /* the first finding */
	bool counters_ok;                /* counters agree with the rows */
	char sqlite_version[32];
	bool wal_reset_race; /* SQLite 3.7.0 … 3.51.2; harmless among our programs */
	int64_t database_bytes;
	int64_t wal_bytes;
	int64_t free_bytes; /* on the file system */
	int64_t live_workers;
	int64_t stale_workers; /* died, and still holding leases */
	int64_t stale_leases;  /* their jobs */
	int64_t newest_at;     /* latest time stamp in the store */
	unsigned mode;         /* permission bits of the file */
};

int store_health(
	struct store *store, int64_t now, struct store_health *health, struct err *err);

#endif
