/* SPDX-License-Identifier: MIT */
/*
 * A model of a disk behind a cache that loses power. It is told of every record of a
 * journal in turn and knows what is certainly on the disk: contents up to the last sync
 * of each file, names up to the last sync of their directory. Everything later may be
 * there or not, in any order, and a write may be torn between sectors.
 */
#ifndef TESTS_TORTURE_DISK_H
#define TESTS_TORTURE_DISK_H

#include "base/buf.h"
#include "record.h"

enum { DISK_FILES_MAX = 64, DISK_PENDING_MAX = 65536 };

/* A file or directory. */
struct disk_file {
	uint64_t inode;
	bool is_directory;
	struct buf synced;
	const struct record **pending; /* writes and truncations since the last sync */
	size_t pending_count;
};

/* A name; `path` is borrowed from the journal. */
struct disk_name {
	struct span path;
	uint64_t inode;
	bool synced;
};

struct disk {
	const char *root; /* the directory that was there at the beginning */
	struct disk_file files[DISK_FILES_MAX];
	size_t file_count;
	struct disk_name names[DISK_FILES_MAX];
	size_t name_count;
};

/* What of the unsynced survives. */
enum survival { SURVIVES_NOT, SURVIVES_ALL, SURVIVES_BY_CHANCE };

struct survivors {
	enum survival names;
	enum survival contents;
	size_t sector; /* where a write may be torn, if by chance */
	uint64_t seed;
};

void disk_init(struct disk *disk, const char *root);
void disk_free(struct disk *disk);
void disk_apply(struct disk *disk, const struct record *record);

/* Makes the files that are left, in the directory `to` in the place of the root. */
void disk_materialize(
	const struct disk *disk, const struct survivors *survivors, const char *to);

#endif
