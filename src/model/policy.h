/* SPDX-License-Identifier: MIT */
/*
 * The retry policy: per error type, how often and how far apart.
 */
#ifndef MODEL_POLICY_H
#define MODEL_POLICY_H

#include "base/rng.h"
#include "model/document.h"

enum error_type {
	ERROR_NETWORK,
	ERROR_RATE_LIMIT,
	ERROR_SERVER,
	ERROR_DATABASE,
	ERROR_CLIENT,
	ERROR_SIGNATURE,
	ERROR_VALIDATION,
	ERROR_UNKNOWN,
	ERROR_TYPE_COUNT,
};

enum category {
	CATEGORY_RETRYABLE,
	CATEGORY_RATE_LIMIT,
	CATEGORY_NON_RETRYABLE,
	CATEGORY_VALIDATION,
	CATEGORY_COUNT,
};

const char *error_type_name(enum error_type type); /* "rate_limit" */
const char *category_name(enum category category); /* "RATE_LIMIT" */
bool error_type_parse(struct span name, enum error_type *type);
bool category_parse(struct span name, enum category *category); /* any ASCII case */

enum { POLICY_SCHEDULE_MAX = 32, POLICY_RULES_MAX = 64 };

/* The longest delay that is taken for meant, whoever asks for it: ten years. */
#define DELAY_MAX_MS (INT64_C(3650) * 24 * 60 * 60 * 1000)

/* What holds for one error type. */
struct retry_rule {
	enum category category;
	bool retryable;
	int max_retries;
	int64_t base_delay_ms;
	int64_t max_delay_ms;
	double multiplier;
	size_t schedule_len;                      /* 0: exponential */
	int64_t schedule_ms[POLICY_SCHEDULE_MAX]; /* delay before retry n at [n - 1] */
};

/*
 * A rule of the operator's that is tried before the built-in ones. Every condition that
 * is present must hold; strings are compared with ASCII case ignored.
 */
struct match_rule {
	char name[64];
	int status_from, status_to; /* 0: any; in the document 409, "5xx" or "500-504" */
	char code[64];              /* error code (also nested); "" any */
	char error_name[64];        /* error class name; "" any */
	char message[128];          /* whole words of the message; "" any */
	char endpoint[128];         /* "" any */
	char event_type[128];       /* "" any; a trailing '*' matches any rest */
	enum error_type type;
	bool sets_retryable;
	bool retryable;
};

struct policy {
	struct retry_rule types[ERROR_TYPE_COUNT];
	int max_attempts;           /* per job, whatever the types */
	int jitter_percent;         /* 0 … 100; only ever adds */
	int64_t retry_after_cap_ms; /* longest wait a server may ask for */
	size_t rule_count;
	struct match_rule rules[POLICY_RULES_MAX];
};

/* The defaults of whtools.conf(5). */
void policy_init(struct policy *policy);

/*
 * What holds for a failure of that type of which something more specific than its type
 * decided whether it is retried: where the type has no numbers for that, `unknown` lends
 * them (retried), or there are none (not retried).
 */
struct retry_rule policy_rule(
	const struct policy *policy, enum error_type type, bool retryable);

/*
 * Overrides *policy from a policy document:
 *   {"max_attempts":10, "jitter_percent":10, "retry_after_cap":"1h",
 *    "types": {"network": {"retryable":true, "max_retries":5, "base_delay":"2s",
 *                          "max_delay":"5m", "multiplier":2, "schedule":["5s","5m"]}},
 *    "schedule": ["5s","5m","30m"],             shorthand: for every retryable type
 *    "rules": [{"name":"acme-busy", "match":{"status":409, "endpoint":"acme"},
 *               "error_type":"rate_limit", "retryable":true}]}
 * Durations are strings ("90s") or numbers of milliseconds under *_ms names
 * ("base_delay_ms"). Unknown members are errors. ERR_CONFIG: "line N: member: reason".
 * A schedule sets max_retries to its length unless max_retries stands beside it.
 */
int policy_read(struct policy *policy, struct span text, struct err *err);

/* The same where the policy is part of a larger document. */
int policy_read_node(struct policy *policy, const struct node *node, struct err *err);

#endif
