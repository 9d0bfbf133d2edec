/* SPDX-License-Identifier: MIT */
/*
 * Where requests go: URLs as libcurl has parsed them. To parse one costs a tenth of a
 * delivery, and most deliveries go where the last ones went; so a parsed URL is shared by
 * all transfers to it and kept while it is set in a handle, or was among the recent ones.
 */
#ifndef NET_TARGETS_H
#define NET_TARGETS_H

#include <curl/curl.h>
#include <stdint.h>

enum { TARGETS_RECENT = 256 };

struct target {
	CURLU *parsed;
	char *url;
	char *in_request; /* path and query, as they stand in the request */
	uint64_t host;    /* a hash of it */
	int holders;
};

/* By a hash of the URL: of two that share a place the latter is there. */
struct targets {
	struct target *recent[TARGETS_RECENT];
};

void targets_free(struct targets *targets);

/* The URL's target, held until target_drop(). NULL if libcurl cannot parse it: it says
 * why when it is given the text. */
struct target *targets_hold(struct targets *targets, const char *url);
void target_drop(struct target *target); /* NULL: nothing */

#endif
