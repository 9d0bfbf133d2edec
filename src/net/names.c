/* SPDX-License-Identifier: MIT */
#include "net/names.h"

#include "base/hash.h"
#include "base/rng.h"
#include "model/guard.h"

#include <string.h>
#include <sys/stat.h>

void
names_init(struct names *names)
{
	struct rng rng;

	rng_init(&rng);
	*names = (struct names){.seed = rng_below(&rng, UINT64_MAX)};
}

/* Nobody outside knows the seed, and so which names share a place. */
static struct known_name *
place_of(struct names *names, const char *name)
{
	return &names->recent[hash_span(span_of(name), names->seed) % NAMES_KEPT];
}

/* NULL: nothing is known. */
static struct known_name *
find(struct names *names, const char *name)
{
	struct known_name *known = place_of(names, name);

	return strcmp(known->name, name) == 0 ? known : NULL;
}

/*
 * One that is longer than names can be has nothing to answer. One that answered, which
 * may always be looked up, is not forgotten for another that did not.
 */
static void
remember(struct names *names, const char *name, int64_t silent_until_us)
{
	struct known_name *known = place_of(names, name);
	size_t size = strlen(name) + 1;
	bool answers = known->name[0] != '\0' && known->silent_until_us == 0;

	if (size > sizeof(known->name) ||
		(answers && silent_until_us != 0 && strcmp(known->name, name) != 0))
		return;
	memcpy(known->name, name, size);
	known->silent_until_us = silent_until_us;
}

/* A directory has two links, and one for each that it contains. */
static size_t
count_threads(void)
{
	struct stat tasks;

	return stat("/proc/self/task", &tasks) == 0 && tasks.st_nlink > 2
		? tasks.st_nlink - 2
		: 0;
}

static bool
may_look_up(struct names *names, const char *name, int64_t now_us)
{
	struct known_name *known = find(names, name);

	if (known != NULL && known->silent_until_us == 0)
		return true;
	if (known != NULL && now_us < known->silent_until_us)
		return false;
	if (count_threads() > names->asking + LOOKUPS_LEFT_MAX)
		return false;
	if (known != NULL)
		known->silent_until_us = now_us + SILENCE_US;
	return true;
}

/* To be freed by curl_free(). NULL: it is an address. */
static char *
name_of(CURLU *url)
{
	struct address address;
	char *host = NULL;

	if (url == NULL || curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK)
		return NULL;
	if (host[0] != '[' && !address_parse(span_of(host), &address))
		return host;
	curl_free(host);
	return NULL;
}

/* CURLOPT_RESOLVER_START_FUNCTION */
static int
before_lookup(void *resolver, void *reserved, void *context)
{
	struct lookup *lookup = context;
	char *name = name_of(lookup->url);

	(void)resolver;
	(void)reserved;
	if (name == NULL || lookup->state == LOOKUP_BEGUN)
		goto out;
	if (may_look_up(lookup->names, name, lookup->loop->now_us)) {
		lookup->state = LOOKUP_BEGUN;
		lookup->names->asking++;
	} else {
		lookup->state = LOOKUP_REFUSED;
	}
out:
	curl_free(name);
	return lookup->state == LOOKUP_REFUSED;
}

void
lookup_init(
	struct lookup *lookup, struct names *names, const struct loop *loop, CURL *easy)
{
	*lookup = (struct lookup){.names = names, .loop = loop, .easy = easy};
	curl_easy_setopt(easy, CURLOPT_RESOLVER_START_FUNCTION, before_lookup);
	curl_easy_setopt(easy, CURLOPT_RESOLVER_START_DATA, lookup);
}

void
lookup_start(struct lookup *lookup, CURLU *url)
{
	lookup->url = url;
	lookup->state = LOOKUP_NONE;
}

void
lookup_end(struct lookup *lookup, CURLcode code)
{
	curl_off_t took_us = 0;
	char *name;

	if (lookup->state != LOOKUP_BEGUN)
		return;
	lookup->names->asking--;
	name = name_of(lookup->url);
	curl_easy_getinfo(lookup->easy, CURLINFO_NAMELOOKUP_TIME_T, &took_us);
	if (name != NULL)
		remember(lookup->names, name,
			code == CURLE_OPERATION_TIMEDOUT && took_us == 0
				? lookup->loop->now_us + SILENCE_US
				: 0);
	curl_free(name);
}
