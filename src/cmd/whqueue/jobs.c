/* SPDX-License-Identifier: MIT */
#include "cmd/whqueue/whqueue.h"

bool
job_is_due(const struct job *job, int64_t now)
{
	return (job->state == JOB_WAITING || job->state == JOB_DELAYED) && !job->held &&
		job->run_at <= now;
}

int
jobs_matching(struct store *store, struct paging *paging, bool with_request,
	job_each *each, void *context, struct err *err)
{
	int result = 0;

	while (paging->more && result == 0) {
		struct job_page page;

		if (store_list(store, &paging->filter, with_request, &page, err) != 0)
			return -1;
		for (size_t i = 0; i < page.count && result == 0; i++)
			result = each(context, &page.jobs[i], err);
		if (result == 0)
			result = paging_turn(paging, page.count, page.next, err);
		job_page_free(&page);
	}
	return result;
}
