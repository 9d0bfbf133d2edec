/* SPDX-License-Identifier: MIT */
#include "cmd/whdlq/whdlq.h"

#include "model/json.h"

#include <string.h>

enum { OVERVIEW_ROWS = 8 };

static const char *const by_choices[] = {"overview", "category", "error-type",
	"event-type", "endpoint", "day", "reason", "cause", NULL};

static const struct cli_option options[] = {
	{.name = "by",
		.kind = CLI_CHOICE,
		.offset = offsetof(struct stats_args, by),
		.argument = "WHAT",
		.help = "count by this",
		.choices = by_choices,
		.complete = COMPLETE_CHOICE},
	{0},
};

const struct cli_group stats_groups[] = {
	{options, 0},
	{cli_dead_status_options, offsetof(struct stats_args, filter)},
	{cli_filter_options, offsetof(struct stats_args, filter)},
	{cli_page_options, offsetof(struct stats_args, filter)},
	{cli_output_options, offsetof(struct stats_args, common)},
	{cli_store_options, offsetof(struct stats_args, common)},
	{0},
};

const struct stats_args stats_defaults = {.filter = {.limit = -1}};

/* How a grouping is called in records, and above a column. */
static const struct grouping {
	const char *member;
	const char *title;
} groupings[] = {
	[BY_CATEGORY] = {"category", "CATEGORY"},
	[BY_ERROR_TYPE] = {"error_type", "ERROR"},
	[BY_EVENT_TYPE] = {"event_type", "EVENT TYPE"},
	[BY_ENDPOINT] = {"endpoint", "ENDPOINT"},
	[BY_DAY] = {"day", "DAY"},
	[BY_REASON] = {"dead_reason", "REASON"},
	[BY_CAUSE] = {"reason", "CAUSE"},
};

/* The sum: by nothing, and so without a member of its own. */
static const struct grouping whole = {"total", NULL};

enum { GROUPING_COUNT = sizeof(groupings) / sizeof(groupings[0]) };

struct counting {
	struct cli *cli;
	const struct stats_args *args;
	struct store *store;
	struct job_filter filter;
	int64_t now;
};

static void
put_counts(struct buf *out, const int64_t counts[DEAD_STATUS_COUNT])
{
	for (int status = 0; status < DEAD_STATUS_COUNT; status++)
		json_put_member_int(
			out, dead_status_name((enum dead_status)status), counts[status]);
}

static void
put_row(struct buf *out, const struct grouping *grouping, const struct dead_count *row)
{
	buf_add_char(out, '{');
	json_put_member_string(out, "by", span_of(grouping->member));
	if (row->key.len > 0)
		json_put_member_string(out, grouping->member, row->key);
	else if (grouping != &whole)
		json_put_member_raw(out, grouping->member, SPAN_LITERAL("null"));
	put_counts(out, row->counts);
	if (row->oldest_at != 0) {
		json_put_member_time(out, "oldest_at", row->oldest_at);
		json_put_member_time(out, "newest_at", row->newest_at);
	}
	buf_add_char(out, '}');
}

/* The sum of no letters is of no age. */
static void
age_cell(struct output *output, int64_t at, int64_t now)
{
	if (at == 0)
		output_cell(output, TINT_NONE, SPAN_LITERAL(""));
	else
		output_cell_age(output, at, now);
}

static void
row_cells(struct output *output, const struct dead_count *row, int64_t now)
{
	static const enum tint tints[] = {
		[DEAD_UNRESOLVED] = TINT_BAD,
		[DEAD_RETRYING] = TINT_WARN,
		[DEAD_RESOLVED] = TINT_GOOD,
	};

	output_cell(output, TINT_BOLD, row->key.len > 0 ? row->key : SPAN_LITERAL("-"));
	for (int status = 0; status < DEAD_STATUS_COUNT; status++)
		output_cell_printf(output,
			row->counts[status] > 0 ? tints[status] : TINT_DIM, "%lld",
			(long long)row->counts[status]);
	age_cell(output, row->oldest_at, now);
	age_cell(output, row->newest_at, now);
}

static int
write_rows(const struct counting *counting, enum dead_group group,
	const struct dead_stats *stats, size_t limit, struct err *err)
{
	const struct output_column columns[] = {
		{groupings[group].title, false, 5},
		{"UNRESOLVED", true, 0},
		{"RETRYING", true, 3},
		{"RESOLVED", true, 4},
		{"OLDEST", true, 2},
		{"NEWEST", true, 1},
		{0},
	};
	size_t shown = limit > 0 && limit < stats->count ? limit : stats->count;
	struct output *output;
	int result = 0;

	if (output_open(&output, counting->cli, &counting->args->common, columns, err) !=
		0)
		return -1;
	for (size_t i = 0; i < shown && result == 0; i++) {
		output_row_begin(output, stats->rows[i].key);
		if (output_wants_cells(output))
			row_cells(output, &stats->rows[i], counting->now);
		if (output_wants_json(output))
			put_row(output_json(output), &groupings[group], &stats->rows[i]);
		result = output_row_end(output, err);
	}
	if (shown < stats->count)
		output_note(output, "%zu more: whdlq stats --by %s", stats->count - shown,
			by_choices[group + 1]);
	if (output_close(output, "No dead letters.", result == 0 ? err : NULL) != 0)
		result = -1;
	return result;
}

static enum exit_code
stats_by(const struct counting *counting, enum dead_group group, struct err *err)
{
	struct dead_stats stats;
	enum exit_code code;

	if (store_dead_stats(counting->store, &counting->filter, group, &stats, err) != 0)
		return cli_complain(counting->cli, err);
	code = stats.count > 0 ? EXIT_DONE : EXIT_NONE;
	if (write_rows(counting, group, &stats, counting->filter.limit, err) != 0)
		code = cli_complain(counting->cli, err);
	dead_stats_free(&stats);
	return code;
}

static void
add_up(const struct dead_stats *stats, struct dead_count *total)
{
	*total = (struct dead_count){.key = SPAN_LITERAL("")};
	for (size_t i = 0; i < stats->count; i++) {
		const struct dead_count *row = &stats->rows[i];

		for (int status = 0; status < DEAD_STATUS_COUNT; status++)
			total->counts[status] += row->counts[status];
		if (i == 0 || row->oldest_at < total->oldest_at)
			total->oldest_at = row->oldest_at;
		if (i == 0 || row->newest_at > total->newest_at)
			total->newest_at = row->newest_at;
	}
}

/* A row that says what it counts by: of the one table of what programs read. */
static int
write_flat_row(struct output *output, const struct grouping *grouping,
	const struct dead_count *row, int64_t now, struct err *err)
{
	output_row_begin(output, row->key);
	if (output_wants_cells(output)) {
		output_cell(output, TINT_NONE, span_of(grouping->member));
		row_cells(output, row, now);
	}
	if (output_wants_json(output))
		put_row(output_json(output), grouping, row);
	return output_row_end(output, err);
}

static int
overview_flat(const struct counting *counting, const struct dead_stats *all,
	const struct dead_count *total, struct err *err)
{
	static const struct output_column columns[] = {
		{"BY", false, 0},
		{"VALUE", false, 0},
		{"UNRESOLVED", true, 0},
		{"RETRYING", true, 0},
		{"RESOLVED", true, 0},
		{"OLDEST", true, 0},
		{"NEWEST", true, 0},
		{0},
	};
	struct output *output;
	int result;

	if (output_open(&output, counting->cli, &counting->args->common, columns, err) !=
		0)
		return -1;
	result = write_flat_row(output, &whole, total, counting->now, err);
	for (int group = 0; group < GROUPING_COUNT; group++)
		for (size_t i = 0; i < all[group].count && result == 0; i++)
			result = write_flat_row(output, &groupings[group],
				&all[group].rows[i], counting->now, err);
	if (output_close(output, "", result == 0 ? err : NULL) != 0)
		result = -1;
	return result;
}

static int
overview_tables(const struct counting *counting, const struct dead_stats *all,
	const struct dead_count *total, struct err *err)
{
	static const enum dead_group shown[] = {
		BY_ERROR_TYPE, BY_CAUSE, BY_ENDPOINT, BY_EVENT_TYPE};
	struct buf line;
	int result;

	buf_init(&line, 256);
	buf_printf(&line, "%lld unresolved, %lld retrying, %lld resolved\n",
		(long long)total->counts[DEAD_UNRESOLVED],
		(long long)total->counts[DEAD_RETRYING],
		(long long)total->counts[DEAD_RESOLVED]);
	result = cli_write_buf(counting->cli, &line, err);
	buf_free(&line);
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]) && result == 0; i++) {
		if (all[shown[i]].count == 0)
			continue;
		result = cli_write(counting->cli, SPAN_LITERAL("\n"), err);
		if (result == 0)
			result = write_rows(
				counting, shown[i], &all[shown[i]], OVERVIEW_ROWS, err);
	}
	return result;
}

static enum exit_code
overview(const struct counting *counting, struct err *err)
{
	bool tables = output_format(counting->cli, &counting->args->common) ==
		FORMAT_TABLE;
	struct dead_stats all[GROUPING_COUNT];
	struct dead_count total;
	int groups = 0, result = 0;

	while (groups < GROUPING_COUNT && result == 0) {
		result = store_dead_stats(counting->store, &counting->filter,
			(enum dead_group)groups, &all[groups], err);
		groups += result == 0;
	}
	if (result == 0) {
		add_up(&all[BY_REASON], &total);
		result = tables ? overview_tables(counting, all, &total, err)
				: overview_flat(counting, all, &total, err);
	}
	while (groups > 0)
		dead_stats_free(&all[--groups]);
	return result == 0 ? EXIT_DONE : cli_complain(counting->cli, err);
}

enum exit_code
stats_run(struct cli *cli, const void *arguments)
{
	struct counting counting = {
		.cli = cli, .args = arguments, .now = clock_now(&cli->clock)};
	const struct stats_args *args = arguments;
	struct err err;
	enum exit_code code;

	if (operator_filter(&args->filter, true, &counting.filter, &err) != 0 ||
		operator_open_for(cli, &args->common, STORE_READ, &args->filter,
			&counting.store, &err) != 0)
		return cli_complain(cli, &err);
	code = args->by == 0 ? overview(&counting, &err)
			     : stats_by(&counting, (enum dead_group)(args->by - 1), &err);
	store_close(counting.store);
	return code;
}
