/* SPDX-License-Identifier: MIT */
#include "cmd/whdlq/whdlq.h"

int
main(int argc, char **argv)
{
	static const struct cli_elsewhere elsewhere[] = {
		{"endpoints", "whqueue"},
		{"cancel", "whqueue"},
		{"hold", "whqueue"},
		{"release", "whqueue"},
		{"expedite", "whqueue"},
		{"doctor", "whqueue"},
		{0},
	};
	static const struct cli_program program = {
		.name = "whdlq",
		.summary = "understand, fix and send again what could not be delivered",
		.verbs = whdlq_verbs,
		.elsewhere = elsewhere,
	};

	return cli_main(&program, argc, argv);
}
