/* SPDX-License-Identifier: MIT */
#include "cmd/whqueue/whqueue.h"

#include "model/guard.h"

#include <stddef.h>

const struct cli_group view_groups[] = {
	{cli_output_options, offsetof(struct view_args, common)},
	{cli_store_options, offsetof(struct view_args, common)},
	{0},
};

static const struct cli_option doctor_options[] = {
	{.name = "allow-net",
		.kind = CLI_LIST,
		.offset = offsetof(struct doctor_args, open),
		.argument = "NETWORKS",
		.help = "as whworker is given it: what else it may deliver to",
		.environment = "WH_ALLOW_NET",
		.check = networks_check},
	{0},
};

const struct cli_group doctor_groups[] = {
	{doctor_options, 0},
	{cli_config_options, offsetof(struct doctor_args, common)},
	{cli_output_options, offsetof(struct doctor_args, common)},
	{cli_store_options, offsetof(struct doctor_args, common)},
	{0},
};

const struct cli_group stats_groups[] = {
	{cli_job_status_options, offsetof(struct stats_args, filter)},
	{cli_filter_options, offsetof(struct stats_args, filter)},
	{cli_output_options, offsetof(struct stats_args, common)},
	{cli_store_options, offsetof(struct stats_args, common)},
	{0},
};

static const struct cli_option show_options[] = {
	{.name = "reveal",
		.kind = CLI_FLAG,
		.offset = offsetof(struct show_args, reveal),
		.help = "show secrets in headers and URLs"},
	{0},
};

const struct cli_group show_groups[] = {
	{show_options, 0},
	{cli_job_status_options, offsetof(struct show_args, filter)},
	{cli_filter_options, offsetof(struct show_args, filter)},
	{cli_page_options, offsetof(struct show_args, filter)},
	{cli_output_options, offsetof(struct show_args, common)},
	{cli_store_options, offsetof(struct show_args, common)},
	{0},
};

static const struct cli_option list_options[] = {
	{.name = "reveal",
		.kind = CLI_FLAG,
		.offset = offsetof(struct list_args, reveal),
		.help = "show secrets in headers and URLs"},
	{0},
};

const struct cli_group list_groups[] = {
	{list_options, 0},
	{cli_job_status_options, offsetof(struct list_args, filter)},
	{cli_filter_options, offsetof(struct list_args, filter)},
	{cli_page_options, offsetof(struct list_args, filter)},
	{cli_output_options, offsetof(struct list_args, common)},
	{cli_store_options, offsetof(struct list_args, common)},
	{0},
};

const struct cli_group change_groups[] = {
	{cli_change_options, offsetof(struct change_verb_args, flags)},
	{cli_job_status_options, offsetof(struct change_verb_args, filter)},
	{cli_filter_options, offsetof(struct change_verb_args, filter)},
	{cli_page_options, offsetof(struct change_verb_args, filter)},
	{cli_output_options, offsetof(struct change_verb_args, common)},
	{cli_store_options, offsetof(struct change_verb_args, common)},
	{0},
};

const struct stats_args stats_defaults = {.filter = {.limit = -1}};
const struct show_args show_defaults = {.filter = {.limit = -1}};
const struct list_args list_defaults = {.filter = {.limit = -1}};
const struct change_verb_args change_defaults = {.filter = {.limit = -1}};

static const char *const stats_examples[] = {
	"whqueue stats",
	"whqueue stats --event-type 'invoice.*' --since 1h",
	"whqueue stats -o json | jq '.[0].waiting'",
	NULL,
};

static const char *const endpoints_examples[] = {
	"whqueue endpoints",
	"whqueue endpoints -o ndjson | jq -r 'select(.breaker!=\"closed\").endpoint'",
	NULL,
};

static const char *const list_examples[] = {
	"whqueue list --status delayed",
	"whqueue list --endpoint https://api.acme.io --since 2h",
	"whqueue list -s completed --limit 0 -o tsv",
	NULL,
};

static const char *const show_examples[] = {
	"whqueue show 42",
	"whqueue show --status paused --endpoint acme",
	"whqueue show evt_1 -o json | jq '.[0].attempts'",
	NULL,
};

static const char *const cancel_examples[] = {
	"whqueue cancel 42",
	"whqueue cancel --event-type 'invoice.*' --dry-run",
	"whqueue cancel --status delayed --until 7d",
	NULL,
};

static const char *const expedite_examples[] = {
	"whqueue expedite 42",
	"whqueue expedite --endpoint acme --yes",
	NULL,
};

static const char *const hold_examples[] = {
	"whqueue hold --endpoint acme",
	"whqueue hold 42 43",
	"whqueue hold --all",
	NULL,
};

static const char *const release_examples[] = {
	"whqueue release --endpoint acme",
	"whqueue release 42 43",
	"whqueue release --all",
	NULL,
};

static const char *const doctor_examples[] = {
	"whqueue doctor",
	"whqueue doctor -o ndjson | jq -r 'select(.result!=\"ok\").advice'",
	NULL,
};

const struct cli_verb whqueue_verbs[] = {
	{.name = "stats",
		.summary = "count the jobs, in all and per endpoint",
		.examples = stats_examples,
		.groups = stats_groups,
		.args_size = sizeof(struct stats_args),
		.defaults = &stats_defaults,
		.run = stats_run},
	{.name = "endpoints",
		.summary = "show who is sent nothing at present, why, and until when",
		.examples = endpoints_examples,
		.groups = view_groups,
		.args_size = sizeof(struct view_args),
		.run = endpoints_run},
	{.name = "list",
		.summary = "list jobs, newest first (50 unless --limit says otherwise)",
		.examples = list_examples,
		.groups = list_groups,
		.args_size = sizeof(struct list_args),
		.defaults = &list_defaults,
		.run = list_run},
	{.name = "show",
		.operands = "[ID ... | -]",
		.summary = "show jobs with their requests and every attempt",
		.examples = show_examples,
		.groups = show_groups,
		.args_size = sizeof(struct show_args),
		.defaults = &show_defaults,
		.complete = COMPLETE_JOB,
		.run = show_run},
	{.name = "cancel",
		.operands = "[ID ... | -]",
		.summary = "take jobs out of the queue for good",
		.examples = cancel_examples,
		.groups = change_groups,
		.args_size = sizeof(struct change_verb_args),
		.defaults = &change_defaults,
		.complete = COMPLETE_JOB,
		.run = cancel_run},
	{.name = "hold",
		.operands = "[ID ... | -]",
		.summary = "hold jobs, or an endpoint, an event type or everything, now "
			   "and for what comes",
		.examples = hold_examples,
		.groups = change_groups,
		.args_size = sizeof(struct change_verb_args),
		.defaults = &change_defaults,
		.complete = COMPLETE_JOB,
		.run = hold_run},
	{.name = "release",
		.operands = "[ID ... | -]",
		.summary = "let go what was held; close an endpoint's breaker",
		.examples = release_examples,
		.groups = change_groups,
		.args_size = sizeof(struct change_verb_args),
		.defaults = &change_defaults,
		.complete = COMPLETE_JOB,
		.run = release_run},
	{.name = "expedite",
		.operands = "[ID ... | -]",
		.summary = "run jobs now, whatever their delay",
		.examples = expedite_examples,
		.groups = change_groups,
		.args_size = sizeof(struct change_verb_args),
		.defaults = &change_defaults,
		.complete = COMPLETE_JOB,
		.run = expedite_run},
	{.name = "doctor",
		.summary =
			"examine the store and what a worker has here, and say what to do",
		.examples = doctor_examples,
		.groups = doctor_groups,
		.args_size = sizeof(struct doctor_args),
		.run = doctor_run},
	{0},
};
