/* SPDX-License-Identifier: MIT */
/*
 * spawn_loop COUNT INPUT COMMAND [ARG...]: runs COMMAND that often, one after the other,
 * with the file INPUT as its standard input and its output thrown away. What a shell
 * script pays for one call is the mean of "seconds".
 */
#include "tool.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void
run_once(const char *input, char **argv)
{
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int error, status;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	error = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
	if (error != 0)
		fail("%s: %s", argv[0], strerror(error));
	posix_spawn_file_actions_destroy(&actions);
	if (waitpid(pid, &status, 0) != pid || status != 0)
		fail("%s failed", argv[0]);
}

static double
children_cpu_seconds(void)
{
	struct rusage usage;

	getrusage(RUSAGE_CHILDREN, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
		(double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

int
main(int argc, char **argv)
{
	double start;
	long count;

	if (argc < 4)
		fail("usage: spawn_loop COUNT INPUT COMMAND [ARG...]");
	count = number_of(argv[1]);
	start = monotonic_seconds();
	for (long i = 0; i < count; i++)
		run_once(argv[2], argv + 3);
	printf("{\"count\":%ld,\"seconds\":%.6f,\"cpu_seconds\":%.6f}\n", count,
		monotonic_seconds() - start, children_cpu_seconds());
	return 0;
}
