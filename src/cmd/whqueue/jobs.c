/* SPDX-License-Identifier: MIT */
#include "cmd/whqueue/whqueue.h"

/* *left counts down what the limit still allows (0: there is none). */
static int
walk_page(const struct job_page *page, size_t *left, job_each *each, void *context,
	struct err *err)
{
	for (size_t i = 0; i < page->count; i++) {
		if (each(context, &page->jobs[i], err) != 0)
			return -1;
		if (*left > 0)
			(*left)--;
	}
	return 0;
}

int
jobs_matching(struct store *store, const struct job_filter *filter, bool with_request,
	job_each *each, void *context, struct buf *next, struct err *err)
{
	struct job_filter rest = *filter;
	bool more = true;
	int result = 0;

	buf_add_span(next, filter->after);
	while (more && result == 0) {
		struct job_page page;

		rest.after = next->len > 0 ? buf_span(next) : (struct span){0};
		if (store_list(store, &rest, with_request, &page, err) != 0)
			return -1;
		result = walk_page(&page, &rest.limit, each, context, err);
		buf_clear(next);
		buf_add_span(next, page.next);
		more = page.next.len > 0 && (filter->limit == 0 || rest.limit > 0);
		job_page_free(&page);
	}
	return result == 0 ? buf_check(next, err) : -1;
}
