/* SPDX-License-Identifier: MIT */
#include "net/shards.h"

#include "net/texts.h"

#include <stdlib.h>

/* What libcurl counts in whole seconds is too long from the next one on, it looks only
 * once a second, and one is to spare. */
enum { SWEEP_AFTER_US = (CONNECTION_IDLE_MAX_S + 3) * 1000 * 1000 };

enum { DESCRIPTORS_OF_MULTI = 2 }; /* by which it can be woken; we never do */

static size_t
divide_up(size_t number, size_t by)
{
	return number / by + (number % by != 0);
}

static size_t
shards_needed(size_t concurrency)
{
	return divide_up(concurrency, SHARD_TRANSFERS);
}

size_t
shards_descriptors(size_t concurrency)
{
	return shards_needed(concurrency) * DESCRIPTORS_OF_MULTI;
}

static curl_socket_t
open_nothing(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
	(void)context;
	(void)purpose;
	(void)address;
	return CURL_SOCKET_BAD;
}

/* A transfer that ends where it would connect: before that libcurl looks after what is
 * idle. NULL when memory is out. */
static CURL *
make_sweeper(void)
{
	static const struct text_option texts[] = {
		{CURLOPT_URL, "http://127.0.0.1/"},
		{CURLOPT_PROXY, ""},
		{CURLOPT_NOPROXY, "*"},
	};
	CURL *easy = curl_easy_init();

	if (easy == NULL || !set_texts(easy, texts, sizeof(texts) / sizeof(texts[0]))) {
		curl_easy_cleanup(easy);
		return NULL;
	}
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_nothing);
	curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)CONNECTION_IDLE_MAX_S);
	return easy;
}

int
shards_init(struct shards *shards, struct loop *loop, struct err *err)
{
	*shards = (struct shards){0};
	sockets_init(&shards->sockets, loop);
	shards->names = curl_share_init();
	shards->sweeper = make_sweeper();
	if (shards->names == NULL || shards->sweeper == NULL)
		return err_no_memory(err);
	curl_share_setopt(shards->names, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
	return 0;
}

static void
shard_free(struct shard *shard)
{
	loop_timer_cancel(shard->shards->sockets.loop, &shard->sweep);
	curl_multi_cleanup(shard->driver.multi);
	driver_stop(&shard->driver);
	free(shard);
}

void
shards_free(struct shards *shards)
{
	for (size_t i = 0; i < shards->count; i++)
		shard_free(shards->list[i]);
	free(shards->list);
	curl_easy_cleanup(shards->sweeper);
	curl_share_cleanup(shards->names);
	sockets_free(&shards->sockets);
}

/* Without memory for the timer the next transfer that ends here sets it. */
static void
set_sweep(struct shard *shard)
{
	struct loop *loop = shard->shards->sockets.loop;

	shard->left_idle = false;
	(void)loop_timer_set(loop, &shard->sweep, loop->now_us + SWEEP_AFTER_US, NULL);
}

/* All that was idle when this was set is closed: here, or by a transfer that has started
 * within the last second. */
static void
sweep(void *context)
{
	struct shard *shard = context;
	CURLM *multi = shard->driver.multi;
	CURL *sweeper = shard->shards->sweeper;

	if (curl_multi_add_handle(multi, sweeper) == CURLM_OK) {
		driver_act(&shard->driver, CURL_SOCKET_TIMEOUT, 0);
		curl_multi_remove_handle(multi, sweeper);
	}
	if (shard->left_idle)
		set_sweep(shard);
}

/* NULL when memory is out. */
static struct shard *
shard_new(struct shards *shards)
{
	struct shard *shard = calloc(1, sizeof(*shard));
	CURLM *multi = curl_multi_init();

	if (shard == NULL || multi == NULL) {
		curl_multi_cleanup(multi);
		free(shard);
		return NULL;
	}
	shard->shards = shards;
	shard->sweep = (struct timer){.on_expiry = sweep, .context = shard};
	driver_init(&shard->driver, &shards->sockets, multi);
	return shard;
}

/* They only become more. */
static int
add_shards(struct shards *shards, size_t needed, struct err *err)
{
	struct shard **list = realloc(shards->list, needed * sizeof(struct shard *));

	if (list == NULL)
		return err_no_memory(err);
	shards->list = list;
	while (shards->count < needed) {
		list[shards->count] = shard_new(shards);
		if (list[shards->count] == NULL)
			return err_no_memory(err);
		shards->count++;
	}
	return 0;
}

int
shards_resize(struct shards *shards, size_t concurrency, struct err *err)
{
	size_t needed = shards_needed(concurrency);

	if (needed > shards->count && add_shards(shards, needed, err) != 0)
		return -1;
	shards->shard_max = divide_up(concurrency, shards->count);
	for (size_t i = 0; i < shards->count; i++)
		curl_multi_setopt(shards->list[i]->driver.multi, CURLMOPT_MAXCONNECTS,
			(long)shards->shard_max);
	return 0;
}

void
shards_attach(struct shards *shards, CURL *easy, struct gate *gate)
{
	sockets_attach(&shards->sockets, easy, gate);
	curl_easy_setopt(easy, CURLOPT_SHARE, shards->names);
}

/* All can be full for a while after they became smaller. */
static struct shard *
find_room(struct shards *shards, uint64_t host)
{
	size_t own = host % shards->count;

	for (size_t i = 0; i < shards->count; i++) {
		struct shard *shard = shards->list[(own + i) % shards->count];

		if (shard->active < shards->shard_max)
			return shard;
	}
	return shards->list[own];
}

struct shard *
shards_add(struct shards *shards, uint64_t host, CURL *easy)
{
	struct shard *shard = find_room(shards, host);

	if (curl_multi_add_handle(shard->driver.multi, easy) != CURLM_OK)
		return NULL;
	shard->active++;
	return shard;
}

void
shard_remove(struct shard *shard, CURL *easy)
{
	curl_multi_remove_handle(shard->driver.multi, easy);
	shard->active--;
	if (loop_timer_armed(&shard->sweep))
		shard->left_idle = true;
	else
		set_sweep(shard);
}

CURL *
shards_next_done(struct shards *shards, CURLcode *code)
{
	int left;

	for (size_t i = 0; i < shards->count; i++) {
		CURLM *multi = shards->list[shards->turn]->driver.multi;
		CURLMsg *message = curl_multi_info_read(multi, &left);

		if (message != NULL && message->msg == CURLMSG_DONE) {
			*code = message->data.result;
			return message->easy_handle;
		}
		shards->turn = (shards->turn + 1) % shards->count;
	}
	return NULL;
}
