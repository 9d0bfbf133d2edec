/* SPDX-License-Identifier: MIT */
/*
 * What a worker says to the person who started it by hand, on stderr: that it works, for
 * silence might as well mean that it hangs, and in the end what it did. A service manager
 * and a pipe are told nothing.
 */
#include "cmd/whworker/whworker.h"

enum { TEXT_MAX = 4096 };

void
tell_of_start(
	struct cli *cli, const struct worker_args *args, const struct config *config)
{
	struct buf text;

	buf_init(&text, TEXT_MAX);
	if (cli_store_path(&args->common, &text, &(struct err){0}) == 0) {
		buf_add_text(&text, ": delivering to public addresses");
		buf_add_text(&text, config->open == NULL ? " only" : " and to ");
		networks_put(config->open, &text);
		cli_warn(cli, "%s, %d at once; Ctrl-C ends it", buf_span(&text).ptr,
			config->limits.concurrency);
	}
	buf_free(&text);
}

static int64_t
jobs_left(struct store *store, int64_t now)
{
	static const enum job_state states[] = {
		JOB_WAITING, JOB_DELAYED, JOB_PAUSED, JOB_BLOCKED};
	struct queue_stats stats;
	int64_t left = 0;

	if (store_stats(store, now, &stats, &(struct err){0}) != 0)
		return 0;
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		left += stats.total.counts[states[i]];
	queue_stats_free(&stats);
	return left;
}

void
tell_of_end(struct cli *cli, const struct worker *worker, struct store *store)
{
	size_t delivered = worker_attempts(worker, ATTEMPT_COMPLETED);
	size_t retries = worker_attempts(worker, ATTEMPT_RETRY);
	size_t dead = worker_attempts(worker, ATTEMPT_DEAD);
	int64_t left = jobs_left(store, clock_now(&cli->clock));
	struct buf text;

	buf_init(&text, TEXT_MAX);
	if (delivered + retries + dead == 0)
		buf_add_text(&text, "nothing was delivered");
	else
		buf_printf(&text, "%zu delivered, %zu %s scheduled, %zu given up%s",
			delivered, retries, retries == 1 ? "retry" : "retries", dead,
			dead > 0 ? " (whdlq list)" : "");
	if (left > 0)
		buf_printf(&text, "; %lld %s in the queue (whqueue list)",
			(long long)left, left == 1 ? "job is" : "jobs are");
	if (!text.failed)
		cli_warn(cli, "%s", buf_span(&text).ptr);
	buf_free(&text);
}
