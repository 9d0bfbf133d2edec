/* SPDX-License-Identifier: MIT */
#include "cli/output.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { WIDTH_UNKNOWN = 80, WIDTH_MAX = 10000 };

size_t
output_width(bool terminal)
{
	const char *text = getenv("COLUMNS");
	struct winsize window;
	int64_t columns;

	if (text != NULL && span_to_int64(span_of(text), &columns) && columns > 0 &&
		columns <= WIDTH_MAX)
		return (size_t)columns;
	if (!terminal)
		return 0;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0)
		return window.ws_col;
	return WIDTH_UNKNOWN;
}

bool
color_wanted(const struct cli_common *common, bool terminal)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	if (common->color != COLOR_AUTO)
		return common->color == COLOR_ALWAYS;
	if (!terminal || (no_color != NULL && no_color[0] != '\0'))
		return false;
	return term != NULL && strcmp(term, "dumb") != 0;
}

const char *
tint_start(enum tint tint, bool color)
{
	static const char *const codes[] = {
		[TINT_NONE] = "",
		[TINT_GOOD] = "\033[32m",
		[TINT_BAD] = "\033[31m",
		[TINT_WARN] = "\033[33m",
		[TINT_DIM] = "\033[2m",
		[TINT_BOLD] = "\033[1m",
	};

	return color ? codes[tint] : "";
}

const char *
tint_end(enum tint tint, bool color)
{
	return color && tint != TINT_NONE ? "\033[0m" : "";
}
