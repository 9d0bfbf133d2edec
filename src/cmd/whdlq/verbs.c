/* SPDX-License-Identifier: MIT */
#include "cmd/whdlq/whdlq.h"

static const char *const list_examples[] = {
	"whdlq list",
	"whdlq list --error-type signature --since 2d",
	"whdlq list -o ndjson | jq -r 'select(.payload.amount>100).id' | whdlq retry -",
	NULL,
};

static const char *const show_examples[] = {
	"whdlq show 42",
	"whdlq show --error-type signature --since 1h",
	"whdlq show --body 42 >body.json",
	"whdlq show 42 -o ndjson | jq -r .curl | sh",
	NULL,
};

static const char *const retry_examples[] = {
	"whdlq retry 42",
	"whdlq retry --error-type server --since 1d --dry-run",
	"whdlq retry --endpoint acme -n 1 --wait && whdlq retry --endpoint acme",
	NULL,
};

static const char *const resolve_examples[] = {
	"whdlq resolve 42 --by admin@example.com -m 'Manually fixed'",
	NULL,
};

static const char *const reopen_examples[] = {
	"whdlq reopen 42",
	"whdlq reopen --status resolved --since 1h",
	NULL,
};

static const char *const stats_examples[] = {
	"whdlq stats",
	"whdlq stats --by cause --endpoint acme",
	"whdlq stats --by day --since 30d",
	NULL,
};

static const char *const cleanup_examples[] = {
	"whdlq cleanup --older-than 30d",
	"whdlq cleanup --older-than 30d --dry-run",
	NULL,
};

static const char *const delete_examples[] = {
	"whdlq delete 42",
	"whdlq delete --status resolved --endpoint acme --dry-run",
	NULL,
};

static const char *const export_examples[] = {
	"whdlq export --endpoint acme >acme.ndjson",
	"whdlq export 42 | jq -c '.url=\"https://new.acme.io/h\" | del(.id)' | "
	"whenqueue",
	NULL,
};

const struct cli_verb whdlq_verbs[] = {
	{.name = "list",
		.summary =
			"list dead letters, newest first (50 unless --limit says otherwise)",
		.examples = list_examples,
		.groups = list_groups,
		.args_size = sizeof(struct list_args),
		.defaults = &list_defaults,
		.run = list_run},
	{.name = "show",
		.operands = "[ID ... | -]",
		.summary =
			"show what was sent, what went wrong, and how to send it by hand",
		.examples = show_examples,
		.groups = show_groups,
		.args_size = sizeof(struct show_args),
		.defaults = &show_defaults,
		.complete = COMPLETE_DEAD_LETTER,
		.run = show_run},
	{.name = "retry",
		.operands = "[ID ... | -]",
		.summary = "send again, with a fresh budget of attempts",
		.examples = retry_examples,
		.groups = retry_groups,
		.args_size = sizeof(struct retry_args),
		.defaults = &retry_defaults,
		.complete = COMPLETE_DEAD_LETTER,
		.run = retry_run},
	{.name = "resolve",
		.operands = "[ID ... | -]",
		.summary = "mark as dealt with, and by whom",
		.examples = resolve_examples,
		.groups = resolve_groups,
		.args_size = sizeof(struct resolve_args),
		.defaults = &resolve_defaults,
		.complete = COMPLETE_DEAD_LETTER,
		.run = resolve_run},
	{.name = "reopen",
		.operands = "[ID ... | -]",
		.summary = "mark as unresolved again",
		.examples = reopen_examples,
		.groups = change_groups,
		.args_size = sizeof(struct change_verb_args),
		.defaults = &change_defaults,
		.complete = COMPLETE_DEAD_LETTER,
		.run = reopen_run},
	{.name = "stats",
		.summary = "count dead letters by what went wrong, where and when",
		.examples = stats_examples,
		.groups = stats_groups,
		.args_size = sizeof(struct stats_args),
		.defaults = &stats_defaults,
		.run = stats_run},
	{.name = "cleanup",
		.summary = "forget what was resolved long ago",
		.examples = cleanup_examples,
		.groups = cleanup_groups,
		.args_size = sizeof(struct cleanup_args),
		.defaults = &cleanup_defaults,
		.run = cleanup_run},
	{.name = "delete",
		.operands = "[ID ... | -]",
		.summary = "remove for good, with all attempts",
		.examples = delete_examples,
		.groups = change_groups,
		.args_size = sizeof(struct change_verb_args),
		.defaults = &change_defaults,
		.complete = COMPLETE_DEAD_LETTER,
		.run = delete_run},
	{.name = "export",
		.operands = "[ID ... | -]",
		.summary = "write as records that whenqueue takes back",
		.examples = export_examples,
		.groups = export_groups,
		.args_size = sizeof(struct export_args),
		.defaults = &export_defaults,
		.complete = COMPLETE_DEAD_LETTER,
		.run = export_run},
	{0},
};
