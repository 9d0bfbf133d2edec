/* SPDX-License-Identifier: MIT */
/*
 * A binary min-heap of timers. The heap tells each node its position, so that any timer
 * can be moved or cancelled in O(log n). Embed the node in the thing that waits.
 */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_node {
	int64_t key;
	size_t position; /* 1-based; 0: in no heap */
};

struct heap {
	struct heap_node **nodes;
	size_t len;
	size_t cap;
};

void heap_init(struct heap *heap);
void heap_free(struct heap *heap); /* borrows the nodes: they are not freed */

/* Inserts the node, or moves it if it is in the heap. ERR_OS. */
int heap_set(struct heap *heap, struct heap_node *node, int64_t key, struct err *err);

void heap_remove(struct heap *heap, struct heap_node *node); /* may be absent */

/* The node with the smallest key, or NULL. */
struct heap_node *heap_first(const struct heap *heap);

#endif
