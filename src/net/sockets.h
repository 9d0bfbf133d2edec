/* SPDX-License-Identifier: MIT */
/*
 * libcurl's sockets on our loop.
 *
 * libcurl says "no longer interested" after each response and "read" before the next one
 * on the same kept connection. A socket that we opened therefore stays in epoll as it is
 * until it is closed; only if it becomes ready while nobody wants it, is it taken out.
 */
#ifndef NET_SOCKETS_H
#define NET_SOCKETS_H

#include "net/gate.h"

#include <curl/curl.h>

struct socket_slot;

struct sockets {
	struct loop *loop;
	struct socket_slot **slots; /* by descriptor; kept until the end */
	size_t slot_count;
	struct err err; /* the first failure in a callback of libcurl's */
};

/* What drives one of the multi handles whose sockets they are. */
struct driver {
	struct sockets *sockets;
	CURLM *multi;
	struct timer timer; /* libcurl's one timer */
};

void sockets_init(struct sockets *sockets, struct loop *loop);
void sockets_free(struct sockets *sockets); /* after the multi handles */

/* Installs itself in the multi handle. */
void driver_init(struct driver *driver, struct sockets *sockets, CURLM *multi);
void driver_stop(struct driver *driver); /* after the multi handle */

/* Makes the easy handle open and close its connections through us, where its gate lets
 * it.
 */
void sockets_attach(struct sockets *sockets, CURL *easy, struct gate *gate);

#endif
