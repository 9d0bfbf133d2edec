/* SPDX-License-Identifier: MIT */
#include "cmd/whdlq/whdlq.h"

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
	return change_only(cli, args, ACT_DELETE, "deleted");
}
