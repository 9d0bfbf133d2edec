/* SPDX-License-Identifier: MIT */
/*
 * One transfer: a pooled easy handle, the memory of its request and of what came back.
 * Private to the client; the public part is in net/client.h. What is sent is made in
 * transfer_request.c, what came of it is read in transfer_result.c.
 */
#ifndef NET_TRANSFER_H
#define NET_TRANSFER_H

#include "net/gate.h"
#include "net/names.h"
#include "net/second_look.h"
#include "net/shards.h"
#include "net/targets.h"

#include <curl/curl.h>

enum {
	RESPONSE_HEADERS_READ = 256 * 1024, /* a server that sends more is broken off */
	RESPONSE_BODY_READ = 1024 * 1024,   /* the status has decided by then */
};

/* How the easy handle is to make its request. */
enum transfer_mode {
	MODE_NONE, /* not yet set */
	MODE_GET,  /* no body, a body comes back */
	MODE_HEAD, /* no body either way */
	MODE_SEND, /* a body, maybe an empty one */
};

/* Received so far. */
struct response {
	size_t header_bytes;
	size_t body_bytes;
	int status;            /* of the header that is being read */
	bool header_complete;  /* of a final response (not 1xx) */
	bool early;            /* and it came before all of the request was sent */
	bool headers_too_long; /* broken off by us */
	bool body_too_long;    /* likewise */
	struct response_facts facts;
	struct buf body; /* has had room for all that is kept since before the request */
};

struct transfer {
	struct client *client;
	struct transfer *next_free;
	CURL *easy;
	struct shard *shard; /* it is in; NULL: not under way */
	enum transfer_mode mode;
	struct target
		*target; /* as set in the handle, held; NULL: a text is, or nothing */
	const char *tls_ca, *tls_cert, *tls_key; /* that the handle has; compared only */
	bool tls_known;
	size_t snippet_bytes;
	const char *user_agent;
	bool names_agent; /* the request has a User-Agent of its own */
	struct buf text;  /* the header lines, each with a NUL; then url and method */
	size_t *lines;    /* where each begins in text */
	struct curl_slist *nodes;
	size_t line_count;
	size_t line_cap;
	size_t body_bytes; /* to send */
	struct response response;
	struct second_look second_look;
	struct lookup lookup;
	struct timer held; /* until it would have timed out; its name is not looked up */
	int64_t started_us;
	int64_t connect_us; /* the time-out */
	struct gate gate;
	bool lost; /* the request was not let out once more */
	char message[CURL_ERROR_SIZE];
	struct buf peer;
	transfer_done *done;
	void *context;
};

/* The authorities that libcurl was built with, to go back to. NULL: none. */
struct tls_defaults {
	char *ca_file;
	char *ca_path;
};

/* Sets what stays the same for the handle's life. ERR_OS. */
int transfer_init(
	struct transfer *transfer, const struct client_options *options, struct err *err);
void transfer_free(struct transfer *transfer);

/* Forgets the last request. */
void transfer_reset(struct transfer *transfer);

/* Sets what belongs to this request. ERR_OS. */
int transfer_prepare(struct transfer *transfer, const struct transfer_request *request,
	const struct tls_defaults *tls, struct targets *targets, struct err *err);

/* What came of it; borrows from the transfer. */
void transfer_result_of(
	struct transfer *transfer, CURLcode code, struct transfer_result *result);

#endif
