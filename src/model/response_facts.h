/* SPDX-License-Identifier: MIT */
/*
 * What a failed response said besides its status, as far as it matters for what is done
 * next. In itself, without memory of its own: a wait that was asked for is not missed
 * because there was none. Zeroed, it has said nothing.
 */
#ifndef MODEL_RESPONSE_FACTS_H
#define MODEL_RESPONSE_FACTS_H

#include "model/json.h"
#include "model/retry_after.h"

/* Values are cut to these sizes. */
struct response_facts {
	char retry_after[64];
	char date[64];
	char ratelimit_reset[32];
	char x_ratelimit_reset[32];
	char retry_after_in_ms[32];
	char remaining[32];  /* X-RateLimit-Remaining */
	char error_type[64]; /* x-amzn-errortype */
};

/* A header field; of two with the same name the last counts. */
void response_facts_add(
	struct response_facts *facts, struct span name, struct span value);

/* A header line: "Retry-After: 5\r\n". */
void response_facts_add_line(struct response_facts *facts, struct span line);

/* Header fields as a report has them, in whatever shape. */
void response_facts_add_json(struct response_facts *facts, struct json headers);

/* Borrows from the facts. */
struct retry_hints response_hints(const struct response_facts *facts);

#endif
