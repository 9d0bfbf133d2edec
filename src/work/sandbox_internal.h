/* SPDX-License-Identifier: MIT */
#ifndef WORK_SANDBOX_INTERNAL_H
#define WORK_SANDBOX_INTERNAL_H

#include "base/err.h"

/* Installs the filter of system calls. ERR_OS. */
int sandbox_filter_calls(struct err *err);

#endif
