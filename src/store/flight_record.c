/* SPDX-License-Identifier: MIT */
#include "store/flight_record.h"

#include "base/trust.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PLACES_MAX = 1 << 20 };

/* Returns new; NULL when memory is out. */
static char *
path_of(const char *db_path, int64_t worker)
{
	char *path;

	return asprintf(&path, "%s.worker-%lld", db_path, (long long)worker) < 0 ? NULL
										 : path;
}

static int
map(struct flight_record *record, int fd, int protection, size_t count)
{
	void *memory = mmap(
		NULL, count * sizeof(*record->jobs), protection, MAP_SHARED, fd, 0);

	if (memory == MAP_FAILED)
		return -1;
	record->jobs = memory;
	record->count = count;
	return 0;
}

/* Its blocks are reserved, for on a full disk a store to a hole would be a SIGBUS. */
static int
make_at(struct flight_record *record, const char *path, size_t count, struct err *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int failed;

	if (fd < 0)
		return err_errno(err, "%s", path);
	failed = fchmod(fd, 0600) != 0 ? errno : 0;
	if (failed == 0)
		failed = posix_fallocate(fd, 0, (off_t)(count * sizeof(*record->jobs)));
	if (failed == 0 && map(record, fd, PROT_READ | PROT_WRITE, count) != 0)
		failed = errno;
	close(fd);
	if (failed == 0)
		return 0;
	unlink(path);
	errno = failed;
	return err_errno(err, "%s", path);
}

int
flight_record_make(struct flight_record *record, const char *db_path, int64_t worker,
	size_t count, struct err *err)
{
	char *path = path_of(db_path, worker);
	int result;

	*record = (struct flight_record){0};
	if (path == NULL)
		return err_no_memory(err);
	/* A store that was put back to an earlier day gives out its numbers again. */
	unlink(path);
	result = make_at(record, path, count, err);
	free(path);
	return result;
}

/* What ended with errno did so for want of something that there may be the next time. */
static bool
is_shortage(int number)
{
	return number == EMFILE || number == ENFILE || number == ENOMEM ||
		number == EAGAIN || number == EINTR;
}

/* -1, with errno, also where there is nothing to be trusted. */
static int
map_trusted(struct flight_record *record, int fd, const char *path)
{
	struct stat status;
	size_t count;

	if (fstat(fd, &status) != 0)
		return -1;
	count = (size_t)status.st_size / sizeof(*record->jobs);
	errno = EINVAL;
	if (!S_ISREG(status.st_mode) || trust_status(&status, path, NULL) != 0 ||
		count == 0 || count > PLACES_MAX)
		return -1;
	return map(record, fd, PROT_READ, count);
}

static int
open_at(struct flight_record *record, const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	int failed = 0;

	if (fd < 0 || map_trusted(record, fd, path) != 0)
		failed = errno;
	if (fd >= 0)
		close(fd);
	if (!is_shortage(failed))
		return 0;
	errno = failed;
	return err_errno(err, "%s", path);
}

int
flight_record_open(struct flight_record *record, const char *db_path, int64_t worker,
	struct err *err)
{
	char *path = path_of(db_path, worker);
	int result;

	*record = (struct flight_record){0};
	if (path == NULL)
		return err_no_memory(err);
	result = open_at(record, path, err);
	free(path);
	return result;
}

void
flight_record_close(struct flight_record *record)
{
	if (record->jobs != NULL)
		munmap((void *)record->jobs, record->count * sizeof(*record->jobs));
	*record = (struct flight_record){0};
}

bool
flight_record_has(const struct flight_record *record, int64_t job_id)
{
	for (size_t i = 0; i < record->count; i++)
		if (record->jobs[i] == job_id)
			return true;
	return false;
}

void
flight_record_remove(const char *db_path, int64_t worker)
{
	char *path = path_of(db_path, worker);

	if (path != NULL)
		unlink(path);
	free(path);
}

/* The worker whose file that would be beside the store of that name; 0: nobody's. */
static int64_t
worker_of(const char *file, const char *store)
{
	static const char infix[] = ".worker-";
	size_t len = strlen(store);
	char canonical[32];
	long long worker;

	if (strncmp(file, store, len) != 0 ||
		strncmp(file + len, infix, sizeof(infix) - 1) != 0)
		return 0;
	file += len + sizeof(infix) - 1;
	worker = strtoll(file, NULL, 10);
	snprintf(canonical, sizeof(canonical), "%lld", worker);
	return worker > 0 && strcmp(file, canonical) == 0 ? worker : 0;
}

static void
sweep(DIR *directory, const char *store, flight_record_needed *needed, void *context)
{
	const struct dirent *entry;

	while ((entry = readdir(directory)) != NULL) {
		int64_t worker = worker_of(entry->d_name, store);

		if (worker != 0 && !needed(context, worker))
			unlinkat(dirfd(directory), entry->d_name, 0);
	}
}

void
flight_records_sweep(const char *db_path, flight_record_needed *needed, void *context)
{
	const char *slash = strrchr(db_path, '/');
	const char *store = slash == NULL ? db_path : slash + 1;
	char *path = slash == NULL ? strdup(".")
				   : strndup(db_path, (size_t)(store - db_path));
	DIR *directory = path == NULL ? NULL : opendir(path);

	if (directory != NULL) {
		sweep(directory, store, needed, context);
		closedir(directory);
	}
	free(path);
}
