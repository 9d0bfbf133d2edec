/* SPDX-License-Identifier: MIT */
#include "base/trust.h"

#include <unistd.h>

enum { WRITE_BY_OTHERS = S_IWGRP | S_IWOTH };

int
trust_status(const struct stat *status, const char *path, struct err *err)
{
	mode_t mode = status->st_mode;

	if (status->st_uid != geteuid() && status->st_uid != 0)
		return err_set(err, ERR_PERMISSION,
			"%s: belongs to another user (uid %u; yours is %u): work as that "
			"user, or chown it",
			path, (unsigned)status->st_uid, (unsigned)geteuid());
	if (S_ISCHR(mode) || (S_ISDIR(mode) && (mode & S_ISVTX) != 0))
		return 0;
	if ((mode & WRITE_BY_OTHERS) != 0)
		return err_set(err, ERR_PERMISSION,
			"%s: other users may write to it (mode %04o): chmod go-w %s",
			path, (unsigned)mode & 07777, path);
	return 0;
}

int
trust_secret_status(const struct stat *status, const char *path, struct err *err)
{
	mode_t readers = S_IRGRP | S_IROTH;

	if (trust_status(status, path, err) != 0)
		return -1;
	if (status->st_uid == 0)
		readers = S_IROTH;
	if (S_ISCHR(status->st_mode) || (status->st_mode & readers) == 0)
		return 0;
	return err_set(err, ERR_PERMISSION,
		"%s: it holds a secret that other users may read (mode %04o): "
		"chmod go-rwx %s",
		path, (unsigned)status->st_mode & 07777, path);
}
