/* SPDX-License-Identifier: MIT */
/*
 * Where a transfer may connect to. libcurl asks here before it opens a socket, with the
 * address that it resolved, and again before each request, also on a connection that was
 * kept alive: what may be reached can have changed since, or differ between two transfers
 * to the same host.
 */
#ifndef NET_GATE_H
#define NET_GATE_H

#include "net/client.h"

#include <sys/socket.h>

struct sockets;

struct gate {
	struct sockets *sockets; /* that open what it lets through */
	connection_judge *judge;
	void *context; /* of the judge */
	bool opened;   /* one was let through */
	struct refused refused;
};

/* Before a transfer. */
void gate_reset(struct gate *gate, void *context);

/* Whether a connection to that address may be opened. */
bool gate_lets_through(struct gate *gate, const struct sockaddr *address);

/* Whether nothing was let through of what there was. */
bool gate_blocks(const struct gate *gate);

/* Whether a request may be sent to whom the connection leads to. */
bool gate_lets_request(struct gate *gate, const char *peer_ip);

#endif
