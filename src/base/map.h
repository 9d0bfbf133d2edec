/* SPDX-License-Identifier: MIT */
/*
 * A hash map from byte strings to pointers (open addressing; hashes have a random
 * seed, so that nobody outside can choose collisions).
 */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/err.h"
#include "base/span.h"

struct map_entry {
	struct span key; /* owned by the map; absent: an empty slot */
	uint64_t hash;
	void *value; /* borrowed */
};

struct map {
	struct map_entry *entries;
	size_t len;
	size_t cap;
	uint64_t seed;
};

void map_init(struct map *map);
void map_free(struct map *map); /* the keys; not the values */

/* NULL if there is none. */
void *map_get(const struct map *map, struct span key);

/* Inserts or replaces; the key is copied. ERR_OS. */
int map_set(struct map *map, struct span key, void *value, struct err *err);

/* The next filled entry at or after *cursor, which starts at 0; NULL at the end. */
struct map_entry *map_next(const struct map *map, size_t *cursor);

#endif
