/* SPDX-License-Identifier: MIT */
/*
 * The file NAME.db.lock beside a store. It carries three things between the programs on
 * one machine, and nothing in it needs to survive them:
 *
 * - the turn to write: flock(2) on the file. The kernel queues those who wait, where
 *   SQLite's own busy handler lets a busy writer starve another for seconds;
 * - that a worker lives: a lock on the byte at the worker's number, gone at the instant
 *   the process is;
 * - the news that there is work: one byte written, seen through inotify(7).
 *
 * It is a file of its own because closing any descriptor of the database drops SQLite's
 * locks on it.
 */
#ifndef STORE_SIDE_FILE_H
#define STORE_SIDE_FILE_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct side_file {
	char *path;
	int fd;      /* -1: there is none (reading a store that has had no writer) */
	int wake_fd; /* -1: not asked for */
	bool waited; /* for the turn that was taken last */
};

/* Makes the file (0600) if `writable`; if not, a file that cannot be opened counts
 * as missing. ERR_PERMISSION if somebody else may write to it. */
int side_file_open(
	struct side_file *side, const char *db_path, bool writable, struct err *err);
void side_file_close(struct side_file *side);

/* Takes the turn to write. ERR_BUSY after wait_ms. */
int side_file_lock(struct side_file *side, int64_t wait_ms, struct err *err);
void side_file_unlock(struct side_file *side);

/* Whether files can be locked here at all: a file system may have no locks, and a kernel
 * may have none left. If not, errno says why. */
bool side_file_can_lock(const struct side_file *side);

/* This process is that worker from now on / no longer. */
int side_file_hold_worker(struct side_file *side, int64_t worker, struct err *err);
void side_file_release_worker(struct side_file *side, int64_t worker);

/* Whether another holder of the file is that worker. */
bool side_file_worker_lives(const struct side_file *side, int64_t worker);
bool side_file_any_worker_lives(const struct side_file *side);

/* Whether the file system takes changes: 0, or -1 with errno EROFS or EIO. */
int side_file_check_disk(const struct side_file *side);

/* Wakes everyone who watches; failure only costs them a wait. */
void side_file_poke(struct side_file *side);

/* Readable after a poke by anyone; owned by *side. */
int side_file_wake_fd(struct side_file *side, struct err *err);
void side_file_wake_clear(struct side_file *side);

/* flock(2), exclusive, in turn, for at most wait_ms: 0, or -1 with errno (ETIMEDOUT);
 * *waited: it was not free at once. */
int lock_in_turn(int fd, int64_t wait_ms, bool *waited);

#endif
