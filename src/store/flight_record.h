/* SPDX-License-Identifier: MIT */
/*
 * The file NAME.db.worker-N: which jobs worker N is delivering at this moment, in memory
 * that outlives its process. When a worker dies, one of those is to blame, if a job is;
 * the many that it had claimed ahead are not. Nothing in it needs to survive the machine.
 */
#ifndef STORE_FLIGHT_RECORD_H
#define STORE_FLIGHT_RECORD_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct flight_record {
	_Atomic int64_t *jobs; /* NULL: there is none; a place that is free has 0 */
	size_t count;
};

/* Makes the worker's file (0600), with all places free, and replaces an older one.
 * ERR_PERMISSION, ERR_IO, ERR_OS. */
int flight_record_make(struct flight_record *record, const char *db_path, int64_t worker,
	size_t count, struct err *err);

/*
 * Opens the record of a worker that died. One that cannot be read, or is not to be
 * trusted, counts as missing: 0, and no jobs. For want of memory or descriptors nobody
 * knows whether there is one: ERR_OS, ERR_BUSY; it may be there the next time.
 */
int flight_record_open(struct flight_record *record, const char *db_path, int64_t worker,
	struct err *err);

void flight_record_close(struct flight_record *record);

bool flight_record_has(const struct flight_record *record, int64_t job_id);

/* Removes the worker's file, if there is one. */
void flight_record_remove(const char *db_path, int64_t worker);

/* Removes the files of all workers of the store that are not needed: who is killed while
 * it ends leaves one behind. */
typedef bool flight_record_needed(void *context, int64_t worker);
void flight_records_sweep(
	const char *db_path, flight_record_needed *needed, void *context);

#endif
