/* SPDX-License-Identifier: MIT */
#include "cmd/whworker/whworker.h"

int
main(int argc, char **argv)
{
	static const struct cli_program program = {
		.name = "whworker",
		.summary = "deliver what is due",
		.verbs = worker_verbs,
	};

	return cli_main(&program, argc, argv);
}
