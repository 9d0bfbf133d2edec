/* SPDX-License-Identifier: MIT */
#include "cmd/whworker/whworker.h"

#include "net/client.h"

#include <sys/resource.h>

/* Beside the client's: the store, the loop, resolvers' pipes, logs. */
enum { OTHER_DESCRIPTORS = 62 };

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

/* The greatest concurrency that so many descriptors are enough for, or one or two less.
 */
static rlim_t
concurrency_of(rlim_t descriptors)
{
	rlim_t left = descriptors > OTHER_DESCRIPTORS ? descriptors - OTHER_DESCRIPTORS
						      : 0;
	rlim_t own = client_descriptors(left) - left;

	return left > own ? left - own : 1;
}

bool
settings_fit_descriptors(struct config *config)
{
	size_t concurrency = (size_t)config->limits.concurrency;
	rlim_t needed = client_descriptors(concurrency) + OTHER_DESCRIPTORS;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= needed)
		return true;
	limit.rlim_cur = limit.rlim_max < needed ? limit.rlim_max : needed;
	if (setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= needed)
		return true;
	config->limits.concurrency = (int)concurrency_of(limit.rlim_cur);
	return false;
}
