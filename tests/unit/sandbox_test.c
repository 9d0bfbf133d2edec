/* SPDX-License-Identifier: MIT */
/*
 * What a worker can and cannot do any more once it is in its sandbox. Each test runs in a
 * child, which never gets out again.
 */
#include "work/sandbox.h"
#include "work/sandbox_support.h"

#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/netlink.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PATH_SIZE = 256 };

/* A directory that the sandbox leaves writable, one that it leaves readable, one that is
 * neither, and a file in each. */
struct place {
	char root[PATH_SIZE];
	char store[PATH_SIZE], settings[PATH_SIZE], other[PATH_SIZE];
};

static void
make_file(char *path, const char *root, const char *directory)
{
	int fd;

	snprintf(path, PATH_SIZE, "%.100s/%s", root, directory);
	CHECK_INT(mkdir(path, 0700), 0);
	snprintf(path, PATH_SIZE, "%.100s/%s/file", root, directory);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	CHECK_INT(write(fd, "content", 7), 7);
	close(fd);
}

static void
place_make(struct place *place)
{
	const char *base = getenv("TMPDIR");

	snprintf(place->root, sizeof(place->root), "%.64s/sandbox-XXXXXX",
		base == NULL ? "/tmp" : base);
	CHECK(mkdtemp(place->root) != NULL);
	make_file(place->store, place->root, "store");
	make_file(place->settings, place->root, "settings");
	make_file(place->other, place->root, "other");
}

static void
remove_file(char *path)
{
	unlink(path);
	*strrchr(path, '/') = '\0';
	rmdir(path);
}

static void
place_remove(struct place *place)
{
	remove_file(place->store);
	remove_file(place->settings);
	remove_file(place->other);
	rmdir(place->root);
}

/*
 * Runs `attempt` in a child inside the sandbox: whether all it tried went as it should.
 * $TEST_COUNTS is a file beside those where gcov counts as the child exits.
 */
static bool
inside(bool (*attempt)(const struct place *place), const struct place *place)
{
	const char *counts = getenv("TEST_COUNTS");
	struct sandbox sandbox;
	struct err err;
	pid_t child;
	int status;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		sandbox_init(&sandbox);
		if (counts != NULL)
			sandbox_allow_writing(&sandbox, counts);
		sandbox_allow_writing(&sandbox, place->store);
		sandbox_allow_reading(&sandbox, place->settings);
		if (sandbox_enter(&sandbox, &err) != 0)
			printf("# %s\n", err.text);
		sandbox_free(&sandbox);
		status = attempt(place) ? 0 : 1;
		fflush(stdout);
		if (counts != NULL)
			exit(status);
		_exit(status);
	}
	return waitpid(child, &status, 0) == child && WIFEXITED(status) &&
		WEXITSTATUS(status) == 0;
}

/* Reports what did not go as it should; the names of those that did are of no
 * interest. */
static bool
expect(bool as_it_should, const char *what)
{
	if (!as_it_should)
		printf("# %s: %s\n", what, strerror(errno));
	return as_it_should;
}

static bool
refused(long result, const char *what)
{
	return expect(result == -1 && errno == EPERM, what);
}

/* ---- system calls ---------------------------------------------------------------- */

static bool
other_programs(const struct place *place)
{
	static char *const none[] = {NULL};
	char byte = 0;
	bool good = true;

	(void)place;
	good &= refused(execve("/bin/true", none, none), "execve");
	good &= refused(
		syscall(SYS_execveat, AT_FDCWD, "/bin/true", none, none, 0), "execveat");
	good &= refused(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0), "clone of a process");
	good &= refused(ptrace(PTRACE_TRACEME, 0, 0, 0), "ptrace");
	good &= refused(syscall(SYS_process_vm_readv, getppid(), &byte, 1, &byte, 1, 0),
		"process_vm_readv");
	good &= refused(kill(getppid(), 0), "kill");
	good &= refused(syscall(SYS_tgkill, getppid(), getppid(), 0), "tgkill");
	good &= refused(syscall(SYS_pidfd_open, getppid(), 0), "pidfd_open");
	return good;
}

/* The kernel signals whoever owns a descriptor when it becomes ready. */
static bool
signals_of_descriptors(const struct place *place)
{
	struct f_owner_ex owner = {F_OWNER_PID, getppid()};
	int pair[2] = {-1, -1};
	bool good = true;

	(void)place;
	good &= expect(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "a pair");
	good &= refused(fcntl(pair[0], F_SETOWN, getppid()), "F_SETOWN");
	good &= refused(fcntl(pair[0], F_SETOWN_EX, &owner), "F_SETOWN_EX");
	good &= refused(fcntl(pair[0], F_SETSIG, SIGKILL), "F_SETSIG");
	/* A filter is given all 64 bits, of which the kernel takes 32. */
	good &= refused(syscall(SYS_fcntl, pair[0], F_SETOWN | 1L << 32, getppid()),
		"F_SETOWN and more bits");
	good &= expect(ioctl(pair[0], FIOSETOWN, &owner.pid) == -1, "FIOSETOWN");
	good &= expect(ioctl(pair[0], SIOCSPGRP, &owner.pid) == -1, "SIOCSPGRP");
	return good;
}

static bool
the_machine(const struct place *place)
{
	bool good = true;

	good &= refused(mount("none", place->store, "tmpfs", 0, NULL), "mount");
	good &= refused(syscall(SYS_umount2, "/", MNT_DETACH), "umount2");
	good &= refused(chroot("/"), "chroot");
	good &= refused(unshare(CLONE_NEWUSER), "unshare");
	good &= refused(setuid(getuid()), "setuid");
	good &= refused(setgroups(0, NULL), "setgroups");
	good &= refused(syscall(SYS_capset, NULL, NULL), "capset");
	good &= refused(syscall(SYS_bpf, 0, NULL, 0), "bpf");
	good &= refused(syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0), "perf");
	good &= refused(syscall(SYS_init_module, NULL, 0, ""), "init_module");
	good &= refused(syscall(SYS_kexec_load, 0, 0, NULL, 0), "kexec_load");
	good &= refused(syscall(SYS_keyctl, 0, 0, 0, 0, 0), "keyctl");
	good &= refused(syscall(SYS_add_key, "user", "a", "b", 1, -2), "add_key");
	good &= refused(syscall(SYS_userfaultfd, 0), "userfaultfd");
	good &= refused(syscall(SYS_io_uring_setup, 1, NULL), "io_uring_setup");
	good &= refused(syscall(SYS_open_by_handle_at, -1, NULL, 0), "open_by_handle_at");
	good &= refused(syscall(SYS_reboot, 0, 0, 0, NULL), "reboot");
	good &= refused(syscall(SYS_seccomp, 0, 0, NULL), "seccomp");
	good &= refused(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0), "dumpable");
	good &= refused(truncate(place->store, 0), "truncate");
	return good;
}

static bool
other_networks(const struct place *place)
{
	char character = 'x';
	bool good = true;

	(void)place;
	good &= refused(socket(AF_PACKET, SOCK_RAW, 0), "a packet socket");
	good &= refused(socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP), "raw IP");
	good &= refused(socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6), "raw IPv6");
	good &= refused(socket(AF_ALG, SOCK_SEQPACKET, 0), "the kernel's ciphers");
	good &= refused(socket(AF_VSOCK, SOCK_STREAM, 0), "the hypervisor");
	good &= expect(socket(AF_NETLINK, SOCK_RAW, NETLINK_AUDIT) == -1, "audit");
	good &= refused(listen(-1, 1), "listen");
	good &= refused(accept(-1, NULL, NULL), "accept");
	good &= refused(ioctl(0, TIOCSTI, &character), "TIOCSTI");
	return good;
}

static bool
unknown_calls(const struct place *place)
{
	(void)place;
	return expect(syscall(100000) == -1 && errno == ENOSYS, "unknown") &&
		expect(syscall(SYS_clone3, NULL, 0) == -1 && errno == ENOSYS, "clone3");
}

static void *
nothing(void *argument)
{
	return argument;
}

static bool
threads_and_time(void)
{
	struct sigevent event = {.sigev_notify = SIGEV_NONE};
	struct timespec moment = {0, 1000};
	pthread_t thread;
	timer_t timer;
	bool good = true;

	good &= expect(pthread_create(&thread, NULL, nothing, NULL) == 0 &&
			pthread_join(thread, NULL) == 0,
		"a thread");
	good &= expect(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0 &&
			timer_delete(timer) == 0,
		"a timer");
	good &= expect(nanosleep(&moment, NULL) == 0, "sleep");
	good &= expect(raise(0) == 0, "a signal to itself");
	good &= expect(mmap(NULL, 4096, PROT_READ | PROT_EXEC,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED,
		"libraries");
	return good;
}

static bool
sockets_and_events(void)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
	struct sockaddr_nl route = {.nl_family = AF_NETLINK};
	int pair[2];
	bool good = true;

	good &= expect(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0) >= 0, "TCP");
	good &= expect(socket(AF_INET6, SOCK_STREAM, 0) >= 0 || errno == EAFNOSUPPORT,
		"TCP over IPv6");
	good &= expect(socket(AF_INET, SOCK_DGRAM, 0) >= 0, "UDP");
	good &= expect(socket(AF_UNIX, SOCK_DGRAM, 0) >= 0, "a local socket");
	good &= expect(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "a pair");
	good &= expect(bind(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE),
			       (struct sockaddr *)&route, sizeof(route)) == 0,
		"which addresses we have");
	good &= expect(getaddrinfo("localhost", "80", &hints, &found) == 0, "resolver");
	if (found != NULL)
		freeaddrinfo(found);
	good &= expect(
		epoll_create1(0) >= 0 && eventfd(0, 0) >= 0 && inotify_init1(0) >= 0,
		"events");
	return good;
}

static bool
descriptors(const struct place *place)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
	int fd = open(place->store, O_RDWR | O_CLOEXEC);
	bool good = true;

	good &= expect(fcntl(fd, F_SETFD, fcntl(fd, F_GETFD)) == 0, "flags");
	good &= expect(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == 0, "mode");
	good &= expect(fcntl(fd, F_DUPFD, 0) >= 0, "a copy");
	good &= expect(fcntl(fd, F_DUPFD_CLOEXEC, 0) >= 0, "a copy that is not kept");
	good &= expect(fcntl(fd, F_OFD_GETLK, &lock) == 0, "asking for a file's lock");
	lock.l_type = F_WRLCK;
	good &= expect(fcntl(fd, F_OFD_SETLK, &lock) == 0, "a lock of the file's");
	lock.l_type = F_UNLCK;
	good &= expect(fcntl(fd, F_OFD_SETLKW, &lock) == 0, "none of the file's");
	lock.l_type = F_WRLCK;
	good &= expect(fcntl(fd, F_GETLK, &lock) == 0, "asking for a lock");
	lock.l_type = F_WRLCK;
	good &= expect(fcntl(fd, F_SETLK, &lock) == 0, "a lock");
	good &= expect(fcntl(fd, F_SETLKW, &lock) == 0, "a lock at any price");
	return good;
}

static bool
what_a_worker_does(const struct place *place)
{
	return threads_and_time() && sockets_and_events() && descriptors(place);
}

/* The filter has a word in the status of every process. */
static bool
is_marked(const struct place *place)
{
	char text[8192] = "";
	int fd = open("/proc/self/status", O_RDONLY);
	ssize_t len = read(fd, text, sizeof(text) - 1);

	(void)place;
	close(fd);
	return expect(len > 0 && strstr(text, "\nNoNewPrivs:\t1\n") != NULL,
		       "NoNewPrivs") &&
		expect(strstr(text, "\nSeccomp:\t2\n") != NULL, "Seccomp") &&
		expect(strstr(text, "\nCapEff:\t0000000000000000\n") != NULL, "CapEff");
}

/* ---- files ----------------------------------------------------------------------- */

static bool
denied(long result, const char *what)
{
	return expect(result == -1 && errno == EACCES, what);
}

static bool
files(const struct place *place)
{
	char beside[PATH_SIZE];
	bool good = true;
	int fd;

	snprintf(beside, sizeof(beside), "%.200s-wal", place->store);
	fd = open(beside, O_RDWR | O_CREAT, 0600);
	good &= expect(fd >= 0 && flock(fd, LOCK_EX) == 0 && ftruncate(fd, 9) == 0 &&
			fsync(fd) == 0 && fchmod(fd, 0600) == 0,
		"a file beside the store");
	good &= expect(unlink(beside) == 0, "removing it");
	good &= expect(open(place->store, O_RDWR) >= 0, "the store");
	good &= expect(open(place->settings, O_RDONLY) >= 0, "the settings");
	good &= expect(open("/etc/hosts", O_RDONLY) >= 0, "/etc/hosts");
	good &= expect(open("/dev/null", O_RDWR) >= 0, "/dev/null");
	good &= denied(open(place->settings, O_WRONLY), "changing the settings");
	good &= denied(open(place->other, O_RDONLY), "reading elsewhere");
	good &= denied(unlink(place->other), "removing elsewhere");
	snprintf(beside, sizeof(beside), "%.200s-new", place->other);
	good &= denied(open(beside, O_WRONLY | O_CREAT, 0600), "writing elsewhere");
	good &= denied(open("/etc/hosts", O_WRONLY), "changing /etc/hosts");
	good &= denied(open("/", O_RDONLY | O_DIRECTORY), "listing /");
	return good;
}

/* ---- Landlock alone -------------------------------------------------------------- */

/* Without the filter, which would be first to refuse. */
static bool
confined_by_landlock(const struct sandbox *sandbox)
{
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
		syscall(SYS_landlock_restrict_self, sandbox->ruleset, 0) == 0;
}

static bool
signals_stay_inside(const struct sandbox *sandbox)
{
	pid_t child;
	int status;

	if (!expect(confined_by_landlock(sandbox), "Landlock") ||
		!refused(kill(getppid(), 0), "a signal to who is outside"))
		return false;
	child = fork();
	if (child == 0) {
		pause();
		_exit(1);
	}
	return expect(kill(child, SIGKILL) == 0, "a signal to who is inside") &&
		waitpid(child, &status, 0) == child && WIFSIGNALED(status);
}

/* ---- the tests ------------------------------------------------------------------- */

static void
check_inside(bool (*attempt)(const struct place *place))
{
	struct place place;

	place_make(&place);
	CHECK(inside(attempt, &place));
	place_remove(&place);
}

static void
test_no_other_programs_and_processes(void)
{
	check_inside(other_programs);
}

static void
test_no_signals_of_descriptors_to_others(void)
{
	check_inside(signals_of_descriptors);
}

static void
test_nothing_of_the_machine(void)
{
	check_inside(the_machine);
}

static void
test_no_network_but_the_internet(void)
{
	check_inside(other_networks);
}

static void
test_what_is_not_known_does_not_exist(void)
{
	check_inside(unknown_calls);
}

static void
test_what_a_worker_does_works(void)
{
	check_inside(what_a_worker_does);
}

static void
test_the_process_is_marked(void)
{
	check_inside(is_marked);
}

static void
test_no_files_but_its_own(void)
{
	struct sandbox sandbox;

	sandbox_init(&sandbox);
	if (sandbox.ruleset < 0) {
		tap_skip("this kernel has no Landlock");
		return;
	}
	sandbox_free(&sandbox);
	check_inside(files);
}

static void
test_landlock_keeps_signals_inside(void)
{
	struct sandbox sandbox;
	pid_t child;
	int status;

	if (sandbox_landlock_version() < 6) {
		tap_skip("this kernel's Landlock knows no signals");
		return;
	}
	sandbox_init(&sandbox);
	fflush(stdout);
	child = fork();
	if (child == 0) {
		status = signals_stay_inside(&sandbox) ? 0 : 1;
		fflush(stdout);
		_exit(status);
	}
	sandbox_free(&sandbox);
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int
main(void)
{
	return tap_run((struct tap_test[]){
		TAP(test_no_other_programs_and_processes),
		TAP(test_no_signals_of_descriptors_to_others),
		TAP(test_nothing_of_the_machine),
		TAP(test_no_network_but_the_internet),
		TAP(test_what_is_not_known_does_not_exist),
		TAP(test_what_a_worker_does_works),
		TAP(test_the_process_is_marked),
		TAP(test_no_files_but_its_own),
		TAP(test_landlock_keeps_signals_inside),
		{0},
	});
}
