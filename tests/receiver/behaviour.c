/* SPDX-License-Identifier: MIT */
#include "behaviour.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	SLOW_BODY_BYTES = 100,
	RESOLVE_STEPS_MAX = 4, /* a switch may name a sequence of flaky ones */
	TARGET_TEXT_MAX = 4096,
};

struct exchange {
	struct memory *memory;
	struct MHD_Connection *connection;
	const struct target *target;
};

void
memory_init(struct memory *memory)
{
	pthread_mutex_init(&memory->lock, NULL);
	map_init(&memory->counts);
	map_init(&memory->switches);
}

static void
free_values(struct map *map)
{
	struct map_entry *entry;

	for (size_t cursor = 0; (entry = map_next(map, &cursor)) != NULL;)
		free(entry->value);
	map_free(map);
}

void
memory_free(struct memory *memory)
{
	free_values(&memory->counts);
	free_values(&memory->switches);
	pthread_mutex_destroy(&memory->lock);
}

int
memory_set_switch(
	struct memory *memory, struct span name, struct span target, struct err *err)
{
	char *copy = strndup(target.ptr, target.len);
	char *before;
	int result;

	if (copy == NULL)
		return err_no_memory(err);
	pthread_mutex_lock(&memory->lock);
	before = map_get(&memory->switches, name);
	result = map_set(&memory->switches, name, copy, err);
	pthread_mutex_unlock(&memory->lock);
	free(result == 0 ? before : copy);
	return result;
}

/* How often this key was counted before; with the lock held. */
static int
count_up(struct memory *memory, struct span key, size_t *before, struct err *err)
{
	size_t *count = map_get(&memory->counts, key);

	if (count == NULL) {
		count = calloc(1, sizeof(*count));
		if (count == NULL)
			return err_no_memory(err);
		if (map_set(&memory->counts, key, count, err) != 0) {
			free(count);
			return -1;
		}
	}
	*before = (*count)++;
	return 0;
}

static int
requests_before(struct memory *memory, struct span target, struct span webhook_id,
	size_t *before, struct err *err)
{
	struct buf key;
	int result;

	buf_init(&key, TARGET_TEXT_MAX);
	buf_add_span(&key, target);
	buf_add_char(&key, ' ');
	buf_add_span(&key, webhook_id);
	result = buf_check(&key, err);
	if (result == 0) {
		pthread_mutex_lock(&memory->lock);
		result = count_up(memory, buf_span(&key), before, err);
		pthread_mutex_unlock(&memory->lock);
	}
	buf_free(&key);
	return result;
}

static void
switch_text(struct memory *memory, struct span name, struct buf *text)
{
	const char *found;

	pthread_mutex_lock(&memory->lock);
	found = map_get(&memory->switches, name);
	buf_add_text(text, found == NULL ? "/ok" : found);
	pthread_mutex_unlock(&memory->lock);
}

static void
sequence_text(const struct target *target, size_t before, struct buf *text)
{
	struct span rest = target->argument;
	struct span step = take_until(&rest, ',');
	int64_t status;

	for (size_t i = 0; i < before && rest.len > 0; i++)
		step = take_until(&rest, ',');
	buf_add_text(text, span_to_int64(step, &status) ? "/status/" : "/");
	buf_add_span(text, step);
}

/* One step; *stands_for stays empty for a target that stands for itself. */
static int
resolve_step(struct memory *memory, struct arena *arena, struct span text,
	struct span webhook_id, struct buf *stands_for, struct err *err)
{
	struct target target;
	size_t before = 0;
	bool flaky, sequence;

	if (target_parse(&target, arena, text, err) != 0)
		return -1;
	flaky = span_is(target.name, "flaky");
	sequence = span_is(target.name, "sequence");
	if (span_is(target.name, "switch"))
		switch_text(memory, target.argument, stands_for);
	if (!flaky && !sequence)
		return buf_check(stands_for, err);
	if (requests_before(memory, text, webhook_id, &before, err) != 0)
		return -1;
	if (sequence)
		sequence_text(&target, before, stands_for);
	else
		buf_add_text(stands_for,
			(int64_t)before < target_number(&target, 1) ? "/status/503"
								    : "/ok");
	if (target.query.len > 0) {
		buf_add_char(stands_for, '?');
		buf_add_span(stands_for, target.query);
	}
	return buf_check(stands_for, err);
}

int
behaviour_resolve(struct memory *memory, struct arena *arena, struct span target,
	struct span webhook_id, struct span *resolved, struct err *err)
{
	struct buf text;
	int result = 0;

	buf_init(&text, TARGET_TEXT_MAX);
	*resolved = target;
	for (int step = 0; step < RESOLVE_STEPS_MAX && result == 0; step++) {
		buf_clear(&text);
		result = resolve_step(memory, arena, *resolved, webhook_id, &text, err);
		if (result != 0 || text.len == 0)
			break;
		result = arena_copy(arena, buf_span(&text), resolved, err);
	}
	buf_free(&text);
	return result;
}

static int
descriptor(const struct exchange *exchange)
{
	return MHD_get_connection_info(
		exchange->connection, MHD_CONNECTION_INFO_CONNECTION_FD)
		->connect_fd;
}

/* Waits that long, or for ever with -1; false as soon as the client has gone. */
static bool
client_waits(const struct exchange *exchange, int64_t ms)
{
	struct pollfd client = {.fd = descriptor(exchange), .events = POLLRDHUP};

	return poll(&client, 1, (int)ms) == 0;
}

static void
add_headers(struct MHD_Response *response, const struct target *target)
{
	for (size_t i = 0; i < target->param_count; i++) {
		const struct target_param *param = &target->params[i];

		if (!span_is(param->name, "body") && !span_is(param->name, "to"))
			MHD_add_response_header(
				response, param->name.ptr, param->value.ptr);
	}
}

static enum MHD_Result
answer_with(const struct exchange *exchange, unsigned int status,
	struct MHD_Response *response)
{
	enum MHD_Result result;

	if (response == NULL)
		return MHD_NO;
	add_headers(response, exchange->target);
	result = MHD_queue_response(exchange->connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result
answer(const struct exchange *exchange, unsigned int status)
{
	const char *body = target_param(exchange->target, "body");
	char text[32];

	snprintf(text, sizeof(text), "status %u\n", status);
	if (body == NULL)
		body = text;
	return answer_with(exchange, status,
		MHD_create_response_from_buffer(
			strlen(body), (void *)(uintptr_t)body, MHD_RESPMEM_MUST_COPY));
}

static enum MHD_Result
run_ok(const struct exchange *exchange)
{
	return answer(exchange, MHD_HTTP_OK);
}

static enum MHD_Result
run_status(const struct exchange *exchange)
{
	return answer(exchange, (unsigned int)target_number(exchange->target, 200));
}

static enum MHD_Result
run_token(const struct exchange *exchange)
{
	const char *token = MHD_lookup_connection_value(
		exchange->connection, MHD_HEADER_KIND, "x-token");
	bool right = span_equal(exchange->target->argument, span_of(token));

	return answer(exchange, right ? MHD_HTTP_OK : MHD_HTTP_UNAUTHORIZED);
}

static enum MHD_Result
run_delay(const struct exchange *exchange)
{
	if (!client_waits(exchange, target_number(exchange->target, 1000)))
		return MHD_NO;
	return answer(exchange, MHD_HTTP_OK);
}

static enum MHD_Result
run_hang(const struct exchange *exchange)
{
	client_waits(exchange, -1);
	return MHD_NO;
}

static ssize_t
read_slowly(void *wait_ms, uint64_t at, char *out, size_t max)
{
	(void)at;
	(void)max;
	poll(NULL, 0, *(int *)wait_ms);
	*out = '.';
	return 1;
}

static enum MHD_Result
run_slow_body(const struct exchange *exchange)
{
	int *wait_ms = malloc(sizeof(*wait_ms));

	if (wait_ms == NULL)
		return MHD_NO;
	*wait_ms = (int)target_number(exchange->target, 100);
	return answer_with(exchange, MHD_HTTP_OK,
		MHD_create_response_from_callback(
			SLOW_BODY_BYTES, 1, read_slowly, wait_ms, free));
}

static ssize_t
read_filler(void *unused, uint64_t at, char *out, size_t max)
{
	(void)unused;
	(void)at;
	memset(out, 'x', max);
	return (ssize_t)max;
}

static enum MHD_Result
run_big(const struct exchange *exchange)
{
	uint64_t size = (uint64_t)target_number(exchange->target, 1 << 20);

	return answer_with(exchange, MHD_HTTP_OK,
		MHD_create_response_from_callback(size, 32768, read_filler, NULL, NULL));
}

static enum MHD_Result
run_endless(const struct exchange *exchange)
{
	return answer_with(exchange, MHD_HTTP_OK,
		MHD_create_response_from_callback(
			MHD_SIZE_UNKNOWN, 32768, read_filler, NULL, NULL));
}

static enum MHD_Result
run_redirect(const struct exchange *exchange)
{
	const char *to = target_param(exchange->target, "to");
	struct MHD_Response *response = MHD_create_response_from_buffer(
		0, NULL, MHD_RESPMEM_PERSISTENT);

	if (response != NULL)
		MHD_add_response_header(
			response, MHD_HTTP_HEADER_LOCATION, to == NULL ? "/ok" : to);
	return answer_with(exchange, MHD_HTTP_FOUND, response);
}

/* MHD speaks correct HTTP, so what is not goes past it, straight into the socket. */
static void
send_raw(const struct exchange *exchange, const char *text)
{
	ssize_t sent = send(descriptor(exchange), text, strlen(text), MSG_NOSIGNAL);

	(void)sent; /* the client may have gone: that is all right here */
}

/* connect() to nowhere sends RST at once; SO_LINGER would wait for MHD's close(). */
static void
reset(const struct exchange *exchange)
{
	static const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};

	connect(descriptor(exchange), &nowhere, sizeof(nowhere));
}

static const char half_a_body[] =
	"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly half of";

static enum MHD_Result
run_close(const struct exchange *exchange)
{
	(void)exchange;
	return MHD_NO;
}

static enum MHD_Result
run_reset(const struct exchange *exchange)
{
	reset(exchange);
	return MHD_NO;
}

static enum MHD_Result
run_reset_body(const struct exchange *exchange)
{
	send_raw(exchange, half_a_body);
	reset(exchange);
	return MHD_NO;
}

static enum MHD_Result
run_truncate(const struct exchange *exchange)
{
	send_raw(exchange, half_a_body);
	return MHD_NO;
}

static enum MHD_Result
run_invalid(const struct exchange *exchange)
{
	send_raw(exchange, "\x16\x03 this is no status line\r\n\r\n");
	return MHD_NO;
}

static enum MHD_Result
run_control(const struct exchange *exchange)
{
	static const struct target no_headers;
	struct exchange reply = *exchange;

	for (size_t i = 0; i < exchange->target->param_count; i++) {
		const struct target_param *param = &exchange->target->params[i];

		if (memory_set_switch(
			    exchange->memory, param->name, param->value, NULL) != 0)
			return MHD_NO;
	}
	reply.target = &no_headers;
	return answer(&reply, MHD_HTTP_OK);
}

static const struct {
	const char *name;
	enum MHD_Result (*run)(const struct exchange *exchange);
} behaviours[] = {
	{"ok", run_ok},
	{"status", run_status},
	{"token", run_token},
	{"delay", run_delay},
	{"slow-body", run_slow_body},
	{"hang", run_hang},
	{"big", run_big},
	{"endless", run_endless},
	{"redirect", run_redirect},
	{"close", run_close},
	{"reset", run_reset},
	{"reset-body", run_reset_body},
	{"truncate", run_truncate},
	{"invalid", run_invalid},
	{"control", run_control},
};

enum MHD_Result
behaviour_run(struct memory *memory, struct MHD_Connection *connection,
	const struct target *target)
{
	struct exchange exchange = {memory, connection, target};

	for (size_t i = 0; i < sizeof(behaviours) / sizeof(behaviours[0]); i++) {
		if (span_is(target->name, behaviours[i].name))
			return behaviours[i].run(&exchange);
	}
	return answer(&exchange, MHD_HTTP_NOT_FOUND);
}
