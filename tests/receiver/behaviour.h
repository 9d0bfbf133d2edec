/* SPDX-License-Identifier: MIT */
/*
 * What the receiver does with a request. The first word of the path chooses; every query
 * parameter except `body` and `to` becomes a response header, `body` the response body.
 *
 *	/ok                      200
 *	/status/503              that status:  /status/429?retry-after=7&body=slow+down
 *	/token/TOKEN             200 if the request's x-token is that, else 401
 *	/delay/MS                200 after that many milliseconds
 *	/slow-body/MS            200 at once, then 100 bytes, one every MS milliseconds
 *	/hang                    takes the request and never answers
 *	/big/BYTES               200 with a body of that size
 *	/endless                 200 with a body that never ends
 *	/redirect?to=URL         302 to that URL
 *	/close                   closes the connection instead of an answer
 *	/reset                   resets the connection instead of an answer
 *	/reset-body              resets it in the middle of the body
 *	/truncate                closes it in the middle of the body
 *	/invalid                 answers with something that is not HTTP
 *	/flaky/N                 503 to the first N requests of a webhook-id, then 200
 *	/sequence/A,B,C          A to the first request of a webhook-id, then B, then C
 *	                         always; each a status or a word above (reset,429,200)
 *	/switch/NAME             what /control last said, /ok at first
 *	/control?NAME=TARGET     from now on /switch/NAME does as TARGET
 *
 * Anything else is a 404. Over TLS the answers below /redirect are broken TLS.
 */
#ifndef RECEIVER_BEHAVIOUR_H
#define RECEIVER_BEHAVIOUR_H

#include "base/buf.h"
#include "base/map.h"
#include "target.h"

#include <microhttpd.h>
#include <pthread.h>

/* What lives as long as the receiver; shared by the threads of all connections. */
struct memory {
	pthread_mutex_t lock;
	struct map counts;   /* target and webhook-id → size_t */
	struct map switches; /* name → the target's text */
};

void memory_init(struct memory *memory);
void memory_free(struct memory *memory);

/* Sets a switch: "NAME=TARGET". ERR_OS. */
int memory_set_switch(
	struct memory *memory, struct span name, struct span target, struct err *err);

/*
 * Replaces /switch, /flaky and /sequence by what they stand for now; *resolved is a
 * target in the arena. ERR_OS.
 */
int behaviour_resolve(struct memory *memory, struct arena *arena, struct span target,
	struct span webhook_id, struct span *resolved, struct err *err);

/* Does it, and says what MHD's access handler returns. */
enum MHD_Result behaviour_run(struct memory *memory, struct MHD_Connection *connection,
	const struct target *target);

#endif
