/* SPDX-License-Identifier: MIT */
#include "cmd/whworker/whworker.h"

#include "net/client.h"

#include <sys/resource.h>

/* Beside the client's: the store, the loop, certificates, logs. */
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

static rlim_t
descriptors_needed(size_t concurrency)
{
	return client_descriptors(concurrency) + OTHER_DESCRIPTORS;
}

/*
 * As many as are needed in the worst case, or names that nobody answers for would use up
 * those of deliveries that have nothing to do with them.
 */
bool
settings_fit_descriptors(struct config *config)
{
	size_t wanted = (size_t)config->limits.concurrency;
	size_t concurrency = wanted;
	rlim_t needed = descriptors_needed(wanted);
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= needed)
		return true;
	limit.rlim_cur = limit.rlim_max < needed ? limit.rlim_max : needed;
	if (setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= needed)
		return true;
	while (concurrency > 1 && descriptors_needed(concurrency) > limit.rlim_cur)
		concurrency--;
	config->limits.concurrency = (int)concurrency;
	return concurrency == wanted;
}
