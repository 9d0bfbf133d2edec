/* SPDX-License-Identifier: MIT */
#include "cmd/whqueue/whqueue.h"

int
main(int argc, char **argv)
{
	static const struct cli_elsewhere elsewhere[] = {
		{"retry", "whdlq"},
		{"resolve", "whdlq"},
		{"reopen", "whdlq"},
		{"cleanup", "whdlq"},
		{"delete", "whdlq"},
		{"export", "whdlq"},
		{0},
	};
	static const struct cli_program program = {
		.name = "whqueue",
		.summary = "see what waits to be delivered, and steer it",
		.verbs = whqueue_verbs,
		.elsewhere = elsewhere,
	};

	return cli_main(&program, argc, argv);
}
