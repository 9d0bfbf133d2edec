/* SPDX-License-Identifier: MIT */
#include "net/targets.h"

#include "base/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
target_drop(struct target *target)
{
	if (target == NULL || --target->holders > 0)
		return;
	curl_url_cleanup(target->parsed);
	free(target->in_request);
	free(target->url);
	free(target);
}

static uint64_t
hash_host(CURLU *url)
{
	char *host = NULL;
	uint64_t hash = 0;

	if (curl_url_get(url, CURLUPART_HOST, &host, 0) == CURLUE_OK)
		hash = hash_span(span_of(host), 0);
	curl_free(host);
	return hash;
}

/*
 * libcurl would put this together for each request, and leave the query out (7.88) where
 * memory lacks for that: a request to another target than the one that was meant.
 */
static char *
put_together(CURLU *url)
{
	char *path = NULL, *query = NULL, *whole = NULL;
	CURLUcode code = curl_url_get(url, CURLUPART_QUERY, &query, 0);
	bool has_query = code == CURLUE_OK;

	if ((has_query || code == CURLUE_NO_QUERY) &&
		curl_url_get(url, CURLUPART_PATH, &path, 0) == CURLUE_OK &&
		asprintf(&whole, "%s%s%s", path, has_query ? "?" : "",
			has_query ? query : "") < 0)
		whole = NULL;
	curl_free(path);
	curl_free(query);
	return whole;
}

/* By the rules of the handles' options, which libcurl applies to text only. */
static struct target *
parse(const char *url)
{
	const unsigned flags = CURLU_PATH_AS_IS | CURLU_DISALLOW_USER;
	struct target *target = calloc(1, sizeof(*target));

	if (target == NULL)
		return NULL;
	target->holders = 1;
	target->url = strdup(url);
	target->parsed = curl_url();
	if (target->url != NULL && target->parsed != NULL &&
		curl_url_set(target->parsed, CURLUPART_URL, url, flags) == CURLUE_OK) {
		target->host = hash_host(target->parsed);
		target->in_request = put_together(target->parsed);
	}
	if (target->in_request != NULL)
		return target;
	target_drop(target);
	return NULL;
}

void
targets_free(struct targets *targets)
{
	for (size_t i = 0; i < TARGETS_RECENT; i++)
		target_drop(targets->recent[i]);
}

/* Who finds URLs that share a place only has them parsed more often. */
static struct target **
place_of(struct targets *targets, const char *url)
{
	return &targets->recent[hash_span(span_of(url), 0) % TARGETS_RECENT];
}

struct target *
targets_hold(struct targets *targets, const char *url)
{
	struct target **recent = place_of(targets, url);
	struct target *target = *recent;

	if (target == NULL || strcmp(target->url, url) != 0) {
		target = parse(url);
		if (target == NULL)
			return NULL;
		target_drop(*recent);
		*recent = target;
	}
	target->holders++;
	return target;
}
