/* SPDX-License-Identifier: MIT */
/*
 * Most names that are asked for are not there, and the bit of their hash says so. Objects
 * with more members than the list has room for, and names with escapes, are so rare that
 * the object is searched again; but not if it is so large that somebody made it to keep
 * us busy.
 */
#include "model/members.h"

#include <string.h>

static uint64_t
hash_bit(struct span name)
{
	unsigned first = name.len == 0 ? 0 : (unsigned char)name.ptr[0];

	return UINT64_C(1) << (first + name.len * 5) % 64;
}

void
members_read(struct members *members, struct json object)
{
	bool large = object.raw.len > MEMBERS_SEARCHED_MAX;

	members->object = object;
	members->hashes = 0;
	members->partial = false;
	members->count = 0;
	if (object.type != JSON_OBJECT)
		return;
	for (struct json_iter it = json_iter(object); json_next(&it);) {
		bool full = members->count == MEMBERS_MAX;
		bool escaped = memchr(it.key.ptr, '\\', it.key.len) != NULL;

		members->partial = !large && (full || escaped);
		if (full || members->partial)
			return;
		if (escaped)
			continue;
		members->hashes |= hash_bit(it.key);
		members->list[members->count].name = it.key;
		members->list[members->count++].value = it.value;
	}
}

struct json
members_get(const struct members *members, const char *name)
{
	struct span wanted = span_of(name);

	if (members->partial)
		return json_get(members->object, name);
	if ((members->hashes & hash_bit(wanted)) != 0)
		for (size_t i = members->count; i-- > 0;)
			if (span_equal(members->list[i].name, wanted))
				return members->list[i].value;
	return (struct json){0};
}

struct json
members_path(const struct members *members, const char *name, const char *below)
{
	struct json value = members_get(members, name);

	return below == NULL ? value : json_path(value, below);
}
