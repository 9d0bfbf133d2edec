/* SPDX-License-Identifier: MIT */
/*
 * The numbers of dead letters that a verb has yet to deal with.
 */
#ifndef CMD_WHDLQ_JOB_LIST_H
#define CMD_WHDLQ_JOB_LIST_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct job_list {
	int64_t *jobs;
	size_t count;
	size_t cap;
};

int job_list_add(struct job_list *list, int64_t job_id, struct err *err); /* ERR_OS */
void job_list_free(struct job_list *list);

#endif
