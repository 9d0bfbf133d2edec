/* SPDX-License-Identifier: MIT */
/*
 * An HTTP receiver that misbehaves on purpose (behaviour.h says how) and remembers every
 * request (request_log.h), for the tests and the quick start.
 *
 * It listens on a loopback address and prints one line when it is ready:
 *
 *	PORT REFUSING STALLED
 *
 * PORT answers. REFUSING is bound but never listens: every connection is refused.
 * STALLED listens, but its queue is full: a connection attempt gets no answer at all.
 *
 * It ends on SIGTERM, when its parent dies, and after --max-time, whichever is first.
 */
#include "behaviour.h"
#include "request_log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <gnutls/gnutls.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	REQUEST_BODY_MAX = 256 << 20,
	CREDENTIAL_MAX = 1 << 20,
	CONNECTIONS_MAX = 4096,
	THREAD_STACK = 256 << 10,
};

struct options {
	const char *address;
	const char *log;
	const char *certificate;
	const char *key;
	const char *client_ca;
	int port;
	int max_time_s;
};

struct receiver {
	struct memory memory;
	int log; /* -1: none */
	bool client_certificates;
	_Atomic int64_t requests;
};

struct request {
	char *url;
	struct buf body;
	struct arena arena;
	bool begun;
};

static void *
request_new(void *receiver, const char *url, struct MHD_Connection *connection)
{
	struct request *request = calloc(1, sizeof(*request));

	(void)receiver;
	(void)connection;
	if (request == NULL)
		return NULL;
	request->url = strdup(url);
	buf_init(&request->body, REQUEST_BODY_MAX);
	arena_init(&request->arena);
	return request;
}

static void
request_done(void *receiver, struct MHD_Connection *connection, void **state,
	enum MHD_RequestTerminationCode code)
{
	struct request *request = *state;

	(void)receiver;
	(void)connection;
	(void)code;
	if (request == NULL)
		return;
	free(request->url);
	buf_free(&request->body);
	arena_free(&request->arena);
	free(request);
	*state = NULL;
}

static bool
client_is_trusted(const struct receiver *receiver, struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info;
	unsigned int problems = 0;

	if (!receiver->client_certificates)
		return true;
	info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
	return info != NULL &&
		gnutls_certificate_verify_peers2(info->tls_session, &problems) == 0 &&
		problems == 0;
}

/* Logs the request and does what its target says. */
static enum MHD_Result
serve(struct receiver *receiver, struct MHD_Connection *connection,
	struct request *request, const char *method, const char *version)
{
	struct span webhook_id = span_of(
		MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "webhook-id"));
	struct logged_request logged = {
		.number = ++receiver->requests,
		.method = method,
		.url = request->url,
		.version = version,
		.body = buf_span(&request->body),
	};
	struct target target;
	struct err err;

	if (behaviour_resolve(&receiver->memory, &request->arena, span_of(request->url),
		    webhook_id, &logged.behaviour, &err) != 0 ||
		target_parse(&target, &request->arena, logged.behaviour, &err) != 0)
		goto failed;
	if (!client_is_trusted(receiver, connection))
		target = (struct target){
			SPAN_LITERAL("status"), SPAN_LITERAL("403"), .query = {0}};
	if (receiver->log >= 0 && !span_is(target.name, "control") &&
		request_log_write(receiver->log, &logged, connection, &err) != 0)
		goto failed;
	return behaviour_run(&receiver->memory, connection, &target);
failed:
	fprintf(stderr, "receiver: %s\n", err.text);
	return MHD_NO;
}

/* MHD calls this once with the headers, then for each piece of the body, then at
 * its end. */
static enum MHD_Result
handle(void *receiver, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *piece, size_t *piece_len,
	void **state)
{
	struct request *request = *state;

	(void)url;
	if (request == NULL || request->url == NULL)
		return MHD_NO;
	if (!request->begun) {
		request->begun = true;
		return MHD_YES;
	}
	if (*piece_len > 0) {
		buf_add(&request->body, piece, *piece_len);
		*piece_len = 0;
		return request->body.failed ? MHD_NO : MHD_YES;
	}
	return serve(receiver, connection, request, method, version);
}

static _Noreturn void
die(const char *what)
{
	fprintf(stderr, "receiver: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

struct endpoint {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} address;
	socklen_t len;
};

/* Only loopback: nothing outside this machine shall ever reach a test. */
static struct endpoint
endpoint_of(const char *address, int port)
{
	struct endpoint endpoint = {0};

	if (inet_pton(AF_INET, address, &endpoint.address.v4.sin_addr) == 1 &&
		ntohl(endpoint.address.v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET) {
		endpoint.address.v4.sin_family = AF_INET;
		endpoint.address.v4.sin_port = htons((uint16_t)port);
		endpoint.len = sizeof(endpoint.address.v4);
	} else if (inet_pton(AF_INET6, address, &endpoint.address.v6.sin6_addr) == 1 &&
		IN6_IS_ADDR_LOOPBACK(&endpoint.address.v6.sin6_addr)) {
		endpoint.address.v6.sin6_family = AF_INET6;
		endpoint.address.v6.sin6_port = htons((uint16_t)port);
		endpoint.len = sizeof(endpoint.address.v6);
	} else {
		errno = EINVAL;
		die(address);
	}
	return endpoint;
}

/* A socket bound to the address; *port is what it got. */
static int
bound_socket(const char *address, int *port)
{
	struct endpoint endpoint = endpoint_of(address, *port);
	int fd = socket(endpoint.address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 ||
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)) != 0 ||
		bind(fd, &endpoint.address.any, endpoint.len) != 0 ||
		getsockname(fd, &endpoint.address.any, &endpoint.len) != 0)
		die("socket");
	*port = ntohs(endpoint.address.v4.sin_port); /* at the same place in both */
	return fd;
}

/* With a backlog of 0 one connection fills the queue; the kernel drops all others. */
static int
stalled_port(const char *address)
{
	int port = 0;
	int fd = bound_socket(address, &port);
	struct endpoint endpoint = endpoint_of(address, port);
	int filler = socket(
		endpoint.address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (listen(fd, 0) != 0 || filler < 0 ||
		connect(filler, &endpoint.address.any, endpoint.len) != 0)
		die("stalled port");
	return port;
}

static char *
read_credential(const char *path)
{
	char *text = calloc(1, CREDENTIAL_MAX + 1);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (text == NULL || fd < 0 || read(fd, text, CREDENTIAL_MAX) <= 0)
		die(path);
	close(fd);
	return text;
}

static struct MHD_Daemon *
start(struct receiver *receiver, const struct options *options, int listener)
{
	struct MHD_OptionItem tls[] = {{MHD_OPTION_END, 0, NULL},
		{MHD_OPTION_END, 0, NULL}, {MHD_OPTION_END, 0, NULL},
		{MHD_OPTION_END, 0, NULL}};
	unsigned int flags = MHD_USE_THREAD_PER_CONNECTION |
		MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL;

	if (options->certificate != NULL) {
		flags |= MHD_USE_TLS;
		tls[0] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_CERT, 0,
			read_credential(options->certificate)};
		tls[1] = (struct MHD_OptionItem){
			MHD_OPTION_HTTPS_MEM_KEY, 0, read_credential(options->key)};
	}
	if (options->client_ca != NULL)
		tls[2] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_TRUST, 0,
			read_credential(options->client_ca)};
	return MHD_start_daemon(flags, 0, NULL, NULL, handle, receiver,
		MHD_OPTION_LISTEN_SOCKET, listener, MHD_OPTION_URI_LOG_CALLBACK,
		request_new, NULL, MHD_OPTION_NOTIFY_COMPLETED, request_done, NULL,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned int)CONNECTIONS_MAX,
		MHD_OPTION_THREAD_STACK_SIZE, (size_t)THREAD_STACK, MHD_OPTION_ARRAY, tls,
		MHD_OPTION_END);
}

static void
set_switch(struct receiver *receiver, const char *text)
{
	struct span target = span_of(text);
	struct span name = take_until(&target, '=');

	if (memory_set_switch(&receiver->memory, name, target, NULL) != 0)
		die("--switch");
}

static const char usage[] =
	"usage: receiver [--log FILE] [--address LOOPBACK] [--port N] [--max-time SECONDS]\n"
	"                [--cert FILE --key FILE [--client-ca FILE]] [--switch NAME=TARGET]...\n";

static struct options
parse(struct receiver *receiver, int argc, char **argv)
{
	static const struct option known[] = {{"log", 1, NULL, 'l'},
		{"address", 1, NULL, 'a'}, {"port", 1, NULL, 'p'},
		{"max-time", 1, NULL, 't'}, {"cert", 1, NULL, 'c'}, {"key", 1, NULL, 'k'},
		{"client-ca", 1, NULL, 'C'}, {"switch", 1, NULL, 's'}, {0}};
	struct options options = {.address = "127.0.0.1", .max_time_s = 600};

	for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
		switch (c) {
		case 'l':
			options.log = optarg;
			break;
		case 'a':
			options.address = optarg;
			break;
		case 'p':
			options.port = (int)strtol(optarg, NULL, 10);
			break;
		case 't':
			options.max_time_s = (int)strtol(optarg, NULL, 10);
			break;
		case 'c':
			options.certificate = optarg;
			break;
		case 'k':
			options.key = optarg;
			break;
		case 'C':
			options.client_ca = optarg;
			break;
		case 's':
			set_switch(receiver, optarg);
			break;
		default:
			fputs(usage, stderr);
			exit(64);
		}
	}
	if (optind < argc || (options.certificate == NULL) != (options.key == NULL)) {
		fputs(usage, stderr);
		exit(64);
	}
	return options;
}

/* A test that is killed must not leave us behind. */
static void
die_with_parent(void)
{
	pid_t parent = getppid();

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		exit(EXIT_FAILURE);
}

static void
allow_many_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

int
main(int argc, char **argv)
{
	struct receiver receiver = {.log = -1};
	struct options options;
	struct timespec max_time;
	sigset_t signals;
	int listener, refusing = 0;

	memory_init(&receiver.memory);
	options = parse(&receiver, argc, argv);
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	die_with_parent();
	allow_many_descriptors();
	receiver.client_certificates = options.client_ca != NULL;
	if (options.log != NULL)
		receiver.log = open(
			options.log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	listener = bound_socket(options.address, &options.port);
	if ((options.log != NULL && receiver.log < 0) || listen(listener, SOMAXCONN) != 0)
		die(options.log == NULL ? "listen" : options.log);
	if (start(&receiver, &options, listener) == NULL)
		die("MHD_start_daemon");
	bound_socket(options.address, &refusing);
	printf("%d %d %d\n", options.port, refusing, stalled_port(options.address));
	fflush(stdout);
	max_time.tv_sec = options.max_time_s;
	max_time.tv_nsec = 0;
	/* Threads may hang on purpose, so there is no orderly stop: the process just
	 * ends. */
	_exit(sigtimedwait(&signals, NULL, &max_time) > 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}
