/* SPDX-License-Identifier: MIT */
#include "sender.h"

#include "tool.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { EVENTS_AT_ONCE = 256, DESCRIPTORS = 65536 };

struct slot {
	CURL *easy;
	struct parcel parcel;
};

struct sender {
	CURLM *multi;
	int epoll;
	double deadline; /* when libcurl wants to be called; < 0: never */
	struct curl_slist *headers;
	struct slot *slots;
	struct slot **idle;
	size_t concurrency;
	size_t idle_count;
	uint32_t registered[DESCRIPTORS]; /* what epoll watches, by descriptor */
	uint32_t wanted[DESCRIPTORS];     /* what libcurl wants watched */
};

static void
epoll_register(struct sender *sender, int fd, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.fd = fd};
	int verb = EPOLL_CTL_MOD;

	if (sender->registered[fd] == 0)
		verb = EPOLL_CTL_ADD;
	else if (events == 0)
		verb = EPOLL_CTL_DEL;
	if (epoll_ctl(sender->epoll, verb, fd, &event) != 0)
		fail("epoll_ctl: %s", strerror(errno));
	sender->registered[fd] = events;
}

/*
 * Between two requests libcurl lets go of a kept-alive socket and takes it up again. It
 * stays registered meanwhile: the server is silent, so nothing comes of it.
 */
static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *socket_context)
{
	struct sender *sender = context;
	uint32_t wanted = 0;

	(void)easy;
	(void)socket_context;
	if (fd >= DESCRIPTORS)
		fail("descriptor %d: too many open files", fd);
	if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
		wanted |= EPOLLIN;
	if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
		wanted |= EPOLLOUT;
	sender->wanted[fd] = wanted;
	if (wanted != 0 && wanted != sender->registered[fd])
		epoll_register(sender, fd, wanted);
	return 0;
}

static int
on_close(void *context, curl_socket_t fd)
{
	struct sender *sender = context;

	sender->registered[fd] = 0;
	sender->wanted[fd] = 0;
	return close(fd);
}

static int
on_timer(CURLM *multi, long timeout_ms, void *context)
{
	struct sender *sender = context;

	(void)multi;
	sender->deadline = timeout_ms < 0
		? -1
		: monotonic_seconds() + (double)timeout_ms / 1e3;
	return 0;
}

static size_t
discard(char *bytes, size_t size, size_t count, void *context)
{
	(void)bytes;
	(void)context;
	return size * count;
}

static void
slot_init(struct sender *sender, struct slot *slot, const char *url)
{
	slot->easy = curl_easy_init();
	if (slot->easy == NULL)
		fail("out of memory");
	curl_easy_setopt(slot->easy, CURLOPT_URL, url);
	curl_easy_setopt(slot->easy, CURLOPT_PRIVATE, slot);
	curl_easy_setopt(slot->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(slot->easy, CURLOPT_POST, 1L);
	curl_easy_setopt(slot->easy, CURLOPT_HTTPHEADER, sender->headers);
	curl_easy_setopt(slot->easy, CURLOPT_WRITEFUNCTION, discard);
	curl_easy_setopt(slot->easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
	curl_easy_setopt(slot->easy, CURLOPT_CLOSESOCKETDATA, sender);
}

/* As many bytes in as many lines as whworker sends for such an event. */
static void
add_headers(struct sender *sender)
{
	static const char *const lines[] = {"webhook-id: evt_12345",
		"webhook-timestamp: 1767323045", "webhook-attempt: 1",
		"Content-Type: application/json", "User-Agent: whtools/" WHTOOLS_VERSION,
		"Expect:"};
	struct curl_slist *headers = NULL;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		headers = curl_slist_append(headers, lines[i]);
		if (headers == NULL)
			fail("out of memory");
	}
	sender->headers = headers;
}

struct sender *
sender_new(const char *url, size_t concurrency)
{
	struct sender *sender = calloc(1, sizeof(*sender));

	if (sender == NULL)
		fail("out of memory");
	curl_global_init(CURL_GLOBAL_ALL);
	sender->multi = curl_multi_init();
	sender->epoll = epoll_create1(EPOLL_CLOEXEC);
	sender->deadline = -1;
	sender->concurrency = concurrency;
	sender->slots = calloc(concurrency, sizeof(*sender->slots));
	sender->idle = calloc(concurrency, sizeof(struct slot *));
	if (sender->multi == NULL || sender->epoll < 0 || sender->slots == NULL ||
		sender->idle == NULL)
		fail("out of memory");
	curl_multi_setopt(sender->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(sender->multi, CURLMOPT_SOCKETDATA, sender);
	curl_multi_setopt(sender->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(sender->multi, CURLMOPT_TIMERDATA, sender);
	curl_multi_setopt(sender->multi, CURLMOPT_MAXCONNECTS, (long)concurrency);
	add_headers(sender);
	for (size_t i = 0; i < concurrency; i++) {
		slot_init(sender, &sender->slots[i], url);
		sender->idle[sender->idle_count++] = &sender->slots[i];
	}
	return sender;
}

void
sender_free(struct sender *sender)
{
	if (sender == NULL)
		return;
	for (size_t i = 0; i < sender->concurrency; i++)
		curl_easy_cleanup(sender->slots[i].easy);
	curl_multi_cleanup(sender->multi);
	curl_slist_free_all(sender->headers);
	close(sender->epoll);
	free(sender->idle);
	free(sender->slots);
	free(sender);
}

/* Gives every idle slot a parcel; false if next() had too few. */
static bool
fill(struct sender *sender, sender_next *next, void *context)
{
	struct slot *slot;

	while (sender->idle_count > 0) {
		slot = sender->idle[sender->idle_count - 1];
		if (!next(context, &slot->parcel))
			return false;
		sender->idle_count--;
		curl_easy_setopt(
			slot->easy, CURLOPT_POSTFIELDSIZE, (long)slot->parcel.len);
		curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDS, slot->parcel.body);
		if (curl_multi_add_handle(sender->multi, slot->easy) != CURLM_OK)
			fail("curl_multi_add_handle failed");
	}
	return true;
}

static void
check_answer(const CURLMsg *message)
{
	long status = 0;

	if (message->data.result != CURLE_OK)
		fail("delivery: %s", curl_easy_strerror(message->data.result));
	curl_easy_getinfo(message->easy_handle, CURLINFO_RESPONSE_CODE, &status);
	if (status < 200 || status > 299)
		fail("delivery: status %ld", status);
}

static void
collect(struct sender *sender, sender_done *done, void *context)
{
	CURLMsg *message;
	struct slot *slot;
	CURL *easy;
	char *private;
	int left;

	while ((message = curl_multi_info_read(sender->multi, &left)) != NULL) {
		if (message->msg != CURLMSG_DONE)
			continue;
		check_answer(message);
		easy = message->easy_handle;
		curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private);
		slot = (struct slot *)(void *)private;
		curl_multi_remove_handle(sender->multi, easy);
		sender->idle[sender->idle_count++] = slot;
		done(context, &slot->parcel);
	}
}

static int
wait_ms(const struct sender *sender)
{
	double left;

	if (sender->deadline < 0)
		return -1;
	left = sender->deadline - monotonic_seconds();
	return left <= 0 ? 0 : (int)(left * 1e3) + 1;
}

static void
act_on(struct sender *sender, const struct epoll_event *event)
{
	int fd = event->data.fd;
	int mask = 0;
	int running;

	if (sender->wanted[fd] == 0) {
		/* The server has closed a connection that lies idle. */
		if (sender->registered[fd] != 0)
			epoll_register(sender, fd, 0);
		return;
	}
	if (event->events & EPOLLIN)
		mask |= CURL_CSELECT_IN;
	if (event->events & EPOLLOUT)
		mask |= CURL_CSELECT_OUT;
	if (event->events & (EPOLLERR | EPOLLHUP))
		mask |= CURL_CSELECT_ERR;
	curl_multi_socket_action(sender->multi, fd, mask, &running);
}

static void
wait_and_act(struct sender *sender)
{
	struct epoll_event events[EVENTS_AT_ONCE];
	int count = epoll_wait(sender->epoll, events, EVENTS_AT_ONCE, wait_ms(sender));
	int running;

	if (count < 0 && errno != EINTR)
		fail("epoll_wait: %s", strerror(errno));
	for (int i = 0; i < count; i++)
		act_on(sender, &events[i]);
	if (sender->deadline >= 0 && sender->deadline <= monotonic_seconds()) {
		sender->deadline = -1;
		curl_multi_socket_action(sender->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	}
}

void
sender_run(struct sender *sender, sender_next *next, sender_done *done, void *context)
{
	bool more = true;

	for (;;) {
		if (more)
			more = fill(sender, next, context);
		if (!more && sender->idle_count == sender->concurrency)
			return;
		wait_and_act(sender);
		collect(sender, done, context);
	}
}
