/* SPDX-License-Identifier: MIT */
/*
 * Makes libcurl look again at a connection that it thinks has nothing to say.
 *
 * An HTTP/2 server may have given its whole answer before it had all of the request. The
 * stream is then over with the last byte that we send; libcurl (7.88) notes that where it
 * sends, reads no more, since no more comes, and waits for its time-out. As soon as an
 * answer has begun, the socket is therefore said to be readable now and then, until the
 * transfer is done. Mostly it is long before the first time.
 */
#ifndef NET_SECOND_LOOK_H
#define NET_SECOND_LOOK_H

#include "net/loop.h"

#include <curl/curl.h>

struct second_look {
	struct timer timer;
	struct loop *loop;
	CURL *easy;
	int64_t wait_us; /* doubles each time */
};

void second_look_init(struct second_look *look, struct loop *loop, CURL *easy);

/* When an answer has begun. Without memory the transfer goes on as if it had not been. */
void second_look_start(struct second_look *look);

/* When the transfer is done; may be unstarted. */
void second_look_stop(struct second_look *look);

#endif
