/* SPDX-License-Identifier: MIT */
/*
 * What an attempt came to: delivered, again later, or dead. Fills in the task's settle;
 * a function of the response, the policy and the time.
 */
#ifndef WORK_JUDGE_H
#define WORK_JUDGE_H

#include "net/client.h"
#include "work/task.h"

struct judge {
	const struct policy *policy;
	struct rng *rng;
	int64_t worker;
	size_t snippet_bytes;
};

/* A whole response of 2xx is a delivery; an address that is refused is the end. */
void judge_transfer(const struct judge *judge, struct task *task,
	const struct transfer_result *result, int64_t now);

/* A job that could not be sent at all, and why. */
void judge_refusal(
	const struct judge *judge, struct task *task, const struct err *why, int64_t now);

#endif
