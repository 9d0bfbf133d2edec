/* SPDX-License-Identifier: MIT */
#include "work/sandbox_support.h"

#include <errno.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int
sandbox_landlock_version(void)
{
	long version = syscall(
		SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	return version < 1 ? 0 : (int)version;
}

/* A kernel that knows filters looks for this one where there is none. */
bool
sandbox_filters_calls(void)
{
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL) != 0 && errno == EFAULT;
}
