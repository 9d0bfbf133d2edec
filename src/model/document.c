/* SPDX-License-Identifier: MIT */
#include "model/document.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>

enum { PATH_DEPTH_MAX = 8, NAME_SHOWN_MAX = 48, PATH_TEXT_MAX = 256 };

static size_t
line_of(const char *text, const char *at)
{
	size_t line = 1;

	while (text < at)
		line += *text++ == '\n';
	return line;
}

/* json_read() counts bytes; people count lines. */
static int
blame_syntax(struct span text, struct err *err)
{
	const char *colon = strchr(err->text, ':');
	size_t prefix = strlen("byte ");
	char reason[ERR_TEXT_MAX];
	int64_t byte = 1;

	if (colon == NULL)
		return -1;
	span_to_int64(
		(struct span){err->text + prefix, (size_t)(colon - err->text) - prefix},
		&byte);
	snprintf(reason, sizeof(reason), "%s", colon + 2);
	return err_set(err, ERR_CONFIG, "line %zu: not JSON: %s",
		line_of(text.ptr, text.ptr + byte - 1), reason);
}

int
document_open(struct node *root, struct span text, struct err *err)
{
	*root = (struct node){.text = text.ptr};
	if (text.len == 0)
		return err_set(err, ERR_CONFIG, "line 1: empty");
	if (json_read(text, &root->value, err) != 0)
		return blame_syntax(text, err);
	return 0;
}

struct node
node_child(const struct node *parent, const struct json_iter *it)
{
	return (struct node){parent, parent->text, it->key, it->value, NULL};
}

static void
put_path(const struct node *node, struct buf *path)
{
	const struct node *line[PATH_DEPTH_MAX];
	size_t depth = 0;

	for (; node->parent != NULL && depth < PATH_DEPTH_MAX; node = node->parent)
		line[depth++] = node;
	while (depth > 0) {
		struct span name = line[--depth]->name;

		buf_printf(path, "%.*s%s",
			(int)(name.len < NAME_SHOWN_MAX ? name.len : NAME_SHOWN_MAX),
			name.ptr, depth > 0 ? "." : ": ");
	}
}

static int
locate(const struct node *node, struct err *err, const char *reason)
{
	struct buf path;

	buf_init(&path, PATH_TEXT_MAX);
	put_path(node, &path);
	err_set(err, ERR_CONFIG, "line %zu: %.*s%s",
		line_of(node->text, node->value.raw.ptr), (int)path.len,
		buf_span(&path).ptr, reason);
	buf_free(&path);
	return -1;
}

int
node_error(const struct node *node, struct err *err, const char *format, ...)
{
	char reason[ERR_TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(reason, sizeof(reason), format, args);
	va_end(args);
	return locate(node, err, reason);
}

int
node_blame(const struct node *node, struct err *err)
{
	char reason[ERR_TEXT_MAX];

	if (err == NULL)
		return -1;
	snprintf(reason, sizeof(reason), "%s", err->text);
	return locate(node, err, reason);
}

static int
unknown_member(
	const struct node *node, const struct node_member *members, struct err *err)
{
	struct buf known;
	int failed;

	buf_init(&known, ERR_TEXT_MAX);
	for (size_t i = 0; members[i].name != NULL; i++)
		buf_printf(&known, "%s%s", i == 0 ? "" : ", ", members[i].name);
	failed = node_error(
		node, err, "unknown member; there are %s", buf_span(&known).ptr);
	buf_free(&known);
	return failed;
}

int
node_read(const struct node *node, const struct node_member *members, void *target,
	struct err *err)
{
	uint32_t seen = 0;

	if (node->value.type != JSON_OBJECT)
		return node_error(node, err, "not an object");
	for (struct json_iter it = json_iter(node->value); json_next(&it);) {
		struct node child = node_child(node, &it);
		size_t i = 0;

		while (members[i].name != NULL && !span_is(it.key, members[i].name))
			i++;
		if (members[i].name == NULL)
			return unknown_member(&child, members, err);
		if ((seen & UINT32_C(1) << i) != 0)
			return node_error(&child, err, "given twice");
		seen |= UINT32_C(1) << i;
		child.member = &members[i];
		if (members[i].read(target, &child, err) != 0)
			return -1;
	}
	return 0;
}

/* A string's text, decoded into `text`. */
static int
decode(const struct node *node, struct buf *text, struct err *err)
{
	if (node->value.type != JSON_STRING)
		return node_error(node, err, "not a string");
	json_to_text(node->value, text);
	if (buf_check(text, err) != 0)
		return node_blame(node, err);
	if (memchr(buf_span(text).ptr, '\0', text->len) != NULL)
		return node_error(node, err, "a NUL in the text");
	return 0;
}

int
node_text(
	const struct node *node, struct arena *arena, struct span *text, struct err *err)
{
	struct buf decoded;
	int failed;

	buf_init(&decoded, node->value.raw.len);
	failed = decode(node, &decoded, err);
	if (!failed)
		failed = arena_copy(arena, buf_span(&decoded), text, err);
	buf_free(&decoded);
	return failed;
}

static void *
place_of(void *target, const struct node *node)
{
	return (char *)target + node->member->offset;
}

int
node_read_int(void *target, const struct node *node, struct err *err)
{
	const struct node_member *member = node->member;
	int64_t number;

	if (!json_to_int64(node->value, &number) || number < member->from ||
		number > member->to)
		return node_error(node, err, "not a whole number from %lld to %lld",
			(long long)member->from, (long long)member->to);
	*(int *)place_of(target, node) = (int)number;
	return 0;
}

/* A short text that is only looked at. */
enum { QUANTITY_MAX = 64 };

int
node_read_duration(void *target, const struct node *node, struct err *err)
{
	const struct node_member *member = node->member;
	char from[TIME_TEXT_SIZE], to[TIME_TEXT_SIZE];
	struct buf text;
	int64_t ms = 0;
	int failed;

	buf_init(&text, QUANTITY_MAX);
	failed = decode(node, &text, err);
	if (!failed && duration_parse(buf_span(&text), &ms, err) != 0)
		failed = node_blame(node, err);
	buf_free(&text);
	if (failed)
		return -1;
	*(int64_t *)place_of(target, node) = ms;
	if (ms >= member->from && ms <= member->to)
		return 0;
	duration_format(member->from, from);
	duration_format(member->to, to);
	return node_error(node, err, "not between %s and %s", from, to);
}

static bool
unit_of(struct span suffix, size_t *unit)
{
	static const struct {
		const char *name;
		size_t bytes;
	} units[] = {{"", 1}, {"B", 1}, {"KiB", (size_t)1 << 10},
		{"MiB", (size_t)1 << 20}, {"GiB", (size_t)1 << 30}, {"kB", 1000},
		{"MB", 1000000}, {"GB", 1000000000}};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (span_is(suffix, units[i].name)) {
			*unit = units[i].bytes;
			return true;
		}
	return false;
}

int
size_parse(struct span text, size_t *bytes, struct err *err)
{
	size_t digits = 0, unit;
	int64_t number;

	while (digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9')
		digits++;
	if (!span_to_int64((struct span){text.ptr, digits}, &number) ||
		!unit_of((struct span){text.ptr + digits, text.len - digits}, &unit) ||
		__builtin_mul_overflow((size_t)number, unit, bytes))
		return err_set(err, ERR_DATA,
			"'%.*s' is not a size like 4096, 1KiB or 16MiB",
			(int)(text.len < 64 ? text.len : 64), text.ptr);
	return 0;
}

/* A number is a size in bytes. */
static int
parse_size(const struct node *node, size_t *bytes, struct err *err)
{
	struct buf text;
	int failed;

	buf_init(&text, QUANTITY_MAX);
	if (node->value.type == JSON_NUMBER) {
		buf_add_span(&text, node->value.raw);
		failed = buf_check(&text, err) != 0 ? node_blame(node, err) : 0;
	} else {
		failed = decode(node, &text, err);
	}
	if (!failed && size_parse(buf_span(&text), bytes, err) != 0)
		failed = node_blame(node, err);
	buf_free(&text);
	return failed;
}

int
node_read_size(void *target, const struct node *node, struct err *err)
{
	const struct node_member *member = node->member;
	size_t bytes = 0;

	if (parse_size(node, &bytes, err) != 0)
		return -1;
	*(size_t *)place_of(target, node) = bytes;
	if (bytes < (size_t)member->from || bytes > (size_t)member->to)
		return node_error(node, err, "not between %lld and %lld bytes",
			(long long)member->from, (long long)member->to);
	return 0;
}
