/* SPDX-License-Identifier: MIT */
/*
 * slow_receiver DELAY_MS: answers every request after that long; `never`: not at all.
 * Prints the port it chose, and ends with its standard input.
 *
 * All requests wait equally long, so those that wait are a queue and need no timers.
 */
#include "receiver.h"
#include "tool.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { WAITING_MAX = 16384 }; /* a power of two */

struct waiting {
	struct connection *connection;
	uint64_t generation;
	double until;
};

struct queue {
	bool never;
	double delay;
	struct waiting waiting[WAITING_MAX];
	size_t first, end; /* ever growing; taken modulo WAITING_MAX */
};

static void
on_request(void *context, struct connection *connection, const char *head)
{
	struct queue *queue = context;

	(void)head;
	if (queue->never)
		return;
	if (queue->end - queue->first == WAITING_MAX)
		fail("too many requests at once");
	queue->waiting[queue->end++ % WAITING_MAX] = (struct waiting){connection,
		connection_generation(connection), monotonic_seconds() + queue->delay};
}

static void
answer_due(struct queue *queue)
{
	double now = monotonic_seconds();
	struct waiting *waiting;

	while (queue->first != queue->end) {
		waiting = &queue->waiting[queue->first % WAITING_MAX];
		if (waiting->until > now)
			return;
		connection_answer(waiting->connection, waiting->generation);
		queue->first++;
	}
}

static int
wait_ms(const struct queue *queue)
{
	double left;

	if (queue->first == queue->end)
		return -1;
	left = queue->waiting[queue->first % WAITING_MAX].until - monotonic_seconds();
	return left <= 0 ? 0 : (int)(left * 1e3) + 1;
}

static void
serve(struct receiver *receiver, struct queue *queue)
{
	struct pollfd fds[] = {{.fd = receiver_fd(receiver), .events = POLLIN},
		{.fd = 0, .events = POLLIN}};

	for (;;) {
		if (poll(fds, 2, wait_ms(queue)) < 0 && errno != EINTR)
			fail("poll: %s", strerror(errno));
		if (fds[1].revents != 0)
			return;
		receiver_act(receiver);
		answer_due(queue);
	}
}

int
main(int argc, char **argv)
{
	static struct queue queue;
	struct receiver *receiver;

	if (argc != 2)
		fail("usage: slow_receiver DELAY_MS | never");
	signal(SIGPIPE, SIG_IGN);
	queue.never = strcmp(argv[1], "never") == 0;
	queue.delay = queue.never ? 0 : (double)number_of(argv[1]) / 1e3;
	receiver = receiver_new(0, on_request, &queue);
	printf("%d\n", receiver_port(receiver));
	fflush(stdout);
	serve(receiver, &queue);
	receiver_free(receiver);
	return 0;
}
