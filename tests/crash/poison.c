/* SPDX-License-Identifier: MIT */
/*
 * A library to preload: the process dies of SIGKILL as it is about to send a request
 * whose path begins with "/poison", as a worker would whose memory a job exhausts.
 */
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char REQUEST[] = "POST /poison";

ssize_t
send(int fd, const void *bytes, size_t len, int flags)
{
	if (len >= sizeof(REQUEST) - 1 &&
		memcmp(bytes, REQUEST, sizeof(REQUEST) - 1) == 0)
		raise(SIGKILL);
	return syscall(SYS_sendto, fd, bytes, len, flags, NULL, 0);
}
