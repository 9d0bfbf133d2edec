/* SPDX-License-Identifier: MIT */
/*
 * Exit codes, the same for every program (sysexits.h where it has one). This table is
 * also what the man pages print and the tests check.
 */
#ifndef CLI_EXIT_H
#define CLI_EXIT_H

#include "base/err.h"

enum exit_code {
	EXIT_DONE = 0,
	EXIT_NONE = 1,
	EXIT_USAGE = 64,
	EXIT_DATA = 65,
	EXIT_NO_INPUT = 66,
	EXIT_UNREACHABLE = 69,
	EXIT_BUG = 70,
	EXIT_OS = 71,
	EXIT_CREATE = 73,
	EXIT_IO = 74,
	EXIT_BUSY = 75,
	EXIT_PERMISSION = 77,
	EXIT_CONFIG = 78,
};

struct exit_meaning {
	enum exit_code code;
	enum err_kind kind; /* ERR_NONE for 0 and 1 */
	const char *meaning;
};

/* Ends with a NULL meaning. */
extern const struct exit_meaning exit_table[];

enum exit_code exit_code_of(enum err_kind kind);

/*
 * The graver of two: any error beats EXIT_NONE beats EXIT_DONE. Of two errors the first,
 * but EXIT_DATA yields to any other, for it says that the other records were taken.
 */
enum exit_code exit_worse(enum exit_code now, enum exit_code next);

#endif
