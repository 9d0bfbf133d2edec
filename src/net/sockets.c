/* SPDX-License-Identifier: MIT */
#include "net/sockets.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FIRST_SLOTS = 64 };

struct socket_slot {
	struct watch watch;
	struct sockets *sockets;
	struct driver *driver; /* that waits for it, or did last */
	unsigned wanted;       /* what libcurl waits for now */
	bool lasting;          /* opened by us, so that we see it closed */
	bool silent;           /* spoke HTTP/1 last, where only an answer is to come */
};

static void
remember_failure(struct sockets *sockets, const struct err *err)
{
	if (sockets->err.kind == ERR_NONE)
		sockets->err = *err;
}

void
driver_act(struct driver *driver, curl_socket_t fd, int action)
{
	struct sockets *sockets = driver->sockets;
	CURLMcode code;
	struct err err;
	int running;

	if (sockets->err.kind != ERR_NONE)
		return;
	code = curl_multi_socket_action(driver->multi, fd, action, &running);
	if (code == CURLM_OK)
		return;
	err_set(&err, ERR_OS, "libcurl: %s", curl_multi_strerror(code));
	remember_failure(sockets, &err);
}

/*
 * A kept connection has nothing to say: it was closed, or what came would be taken for
 * the answer to the next request. So nothing may be sent over it any more. HTTP/2, which
 * has frames of its own, is left to libcurl.
 */
static void
end_idle(struct socket_slot *slot)
{
	loop_watch(slot->sockets->loop, &slot->watch, 0, NULL);
	if (slot->lasting && slot->silent)
		(void)shutdown(slot->watch.fd, SHUT_RDWR);
}

static void
on_socket(void *context, unsigned events)
{
	struct socket_slot *slot = context;
	int action = (events & LOOP_READ ? CURL_CSELECT_IN : 0) |
		(events & LOOP_WRITE ? CURL_CSELECT_OUT : 0) |
		(events & LOOP_ERROR ? CURL_CSELECT_ERR : 0);

	if (slot->wanted == 0)
		end_idle(slot);
	else
		driver_act(slot->driver, slot->watch.fd, action);
}

static bool
grow_slots(struct sockets *sockets, size_t needed)
{
	size_t count = sockets->slot_count == 0 ? FIRST_SLOTS : sockets->slot_count;
	struct socket_slot **slots;

	while (count < needed)
		count *= 2;
	slots = realloc(sockets->slots, count * sizeof(*slots));
	if (slots == NULL)
		return false;
	memset(slots + sockets->slot_count, 0,
		(count - sockets->slot_count) * sizeof(*slots));
	sockets->slots = slots;
	sockets->slot_count = count;
	return true;
}

/* NULL when memory is out. */
static struct socket_slot *
slot_of(struct sockets *sockets, int fd)
{
	struct socket_slot *slot;

	if ((size_t)fd >= sockets->slot_count && !grow_slots(sockets, (size_t)fd + 1))
		return NULL;
	if (sockets->slots[fd] != NULL)
		return sockets->slots[fd];
	slot = calloc(1, sizeof(*slot));
	if (slot == NULL)
		return NULL;
	slot->sockets = sockets;
	slot->watch = (struct watch){.fd = fd, .on_event = on_socket, .context = slot};
	sockets->slots[fd] = slot;
	return slot;
}

static int
on_interest(CURL *easy, curl_socket_t fd, int what, void *context, void *unused)
{
	struct driver *driver = context;
	struct sockets *sockets = driver->sockets;
	struct socket_slot *slot = slot_of(sockets, fd);
	long version = 0;
	struct err err;

	(void)unused;
	if (slot == NULL) {
		err_no_memory(&err);
		remember_failure(sockets, &err);
		return -1;
	}
	slot->driver = driver;
	slot->wanted = what == CURL_POLL_REMOVE
		? 0
		: (what & CURL_POLL_IN ? (unsigned)LOOP_READ : 0) |
			(what & CURL_POLL_OUT ? (unsigned)LOOP_WRITE : 0);
	if (slot->wanted == 0 && slot->lasting) {
		curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
		slot->silent = version == CURL_HTTP_VERSION_1_0 ||
			version == CURL_HTTP_VERSION_1_1;
		return 0;
	}
	if (loop_watch(sockets->loop, &slot->watch, slot->wanted, &err) == 0)
		return 0;
	remember_failure(sockets, &err);
	return -1;
}

/* The one place where a connection begins. */
static curl_socket_t
open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct gate *gate = context;
	struct socket_slot *slot;
	int fd;

	if (purpose != CURLSOCKTYPE_IPCXN || !gate_lets_through(gate, &address->addr))
		return CURL_SOCKET_BAD;
	fd = socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
		address->protocol);
	if (fd < 0)
		return CURL_SOCKET_BAD;
	slot = slot_of(gate->sockets, fd);
	if (slot == NULL) {
		close(fd);
		return CURL_SOCKET_BAD;
	}
	/* Whoever had the number before is gone, and the kernel has forgotten it. */
	slot->watch.events = 0;
	slot->wanted = 0;
	slot->lasting = true;
	slot->silent = false;
	return fd;
}

static int
close_socket(void *context, curl_socket_t fd)
{
	struct sockets *sockets = context;
	struct socket_slot *slot = (size_t)fd < sockets->slot_count ? sockets->slots[fd]
								    : NULL;

	if (slot != NULL) {
		slot->watch.events = 0;
		slot->wanted = 0;
		slot->lasting = false;
	}
	return close(fd);
}

static int
on_timer_change(CURLM *multi, long timeout_ms, void *context)
{
	struct driver *driver = context;
	struct loop *loop = driver->sockets->loop;
	struct err err;

	(void)multi;
	if (timeout_ms < 0) {
		loop_timer_cancel(loop, &driver->timer);
		return 0;
	}
	if (loop_timer_set(loop, &driver->timer,
		    clock_monotonic_us() + (int64_t)timeout_ms * 1000, &err) == 0)
		return 0;
	remember_failure(driver->sockets, &err);
	return -1;
}

static void
on_timer(void *context)
{
	driver_act(context, CURL_SOCKET_TIMEOUT, 0);
}

void
driver_init(struct driver *driver, struct sockets *sockets, CURLM *multi)
{
	*driver = (struct driver){.sockets = sockets, .multi = multi};
	driver->timer = (struct timer){.on_expiry = on_timer, .context = driver};
	curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_interest);
	curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, driver);
	curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer_change);
	curl_multi_setopt(multi, CURLMOPT_TIMERDATA, driver);
}

void
driver_stop(struct driver *driver)
{
	loop_timer_cancel(driver->sockets->loop, &driver->timer);
}

void
sockets_init(struct sockets *sockets, struct loop *loop)
{
	*sockets = (struct sockets){.loop = loop};
}

void
sockets_free(struct sockets *sockets)
{
	for (size_t i = 0; i < sockets->slot_count; i++)
		free(sockets->slots[i]);
	free(sockets->slots);
}

void
sockets_attach(struct sockets *sockets, CURL *easy, struct gate *gate)
{
	gate->sockets = sockets;
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, gate);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, sockets);
}
