/* SPDX-License-Identifier: MIT */
#include "cli/exit.h"

#include <stddef.h>

const struct exit_meaning exit_table[] = {
	{EXIT_DONE, ERR_NONE, "done"},
	{EXIT_NONE, ERR_NONE,
		"ran well, but the answer is none, or only a part was done"},
	{EXIT_USAGE, ERR_USAGE, "the command line is wrong"},
	{EXIT_DATA, ERR_DATA, "an input record is wrong; the others were taken"},
	{EXIT_NO_INPUT, ERR_NO_INPUT, "no such input, job or store"},
	{EXIT_UNREACHABLE, ERR_UNREACHABLE, "the store does not answer"},
	{EXIT_BUG, ERR_BUG, "an internal error: please report it"},
	{EXIT_OS, ERR_OS, "the operating system refused: memory, descriptors"},
	{EXIT_CREATE, ERR_CREATE, "a file cannot be created"},
	{EXIT_IO, ERR_IO, "read or write failed, disk full, or the store is corrupt"},
	{EXIT_BUSY, ERR_BUSY, "somebody else holds the store; try again"},
	{EXIT_PERMISSION, ERR_PERMISSION, "permission denied"},
	{EXIT_CONFIG, ERR_CONFIG, "configuration, policy or schema does not fit"},
	{EXIT_DONE, ERR_NONE, NULL},
};

enum exit_code
exit_code_of(enum err_kind kind)
{
	for (size_t i = 0; exit_table[i].meaning != NULL; i++)
		if (exit_table[i].kind == kind)
			return exit_table[i].code;
	return EXIT_BUG;
}

enum exit_code
exit_worse(enum exit_code now, enum exit_code next)
{
	if (now == EXIT_DONE || (now == EXIT_NONE && next != EXIT_DONE))
		return next;
	if (now == EXIT_DATA && next != EXIT_DONE && next != EXIT_NONE)
		return next;
	return now;
}
