/* SPDX-License-Identifier: MIT */
/*
 * What the option tables say, for people and for programs.
 */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "cli/options.h"

/* Usage, examples and options, wrapped to `width` columns; without a verb: the verbs. */
void help_text(struct buf *out, const struct cli_program *program,
	const struct cli_verb *verb, size_t width);

/* Everything as one JSON object: what completions and the man pages are checked
 * against. */
void help_json(struct buf *out, const struct cli_program *program);

#endif
