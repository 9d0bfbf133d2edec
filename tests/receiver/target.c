/* SPDX-License-Identifier: MIT */
#include "target.h"

#include <string.h>

struct span
take_until(struct span *rest, char separator)
{
	const char *found = rest->len == 0 ? NULL
					   : memchr(rest->ptr, separator, rest->len);
	struct span taken = *rest;

	if (found == NULL) {
		*rest = (struct span){rest->ptr + rest->len, 0};
		return taken;
	}
	taken.len = (size_t)(found - rest->ptr);
	*rest = (struct span){found + 1, rest->len - taken.len - 1};
	return taken;
}

static int
hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *found = c == '\0'
		? NULL
		: strchr(digits, c >= 'A' && c <= 'F' ? c | 0x20 : c);

	return found == NULL ? -1 : (int)(found - digits);
}

static int
decode(struct arena *arena, struct span text, struct span *decoded, struct err *err)
{
	char *out = arena_alloc(arena, text.len + 1);
	size_t len = 0;

	if (out == NULL)
		return err_no_memory(err);
	for (size_t i = 0; i < text.len; i++) {
		bool escape = text.ptr[i] == '%' && i + 2 < text.len &&
			hex_digit(text.ptr[i + 1]) >= 0 &&
			hex_digit(text.ptr[i + 2]) >= 0;

		if (escape) {
			out[len++] = (char)(hex_digit(text.ptr[i + 1]) * 16 +
				hex_digit(text.ptr[i + 2]));
			i += 2;
		} else {
			out[len++] = text.ptr[i] == '+' ? ' ' : text.ptr[i];
		}
	}
	*decoded = (struct span){out, len};
	return 0;
}

static int
parse_params(
	struct target *target, struct arena *arena, struct span query, struct err *err)
{
	while (query.len > 0 && target->param_count < TARGET_PARAMS_MAX) {
		struct span value = take_until(&query, '&');
		struct span name = take_until(&value, '=');
		struct target_param *param = &target->params[target->param_count++];

		if (decode(arena, name, &param->name, err) != 0 ||
			decode(arena, value, &param->value, err) != 0)
			return -1;
	}
	return 0;
}

int
target_parse(
	struct target *target, struct arena *arena, struct span text, struct err *err)
{
	struct span query = text;
	struct span path = take_until(&query, '?');

	if (span_starts(path, "/"))
		path = (struct span){path.ptr + 1, path.len - 1};
	*target = (struct target){.argument = path, .query = query};
	target->name = take_until(&target->argument, '/');
	return parse_params(target, arena, query, err);
}

const char *
target_param(const struct target *target, const char *name)
{
	for (size_t i = 0; i < target->param_count; i++) {
		if (span_is(target->params[i].name, name))
			return target->params[i].value.ptr;
	}
	return NULL;
}

int64_t
target_number(const struct target *target, int64_t otherwise)
{
	int64_t value = otherwise;

	return span_to_int64(target->argument, &value) ? value : otherwise;
}
