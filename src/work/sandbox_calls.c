/* SPDX-License-Identifier: MIT */
/*
 * The filter of system calls. What is needed is allowed; what is dangerous and known
 * fails with EPERM; and everything else, later inventions above all, with ENOSYS, for
 * which C libraries have another way to do it. A call whose filtering takes its arguments
 * is not answered from the kernel's cache, so of the frequent ones only fcntl, by which
 * SQLite locks, is among those.
 */
#include "work/sandbox_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Of the C library and its resolver, SQLite, libcurl and OpenSSL, of several versions.
 * What an architecture does not have, libseccomp passes over. */
static const int allowed[] = {
	/* memory */
	SCMP_SYS(brk),
	SCMP_SYS(madvise),
	SCMP_SYS(membarrier),
	SCMP_SYS(mlock),
	SCMP_SYS(mlock2),
	SCMP_SYS(mmap),
	SCMP_SYS(mmap2),
	SCMP_SYS(mprotect),
	SCMP_SYS(mremap),
	SCMP_SYS(msync),
	SCMP_SYS(munlock),
	SCMP_SYS(munmap),
	/* files */
	SCMP_SYS(access),
	SCMP_SYS(close),
	SCMP_SYS(close_range),
	SCMP_SYS(dup),
	SCMP_SYS(dup2),
	SCMP_SYS(dup3),
	SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2),
	SCMP_SYS(fadvise64),
	SCMP_SYS(fadvise64_64),
	SCMP_SYS(fallocate),
	SCMP_SYS(fchmod),
	SCMP_SYS(fchown),
	SCMP_SYS(fchown32),
	SCMP_SYS(fdatasync),
	SCMP_SYS(flock),
	SCMP_SYS(fstat),
	SCMP_SYS(fstat64),
	SCMP_SYS(fstatat64),
	SCMP_SYS(fstatfs),
	SCMP_SYS(fstatfs64),
	SCMP_SYS(fsync),
	SCMP_SYS(ftruncate),
	SCMP_SYS(ftruncate64),
	SCMP_SYS(getcwd),
	SCMP_SYS(getdents),
	SCMP_SYS(getdents64),
	SCMP_SYS(lseek),
	SCMP_SYS(_llseek),
	SCMP_SYS(lstat),
	SCMP_SYS(lstat64),
	SCMP_SYS(newfstatat),
	SCMP_SYS(open),
	SCMP_SYS(openat),
	SCMP_SYS(openat2),
	SCMP_SYS(pipe),
	SCMP_SYS(pipe2),
	SCMP_SYS(pread64),
	SCMP_SYS(preadv),
	SCMP_SYS(preadv2),
	SCMP_SYS(pwrite64),
	SCMP_SYS(pwritev),
	SCMP_SYS(pwritev2),
	SCMP_SYS(read),
	SCMP_SYS(readahead),
	SCMP_SYS(readlink),
	SCMP_SYS(readlinkat),
	SCMP_SYS(readv),
	SCMP_SYS(stat),
	SCMP_SYS(stat64),
	SCMP_SYS(statfs),
	SCMP_SYS(statfs64),
	SCMP_SYS(statx),
	SCMP_SYS(sync_file_range),
	SCMP_SYS(umask),
	SCMP_SYS(unlink),
	SCMP_SYS(unlinkat),
	SCMP_SYS(utimensat),
	SCMP_SYS(utimensat_time64),
	SCMP_SYS(write),
	SCMP_SYS(writev),
	/* events and sockets; bind is for the netlink socket of getaddrinfo() */
	SCMP_SYS(bind),
	SCMP_SYS(connect),
	SCMP_SYS(epoll_create),
	SCMP_SYS(epoll_create1),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_pwait2),
	SCMP_SYS(epoll_wait),
	SCMP_SYS(eventfd),
	SCMP_SYS(eventfd2),
	SCMP_SYS(getpeername),
	SCMP_SYS(getsockname),
	SCMP_SYS(getsockopt),
	SCMP_SYS(inotify_add_watch),
	SCMP_SYS(inotify_init),
	SCMP_SYS(inotify_init1),
	SCMP_SYS(inotify_rm_watch),
	SCMP_SYS(_newselect),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(ppoll_time64),
	SCMP_SYS(pselect6),
	SCMP_SYS(pselect6_time64),
	SCMP_SYS(recv),
	SCMP_SYS(recvfrom),
	SCMP_SYS(recvmmsg),
	SCMP_SYS(recvmmsg_time64),
	SCMP_SYS(recvmsg),
	SCMP_SYS(select),
	SCMP_SYS(send),
	SCMP_SYS(sendmmsg),
	SCMP_SYS(sendmsg),
	SCMP_SYS(sendto),
	SCMP_SYS(setsockopt),
	SCMP_SYS(shutdown),
	SCMP_SYS(socketpair),
	SCMP_SYS(timerfd_create),
	SCMP_SYS(timerfd_gettime),
	SCMP_SYS(timerfd_settime),
	/* time, threads, signals, ourselves */
	SCMP_SYS(clock_getres),
	SCMP_SYS(clock_getres_time64),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_gettime64),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(clock_nanosleep_time64),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(futex),
	SCMP_SYS(futex_time64),
	SCMP_SYS(get_robust_list),
	SCMP_SYS(getcpu),
	SCMP_SYS(getegid),
	SCMP_SYS(getegid32),
	SCMP_SYS(geteuid),
	SCMP_SYS(geteuid32),
	SCMP_SYS(getgid),
	SCMP_SYS(getgid32),
	SCMP_SYS(getpid),
	SCMP_SYS(getppid),
	SCMP_SYS(getrandom),
	SCMP_SYS(getresgid),
	SCMP_SYS(getresuid),
	SCMP_SYS(getrlimit),
	SCMP_SYS(getrusage),
	SCMP_SYS(gettid),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(getuid),
	SCMP_SYS(getuid32),
	SCMP_SYS(nanosleep),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(rseq),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigpending),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigsuspend),
	SCMP_SYS(rt_sigtimedwait),
	SCMP_SYS(rt_sigtimedwait_time64),
	SCMP_SYS(sched_get_priority_max),
	SCMP_SYS(sched_get_priority_min),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(sched_getparam),
	SCMP_SYS(sched_getscheduler),
	SCMP_SYS(sched_yield),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(set_tid_address),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(sigreturn),
	SCMP_SYS(signalfd4),
	SCMP_SYS(sysinfo),
	SCMP_SYS(time),
	SCMP_SYS(timer_create),
	SCMP_SYS(timer_delete),
	SCMP_SYS(timer_getoverrun),
	SCMP_SYS(timer_gettime),
	SCMP_SYS(timer_settime),
	SCMP_SYS(timer_settime64),
	SCMP_SYS(times),
	SCMP_SYS(ugetrlimit),
	SCMP_SYS(uname),
};

static const int forbidden[] = {
	/* other programs, and other processes */
	SCMP_SYS(execve),
	SCMP_SYS(execveat),
	SCMP_SYS(fork),
	SCMP_SYS(vfork),
	SCMP_SYS(kcmp),
	SCMP_SYS(pidfd_getfd),
	SCMP_SYS(pidfd_open),
	SCMP_SYS(pidfd_send_signal),
	SCMP_SYS(process_madvise),
	SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev),
	SCMP_SYS(ptrace),
	SCMP_SYS(rt_sigqueueinfo),
	SCMP_SYS(rt_tgsigqueueinfo),
	SCMP_SYS(tkill),
	/* who we are and what we see */
	SCMP_SYS(capset),
	SCMP_SYS(chroot),
	SCMP_SYS(mount),
	SCMP_SYS(mount_setattr),
	SCMP_SYS(move_mount),
	SCMP_SYS(fsconfig),
	SCMP_SYS(fsmount),
	SCMP_SYS(fsopen),
	SCMP_SYS(fspick),
	SCMP_SYS(open_tree),
	SCMP_SYS(personality),
	SCMP_SYS(pivot_root),
	SCMP_SYS(setfsgid),
	SCMP_SYS(setfsuid),
	SCMP_SYS(setgid),
	SCMP_SYS(setgroups),
	SCMP_SYS(setns),
	SCMP_SYS(setregid),
	SCMP_SYS(setresgid),
	SCMP_SYS(setresuid),
	SCMP_SYS(setreuid),
	SCMP_SYS(setuid),
	SCMP_SYS(umount),
	SCMP_SYS(umount2),
	SCMP_SYS(unshare),
	/* the kernel and the machine */
	SCMP_SYS(acct),
	SCMP_SYS(add_key),
	SCMP_SYS(adjtimex),
	SCMP_SYS(bpf),
	SCMP_SYS(clock_adjtime),
	SCMP_SYS(clock_settime),
	SCMP_SYS(delete_module),
	SCMP_SYS(fanotify_init),
	SCMP_SYS(finit_module),
	SCMP_SYS(init_module),
	SCMP_SYS(io_setup),
	SCMP_SYS(io_submit),
	SCMP_SYS(io_uring_enter),
	SCMP_SYS(io_uring_register),
	SCMP_SYS(io_uring_setup),
	SCMP_SYS(ioperm),
	SCMP_SYS(iopl),
	SCMP_SYS(kexec_file_load),
	SCMP_SYS(kexec_load),
	SCMP_SYS(keyctl),
	SCMP_SYS(memfd_secret),
	SCMP_SYS(modify_ldt),
	SCMP_SYS(open_by_handle_at),
	SCMP_SYS(perf_event_open),
	SCMP_SYS(quotactl),
	SCMP_SYS(reboot),
	SCMP_SYS(request_key),
	SCMP_SYS(seccomp),
	SCMP_SYS(setdomainname),
	SCMP_SYS(sethostname),
	SCMP_SYS(settimeofday),
	SCMP_SYS(swapoff),
	SCMP_SYS(swapon),
	SCMP_SYS(sync),
	SCMP_SYS(syslog),
	SCMP_SYS(userfaultfd),
	SCMP_SYS(vhangup),
	/* files and sockets, in ways that a worker has no use for */
	SCMP_SYS(accept),
	SCMP_SYS(accept4),
	SCMP_SYS(chmod),
	SCMP_SYS(chown),
	SCMP_SYS(fchmodat),
	SCMP_SYS(fchownat),
	SCMP_SYS(lchown),
	SCMP_SYS(link),
	SCMP_SYS(linkat),
	SCMP_SYS(listen),
	SCMP_SYS(memfd_create),
	SCMP_SYS(mkdir),
	SCMP_SYS(mkdirat),
	SCMP_SYS(mknod),
	SCMP_SYS(mknodat),
	SCMP_SYS(rename),
	SCMP_SYS(renameat),
	SCMP_SYS(renameat2),
	SCMP_SYS(rmdir),
	SCMP_SYS(setxattr),
	SCMP_SYS(symlink),
	SCMP_SYS(symlinkat),
	SCMP_SYS(truncate),
	SCMP_SYS(truncate64),
};

/* ---- rules on arguments ---------------------------------------------------------- */

/* Threads are made, processes and namespaces are not. clone3's flags lie in memory, out
 * of a filter's sight; with its ENOSYS the C library makes threads by clone. */
static int
add_clone(scmp_filter_ctx filter)
{
	static const uint64_t judged = CLONE_THREAD | CLONE_NEWUSER | CLONE_NEWNS |
		CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |
		CLONE_NEWCGROUP;
	int result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
		SCMP_A0(SCMP_CMP_MASKED_EQ, judged, CLONE_THREAD));

	if (result == 0)
		result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone),
			1, SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
	return result;
}

static int
add_internet_socket(scmp_filter_ctx filter, int domain)
{
	static const unsigned type_mask = 0xf; /* without SOCK_CLOEXEC and its like */
	int result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 2,
		SCMP_A0(SCMP_CMP_EQ, (unsigned)domain),
		SCMP_A1(SCMP_CMP_MASKED_EQ, type_mask, SOCK_RAW));

	if (result == 0)
		result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2,
			SCMP_A0(SCMP_CMP_EQ, (unsigned)domain),
			SCMP_A1(SCMP_CMP_MASKED_EQ, type_mask, SOCK_STREAM));
	if (result == 0)
		result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2,
			SCMP_A0(SCMP_CMP_EQ, (unsigned)domain),
			SCMP_A1(SCMP_CMP_MASKED_EQ, type_mask, SOCK_DGRAM));
	return result;
}

/* The internet without raw packets, local sockets (of the resolver and of systemd), and
 * the netlink socket by which getaddrinfo() learns which addresses we have. */
static int
add_socket(scmp_filter_ctx filter)
{
	int result = add_internet_socket(filter, AF_INET);

	if (result == 0)
		result = add_internet_socket(filter, AF_INET6);
	if (result == 0)
		result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
			SCMP_A0(SCMP_CMP_EQ, AF_UNIX));
	if (result == 0)
		result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 2,
			SCMP_A0(SCMP_CMP_EQ, AF_NETLINK),
			SCMP_A2(SCMP_CMP_EQ, NETLINK_ROUTE));
	for (unsigned domain = 0; domain < AF_MAX && result == 0; domain++) {
		if (domain != AF_INET && domain != AF_INET6 && domain != AF_UNIX &&
			domain != AF_NETLINK)
			result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM),
				SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_EQ, domain));
	}
	return result;
}

/* To nobody but ourselves: abort() and the like. */
static int
add_kill(scmp_filter_ctx filter)
{
	static const int calls[] = {SCMP_SYS(kill), SCMP_SYS(tgkill)};
	unsigned self = (unsigned)getpid();
	int result = 0;

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]) && result == 0; i++) {
		result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 1,
			SCMP_A0(SCMP_CMP_MASKED_EQ, UINT32_MAX, self));
		if (result == 0)
			result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), calls[i],
				1, SCMP_A0(SCMP_CMP_NE, self));
	}
	return result;
}

static int
add_commands(scmp_filter_ctx filter, uint32_t action, int call, const int *commands,
	size_t count)
{
	int result = 0;

	for (size_t i = 0; i < count && result == 0; i++)
		result = seccomp_rule_add(filter, action, call, 1,
			SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, (unsigned)commands[i]));
	return result;
}

/* Locks, flags and copies. Whom the kernel is to signal when a descriptor becomes ready
 * is not set: it would be a way to kill others. */
static int
add_fcntl(scmp_filter_ctx filter)
{
	static const int calls[] = {SCMP_SYS(fcntl), SCMP_SYS(fcntl64)};
	static const int harmless[] = {
		F_DUPFD,
		F_DUPFD_CLOEXEC,
		F_GETFD,
		F_SETFD,
		F_GETFL,
		F_SETFL,
		F_GETLK,
		F_SETLK,
		F_SETLKW,
		F_OFD_GETLK,
		F_OFD_SETLK,
		F_OFD_SETLKW,
#if F_SETLK64 != F_SETLK
		F_GETLK64,
		F_SETLK64,
		F_SETLKW64,
#endif
	};
	static const int signalling[] = {F_SETOWN, F_SETOWN_EX, F_SETSIG};
	int result = 0;

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]) && result == 0; i++) {
		result = add_commands(filter, SCMP_ACT_ALLOW, calls[i], harmless,
			sizeof(harmless) / sizeof(harmless[0]));
		if (result == 0)
			result = add_commands(filter, SCMP_ACT_ERRNO(EPERM), calls[i],
				signalling, sizeof(signalling) / sizeof(signalling[0]));
	}
	return result;
}

/* Questions about descriptors and ourselves, no characters pushed into a terminal. */
static int
add_questions(scmp_filter_ctx filter)
{
	static const unsigned long requests[] = {
		FIOCLEX, FIONBIO, FIONCLEX, FIONREAD, TCGETS, TIOCGWINSZ};
	static const unsigned options[] = {PR_GET_DUMPABLE, PR_GET_NAME, PR_SET_NAME};
	int result = seccomp_rule_add(
		filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1, SCMP_A0(SCMP_CMP_EQ, 0));

	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]) && result == 0; i++)
		result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
			SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, requests[i]));
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]) && result == 0; i++)
		result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
			SCMP_A0(SCMP_CMP_EQ, options[i]));
	if (result == 0)
		result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(prctl),
			1, SCMP_A0(SCMP_CMP_EQ, PR_SET_DUMPABLE));
	if (result == 0)
		result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl),
			1, SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, TIOCSTI));
	return result;
}

/* ---- the filter ------------------------------------------------------------------ */

static int
add_each(scmp_filter_ctx filter, uint32_t action, const int *calls, size_t count)
{
	int result = 0;

	for (size_t i = 0; i < count && result == 0; i++)
		result = seccomp_rule_add(filter, action, calls[i], 0);
	return result;
}

static int
add_all(scmp_filter_ctx filter)
{
	int result = add_each(
		filter, SCMP_ACT_ALLOW, allowed, sizeof(allowed) / sizeof(allowed[0]));

	if (result == 0)
		result = add_each(filter, SCMP_ACT_ERRNO(EPERM), forbidden,
			sizeof(forbidden) / sizeof(forbidden[0]));
	if (result == 0)
		result = add_clone(filter);
	if (result == 0)
		result = add_socket(filter);
	if (result == 0)
		result = add_kill(filter);
	if (result == 0)
		result = add_fcntl(filter);
	if (result == 0)
		result = add_questions(filter);
	return result;
}

int
sandbox_filter_calls(struct err *err)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	int result = filter == NULL ? -ENOMEM : add_all(filter);

	if (result == 0)
		result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (result == 0)
		result = seccomp_load(filter);
	seccomp_release(filter);
	if (result == 0)
		return 0;
	return err_set(err, ERR_OS, "sandbox: the kernel filters no system calls: %s",
		strerror(-result));
}
