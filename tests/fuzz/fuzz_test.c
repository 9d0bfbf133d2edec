/* SPDX-License-Identifier: MIT */
/*
 * Runs every target over its committed corpus and prints TAP, one test for each target. A
 * target runs in a process of its own, so that one that crashes or hangs is one failure,
 * with the name of the file that did it.
 */
#include "target.h"

#include "cli/input.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	INPUT_MAX = 1024 * 1024,
	SECONDS_PER_INPUT = 10,
	DIRECTORY_SIZE = 128,
	PATH_SIZE = 512
};

static const char corpus[] = "tests/fuzz/corpus";

static int
is_input(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* In memory of exactly its size, so that AddressSanitizer sees every byte beyond. */
static void
run_bytes(const struct target *target, struct span bytes)
{
	char *copy = malloc(bytes.len > 0 ? bytes.len : 1);

	if (copy == NULL)
		abort();
	if (bytes.len > 0)
		memcpy(copy, bytes.ptr, bytes.len);
	target->run((struct span){copy, bytes.len});
	free(copy);
}

static int
read_file(const char *path, struct buf *bytes, struct err *err)
{
	int fd = file_open(path, err), failed;

	if (fd < 0)
		return -1;
	failed = input_all(fd, bytes, err);
	close(fd);
	return failed;
}

/* The last line that the process prints before it crashes names the input. */
static void
run_file(const struct target *target, const char *path)
{
	struct buf bytes;
	struct err err;

	printf("# %s\n", path);
	fflush(stdout);
	buf_init(&bytes, INPUT_MAX);
	if (read_file(path, &bytes, &err) != 0) {
		printf("# %s\n", err.text);
		exit(1);
	}
	alarm(SECONDS_PER_INPUT);
	run_bytes(target, buf_span(&bytes));
	alarm(0);
	buf_free(&bytes);
}

static int
run_all(const struct target *target, const char *directory, struct dirent **entries,
	int count)
{
	char path[PATH_SIZE];

	run_bytes(target, (struct span){"", 0});
	for (int i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, entries[i]->d_name);
		run_file(target, path);
	}
	return 0;
}

/* How the process of one target ended. */
static int
run_apart(const struct target *target, const char *directory, struct dirent **entries,
	int count)
{
	pid_t child = fork();
	int status = -1;

	if (child == 0)
		exit(run_all(target, directory, entries, count));
	if (child < 0 || waitpid(child, &status, 0) != child)
		return -1;
	return status;
}

/* Returns how many files it ran, or -1 if not all is well. */
static int
replay(const struct target *target, int number)
{
	char directory[DIRECTORY_SIZE];
	struct dirent **entries = NULL;
	int count, status;

	snprintf(directory, sizeof(directory), "%s/%s", corpus, target->name);
	count = scandir(directory, &entries, is_input, alphasort);
	status = count > 0 ? run_apart(target, directory, entries, count) : -1;
	printf("%s %d - %s\n", status == 0 ? "ok" : "not ok", number, target->name);
	if (count <= 0)
		printf("# %s: no inputs\n", directory);
	else if (WIFSIGNALED(status))
		printf("# it was ended by signal %d\n", WTERMSIG(status));
	for (int i = 0; i < count; i++)
		free(entries[i]);
	free(entries);
	return status == 0 ? count : -1;
}

int
main(void)
{
	int number = 0, failed = 0, inputs = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (const struct target *target = targets; target->name != NULL; target++) {
		int count = replay(target, ++number);

		failed += count < 0;
		inputs += count < 0 ? 0 : count;
	}
	printf("# figure: %d inputs for %d fuzz targets replayed\n", inputs, number);
	printf("1..%d\n", number);
	return failed > 0;
}
