/* SPDX-License-Identifier: MIT */
/*
 * The members of one object, found in one walk, for those who ask for many by name.
 * (json_get() walks the whole object for each, past a payload that nobody asked for.)
 */
#ifndef MODEL_MEMBERS_H
#define MODEL_MEMBERS_H

#include "model/json.h"

enum { MEMBERS_MAX = 96, MEMBERS_SEARCHED_MAX = 1024 * 1024 };

/* Borrows the text of the object. */
struct members {
	struct json object;
	uint64_t hashes; /* one bit for each name that is there, maybe shared */
	bool partial;    /* an object that is searched itself */
	size_t count;
	struct {
		struct span name;
		struct json value;
	} list[MEMBERS_MAX];
};

/*
 * Anything but an object has no members. Of an object larger than MEMBERS_SEARCHED_MAX
 * only the first MEMBERS_MAX count, and no name that is written with escapes.
 */
void members_read(struct members *members, struct json object);

/* As json_get(). */
struct json members_get(const struct members *members, const char *name);

/* As json_path() beneath a member; the member itself if `below` is NULL. */
struct json members_path(
	const struct members *members, const char *name, const char *below);

#endif
