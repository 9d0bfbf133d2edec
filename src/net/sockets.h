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
	struct err err; /* the first failure of libcurl's, or in a callback of its */
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

/*
 * Tells libcurl what happened to a socket, or CURL_SOCKET_TIMEOUT. Where memory does not
 * suffice for its own tables libcurl (7.88) does not watch a socket, sets no timer, and
 * divides by the size of a table that it has dropped when it comes that way again. So
 * its first failure is the end, and nothing is done after it.
 */
void driver_act(struct driver *driver, curl_socket_t fd, int action);

/* Makes the easy handle open and close its connections through us, where its gate lets
 * it.
 */
void sockets_attach(struct sockets *sockets, CURL *easy, struct gate *gate);

#endif
