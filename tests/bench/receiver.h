/* SPDX-License-Identifier: MIT */
/*
 * An HTTP/1.1 receiver for thousands of kept-alive connections on one thread: it tells
 * its owner of each complete request and answers when, and if, the owner says so.
 */
#ifndef BENCH_RECEIVER_H
#define BENCH_RECEIVER_H

#include <stddef.h>
#include <stdint.h>

struct receiver;
struct connection;

/* A request has come in; `head` is terminated and ends with the blank line. */
typedef void receiver_request(
	void *context, struct connection *connection, const char *head);

/* Listens on 127.0.0.1; port 0: a free one. */
struct receiver *receiver_new(int port, receiver_request *request, void *context);
void receiver_free(struct receiver *receiver);
int receiver_port(const struct receiver *receiver);

/* A descriptor that is readable when receiver_act() has something to do. */
int receiver_fd(const struct receiver *receiver);
void receiver_act(struct receiver *receiver);

/*
 * 200, without a body. A connection that was closed meanwhile is known by its generation,
 * which the owner remembers beside it.
 */
uint64_t connection_generation(const struct connection *connection);
void connection_answer(struct connection *connection, uint64_t generation);

#endif
