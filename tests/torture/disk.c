/* SPDX-License-Identifier: MIT */
#include "disk.h"

#include "lab.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_BYTES_MAX = 256 << 20 };

/* ---- being told ------------------------------------------------------------------ */

static struct disk_file *
file_of(struct disk *disk, uint64_t inode)
{
	struct disk_file *file;

	for (size_t i = 0; i < disk->file_count; i++)
		if (disk->files[i].inode == inode)
			return &disk->files[i];
	if (disk->file_count == DISK_FILES_MAX)
		abort();
	file = &disk->files[disk->file_count++];
	*file = (struct disk_file){.inode = inode};
	buf_init(&file->synced, FILE_BYTES_MAX);
	file->pending = calloc(DISK_PENDING_MAX, sizeof(*file->pending));
	if (file->pending == NULL)
		abort();
	return file;
}

static void
set_length(struct buf *content, size_t len)
{
	if (len > content->len) {
		char *room = buf_reserve(content, len - content->len);

		if (room == NULL)
			abort();
		memset(room, 0, len - content->len);
	}
	content->len = len;
}

static void
write_bytes(struct buf *content, size_t offset, const char *bytes, size_t len)
{
	if (offset + len > content->len)
		set_length(content, offset + len);
	memcpy(content->data + offset, bytes, len);
}

static void
change(struct buf *content, const struct record *record)
{
	if (record->kind == RECORD_TRUNCATE)
		set_length(content, (size_t)record->offset);
	else
		write_bytes(content, (size_t)record->offset, (const char *)(record + 1),
			record->len);
}

static bool
is_in_directory(struct span path, struct span directory)
{
	return path.len > directory.len + 1 &&
		memcmp(path.ptr, directory.ptr, directory.len) == 0 &&
		path.ptr[directory.len] == '/' &&
		memchr(path.ptr + directory.len + 1, '/', path.len - directory.len - 1) ==
		NULL;
}

static struct span
path_of(const struct disk *disk, uint64_t inode)
{
	for (size_t i = 0; i < disk->name_count; i++)
		if (disk->names[i].inode == inode)
			return disk->names[i].path;
	return (struct span){0};
}

static void
sync_names(struct disk *disk, struct span directory)
{
	for (size_t i = 0; i < disk->name_count; i++)
		if (is_in_directory(disk->names[i].path, directory))
			disk->names[i].synced = true;
}

static void
sync_file(struct disk *disk, uint64_t inode)
{
	struct disk_file *file = file_of(disk, inode);

	for (size_t i = 0; i < file->pending_count; i++)
		change(&file->synced, file->pending[i]);
	file->pending_count = 0;
	if (file->is_directory)
		sync_names(disk, path_of(disk, inode));
	/* Without a name it is the root, which was there before. */
	if (!span_present(path_of(disk, inode)))
		sync_names(disk, span_of(disk->root));
}

static void
add_name(struct disk *disk, const struct record *record)
{
	struct span path = {(const char *)(record + 1), record->len};

	if (disk->name_count == DISK_FILES_MAX)
		abort();
	disk->names[disk->name_count++] = (struct disk_name){path, record->inode, false};
	file_of(disk, record->inode)->is_directory = record->kind == RECORD_MKDIR;
}

/* Taken at once: that a name which was removed comes back is no danger to us. */
static void
remove_name(struct disk *disk, struct span path)
{
	for (size_t i = 0; i < disk->name_count; i++)
		if (span_equal(disk->names[i].path, path))
			disk->names[i--] = disk->names[--disk->name_count];
}

void
disk_apply(struct disk *disk, const struct record *record)
{
	struct disk_file *file;

	switch (record->kind) {
	case RECORD_CREATE:
	case RECORD_MKDIR:
		add_name(disk, record);
		break;
	case RECORD_UNLINK:
		remove_name(disk, (struct span){(const char *)(record + 1), record->len});
		break;
	case RECORD_WRITE:
	case RECORD_TRUNCATE:
		file = file_of(disk, record->inode);
		if (file->pending_count == DISK_PENDING_MAX)
			abort();
		file->pending[file->pending_count++] = record;
		break;
	case RECORD_SYNC:
		sync_file(disk, record->inode);
		break;
	default:
		break;
	}
}

void
disk_init(struct disk *disk, const char *root)
{
	*disk = (struct disk){.root = root};
}

void
disk_free(struct disk *disk)
{
	for (size_t i = 0; i < disk->file_count; i++) {
		buf_free(&disk->files[i].synced);
		free(disk->files[i].pending);
	}
	disk_init(disk, disk->root);
}

/* ---- after the cut --------------------------------------------------------------- */

/* xorshift64*: the same seed, the same disk. */
static uint64_t
next_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1d;
}

static bool
survives(enum survival survival, uint64_t *state)
{
	if (survival == SURVIVES_BY_CHANCE)
		return (next_random(state) >> 40) % 2 == 0;
	return survival == SURVIVES_ALL;
}

/* Some of its sectors. */
static void
change_torn(
	struct buf *content, const struct record *record, size_t sector, uint64_t *state)
{
	const char *bytes = (const char *)(record + 1);
	size_t at = (size_t)record->offset, end = at + record->len;

	while (at < end) {
		size_t next = (at / sector + 1) * sector;

		next = next < end ? next : end;
		if (survives(SURVIVES_BY_CHANCE, state))
			write_bytes(content, at, bytes, next - at);
		bytes += next - at;
		at = next;
	}
}

static void
content_left(const struct disk_file *file, const struct survivors *survivors,
	uint64_t *state, struct buf *content)
{
	buf_clear(content);
	buf_add_span(content, buf_span(&file->synced));
	for (size_t i = 0; i < file->pending_count; i++) {
		const struct record *record = file->pending[i];

		if (!survives(survivors->contents, state))
			continue;
		if (survivors->contents == SURVIVES_BY_CHANCE &&
			record->kind == RECORD_WRITE &&
			survives(SURVIVES_BY_CHANCE, state))
			change_torn(content, record, survivors->sector, state);
		else
			change(content, record);
	}
}

static void
make_file(const struct disk_file *file, const struct buf *content, const char *path)
{
	int fd;

	if (file->is_directory) {
		mkdir(path, 0700);
		return;
	}
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	/* Not to be made: the directory it was in is lost. */
	if (fd < 0)
		return;
	if (write(fd, buf_span(content).ptr, content->len) != (ssize_t)content->len)
		abort();
	close(fd);
}

void
disk_materialize(
	const struct disk *disk, const struct survivors *survivors, const char *to)
{
	uint64_t state = survivors->seed * 0x9e3779b97f4a7c15 + 1;
	char path[2 * LAB_PATH_MAX];
	struct buf content;

	buf_init(&content, FILE_BYTES_MAX);
	for (size_t i = 0; i < disk->name_count; i++) {
		const struct disk_name *name = &disk->names[i];
		const struct disk_file *file = file_of((struct disk *)disk, name->inode);
		struct span below = {name->path.ptr + strlen(disk->root),
			name->path.len - strlen(disk->root)};

		content_left(file, survivors, &state, &content);
		if (!name->synced && !survives(survivors->names, &state))
			continue;
		snprintf(path, sizeof(path), "%s%.*s", to, (int)below.len, below.ptr);
		make_file(file, &content, path);
	}
	buf_free(&content);
}
