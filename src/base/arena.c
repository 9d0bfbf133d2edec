/* SPDX-License-Identifier: MIT */
#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

enum { ARENA_CHUNK_SIZE = 16 * 1024 };

struct arena_chunk {
	struct arena_chunk *next;
	size_t used;
	size_t size;
	_Alignas(max_align_t) char bytes[];
};

void
arena_init(struct arena *arena)
{
	arena->chunks = NULL;
}

void
arena_free(struct arena *arena)
{
	struct arena_chunk *chunk = arena->chunks;

	while (chunk != NULL) {
		struct arena_chunk *next = chunk->next;

		free(chunk);
		chunk = next;
	}
	arena_init(arena);
}

static struct arena_chunk *
add_chunk(struct arena *arena, size_t needed)
{
	size_t size = needed > ARENA_CHUNK_SIZE ? needed : ARENA_CHUNK_SIZE;
	struct arena_chunk *chunk = calloc(1, sizeof(*chunk) + size);

	if (chunk == NULL)
		return NULL;
	chunk->size = size;
	chunk->next = arena->chunks;
	arena->chunks = chunk;
	return chunk;
}

void *
arena_alloc(struct arena *arena, size_t size)
{
	const size_t align = _Alignof(max_align_t);
	struct arena_chunk *chunk = arena->chunks;
	void *room;

	if (size > SIZE_MAX / 2)
		return NULL;
	size = (size + align - 1) & ~(align - 1);
	if (chunk == NULL || chunk->size - chunk->used < size)
		chunk = add_chunk(arena, size);
	if (chunk == NULL)
		return NULL;
	room = chunk->bytes + chunk->used;
	chunk->used += size;
	return room;
}

int
arena_copy(struct arena *arena, struct span from, struct span *to, struct err *err)
{
	char *copy;

	*to = (struct span){0};
	if (!span_present(from))
		return 0;
	copy = arena_alloc(arena, from.len + 1);
	if (copy == NULL)
		return err_no_memory(err);
	if (from.len > 0)
		memcpy(copy, from.ptr, from.len);
	*to = (struct span){copy, from.len};
	return 0;
}
