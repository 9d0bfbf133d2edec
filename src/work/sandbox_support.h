/* SPDX-License-Identifier: MIT */
/*
 * What this kernel has to make a worker's sandbox of (work/sandbox.h). Asking changes
 * nothing.
 */
#ifndef WORK_SANDBOX_SUPPORT_H
#define WORK_SANDBOX_SUPPORT_H

#include <stdbool.h>

/* Of Landlock, which confines files; 0: there is none, or it is turned off. */
int sandbox_landlock_version(void);

/* Whether system calls can be filtered (seccomp). */
bool sandbox_filters_calls(void);

#endif
