/* SPDX-License-Identifier: MIT */
#include "cmd/whdlq/job_list.h"

#include <stdlib.h>

enum { FIRST_CAP = 64 };

int
job_list_add(struct job_list *list, int64_t job_id, struct err *err)
{
	if (list->count == list->cap) {
		size_t cap = list->cap == 0 ? FIRST_CAP : 2 * list->cap;
		int64_t *jobs = reallocarray(list->jobs, cap, sizeof(jobs[0]));

		if (jobs == NULL)
			return err_no_memory(err);
		list->jobs = jobs;
		list->cap = cap;
	}
	list->jobs[list->count++] = job_id;
	return 0;
}

void
job_list_free(struct job_list *list)
{
	free(list->jobs);
	*list = (struct job_list){0};
}
