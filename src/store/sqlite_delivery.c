/* SPDX-License-Identifier: MIT */
#include "store/sqlite_delivery.h"

#include <stdlib.h>
#include <string.h>

enum { DELIVERY_SPANS = 8 };

/* In the order of DELIVERY_COLUMNS. */
static void
delivery_spans(struct delivery *delivery, struct span *spans[DELIVERY_SPANS])
{
	spans[0] = &delivery->event_id;
	spans[1] = &delivery->endpoint;
	spans[2] = &delivery->event_type;
	spans[3] = &delivery->request.url;
	spans[4] = &delivery->request.method;
	spans[5] = &delivery->request.headers;
	spans[6] = &delivery->request.body;
	spans[7] = &delivery->request.extra;
}

void
read_delivery(struct query *query, struct delivery *delivery)
{
	struct span *spans[DELIVERY_SPANS];

	delivery->job_id = read_int(query);
	delivery->endpoint_id = read_int(query);
	delivery->endpoint_named = read_int(query);
	delivery->attempt = (int)read_int(query);
	delivery->attempts_made = (int)read_int(query);
	delivery->max_attempts = (int)read_int(query);
	delivery->crashes = (int)read_int(query);
	delivery->run_at = read_int(query);
	delivery->created_at = read_int(query);
	delivery->expedited = read_int(query);
	delivery->breaker = read_breaker(query);
	delivery->closings = read_int(query);
	delivery->paced_until_us = read_int(query);
	delivery->request.body_kind = (enum body_kind)read_int(query);
	delivery_spans(delivery, spans);
	for (int i = 0; i < DELIVERY_SPANS; i++)
		*spans[i] = read_span(query);
}

struct delivery *
delivery_copy(struct delivery *borrowed)
{
	struct span *from[DELIVERY_SPANS], *to[DELIVERY_SPANS];
	size_t size = sizeof(*borrowed);
	struct delivery *copy;
	char *at;

	delivery_spans(borrowed, from);
	for (int i = 0; i < DELIVERY_SPANS; i++)
		size += from[i]->len;
	copy = malloc(size);
	if (copy == NULL)
		return NULL;
	*copy = *borrowed;
	at = (char *)(copy + 1);
	delivery_spans(copy, to);
	for (int i = 0; i < DELIVERY_SPANS; i++) {
		if (!span_present(*from[i]))
			continue;
		memcpy(at, from[i]->ptr, from[i]->len);
		to[i]->ptr = at;
		at += from[i]->len;
	}
	return copy;
}
