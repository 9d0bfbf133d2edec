/* SPDX-License-Identifier: MIT */
#include "cmd/whdlq/wait.h"

enum { TIMEOUT_DEFAULT_MS = 15 * 60 * 1000 };

static const struct cli_option options[] = {
	{.name = "wait",
		.kind = CLI_FLAG,
		.offset = offsetof(struct retry_args, wait),
		.help = "wait for what becomes of them, and exit by it"},
	{.name = "timeout",
		.kind = CLI_DURATION,
		.offset = offsetof(struct retry_args, timeout_ms),
		.argument = "DURATION",
		.help = "wait no longer than this (default: 15m; 0: as long as it takes)"},
	{0},
};

const struct cli_group retry_groups[] = {
	{options, 0},
	{cli_change_options, offsetof(struct retry_args, change.flags)},
	{cli_dead_status_options, offsetof(struct retry_args, change.filter)},
	{cli_filter_options, offsetof(struct retry_args, change.filter)},
	{cli_page_options, offsetof(struct retry_args, change.filter)},
	{cli_output_options, offsetof(struct retry_args, change.common)},
	{cli_store_options, offsetof(struct retry_args, change.common)},
	{0},
};

const struct retry_args retry_defaults = {
	.change.filter = {.limit = -1},
	.timeout_ms = TIMEOUT_DEFAULT_MS,
};

/* Remembers a job that was sent again. */
static int
remember(void *context, const struct action_report *report, struct err *err)
{
	struct job_list *list = context;

	return report->result == ACTED ? job_list_add(list, report->job_id, err) : 0;
}

enum exit_code
retry_run(struct cli *cli, const void *arguments)
{
	const struct retry_args *args = arguments;
	struct job_list list = {0};
	struct operator_change change = {
		.args = &args->change,
		.action = {.verb = ACT_RETRY},
		.done = "retrying",
		.asked = "retried",
		.to_deliver = !args->wait,
		.each = args->wait ? remember : NULL,
		.context = &list,
	};
	enum exit_code code = operator_change(cli, &change);

	if (args->wait && !args->change.flags.dry_run && list.count > 0)
		code = exit_worse(code,
			wait_for_outcomes(
				cli, &args->change.common, &list, args->timeout_ms));
	job_list_free(&list);
	return code;
}
