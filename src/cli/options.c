/* SPDX-License-Identifier: MIT */
#include "cli/options.h"

#include <stddef.h>
#include <string.h>

static const char *const format_choices[] = {
	"auto", "table", "ndjson", "json", "tsv", "id", NULL};
/* The first of format_choices: the others cannot be printed as things happen. */
static const char *const stream_choices[] = {"auto", "table", "ndjson", NULL};
static const char *const color_choices[] = {"auto", "always", "never", NULL};

const struct cli_option cli_store_options[] = {
	{.name = "db",
		.kind = CLI_TEXT,
		.offset = offsetof(struct cli_common, db),
		.argument = "PATH",
		.help = "the store (default: ~/.local/state/whtools/wh.db)",
		.environment = "WH_DB",
		.complete = COMPLETE_FILE},
	{.name = "queue",
		.kind = CLI_TEXT,
		.offset = offsetof(struct cli_common, queue),
		.argument = "NAME",
		.help = "the queue (default: webhook-retry)"},
	{0},
};

const struct cli_option cli_config_options[] = {
	{.name = "config",
		.kind = CLI_TEXT,
		.offset = offsetof(struct cli_common, config),
		.argument = "FILE",
		.help = "the configuration, see whtools.conf(5)",
		.environment = "WH_CONFIG",
		.complete = COMPLETE_FILE},
	{0},
};

const struct cli_option cli_output_options[] = {
	{.letter = 'o',
		.name = "output",
		.kind = CLI_CHOICE,
		.offset = offsetof(struct cli_common, format),
		.argument = "FORMAT",
		.help = "how to print: auto is a table on a terminal, else ndjson",
		.choices = format_choices,
		.complete = COMPLETE_CHOICE},
	{.name = "color",
		.kind = CLI_CHOICE,
		.offset = offsetof(struct cli_common, color),
		.argument = "WHEN",
		.help = "colour in tables",
		.choices = color_choices,
		.complete = COMPLETE_CHOICE},
	{0},
};

const struct cli_option cli_stream_options[] = {
	{.letter = 'o',
		.name = "output",
		.kind = CLI_CHOICE,
		.offset = offsetof(struct cli_common, format),
		.argument = "FORMAT",
		.help = "how to print: auto is text on a terminal, else ndjson",
		.choices = stream_choices,
		.complete = COMPLETE_CHOICE},
	{.name = "color",
		.kind = CLI_CHOICE,
		.offset = offsetof(struct cli_common, color),
		.argument = "WHEN",
		.help = "colour in text",
		.choices = color_choices,
		.complete = COMPLETE_CHOICE},
	{0},
};

const struct cli_option cli_asked_options[] = {
	{.letter = 'h',
		.name = "help",
		.kind = CLI_FLAG,
		.offset = offsetof(struct cli_asked, help),
		.help = "print this"},
	{.name = "version",
		.kind = CLI_FLAG,
		.offset = offsetof(struct cli_asked, version),
		.help = "print the version"},
	{0},
};

struct option_iter
option_iter(const struct cli_verb *verb)
{
	static const struct cli_group none[] = {{0}};
	const struct cli_group *groups = verb->groups == NULL ? none : verb->groups;

	return (struct option_iter){.group = groups, .upcoming = groups->options};
}

bool
option_next(struct option_iter *it)
{
	while (it->upcoming != NULL && it->upcoming->name == NULL && !it->asked) {
		it->group++;
		it->upcoming = it->group->options;
	}
	if (it->upcoming == NULL) {
		it->asked = true;
		it->upcoming = cli_asked_options;
	}
	it->option = it->upcoming++;
	it->offset = it->option->offset + (it->asked ? 0 : it->group->offset);
	return it->option->name != NULL;
}

bool
cli_operands_optional(const struct cli_verb *verb)
{
	return verb->operands == NULL || verb->operands[0] == '[';
}

bool
cli_operands_many(const struct cli_verb *verb)
{
	return verb->operands != NULL && strstr(verb->operands, "...") != NULL;
}
