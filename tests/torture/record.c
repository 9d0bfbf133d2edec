/* SPDX-License-Identifier: MIT */
/*
 * A library to be preloaded that writes down, in $RECORD, what a program does to the
 * files below $RECORD_ROOT and what it prints (record.h). The call and its record are one
 * step: no other process records in between. A lock is recorded behind taking it and
 * before giving it back, so whoever is recorded as its holder has it.
 */
#include "record.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { FDS_MAX = 1024, JOURNAL_FD_LEAST = 900, PATH_BYTES = 4096 };

/* The inodes behind our descriptors; 0: not below the root. */
static struct {
	pthread_mutex_t turn;
	const char *root;
	int journal; /* 0: nothing is recorded */
	uint64_t inodes[FDS_MAX];
	bool locked[FDS_MAX];
} recorder = {.turn = PTHREAD_MUTEX_INITIALIZER};

/* ---- the journal ----------------------------------------------------------------- */

/* Ours among the threads, then ours among the processes. */
static void
take_turn(void)
{
	pthread_mutex_lock(&recorder.turn);
	syscall(SYS_flock, recorder.journal, LOCK_EX);
}

static void
end_turn(void)
{
	int number = errno;

	syscall(SYS_flock, recorder.journal, LOCK_UN);
	pthread_mutex_unlock(&recorder.turn);
	errno = number;
}

static void
put(enum record_kind kind, uint64_t inode, int64_t offset, const void *bytes, size_t len)
{
	struct record record = {.kind = kind,
		.pid = (int32_t)syscall(SYS_getpid),
		.inode = inode,
		.offset = offset,
		.len = len};
	struct iovec parts[] = {{&record, sizeof(record)}, {(void *)bytes, len}};

	if (syscall(SYS_writev, recorder.journal, parts, len > 0 ? 2 : 1) < 0)
		abort(); /* a journal with a hole proves nothing */
}

static uint64_t
inode_of(int fd)
{
	return recorder.journal > 0 && fd >= 0 && fd < FDS_MAX ? recorder.inodes[fd] : 0;
}

/* What stdio does inside the C library cannot be wrapped, so stdout goes through us. */
static ssize_t
write_stdout(void *context, const char *bytes, size_t len)
{
	(void)context;
	return write(STDOUT_FILENO, bytes, len);
}

static void __attribute__((constructor)) open_journal(void)
{
	const char *path = getenv("RECORD");
	FILE *wrapped;
	int fd;

	recorder.root = getenv("RECORD_ROOT");
	if (path == NULL || recorder.root == NULL)
		return;
	fd = (int)syscall(
		SYS_openat, AT_FDCWD, path, O_WRONLY | O_APPEND | O_CREAT, 0600);
	recorder.journal = (int)syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, JOURNAL_FD_LEAST);
	syscall(SYS_close, fd);
	if (recorder.journal < 0)
		abort();
	wrapped = fopencookie(NULL, "w", (cookie_io_functions_t){.write = write_stdout});
	if (wrapped != NULL)
		stdout = wrapped;
}

/* ---- names ----------------------------------------------------------------------- */

static bool
is_below_root(const char *path)
{
	return strncmp(path, recorder.root, strlen(recorder.root)) == 0;
}

static uint64_t
inode_at(const char *path)
{
	struct stat status;

	if (syscall(SYS_newfstatat, AT_FDCWD, path, &status, 0) != 0)
		return 0;
	return status.st_ino;
}

/* From now on we know what the descriptor is; a file that was not there is recorded. */
static void
know(int fd, bool is_new)
{
	char link[64], path[PATH_BYTES];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof(path) - 1);
	if (len < 0 || fd >= FDS_MAX)
		return;
	path[len] = '\0';
	if (!is_below_root(path))
		return;
	recorder.inodes[fd] = inode_at(path);
	if (is_new)
		put(RECORD_CREATE, recorder.inodes[fd], 0, path, (size_t)len);
}

static int
open_recorded(const char *path, int flags, mode_t mode)
{
	bool is_new;
	int fd;

	if (recorder.journal <= 0)
		return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
	take_turn();
	is_new = (flags & O_CREAT) != 0 && inode_at(path) == 0;
	fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
	if (fd >= 0)
		know(fd, is_new);
	end_turn();
	return fd;
}

int
open(const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = (flags & O_CREAT) != 0 ? va_arg(args, mode_t) : 0;
	va_end(args);
	return open_recorded(path, flags, mode);
}

int open64(const char *path, int flags, ...) __attribute__((alias("open")));

/* What open() becomes where it is compiled with _FORTIFY_SOURCE. */
int __open_2(const char *path, int flags);

int
__open_2(const char *path, int flags)
{
	return open_recorded(path, flags, 0);
}

int
close(int fd)
{
	int result;

	if (inode_of(fd) == 0)
		return (int)syscall(SYS_close, fd);
	take_turn();
	if (recorder.locked[fd])
		put(RECORD_UNLOCK, recorder.inodes[fd], 0, NULL, 0);
	recorder.locked[fd] = false;
	recorder.inodes[fd] = 0;
	result = (int)syscall(SYS_close, fd);
	end_turn();
	return result;
}

/* realpath(3) is asked while the name is there. */
static int
change_name(enum record_kind kind, const char *path, mode_t mode)
{
	char whole[PATH_BYTES] = "";
	int result;

	take_turn();
	if (kind == RECORD_UNLINK && realpath(path, whole) == NULL)
		whole[0] = '\0';
	result = kind == RECORD_UNLINK ? (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0)
				       : (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
	if (result == 0 && kind == RECORD_MKDIR && realpath(path, whole) == NULL)
		whole[0] = '\0';
	if (result == 0 && is_below_root(whole))
		put(kind, kind == RECORD_MKDIR ? inode_at(whole) : 0, 0, whole,
			strlen(whole));
	end_turn();
	return result;
}

int
mkdir(const char *path, mode_t mode)
{
	if (recorder.journal <= 0)
		return (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
	return change_name(RECORD_MKDIR, path, mode);
}

int
unlink(const char *path)
{
	if (recorder.journal <= 0)
		return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
	return change_name(RECORD_UNLINK, path, 0);
}

/* ---- contents -------------------------------------------------------------------- */

ssize_t
pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
	uint64_t inode = inode_of(fd);
	ssize_t written;

	if (inode == 0)
		return syscall(SYS_pwrite64, fd, bytes, len, offset);
	take_turn();
	written = syscall(SYS_pwrite64, fd, bytes, len, offset);
	if (written > 0)
		put(RECORD_WRITE, inode, offset, bytes, (size_t)written);
	end_turn();
	return written;
}

ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t offset)
	__attribute__((alias("pwrite")));

/* Of our programs only stdout is written to without a place. */
ssize_t
write(int fd, const void *bytes, size_t len)
{
	ssize_t written;

	if (recorder.journal <= 0 || fd != STDOUT_FILENO)
		return syscall(SYS_write, fd, bytes, len);
	take_turn();
	written = syscall(SYS_write, fd, bytes, len);
	if (written > 0)
		put(RECORD_OUTPUT, 0, 0, bytes, (size_t)written);
	end_turn();
	return written;
}

int
ftruncate(int fd, off_t len)
{
	uint64_t inode = inode_of(fd);
	int result;

	if (inode == 0)
		return (int)syscall(SYS_ftruncate, fd, len);
	take_turn();
	result = (int)syscall(SYS_ftruncate, fd, len);
	if (result == 0)
		put(RECORD_TRUNCATE, inode, len, NULL, 0);
	end_turn();
	return result;
}

int ftruncate64(int fd, off_t len) __attribute__((alias("ftruncate")));

/* Nobody of ours writes while the turn is held, so all that was written is synced. */
static int
sync_recorded(int fd, long call)
{
	uint64_t inode = inode_of(fd);
	int result;

	if (inode == 0)
		return (int)syscall(call, fd);
	take_turn();
	result = (int)syscall(call, fd);
	if (result == 0)
		put(RECORD_SYNC, inode, 0, NULL, 0);
	end_turn();
	return result;
}

int
fsync(int fd)
{
	return sync_recorded(fd, SYS_fsync);
}

int
fdatasync(int fd)
{
	return sync_recorded(fd, SYS_fdatasync);
}

/* ---- turns ----------------------------------------------------------------------- */

static void
record_lock(int fd, enum record_kind kind)
{
	take_turn();
	put(kind, recorder.inodes[fd], 0, NULL, 0);
	recorder.locked[fd] = kind == RECORD_LOCK;
	end_turn();
}

int
flock(int fd, int operation)
{
	int result;

	if (inode_of(fd) == 0)
		return (int)syscall(SYS_flock, fd, operation);
	if (operation == LOCK_UN)
		record_lock(fd, RECORD_UNLOCK);
	result = (int)syscall(SYS_flock, fd, operation);
	if (result == 0 && operation != LOCK_UN)
		record_lock(fd, RECORD_LOCK);
	return result;
}
