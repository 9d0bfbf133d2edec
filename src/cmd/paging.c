/* SPDX-License-Identifier: MIT */
#include "cmd/paging.h"

enum { CURSOR_MAX = 4096 };

void
paging_start(struct paging *paging, const struct job_filter *filter)
{
	*paging = (struct paging){
		.filter = *filter,
		.limited = filter->limit > 0,
		.more = true,
	};
	buf_init(&paging->cursor, CURSOR_MAX);
}

void
paging_free(struct paging *paging)
{
	buf_free(&paging->cursor);
}

int
paging_turn(struct paging *paging, size_t count, struct span next, struct err *err)
{
	struct job_filter *filter = &paging->filter;

	buf_clear(&paging->cursor);
	buf_add_span(&paging->cursor, next);
	filter->after = buf_span(&paging->cursor);
	if (paging->limited)
		filter->limit -= count < filter->limit ? count : filter->limit;
	paging->more = next.len > 0 && (!paging->limited || filter->limit > 0);
	return buf_check(&paging->cursor, err);
}
