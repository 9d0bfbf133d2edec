/* SPDX-License-Identifier: MIT */
/*
 * Preloaded into a program (LD_PRELOAD), it sets the program's clock forward or back
 * while it runs: by the seconds that the file $WH_TEST_CLOCK_STEP begins with, which a
 * test may change at any time. The file is mapped, so that no sandbox is in the way.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { STEP_SIZE = 32 };

/* As written by printf '%-31s\n' SECONDS; NULL: the clock is right. */
static const char *step_text;

static void __attribute__((constructor)) map_step(void)
{
	const char *path = getenv("WH_TEST_CLOCK_STEP");
	int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	void *mapped;

	if (fd < 0)
		return;
	mapped = mmap(NULL, STEP_SIZE, PROT_READ, MAP_SHARED, fd, 0);
	if (mapped != MAP_FAILED)
		step_text = mapped;
	close(fd);
}

int
clock_gettime(clockid_t id, struct timespec *now)
{
	int result = (int)syscall(SYS_clock_gettime, id, now);

	if (result == 0 && step_text != NULL &&
		(id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
		now->tv_sec += strtol(step_text, NULL, 10);
	return result;
}

int
gettimeofday(struct timeval *restrict now, void *restrict zone)
{
	struct timespec precise;
	int result = clock_gettime(CLOCK_REALTIME, &precise);

	(void)zone;
	*now = (struct timeval){precise.tv_sec, precise.tv_nsec / 1000};
	return result;
}

time_t
time(time_t *at)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (at != NULL)
		*at = now.tv_sec;
	return now.tv_sec;
}
