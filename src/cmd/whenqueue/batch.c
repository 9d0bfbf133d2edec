/* SPDX-License-Identifier: MIT */
#include "cmd/whenqueue/enqueue.h"

#include <stdlib.h>

int
batch_init(struct batch *batch, size_t max_line, struct err *err)
{
	size_t max = max_line > BATCH_BYTES ? max_line : BATCH_BYTES;

	*batch = (struct batch){.most = BATCH_EVENTS};
	buf_init(&batch->bytes, max);
	batch->intakes = calloc(BATCH_EVENTS, sizeof(*batch->intakes));
	batch->events = calloc(BATCH_EVENTS, sizeof(*batch->events));
	batch->receipts = calloc(BATCH_EVENTS, sizeof(*batch->receipts));
	if (batch->intakes == NULL || batch->events == NULL || batch->receipts == NULL ||
		buf_reserve(&batch->bytes, BATCH_BYTES) == NULL) {
		batch_free(batch);
		return err_no_memory(err);
	}
	return 0;
}

void
batch_free(struct batch *batch)
{
	arena_free(&batch->arena);
	buf_free(&batch->bytes);
	free(batch->receipts);
	free(batch->events);
	free(batch->intakes);
	*batch = (struct batch){0};
}

bool
batch_is_full(const struct batch *batch, size_t len)
{
	if (batch->count == 0)
		return false;
	return batch->count >= batch->most || len > BATCH_BYTES ||
		batch->bytes.len > BATCH_BYTES - len;
}

int
batch_keep(struct batch *batch, struct span bytes, struct span *kept, struct err *err)
{
	size_t start = batch->bytes.len;

	buf_add_span(&batch->bytes, bytes);
	if (buf_check(&batch->bytes, err) != 0)
		return -1;
	*kept = (struct span){batch->bytes.data + start, bytes.len};
	return 0;
}

void
batch_clear(struct batch *batch)
{
	batch->count = 0;
	buf_clear(&batch->bytes);
	arena_free(&batch->arena);
}
