/* SPDX-License-Identifier: MIT */
#include "work/sandbox.h"

#include "base/span.h"
#include "work/sandbox_internal.h"
#include "work/sandbox_support.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The last two came with later versions than the headers of Debian 12 know. */
enum right {
	RIGHT_EXECUTE = LANDLOCK_ACCESS_FS_EXECUTE,
	RIGHT_WRITE = LANDLOCK_ACCESS_FS_WRITE_FILE,
	RIGHT_READ = LANDLOCK_ACCESS_FS_READ_FILE,
	RIGHT_LIST = LANDLOCK_ACCESS_FS_READ_DIR,
	RIGHT_REMOVE = LANDLOCK_ACCESS_FS_REMOVE_FILE,
	RIGHT_MAKE = LANDLOCK_ACCESS_FS_MAKE_REG,
	RIGHTS_FIRST = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1, /* of version 1 */
	RIGHT_REFER = LANDLOCK_ACCESS_FS_REFER,
	RIGHT_TRUNCATE = 1 << 14,
	RIGHT_DEVICE_IOCTL = 1 << 15,

	READING = RIGHT_READ | RIGHT_LIST,
	WRITING = READING | RIGHT_WRITE | RIGHT_TRUNCATE | RIGHT_MAKE | RIGHT_REMOVE,
	OF_FILES = RIGHT_READ | RIGHT_WRITE | RIGHT_TRUNCATE | RIGHT_EXECUTE,
};

/* What a ruleset withholds: struct landlock_ruleset_attr as it became later. */
struct withheld {
	uint64_t files;
	uint64_t networks;
	uint64_t scopes; /* what is kept to those inside; from version 6 on */
};

enum { SCOPE_SIGNAL = 1 << 1 };

/* ---- the file system ------------------------------------------------------------- */

/* All rights that this version can withhold: what is not handled is allowed. */
static uint64_t
rights_of_version(int version)
{
	uint64_t rights = RIGHTS_FIRST;

	if (version >= 2)
		rights |= RIGHT_REFER;
	if (version >= 3)
		rights |= RIGHT_TRUNCATE;
	if (version >= 5)
		rights |= RIGHT_DEVICE_IOCTL;
	return rights;
}

static void
allow(struct sandbox *sandbox, const char *path, uint64_t rights)
{
	struct landlock_path_beneath_attr rule = {.allowed_access = rights};
	struct stat status;

	if (sandbox->ruleset < 0)
		return;
	rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
	if (rule.parent_fd < 0)
		return;
	if (fstat(rule.parent_fd, &status) == 0) {
		if (!S_ISDIR(status.st_mode))
			rule.allowed_access &= OF_FILES;
		rule.allowed_access &= sandbox->rights;
		(void)syscall(SYS_landlock_add_rule, sandbox->ruleset,
			LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	}
	close(rule.parent_fd);
}

static void
allow_directory_of(struct sandbox *sandbox, const char *file, uint64_t rights)
{
	const char *slash = strrchr(file, '/');
	char *directory;

	if (slash == NULL) {
		allow(sandbox, ".", rights);
		return;
	}
	directory = strndup(file, slash == file ? 1 : (size_t)(slash - file));
	if (directory != NULL)
		allow(sandbox, directory, rights);
	free(directory);
}

static void
allow_with_target(struct sandbox *sandbox, const char *file, uint64_t rights)
{
	char *real = realpath(file, NULL);

	allow_directory_of(sandbox, file, rights);
	if (real != NULL)
		allow_directory_of(sandbox, real, rights);
	free(real);
}

void
sandbox_allow_reading(struct sandbox *sandbox, const char *file)
{
	allow_with_target(sandbox, file, READING);
}

void
sandbox_allow_writing(struct sandbox *sandbox, const char *file)
{
	allow_with_target(sandbox, file, WRITING);
}

static bool
is_mounted_upon(const char *path)
{
	struct statx status;

	return statx(AT_FDCWD, path, AT_NO_AUTOMOUNT, 0, &status) == 0 &&
		(status.stx_attributes_mask & status.stx_attributes &
			STATX_ATTR_MOUNT_ROOT) != 0;
}

/*
 * A resolv.conf is replaced by another of its name whenever a network comes or goes, and
 * a rule for a file is of no use to the next one: then all of its directory must stay
 * readable. But systemd-resolved keeps it elsewhere, and looks into /etc/hosts for us;
 * and in containers these files are mounted, and what is mounted upon cannot be replaced.
 */
static bool
is_etc_needed(void)
{
	char *resolver = realpath("/etc/resolv.conf", NULL);
	bool elsewhere = resolver != NULL &&
		span_starts(span_of(resolver), "/run/systemd/resolve/");

	free(resolver);
	return !elsewhere &&
		!(is_mounted_upon("/etc/resolv.conf") && is_mounted_upon("/etc/hosts"));
}

/* Of all that is in /etc what a resolver and OpenSSL read: no accounts, no keys. */
static void
allow_etc(struct sandbox *sandbox)
{
	static const char *const readable[] = {"/etc/resolv.conf", "/etc/hosts",
		"/etc/nsswitch.conf", "/etc/host.conf", "/etc/gai.conf", "/etc/services",
		"/etc/protocols", "/etc/networks", "/etc/mdns.allow", "/etc/localtime",
		"/etc/ld.so.cache", "/etc/ca-certificates", "/etc/ssl/certs",
		"/etc/ssl/cert.pem", "/etc/ssl/openssl.cnf", "/etc/pki/ca-trust",
		"/etc/pki/tls/certs", "/etc/pki/tls/cert.pem", "/etc/pki/tls/openssl.cnf",
		"/etc/crypto-policies"};

	if (is_etc_needed()) {
		allow(sandbox, "/etc", READING);
		allow_with_target(sandbox, "/etc/resolv.conf", READING);
		return;
	}
	for (size_t i = 0; i < sizeof(readable) / sizeof(readable[0]); i++)
		allow(sandbox, readable[i], READING);
}

/* Whole directories, as their files are replaced too. */
static void
allow_system(struct sandbox *sandbox)
{
	static const char *const readable[] = {"/usr", "/lib", "/lib32", "/lib64",
		"/libx32", "/nix/store", "/gnu/store", "/var/lib/ca-certificates",
		"/run/systemd/resolve", "/run/systemd/userdb", "/run/resolvconf",
		"/run/NetworkManager", "/run/connman", "/run/nscd", "/proc/self",
		"/proc/sys", "/sys/devices/system/cpu", "/dev/random", "/dev/urandom"};

	for (size_t i = 0; i < sizeof(readable) / sizeof(readable[0]); i++)
		allow(sandbox, readable[i], READING);
	allow_etc(sandbox);
	allow(sandbox, "/dev/null", WRITING);
}

void
sandbox_init(struct sandbox *sandbox)
{
	struct withheld withheld = {.scopes = SCOPE_SIGNAL};
	int version = sandbox_landlock_version();

	*sandbox = (struct sandbox){.ruleset = -1};
	if (version < 1)
		return;
	sandbox->rights = rights_of_version(version);
	withheld.files = sandbox->rights;
	/* An older version takes no more than it knows. */
	sandbox->ruleset = (int)syscall(SYS_landlock_create_ruleset, &withheld,
		version >= 6 ? sizeof(withheld) : sizeof(withheld.files), 0);
	allow_system(sandbox);
}

void
sandbox_free(struct sandbox *sandbox)
{
	if (sandbox->ruleset >= 0)
		close(sandbox->ruleset);
	sandbox->ruleset = -1;
}

/* ---- entering -------------------------------------------------------------------- */

static int
confine_files(const struct sandbox *sandbox, struct err *err)
{
	if (sandbox->ruleset < 0)
		return err_set(err, ERR_OS,
			"sandbox: this kernel confines no files (it has no Landlock)");
	if (syscall(SYS_landlock_restrict_self, sandbox->ruleset, 0) == 0)
		return 0;
	return err_set(err, ERR_OS, "sandbox: the kernel confines no files: %s",
		strerror(errno));
}

/* Nothing that a worker does needs one, even if root starts it. */
static int
drop_capabilities(struct err *err)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};

	if (syscall(SYS_capset, &header, none) == 0 &&
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
		return 0;
	return err_set(err, ERR_OS, "sandbox: privileges stay: %s", strerror(errno));
}

int
sandbox_enter(struct sandbox *sandbox, struct err *err)
{
	int result = drop_capabilities(err);

	if (confine_files(sandbox, err) != 0)
		result = -1;
	/* Last: the filter forbids the calls that the others are made of. */
	if (sandbox_filter_calls(err) != 0)
		return -1;
	sandbox->calls_filtered = true;
	return result;
}
