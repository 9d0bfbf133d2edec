/* SPDX-License-Identifier: MIT */
/*
 * What the verbs share that change dead letters and have no options of their own.
 */
#include "cmd/whdlq/whdlq.h"

const struct cli_group change_only_groups[] = {
	{cli_dead_status_options, offsetof(struct change_only_args, filter)},
	{cli_filter_options, offsetof(struct change_only_args, filter)},
	{cli_change_options, offsetof(struct change_only_args, change)},
	{cli_output_options, offsetof(struct change_only_args, common)},
	{cli_store_options, offsetof(struct change_only_args, common)},
	{0},
};

const struct change_only_args change_only_defaults = {.filter = {.limit = -1}};

enum exit_code
change_only(struct cli *cli, const struct change_only_args *args, enum action_verb verb,
	const char *done)
{
	struct operator_change change = {
		.common = &args->common,
		.filter = &args->filter,
		.change = &args->change,
		.action = {.verb = verb, .now = clock_now(&cli->clock)},
		.done = done,
		.dead = true,
	};

	return operator_change(cli, &change);
}
