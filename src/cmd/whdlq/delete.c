/* SPDX-License-Identifier: MIT */
#include "cmd/whdlq/whdlq.h"

const struct cli_group delete_groups[] = {
	{cli_dead_status_options, offsetof(struct change_only_args, filter)},
	{cli_filter_options, offsetof(struct change_only_args, filter)},
	{cli_change_options, offsetof(struct change_only_args, change)},
	{cli_output_options, offsetof(struct change_only_args, common)},
	{cli_store_options, offsetof(struct change_only_args, common)},
	{0},
};

enum exit_code
delete_run(struct cli *cli, const void *arguments)
{
	const struct change_only_args *args = arguments;
	bool agreed = args->change.yes || args->change.dry_run;

	/* A filter's finds are counted and asked about further down. */
	if (cli->operand_count > 0 &&
		!cli_confirm(cli, agreed, "delete %zu dead letter%s for good?",
			cli->operand_count, cli->operand_count == 1 ? "" : "s")) {
		cli_warn(cli, "nothing was done");
		return EXIT_NONE;
	}
	return operator_change(cli,
		&(struct operator_change){
			.common = &args->common,
			.filter = &args->filter,
			.change = &args->change,
			.action = {.verb = ACT_DELETE, .now = clock_now(&cli->clock)},
			.done = "deleted",
			.dead = true,
		});
}
