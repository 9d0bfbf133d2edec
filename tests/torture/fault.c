/* SPDX-License-Identifier: MIT */
/*
 * A library to be preloaded that makes the Nth call of a class fail:
 *
 *	FAULT='CLASS ERRNO N once' FAULT_MARK=FILE LD_PRELOAD=fault.so whenqueue …
 *
 * "ever" in the place of "once" lets all later calls of the class fail too. ERRNO 0 means
 * a short transfer, of half the bytes. FILE is made when a call fails, so its absence
 * says that the program has fewer than N calls. What must not fail goes to the kernel by
 * syscall(2), which no library in between can wrap.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum fault_class {
	FAULT_NONE,
	FAULT_WRITE,
	FAULT_READ,
	FAULT_SYNC,
	FAULT_OPEN,
	FAULT_FILES, /* their names, modes and lengths */
	FAULT_CLOSE,
	FAULT_LOCK,
	FAULT_ALLOC,
	FAULT_LIBCURL, /* of the allocations those that libcurl itself asks for */
	FAULT_MAP,
	FAULT_RANDOM,
	FAULT_RESOLVE,
	FAULT_SOCKET,
	FAULT_OPTION, /* what a socket is told and asked */
	FAULT_CONNECT,
	FAULT_SEND,
	FAULT_RECEIVE,
	FAULT_WAIT,  /* poll, epoll_wait */
	FAULT_SETUP, /* descriptors and threads that a program makes as it starts */
	FAULT_CLASS_COUNT
};

static const char *const class_names[FAULT_CLASS_COUNT] = {"none", "write", "read",
	"sync", "open", "files", "close", "lock", "alloc", "libcurl", "map", "random",
	"resolve", "socket", "option", "connect", "send", "receive", "wait", "setup"};

/* The order, fixed before main() runs. */
static struct {
	enum fault_class class;
	int number; /* errno; 0: a short transfer */
	long nth;
	bool ever;
	char *mark;
	atomic_long calls;
	atomic_bool
		over; /* main() has returned: the rest is the C library's, or gcov's */
} fault;

/* Whether this call is to fail; sets errno. */
static bool is_struck(enum fault_class class)
{
	long call;

	if (class != fault.class || atomic_load(&fault.over))
		return false;
	call = atomic_fetch_add(&fault.calls, 1) + 1;
	if (call < fault.nth || (call > fault.nth && !fault.ever))
		return false;
	*fault.mark = 1;
	errno = fault.number;
	return true;
}

static bool fails(enum fault_class class)
{
	return is_struck(class) && fault.number != 0;
}

/* For transfers: -1 to fail, else how many of the bytes to pass on. */
static ssize_t
allowed(enum fault_class class, size_t len)
{
	if (!is_struck(class))
		return (ssize_t)len;
	return fault.number != 0 ? -1 : (ssize_t)((len + 1) / 2);
}

/* ---- stdout ---------------------------------------------------------------------- */

/*
 * What stdio does inside the C library cannot be wrapped, so stdout goes through us. As
 * there, the rest of a short write follows.
 */
static ssize_t
write_stdout(void *context, const char *bytes, size_t len)
{
	size_t done = 0;

	(void)context;
	while (done < len) {
		ssize_t written = write(STDOUT_FILENO, bytes + done, len - done);

		if (written < 0)
			return (ssize_t)done;
		done += (size_t)written;
	}
	return (ssize_t)done;
}

static char *
map_mark(const char *path)
{
	int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR);
	void *mark = (void *)syscall(
		SYS_mmap, NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	syscall(SYS_close, fd);
	if (mark == MAP_FAILED)
		abort();
	return mark;
}

static void __attribute__((constructor)) read_order(void)
{
	const char *text = getenv("FAULT");
	const char *mark = getenv("FAULT_MARK");
	char class[16], how[8];
	FILE *wrapped;

	if (text == NULL || mark == NULL ||
		sscanf(text, "%15s %d %ld %7s", class, &fault.number, &fault.nth, how) !=
			4)
		return;
	fault.mark = map_mark(mark);
	wrapped = fopencookie(NULL, "w", (cookie_io_functions_t){.write = write_stdout});
	if (wrapped != NULL)
		stdout = wrapped;
	fault.ever = strcmp(how, "ever") == 0;
	for (int i = 1; i < FAULT_CLASS_COUNT; i++)
		if (strcmp(class, class_names[i]) == 0)
			fault.class = (enum fault_class)i;
}

typedef int main_function(int, char **, char **);
typedef int libc_start(main_function *, int, char **, void (*)(void), void (*)(void),
	void (*)(void), void *);

static main_function *program_main;

static int
main_with_an_end(int argc, char **argv, char **environment)
{
	int status = program_main(argc, argv, environment);

	atomic_store(&fault.over, true);
	return status;
}

/* What calls main(). */
libc_start __libc_start_main;

int
__libc_start_main(main_function *main, int argc, char **argv, void (*init)(void),
	void (*fini)(void), void (*loader_fini)(void), void *stack_end)
{
	libc_start *next = (libc_start *)dlsym(RTLD_NEXT, "__libc_start_main");

	program_main = main;
	return next(main_with_an_end, argc, argv, init, fini, loader_fini, stack_end);
}

/* ---- memory ---------------------------------------------------------------------- */

/* The next one: the C library's, or the sanitizer's. */
static void *
next_function(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

static bool
is_in(const void *caller, const char *name)
{
	Dl_info library;

	return dladdr(caller, &library) != 0 && library.dli_fname != NULL &&
		strstr(library.dli_fname, name) != NULL;
}

/*
 * libseccomp 2.5 does not survive a lack of memory: it loads half a filter, or frees
 * twice. Nothing of ours can help that, so what it asks for is given.
 */
static bool
no_memory_for(const void *caller)
{
	if (fault.class == FAULT_LIBCURL)
		return is_in(caller, "libcurl") && fails(FAULT_LIBCURL);
	return fails(FAULT_ALLOC) && !is_in(caller, "libseccomp");
}

void *
malloc(size_t size)
{
	static void *(*next)(size_t);

	if (next == NULL)
		next = next_function("malloc");
	return no_memory_for(__builtin_return_address(0)) ? NULL : next(size);
}

void *
calloc(size_t count, size_t size)
{
	static void *(*next)(size_t, size_t);

	if (next == NULL)
		next = next_function("calloc");
	return no_memory_for(__builtin_return_address(0)) ? NULL : next(count, size);
}

void *
realloc(void *old, size_t size)
{
	static void *(*next)(void *, size_t);

	if (next == NULL)
		next = next_function("realloc");
	return no_memory_for(__builtin_return_address(0)) ? NULL : next(old, size);
}

void *
reallocarray(void *old, size_t count, size_t size)
{
	static void *(*next)(void *, size_t, size_t);

	if (next == NULL)
		next = next_function("reallocarray");
	return no_memory_for(__builtin_return_address(0)) ? NULL : next(old, count, size);
}

void *
mmap(void *at, size_t len, int protection, int flags, int fd, off_t offset)
{
	if (fails(FAULT_MAP))
		return MAP_FAILED;
	return (void *)syscall(SYS_mmap, at, len, protection, flags, fd, offset);
}

void *mmap64(void *at, size_t len, int protection, int flags, int fd, off_t offset)
	__attribute__((alias("mmap")));

/* ---- transfers ------------------------------------------------------------------- */

ssize_t
write(int fd, const void *bytes, size_t len)
{
	ssize_t part = allowed(FAULT_WRITE, len);

	return part < 0 ? -1 : syscall(SYS_write, fd, bytes, part);
}

ssize_t
pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
	ssize_t part = allowed(FAULT_WRITE, len);

	return part < 0 ? -1 : syscall(SYS_pwrite64, fd, bytes, part, offset);
}

ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t offset)
	__attribute__((alias("pwrite")));

ssize_t
read(int fd, void *bytes, size_t len)
{
	ssize_t part = allowed(FAULT_READ, len);

	return part < 0 ? -1 : syscall(SYS_read, fd, bytes, part);
}

ssize_t
pread(int fd, void *bytes, size_t len, off_t offset)
{
	ssize_t part = allowed(FAULT_READ, len);

	return part < 0 ? -1 : syscall(SYS_pread64, fd, bytes, part, offset);
}

ssize_t pread64(int fd, void *bytes, size_t len, off_t offset)
	__attribute__((alias("pread")));

/* Room that is reserved is room to write to. */
int
posix_fallocate(int fd, off_t offset, off_t len)
{
	if (fails(FAULT_WRITE))
		return fault.number;
	return syscall(SYS_fallocate, fd, 0, offset, len) == 0 ? 0 : errno;
}

int
fsync(int fd)
{
	return fails(FAULT_SYNC) ? -1 : (int)syscall(SYS_fsync, fd);
}

int
fdatasync(int fd)
{
	return fails(FAULT_SYNC) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

/* ---- files ----------------------------------------------------------------------- */

int
open(const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = (flags & O_CREAT) != 0 ? va_arg(args, mode_t) : 0;
	va_end(args);
	if (fails(FAULT_OPEN))
		return -1;
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...) __attribute__((alias("open")));

/* What open() becomes where it is compiled with _FORTIFY_SOURCE. */
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);

int
__open_2(const char *path, int flags)
{
	return open(path, flags);
}

int
__open64_2(const char *path, int flags)
{
	return open(path, flags);
}

static int
stat_at(int directory, const char *path, struct stat *status, int flags)
{
	if (fails(FAULT_FILES))
		return -1;
	return (int)syscall(SYS_newfstatat, directory, path, status, flags);
}

int
stat(const char *path, struct stat *status)
{
	return stat_at(AT_FDCWD, path, status, 0);
}

int
lstat(const char *path, struct stat *status)
{
	return stat_at(AT_FDCWD, path, status, AT_SYMLINK_NOFOLLOW);
}

int
fstat(int fd, struct stat *status)
{
	return stat_at(fd, "", status, AT_EMPTY_PATH);
}

int
fstatat(int directory, const char *path, struct stat *status, int flags)
{
	return stat_at(directory, path, status, flags);
}

int stat64(const char *path, struct stat64 *status) __attribute__((alias("stat")));
int lstat64(const char *path, struct stat64 *status) __attribute__((alias("lstat")));
int fstat64(int fd, struct stat64 *status) __attribute__((alias("fstat")));

int
mkdir(const char *path, mode_t mode)
{
	return fails(FAULT_FILES) ? -1 : (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

int
unlink(const char *path)
{
	return fails(FAULT_FILES) ? -1 : (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

int
ftruncate(int fd, off_t len)
{
	return fails(FAULT_FILES) ? -1 : (int)syscall(SYS_ftruncate, fd, len);
}

int ftruncate64(int fd, off_t len) __attribute__((alias("ftruncate")));

int
futimens(int fd, const struct timespec times[2])
{
	return fails(FAULT_FILES) ? -1 : (int)syscall(SYS_utimensat, fd, NULL, times, 0);
}

int
access(const char *path, int mode)
{
	return fails(FAULT_FILES) ? -1
				  : (int)syscall(SYS_faccessat, AT_FDCWD, path, mode);
}

int
chmod(const char *path, mode_t mode)
{
	return fails(FAULT_FILES) ? -1 : (int)syscall(SYS_fchmodat, AT_FDCWD, path, mode);
}

int
fchmod(int fd, mode_t mode)
{
	return fails(FAULT_FILES) ? -1 : (int)syscall(SYS_fchmod, fd, mode);
}

char *
realpath(const char *path, char *real)
{
	static char *(*next)(const char *, char *);

	if (next == NULL)
		next = next_function("realpath");
	return fails(FAULT_FILES) ? NULL : next(path, real);
}

char *
getcwd(char *path, size_t size)
{
	static char *(*next)(char *, size_t);

	if (next == NULL)
		next = next_function("getcwd");
	return fails(FAULT_FILES) ? NULL : next(path, size);
}

int
statvfs(const char *path, struct statvfs *status)
{
	static int (*next)(const char *, struct statvfs *);

	if (next == NULL)
		next = next_function("statvfs");
	return fails(FAULT_FILES) ? -1 : next(path, status);
}

/* As in the kernel, the descriptor is gone all the same. */
int
close(int fd)
{
	bool failed = fails(FAULT_CLOSE);
	int result = (int)syscall(SYS_close, fd);

	if (!failed)
		return result;
	errno = fault.number;
	return -1;
}

/* An unlock does not fail: nobody could do anything about it. */
int
flock(int fd, int operation)
{
	if (operation != LOCK_UN && fails(FAULT_LOCK))
		return -1;
	return (int)syscall(SYS_flock, fd, operation);
}

static bool
takes_lock(int command, const void *argument)
{
	const struct flock *lock = argument;

	return (command == F_SETLK || command == F_SETLKW || command == F_OFD_SETLK) &&
		lock->l_type != F_UNLCK;
}

int
fcntl(int fd, int command, ...)
{
	va_list args;
	void *argument;

	va_start(args, command);
	argument = va_arg(args, void *);
	va_end(args);
	if (takes_lock(command, argument) && fails(FAULT_LOCK))
		return -1;
	return (int)syscall(SYS_fcntl, fd, command, argument);
}

int fcntl64(int fd, int command, ...) __attribute__((alias("fcntl")));

/* ---- chance ---------------------------------------------------------------------- */

ssize_t
getrandom(void *bytes, size_t len, unsigned flags)
{
	return fails(FAULT_RANDOM) ? -1 : syscall(SYS_getrandom, bytes, len, flags);
}

/* ---- sockets --------------------------------------------------------------------- */

int
socket(int domain, int type, int protocol)
{
	return fails(FAULT_SOCKET) ? -1
				   : (int)syscall(SYS_socket, domain, type, protocol);
}

int
socketpair(int domain, int type, int protocol, int fds[2])
{
	if (fails(FAULT_SOCKET))
		return -1;
	return (int)syscall(SYS_socketpair, domain, type, protocol, fds);
}

int
getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
	struct addrinfo **found)
{
	static int (*next)(
		const char *, const char *, const struct addrinfo *, struct addrinfo **);

	if (next == NULL)
		next = next_function("getaddrinfo");
	return fails(FAULT_RESOLVE) ? EAI_AGAIN : next(name, service, hints, found);
}

int
getsockopt(int fd, int level, int option, void *value, socklen_t *len)
{
	if (fails(FAULT_OPTION))
		return -1;
	return (int)syscall(SYS_getsockopt, fd, level, option, value, len);
}

int
setsockopt(int fd, int level, int option, const void *value, socklen_t len)
{
	if (fails(FAULT_OPTION))
		return -1;
	return (int)syscall(SYS_setsockopt, fd, level, option, value, len);
}

int
getpeername(int fd, struct sockaddr *address, socklen_t *len)
{
	if (fails(FAULT_OPTION))
		return -1;
	return (int)syscall(SYS_getpeername, fd, address, len);
}

int
getsockname(int fd, struct sockaddr *address, socklen_t *len)
{
	if (fails(FAULT_OPTION))
		return -1;
	return (int)syscall(SYS_getsockname, fd, address, len);
}

int
connect(int fd, const struct sockaddr *address, socklen_t len)
{
	return fails(FAULT_CONNECT) ? -1 : (int)syscall(SYS_connect, fd, address, len);
}

ssize_t
send(int fd, const void *bytes, size_t len, int flags)
{
	ssize_t part = allowed(FAULT_SEND, len);

	return part < 0 ? -1 : syscall(SYS_sendto, fd, bytes, part, flags, NULL, 0);
}

ssize_t
recv(int fd, void *bytes, size_t len, int flags)
{
	ssize_t part = allowed(FAULT_RECEIVE, len);

	return part < 0 ? -1 : syscall(SYS_recvfrom, fd, bytes, part, flags, NULL, NULL);
}

/* ---- waiting --------------------------------------------------------------------- */

int
poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
	struct timespec limit = {timeout_ms / 1000, timeout_ms % 1000 * 1000000L};

	if (fails(FAULT_WAIT))
		return -1;
	return (int)syscall(
		SYS_ppoll, fds, count, timeout_ms < 0 ? NULL : &limit, NULL, _NSIG / 8);
}

int
epoll_wait(int fd, struct epoll_event *events, int most, int timeout_ms)
{
	if (fails(FAULT_WAIT))
		return -1;
	return (int)syscall(
		SYS_epoll_pwait, fd, events, most, timeout_ms, NULL, _NSIG / 8);
}

/* ---- set-up ---------------------------------------------------------------------- */

int
eventfd(unsigned count, int flags)
{
	return fails(FAULT_SETUP) ? -1 : (int)syscall(SYS_eventfd2, count, flags);
}

int
epoll_create1(int flags)
{
	return fails(FAULT_SETUP) ? -1 : (int)syscall(SYS_epoll_create1, flags);
}

int
epoll_ctl(int fd, int operation, int of, struct epoll_event *event)
{
	if (operation != EPOLL_CTL_DEL && fails(FAULT_SETUP))
		return -1;
	return (int)syscall(SYS_epoll_ctl, fd, operation, of, event);
}

int
inotify_init1(int flags)
{
	return fails(FAULT_SETUP) ? -1 : (int)syscall(SYS_inotify_init1, flags);
}

int
inotify_add_watch(int fd, const char *path, uint32_t mask)
{
	if (fails(FAULT_SETUP))
		return -1;
	return (int)syscall(SYS_inotify_add_watch, fd, path, mask);
}

int
signalfd(int fd, const sigset_t *set, int flags)
{
	if (fails(FAULT_SETUP))
		return -1;
	return (int)syscall(SYS_signalfd4, fd, set, _NSIG / 8, flags);
}

int
pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
	void *context)
{
	static int (*next)(
		pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

	if (next == NULL)
		next = next_function("pthread_create");
	return fails(FAULT_SETUP) ? fault.number : next(thread, attributes, run, context);
}
