/* SPDX-License-Identifier: MIT */
#include "store/files.h"

#include "base/buf.h"
#include "base/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- making them ----------------------------------------------------------------- */

/* The mode again after the call: the umask may have taken some of it away. */
static int
make_directory(const char *path, struct err *err)
{
	if (mkdir(path, 0700) == 0 ? chmod(path, 0700) == 0 : errno == EEXIST)
		return 0;
	return err_set(err, ERR_CREATE, "%s: %s", path, strerror(errno));
}

static int
make_directories(const char *path, struct err *err)
{
	char *copy = strdup(path);
	int result = 0;

	if (copy == NULL)
		return err_no_memory(err);
	for (char *slash = strchr(copy + 1, '/'); slash != NULL && result == 0;
		slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		result = make_directory(copy, err);
		*slash = '/';
	}
	free(copy);
	return result;
}

int
files_create(const char *path, struct err *err)
{
	struct stat status;
	int fd, result = 0;

	if (lstat(path, &status) == 0)
		return 0;
	if (trust_ancestors(path, err) != 0 || make_directories(path, err) != 0)
		return -1;
	/* An empty file is an empty database to SQLite; made here for the mode's sake. */
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 && errno == EEXIST)
		return 0;
	if (fd < 0 || fchmod(fd, 0600) != 0)
		result = err_set(err, ERR_CREATE, "%s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return result;
}

/* What we may not even read we have not changed; some file systems have nothing
 * to sync. */
static int
sync_directory(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int result = 0;

	if (fd < 0)
		return errno == EACCES ? 0 : err_errno(err, "%s", path);
	if (fsync(fd) != 0 && errno != EINVAL && errno != EROFS)
		result = err_errno(err, "%s", path);
	close(fd);
	return result;
}

int
files_sync_names(const char *path, struct err *err)
{
	char *copy = strdup(path);
	char *slash;
	int result = 0;

	if (copy == NULL)
		return err_no_memory(err);
	while (result == 0 && (slash = strrchr(copy, '/')) != NULL && slash != copy) {
		*slash = '\0';
		result = sync_directory(copy, err);
	}
	if (result == 0)
		result = sync_directory(path[0] == '/' ? "/" : ".", err);
	free(copy);
	return result;
}

/* ---- judging them ---------------------------------------------------------------- */

int
files_no_store(const char *path, struct err *err)
{
	return err_set(err, ERR_NO_INPUT,
		"%s: no store yet; whenqueue makes it, --db names another", path);
}

static int
no_file(const char *path, struct err *err)
{
	return errno == ENOENT ? files_no_store(path, err) : err_errno(err, "%s", path);
}

int
files_follow_link(char **path, struct err *err)
{
	struct stat link;
	char *real;

	if (lstat(*path, &link) != 0)
		return no_file(*path, err);
	if (!S_ISLNK(link.st_mode))
		return 0;
	if (trust_ancestors(*path, err) != 0)
		return -1;
	if (link.st_uid != geteuid() && link.st_uid != 0)
		return err_set(err, ERR_PERMISSION,
			"%s: is a symbolic link that another user made (uid %u): name "
			"the store itself",
			*path, (unsigned)link.st_uid);
	real = realpath(*path, NULL);
	if (real == NULL && errno == ENOENT)
		return err_set(err, ERR_NO_INPUT,
			"%s: is a symbolic link to nothing: remove it, or name the "
			"store itself",
			*path);
	if (real == NULL)
		return err_errno(err, "%s", *path);
	free(*path);
	*path = real;
	return 0;
}

static int
check_plain(const struct stat *status, const char *path, struct err *err)
{
	if (!S_ISREG(status->st_mode))
		return err_set(err, ERR_CONFIG, "%s: is not a regular file", path);
	if (trust_status(status, path, err) != 0)
		return -1;
	/* SQLite and we would lock and log beside one name what is open under another. */
	if (status->st_nlink > 1)
		return err_set(err, ERR_CONFIG,
			"%s: has another name: remove the hard link (find / -samefile "
			"tells which)",
			path);
	return 0;
}

/* One file of the directory, whose name is the last part of `path`. */
static int
check_entry(int directory, const char *path, struct err *err)
{
	const char *slash = strrchr(path, '/');
	struct stat status;

	if (fstatat(directory, slash == NULL ? path : slash + 1, &status,
		    AT_SYMLINK_NOFOLLOW) != 0)
		return no_file(path, err);
	return check_plain(&status, path, err);
}

static int
check_beside(int directory, const char *path, struct err *err)
{
	static const char *const endings[] = {"-wal", "-shm", "-journal", ".lock"};
	struct buf name;
	int result = 0;

	buf_init(&name, PATH_MAX + sizeof("-journal"));
	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]) && result == 0; i++) {
		buf_clear(&name);
		buf_printf(&name, "%s%s", path, endings[i]);
		result = buf_check(&name, err);
		if (result == 0)
			result = check_entry(directory, name.data, err);
		if (result != 0 && err->kind == ERR_NO_INPUT)
			result = 0;
	}
	buf_free(&name);
	return result;
}

/* O_PATH: nothing is opened but the name, so that nothing can hang or be set off. */
static int
open_directory(const char *path, struct err *err)
{
	const char *slash = strrchr(path, '/');
	char *name = slash == NULL
		? strdup(".")
		: strndup(path, (size_t)(slash - path) + (slash == path));
	struct stat status;
	int fd, result = -1;

	if (name == NULL)
		return err_no_memory(err);
	fd = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status) != 0) {
		no_file(path, err);
		goto out;
	}
	if (trust_status(&status, name, err) == 0)
		result = fd;
out:
	if (result < 0 && fd >= 0)
		close(fd);
	free(name);
	return result;
}

int
files_check(const char *path, struct err *err)
{
	int directory = open_directory(path, err);
	int result;

	if (directory < 0)
		return -1;
	result = trust_ancestors(path, err);
	if (result == 0)
		result = check_entry(directory, path, err);
	if (result == 0)
		result = check_beside(directory, path, err);
	close(directory);
	return result;
}
