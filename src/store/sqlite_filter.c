/* SPDX-License-Identifier: MIT */
#include "store/sqlite.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool
parse_cursor(struct span text, struct cursor *cursor)
{
	const char *dot = text.len == 0 ? NULL : memchr(text.ptr, '.', text.len);
	size_t len = dot == NULL ? 0 : (size_t)(dot - text.ptr);

	return dot != NULL && span_to_int64((struct span){text.ptr, len}, &cursor->at) &&
		span_to_int64((struct span){dot + 1, text.len - len - 1}, &cursor->id);
}

bool
store_cursor_valid(struct span text)
{
	struct cursor cursor;

	return parse_cursor(text, &cursor);
}

int
cursor_read(struct span text, struct cursor *cursor, struct err *err)
{
	*cursor = (struct cursor){INT64_MAX, INT64_MAX};
	if (span_present(text) && !parse_cursor(text, cursor))
		return err_set(err, ERR_DATA, "'%.*s' is not a cursor", span_shown(text),
			text.ptr);
	return 0;
}

int
cursor_write(
	struct arena *arena, struct cursor cursor, struct span *text, struct err *err)
{
	char line[48];
	int len = snprintf(
		line, sizeof(line), "%" PRId64 ".%" PRId64, cursor.at, cursor.id);

	return arena_copy(arena, (struct span){line, (size_t)len}, text, err);
}

void
bind_filter(struct query *query, const struct job_filter *filter)
{
	struct span type = filter->event_type, prefix = {0};

	if (type.len > 0 && type.ptr[type.len - 1] == '*') {
		prefix = (struct span){type.ptr, type.len - 1};
		type = (struct span){0};
	}
	bind_int(query, query->store->queue_id);
	bind_text(query, type);
	bind_text(query, prefix);
	bind_text(query, filter->endpoint);
	bind_text(
		query, span_of(filter->has_type ? error_type_name(filter->type) : NULL));
	bind_text(query,
		span_of(filter->has_category ? category_name(filter->category) : NULL));
	bind_int(query, filter->since == 0 ? INT64_MIN : filter->since);
	bind_int(query, filter->until == 0 ? INT64_MAX : filter->until);
}

bool
filter_wants_queued(const struct job_filter *filter)
{
	return filter->states == 0 || (filter->states & STATES_QUEUED) != 0;
}
