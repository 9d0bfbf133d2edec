/* SPDX-License-Identifier: MIT */
#include "cli/output.h"

#include <stdarg.h>

enum { QUIET_US = 1000000, BETWEEN_US = 100000 };

void
progress_start(struct progress *progress, const struct cli *cli)
{
	*progress = (struct progress){
		.started_us = clock_monotonic_us(),
		.enabled = cli->stderr_terminal,
	};
}

void
progress_show(struct progress *progress, const char *format, ...)
{
	int64_t now_us = clock_monotonic_us();
	va_list args;

	if (!progress->enabled || now_us - progress->started_us < QUIET_US ||
		now_us - progress->shown_us < BETWEEN_US)
		return;
	progress->shown_us = now_us;
	fputs("\r\033[K", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fflush(stderr);
}

void
progress_end(struct progress *progress)
{
	if (progress->shown_us != 0)
		fputs("\r\033[K", stderr);
	progress->enabled = false;
}
