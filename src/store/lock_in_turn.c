/* SPDX-License-Identifier: MIT */
/*
 * A blocking flock(2) with a time limit.
 *
 * Polling would be simpler, but then whoever sleeps loses to whoever is awake. So the
 * thread blocks in the kernel's queue, and a timer interrupts it with a signal that does
 * nothing. The timer repeats, in case it fires just before the thread blocks.
 */
#include "store/side_file.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { INTERRUPT_AGAIN_MS = 20 };

static void
interrupt_only(int number)
{
	(void)number;
}

/* High among the real-time signals, where programs and libraries seldom look. */
static int
signal_number(void)
{
	return SIGRTMAX - 4;
}

static struct timespec
timespec_of(int64_t ms)
{
	return (struct timespec){ms / 1000, (long)(ms % 1000) * 1000000};
}

static int
timer_start(timer_t *timer, int64_t wait_ms)
{
	struct sigaction action = {.sa_handler = interrupt_only}; /* no SA_RESTART */
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID};
	struct itimerspec limit = {
		timespec_of(INTERRUPT_AGAIN_MS), timespec_of(wait_ms > 0 ? wait_ms : 1)};

	sigemptyset(&action.sa_mask);
	if (sigaction(signal_number(), &action, NULL) != 0)
		return -1;
	event.sigev_signo = signal_number();
	event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
	if (timer_create(CLOCK_MONOTONIC, &event, timer) != 0)
		return -1;
	return timer_settime(*timer, 0, &limit, NULL);
}

static int64_t
monotonic_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int
block_until(int fd, int64_t deadline_ms)
{
	while (flock(fd, LOCK_EX) != 0) {
		if (errno != EINTR)
			return -1;
		if (monotonic_ms() >= deadline_ms) {
			errno = ETIMEDOUT;
			return -1;
		}
	}
	return 0;
}

int
lock_in_turn(int fd, int64_t wait_ms, bool *waited)
{
	int64_t deadline_ms = monotonic_ms() + wait_ms;
	sigset_t ours, before;
	timer_t timer;
	int result, number;

	*waited = flock(fd, LOCK_EX | LOCK_NB) != 0;
	if (!*waited)
		return 0;
	if (errno != EWOULDBLOCK && errno != EINTR)
		return -1;
	if (timer_start(&timer, wait_ms) != 0)
		return -1;
	sigemptyset(&ours);
	sigaddset(&ours, signal_number());
	pthread_sigmask(SIG_UNBLOCK, &ours, &before);
	result = block_until(fd, deadline_ms);
	number = errno;
	timer_delete(timer);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = number;
	return result;
}
