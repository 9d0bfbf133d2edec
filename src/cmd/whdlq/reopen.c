/* SPDX-License-Identifier: MIT */
#include "cmd/whdlq/whdlq.h"

enum exit_code
reopen_run(struct cli *cli, const void *arguments)
{
	const struct change_only_args *args = arguments;

	return change_only(cli, args, ACT_REOPEN, "reopened");
}
