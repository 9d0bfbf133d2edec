/* SPDX-License-Identifier: MIT */
/*
 * The worker's lines: one per attempt (completed, retry, dead), and for what is no
 * attempt (stalled, unconfigured, breaker_opened, breaker_probing, breaker_closed,
 * error). NDJSON is the contract; the plain form is for eyes.
 */
#ifndef WORK_REPORT_H
#define WORK_REPORT_H

#include "work/task.h"

/* Tells the operator of what is no line; called by both threads. */
typedef void worker_complain(void *context, const struct err *err);

struct report {
	bool plain; /* for a terminal */
	bool color;
	int64_t worker;
};

/* A settled attempt, with its line end; `url` is where it was sent, shown without its
 * secrets. */
void report_attempt(const struct report *report, struct buf *out, const struct task *task,
	struct span url);

/* Our settle came too late: the job was taken from us. */
void report_lost(const struct report *report, struct buf *out, const struct task *task,
	int64_t now);

/* A job that was taken back from a worker that died. */
void report_stalled(const struct report *report, struct buf *out,
	const struct stalled_job *job, int64_t now);

/* The task's endpoint is not in the configuration. */
void report_unconfigured(const struct report *report, struct buf *out,
	const struct task *task, const struct err *why, int64_t now);

/* The task goes out to an endpoint whose breaker is not closed. */
void report_probe(const struct report *report, struct buf *out, const struct task *task);

/* What the task's outcome changed of its endpoint's breaker, which was `before`; nothing
 * if it neither opened nor closed. */
void report_breaker(const struct report *report, struct buf *out, const struct task *task,
	const struct breaker *before, int64_t now);

/* The worker itself failed at something. */
void report_error(
	const struct report *report, struct buf *out, const struct err *why, int64_t now);

#endif
