/* SPDX-License-Identifier: MIT */
#include "cmd/whdlq/whdlq.h"

const struct cli_group reopen_groups[] = {
	{cli_dead_status_options, offsetof(struct change_only_args, filter)},
	{cli_filter_options, offsetof(struct change_only_args, filter)},
	{cli_change_options, offsetof(struct change_only_args, change)},
	{cli_output_options, offsetof(struct change_only_args, common)},
	{cli_store_options, offsetof(struct change_only_args, common)},
	{0},
};

const struct change_only_args change_only_defaults = {.filter = {.limit = -1}};

enum exit_code
reopen_run(struct cli *cli, const void *arguments)
{
	const struct change_only_args *args = arguments;

	return operator_change(cli,
		&(struct operator_change){
			.common = &args->common,
			.filter = &args->filter,
			.change = &args->change,
			.action = {.verb = ACT_REOPEN, .now = clock_now(&cli->clock)},
			.done = "reopened",
			.dead = true,
		});
}
