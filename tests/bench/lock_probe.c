/* SPDX-License-Identifier: MIT */
/*
 * Preloaded into a program (LD_PRELOAD), it measures how long a thread waits for each
 * flock(), from its first try to the one that succeeds. When the program ends it appends
 * the worst and the number of locks taken to the file that BENCH_LOCK_LOG names:
 * {"locks":…,"worst_ms":…}.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

/* A preloaded function has no other place to keep what it has seen. */
static atomic_long worst_us;
static atomic_long locks;
static _Thread_local int64_t waiting_since; /* 0: not waiting */

static int64_t
monotonic_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void
note(long us)
{
	long worst = atomic_load(&worst_us);

	atomic_fetch_add(&locks, 1);
	while (us > worst && !atomic_compare_exchange_weak(&worst_us, &worst, us))
		;
}

int
flock(int fd, int operation)
{
	int (*real)(int, int) = (int (*)(int, int))dlsym(RTLD_NEXT, "flock");
	int result;

	if (waiting_since == 0)
		waiting_since = monotonic_us();
	result = real(fd, operation);
	if (result == 0 && (operation & LOCK_UN) == 0)
		note((long)(monotonic_us() - waiting_since));
	if (result == 0)
		waiting_since = 0;
	return result;
}

__attribute__((destructor)) static void
report(void)
{
	const char *path = getenv("BENCH_LOCK_LOG");
	char line[96];
	int len, fd;

	if (path == NULL || atomic_load(&locks) == 0)
		return;
	len = snprintf(line, sizeof(line), "{\"locks\":%ld,\"worst_ms\":%.3f}\n",
		atomic_load(&locks), (double)atomic_load(&worst_us) / 1e3);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	(void)!write(fd, line, (size_t)len);
	close(fd);
}
