/* SPDX-License-Identifier: MIT */
/*
 * A page of text about one job, for an operator at a terminal: what the page of a queued
 * job and that of a dead letter have in common. Nothing that a job holds can move the
 * terminal or deceive the eye.
 */
#ifndef CMD_PAGE_TEXT_H
#define CMD_PAGE_TEXT_H

#include "cli/output.h"
#include "store/store.h"

/* Appending never reports, as in base/buf.h; page_text_flush() does. */
struct page_text {
	struct buf out;
	int64_t now;  /* what ages are reckoned from */
	size_t width; /* of the window; 0: no limit */
	bool color;
};

void page_text_init(struct page_text *text, const struct cli *cli, bool color);
void page_text_free(struct page_text *text);

/* A blank line, then the heading in bold. */
void page_heading(struct page_text *text, const char *heading);

/* "  label     ", for the caller to go on behind it. */
void page_label(struct page_text *text, const char *label);

/* Prose behind so many columns, to the end of the line. */
enum { PAGE_LABEL_COLUMNS = 14 };
void page_prose(struct page_text *text, size_t indent, struct span prose);

/* A labelled line; nothing for an empty value. */
void page_field(struct page_text *text, const char *label, struct span value);

/* A labelled instant, and how long ago or ahead it is. */
void page_time(struct page_text *text, const char *label, int64_t at);

/* What a job was accepted as, and when. */
void page_origin(struct page_text *text, const struct job *job);

/* A request's header fields, a JSON object of strings, one a line. */
void page_header_fields(struct page_text *text, struct span headers);

/* "network (econnrefused): reason", as prose. */
void page_failure(struct page_text *text, size_t indent, const struct failure *failure);

/* The attempts of a job in which `crashes` workers died: result, cause and answer. */
void page_attempts(
	struct page_text *text, const struct attempt_list *attempts, int crashes);

/* Writes what has gathered. ERR_IO, ERR_OS, ERR_DATA (a page of over 16 MiB). */
int page_text_flush(struct page_text *text, struct cli *cli, struct err *err);

#endif
