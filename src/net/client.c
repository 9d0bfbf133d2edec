/* SPDX-License-Identifier: MIT */
#include "net/client.h"

#include "net/transfer.h"

#include <stdlib.h>
#include <string.h>

struct client {
	struct shards shards;
	struct tls_defaults tls;
	struct targets targets;
	struct names names;
	struct transfer *free;    /* the pool; the handle used last is on top */
	struct transfer *expired; /* were held until now */
	struct transfer **transfers;
	size_t count; /* made so far: handles are made when they are needed */
	size_t cap;
	struct client_options options;
};

/* NULL: there is none. False when memory is out. */
static bool
copy_info(CURL *easy, CURLINFO what, char **copy)
{
	char *text = NULL;

	curl_easy_getinfo(easy, what, &text);
	*copy = text == NULL ? NULL : strdup(text);
	return text == NULL || *copy != NULL;
}

/* A handle's CA options cannot be unset, only set back to what a new one has. */
static int
read_tls_defaults(struct tls_defaults *tls, struct err *err)
{
	CURL *easy = curl_easy_init();
	bool read = easy != NULL && copy_info(easy, CURLINFO_CAINFO, &tls->ca_file) &&
		copy_info(easy, CURLINFO_CAPATH, &tls->ca_path);

	curl_easy_cleanup(easy);
	return read ? 0 : err_no_memory(err);
}

/*
 * A transfer has most of them open during its look-up; later it has a connection, two
 * while IPv6 and IPv4 are tried side by side, or one beside another that is left idle.
 */
size_t
client_descriptors(size_t concurrency)
{
	return concurrency * LOOKUP_DESCRIPTORS +
		LOOKUPS_LEFT_MAX * LOOKUP_LEFT_DESCRIPTORS +
		shards_descriptors(concurrency);
}

int
client_open(struct client **client, const struct client_options *options, struct err *err)
{
	struct client *self = calloc(1, sizeof(*self));

	if (self == NULL)
		return err_no_memory(err);
	self->options = *options;
	names_init(&self->names);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
		shards_init(&self->shards, options->loop, err) != 0 ||
		read_tls_defaults(&self->tls, err) != 0 ||
		client_resize(self, options->concurrency, err) != 0) {
		client_close(self);
		return err_no_memory(err);
	}
	*client = self;
	return 0;
}

int
client_resize(struct client *client, size_t concurrency, struct err *err)
{
	struct transfer **transfers;

	if (concurrency > client->cap) {
		transfers = realloc(client->transfers, concurrency * sizeof(*transfers));
		if (transfers == NULL)
			return err_no_memory(err);
		client->transfers = transfers;
		client->cap = concurrency;
	}
	if (shards_resize(&client->shards, concurrency, err) != 0)
		return -1;
	client->options.concurrency = concurrency;
	return 0;
}

void
client_close(struct client *client)
{
	if (client == NULL)
		return;
	for (size_t i = 0; i < client->count; i++) {
		struct transfer *transfer = client->transfers[i];

		if (transfer->shard != NULL) {
			shard_remove(transfer->shard, transfer->easy);
			second_look_stop(&transfer->second_look);
		}
		loop_timer_cancel(client->options.loop, &transfer->held);
		transfer_free(transfer);
		free(transfer);
	}
	shards_free(&client->shards);
	targets_free(&client->targets);
	free(client->tls.ca_file);
	free(client->tls.ca_path);
	free(client->transfers);
	free(client);
	curl_global_cleanup();
}

/* To call back from client_run(). */
static void
on_held_expiry(void *context)
{
	struct transfer *transfer = context;

	transfer->next_free = transfer->client->expired;
	transfer->client->expired = transfer;
}

static struct transfer *
make_transfer(struct client *client)
{
	struct transfer *transfer = calloc(1, sizeof(*transfer));

	if (transfer == NULL)
		return NULL;
	if (transfer_init(transfer, &client->options, NULL) != 0) {
		transfer_free(transfer);
		free(transfer);
		return NULL;
	}
	transfer->client = client;
	transfer->gate.judge = client->options.judge;
	shards_attach(&client->shards, transfer->easy, &transfer->gate);
	second_look_init(&transfer->second_look, client->options.loop, transfer->easy);
	lookup_init(
		&transfer->lookup, &client->names, client->options.loop, transfer->easy);
	transfer->held = (struct timer){.on_expiry = on_held_expiry, .context = transfer};
	client->transfers[client->count++] = transfer;
	return transfer;
}

struct transfer *
client_take(struct client *client)
{
	struct transfer *transfer = client->free;

	if (transfer != NULL)
		client->free = transfer->next_free;
	else if (client->count < client->options.concurrency)
		transfer = make_transfer(client);
	if (transfer != NULL)
		transfer_reset(transfer);
	return transfer;
}

void
transfer_drop(struct transfer *transfer)
{
	transfer->next_free = transfer->client->free;
	transfer->client->free = transfer;
}

int
transfer_start(struct transfer *transfer, const struct transfer_request *request,
	transfer_done *done, void *context, struct err *err)
{
	struct client *client = transfer->client;

	if (transfer_prepare(transfer, request, &client->tls, &client->targets, err) !=
		0) {
		transfer_drop(transfer);
		return -1;
	}
	transfer->done = done;
	transfer->context = context;
	gate_reset(&transfer->gate, context);
	lookup_start(&transfer->lookup,
		transfer->target == NULL ? NULL : transfer->target->parsed);
	transfer->shard = shards_add(&client->shards,
		transfer->target == NULL ? 0 : transfer->target->host, transfer->easy);
	if (transfer->shard == NULL) {
		transfer_drop(transfer);
		return err_no_memory(err);
	}
	transfer->started_us = client->options.loop->now_us;
	transfer->connect_us = 1000 *
		(request->connect_timeout_ms < request->timeout_ms
				? request->connect_timeout_ms
				: request->timeout_ms);
	return 0;
}

/* As if its name had been looked up without an answer. */
static bool
hold(struct transfer *transfer)
{
	return loop_timer_set(transfer->client->options.loop, &transfer->held,
		       transfer->started_us + transfer->connect_us, NULL) == 0;
}

static void
deliver(struct transfer *transfer, CURLcode code)
{
	struct transfer_result result;

	transfer_result_of(transfer, code, &result);
	if (transfer->lookup.state == LOOKUP_REFUSED)
		result.total_us = transfer->client->options.loop->now_us -
			transfer->started_us;
	transfer->done(transfer->context, &result);
	transfer_drop(transfer);
}

static void
finish(CURL *easy, CURLcode code)
{
	struct transfer *transfer;

	curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&transfer);
	shard_remove(transfer->shard, easy);
	transfer->shard = NULL;
	second_look_stop(&transfer->second_look);
	lookup_end(&transfer->lookup, code);
	if (transfer->lookup.state != LOOKUP_REFUSED)
		deliver(transfer, code);
	else if (!hold(transfer))
		deliver(transfer, CURLE_OPERATION_TIMEDOUT);
}

int
client_run(struct client *client, struct err *err)
{
	struct transfer *expired = client->expired;
	struct sockets *sockets = &client->shards.sockets;
	CURLcode code;
	CURL *easy;

	client->expired = NULL;
	while (expired != NULL) {
		struct transfer *next = expired->next_free;

		deliver(expired, CURLE_OPERATION_TIMEDOUT);
		expired = next;
	}
	while ((easy = shards_next_done(&client->shards, &code)) != NULL)
		finish(easy, code);
	if (sockets->err.kind == ERR_NONE)
		return 0;
	*err = sockets->err;
	sockets->err = (struct err){0};
	return -1;
}

void
client_forget_tls(struct client *client)
{
	for (size_t i = 0; i < client->count; i++)
		client->transfers[i]->tls_known = false;
}
