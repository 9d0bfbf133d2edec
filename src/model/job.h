/* SPDX-License-Identifier: MIT */
/*
 * The nouns that the store keeps: a job and its request, its attempts, and a dead letter.
 *
 * A job has one id for life: in the queue, in the dead letter queue, and back. It is in
 * exactly one place: an unresolved dead letter is not in the queue, and a dead letter
 * that is being retried is (its entry then says "retrying").
 */
#ifndef MODEL_JOB_H
#define MODEL_JOB_H

#include "model/backoff.h"

#define QUEUE_DEFAULT "webhook-retry"

enum { EVENT_ID_MAX = 256, ORDERING_KEY_MAX = 256 };

enum job_state {
	JOB_WAITING,   /* due, nobody has it */
	JOB_DELAYED,   /* runs at run_at */
	JOB_ACTIVE,    /* a worker has it under a lease */
	JOB_PAUSED,    /* held by an operator */
	JOB_COMPLETED, /* delivered; kept for the idempotency window */
	JOB_CANCELLED, /* taken out by an operator; kept likewise */
	JOB_DEAD,      /* in the dead letter queue */
	JOB_BLOCKED,   /* behind an earlier job of its ordering key */
	JOB_STATE_COUNT,
};

const char *job_state_name(enum job_state state); /* "waiting" */
bool job_state_parse(struct span name, enum job_state *state);

enum dead_status {
	DEAD_UNRESOLVED,
	DEAD_RETRYING, /* back in the queue by an operator's retry */
	DEAD_RESOLVED, /* by an operator, or because the retry was delivered */
	DEAD_STATUS_COUNT,
};

const char *dead_status_name(enum dead_status status); /* "unresolved" */
bool dead_status_parse(struct span name, enum dead_status *status);

enum body_kind {
	BODY_NONE,
	BODY_JSON, /* the bytes are JSON text: shown as "payload" */
	BODY_RAW,  /* anything else: shown as "payload_b64" */
};

/* What is sent. Spans borrow; whoever fills the struct says whose memory it is. */
struct request {
	struct span url;     /* absent: the endpoint's, looked up when it is sent */
	struct span method;  /* "POST" when absent */
	struct span headers; /* a JSON object of strings, or absent */
	struct span body;
	enum body_kind body_kind;
	struct span extra; /* members we do not know: `"a":1,"b":{}` without braces */
};

/* Why an attempt failed, as it is kept and shown. A zero rule span: it did not fail. */
struct failure {
	enum error_type type;
	enum category category;
	struct span rule;
	struct span reason;
};

/* Microseconds from the start of the transfer; -1 where the phase did not happen. */
struct phases {
	int64_t dns_us;
	int64_t connect_us;
	int64_t tls_us;
	int64_t first_byte_us;
	int64_t total_us;
};

enum attempt_outcome {
	ATTEMPT_COMPLETED,
	ATTEMPT_RETRY,
	ATTEMPT_DEAD,
	ATTEMPT_OUTCOME_COUNT,
};

const char *attempt_outcome_name(enum attempt_outcome outcome); /* "completed" */

/* One try at delivering. Rows are never changed once written. */
struct attempt {
	int number; /* 1, 2, … over the whole life of the job */
	int64_t started_at;
	enum attempt_outcome outcome;
	bool reported;    /* made by other software, and told to whenqueue */
	int status;       /* HTTP status; 0: no response */
	int http_version; /* 10, 11, 20, 30; 0: no response */
	struct phases phases;
	struct span peer; /* "203.0.113.7:443" */
	struct failure failure;
	int64_t delay_ms; /* before the next attempt; 0 if there is none */
	int64_t jitter_ms;
	struct span snippet; /* first bytes of the response body */
	int64_t worker;
};

/* A job as a listing shows it. */
struct job {
	int64_t id;
	struct span event_id;
	struct span queue;
	struct span endpoint; /* configured name, or the url's scheme://host[:port] */
	bool endpoint_named;  /* it is a configured name */
	struct span event_type;
	struct span ordering_key; /* absent: in no order */
	enum job_state state;
	bool held;    /* cannot run: its endpoint or the queue is on hold */
	int priority; /* larger runs first */
	int64_t run_at;
	int64_t created_at;
	int64_t updated_at;
	int attempt;       /* failed attempts of the present budget */
	int attempts_made; /* over the whole life */
	int max_attempts;
	int crashes;            /* workers that died with it in flight, since the last
				 * attempt */
	int status;             /* of the last attempt; 0: none */
	struct failure failure; /* of the last attempt that failed */
	struct request request; /* only where it was asked for */
};

/* A dead letter: the job, and what became of it. */
struct dead_letter {
	struct job job;
	enum dead_status status;
	enum dead_reason reason;
	int64_t died_at; /* latest death */
	int64_t first_died_at;
	int retries;         /* times an operator sent it again */
	int64_t resolved_at; /* 0: not resolved */
	bool delivered;      /* resolved because a retry was delivered */
	struct span resolved_by;
	struct span note;
};

/* Whether `id` is well-formed as an event id: 1 … EVENT_ID_MAX bytes of
 * printable UTF-8. */
bool event_id_valid(struct span id);

/* Likewise an ordering key. */
bool ordering_key_valid(struct span key);

#endif
