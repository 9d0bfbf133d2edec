/* SPDX-License-Identifier: MIT */
/*
 * latency COUNT PAUSE_MS COMMAND [ARG...]: how long after its commit an event is on the
 * wire. Runs COMMAND (whenqueue) COUNT times with one event for a receiver of its own,
 * and stamps the receipt on the command's output and the request at the receiver, both
 * with the same clock, in the same loop. Prints p50, p99 and the worst.
 *
 * A negative time is possible and honest: the worker may be faster than our reading of
 * the receipt.
 */
#include "receiver.h"
#include "tool.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RECEIPT_MAX = 4096, PATIENCE_S = 30 };

struct trial {
	char id[64];
	bool receipted, arrived;
	int64_t receipted_us, arrived_us;
};

struct command {
	pid_t pid;
	int output;
};

static void
on_request(void *context, struct connection *connection, const char *head)
{
	struct trial *trial = context;
	int64_t now = wall_us();

	if (!trial->arrived && strstr(head, trial->id) != NULL) {
		trial->arrived = true;
		trial->arrived_us = now;
	}
	connection_answer(connection, connection_generation(connection));
}

static void
child_run(char **argv, int input, int output)
{
	if (dup2(input, 0) < 0 || dup2(output, 1) < 0)
		_exit(126);
	execvp(argv[0], argv);
	_exit(127);
}

static struct command
command_start(char **argv, const char *record)
{
	struct command command;
	int input[2], output[2];
	size_t len = strlen(record);

	if (pipe(input) != 0 || pipe(output) != 0)
		fail("pipe: %s", strerror(errno));
	command.pid = fork();
	if (command.pid < 0)
		fail("fork: %s", strerror(errno));
	if (command.pid == 0) {
		close(input[1]);
		close(output[0]);
		child_run(argv, input[0], output[1]);
	}
	close(input[0]);
	close(output[1]);
	if (write(input[1], record, len) != (ssize_t)len)
		fail("write: %s", strerror(errno));
	close(input[1]);
	command.output = output[0];
	return command;
}

static void
command_end(struct command command)
{
	int status;

	close(command.output);
	if (waitpid(command.pid, &status, 0) != command.pid || status != 0)
		fail("the command failed");
}

static void
read_receipt(struct trial *trial, int fd)
{
	char text[RECEIPT_MAX];

	if (read(fd, text, sizeof(text)) <= 0)
		fail("the command ended without a receipt");
	trial->receipted = true;
	trial->receipted_us = wall_us();
}

static void
wait_for_both(struct receiver *receiver, struct trial *trial, int output)
{
	struct pollfd fds[] = {{.fd = receiver_fd(receiver), .events = POLLIN},
		{.fd = output, .events = POLLIN}};
	double until = monotonic_seconds() + PATIENCE_S;

	while (!trial->receipted || !trial->arrived) {
		if (monotonic_seconds() > until)
			fail("%s: not delivered in %d s", trial->id, PATIENCE_S);
		if (poll(fds, 2, 1000) < 0 && errno != EINTR)
			fail("poll: %s", strerror(errno));
		if (fds[1].revents != 0 && !trial->receipted) {
			read_receipt(trial, output);
			fds[1].fd = -1;
		}
		receiver_act(receiver);
	}
}

/* Returns microseconds from the receipt to the request. */
static int64_t
trial_run(struct receiver *receiver, struct trial *trial, long number, char **argv)
{
	struct command command;
	char record[PAYLOAD_SIZE + 256];

	*trial = (struct trial){0};
	snprintf(trial->id, sizeof(trial->id), "evt_latency_%d_%ld", (int)getpid(),
		number);
	snprintf(record, sizeof(record),
		"{\"id\":\"%s\",\"url\":\"http://127.0.0.1:%d/\",\"payload\":%s}\n",
		trial->id, receiver_port(receiver), sample_payload());
	command = command_start(argv, record);
	wait_for_both(receiver, trial, command.output);
	command_end(command);
	return trial->arrived_us - trial->receipted_us;
}

/* The worker's connection may close while we rest, so the receiver is served. */
static void
rest(struct receiver *receiver, double seconds)
{
	struct pollfd fd = {.fd = receiver_fd(receiver), .events = POLLIN};
	double until = monotonic_seconds() + seconds;
	double left;

	while ((left = until - monotonic_seconds()) > 0) {
		poll(&fd, 1, (int)(left * 1e3) + 1);
		receiver_act(receiver);
	}
}

static int
by_size(const void *left, const void *right)
{
	int64_t a = *(const int64_t *)left;
	int64_t b = *(const int64_t *)right;

	return (a > b) - (a < b);
}

int
main(int argc, char **argv)
{
	struct trial trial = {0};
	struct receiver *receiver;
	int64_t *times;
	long count, pause_ms;

	if (argc < 4 || number_of(argv[1]) == 0)
		fail("usage: latency COUNT PAUSE_MS COMMAND [ARG...]");
	count = number_of(argv[1]);
	pause_ms = number_of(argv[2]);
	signal(SIGPIPE, SIG_IGN);
	times = calloc((size_t)count, sizeof(*times));
	if (times == NULL)
		fail("out of memory");
	receiver = receiver_new(0, on_request, &trial);
	for (long i = 0; i < count; i++) {
		times[i] = trial_run(receiver, &trial, i, argv + 3);
		rest(receiver, (double)pause_ms / 1e3);
	}
	qsort(times, (size_t)count, sizeof(*times), by_size);
	printf("{\"count\":%ld,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f}\n", count,
		(double)times[count / 2] / 1e3, (double)times[count * 99 / 100] / 1e3,
		(double)times[count - 1] / 1e3);
	receiver_free(receiver);
	free(times);
	return 0;
}
