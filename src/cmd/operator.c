/* SPDX-License-Identifier: MIT */
#include "cmd/operator.h"

#include "cmd/endpoint_key.h"

#include <string.h>

enum { PATH_BYTES_MAX = 4096 };

int
operator_open(struct cli *cli, const struct cli_common *common, enum store_mode mode,
	struct store **store, struct err *err)
{
	struct store_options options = {
		.mode = mode,
		.queue = common->queue,
		.now = clock_now(&cli->clock),
	};
	struct buf path;
	int result;

	*store = NULL;
	buf_init(&path, PATH_BYTES_MAX);
	result = cli_store_path(common, &path, err);
	if (result == 0) {
		options.path = buf_span(&path).ptr;
		result = store_open(store, &options, err);
	}
	buf_free(&path);
	return result;
}

int
operator_open_for(struct cli *cli, const struct cli_common *common, enum store_mode mode,
	const struct filter_args *filter, struct store **store, struct err *err)
{
	if (operator_open(cli, common, mode, store, err) != 0)
		return -1;
	endpoint_key_warn_unknown(cli, *store, filter->endpoint);
	return 0;
}

void
operator_warn_without_worker(struct cli *cli, struct store *store)
{
	struct queue_stats stats;

	if (store_stats(store, clock_now(&cli->clock), &stats, &(struct err){0}) != 0)
		return;
	if (stats.workers == 0)
		cli_warn(cli, "no worker is running: start one with whworker");
	queue_stats_free(&stats);
}

bool
operator_is_watched(const struct cli *cli, const struct cli_common *common)
{
	return cli->stderr_terminal && output_format(cli, common) == FORMAT_TABLE;
}

void
operator_tell_of_rest(struct cli *cli, const struct cli_common *common,
	struct output *output, size_t shown, struct span next)
{
	if (next.len == 0)
		return;
	if (output != NULL)
		output_note(output, "%zu shown; next page: --after %.*s, all: --limit 0",
			shown, (int)next.len, next.ptr);
	if (shown == 1 || (output != NULL && output_format(cli, common) == FORMAT_TABLE))
		return;
	cli_warn(cli, "there are more than the newest %zu: --after %.*s, all: --limit 0",
		shown, (int)next.len, next.ptr);
}

static int
unknown_status(struct span name, bool dead, struct err *err)
{
	const struct cli_option *option = dead ? cli_dead_status_options
					       : cli_job_status_options;
	char word[64];

	snprintf(word, sizeof(word), "%.*s", span_shown(name), name.ptr);
	return cli_unknown_choice("--status", word, option->choices, err);
}

static int
add_all(struct job_filter *filter, bool dead)
{
	if (dead)
		filter->dead_statuses = (1u << DEAD_STATUS_COUNT) - 1;
	else
		filter->states = (1u << JOB_STATE_COUNT) - 1;
	return 0;
}

static int
add_status(struct job_filter *filter, struct span name, bool dead, struct err *err)
{
	enum dead_status status;
	enum job_state state;

	if (span_is(name, "all"))
		return add_all(filter, dead);
	if (dead ? !dead_status_parse(name, &status) : !job_state_parse(name, &state))
		return unknown_status(name, dead, err);
	if (dead)
		filter->dead_statuses |= 1u << status;
	else
		filter->states |= 1u << state;
	return 0;
}

/* "waiting,delayed" is as good as saying --status twice. */
static int
add_statuses(struct job_filter *filter, const char *names, bool dead, struct err *err)
{
	for (;;) {
		size_t len = strcspn(names, ",");

		if (add_status(filter, (struct span){names, len}, dead, err) != 0)
			return -1;
		if (names[len] == '\0')
			return 0;
		names += len + 1;
	}
}

int
operator_filter(const struct filter_args *args, bool dead, struct job_filter *filter,
	struct err *err)
{
	*filter = (struct job_filter){
		.event_type = span_of(args->event_type),
		.endpoint = span_of(args->endpoint),
		.has_type = args->error_type > 0,
		.has_category = args->category > 0,
		.since = args->since,
		.until = args->until,
		.after = span_of(args->after),
		.limit = args->limit > 0 ? (size_t)args->limit : 0,
	};
	if (args->event_type != NULL && args->event_type[0] == '\0')
		return err_set(err, ERR_USAGE, "--event-type: an empty name");
	if (args->endpoint != NULL && endpoint_key_check(args->endpoint, err) != 0)
		return -1;
	if (filter->has_type)
		filter->type = (enum error_type)(args->error_type - 1);
	if (filter->has_category)
		filter->category = (enum category)(args->category - 1);
	if (filter->until != 0 && filter->since >= filter->until)
		return err_set(err, ERR_USAGE,
			"--since: not before --until, so that nothing can match");
	if (args->after != NULL && !store_cursor_valid(filter->after))
		return err_set(err, ERR_USAGE,
			"--after: '%.64s' is not a cursor; take the one that a listing"
			" ended with",
			args->after);
	for (size_t i = 0; i < args->status.count; i++)
		if (add_statuses(filter, args->status.items[i], dead, err) != 0)
			return -1;
	return 0;
}

int
operator_show_filter(const struct cli *cli, const struct filter_args *args, bool dead,
	struct job_filter *filter, struct err *err)
{
	bool filtered = !filter_takes_all(args) || args->limit >= 0;

	if (cli->operand_count > 0 && filtered)
		return err_set(err, ERR_USAGE, "either ids or a filter, not both");
	if (cli->operand_count == 0 && !filtered)
		return err_set(err, ERR_USAGE,
			"which ones? give ids, a filter like --endpoint, or -n 1 for the"
			" newest");
	if (operator_filter(args, dead, filter, err) != 0)
		return -1;
	if (args->limit < 0)
		filter->limit = SHOW_LIMIT_DEFAULT;
	return 0;
}
