/* SPDX-License-Identifier: MIT */
/*
 * Classification: what kind of failure a report speaks of, and whether trying again can
 * help. A pure function of the report, the policy and the time.
 *
 * Evidence is weighed in this order: the operator's rules; an HTTP status that was really
 * received (with the few exceptions that a structured code or header makes); a structured
 * code (errno, curl exit code, SQLSTATE, a library's error code), also nested in `cause`;
 * a class name; the words of a message, on word boundaries, outside URLs and numbers.
 */
#ifndef MODEL_CLASSIFY_H
#define MODEL_CLASSIFY_H

#include "model/policy.h"
#include "model/response_facts.h"

enum { CLASSIFY_RULE_SIZE = 64, CLASSIFY_REASON_SIZE = 256 };

struct classification {
	enum error_type type;
	enum category category;
	bool retryable;
	bool gone;    /* HTTP 410: the receiver wants no more of this */
	bool blocked; /* its address is refused (model/guard.h) */
	int status;   /* the HTTP status that was really received; 0: none */
	int max_retries;
	int64_t base_delay_ms;
	int64_t max_delay_ms;
	double multiplier;
	int64_t retry_after_ms; /* what the server asked for, capped; -1: nothing */
	char rule[CLASSIFY_RULE_SIZE]; /* what decided: "http-5xx", "errno-ECONNRESET" */
	char reason[CLASSIFY_REASON_SIZE]; /* in plain words, printable UTF-8 */
};

/*
 * Classifies a report of any shape: a record with "error" / "http", an error object, what
 * curl -w '%{json}' prints, a JSON string (a message), or anything else (unknown).
 * Retry-After dates are relative to the response's Date header, else to now.
 */
void classify(const struct policy *policy, struct json report, int64_t now,
	struct classification *result);

/* The same for a transfer of our own that ended in the worker. */
struct transfer_failure {
	int curl_code;       /* CURLE_*; 0: a response came */
	int os_errno;        /* 0: unknown */
	int status;          /* HTTP status; 0: none */
	struct span message; /* libcurl's error text */
	struct span body;    /* first bytes of the response body */
	struct response_facts facts;
	struct span endpoint;
	struct span event_type;
};

void classify_transfer(const struct policy *policy,
	const struct transfer_failure *failure, int64_t now,
	struct classification *result);

/* A failure of that type, whatever it was, as the policy has it. */
struct classification classification_of(
	const struct policy *policy, enum error_type type);

/* The "classification" member's value (whrecord(5)), appended to out. */
void classification_put(struct buf *out, const struct classification *result);

/*
 * Reads back a "classification" that a record carries. ERR_DATA if error_type is missing
 * or a member has the wrong type; members that are absent come from the policy, which
 * caps retry_after_ms, and texts are made printable.
 */
int classification_read(const struct policy *policy, struct json value,
	struct classification *result, struct err *err);

#endif
