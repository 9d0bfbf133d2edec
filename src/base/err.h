/* SPDX-License-Identifier: MIT */
/*
 * Errors as values.
 *
 * A function that can fail takes a `struct err *` as its last parameter and returns 0, or
 * -1 with *err filled in. Library code never prints and never exits: only cmd/ turns the
 * kind into an exit code (cli/exit.h) and the text into a message.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdarg.h>

enum err_kind {
	ERR_NONE = 0,
	ERR_USAGE,       /* the command line is wrong */
	ERR_DATA,        /* an input record is wrong; the others are not affected */
	ERR_NO_INPUT,    /* a named input, job or store does not exist */
	ERR_UNREACHABLE, /* the store's server does not answer */
	ERR_BUG,         /* an invariant of ours does not hold */
	ERR_OS,          /* the operating system refused: memory, descriptors, threads */
	ERR_CREATE,      /* a file cannot be created */
	ERR_IO,          /* read or write failed, disk full, or the store is corrupt */
	ERR_BUSY,        /* somebody else holds it; trying again may succeed */
	ERR_PERMISSION,  /* not allowed to */
	ERR_CONFIG,      /* configuration, policy or schema does not fit */
};

enum { ERR_TEXT_MAX = 512 };

struct err {
	enum err_kind kind;
	char text[ERR_TEXT_MAX]; /* "object: reason", lower case, no full stop */
};

/* Fills *err (which may be NULL) and returns -1, so that callers `return err_set(...)`.
 */
int err_set(struct err *err, enum err_kind kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* As err_set(), from errno: the kind follows its value and its text is appended. */
int err_errno(struct err *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Out of memory. */
int err_no_memory(struct err *err);

/* Puts "<context>: " before the text of an error that is being passed up; returns -1. */
int err_context(struct err *err, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
