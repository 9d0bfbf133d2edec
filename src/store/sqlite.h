/* SPDX-License-Identifier: MIT */
/*
 * What the files of the SQLite backend share: the handle, statements, the write
 * transaction, and the counters of endpoints.
 */
#ifndef STORE_SQLITE_H
#define STORE_SQLITE_H

#include "base/map.h"
#include "store/backend.h"
#include "store/flight_record.h"
#include "store/migrate.h"
#include "store/side_file.h"

/* ---- statements (sqlite_stmt.c) -------------------------------------------------- */

/*
 * Each file keeps its SQL in a table of these, ended by {0}. The address of an entry is
 * its key in the handle's cache of prepared statements.
 */
struct sql {
	const char *name;
	const char *text;
	bool walks; /* may visit a whole table; the others never scan or sort */
};

extern const struct sql sqlite_base_sql[];
extern const struct sql sqlite_endpoint_sql[];
extern const struct sql sqlite_enqueue_sql[];
extern const struct sql sqlite_row_sql[];
extern const struct sql sqlite_settle_sql[];
extern const struct sql sqlite_complete_sql[];
extern const struct sql sqlite_claim_sql[];
extern const struct sql sqlite_due_sql[];
extern const struct sql sqlite_worker_sql[];
extern const struct sql sqlite_reclaim_sql[];
extern const struct sql sqlite_list_sql[];
extern const struct sql sqlite_find_sql[];
extern const struct sql sqlite_stats_sql[];
extern const struct sql sqlite_act_sql[];
extern const struct sql sqlite_verb_sql[];
extern const struct sql sqlite_hold_sql[];
extern const struct sql sqlite_purge_sql[];
extern const struct sql sqlite_clock_sql[];
extern const struct sql sqlite_health_sql[];
extern const struct sql sqlite_order_sql[];
extern const struct sql sqlite_oldest_sql[];

enum { STATEMENT_CACHE_SIZE = 256 }; /* a power of two, far above their number */

struct cached_statement {
	const struct sql *sql;
	sqlite3_stmt *statement;
};

struct statement_cache {
	struct cached_statement entries[STATEMENT_CACHE_SIZE];
};

/* ---- the handle ------------------------------------------------------------------ */

/* An endpoint as far as this handle knows it, and what this transaction changes. */
struct endpoint_change {
	int64_t id;
	bool changed;
	int64_t counts[JOB_STATE_COUNT]; /* to be added */
	int64_t not_before;              /* a later one than there is; 0 */
	int64_t served;                  /* 0: not served */
	int64_t claims;                  /* to be added */
	bool breaker_changed;
	struct breaker breaker;
	int64_t breaker_at;      /* when it changed */
	int64_t closings;        /* as known to whoever changed it */
	int64_t paced_until_us;  /* 0: as it was */
	int64_t unconfigured_at; /* a worker did not know it; 0 */
	struct endpoint_change *next_changed;
};

struct endpoint_cache {
	struct map by_name;
	struct map by_id; /* the key is the id's bytes */
	struct arena arena;
	struct endpoint_change *changed;
	bool affects_claims; /* what is not flushed yet would change what is claimed */
};

/* The holds of the queue, as of this transaction. */
struct hold_set {
	struct arena arena;
	bool all;
	struct span *event_types;
	size_t count;
	size_t room;
};

/* Whether any job of the store is behind another, as of this transaction. */
enum order_knowledge { ORDER_UNKNOWN, ORDER_IDLE, ORDER_MATTERS };

enum { BOOT_ID_SIZE = 40 };

struct sqlite_store {
	struct store base;
	char *path;
	char *queue;
	int64_t queue_id; /* 0: the store has no such queue (reading) */
	enum store_mode mode;
	int64_t busy_wait_ms;
	sqlite3 *db;
	struct side_file side;
	struct statement_cache statements;
	struct endpoint_cache endpoints;
	struct hold_set holds;
	char boot_id[BOOT_ID_SIZE];
	int64_t worker; /* 0: this handle is no worker */
	int64_t lease_ms;
	int64_t clock_seen;           /* when this handle last looked at the clock; 0 */
	struct flight_record flights; /* of the worker */
	enum order_knowledge order;
	bool letters_retried; /* in this exchange: some dead letter is on its way again */
	int64_t busy_since_us; /* monotonic: SQLite has been waiting for a lock */
	bool poke;             /* this transaction makes work for workers */
	int wal_pages;         /* after the latest commit */
	int checkpoint_at;     /* not before there are that many: a reader pins the WAL */
};

static inline struct sqlite_store *
sqlite_of(struct store *store)
{
	return (struct sqlite_store *)store;
}

/* Fills *err from a SQLite result code; returns -1. */
int sqlite_error(struct sqlite_store *store, int code, struct err *err);

void statements_free(struct statement_cache *cache);

/*
 * One use of a statement: started, parameters bound from ?1 on, then run or stepped, and
 * columns read from 0 on. Spans read are borrowed until the next step. A failure to
 * prepare or bind is reported by the step.
 */
struct query {
	struct sqlite_store *store;
	sqlite3_stmt *statement;
	int parameter;
	int column;
	int code;
};

struct query query_start(struct sqlite_store *store, const struct sql *sql);
void bind_int(struct query *query, int64_t value);
void bind_text(struct query *query, struct span text); /* absent: NULL */
void bind_blob(struct query *query, struct span bytes);

/* Statements over several jobs list their ids behind all other parameters. */
enum { ID_LIST_SIZE = 64 };
#define ID_LIST_8  "?, ?, ?, ?, ?, ?, ?, ?"
#define ID_LIST_32 ID_LIST_8 ", " ID_LIST_8 ", " ID_LIST_8 ", " ID_LIST_8
#define ID_LIST    " (" ID_LIST_32 ", " ID_LIST_32 ")"

/* At most ID_LIST_SIZE; the places left over are NULL, the id of no job. */
void bind_ids(struct query *query, const int64_t *ids, size_t count);

/* NULL if `present` is false. */
void bind_optional(struct query *query, bool present, int64_t value);

/* For statements without rows; the number of rows they changed goes to *changed. */
int query_run(struct query *query, struct err *err);
int query_run_counted(struct query *query, int *changed, struct err *err);

/* 1: a row; 0: no more, and the statement is reset; -1. */
int query_next(struct query *query, struct err *err);
void query_end(struct query *query); /* before the last row */

/* Behind the last query_next(), which returned `row`: ends it if rows are left. -1 if it
 * had failed. */
int query_stop(struct query *query, int row);

/* The same, and -1 if a value of the row made no sense. ERR_IO. */
int query_done(struct query *query, struct err *err);

/* The first column of the only row; `otherwise` if there is none or it is NULL. */
int query_int(struct query *query, int64_t otherwise, int64_t *value, struct err *err);

int64_t read_int(struct query *query);

/* Of an enum with so many values. Another number is damage, which query_next() and
 * query_done() tell; until then it is 0. */
int read_choice(struct query *query, int count);

struct span read_span(struct query *query); /* absent if NULL */

/* ---- transactions (sqlite_txn.c) ------------------------------------------------- */

/* Waits for the turn to write, then starts a transaction. ERR_BUSY. */
int txn_begin(struct sqlite_store *store, struct err *err);

/* Whether a statement waits for programs that are not of ours: they do not take turns on
 * the side file. */
void busy_wait(struct sqlite_store *store, bool wait);

/* Commits if result is 0, else rolls back; returns 0 only if it is all on disk. */
int txn_end(struct sqlite_store *store, int result, struct err *err);
void txn_rollback(struct sqlite_store *store);

enum sequence { SEQUENCE_JOB, SEQUENCE_TOKEN, SEQUENCE_WORKER };

/* `count` numbers from *first on, never given before. */
int sequence_take(struct sqlite_store *store, enum sequence sequence, size_t count,
	int64_t *first, struct err *err);

/* Copies WAL pages to the database if there are `worth` of them; under the turn. */
void checkpoint_if_worth(struct sqlite_store *store, int worth);

/* Leaves no WAL that the next program would have to read before it can begin. */
void checkpoint_at_close(struct sqlite_store *store);

/* ---- queues and endpoints (sqlite_endpoint.c) ------------------------------------ */

/* Fills in queue_id; makes the queue unless the store is only read. */
int queue_find(struct sqlite_store *store, struct err *err);

void endpoints_init(struct endpoint_cache *cache);
void endpoints_free(struct endpoint_cache *cache);
void endpoints_forget(struct endpoint_cache *cache); /* after a rollback */
void endpoints_trim(struct endpoint_cache *cache);   /* bounds its memory */

/* The id of this queue's endpoint of that name; 0 if there is none. */
int endpoint_find(
	struct sqlite_store *store, struct span name, int64_t *id, struct err *err);

/* The endpoint of this queue, made if need be; borrowed until the transaction ends. */
int endpoint_by_name(struct sqlite_store *store, struct span name, bool named,
	struct endpoint_change **endpoint, struct err *err);
int endpoint_by_id(struct sqlite_store *store, int64_t id,
	struct endpoint_change **endpoint, struct err *err);

/* Of a row of `endpoint`: nothing may be sent before, by its rate; and by anything. */
#define ENDPOINT_PACED_UNTIL "((paced_until_us + 999) / 1000)"
#define ENDPOINT_NOT_BEFORE  "max(not_before, breaker_until, " ENDPOINT_PACED_UNTIL ")"

/* It may be sent something at ?2, by all but its rate; and altogether. Half open is one
 * probe, and that is all. */
#define ENDPOINT_WELL                                                                    \
	" held_at IS NULL AND max(not_before, breaker_until) <= ?2"                      \
	" AND (breaker_trips = 0 OR active = 0)"
#define ENDPOINT_OPEN ENDPOINT_WELL " AND " ENDPOINT_PACED_UNTIL " <= ?2"

/* It has a waiting job that was due by ?3; NULL: whenever. */
#define ENDPOINT_HAS_DUE                                                                 \
	" AND (?3 IS NULL OR EXISTS (SELECT 1 FROM retry_queue q"                        \
	" WHERE q.endpoint_id = endpoint.id AND q.state = 0 AND q.run_at <= ?3))"

/* breaker_failures, breaker_trips, breaker_until: the next three columns. */
struct breaker read_breaker(struct query *query);

/* What settling a job says of its endpoint's breaker; written with the counters. */
int endpoint_learn(struct sqlite_store *store, const struct settle *settle, int64_t now,
	struct err *err);

/* In memory; endpoints_flush() writes what a transaction gathered. */
void endpoint_count(struct sqlite_store *store, struct endpoint_change *endpoint,
	enum job_state state, int by);
int endpoint_move(struct sqlite_store *store, int64_t id, enum job_state from,
	enum job_state to, struct err *err);
int endpoints_flush(struct sqlite_store *store, struct err *err);

/* ---- rows that several operations write (sqlite_row.c) --------------------------- */

/* Who paused a job (retry_queue.paused_by). */
enum paused_by { PAUSED_BY_OPERATOR = 1, PAUSED_BY_HOLD = 2 };

/* Number 0: it is the last one that the job's row counts. */
int attempt_insert(struct sqlite_store *store, int64_t job_id,
	const struct attempt *attempt, struct err *err);

/* Those of the settles, whose attempts have their numbers: several in one statement. */
int attempts_insert(struct sqlite_store *store, struct settle *const *settles,
	size_t count, struct err *err);

/* From retry_queue, which loses it, to the dead letter queue; counters too. */
struct burial {
	int64_t job_id;
	int64_t endpoint_id;
	enum job_state from;    /* as counted */
	enum dead_reason death; /* DEAD_NOT: as it was (a retry was cancelled) */
	int64_t now;
	const struct failure *failure; /* NULL: that of its last failed attempt */
};

int job_bury(struct sqlite_store *store, const struct burial *burial, struct err *err);

int job_delete(struct sqlite_store *store, int64_t job_id, struct err *err);

/* Deletes what hangs on a job: request, key and attempts. */
int job_forget(
	struct sqlite_store *store, int64_t job_id, int64_t endpoint_id, struct err *err);

/* ---- holds (sqlite_hold.c) ------------------------------------------------------- */

/* Loads store->holds; once in each transaction that moves jobs to waiting. */
int holds_load(struct sqlite_store *store, struct err *err);
bool holds_cover(const struct hold_set *holds, struct span event_type);

/* Frees some jobs of a hold that was lifted; *more: there was one. */
int holds_release_some(
	struct sqlite_store *store, size_t limit, bool *more, struct err *err);

/* ---- the parts of an exchange ---------------------------------------------------- */

/* A job that changes its state, read before any row is written: SQLite does not promise
 * what a SELECT sees of rows that change under it. */
struct moved_job {
	int64_t id;
	int64_t endpoint_id;
	bool held;
};

int exchange_settle(
	struct sqlite_store *store, struct exchange *exchange, struct err *err);

/* Settles of one outcome and status, the most common there are (sqlite_complete.c). */
struct completion_batch {
	struct settle *settles[ID_LIST_SIZE]; /* borrowed; lost comes out */
	size_t count;
};

/* False if it does not fit in: complete the others first. */
bool completion_add(struct completion_batch *batch, struct settle *settle);

/* Settles what is in the batch, which is empty then. */
int complete_batch(struct sqlite_store *store, struct completion_batch *batch,
	int64_t now, struct err *err);

/* The next parameter: what is claimed was due by then; NULL: whenever. */
void bind_due_by(struct query *query, const struct exchange *exchange);

/* Delayed jobs that are due become waiting, a bounded number of them. */
int promote_due(
	struct sqlite_store *store, const struct exchange *exchange, struct err *err);

/* How many jobs of the endpoint the exchange may claim in all, or CLAIM_NEVER. */
int claim_room_of(const struct exchange *exchange, int64_t endpoint_id);

/* Fills in claimed and claimed_count. */
int claim_jobs(struct sqlite_store *store, struct exchange *exchange, struct err *err);

/* A job in the order of claiming: larger priorities first, then smaller ids. */
struct ready_place {
	int64_t priority;
	int64_t id;
};

/* Whether the endpoint's waiting jobs are of more than one priority. */
int ready_priorities_differ(
	struct sqlite_store *store, int64_t endpoint_id, bool *differ, struct err *err);

/* The oldest waiting jobs of those behind *after, oldest first. */
int oldest_ready(struct sqlite_store *store, const struct exchange *exchange,
	int64_t endpoint_id, struct ready_place after, int64_t *ids, size_t limit,
	size_t *count, struct err *err);

/* Fills in more, paced and next_due_at. */
int look_ahead(struct sqlite_store *store, struct exchange *exchange, struct err *err);

/* ---- ordering keys (sqlite_order.c) ---------------------------------------------- */

/* len 0: in no order. */
struct order_key {
	int64_t queue_id;
	size_t len;
	char text[ORDERING_KEY_MAX];
};

/* *state becomes JOB_BLOCKED if another job of the key is before a new one. */
int order_arrive(struct sqlite_store *store, struct span key, enum job_state *state,
	struct err *err);

/* The key of a job of retry_queue; the second says none where nobody is behind. */
int order_key_of(struct sqlite_store *store, int64_t job_id, struct order_key *key,
	struct err *err);
int order_key_if_behind(struct sqlite_store *store, int64_t job_id, struct order_key *key,
	struct err *err);

/* If no job of the key is out, the next one goes. */
int order_advance(struct sqlite_store *store, const struct order_key *key, int64_t now,
	struct err *err);

/* A job has ended, and its row is still there. */
int order_ended(struct sqlite_store *store, int64_t job_id, int64_t now, struct err *err);

/* A blocked job takes its place: before a later one that is not in flight. */
int order_enter(struct sqlite_store *store, const struct order_key *key, int64_t job_id,
	int64_t now, struct err *err);

/* A job that was in flight and is to be retried; an earlier one may go instead. */
int order_rejoin(struct sqlite_store *store, int64_t job_id, int64_t endpoint_id,
	enum job_state state, int64_t now, struct err *err);

/* ---- workers (sqlite_worker.c) --------------------------------------------------- */

struct worker_row {
	int64_t id;
	struct span boot_id;
	int64_t expires_at;
};

/* The next three columns: id, boot_id, expires_at. */
struct worker_row read_worker(struct query *query);

bool worker_lives(
	struct sqlite_store *store, const struct worker_row *worker, int64_t now);

/* Whether that one is alive; one that has no row lives by its lock alone. */
int worker_with_id_lives(struct sqlite_store *store, int64_t worker, int64_t now,
	bool *lives, struct err *err);

int workers_count(
	struct sqlite_store *store, int64_t now, int64_t *alive, struct err *err);

/* Makes `limit` of the jobs that this worker holds waiting again (sqlite_reclaim.c). */
int worker_give_back(struct sqlite_store *store, int64_t now, size_t limit, size_t *count,
	struct err *err);

/* ---- the clock (sqlite_clock.c) -------------------------------------------------- */

/* What a clock may be wrong by without anybody minding. */
enum { CLOCK_SLACK_MS = 15 * 1000 };

/* In a transaction: this is how late it is. */
int clock_note(struct sqlite_store *store, int64_t now, struct err *err);

/* The same outside of one; and if the clock was set back, what waits follows it. */
int clock_follow(struct sqlite_store *store, int64_t now, struct err *err);

/* ---- cursors and filters (sqlite_filter.c) --------------------------------------- */

/* A place in a listing: jobs are ordered by id, dead letters by the time of death too. */
struct cursor {
	int64_t at;
	int64_t id;
};

/* The cursor of a filter, or the beginning. ERR_DATA. */
int cursor_read(struct span text, struct cursor *cursor, struct err *err);
int cursor_write(
	struct arena *arena, struct cursor cursor, struct span *text, struct err *err);

/* ?1 … ?8: queue, event type, its prefix, endpoint, error type, category, since, until */
#define FILTER_CONDITIONS(row, time)                                                     \
	" e.queue_id = ?1"                                                               \
	" AND (?2 IS NULL OR " row ".event_type = ?2)"                                   \
	" AND (?3 IS NULL OR substr(coalesce(" row                                       \
	".event_type, ''), 1, length(?3)) = ?3)"                                         \
	" AND (?4 IS NULL OR e.name = ?4)"                                               \
	" AND (?5 IS NULL OR " row ".error_type = ?5)"                                   \
	" AND (?6 IS NULL OR " row ".category = ?6)"                                     \
	" AND " row "." time " >= ?7 AND " row "." time " < ?8"

#define JOB_FILTER  FILTER_CONDITIONS("q", "created_at")
#define DEAD_FILTER FILTER_CONDITIONS("d", "died_at")

void bind_filter(struct query *query, const struct job_filter *filter);

/* The states that a row of retry_queue can be in. */
enum { STATES_QUEUED = ((1 << JOB_STATE_COUNT) - 1) & ~(1 << JOB_DEAD) };

/* Whether the filter asks for any of them. If not, do not look: no index knows the
 * answer, and all rows would be passed. */
bool filter_wants_queued(const struct job_filter *filter);

/* The job of this queue that a name means (store_find()); 0 if there is none. ERR_DATA if
 * it may mean two (sqlite_find.c). */
int job_of_name(
	struct sqlite_store *store, struct span name, int64_t *job_id, struct err *err);

/* The state of a job wherever it is, with its row q or dead letter d missing: a letter
 * that was delivered may outlive the row that says completed. */
#define STATE_ANYWHERE "coalesce(q.state, iif(d.delivered, 4, 6))"

/* ---- the operations -------------------------------------------------------------- */

int sqlite_enqueue(struct store *base, const struct event *events, size_t count,
	int64_t now, struct receipt *receipts, struct err *err);
int sqlite_worker_start(struct store *base, int64_t now, int64_t lease_ms,
	int64_t *worker, struct err *err);
int sqlite_worker_beat(struct store *base, int64_t now, struct err *err);
int sqlite_worker_flights(
	struct store *base, size_t places, _Atomic int64_t **jobs, struct err *err);
int sqlite_worker_stop(struct store *base, int64_t now, struct err *err);
int sqlite_reclaim(struct store *base, int64_t now, size_t limit,
	struct stalled_list *list, struct err *err);
int sqlite_exchange(struct store *base, struct exchange *exchange, struct err *err);
int sqlite_purge(struct store *base, int64_t before, size_t limit, size_t *purged,
	struct err *err);
int sqlite_list(struct store *base, const struct job_filter *filter, bool with_request,
	struct job_page *page, struct err *err);
int sqlite_dead_list(struct store *base, const struct job_filter *filter,
	bool with_request, struct dead_page *page, struct err *err);
int sqlite_find(
	struct store *base, struct span id, struct job_page *page, struct err *err);
int sqlite_dead_find(
	struct store *base, struct span id, struct dead_page *page, struct err *err);
int sqlite_attempts(
	struct store *base, int64_t job_id, struct attempt_list *list, struct err *err);
int sqlite_stats(
	struct store *base, int64_t now, struct queue_stats *stats, struct err *err);
int sqlite_count(struct store *base, const struct job_filter *filter, int64_t now,
	struct queue_stats *stats, struct err *err);
int sqlite_endpoints(
	struct store *base, int64_t now, struct queue_stats *stats, struct err *err);
int sqlite_dead_stats(struct store *base, const struct job_filter *filter,
	enum dead_group group, struct dead_stats *stats, struct err *err);
int sqlite_act(struct store *base, const struct action *action, const struct span *ids,
	size_t count, action_each *each, void *context, struct err *err);
int sqlite_act_matching(struct store *base, const struct action *action,
	const struct job_filter *filter, action_each *each, void *context,
	struct err *err);
int sqlite_hold(struct store *base, enum hold_scope scope, struct span name, bool hold,
	int64_t now, bool *changed, struct err *err);
int sqlite_health(
	struct store *base, int64_t now, struct store_health *health, struct err *err);

#endif
