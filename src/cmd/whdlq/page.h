/* SPDX-License-Identifier: MIT */
/*
 * A dead letter as a page of text for an operator at a terminal.
 */
#ifndef CMD_WHDLQ_PAGE_H
#define CMD_WHDLQ_PAGE_H

#include "cmd/whdlq/whdlq.h"

struct page {
	const struct dead_letter *letter;
	struct redacted redacted;               /* its request, fit to be shown */
	const struct endpoint_config *endpoint; /* NULL: not configured */
	struct attempt_list attempts;
	struct buf curl;
	bool color;
};

/* Nothing on the page can move a terminal, whatever the letter holds. ERR_IO, ERR_OS. */
int page_write(const struct page *page, struct cli *cli, struct err *err);

/* Text line by line, each after `indent` and made safe. */
void page_put_lines(struct buf *out, struct span text, const char *indent);

#endif
