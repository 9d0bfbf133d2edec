/* SPDX-License-Identifier: MIT */
/*
 * The part of the sandbox that is a list of its own: which system calls are left.
 */
#ifndef WORK_SANDBOX_INTERNAL_H
#define WORK_SANDBOX_INTERNAL_H

#include "base/err.h"

/* Installs the filter of system calls. ERR_OS. */
int sandbox_filter_calls(struct err *err);

#endif
