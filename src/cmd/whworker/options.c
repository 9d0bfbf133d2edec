/* SPDX-License-Identifier: MIT */
#include "cmd/whworker/whworker.h"

#include "model/config.h"
#include "model/guard.h"

#include <limits.h>
#include <stddef.h>

static const struct cli_option speed_options[] = {
	{.letter = 'c',
		.name = "concurrency",
		.kind = CLI_INT,
		.offset = offsetof(struct worker_args, concurrency),
		.argument = "N",
		.help = "deliveries at the same time (default: 5)",
		.min = 1,
		.max = CONFIG_CONCURRENCY_MAX},
	{.name = "timeout",
		.kind = CLI_DURATION,
		.offset = offsetof(struct worker_args, timeout_ms),
		.argument = "DURATION",
		.help = "longest delivery (default: 30s)"},
	{.name = "connect-timeout",
		.kind = CLI_DURATION,
		.offset = offsetof(struct worker_args, connect_timeout_ms),
		.argument = "DURATION",
		.help = "longest wait for a connection (default: 10s)"},
	{.name = "jitter",
		.kind = CLI_INT,
		.offset = offsetof(struct worker_args, jitter),
		.argument = "PERCENT",
		.help = "spread retries by up to that much (default: 10)",
		.min = 0,
		.max = 100},
	{0},
};

static const struct cli_option network_options[] = {
	{.name = "allow-net",
		.kind = CLI_LIST,
		.offset = offsetof(struct worker_args, open),
		.argument = "NETWORKS",
		.help = "deliver to these too: 127.0.0.0/8, 10.1.2.3 (default: public only)",
		.environment = "WH_ALLOW_NET",
		.check = networks_check},
	{0},
};

static const char *const sandbox_choices[] = {"auto", "require", "off", NULL};

static const struct cli_option life_options[] = {
	{.name = "drain",
		.kind = CLI_FLAG,
		.offset = offsetof(struct worker_args, drain),
		.help = "end when nothing is due any more"},
	{.name = "once",
		.kind = CLI_FLAG,
		.offset = offsetof(struct worker_args, once),
		.help = "try once what is due now, and end"},
	{.name = "max-time",
		.kind = CLI_DURATION,
		.offset = offsetof(struct worker_args, max_time_ms),
		.argument = "DURATION",
		.help = "end after that time, as on SIGTERM"},
	{.name = "grace",
		.kind = CLI_DURATION,
		.offset = offsetof(struct worker_args, grace_ms),
		.argument = "DURATION",
		.help = "time for deliveries in flight when ending (default: 30s)"},
	{.name = "lease",
		.kind = CLI_DURATION,
		.offset = offsetof(struct worker_args, lease_ms),
		.argument = "DURATION",
		.help = "how long other machines wait for a silent worker (default: 60s)"},
	{.name = "ready-fd",
		.kind = CLI_INT,
		.offset = offsetof(struct worker_args, ready_fd),
		.argument = "FD",
		.help = "write a newline there when ready, and close it",
		.min = 1,
		.max = INT_MAX},
	{.name = "sandbox",
		.kind = CLI_CHOICE,
		.offset = offsetof(struct worker_args, sandbox),
		.argument = "WHEN",
		.help = "give up what a worker does not need of the system",
		.environment = "WH_SANDBOX",
		.choices = sandbox_choices,
		.complete = COMPLETE_CHOICE},
	{0},
};

static const struct cli_group groups[] = {
	{cli_store_options, offsetof(struct worker_args, common)},
	{cli_config_options, offsetof(struct worker_args, common)},
	{policy_options, offsetof(struct worker_args, policy)},
	{network_options, 0},
	{speed_options, 0},
	{life_options, 0},
	{cli_stream_options, offsetof(struct worker_args, common)},
	{0},
};

static const struct worker_args defaults = {
	.concurrency = -1,
	.timeout_ms = -1,
	.connect_timeout_ms = -1,
	.jitter = -1,
	.lease_ms = -1,
	.grace_ms = -1,
	.max_time_ms = -1,
	.ready_fd = -1,
};

static const char *const examples[] = {
	"whworker",
	"whworker --drain",
	"whworker --allow-net 127.0.0.1,::1",
	"whworker --concurrency 50 --config /etc/whtools/whtools.conf",
	"whworker --max-time 55s | jq -c 'select(.event == \"dead\")'",
	NULL,
};

const struct cli_verb worker_verbs[] = {
	{.summary = "deliver what is due, retry what fails, bury what cannot succeed",
		.examples = examples,
		.groups = groups,
		.args_size = sizeof(struct worker_args),
		.defaults = &defaults,
		.run = run_worker},
	{0},
};
