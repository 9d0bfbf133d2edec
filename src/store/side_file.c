/* SPDX-License-Identifier: MIT */
#include "store/side_file.h"

#include "base/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

static int
open_existing(const char *path, int flags, struct err *err)
{
	int fd = open(path, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat status;

	if (fd < 0)
		return err_errno(err, "%s", path);
	if (fstat(fd, &status) != 0)
		err_errno(err, "%s", path);
	else if (trust_status(&status, path, err) == 0)
		return fd;
	close(fd);
	return -1;
}

/* Of mode 0600 whatever the umask, as all files of a store. */
static int
open_or_create(const char *path, struct err *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 && errno == EEXIST)
		return open_existing(path, O_RDWR, err);
	if (fd >= 0 && fchmod(fd, 0600) == 0)
		return fd;
	err_errno(err, "%s", path);
	if (fd >= 0)
		close(fd);
	return -1;
}

int
side_file_open(
	struct side_file *side, const char *db_path, bool writable, struct err *err)
{
	*side = (struct side_file){.fd = -1, .wake_fd = -1};
	if (asprintf(&side->path, "%s.lock", db_path) < 0) {
		side->path = NULL;
		return err_no_memory(err);
	}
	if (writable)
		side->fd = open_or_create(side->path, err);
	else
		side->fd = open_existing(side->path, O_RDONLY, NULL);
	return side->fd < 0 && writable ? -1 : 0;
}

void
side_file_close(struct side_file *side)
{
	if (side->fd >= 0)
		close(side->fd);
	if (side->wake_fd >= 0)
		close(side->wake_fd);
	free(side->path);
	*side = (struct side_file){.fd = -1, .wake_fd = -1};
}

int
side_file_lock(struct side_file *side, int64_t wait_ms, struct err *err)
{
	if (lock_in_turn(side->fd, wait_ms, &side->waited) == 0)
		return 0;
	if (errno == ETIMEDOUT)
		return err_set(err, ERR_BUSY,
			"%s: another program has been writing for longer than %.1f s",
			side->path, (double)wait_ms / 1000);
	return err_errno(err, "%s", side->path);
}

void
side_file_unlock(struct side_file *side)
{
	flock(side->fd, LOCK_UN);
}

static struct flock
worker_byte(int64_t worker, short type)
{
	return (struct flock){
		.l_type = type, .l_whence = SEEK_SET, .l_start = worker, .l_len = 1};
}

int
side_file_hold_worker(struct side_file *side, int64_t worker, struct err *err)
{
	struct flock lock = worker_byte(worker, F_WRLCK);

	if (fcntl(side->fd, F_OFD_SETLK, &lock) != 0)
		return err_errno(err, "%s", side->path);
	return 0;
}

void
side_file_release_worker(struct side_file *side, int64_t worker)
{
	struct flock lock = worker_byte(worker, F_UNLCK);

	fcntl(side->fd, F_OFD_SETLK, &lock);
}

/* Byte 0 is no worker's, and those who read-lock it do not get into each other's way. */
bool
side_file_can_lock(const struct side_file *side)
{
	struct flock lock = worker_byte(0, F_RDLCK);

	if (side->fd < 0)
		return true;
	if (fcntl(side->fd, F_OFD_SETLK, &lock) != 0)
		return errno == EAGAIN || errno == EACCES;
	lock.l_type = F_UNLCK;
	fcntl(side->fd, F_OFD_SETLK, &lock);
	return true;
}

static bool
another_holds(const struct side_file *side, struct flock lock)
{
	return side->fd >= 0 && fcntl(side->fd, F_OFD_GETLK, &lock) == 0 &&
		lock.l_type != F_UNLCK;
}

bool
side_file_worker_lives(const struct side_file *side, int64_t worker)
{
	return another_holds(side, worker_byte(worker, F_WRLCK));
}

bool
side_file_any_worker_lives(const struct side_file *side)
{
	struct flock lock = worker_byte(1, F_WRLCK);

	lock.l_len = 0; /* to the end */
	return another_holds(side, lock);
}

/* An ext4 whose journal has just ended notices that when it is to change something, and
 * tells whoever comes next. Other failures say nothing of the disk. */
int
side_file_check_disk(const struct side_file *side)
{
	for (int times = 0; times < 2; times++)
		if (futimens(side->fd, NULL) != 0)
			return errno == EROFS || errno == EIO ? -1 : 0;
	return 0;
}

void
side_file_poke(struct side_file *side)
{
	ssize_t ignored = pwrite(side->fd, "!", 1, 0);

	(void)ignored;
}

int
side_file_wake_fd(struct side_file *side, struct err *err)
{
	int fd;

	if (side->wake_fd >= 0)
		return side->wake_fd;
	fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (fd < 0)
		return err_errno(err, "inotify");
	if (inotify_add_watch(fd, side->path, IN_MODIFY) < 0) {
		err_errno(err, "%s: inotify", side->path);
		close(fd);
		return -1;
	}
	side->wake_fd = fd;
	return fd;
}

void
side_file_wake_clear(struct side_file *side)
{
	_Alignas(struct inotify_event) char events[4096];

	if (side->wake_fd < 0)
		return;
	while (read(side->wake_fd, events, sizeof(events)) > 0)
		;
}
