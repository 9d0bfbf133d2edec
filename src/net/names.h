/* SPDX-License-Identifier: MIT */
/*
 * How many look-ups of names may be under way.
 *
 * libcurl looks up each name in a thread of its own and leaves that behind when the
 * transfer times out; it ends when the system's resolver gives up, which can take
 * minutes, or never. Here it is remembered who did not answer: such a name is looked up
 * once in a while only, by one, and when many look-ups were left behind, no name is that
 * has not answered before. A transfer that may not look its name up waits for its
 * time-out to connect, as it would with a thread.
 */
#ifndef NET_NAMES_H
#define NET_NAMES_H

#include "net/loop.h"

#include <curl/curl.h>

enum {
	NAMES_KEPT = 256,
	LOOKUPS_LEFT_MAX = 64,  /* with the few threads that a worker has anyway */
	LOOKUP_DESCRIPTORS = 3, /* libcurl's pair, to tell the end, and the resolver's */
	LOOKUP_LEFT_DESCRIPTORS = LOOKUP_DESCRIPTORS - 1, /* of the pair only one end */
	SILENCE_US = 30 * 1000 * 1000,
	NAME_SIZE = 254 + 1, /* RFC 1035 §3.1, with a dot at the end and a NUL */
};

struct known_name {
	char name[NAME_SIZE];    /* empty: none */
	int64_t silent_until_us; /* 0: it answered */
};

/* By a hash of the name: of two that share a place the latter is there, or the one that
 * answered. */
struct names {
	struct known_name recent[NAMES_KEPT];
	uint64_t seed; /* of the hash */
	size_t asking; /* transfers whose look-up is under way, and waited for */
};

enum lookup_state {
	LOOKUP_NONE, /* there was no need */
	LOOKUP_BEGUN,
	LOOKUP_REFUSED,
};

/* That of one transfer. */
struct lookup {
	struct names *names;
	const struct loop *loop;
	CURL *easy;
	CURLU *url; /* borrowed until the end */
	enum lookup_state state;
};

/* With a seed of its own; nothing is known yet. */
void names_init(struct names *names);

/* Makes the easy handle ask here before it looks a name up. */
void lookup_init(
	struct lookup *lookup, struct names *names, const struct loop *loop, CURL *easy);

/* Its transfer begins. NULL: libcurl could not parse the URL. */
void lookup_start(struct lookup *lookup, CURLU *url);

/* Its transfer is over: what came of the look-up is remembered. */
void lookup_end(struct lookup *lookup, CURLcode code);

#endif
