/* SPDX-License-Identifier: MIT */
/*
 * An HTTP client for many transfers at once: libcurl's multi handles on our loop.
 *
 * Easy handles are pooled and keep their constant options, connections are kept alive and
 * reused, and epoll is told only what changed: a delivery over a kept connection costs no
 * system call but its own reads and writes. Redirects are not followed, proxies of the
 * environment are not used, certificates are verified, addresses are judged before they
 * are connected to, and whatever a server sends is bounded: header lines, the part of the
 * body that is kept, and the part that is read.
 */
#ifndef NET_CLIENT_H
#define NET_CLIENT_H

#include "base/buf.h"
#include "model/guard.h"
#include "model/response_facts.h"
#include "net/loop.h"

struct client;

/*
 * Whether a transfer may speak to that address: NULL, or what the address is. Asked
 * before each connection and each request, with the context of transfer_start().
 */
typedef const char *connection_judge(void *context, const struct address *address);

struct client_options {
	struct loop *loop; /* borrowed for the client's life */
	connection_judge *judge;
	size_t concurrency;
	size_t snippet_bytes; /* of a response body are kept */
	const char *user_agent;
};

/* How many are open at once, at the most, by a client of so many transfers: when each of
 * them waits for a name server that does not answer, as others did before. */
size_t client_descriptors(size_t concurrency);

/* Returns new in *client. ERR_OS. */
int client_open(
	struct client **client, const struct client_options *options, struct err *err);

/* Another concurrency; what is under way beyond it goes on. ERR_OS: as it was. */
int client_resize(struct client *client, size_t concurrency, struct err *err);

/* Breaks off what is under way, without calling back. */
void client_close(struct client *client);

/* One transfer, from a pool of `concurrency`. */
struct transfer;

/* What is sent. Borrowed: the body until the transfer is done, the rest for the call. */
struct transfer_request {
	struct span url;
	struct span method;
	struct span body; /* absent: none; HEAD never has one */
	int64_t connect_timeout_ms;
	int64_t timeout_ms;
	struct span tls_ca; /* PEM; absent: the system's, none, none */
	struct span tls_cert;
	struct span tls_key;
};

/* Addresses that a transfer was not let go to. */
enum { REFUSED_MAX = 4 };
struct refused {
	const char *what; /* the first of them is: "a loopback address" */
	struct address addresses[REFUSED_MAX];
	size_t count; /* of those that are kept */
};

/* What came of it. Borrowed for the call of transfer_done. */
struct transfer_result {
	int curl_code; /* CURLE_*; 0: a whole response */
	int os_errno;
	int status;             /* 0: no complete response header */
	struct span message;    /* libcurl's words for curl_code */
	bool blocked;           /* it failed because all there is was refused */
	struct refused refused; /* or passed over, where it could not connect elsewhere */
	struct span body;       /* the first snippet_bytes */
	const struct response_facts *facts; /* of a header that is no 2xx */
	struct span peer; /* "203.0.113.7:443"; empty if nobody was reached */
	int http_version; /* 10, 11, 20, 30 */
	int64_t dns_us;   /* from the start; -1: did not happen */
	int64_t connect_us;
	int64_t tls_us;
	int64_t first_byte_us;
	int64_t total_us;
};

typedef void transfer_done(void *context, const struct transfer_result *result);

/* A free transfer, or NULL if all are under way. ERR_OS only through transfer_start(). */
struct transfer *client_take(struct client *client);

/* Adds a header field; an empty value sends an empty field. Copied. */
void transfer_header(struct transfer *transfer, struct span name, struct span value);
void transfer_header_int(struct transfer *transfer, struct span name, int64_t value);

/*
 * Starts a transfer that was taken; `done` is called once, from client_run(). On failure
 * the transfer is free again. ERR_OS.
 */
int transfer_start(struct transfer *transfer, const struct transfer_request *request,
	transfer_done *done, void *context, struct err *err);

/* Gives back a transfer that was taken and not started. */
void transfer_drop(struct transfer *transfer);

/* To be called after each loop_step(): calls back for the transfers that are done.
 * ERR_OS. */
int client_run(struct client *client, struct err *err);

/* The configuration was changed: other certificates may lie where the old ones did. */
void client_forget_tls(struct client *client);

#endif
