/* SPDX-License-Identifier: MIT */
/*
 * whclassify: says of each failure report what kind it is and whether to try again.
 */
#ifndef CMD_WHCLASSIFY_WHCLASSIFY_H
#define CMD_WHCLASSIFY_WHCLASSIFY_H

#include "cmd/config.h"
#include "model/classify.h"

enum classify_output { OUTPUT_AUTO, OUTPUT_TEXT, OUTPUT_NDJSON };

struct classify_args {
	struct cli_common common;
	struct policy_args policy;
	bool explain;
	int output; /* enum classify_output; what --explain prints */
	bool line_buffered;
};

extern const struct cli_group classify_groups[];

enum exit_code classify_run(struct cli *cli, const void *args);

/* What all lines have in common. */
struct classifier {
	struct cli *cli;
	const struct policy *policy;
	size_t max_line;
	bool explain;
	bool as_text; /* the explanation, instead of the record */
	bool line_buffered;
	struct buf out; /* the line that is being made */
};

/*
 * One line out for each line in, in order. Lines that are not JSON are complained of
 * (`name`: the file's, NULL for stdin) and taken as a message. ERR_IO.
 */
int classify_stream(
	struct classifier *classifier, int fd, const char *name, struct err *err);

/* The explanation as text, and as the member "explain" of a record. */
void explain_text(struct buf *out, const struct policy *policy, size_t line,
	const struct classification *result);
void explain_put(struct buf *out, const struct policy *policy,
	const struct classification *result);

#endif
