/* SPDX-License-Identifier: MIT */
/*
 * What the tests of the client share: a server on the client's own loop, and short ways
 * to ask it and to wait for what comes of that. Each check fails the test that runs.
 */
#ifndef TESTS_UNIT_CLIENT_FIXTURE_H
#define TESTS_UNIT_CLIENT_FIXTURE_H

#include "base/clock.h"
#include "net/client.h"

#include "tap.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	REQUEST_MAX = 2048,
	PEERS_MAX = 512,
	DEADLINE_MS = 60 * 1000, /* of a test, on a busy machine */
	SNIPPET_BYTES = 16,
};

struct server;

struct peer {
	struct server *server;
	struct watch watch;
	char request[REQUEST_MAX];
	size_t len;
	struct span rest; /* of the answer, to be sent */
};

/*
 * Answers each request at once, those for /held when it is told to, and those for
 * /dropped by closing the connection.
 */
struct server {
	struct loop *loop;
	struct watch watch;
	int port;
	struct peer *peers[PEERS_MAX]; /* the open ones */
	size_t open;
	size_t accepted;
	size_t requests;
	size_t held;
	struct span answer;
	char request_line[256]; /* of the last request */
};

/* What came of the transfers; from curl_code on that of the last one. */
struct outcomes {
	size_t done;
	size_t delivered; /* 200 */
	int curl_code;
	int os_errno;
	int status;
	bool blocked;
	size_t refused;
	int64_t total_us;
	char message[256];
	char retry_after[64];
	char body[SNIPPET_BYTES + 1];
};

struct net {
	struct loop loop;
	struct server server;
	struct client *client;
	struct timer deadline;
	bool late;
	int64_t connect_timeout_ms;
	const char *refusal; /* what the judge says of every address */
	struct outcomes outcomes;
};

static const struct span FINE = SPAN_LITERAL(
	"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine");

static inline void
peer_close(struct peer *peer)
{
	struct server *server = peer->server;

	for (size_t i = 0; i < server->open; i++)
		if (server->peers[i] == peer) {
			server->peers[i] = server->peers[--server->open];
			break;
		}
	loop_watch(server->loop, &peer->watch, 0, NULL);
	close(peer->watch.fd);
	free(peer);
}

static inline bool
is_for(const struct peer *peer, const char *path)
{
	return span_starts(
		(struct span){peer->request + strlen("GET "), peer->len}, path);
}

/* As much as the socket takes; the rest when it takes more. */
static inline void
send_rest(struct peer *peer)
{
	ssize_t sent = send(peer->watch.fd, peer->rest.ptr, peer->rest.len, MSG_NOSIGNAL);

	if (sent > 0) {
		peer->rest.ptr += sent;
		peer->rest.len -= (size_t)sent;
	}
	loop_watch(peer->server->loop, &peer->watch,
		LOOP_READ | (peer->rest.len > 0 ? (unsigned)LOOP_WRITE : 0), NULL);
}

static inline void
answer(struct peer *peer, struct span text)
{
	peer->len = 0;
	peer->rest = text;
	send_rest(peer);
}

static inline void
on_request(struct peer *peer)
{
	(void)snprintf(peer->server->request_line, sizeof(peer->server->request_line),
		"%.*s", (int)strcspn(peer->request, "\r"), peer->request);
	peer->server->requests++;
	if (is_for(peer, "/dropped "))
		peer_close(peer);
	else if (is_for(peer, "/held "))
		peer->server->held++;
	else
		answer(peer, peer->server->answer);
}

/* Requests have no body, and none comes before the last one was answered. */
static inline void
on_peer(void *context, unsigned events)
{
	struct peer *peer = context;
	size_t room = sizeof(peer->request) - 1 - peer->len;
	ssize_t got;

	if (events & LOOP_WRITE) {
		send_rest(peer);
		return;
	}
	got = recv(peer->watch.fd, peer->request + peer->len, room, 0);
	if (got <= 0) {
		peer_close(peer);
		return;
	}
	peer->len += (size_t)got;
	peer->request[peer->len] = '\0';
	if (strstr(peer->request, "\r\n\r\n") != NULL)
		on_request(peer);
}

static inline void
on_connection(void *context, unsigned events)
{
	struct server *server = context;
	struct peer *peer = calloc(1, sizeof(*peer));

	(void)events;
	peer->server = server;
	peer->watch = (struct watch){
		.fd = accept4(server->watch.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK),
		.on_event = on_peer,
		.context = peer,
	};
	CHECK(server->open < PEERS_MAX);
	server->peers[server->open++] = peer;
	server->accepted++;
	CHECK_INT(loop_watch(server->loop, &peer->watch, LOOP_READ, NULL), 0);
}

static inline void
release(struct server *server)
{
	for (size_t i = 0; i < server->open; i++)
		if (server->peers[i]->len > 0 && is_for(server->peers[i], "/held "))
			answer(server->peers[i], FINE);
	server->held = 0;
}

/* On every address of this machine: each of 127.0.0.0/8 is another host. */
static inline void
server_start(struct server *server, struct loop *loop)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHECK_INT(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	CHECK_INT(listen(fd, SOMAXCONN), 0);
	CHECK_INT(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	*server = (struct server){
		.loop = loop,
		.watch = {.fd = fd, .on_event = on_connection, .context = server},
		.port = ntohs(address.sin_port),
		.answer = FINE,
	};
	CHECK_INT(loop_watch(loop, &server->watch, LOOP_READ, NULL), 0);
}

static inline void
server_stop(struct server *server)
{
	while (server->open > 0)
		peer_close(server->peers[0]);
	loop_watch(server->loop, &server->watch, 0, NULL);
	close(server->watch.fd);
}

static inline const char *
judge(void *context, const struct address *address)
{
	struct net *net = context;

	(void)address;
	return net->refusal;
}

static inline void
on_late(void *context)
{
	struct net *net = context;

	net->late = true;
}

static inline void
net_start(struct net *net, size_t concurrency)
{
	*net = (struct net){.connect_timeout_ms = DEADLINE_MS};
	CHECK_INT(loop_init(&net->loop, NULL), 0);
	server_start(&net->server, &net->loop);
	CHECK_INT(client_open(&net->client,
			  &(struct client_options){
				  .loop = &net->loop,
				  .judge = judge,
				  .concurrency = concurrency,
				  .snippet_bytes = SNIPPET_BYTES,
				  .user_agent = "client_test",
			  },
			  NULL),
		0);
	net->deadline = (struct timer){.on_expiry = on_late, .context = net};
	CHECK_INT(loop_timer_set(&net->loop, &net->deadline,
			  clock_monotonic_us() + DEADLINE_MS * 1000, NULL),
		0);
}

static inline void
net_stop(struct net *net)
{
	CHECK(!net->late);
	client_close(net->client);
	server_stop(&net->server);
	loop_timer_cancel(&net->loop, &net->deadline);
	loop_free(&net->loop);
}

static inline void
step(struct net *net)
{
	CHECK_INT(loop_step(&net->loop, NULL), 0);
	CHECK_INT(client_run(net->client, NULL), 0);
}

/* As much as there is room for. */
static inline void
keep_text(char *kept, size_t size, struct span text)
{
	(void)snprintf(kept, size, "%.*s", (int)text.len, text.len > 0 ? text.ptr : "");
}

static inline void
on_done(void *context, const struct transfer_result *result)
{
	struct net *net = context;
	struct outcomes *outcomes = &net->outcomes;

	outcomes->done++;
	outcomes->delivered += result->curl_code == CURLE_OK && result->status == 200;
	outcomes->curl_code = result->curl_code;
	outcomes->os_errno = result->os_errno;
	outcomes->status = result->status;
	outcomes->blocked = result->blocked;
	outcomes->refused = result->refused.count;
	outcomes->total_us = result->total_us;
	keep_text(outcomes->message, sizeof(outcomes->message), result->message);
	keep_text(outcomes->retry_after, sizeof(outcomes->retry_after),
		span_of(result->facts->retry_after));
	keep_text(outcomes->body, sizeof(outcomes->body), result->body);
}

static inline void
start(struct net *net, const char *url)
{
	struct transfer *transfer = client_take(net->client);
	struct transfer_request request = {
		.url = span_of(url),
		.method = SPAN_LITERAL("GET"),
		.connect_timeout_ms = net->connect_timeout_ms,
		.timeout_ms = DEADLINE_MS,
	};

	if (CHECK(transfer != NULL))
		CHECK_INT(transfer_start(transfer, &request, on_done, net, NULL), 0);
}

/* A request to 127.0.0.HOST. */
static inline void
ask(struct net *net, int host, const char *path)
{
	char url[64];

	(void)snprintf(
		url, sizeof(url), "http://127.0.0.%d:%d%s", host, net->server.port, path);
	start(net, url);
}

static inline void
wait_done(struct net *net, size_t count)
{
	while (net->outcomes.done < count && !net->late)
		step(net);
	CHECK_INT((int64_t)net->outcomes.done, (int64_t)count);
}

/* One after those before it. */
static inline void
ask_and_wait(struct net *net, const char *path)
{
	ask(net, 1, path);
	wait_done(net, net->outcomes.done + 1);
}

#endif
