/* SPDX-License-Identifier: MIT */
/*
 * The verbs that change dead letters and have no options of their own.
 */
#include "cmd/whdlq/whdlq.h"

const struct cli_group change_groups[] = {
	{cli_change_options, offsetof(struct change_verb_args, flags)},
	{cli_dead_status_options, offsetof(struct change_verb_args, filter)},
	{cli_filter_options, offsetof(struct change_verb_args, filter)},
	{cli_page_options, offsetof(struct change_verb_args, filter)},
	{cli_output_options, offsetof(struct change_verb_args, common)},
	{cli_store_options, offsetof(struct change_verb_args, common)},
	{0},
};

const struct change_verb_args change_defaults = {.filter = {.limit = -1}};

enum exit_code
reopen_run(struct cli *cli, const void *args)
{
	return operator_change_by(cli, args, ACT_REOPEN, "reopened");
}

enum exit_code
delete_run(struct cli *cli, const void *arguments)
{
	const struct change_verb_args *args = arguments;
	bool agreed = args->flags.yes || args->flags.dry_run;

	/* A filter's finds are counted and asked about further down. */
	if (cli->operand_count > 0 &&
		!cli_confirm(cli, agreed, "delete %zu dead letter%s for good?",
			cli->operand_count, cli->operand_count == 1 ? "" : "s")) {
		cli_warn(cli, "nothing was done");
		return EXIT_NONE;
	}
	return operator_change_by(cli, args, ACT_DELETE, "deleted");
}
