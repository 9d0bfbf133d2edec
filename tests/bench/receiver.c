/* SPDX-License-Identifier: MIT */
#include "receiver.h"

#include "tool.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS = 16384, REQUEST_MAX = 16384, EVENTS_AT_ONCE = 256 };

struct connection {
	int fd; /* 0: free */
	uint64_t generation;
	size_t len;
	char request[REQUEST_MAX + 1];
};

struct receiver {
	int epoll;
	int listener;
	receiver_request *request;
	void *context;
	struct connection *by_fd[CONNECTIONS]; /* kept when their connection closes */
};

static void
watch(struct receiver *receiver, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	if (epoll_ctl(receiver->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
		fail("epoll_ctl: %s", strerror(errno));
}

static int
listen_on(int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
		bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
		listen(fd, SOMAXCONN) != 0)
		fail("port %d: %s", port, strerror(errno));
	return fd;
}

struct receiver *
receiver_new(int port, receiver_request *request, void *context)
{
	struct receiver *receiver = calloc(1, sizeof(*receiver));

	if (receiver == NULL)
		fail("out of memory");
	receiver->request = request;
	receiver->context = context;
	receiver->epoll = epoll_create1(EPOLL_CLOEXEC);
	receiver->listener = listen_on(port);
	watch(receiver, receiver->listener);
	return receiver;
}

static void
connection_close(struct connection *connection)
{
	if (connection->fd == 0)
		return;
	close(connection->fd);
	connection->fd = 0;
	connection->generation++;
	connection->len = 0;
}

void
receiver_free(struct receiver *receiver)
{
	if (receiver == NULL)
		return;
	for (int fd = 0; fd < CONNECTIONS; fd++) {
		if (receiver->by_fd[fd] != NULL)
			connection_close(receiver->by_fd[fd]);
		free(receiver->by_fd[fd]);
	}
	close(receiver->listener);
	close(receiver->epoll);
	free(receiver);
}

int
receiver_port(const struct receiver *receiver)
{
	struct sockaddr_in address;
	socklen_t len = sizeof(address);

	if (getsockname(receiver->listener, (struct sockaddr *)&address, &len) != 0)
		fail("getsockname: %s", strerror(errno));
	return ntohs(address.sin_port);
}

int
receiver_fd(const struct receiver *receiver)
{
	return receiver->epoll;
}

static void
accept_all(struct receiver *receiver)
{
	int on = 1;
	int fd;

	while ((fd = accept4(receiver->listener, NULL, NULL,
			SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		if (fd >= CONNECTIONS)
			fail("too many connections");
		if (receiver->by_fd[fd] == NULL)
			receiver->by_fd[fd] = calloc(1, sizeof(struct connection));
		if (receiver->by_fd[fd] == NULL)
			fail("out of memory");
		receiver->by_fd[fd]->fd = fd;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		watch(receiver, fd);
	}
	if (errno != EAGAIN && errno != ECONNABORTED)
		fail("accept: %s", strerror(errno));
}

static size_t
content_length(const char *head)
{
	static const char name[] = "\r\nContent-Length:";
	const char *at = strcasestr(head, name);

	return at == NULL ? 0 : strtoul(at + sizeof(name) - 1, NULL, 10);
}

/* Takes the first request out of the buffer, if it is complete. */
static bool
take_request(struct receiver *receiver, struct connection *connection)
{
	char *end = strstr(connection->request, "\r\n\r\n");
	size_t head_len, len;
	char after_head;

	if (end == NULL)
		return false;
	head_len = (size_t)(end - connection->request) + 4;
	after_head = connection->request[head_len];
	connection->request[head_len] = '\0';
	len = head_len + content_length(connection->request);
	if (connection->len >= len)
		receiver->request(receiver->context, connection, connection->request);
	connection->request[head_len] = after_head;
	if (connection->len < len)
		return false;
	connection->len -= len;
	memmove(connection->request, connection->request + len, connection->len + 1);
	return true;
}

static void
read_some(struct receiver *receiver, struct connection *connection)
{
	ssize_t got = read(connection->fd, connection->request + connection->len,
		REQUEST_MAX - connection->len);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		connection_close(connection);
		return;
	}
	connection->len += (size_t)got;
	connection->request[connection->len] = '\0';
	while (take_request(receiver, connection))
		;
	if (connection->len == REQUEST_MAX)
		fail("a request is too long");
}

void
receiver_act(struct receiver *receiver)
{
	struct epoll_event events[EVENTS_AT_ONCE];
	int count = epoll_wait(receiver->epoll, events, EVENTS_AT_ONCE, 0);

	for (int i = 0; i < count; i++) {
		if (events[i].data.fd == receiver->listener)
			accept_all(receiver);
		else
			read_some(receiver, receiver->by_fd[events[i].data.fd]);
	}
}

uint64_t
connection_generation(const struct connection *connection)
{
	return connection->generation;
}

void
connection_answer(struct connection *connection, uint64_t generation)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

	ssize_t sent;

	if (connection->fd == 0 || connection->generation != generation)
		return;
	sent = write(connection->fd, answer, sizeof(answer) - 1);
	if (sent != (ssize_t)sizeof(answer) - 1)
		shutdown(connection->fd, SHUT_RDWR);
}
