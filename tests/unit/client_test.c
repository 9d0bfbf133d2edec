/* SPDX-License-Identifier: MIT */
/*
 * The client against a server on the same loop: which connections it makes, uses again
 * and closes, and what it says of answers and of those who give none.
 */
#include "net/client.h"

#include "base/clock.h"

#include "tap.h"

#include <arpa/inet.h>
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
	DEADLINE_US = 30 * 1000 * 1000,
	MANY = 300, /* more than fit in two multi handles */
};

struct server;

struct peer {
	struct server *server;
	struct watch watch;
	char request[REQUEST_MAX];
	size_t len;
};

/* Answers each request at once, or those for /held when it is told to. */
struct server {
	struct loop *loop;
	struct watch watch;
	int port;
	struct peer *peers[PEERS_MAX]; /* the open ones */
	size_t open;
	size_t accepted;
	size_t held;
	const char *answer;
};

/* What came of the transfers. */
struct outcomes {
	size_t done;
	size_t delivered; /* 200 */
	int curl_code;    /* of the last one; likewise the rest */
	int status;
	bool blocked;
	size_t refused;
	char message[256];
};

struct net {
	struct loop loop;
	struct server server;
	struct client *client;
	struct timer deadline;
	bool late;
	const char *refusal; /* what the judge says of every address */
	struct outcomes outcomes;
};

static const char fine[] = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine";

static void
answer(struct peer *peer, const char *text)
{
	peer->len = 0;
	CHECK(send(peer->watch.fd, text, strlen(text), MSG_NOSIGNAL) ==
		(ssize_t)strlen(text));
}

static void
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

static bool
is_held(const struct peer *peer)
{
	return strncmp(peer->request, "GET /held ", strlen("GET /held ")) == 0;
}

/* Requests have no body, and none comes before the last one was answered. */
static void
on_request(void *context, unsigned events)
{
	struct peer *peer = context;
	size_t room = sizeof(peer->request) - 1 - peer->len;
	ssize_t got = recv(peer->watch.fd, peer->request + peer->len, room, 0);

	(void)events;
	if (got <= 0) {
		peer_close(peer);
		return;
	}
	peer->len += (size_t)got;
	peer->request[peer->len] = '\0';
	if (strstr(peer->request, "\r\n\r\n") == NULL)
		return;
	if (is_held(peer))
		peer->server->held++;
	else
		answer(peer, peer->server->answer);
}

static void
on_connection(void *context, unsigned events)
{
	struct server *server = context;
	struct peer *peer = calloc(1, sizeof(*peer));

	(void)events;
	peer->server = server;
	peer->watch = (struct watch){
		.fd = accept4(server->watch.fd, NULL, NULL, SOCK_CLOEXEC),
		.on_event = on_request,
		.context = peer,
	};
	CHECK(server->open < PEERS_MAX);
	server->peers[server->open++] = peer;
	server->accepted++;
	CHECK_INT(loop_watch(server->loop, &peer->watch, LOOP_READ, NULL), 0);
}

static void
release(struct server *server)
{
	for (size_t i = 0; i < server->open; i++)
		if (server->peers[i]->len > 0 && is_held(server->peers[i]))
			answer(server->peers[i], fine);
	server->held = 0;
}

/* On every address of this machine: each of 127.0.0.0/8 is another host. */
static void
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
		.answer = fine,
	};
	CHECK_INT(loop_watch(loop, &server->watch, LOOP_READ, NULL), 0);
}

static void
server_stop(struct server *server)
{
	while (server->open > 0)
		peer_close(server->peers[0]);
	loop_watch(server->loop, &server->watch, 0, NULL);
	close(server->watch.fd);
}

static const char *
judge(void *context, const struct address *address)
{
	struct net *net = context;

	(void)address;
	return net->refusal;
}

static void
on_late(void *context)
{
	struct net *net = context;

	net->late = true;
}

static void
net_start(struct net *net, size_t concurrency)
{
	*net = (struct net){0};
	CHECK_INT(loop_init(&net->loop, NULL), 0);
	server_start(&net->server, &net->loop);
	CHECK_INT(client_open(&net->client,
			  &(struct client_options){
				  .loop = &net->loop,
				  .judge = judge,
				  .concurrency = concurrency,
				  .snippet_bytes = 16,
				  .user_agent = "client_test",
			  },
			  NULL),
		0);
	net->deadline = (struct timer){.on_expiry = on_late, .context = net};
	CHECK_INT(loop_timer_set(&net->loop, &net->deadline,
			  clock_monotonic_us() + DEADLINE_US, NULL),
		0);
}

static void
net_stop(struct net *net)
{
	CHECK(!net->late);
	client_close(net->client);
	server_stop(&net->server);
	loop_timer_cancel(&net->loop, &net->deadline);
	loop_free(&net->loop);
}

static void
step(struct net *net)
{
	CHECK_INT(loop_step(&net->loop, NULL), 0);
	CHECK_INT(client_run(net->client, NULL), 0);
}

static void
on_done(void *context, const struct transfer_result *result)
{
	struct net *net = context;
	struct outcomes *outcomes = &net->outcomes;

	outcomes->done++;
	outcomes->delivered += result->curl_code == CURLE_OK && result->status == 200;
	outcomes->curl_code = result->curl_code;
	outcomes->status = result->status;
	outcomes->blocked = result->blocked;
	outcomes->refused = result->refused.count;
	(void)snprintf(outcomes->message, sizeof(outcomes->message), "%.*s",
		(int)result->message.len, result->message.ptr);
}

static void
start(struct net *net, const char *url)
{
	struct transfer *transfer = client_take(net->client);
	struct transfer_request request = {
		.url = span_of(url),
		.method = SPAN_LITERAL("GET"),
		.connect_timeout_ms = DEADLINE_US / 1000,
		.timeout_ms = DEADLINE_US / 1000,
	};

	if (CHECK(transfer != NULL))
		CHECK_INT(transfer_start(transfer, &request, on_done, net, NULL), 0);
}

/* A request to 127.0.0.HOST. */
static void
ask(struct net *net, int host, const char *path)
{
	char url[64];

	(void)snprintf(
		url, sizeof(url), "http://127.0.0.%d:%d%s", host, net->server.port, path);
	start(net, url);
}

static void
wait_done(struct net *net, size_t count)
{
	while (net->outcomes.done < count && !net->late)
		step(net);
	CHECK_INT((int64_t)net->outcomes.done, (int64_t)count);
}

static void
ask_many(struct net *net, size_t count, const char *path)
{
	for (size_t i = 0; i < count; i++)
		ask(net, 1, path);
}

/* So many connections, each of which has answered. */
static void
open_many(struct net *net, size_t count)
{
	ask_many(net, count, "/held");
	while (net->server.held < count && !net->late)
		step(net);
	CHECK_INT((int64_t)net->server.accepted, (int64_t)count);
	release(&net->server);
	wait_done(net, count);
}

static void
test_connections_are_used_again(void)
{
	struct net net;

	net_start(&net, MANY);
	open_many(&net, MANY);
	ask_many(&net, MANY, "/");
	CHECK(client_take(net.client) == NULL);
	wait_done(&net, 2 * MANY);
	CHECK_INT((int64_t)net.outcomes.delivered, 2 * MANY);
	CHECK_INT((int64_t)net.server.accepted, MANY);
	net_stop(&net);
}

static void
test_few_at_a_time_share_few_connections(void)
{
	enum { FEW = 20, ROUNDS = 10 };
	struct net net;

	net_start(&net, MANY);
	for (size_t round = 1; round <= ROUNDS; round++) {
		ask_many(&net, FEW, "/");
		wait_done(&net, round * FEW);
	}
	CHECK(net.server.accepted <= FEW);
	net_stop(&net);
}

static void
test_each_host_finds_its_connection(void)
{
	enum { HOSTS = 100 };
	struct net net;

	net_start(&net, MANY);
	for (int i = 0; i < 2 * HOSTS; i++) {
		ask(&net, 1 + i % HOSTS, "/");
		wait_done(&net, (size_t)i + 1);
	}
	CHECK_INT((int64_t)net.server.accepted, HOSTS);
	net_stop(&net);
}

/* With nothing to start any more, and beside a transfer that goes on. */
static void
test_idle_connections_are_closed(void)
{
	struct net net;

	net_start(&net, MANY);
	ask(&net, 1, "/held");
	while (net.server.held < 1 && !net.late)
		step(&net);
	ask_many(&net, MANY - 1, "/");
	wait_done(&net, MANY - 1);
	CHECK(net.server.open > 1);
	while (net.server.open > 1 && !net.late)
		step(&net);
	release(&net.server);
	wait_done(&net, MANY);
	CHECK_INT((int64_t)net.outcomes.delivered, MANY);
	net_stop(&net);
}

static void
test_concurrency_follows_the_configuration(void)
{
	struct net net;

	net_start(&net, 1);
	open_many(&net, 1);
	CHECK_INT(client_resize(net.client, MANY, NULL), 0);
	ask_many(&net, MANY, "/held");
	while (net.server.held < MANY && !net.late)
		step(&net);
	CHECK_INT(client_resize(net.client, 2, NULL), 0);
	release(&net.server);
	wait_done(&net, 1 + MANY);
	ask_many(&net, 2, "/");
	wait_done(&net, 3 + MANY);
	CHECK_INT((int64_t)net.outcomes.delivered, 3 + MANY);
	net_stop(&net);
}

int
main(void)
{
	return tap_run((struct tap_test[]){
		TAP(test_connections_are_used_again),
		TAP(test_few_at_a_time_share_few_connections),
		TAP(test_each_host_finds_its_connection),
		TAP(test_idle_connections_are_closed),
		TAP(test_concurrency_follows_the_configuration),
		{0},
	});
}
