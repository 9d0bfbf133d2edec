/* SPDX-License-Identifier: MIT */
/*
 * Going through all that a filter finds, newest first, a page at a time, so that nothing
 * stays locked while a reader thinks.
 */
#ifndef CMD_PAGING_H
#define CMD_PAGING_H

#include "store/store.h"

struct paging {
	struct job_filter filter; /* of the next page */
	bool limited;             /* filter.limit is what the pages may still hold */
	bool more;         /* there is a next page, and the limit has room for it */
	struct buf cursor; /* behind the last page; empty: there is no more */
};

/* Borrows what the filter borrows. */
void paging_start(struct paging *paging, const struct job_filter *filter);
void paging_free(struct paging *paging);

/* A page of `count` entries was read, and the next begins at `next`. ERR_OS. */
int paging_turn(struct paging *paging, size_t count, struct span next, struct err *err);

#endif
