/* SPDX-License-Identifier: MIT */
#include "base/trust.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { LINKS_MAX = 40, ENTRY_SIZE = 4096 };

/*
 * The way to a file, judged from the left. Nobody but us can make what has been judged
 * lead elsewhere, which is why names can be used.
 */
struct way {
	char *path;    /* absolute; links are replaced by what they lead to */
	size_t judged; /* so much of it: up to a slash */
	int links;     /* that were followed */
	uid_t root_owner;
};

/* ---- who else is in a group ------------------------------------------------------ */

/* A user's private group has his name, and nobody else in it. */
static bool
is_private_group(const struct group *group)
{
	char entry[ENTRY_SIZE];
	struct passwd user, *found = NULL;

	if (getpwuid_r(geteuid(), &user, entry, sizeof(entry), &found) != 0 ||
		found == NULL || user.pw_gid != group->gr_gid ||
		strcmp(user.pw_name, group->gr_name) != 0)
		return false;
	for (char **member = group->gr_mem; *member != NULL; member++)
		if (strcmp(*member, user.pw_name) != 0)
			return false;
	return true;
}

/* The group's bits are then those of all whom the list names. */
static bool
has_access_list(const char *path)
{
	return getxattr(path, "system.posix_acl_access", NULL, 0) >= 0 ||
		(errno != ENODATA && errno != ENOTSUP);
}

/*
 * Root's own; our private one; and one of ours that has no name, as containers give one
 * to a service and its volumes. Where an entry cannot be read there may be members.
 */
static bool
group_is_trusted(gid_t gid)
{
	char entry[ENTRY_SIZE];
	struct group group, *found = NULL;
	int error;

	if (gid == 0)
		return true;
	if (gid != getegid() && !group_member(gid))
		return false;
	error = getgrgid_r(gid, &group, entry, sizeof(entry), &found);
	if (error != 0 && error != ENOENT && error != ESRCH)
		return false;
	return found == NULL || is_private_group(found);
}

/* ---- one directory after the other ----------------------------------------------- */

/* Where ids are not mapped, as in some containers, root seems to be somebody else; but
 * whoever owns / could replace everything anyway. */
static bool
owner_is_trusted(const struct way *way, uid_t owner)
{
	return owner == geteuid() || owner == 0 || owner == way->root_owner;
}

static int
judge_directory(const struct way *way, const char *path, const struct stat *status,
	struct err *err)
{
	mode_t mode = status->st_mode;

	if (!owner_is_trusted(way, status->st_uid))
		return err_set(err, ERR_PERMISSION,
			"%s: belongs to another user (uid %u; yours is %u), who may put "
			"something else in the place of what is below: use a directory of "
			"your own",
			path, (unsigned)status->st_uid, (unsigned)geteuid());
	if ((mode & S_ISVTX) != 0 || (mode & (S_IWGRP | S_IWOTH)) == 0 ||
		((mode & S_IWOTH) == 0 && group_is_trusted(status->st_gid) &&
			!has_access_list(path)))
		return 0;
	return err_set(err, ERR_PERMISSION,
		"%s: other users may write to it (mode %04o), and so put something else in "
		"the place of what is below: chmod go-w %s",
		path, (unsigned)mode & 07777, path);
}

/* "." and "..", and nothing: what they are behind is no link, so they are only text. */
static bool
take_out_dots(struct way *way, char *slash)
{
	char *part = way->path + way->judged + 1;
	size_t len = (size_t)(slash - part);
	char *parent;

	if (len > 2 || memcmp(part, "..", len) != 0)
		return false;
	if (len == 2) {
		parent = memrchr(way->path, '/', way->judged);
		way->judged = parent == NULL ? 0 : (size_t)(parent - way->path);
	}
	memmove(way->path + way->judged, slash, strlen(slash) + 1);
	return true;
}

/* Puts what the link says in its place; `rest` is what follows it. */
static int
follow_link(struct way *way, const struct stat *status, const char *rest, struct err *err)
{
	char target[PATH_MAX], *led;
	ssize_t len;

	if (!owner_is_trusted(way, status->st_uid))
		return err_set(err, ERR_PERMISSION,
			"%s: is a symbolic link that another user made (uid %u): name what "
			"it leads to",
			way->path, (unsigned)status->st_uid);
	len = readlink(way->path, target, sizeof(target));
	if (len >= 0 && ++way->links > LINKS_MAX)
		errno = ELOOP;
	if (len < 0 || way->links > LINKS_MAX)
		return err_errno(err, "%s", way->path);
	if (target[0] == '/')
		way->judged = 0;
	if (asprintf(&led, "%.*s/%.*s/%s", (int)way->judged, way->path, (int)len, target,
		    rest) < 0)
		return err_no_memory(err);
	free(way->path);
	way->path = led;
	return 0;
}

/* Whoever goes this way is going to be told the same. */
static bool
ends_the_way(int error)
{
	return error == ENOENT || error == ENOTDIR || error == EACCES ||
		error == ENAMETOOLONG;
}

/* Judges what stands before that slash. 1: there is no way on from there. */
static int
judge_part(struct way *way, char *slash, struct err *err)
{
	struct stat status;

	if (take_out_dots(way, slash))
		return 0;
	*slash = '\0';
	if (lstat(way->path, &status) != 0)
		return ends_the_way(errno) ? 1 : err_errno(err, "%s", way->path);
	if (S_ISLNK(status.st_mode))
		return follow_link(way, &status, slash + 1, err);
	if (S_ISDIR(status.st_mode) && judge_directory(way, way->path, &status, err) != 0)
		return -1;
	*slash = '/';
	way->judged = (size_t)(slash - way->path);
	return 0;
}

static int
judge_root(struct way *way, struct err *err)
{
	struct stat status;

	if (stat("/", &status) != 0)
		return err_errno(err, "/");
	way->root_owner = status.st_uid;
	return judge_directory(way, "/", &status, err);
}

static char *
absolute_path(const char *path)
{
	char *here, *absolute = NULL;

	if (path[0] == '/')
		return strdup(path);
	here = getcwd(NULL, 0);
	if (here != NULL && asprintf(&absolute, "%s/%s", here, path) < 0)
		absolute = NULL;
	free(here);
	return absolute;
}

int
trust_ancestors(const char *path, struct err *err)
{
	struct way way = {.path = absolute_path(path)};
	char *slash;
	int result;

	if (way.path == NULL)
		return err_errno(err, "%s", path);
	result = judge_root(&way, err);
	while (result == 0 && (slash = strchr(way.path + way.judged + 1, '/')) != NULL)
		result = judge_part(&way, slash, err);
	free(way.path);
	return result < 0 ? -1 : 0;
}
