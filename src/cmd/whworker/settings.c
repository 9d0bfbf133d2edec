/* SPDX-License-Identifier: MIT */
#include "cmd/whworker/whworker.h"

#include <sys/resource.h>

/* Beside one socket per delivery: the store, the loop, resolvers' pipes, logs. */
enum { OTHER_DESCRIPTORS = 64 };

static void
override(int64_t *setting, int64_t given)
{
	if (given >= 0)
		*setting = given;
}

int
settings_load(struct config *config, const struct worker_args *args, struct err *err)
{
	struct limits *limits = &config->limits;

	if (config_load(config, args->common.config, args->policy.policy, err) != 0)
		return -1;
	if (config_read_files(config, args->common.config, err) != 0 ||
		config_open_networks(config, &args->open, err) != 0) {
		config_free(config);
		return -1;
	}
	if (args->concurrency >= 0)
		limits->concurrency = (int)args->concurrency;
	if (args->jitter >= 0)
		config->policy.jitter_percent = (int)args->jitter;
	override(&limits->timeout_ms, args->timeout_ms);
	override(&limits->connect_timeout_ms, args->connect_timeout_ms);
	override(&limits->lease_ms, args->lease_ms);
	override(&limits->grace_ms, args->grace_ms);
	return 0;
}

bool
settings_fit_descriptors(struct config *config)
{
	rlim_t needed = (rlim_t)config->limits.concurrency + OTHER_DESCRIPTORS;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= needed)
		return true;
	limit.rlim_cur = limit.rlim_max < needed ? limit.rlim_max : needed;
	if (setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= needed)
		return true;
	config->limits.concurrency = limit.rlim_cur > OTHER_DESCRIPTORS
		? (int)(limit.rlim_cur - OTHER_DESCRIPTORS)
		: 1;
	return false;
}
