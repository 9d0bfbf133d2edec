/* SPDX-License-Identifier: MIT */
/*
 * What libFuzzer calls. One program for all targets: it runs the one that it is called by
 * the name of, through a symbolic link.
 */
#include "target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static const struct target *chosen;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *slash = strrchr((*argv)[0], '/');

	(void)argc;
	chosen = target_named(slash == NULL ? (*argv)[0] : slash + 1);
	if (chosen == NULL) {
		fprintf(stderr, "fuzz: %s: no such target\n", (*argv)[0]);
		exit(64);
	}
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	chosen->run((struct span){(const char *)bytes, len});
	return 0;
}
