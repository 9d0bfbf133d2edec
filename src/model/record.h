/* SPDX-License-Identifier: MIT */
/*
 * The one record that flows through all programs (design §4, whrecord(5)): a new event,
 * or a failure that joins the queue.
 */
#ifndef MODEL_RECORD_H
#define MODEL_RECORD_H

#include "base/arena.h"
#include "model/job.h"

/* Borrows the line it was read from; what had to be decoded is in the caller's arena. */
struct record {
	struct json whole; /* the line itself, for classify() */
	struct span id;    /* absent: to be generated */
	struct span endpoint;
	struct span event_type;
	struct span ordering_key;
	struct request request; /* body decoded from payload_b64, else the raw payload */
	bool has_run_at;
	int64_t run_at;
	bool has_delay;
	int64_t delay_ms;
	bool has_priority;
	int priority;      /* PRIORITY_MIN ... PRIORITY_MAX */
	int max_attempts;  /* 0: absent */
	int attempt;       /* failed attempts so far; 0: absent */
	struct json error; /* these three as they stand; null counts as absent */
	struct json http;
	struct json classification;
	bool from_curl; /* it is what curl -w '%{json}' prints */
};

enum { PRIORITY_MIN = -100, PRIORITY_MAX = 100, ATTEMPTS_MAX = 1000 };

/* Reads and checks one line. ERR_DATA, "member: reason". */
int record_read(
	struct record *record, struct span line, struct arena *arena, struct err *err);

/* Whether it speaks of an attempt that was made: error, http, classification, or curl. */
bool record_is_report(const struct record *record);

/* Whether that attempt was delivered (2xx and no error), so that nothing is to
 * be done. */
bool record_is_success(const struct record *record);

/* Whether it is a member of curl -w '%{json}' that says nothing of the request. */
bool record_is_curl_variable(struct span name);

/*
 * Writing records: members of an object that the caller opens and closes. Each program's
 * output is made of these, so that one thing looks the same everywhere.
 */
void put_job(struct buf *out, const struct job *job);
void put_dead_letter(struct buf *out, const struct dead_letter *letter);
void put_request(struct buf *out, const struct request *request);
void put_attempt(struct buf *out, const struct attempt *attempt);
/* "attempts":[{…},…] */
void put_attempts(struct buf *out, const struct attempt *attempts, size_t count);
void put_phases(struct buf *out, const struct phases *phases); /* "phases":{…_ms} */

/* Standard base64 (RFC 4648 §4), padded. Decoding ignores nothing: false on any flaw. */
void base64_put(struct buf *out, struct span bytes);
bool base64_decode(struct buf *out, struct span text);

#endif
