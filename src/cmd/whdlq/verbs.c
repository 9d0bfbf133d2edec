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
	"whdlq show 42 -o json | jq -r .curl",
	NULL,
};

static const char *const retry_examples[] = {
	"whdlq retry 42",
	"whdlq retry --error-type server --since 1d --dry-run",
	"whdlq retry 42 --wait --timeout 2m",
	NULL,
};

static const char *const resolve_examples[] = {
	"whdlq resolve 42 --by admin@example.com -m 'Manually fixed'",
	NULL,
};

static const char *const reopen_examples[] = {"whdlq reopen 42", NULL};

static const char *const stats_examples[] = {
	"whdlq stats",
	"whdlq stats --by day --since 30d",
	NULL,
};

static const char *const cleanup_examples[] = {
	"whdlq cleanup --older-than 30d",
	"whdlq cleanup --older-than 30d --dry-run",
	NULL,
};

static const char *const delete_examples[] = {"whdlq delete 42", NULL};

static const char *const export_examples[] = {
	"whdlq export --endpoint acme >acme.ndjson",
	"whdlq export 42 | jq -c '.url=\"https://new.acme.io/h\" | del(.id)' | "
	"whenqueue",
	NULL,
};

const struct cli_verb whdlq_verbs[] = {
	{"list", NULL, "list dead letters, newest first", list_examples, list_groups,
		sizeof(struct list_args), &list_defaults, COMPLETE_NOTHING, list_run},
	{"show", "[ID ... | -]", "dead letters: request, cause, attempts, curl command",
		show_examples, show_groups, sizeof(struct show_args), &show_defaults,
		COMPLETE_DEAD_LETTER, show_run},
	{"retry", "[ID ... | -]", "send again, with a fresh budget of attempts",
		retry_examples, retry_groups, sizeof(struct retry_args), &retry_defaults,
		COMPLETE_DEAD_LETTER, retry_run},
	{"resolve", "[ID ... | -]", "mark as dealt with, and by whom", resolve_examples,
		resolve_groups, sizeof(struct resolve_args), &resolve_defaults,
		COMPLETE_DEAD_LETTER, resolve_run},
	{"reopen", "[ID ... | -]", "mark as unresolved again", reopen_examples,
		change_only_groups, sizeof(struct change_only_args),
		&change_only_defaults, COMPLETE_DEAD_LETTER, reopen_run},
	{"stats", NULL, "count dead letters by what went wrong, where and when",
		stats_examples, stats_groups, sizeof(struct stats_args), &stats_defaults,
		COMPLETE_NOTHING, stats_run},
	{"cleanup", NULL, "forget what was resolved long ago", cleanup_examples,
		cleanup_groups, sizeof(struct cleanup_args), &cleanup_defaults,
		COMPLETE_NOTHING, cleanup_run},
	{"delete", "[ID ... | -]", "remove for good, with all attempts", delete_examples,
		change_only_groups, sizeof(struct change_only_args),
		&change_only_defaults, COMPLETE_DEAD_LETTER, delete_run},
	{"export", "[ID ... | -]", "write as records that whenqueue takes back",
		export_examples, export_groups, sizeof(struct export_args),
		&export_defaults, COMPLETE_DEAD_LETTER, export_run},
	{0},
};
