/* SPDX-License-Identifier: MIT */
/* Which connections the client makes, uses again and closes. */
#include "client_fixture.h"

enum { MANY = 300 }; /* more than fit in two multi handles */

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

/* What is under way beyond a lower one goes on, and so does what takes its place. */
static void
test_concurrency_follows_the_configuration(void)
{
	struct net net;

	net_start(&net, 1);
	open_many(&net, 1);
	CHECK_INT(client_resize(net.client, MANY, NULL), 0);
	ask_many(&net, MANY - 1, "/held");
	ask_and_wait(&net, "/");
	while (net.server.held < MANY - 1 && !net.late)
		step(&net);
	CHECK_INT(client_resize(net.client, 2, NULL), 0);
	ask_and_wait(&net, "/");
	release(&net.server);
	wait_done(&net, 2 + MANY);
	CHECK_INT((int64_t)net.outcomes.delivered, 2 + MANY);
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
