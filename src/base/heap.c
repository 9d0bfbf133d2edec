/* SPDX-License-Identifier: MIT */
#include "base/heap.h"

#include <stdlib.h>

enum { HEAP_FIRST_CAP = 64 };

void
heap_init(struct heap *heap)
{
	*heap = (struct heap){0};
}

void
heap_free(struct heap *heap)
{
	free(heap->nodes);
	heap_init(heap);
}

static void
place(struct heap *heap, size_t position, struct heap_node *node)
{
	heap->nodes[position - 1] = node;
	node->position = position;
}

static void
sift_up(struct heap *heap, struct heap_node *node)
{
	size_t position = node->position;

	while (position > 1 && heap->nodes[position / 2 - 1]->key > node->key) {
		place(heap, position, heap->nodes[position / 2 - 1]);
		position /= 2;
	}
	place(heap, position, node);
}

static void
sift_down(struct heap *heap, struct heap_node *node)
{
	size_t position = node->position;

	while (position * 2 <= heap->len) {
		size_t child = position * 2;

		if (child < heap->len &&
			heap->nodes[child]->key < heap->nodes[child - 1]->key)
			child++;
		if (heap->nodes[child - 1]->key >= node->key)
			break;
		place(heap, position, heap->nodes[child - 1]);
		position = child;
	}
	place(heap, position, node);
}

static int
append(struct heap *heap, struct heap_node *node, struct err *err)
{
	if (heap->len == heap->cap) {
		size_t cap = heap->cap == 0 ? HEAP_FIRST_CAP : heap->cap * 2;
		struct heap_node **nodes = realloc(heap->nodes, cap * sizeof(*nodes));

		if (nodes == NULL)
			return err_no_memory(err);
		heap->nodes = nodes;
		heap->cap = cap;
	}
	place(heap, ++heap->len, node);
	return 0;
}

int
heap_set(struct heap *heap, struct heap_node *node, int64_t key, struct err *err)
{
	if (node->position == 0 && append(heap, node, err) != 0)
		return -1;
	node->key = key;
	sift_up(heap, node);
	sift_down(heap, node);
	return 0;
}

void
heap_remove(struct heap *heap, struct heap_node *node)
{
	struct heap_node *last;

	if (node->position == 0)
		return;
	last = heap->nodes[--heap->len];
	if (last != node) {
		place(heap, node->position, last);
		sift_up(heap, last);
		sift_down(heap, last);
	}
	node->position = 0;
}

struct heap_node *
heap_first(const struct heap *heap)
{
	return heap->len == 0 ? NULL : heap->nodes[0];
}
