/* SPDX-License-Identifier: MIT */
/*
 * The worker's lines: one per attempt (completed, retry, dead), and for what is no
 * attempt (stalled, error). NDJSON is the contract; the plain form is for eyes.
 */
#ifndef WORK_REPORT_H
#define WORK_REPORT_H

#include "work/task.h"

struct report {
	bool plain; /* for a terminal */
	bool color;
	int64_t worker;
};

/* A settled attempt, with its line end; `url` is where it was sent. */
void report_attempt(const struct report *report, struct buf *out, const struct task *task,
	struct span url);

/* Our own settle came too late: another worker has the job. */
void report_lost(const struct report *report, struct buf *out, const struct task *task,
	int64_t now);

/* A job that was taken back from a worker that died. */
void report_stalled(const struct report *report, struct buf *out,
	const struct stalled_job *job, int64_t now);

/* The worker itself failed at something. */
void report_error(
	const struct report *report, struct buf *out, const struct err *why, int64_t now);

#endif
