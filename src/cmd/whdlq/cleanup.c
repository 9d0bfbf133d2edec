/* SPDX-License-Identifier: MIT */
#include "cmd/whdlq/whdlq.h"

#include "model/json.h"

static const struct cli_option options[] = {
	{.name = "older-than",
		.kind = CLI_DURATION,
		.offset = offsetof(struct cleanup_args, older_than_ms),
		.argument = "DURATION",
		.unit = true,
		.help = "those that were resolved longer ago than this"},
	{0},
};

const struct cli_group cleanup_groups[] = {
	{options, 0},
	{cli_change_options, offsetof(struct cleanup_args, change.flags)},
	{cli_resolved_status_options, offsetof(struct cleanup_args, change.filter)},
	{cli_filter_options, offsetof(struct cleanup_args, change.filter)},
	{cli_page_options, offsetof(struct cleanup_args, change.filter)},
	{cli_output_options, offsetof(struct cleanup_args, change.common)},
	{cli_store_options, offsetof(struct cleanup_args, change.common)},
	{0},
};

const struct cleanup_args cleanup_defaults = {
	.change.filter = {.limit = -1},
	.older_than_ms = -1,
};

/* Forgetting, counted instead of listed: there may be very many. */
struct cleaning {
	const struct cleanup_args *args;
	struct store *store;
	struct job_filter filter;
	struct progress progress;
	int64_t before;
	size_t count;
};

static int
count_one(void *context, const struct action_report *report)
{
	struct cleaning *cleaning = context;

	if (report->result != ACTED)
		return 0;
	cleaning->count++;
	progress_show(&cleaning->progress, "%zu deleted", cleaning->count);
	return 0;
}

static int
cleanup_filter(struct cleaning *cleaning, int64_t now, struct err *err)
{
	const struct cleanup_args *args = cleaning->args;

	if (args->older_than_ms < 0 && filter_is_empty(&args->change.filter) &&
		!args->change.flags.all)
		return err_set(
			err, ERR_USAGE, "cleanup: how old? (--older-than 30d, or --all)");
	if (operator_filter(&args->change.filter, true, &cleaning->filter, err) != 0)
		return -1;
	if ((cleaning->filter.dead_statuses & ~(1u << DEAD_RESOLVED)) != 0)
		return err_set(err, ERR_USAGE,
			"--status: cleanup deletes resolved dead letters only; any other"
			" goes with whdlq delete");
	cleaning->before = args->older_than_ms > 0 ? now - args->older_than_ms : now + 1;
	return 0;
}

static int
clean(struct cleaning *cleaning, bool dry_run, int64_t now, struct err *err)
{
	struct action action = {
		.verb = ACT_CLEANUP,
		.now = now,
		.dry_run = dry_run,
		.resolved_before = cleaning->before,
	};

	cleaning->count = 0;
	return store_act_matching(
		cleaning->store, &action, &cleaning->filter, count_one, cleaning, err);
}

static int
print_count(struct cli *cli, const struct cleaning *cleaning, struct err *err)
{
	const struct cleanup_args *args = cleaning->args;
	bool dry_run = args->change.flags.dry_run;
	struct buf line;
	int result;

	buf_init(&line, 1024);
	if (output_format(cli, &args->change.common) == FORMAT_TABLE) {
		buf_printf(&line, "%zu resolved dead letter%s %s\n", cleaning->count,
			cleaning->count == 1 ? "" : "s",
			dry_run ? "would be deleted" : "deleted");
	} else {
		buf_add_char(&line, '{');
		json_put_member_int(&line, "deleted", (int64_t)cleaning->count);
		json_put_member_time(&line, "before", cleaning->before);
		json_put_member_bool(&line, "dry_run", dry_run);
		buf_add_text(&line, "}\n");
	}
	result = cli_write_buf(cli, &line, err);
	buf_free(&line);
	return result;
}

/* Tells an operator how many there are before asking; everybody else is not asked. */
static bool
confirmed(struct cli *cli, struct cleaning *cleaning, int64_t now)
{
	const struct change_args *change = &cleaning->args->change.flags;

	if (change->yes || change->dry_run || !cli->stdin_terminal)
		return true;
	if (clean(cleaning, true, now, NULL) != 0 || cleaning->count == 0)
		return true;
	return cli_confirm(cli, false, "delete %zu resolved dead letter%s?",
		cleaning->count, cleaning->count == 1 ? "" : "s");
}

enum exit_code
cleanup_run(struct cli *cli, const void *arguments)
{
	struct cleaning cleaning = {.args = arguments};
	int64_t now = clock_now(&cli->clock);
	struct err err;
	int result;

	if (cleanup_filter(&cleaning, now, &err) != 0 ||
		operator_open_for(cli, &cleaning.args->change.common, STORE_WRITE,
			&cleaning.args->change.filter, &cleaning.store, &err) != 0)
		return cli_complain(cli, &err);
	if (!confirmed(cli, &cleaning, now)) {
		cli_warn(cli, "nothing was done");
		store_close(cleaning.store);
		return EXIT_NONE;
	}
	progress_start(&cleaning.progress, cli);
	result = clean(&cleaning, cleaning.args->change.flags.dry_run, now, &err);
	progress_end(&cleaning.progress);
	if (result == 0)
		result = print_count(cli, &cleaning, &err);
	store_close(cleaning.store);
	return result == 0 ? EXIT_DONE : cli_complain(cli, &err);
}
