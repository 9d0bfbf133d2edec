/* SPDX-License-Identifier: MIT */
/*
 * The journal that record.c writes: what programs did to the files of one directory, in
 * the order in which it happened, whichever process did it.
 */
#ifndef TESTS_TORTURE_RECORD_H
#define TESTS_TORTURE_RECORD_H

#include <stdint.h>

enum record_kind {
	RECORD_CREATE,   /* bytes: the path */
	RECORD_MKDIR,    /* likewise */
	RECORD_UNLINK,   /* likewise */
	RECORD_WRITE,    /* bytes, at `offset` */
	RECORD_TRUNCATE, /* to `offset` */
	RECORD_SYNC,     /* of a file or a directory */
	RECORD_LOCK,     /* flock(2), exclusive */
	RECORD_UNLOCK,
	RECORD_OUTPUT, /* bytes, to stdout */
};

struct record {
	uint32_t kind;
	int32_t pid;
	uint64_t inode;
	int64_t offset;
	uint64_t len; /* of the bytes that follow */
};

#endif
