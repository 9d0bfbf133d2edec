/* SPDX-License-Identifier: MIT */
/*
 * whdlq: understand, fix and send again what could not be delivered.
 */
#include "cmd/whdlq/whdlq.h"

static const struct cli_program program = {
	"whdlq",
	"understand, fix and send again what could not be delivered",
	whdlq_verbs,
};

int
main(int argc, char **argv)
{
	return cli_main(&program, argc, argv);
}
