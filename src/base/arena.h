/* SPDX-License-Identifier: MIT */
/*
 * Memory that is freed all at once: what a page of a listing, or a configuration, holds.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/err.h"
#include "base/span.h"

struct arena_chunk;

struct arena {
	struct arena_chunk *chunks;
};

void arena_init(struct arena *arena);
void arena_free(struct arena *arena);

/* Zeroed and aligned for anything; NULL when memory is out. */
void *arena_alloc(struct arena *arena, size_t size);

/* A copy with a NUL behind it; the absent span stays absent. ERR_OS. */
int arena_copy(struct arena *arena, struct span from, struct span *to, struct err *err);

#endif
