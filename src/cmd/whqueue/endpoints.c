/* SPDX-License-Identifier: MIT */
/*
 * How the endpoints are: who is sent nothing at present, why, and until when.
 */
#include "cmd/whqueue/whqueue.h"

#include "model/json.h"

static const struct output_column columns[] = {
	{"ENDPOINT", false, 10},
	{"BREAKER", false, 8},
	{"FAILURES", true, 6},
	{"SINCE", true, 4},
	{"WAITING", true, 5},
	{"ACTIVE", true, 2},
	{"DELAYED", true, 3},
	{"STATE", false, 9},
	{0},
};

static bool
is_tripped(const struct endpoint_stats *row)
{
	return row->breaker.trips > 0;
}

void
endpoint_state_json(struct buf *json, const struct endpoint_stats *row, int64_t now)
{
	if (row->not_before != 0)
		json_put_member_time(json, "not_before", row->not_before);
	json_put_member_bool(json, "held", row->held);
	if (row->unconfigured_at != 0)
		json_put_member_time(json, "unconfigured_since", row->unconfigured_at);
	if (!is_tripped(row))
		return;
	json_put_member_string(json, "breaker",
		span_of(breaker_state_name(breaker_state(&row->breaker, now))));
	json_put_member_time(json, "probe_at", row->breaker.open_until);
}

static void
put_tripped(struct output *output, const struct endpoint_stats *row, int64_t now)
{
	char wait[TIME_TEXT_SIZE];

	if (breaker_state(&row->breaker, now) == BREAKER_OPEN) {
		duration_format(row->breaker.open_until - now, wait);
		output_cell_printf(
			output, TINT_BAD, "breaker open, next probe in %s", wait);
	} else if (row->counts[JOB_ACTIVE] > 0) {
		output_cell(
			output, TINT_WARN, SPAN_LITERAL("breaker half open, probing"));
	} else if (row->counts[JOB_WAITING] == 0) {
		output_cell(output, TINT_WARN,
			SPAN_LITERAL("breaker half open, next job is a probe"));
	} else {
		output_cell(output, TINT_WARN,
			SPAN_LITERAL("breaker half open, next probe is due"));
	}
}

void
endpoint_state_cell(struct output *output, const struct endpoint_stats *row, int64_t now)
{
	char wait[TIME_TEXT_SIZE];

	if (row->held) {
		output_cell(output, TINT_WARN, SPAN_LITERAL("held"));
	} else if (is_tripped(row)) {
		put_tripped(output, row, now);
	} else if (row->unconfigured_at != 0) {
		output_cell(output, TINT_WARN,
			SPAN_LITERAL("not in the worker's configuration"));
	} else if (row->not_before > now) {
		duration_format(row->not_before - now, wait);
		output_cell_printf(output, TINT_WARN, "asked to wait %s", wait);
	} else {
		output_cell(output, TINT_NONE, SPAN_LITERAL(""));
	}
}

/* Unlike in stats a breaker has a state here also where it is closed. */
static void
put_json(struct buf *json, const struct endpoint_stats *row, int64_t now)
{
	buf_add_char(json, '{');
	json_put_member_string(json, "endpoint", row->endpoint);
	if (!is_tripped(row))
		json_put_member_string(
			json, "breaker", span_of(breaker_state_name(BREAKER_CLOSED)));
	endpoint_state_json(json, row, now);
	json_put_member_int(json, "failures_in_a_row", row->breaker.failures);
	json_put_member_int(json, "trips", row->breaker.trips);
	if (row->breaker_opened_at != 0)
		json_put_member_time(json, "opened_at", row->breaker_opened_at);
	json_put_member_int(json, "waiting", row->counts[JOB_WAITING]);
	json_put_member_int(json, "active", row->counts[JOB_ACTIVE]);
	json_put_member_int(json, "delayed", row->counts[JOB_DELAYED]);
	buf_add_char(json, '}');
}

static void
put_count(struct output *output, int64_t count)
{
	output_cell_printf(
		output, count > 0 ? TINT_NONE : TINT_DIM, "%lld", (long long)count);
}

static void
put_cells(struct output *output, const struct endpoint_stats *row, int64_t now)
{
	static const enum tint tints[BREAKER_STATE_COUNT] = {
		[BREAKER_CLOSED] = TINT_GOOD,
		[BREAKER_OPEN] = TINT_BAD,
		[BREAKER_HALF_OPEN] = TINT_WARN,
	};
	enum breaker_state state = breaker_state(&row->breaker, now);

	output_cell(output, TINT_NONE, row->endpoint);
	output_cell(output, tints[state], span_of(breaker_state_name(state)));
	put_count(output, row->breaker.failures);
	output_cell_age(output, row->breaker_opened_at, now);
	put_count(output, row->counts[JOB_WAITING]);
	put_count(output, row->counts[JOB_ACTIVE]);
	put_count(output, row->counts[JOB_DELAYED]);
	endpoint_state_cell(output, row, now);
}

static int
put_rows(struct output *output, const struct queue_stats *stats, int64_t now,
	struct err *err)
{
	for (size_t i = 0; i < stats->count; i++) {
		const struct endpoint_stats *row = &stats->endpoints[i];

		output_row_begin(output, row->endpoint);
		if (output_wants_json(output))
			put_json(output_json(output), row, now);
		else
			put_cells(output, row, now);
		if (output_row_end(output, err) != 0)
			return -1;
	}
	return 0;
}

enum exit_code
endpoints_run(struct cli *cli, const void *given)
{
	static const struct stats_view view = {columns, put_rows};
	const struct view_args *args = given;

	return stats_show(cli, &args->common, NULL, &view);
}
