/* SPDX-License-Identifier: MIT */
/*
 * Transfers under way, divided among several multi handles of libcurl's.
 *
 * To find a connection that can be used again libcurl goes through all to that host,
 * those in use too, and it sorts the time-outs of all transfers: with thousands in one
 * multi handle that takes as long as the rest of a delivery. So each has a part, a shard,
 * with its own connections. Transfers to one host fill the host's own shard first and
 * then the next ones, so that they find the connections that were left there.
 *
 * libcurl closes what was idle for too long when it starts a transfer in the same multi
 * handle. A shard may have none to start for long; so it is swept some time after it had.
 */
#ifndef NET_SHARDS_H
#define NET_SHARDS_H

#include "net/sockets.h"

enum {
	SHARD_TRANSFERS = 128,
	CONNECTION_IDLE_MAX_S = 3, /* common servers close after five */
};

struct shards;

struct shard {
	struct shards *shards;
	struct driver driver;
	size_t active;      /* transfers */
	struct timer sweep; /* unarmed: nothing was left idle since the last one */
	bool left_idle;     /* maybe, since the sweep was set */
};

struct shards {
	struct sockets sockets;
	CURLSH *names; /* what was looked up in one is known in all */
	CURL *sweeper;
	struct shard **list;
	size_t count;
	size_t shard_max; /* transfers in one */
	size_t turn;      /* whose done transfers are being taken out */
};

/* How many libcurl has open for itself, beside the connections. */
size_t shards_descriptors(size_t concurrency);

/* ERR_OS. On failure it is to be freed as well. */
int shards_init(struct shards *shards, struct loop *loop, struct err *err);
void shards_free(struct shards *shards); /* after all easy handles */

/* Room for `concurrency` transfers; what is under way stays where it is. ERR_OS. */
int shards_resize(struct shards *shards, size_t concurrency, struct err *err);

/* Once for each easy handle: it opens its connections where its gate lets it. */
void shards_attach(struct shards *shards, CURL *easy, struct gate *gate);

/* Starts a transfer, in the own shard of its host if there is room. NULL: no memory. */
struct shard *shards_add(struct shards *shards, uint64_t host, CURL *easy);

/* Takes it out, done or not. */
void shard_remove(struct shard *shard, CURL *easy);

/* One that is done, to be taken out; NULL: there is none. */
CURL *shards_next_done(struct shards *shards, CURLcode *code);

#endif
