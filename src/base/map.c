/* SPDX-License-Identifier: MIT */
#include "base/map.h"

#include "base/hash.h"
#include "base/rng.h"

#include <stdlib.h>
#include <string.h>

enum { MAP_FIRST_CAP = 16 };

void
map_init(struct map *map)
{
	struct rng rng;

	rng_init(&rng);
	*map = (struct map){.seed = rng_below(&rng, UINT64_MAX)};
}

void
map_free(struct map *map)
{
	for (size_t i = 0; i < map->cap; i++)
		free((char *)map->entries[i].key.ptr);
	free(map->entries);
	*map = (struct map){.seed = map->seed};
}

/* The entry that holds the key, or the empty one where it belongs; cap is never full. */
static struct map_entry *
find(const struct map *map, struct span key, uint64_t hash)
{
	for (size_t i = hash;; i++) {
		struct map_entry *entry = &map->entries[i & (map->cap - 1)];

		if (!span_present(entry->key) ||
			(entry->hash == hash && span_equal(entry->key, key)))
			return entry;
	}
}

void *
map_get(const struct map *map, struct span key)
{
	return map->cap == 0 ? NULL : find(map, key, hash_span(key, map->seed))->value;
}

static int
grow(struct map *map, struct err *err)
{
	struct map_entry *old = map->entries;
	size_t old_cap = map->cap;
	size_t cap = old_cap == 0 ? MAP_FIRST_CAP : old_cap * 2;
	struct map_entry *entries = calloc(cap, sizeof(*entries));

	if (entries == NULL)
		return err_no_memory(err);
	map->entries = entries;
	map->cap = cap;
	for (size_t i = 0; i < old_cap; i++)
		if (span_present(old[i].key))
			*find(map, old[i].key, old[i].hash) = old[i];
	free(old);
	return 0;
}

int
map_set(struct map *map, struct span key, void *value, struct err *err)
{
	uint64_t hash = hash_span(key, map->seed);
	struct map_entry *entry;
	char *copy;

	if (map->len * 4 >= map->cap * 3 && grow(map, err) != 0)
		return -1;
	entry = find(map, key, hash);
	if (!span_present(entry->key)) {
		copy = malloc(key.len + 1);
		if (copy == NULL)
			return err_no_memory(err);
		if (key.len > 0)
			memcpy(copy, key.ptr, key.len);
		copy[key.len] = '\0';
		*entry = (struct map_entry){.key = {copy, key.len}, .hash = hash};
		map->len++;
	}
	entry->value = value;
	return 0;
}

struct map_entry *
map_next(const struct map *map, size_t *cursor)
{
	while (*cursor < map->cap) {
		struct map_entry *entry = &map->entries[(*cursor)++];

		if (span_present(entry->key))
			return entry;
	}
	return NULL;
}
