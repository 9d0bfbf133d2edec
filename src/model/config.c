/* SPDX-License-Identifier: MIT */
/*
 * One table per kind of object; the rest is what model/document.h does with them.
 */
#include "model/config.h"

#include "model/document.h"
#include "model/url.h"

#include <stddef.h>
#include <string.h>

enum {
	SECOND_MS = 1000,
	MINUTE_MS = 60 * SECOND_MS,
	HOUR_MS = 60 * MINUTE_MS,
	DAY_MS = 24 * HOUR_MS,
	FAILURES_MAX = 1000000,
	RATE_TEXT_SIZE = 32,
	PATH_LENGTH_MAX = 4096,
	KIB = 1024,
	MIB = 1024 * KIB,
};

/* What the readers of members work on. */
struct loader {
	struct config *config;
	const char *directory;
	struct endpoint_config *endpoint; /* the one that is being read */
	struct config_header *header;
};

void
config_init(struct config *config)
{
	*config = (struct config){
		.limits =
			{
				.concurrency = 5,
				.connect_timeout_ms = 10 * SECOND_MS,
				.timeout_ms = 30 * SECOND_MS,
				.snippet_bytes = KIB,
				.max_line = 16 * MIB,
				.retention_ms = INT64_C(7) * DAY_MS,
				.lease_ms = 60 * SECOND_MS,
				.grace_ms = 30 * SECOND_MS,
			},
	};
	config->limits.endpoint.breaker = breaker_defaults;
	arena_init(&config->arena);
	map_init(&config->endpoints);
	policy_init(&config->policy);
}

void
config_free(struct config *config)
{
	map_free(&config->endpoints);
	arena_free(&config->arena);
}

const struct endpoint_config *
config_endpoint(const struct config *config, struct span name)
{
	return map_get(&config->endpoints, name);
}

bool
endpoint_trusts(const struct endpoint_config *endpoint, struct span url)
{
	return !span_present(url) || url_same_origin(endpoint->url, url);
}

const struct endpoint_rule *
config_rule(const struct config *config, struct span name, bool named)
{
	const struct endpoint_config *endpoint = named ? config_endpoint(config, name)
						       : NULL;

	return endpoint == NULL ? &config->limits.endpoint : &endpoint->rule;
}

/* ---- what an endpoint gets ------------------------------------------------------- */

static int
read_breaker_into(struct breaker_rule *rule, const struct node *node, struct err *err)
{
	static const struct node_member members[] = {
		{"failures", node_read_int, offsetof(struct breaker_rule, failures), 0,
			FAILURES_MAX},
		{"cool_down", node_read_duration,
			offsetof(struct breaker_rule, cool_down_ms), 1, DAY_MS},
		{"max_cool_down", node_read_duration,
			offsetof(struct breaker_rule, max_cool_down_ms), 1, DAY_MS},
		{0},
	};

	return node_read(node, members, rule, err);
}

static int
read_rate_into(struct rate *rate, const struct node *node, struct err *err)
{
	char text[RATE_TEXT_SIZE];

	if (node_copy(node, text, sizeof(text), err) != 0)
		return -1;
	return rate_parse(span_of(text), rate, err) == 0 ? 0 : node_blame(node, err);
}

/* ---- limits ---------------------------------------------------------------------- */

static int
read_default_breaker(void *target, const struct node *node, struct err *err)
{
	struct limits *limits = target;

	return read_breaker_into(&limits->endpoint.breaker, node, err);
}

static int
read_default_rate(void *target, const struct node *node, struct err *err)
{
	struct limits *limits = target;

	return read_rate_into(&limits->endpoint.rate, node, err);
}

static int
read_limits(void *target, const struct node *node, struct err *err)
{
	static const struct node_member members[] = {
		{"concurrency", node_read_int, offsetof(struct limits, concurrency), 1,
			CONFIG_CONCURRENCY_MAX},
		{"connect_timeout", node_read_duration,
			offsetof(struct limits, connect_timeout_ms), 1, HOUR_MS},
		{"timeout", node_read_duration, offsetof(struct limits, timeout_ms), 1,
			HOUR_MS},
		{"snippet", node_read_size, offsetof(struct limits, snippet_bytes), 0,
			MIB},
		{"max_line", node_read_size, offsetof(struct limits, max_line), KIB,
			256 * MIB},
		{"retention", node_read_duration, offsetof(struct limits, retention_ms),
			0, INT64_C(3650) * DAY_MS},
		{"lease", node_read_duration, offsetof(struct limits, lease_ms),
			SECOND_MS, DAY_MS},
		{"grace", node_read_duration, offsetof(struct limits, grace_ms), 0,
			DAY_MS},
		{"endpoint_concurrency", node_read_int,
			offsetof(struct limits, endpoint.concurrency), 1,
			CONFIG_CONCURRENCY_MAX},
		{.name = "endpoint_rate", .read = read_default_rate},
		{.name = "breaker", .read = read_default_breaker},
		{0},
	};
	struct loader *loader = target;

	return node_read(node, members, &loader->config->limits, err);
}

/* ---- networks -------------------------------------------------------------------- */

/* Where those of a list go. */
struct opening {
	struct network **networks;
	struct arena *arena;
};

static int
read_network(void *target, const struct node *node, struct err *err)
{
	struct opening *opening = target;
	struct span text;

	if (node_text(node, opening->arena, &text, err) != 0)
		return -1;
	return networks_add(opening->networks, text, opening->arena, err) == 0
		? 0
		: node_blame(node, err);
}

static int
read_open(void *target, const struct node *node, struct err *err)
{
	struct loader *loader = target;
	struct config *config = loader->config;
	struct opening opening = {&config->open, &config->arena};

	return node_read_each(node, JSON_ARRAY, read_network, &opening, err);
}

static int
read_endpoint_open(void *target, const struct node *node, struct err *err)
{
	struct loader *loader = target;
	struct opening opening = {&loader->endpoint->open, &loader->config->arena};

	return node_read_each(node, JSON_ARRAY, read_network, &opening, err);
}

/* ---- files ----------------------------------------------------------------------- */

/* A file name of the document, seen from where the program runs. */
static int
read_path(struct loader *loader, const struct node *node, struct span *path,
	struct err *err)
{
	struct buf joined;
	int failed;

	if (node_text(node, &loader->config->arena, path, err) != 0)
		return -1;
	if (path->len == 0)
		return node_error(node, err, "an empty file name");
	if (path->ptr[0] == '/' || loader->directory == NULL)
		return 0;
	buf_init(&joined, PATH_LENGTH_MAX);
	buf_printf(&joined, "%s/%s", loader->directory, path->ptr);
	failed = buf_check(&joined, err) != 0 ? node_blame(node, err) : 0;
	if (!failed)
		failed = arena_copy(&loader->config->arena, buf_span(&joined), path, err);
	buf_free(&joined);
	return failed;
}

/* Where a file's name stands, for whoever finds that there is no such file. */
static int
keep_place(struct loader *loader, const struct node *node, const char **place,
	struct err *err)
{
	struct err blamed;
	struct span text;

	node_error(node, &blamed, "%s", "");
	text = span_of(blamed.text);
	text.len -= strlen(": ");
	if (arena_copy(&loader->config->arena, text, &text, err) != 0)
		return -1;
	*place = text.ptr;
	return 0;
}

/* Many endpoints may name one bundle, which need not be there as often. */
static struct config_file *
file_named(const struct config *config, const char *path)
{
	struct config_file *file = config->tls_files;

	while (file != NULL && strcmp(file->path, path) != 0)
		file = file->next;
	return file;
}

static int
read_tls_file(void *target, const struct node *node, struct err *err)
{
	struct loader *loader = target;
	struct config *config = loader->config;
	const struct config_file **member;
	struct config_file *file;
	struct span path;

	if (read_path(loader, node, &path, err) != 0)
		return -1;
	file = file_named(config, path.ptr);
	if (file == NULL) {
		file = arena_alloc(&config->arena, sizeof(*file));
		if (file == NULL)
			return err_no_memory(err);
		if (keep_place(loader, node, &file->place, err) != 0)
			return -1;
		file->path = path.ptr;
		file->next = config->tls_files;
		config->tls_files = file;
	}
	member = (void *)((char *)loader->endpoint + node->member->offset);
	*member = file;
	file->secret |= member == &loader->endpoint->tls_key;
	return 0;
}

static int
read_tls(void *target, const struct node *node, struct err *err)
{
	static const struct node_member members[] = {
		{"ca", read_tls_file, offsetof(struct endpoint_config, tls_ca), 0, 0},
		{"cert", read_tls_file, offsetof(struct endpoint_config, tls_cert), 0, 0},
		{"key", read_tls_file, offsetof(struct endpoint_config, tls_key), 0, 0},
		{0},
	};
	struct loader *loader = target;

	if (node_read(node, members, target, err) != 0)
		return -1;
	if ((loader->endpoint->tls_cert == NULL) != (loader->endpoint->tls_key == NULL))
		return node_error(node, err, "cert and key go together");
	return 0;
}

/* ---- headers --------------------------------------------------------------------- */

static int
read_header_file(void *target, const struct node *node, struct err *err)
{
	struct loader *loader = target;

	if (read_path(loader, node, &loader->header->file, err) != 0)
		return -1;
	return keep_place(loader, node, &loader->header->place, err);
}

static bool
header_came_before(
	const struct endpoint_config *endpoint, const struct config_header *header)
{
	for (size_t i = 0; &endpoint->headers[i] < header; i++)
		if (span_is_nocase(endpoint->headers[i].name, header->name.ptr))
			return true;
	return false;
}

static int
read_header(void *target, const struct node *node, struct err *err)
{
	static const struct node_member members[] = {
		{.name = "file", .read = read_header_file}, {0}};
	struct loader *loader = target;
	struct endpoint_config *endpoint = loader->endpoint;
	struct config_header *header = &endpoint->headers[endpoint->header_count++];
	struct arena *arena = &loader->config->arena;

	loader->header = header;
	if (arena_copy(arena, node->name, &header->name, err) != 0)
		return -1;
	if (header_came_before(endpoint, header))
		return node_error(node, err, "given twice");
	if (node->value.type == JSON_OBJECT) {
		if (node_read(node, members, loader, err) != 0)
			return -1;
		if (!span_present(header->file))
			return node_error(node, err, "it names no file");
	} else if (node_text(node, arena, &header->value, err) != 0) {
		return -1;
	}
	if (header_check(header->name, header->value, err) != 0)
		return node_blame(node, err);
	return 0;
}

static size_t
count_members(struct json object)
{
	size_t count = 0;

	for (struct json_iter it = json_iter(object); json_next(&it);)
		count++;
	return count;
}

static int
read_headers(void *target, const struct node *node, struct err *err)
{
	struct loader *loader = target;
	struct endpoint_config *endpoint = loader->endpoint;
	size_t count = count_members(node->value);

	if (count > HEADER_FIELDS_MAX)
		return node_error(node, err, "more than %d fields", HEADER_FIELDS_MAX);
	endpoint->headers = arena_alloc(
		&loader->config->arena, (count + 1) * sizeof(*endpoint->headers));
	if (endpoint->headers == NULL)
		return err_no_memory(err);
	return node_read_each(node, JSON_OBJECT, read_header, loader, err);
}

/* ---- endpoints ------------------------------------------------------------------- */

static int
read_url(void *target, const struct node *node, struct err *err)
{
	struct loader *loader = target;
	struct span *url = &loader->endpoint->url;

	if (node_text(node, &loader->config->arena, url, err) != 0)
		return -1;
	if (url_check(*url, err) == 0)
		return 0;
	/* The path of the node says "url" already. */
	memmove(err->text, err->text + strlen("url: "),
		strlen(err->text) - strlen("url: ") + 1);
	return node_blame(node, err);
}

static int
read_timeout(void *target, const struct node *node, struct err *err)
{
	struct loader *loader = target;

	return node_read_duration(loader->endpoint, node, err);
}

static int
read_concurrency(void *target, const struct node *node, struct err *err)
{
	struct loader *loader = target;

	return node_read_int(loader->endpoint, node, err);
}

static int
read_rate(void *target, const struct node *node, struct err *err)
{
	struct loader *loader = target;

	return read_rate_into(&loader->endpoint->rule.rate, node, err);
}

static int
read_breaker(void *target, const struct node *node, struct err *err)
{
	struct loader *loader = target;

	return read_breaker_into(&loader->endpoint->rule.breaker, node, err);
}

static int
add_endpoint(struct loader *loader, const struct node *node, struct err *err)
{
	struct config *config = loader->config;

	if (endpoint_name_check(node->name, err) != 0)
		return node_error(node, err,
			"a name has letters, digits, '.', '_' and '-' only, at most %d",
			ENDPOINT_NAME_MAX);
	if (map_get(&config->endpoints, node->name) != NULL)
		return node_error(node, err, "given twice");
	loader->endpoint = arena_alloc(&config->arena, sizeof(*loader->endpoint));
	if (loader->endpoint == NULL)
		return err_no_memory(err);
	loader->endpoint->rule = config->limits.endpoint;
	if (arena_copy(&config->arena, node->name, &loader->endpoint->name, err) != 0)
		return -1;
	return map_set(&config->endpoints, node->name, loader->endpoint, err);
}

static int
read_endpoint(void *target, const struct node *node, struct err *err)
{
	static const struct node_member members[] = {
		{.name = "url", .read = read_url},
		{.name = "headers", .read = read_headers},
		{"connect_timeout", read_timeout,
			offsetof(struct endpoint_config, connect_timeout_ms), 1, HOUR_MS},
		{"timeout", read_timeout, offsetof(struct endpoint_config, timeout_ms), 1,
			HOUR_MS},
		{.name = "tls", .read = read_tls},
		{"concurrency", read_concurrency,
			offsetof(struct endpoint_config, rule.concurrency), 1,
			CONFIG_CONCURRENCY_MAX},
		{.name = "rate", .read = read_rate},
		{.name = "breaker", .read = read_breaker},
		{.name = "allow_net", .read = read_endpoint_open},
		{0},
	};

	if (add_endpoint(target, node, err) != 0 ||
		node_read(node, members, target, err) != 0)
		return -1;
	return node_require(node, "url", err);
}

static int
read_endpoints(void *target, const struct node *node, struct err *err)
{
	return node_read_each(node, JSON_OBJECT, read_endpoint, target, err);
}

/* ---- the document ---------------------------------------------------------------- */

static int
read_policy(void *target, const struct node *node, struct err *err)
{
	struct loader *loader = target;

	return policy_read_node(&loader->config->policy, node, err);
}

int
config_read(
	struct config *config, struct span text, const char *directory, struct err *err)
{
	static const struct node_member members[] = {
		{.name = "limits", .read = read_limits}, /* endpoints start from these */
		{.name = "endpoints", .read = read_endpoints},
		{.name = "policy", .read = read_policy},
		{.name = "allow_net", .read = read_open},
		{0},
	};
	struct loader loader = {.config = config, .directory = directory};
	struct node root;

	if (document_open(&root, text, err) != 0)
		return -1;
	return node_read(&root, members, &loader, err);
}
