/* SPDX-License-Identifier: MIT */
/*
 * What a worker gives up once it is set up, so that whoever takes it over through what a
 * receiver sends has little of the machine: capabilities, gaining any (no_new_privs), the
 * system calls that delivering webhooks has no use for (seccomp), and the files that are
 * not its own, and signals to others once more (Landlock). Threads that are started later
 * are confined too; nothing gives any of it back.
 */
#ifndef WORK_SANDBOX_H
#define WORK_SANDBOX_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct sandbox {
	int ruleset;         /* private; -1: this kernel confines no files */
	uint64_t rights;     /* private; that this kernel can withhold */
	bool calls_filtered; /* after sandbox_enter() */
};

/* Nothing is allowed of the file system yet but what libraries need of the system: their
 * own files, certificates, the resolver's configuration. */
void sandbox_init(struct sandbox *sandbox);
void sandbox_free(struct sandbox *sandbox);

/*
 * The directory of that file, and of what it leads to as a link, may be read; or it may
 * be read and files be made, written and removed there. The directory, because files are
 * replaced by others of their name. What does not exist is not allowed.
 */
void sandbox_allow_reading(struct sandbox *sandbox, const char *file);
void sandbox_allow_writing(struct sandbox *sandbox, const char *file);

/*
 * Enters it: this thread and those that it starts from now on. What the kernel does not
 * offer is left out; then -1 and ERR_OS, "sandbox: reason".
 */
int sandbox_enter(struct sandbox *sandbox, struct err *err);

#endif
