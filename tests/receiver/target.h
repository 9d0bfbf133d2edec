/* SPDX-License-Identifier: MIT */
/*
 * A request target taken apart: "/status/429?retry-after=7" has the name "status", the
 * argument "429" and one parameter. Percent escapes are undone in the parameters only.
 */
#ifndef RECEIVER_TARGET_H
#define RECEIVER_TARGET_H

#include "base/arena.h"

enum { TARGET_PARAMS_MAX = 16 };

struct target_param {
	struct span name;
	struct span value; /* "" without a '=' */
};

struct target {
	struct span name;
	struct span argument; /* the rest of the path; "" without one */
	struct span query;    /* as it came, without the '?' */
	struct target_param params[TARGET_PARAMS_MAX];
	size_t param_count;
};

/* Borrows text; decoded values are NUL-terminated and live in the arena. ERR_OS. */
int target_parse(
	struct target *target, struct arena *arena, struct span text, struct err *err);

/* The value of a parameter, or NULL. */
const char *target_param(const struct target *target, const char *name);

/* The argument as a number; otherwise is what an absent or odd one means. */
int64_t target_number(const struct target *target, int64_t otherwise);

/* Takes what stands before the separator off the front of *rest; all of it without one.
 */
struct span take_until(struct span *rest, char separator);

#endif
