/* SPDX-License-Identifier: MIT */
#include "cmd/endpoint_key.h"

#include "model/url.h"

#include <stdlib.h>
#include <string.h>

static const char scheme_end[] = "://";

/* What stands behind "scheme://", or nothing. */
static struct span
authority_of(struct span text)
{
	const char *end = memmem(text.ptr, text.len, scheme_end, strlen(scheme_end));
	size_t before;

	if (end == NULL)
		return (struct span){0};
	before = (size_t)(end - text.ptr) + strlen(scheme_end);
	return (struct span){text.ptr + before, text.len - before};
}

/* What is no name is the origin of a URL, as the store writes it. */
static int
check_origin(const char *key, struct err *err)
{
	struct buf origin;
	int result;

	buf_init(&origin, URL_MAX);
	url_origin(span_of(key), &origin);
	result = buf_check(&origin, err);
	if (result == 0 && !span_is(buf_span(&origin), key))
		result = err_set(err, ERR_USAGE,
			"--endpoint: '%.64s' is no endpoint; did you mean %s?", key,
			buf_span(&origin).ptr);
	buf_free(&origin);
	return result;
}

int
endpoint_key_check(const char *key, struct err *err)
{
	if (endpoint_name_check(span_of(key), NULL) == 0)
		return 0;
	if (url_check(span_of(key), NULL) == 0)
		return check_origin(key, err);
	return err_set(err, ERR_USAGE,
		"--endpoint: '%.64s' is neither a name of the configuration nor like"
		" https://api.acme.io",
		key);
}

/* Whether `key` is the host of the endpoint, or begins it as "api" does api.acme.io. */
static bool
names_host_of(const char *key, struct span endpoint)
{
	struct span authority = authority_of(endpoint);
	size_t len = strlen(key);
	char next = authority.len > len ? authority.ptr[len] : '\0';

	return span_starts_nocase(authority, key) &&
		(next == '\0' || next == ':' || next == '.');
}

/* The endpoint that was meant, or the nearest. *known: it is just that one. */
static const char *
find_meant(
	const char *key, const struct queue_stats *all, const char **names, bool *known)
{
	const char *meant = NULL;

	*known = false;
	for (size_t i = 0; i < all->count; i++) {
		struct span endpoint = all->endpoints[i].endpoint;

		names[i] = endpoint.ptr;
		*known |= span_is(endpoint, key);
		if (meant == NULL && names_host_of(key, endpoint))
			meant = endpoint.ptr;
	}
	return meant != NULL ? meant : cli_nearest(key, names);
}

static void
warn_unless_known(struct cli *cli, const char *key, const struct queue_stats *all)
{
	const char **names = calloc(all->count + 1, sizeof(*names));
	const char *meant;
	bool known;

	if (names == NULL)
		return;
	meant = find_meant(key, all, names, &known);
	if (!known && meant != NULL)
		cli_warn(cli, "no endpoint %s is known here; did you mean %s?", key,
			meant);
	else if (!known)
		cli_warn(cli,
			"no endpoint %s is known here: whqueue endpoints lists them",
			key);
	free(names);
}

void
endpoint_key_warn_unknown(struct cli *cli, struct store *store, const char *key)
{
	int64_t now = clock_now(&cli->clock);
	struct queue_stats all;

	if (key == NULL || store_endpoints(store, now, &all, &(struct err){0}) != 0)
		return;
	warn_unless_known(cli, key, &all);
	queue_stats_free(&all);
}
