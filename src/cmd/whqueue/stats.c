/* SPDX-License-Identifier: MIT */
#include "cmd/whqueue/whqueue.h"

#include "cmd/endpoint_key.h"
#include "model/json.h"

static const struct output_column columns[] = {
	{"ENDPOINT", false, 10},
	{"WAITING", true, 9},
	{"ACTIVE", true, 7},
	{"DELAYED", true, 8},
	{"PAUSED", true, 5},
	{"BLOCKED", true, 2},
	{"FAILED", true, 8},
	{"COMPLETED", true, 4},
	{"CANCELLED", true, 1},
	{"OLDEST", true, 6},
	{"STATE", false, 7},
	{0},
};

/* In the order of the columns; "failed" is what the dead letter queue waits to
 * be told. */
static const struct {
	enum job_state state;
	const char *name;
	enum tint tint; /* of a number that is not 0 */
} counted[] = {
	{JOB_WAITING, "waiting", TINT_NONE},
	{JOB_ACTIVE, "active", TINT_NONE},
	{JOB_DELAYED, "delayed", TINT_NONE},
	{JOB_PAUSED, "paused", TINT_WARN},
	{JOB_BLOCKED, "blocked", TINT_NONE},
	{JOB_DEAD, "failed", TINT_BAD},
	{JOB_COMPLETED, "completed", TINT_GOOD},
	{JOB_CANCELLED, "cancelled", TINT_NONE},
};

enum { COUNTED = sizeof(counted) / sizeof(counted[0]) };

/* What only the queue as a whole has. */
static void
put_queue_members(struct buf *json, const struct queue_stats *stats)
{
	json_put_key(json, "held_event_types");
	buf_add_char(json, '[');
	for (size_t i = 0; i < stats->held_type_count; i++) {
		if (i > 0)
			buf_add_char(json, ',');
		json_put_string(json, stats->held_types[i]);
	}
	buf_add_char(json, ']');
	json_put_member_int(json, "workers", stats->workers);
}

static void
put_json(struct buf *json, const struct endpoint_stats *row, const char *key,
	const struct queue_stats *stats, int64_t now)
{
	buf_add_char(json, '{');
	json_put_member_string(json, key, row->endpoint);
	for (size_t i = 0; i < COUNTED; i++)
		json_put_member_int(json, counted[i].name, row->counts[counted[i].state]);
	if (row->oldest_due_at != 0)
		json_put_member_time(json, "oldest_due_at", row->oldest_due_at);
	endpoint_state_json(json, row, now);
	if (row == &stats->total)
		put_queue_members(json, stats);
	buf_add_char(json, '}');
}

static void
put_cells(
	struct output *output, const struct endpoint_stats *row, bool total, int64_t now)
{
	output_cell(output, total ? TINT_BOLD : TINT_NONE,
		total ? SPAN_LITERAL("total") : row->endpoint);
	for (size_t i = 0; i < COUNTED; i++) {
		int64_t count = row->counts[counted[i].state];

		output_cell_printf(output, count > 0 ? counted[i].tint : TINT_DIM, "%lld",
			(long long)count);
	}
	output_cell_age(output, row->oldest_due_at, now);
	endpoint_state_cell(output, row, now);
}

static int
put_row(struct output *output, const struct endpoint_stats *row,
	const struct queue_stats *stats, int64_t now, struct err *err)
{
	bool total = row == &stats->total;

	output_row_begin(output, row->endpoint);
	if (output_wants_json(output))
		put_json(output_json(output), row, total ? "queue" : "endpoint", stats,
			now);
	else
		put_cells(output, row, total, now);
	return output_row_end(output, err);
}

static int
put_rows(struct output *output, const struct queue_stats *stats, int64_t now,
	struct err *err)
{
	bool ids_only = !output_wants_cells(output) && !output_wants_json(output);

	if (!ids_only && put_row(output, &stats->total, stats, now, err) != 0)
		return -1;
	for (size_t i = 0; i < stats->count; i++)
		if (put_row(output, &stats->endpoints[i], stats, now, err) != 0)
			return -1;
	return 0;
}

static void
note_workers(struct output *output, const struct queue_stats *stats)
{
	if (stats->workers == 0)
		output_note(output, "no worker is running: whworker delivers");
	else
		output_note(output, "%lld worker%s running", (long long)stats->workers,
			stats->workers == 1 ? "" : "s");
}

/* Such a hold has no row of its own in these tables. */
static void
note_holds(struct output *output, const struct queue_stats *stats)
{
	for (size_t i = 0; i < stats->held_type_count; i++) {
		struct keeper keeper = {
			.kind = KEEPER_EVENT_TYPE,
			.queue = stats->total.endpoint,
			.name = stats->held_types[i],
		};
		struct buf text;

		buf_init(&text, ERR_TEXT_MAX);
		keeper_put(&text, &keeper, 0);
		if (!text.failed)
			output_note(output, "%s", buf_span(&text).ptr);
		buf_free(&text);
	}
}

static int
show_stats(struct cli *cli, const struct cli_common *common,
	const struct queue_stats *stats, const struct stats_view *view, struct err *err)
{
	struct output *output;
	int result;

	if (output_open(&output, cli, common, view->columns, err) != 0)
		return -1;
	result = view->put_rows(output, stats, clock_now(&cli->clock), err);
	note_holds(output, stats);
	note_workers(output, stats);
	if (output_close(output, NULL, result == 0 ? err : NULL) != 0)
		result = -1;
	return result;
}

/* All jobs are counted already; for some of them somebody has to look. */
static int
count_jobs(struct cli *cli, struct store *store, const struct filter_args *args,
	struct queue_stats *stats, struct err *err)
{
	int64_t now = clock_now(&cli->clock);
	struct job_filter filter;

	if (args == NULL || filter_is_empty(args))
		return store_stats(store, now, stats, err);
	if (operator_filter(args, false, &filter, err) != 0)
		return -1;
	endpoint_key_warn_unknown(cli, store, args->endpoint);
	return store_count(store, &filter, now, stats, err);
}

enum exit_code
stats_show(struct cli *cli, const struct cli_common *common,
	const struct filter_args *filter, const struct stats_view *view)
{
	struct queue_stats stats = {0};
	struct store *store = NULL;
	struct err err;
	int result = -1;

	if (operator_open(cli, common, STORE_READ, &store, &err) != 0)
		return cli_complain(cli, &err);
	if (count_jobs(cli, store, filter, &stats, &err) == 0)
		result = show_stats(cli, common, &stats, view, &err);
	queue_stats_free(&stats);
	store_close(store);
	return result == 0 ? EXIT_DONE : cli_complain(cli, &err);
}

enum exit_code
stats_run(struct cli *cli, const void *given)
{
	static const struct stats_view view = {columns, put_rows};
	const struct stats_args *args = given;

	return stats_show(cli, &args->common, &args->filter, &view);
}
