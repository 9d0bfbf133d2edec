/* SPDX-License-Identifier: MIT */
/*
 * Stepping through all options of a verb, wherever their tables are, and filling an args
 * struct from a command line.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "cli/cli.h"

/* --help and --version, which every verb has without saying so; args: struct
 * cli_asked. */
struct cli_asked {
	bool help, version;
};

extern const struct cli_option cli_asked_options[];

/*
 *	for (struct option_iter it = option_iter(verb); option_next(&it);) use(it.option);
 */
struct option_iter {
	const struct cli_option *option;
	size_t offset; /* of the value in the args struct */
	bool asked;    /* the value is in struct cli_asked instead */

	const struct cli_group *group;     /* private */
	const struct cli_option *upcoming; /* private */
};

struct option_iter option_iter(const struct cli_verb *verb);
bool option_next(struct option_iter *it);

/* A command line that was read. */
struct cli_parsed {
	const struct cli_verb *verb; /* NULL: none was named */
	void *args;
	struct cli_asked asked;
	char **operands;
	size_t operand_count;
};

/*
 * Finds the verb, then fills its args: defaults, then the environment, then the command
 * line. With --help or --version nothing else needs to be right. ERR_USAGE, ERR_OS;
 * cli_parsed_free() in any case.
 */
int cli_parse(struct cli_parsed *parsed, const struct cli_program *program, int argc,
	char **argv, int64_t now, struct err *err);
void cli_parsed_free(struct cli_parsed *parsed);

/* The verb of that name, or NULL with ERR_USAGE. */
const struct cli_verb *cli_verb_named(
	const struct cli_program *program, const char *name, struct err *err);

/* Whether the verb's operands may be left out, and whether there may be several. */
bool cli_operands_optional(const struct cli_verb *verb);
bool cli_operands_many(const struct cli_verb *verb);

#endif
