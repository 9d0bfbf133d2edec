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
blame_syntax(struct span text, const struct err *why, struct err *err)
{
	const char *colon = strchr(why->text, ':');
	size_t prefix = strlen("byte ");
	int64_t byte = 1;

	span_to_int64(
		(struct span){why->text + prefix, (size_t)(colon - why->text) - prefix},
		&byte);
	return err_set(err, ERR_CONFIG, "line %zu: not JSON%s",
		line_of(text.ptr, text.ptr + byte - 1), colon);
}

int
document_open(struct node *root, struct span text, struct err *err)
{
	struct err why;

	*root = (struct node){.text = text.ptr};
	if (text.len == 0)
		return err_set(err, ERR_CONFIG, "line 1: empty");
	if (json_read(text, &root->value, &why) != 0)
		return blame_syntax(text, &why, err);
	return 0;
}

static struct node
child_of(const struct node *parent, const struct json_iter *it)
{
	return (struct node){
		.parent = parent,
		.text = parent->text,
		.name = it->key,
		.value = it->value,
	};
}

/* "rules[0].match.status: " */
static void
put_path(const struct node *node, struct buf *path)
{
	const struct node *line[PATH_DEPTH_MAX];
	size_t depth = 0;

	for (; node->parent != NULL && depth < PATH_DEPTH_MAX; node = node->parent)
		line[depth++] = node;
	while (depth > 0) {
		const struct node *step = line[--depth];
		size_t len = step->name.len;

		if (span_present(step->name))
			buf_printf(path, "%s%.*s", path->len > 0 ? "." : "",
				(int)(len < NAME_SHOWN_MAX ? len : NAME_SHOWN_MAX),
				step->name.ptr);
		else
			buf_printf(path, "[%zu]", step->index);
	}
	if (path->len > 0)
		buf_add_text(path, ": ");
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

/* Finds the entry of the table that the child fits, and puts the child there. */
static int
place_child(struct node *child, const struct node_member *members, struct node *found,
	struct err *err)
{
	size_t i = 0;

	while (members[i].name != NULL && !span_is(child->name, members[i].name))
		i++;
	if (members[i].name == NULL)
		return unknown_member(child, members, err);
	if (found[i].member != NULL)
		return node_error(child, err, "given twice");
	child->member = &members[i];
	found[i] = *child;
	return 0;
}

int
node_read(const struct node *node, const struct node_member *members, void *target,
	struct err *err)
{
	struct node found[NODE_MEMBERS_MAX] = {0};

	if (node->value.type != JSON_OBJECT)
		return node_error(node, err, "not an object");
	for (struct json_iter it = json_iter(node->value); json_next(&it);) {
		struct node child = child_of(node, &it);

		if (place_child(&child, members, found, err) != 0)
			return -1;
	}
	for (size_t i = 0; members[i].name != NULL; i++)
		if (found[i].member != NULL &&
			members[i].read(target, &found[i], err) != 0)
			return -1;
	return 0;
}

int
node_require(const struct node *node, const char *name, struct err *err)
{
	if (json_get(node->value, name).type == JSON_ABSENT)
		return node_error(node, err, "it has no %s", name);
	return 0;
}

int
node_read_each(const struct node *node, enum json_type type, node_reader *read,
	void *target, struct err *err)
{
	size_t index = 0;

	if (node->value.type != type)
		return node_error(
			node, err, type == JSON_OBJECT ? "not an object" : "not a list");
	for (struct json_iter it = json_iter(node->value); json_next(&it); index++) {
		struct node child = child_of(node, &it);

		child.index = index;
		if (read(target, &child, err) != 0)
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

int
node_copy(const struct node *node, char *text, size_t size, struct err *err)
{
	struct buf decoded;
	int failed;

	buf_init(&decoded, node->value.raw.len);
	failed = decode(node, &decoded, err);
	if (!failed && decoded.len >= size)
		failed = node_error(node, err, "longer than %zu bytes", size - 1);
	if (!failed) {
		memcpy(text, buf_span(&decoded).ptr, decoded.len);
		text[decoded.len] = '\0';
	}
	buf_free(&decoded);
	return failed;
}

static void *
place_of(void *target, const struct node *node)
{
	return (char *)target + node->member->offset;
}

int
node_read_text(void *target, const struct node *node, struct err *err)
{
	char *text = place_of(target, node);

	if (node_copy(node, text, (size_t)node->member->to, err) != 0)
		return -1;
	return text[0] == '\0' ? node_error(node, err, "empty") : 0;
}

int
node_read_bool(void *target, const struct node *node, struct err *err)
{
	if (node->value.type != JSON_TRUE && node->value.type != JSON_FALSE)
		return node_error(node, err, "not true or false");
	*(bool *)place_of(target, node) = node->value.type == JSON_TRUE;
	return 0;
}

static int
integer(const struct node *node, int64_t *number, struct err *err)
{
	const struct node_member *member = node->member;

	if (json_to_int64(node->value, number) && *number >= member->from &&
		*number <= member->to)
		return 0;
	return node_error(node, err, "not a whole number from %lld to %lld",
		(long long)member->from, (long long)member->to);
}

int
node_read_int64(void *target, const struct node *node, struct err *err)
{
	return integer(node, place_of(target, node), err);
}

int
node_read_int(void *target, const struct node *node, struct err *err)
{
	int64_t number;

	if (integer(node, &number, err) != 0)
		return -1;
	*(int *)place_of(target, node) = (int)number;
	return 0;
}

/* A short text that is only looked at. */
enum { QUANTITY_MAX = 64 };

int
node_duration(const struct node *node, int64_t *ms, struct err *err)
{
	struct buf text;
	int failed;

	buf_init(&text, QUANTITY_MAX);
	failed = decode(node, &text, err);
	if (!failed && duration_parse(buf_span(&text), ms, err) != 0)
		failed = node_blame(node, err);
	buf_free(&text);
	return failed;
}

int
node_read_duration(void *target, const struct node *node, struct err *err)
{
	const struct node_member *member = node->member;
	char from[TIME_TEXT_SIZE], to[TIME_TEXT_SIZE];
	int64_t ms;

	if (node_duration(node, &ms, err) != 0)
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
			"'%.*s' is not a size like 4096, 1KiB or 16MiB", span_shown(text),
			text.ptr);
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
