/* SPDX-License-Identifier: MIT */
/*
 * Whether somebody else may have had a hand in a file. A file is trusted if we or root
 * own it and nobody else may write to it, members of its group included, as OpenSSH has
 * it for its own files. Of a directory the same is asked, but where everybody may write
 * and the sticky bit keeps everybody off the others' files, as in /tmp, our own are safe.
 *
 * Ask the descriptor that is going to be read: a name may mean another file by then.
 */
#ifndef BASE_TRUST_H
#define BASE_TRUST_H

#include "base/err.h"

#include <sys/stat.h>

/* Either of the two below. */
typedef int trust_check(const struct stat *status, const char *path, struct err *err);

/*
 * Judges what fstat(2) said of the file or directory. A device is judged by its owner
 * only: what is written to /dev/null changes nothing. ERR_PERMISSION, "path: reason:
 * remedy".
 */
trust_check trust_status;

/*
 * A file that holds a secret must be trusted, and be unreadable for others. Its group may
 * read it if root owns it: that is how an administrator hands a secret to a service.
 */
trust_check trust_secret_status;

/*
 * Judges the directories above `path`, all the way up, and the symbolic links that lead
 * there, as sshd does with StrictModes: whoever may write to one of them could put
 * another directory in the place of the next. What does not exist is not judged, nor is
 * what is below it.
 *
 * Above the first one a group may write if nobody else is known to be in it: root's
 * group, the private group of our user, and one of ours without a name. ERR_PERMISSION as
 * above; ERR_OS and whatever else there is to say of a name.
 */
int trust_ancestors(const char *path, struct err *err);

#endif
