/* SPDX-License-Identifier: MIT */
#include "cmd/whworker/whworker.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A path, or a name of the abstract name space behind '@'. */
static bool
manager_address(struct sockaddr_un *address, socklen_t *len)
{
	const char *name = getenv("NOTIFY_SOCKET");
	size_t name_len = name == NULL ? 0 : strlen(name);

	if (name_len < 2 || name_len >= sizeof(address->sun_path) ||
		(name[0] != '/' && name[0] != '@'))
		return false;
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(address->sun_path, name, name_len);
	if (name[0] == '@')
		address->sun_path[0] = '\0';
	*len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + name_len);
	return true;
}

/* Nobody depends on the answer: a manager that is gone is no reason to stop working. */
void
notify_manager(const char *state)
{
	struct sockaddr_un address;
	socklen_t len;
	int fd;

	if (!manager_address(&address, &len))
		return;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	(void)sendto(fd, state, strlen(state), MSG_NOSIGNAL,
		(const struct sockaddr *)&address, len);
	close(fd);
}

void
notify_ready(const struct network *open)
{
	enum { STATE_MAX = 4096 };
	struct buf state;

	buf_init(&state, STATE_MAX);
	buf_add_text(&state, "READY=1\nSTATUS=delivering to public addresses");
	buf_add_text(&state, open == NULL ? " only" : " and to ");
	networks_put(open, &state);
	buf_add_char(&state, '\0');
	notify_manager(state.failed ? "READY=1" : buf_span(&state).ptr);
	buf_free(&state);
}

void
notify_reloading(void)
{
	char state[64];

	snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%lld",
		(long long)clock_monotonic_us());
	notify_manager(state);
}

int
notify_ready_fd(int64_t fd, struct err *err)
{
	if (fd < 0)
		return 0;
	if (write((int)fd, "\n", 1) != 1) {
		err_errno(err, "--ready-fd %lld", (long long)fd);
		err->kind = ERR_USAGE;
		return -1;
	}
	/* Standard output and error are wanted later. */
	if (fd > STDERR_FILENO)
		close((int)fd);
	return 0;
}
