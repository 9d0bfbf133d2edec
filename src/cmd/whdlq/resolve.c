/* SPDX-License-Identifier: MIT */
#include "cmd/whdlq/whdlq.h"

#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

static const struct cli_option options[] = {
	{.name = "by",
		.kind = CLI_TEXT,
		.offset = offsetof(struct resolve_args, by),
		.argument = "NAME",
		.help = "who dealt with it (default: the user you are logged in as)"},
	{.letter = 'm',
		.name = "message",
		.kind = CLI_TEXT,
		.offset = offsetof(struct resolve_args, note),
		.argument = "TEXT",
		.help = "what was done about it"},
	{0},
};

const struct cli_group resolve_groups[] = {
	{options, 0},
	{cli_change_options, offsetof(struct resolve_args, change.flags)},
	{cli_dead_status_options, offsetof(struct resolve_args, change.filter)},
	{cli_filter_options, offsetof(struct resolve_args, change.filter)},
	{cli_page_options, offsetof(struct resolve_args, change.filter)},
	{cli_output_options, offsetof(struct resolve_args, change.common)},
	{cli_store_options, offsetof(struct resolve_args, change.common)},
	{0},
};

const struct resolve_args resolve_defaults = {.change.filter = {.limit = -1}};

/* Behind sudo it is a person that counts, not root. */
static const char *
person(const char *by)
{
	static const char *const variables[] = {"SUDO_USER", "USER", "LOGNAME"};
	const struct passwd *user;

	for (size_t i = 0; by == NULL && i < sizeof(variables) / sizeof(variables[0]);
		i++)
		by = getenv(variables[i]);
	if (by == NULL) {
		user = getpwuid(getuid());
		by = user == NULL ? NULL : user->pw_name;
	}
	return by != NULL && by[0] != '\0' ? by : NULL;
}

enum exit_code
resolve_run(struct cli *cli, const void *arguments)
{
	const struct resolve_args *args = arguments;
	const char *by = person(args->by);
	struct err err;

	if (by == NULL) {
		err_set(&err, ERR_USAGE, "resolve: who dealt with it? (--by NAME)");
		return cli_complain(cli, &err);
	}
	return operator_change(cli,
		&(struct operator_change){
			.args = &args->change,
			.action = {.verb = ACT_RESOLVE,
				.by = span_of(by),
				.note = span_of(args->note)},
			.done = "resolved",
		});
}
