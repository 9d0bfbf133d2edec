/* SPDX-License-Identifier: MIT */
/*
 * The files of a store on disk: the database, SQLite's -wal and -shm (or -journal) and
 * our .lock, all in one directory and of mode 0600. None of them is opened unless it, the
 * directory and those above can be trusted (base/trust.h) and it is a plain file with
 * this one name.
 */
#ifndef STORE_FILES_H
#define STORE_FILES_H

#include "base/err.h"

/* Makes the database, empty, and the directories above it (0700), where they are not
 * there yet, whatever the umask. ERR_CREATE; ERR_PERMISSION for a place not to be
 * trusted.
 */
int files_create(const char *path, struct err *err);

/*
 * Syncs the directories above the database, all the way up: a name is on the disk only
 * when its directory is, and a power cut takes along what stands below a lost name.
 * ERR_IO.
 */
int files_sync_names(const char *path, struct err *err);

/*
 * Replaces *path by what it stands for if it is a symbolic link: a lock beside the link
 * would not be the one beside the database. ERR_PERMISSION for a link that another user
 * made; ERR_NO_INPUT, ERR_OS.
 */
int files_follow_link(char **path, struct err *err);

/*
 * Whether the files can be trusted: ERR_PERMISSION; ERR_CONFIG for what is not a plain
 * file; ERR_NO_INPUT for no database. Those beside the database may be missing, so in a
 * directory where others make files too, ask again once they have been opened.
 */
int files_check(const char *path, struct err *err);

/* Says that there is none. ERR_NO_INPUT. */
int files_no_store(const char *path, struct err *err);

#endif
