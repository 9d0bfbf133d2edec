/* SPDX-License-Identifier: MIT */
/*
 * A changing verb: on the named jobs one by one, or on all that a filter finds, with the
 * same code whether it is a rehearsal or not.
 */
#include "cmd/operator.h"

#include "cmd/keeper.h"

#include "model/json.h"

#include <string.h>

static const struct output_column change_columns[] = {
	{"JOB", true, 0},
	{"ID", false, 5},
	{"RESULT", false, 0},
	{0},
};

/* A table of more than that says nothing to the eye that the number does not. */
enum { ROWS_FOR_EYES = 50 };

/* A change that is under way. */
struct changing {
	struct cli *cli;
	const struct operator_change *change;
	struct store *store;
	struct job_filter filter;
	struct id_list ids;
	struct action action;
	struct output *output; /* NULL: only counting */
	struct progress progress;
	struct keepers keepers;
	size_t done, not_found, refused;
	struct err err; /* of a row that could not be written, or of `each` */
};

static const char *
result_name(const struct changing *changing, enum action_result result)
{
	switch (result) {
	case ACTED:
		return changing->change->done;
	case ACT_NOT_FOUND:
		return "not_found";
	default:
		return "refused";
	}
}

static bool
is_on_letters(const struct changing *changing)
{
	return action_is_on_letters(changing->action.verb);
}

/* What it is done to, in a sentence. */
static const char *
noun(const struct changing *changing)
{
	return is_on_letters(changing) ? "dead letter" : "job";
}

/* What was asked for, in a sentence. */
static const char *
asked(const struct operator_change *change)
{
	return change->asked != NULL ? change->asked : change->done;
}

/* Who wants a job released, and holds it by no hold of its own, means the one that
 * keeps it. */
static void
put_what_keeps_it(
	struct buf *out, struct changing *changing, const struct action_report *report)
{
	struct keeper keeper = {.kind = KEEPER_NONE};

	if (changing->action.verb == ACT_RELEASE)
		keeper = keepers_look(&changing->keepers, report->job_id);
	if (keeper.kind == KEEPER_NONE)
		return;
	buf_add_text(out, "; ");
	keeper_put(out, &keeper, changing->action.now);
}

static void
complain_of(struct changing *changing, const struct action_report *report)
{
	struct span name = span_present(report->operand) ? report->operand : report->id;
	struct buf keeper;

	if (report->result == ACT_NOT_FOUND) {
		cli_warn(changing->cli, "%.*s: no such %s", (int)name.len, name.ptr,
			noun(changing));
		return;
	}
	if (strcmp(report->state, asked(changing->change)) == 0) {
		cli_warn(changing->cli, "%.*s: is %s already", (int)name.len, name.ptr,
			report->state);
		return;
	}
	buf_init(&keeper, ERR_TEXT_MAX);
	put_what_keeps_it(&keeper, changing, report);
	cli_warn(changing->cli, "%.*s: is %s, so it cannot be %s%s", (int)name.len,
		name.ptr, report->state, asked(changing->change),
		keeper.failed ? "" : buf_span(&keeper).ptr);
	buf_free(&keeper);
}

static int
put_report(struct changing *changing, const struct action_report *report)
{
	struct output *output = changing->output;
	const char *result = result_name(changing, report->result);
	struct buf *json = output_json(output);
	bool dry_run = changing->action.dry_run;
	char number[24];

	snprintf(number, sizeof(number), "%lld", (long long)report->job_id);
	output_row_begin(output, span_of(number));
	if (output_wants_json(output)) {
		buf_add_char(json, '{');
		json_put_member_string(json, "id", report->id);
		if (report->job_id != 0)
			json_put_member_int(json, "job_id", report->job_id);
		json_put_member_string(json, "result", span_of(result));
		if (report->state != NULL)
			json_put_member_string(json, "was", span_of(report->state));
		if (dry_run)
			json_put_member_bool(json, "dry_run", true);
		buf_add_char(json, '}');
	} else {
		output_cell_printf(output, TINT_NONE, "%lld", (long long)report->job_id);
		output_cell(output, TINT_NONE, report->id);
		output_cell_printf(
			output, TINT_GOOD, "%s%s", dry_run ? "would be " : "", result);
	}
	return output_row_end(output, &changing->err);
}

static void
count_report(struct changing *changing, const struct action_report *report)
{
	if (report->result == ACTED)
		changing->done++;
	else if (report->result == ACT_NOT_FOUND)
		changing->not_found++;
	else
		changing->refused++;
}

static bool
is_for_eyes(const struct changing *changing)
{
	return output_format(changing->cli, &changing->change->args->common) ==
		FORMAT_TABLE;
}

/* What was not done has a line in NDJSON, so that a pipe can tell; for eyes the complaint
 * is enough. */
static bool
wants_row(const struct changing *changing, const struct action_report *report)
{
	if (is_for_eyes(changing))
		return report->result == ACTED && changing->done <= ROWS_FOR_EYES;
	return report->result == ACTED || output_wants_json(changing->output);
}

static void
note_the_rest(struct changing *changing)
{
	if (changing->done > ROWS_FOR_EYES)
		output_note(changing->output, "… and %zu more: %zu %s%s in all",
			changing->done - ROWS_FOR_EYES, changing->done,
			changing->action.dry_run ? "would be " : "",
			asked(changing->change));
}

static int
each_report(void *context, const struct action_report *report)
{
	struct changing *changing = context;
	const struct operator_change *change = changing->change;

	count_report(changing, report);
	if (changing->output == NULL) {
		progress_show(&changing->progress, "%zu found", changing->done);
		return 0;
	}
	progress_show(&changing->progress, "%zu %s", changing->done, change->done);
	if (report->result != ACTED)
		complain_of(changing, report);
	else if (change->to_deliver)
		keepers_note(&changing->keepers, report->job_id);
	if (wants_row(changing, report) && put_report(changing, report) != 0)
		return -1;
	return change->each == NULL
		? 0
		: change->each(change->context, report, &changing->err);
}

static int
run_action(struct changing *changing, struct err *err)
{
	const struct id_list *ids = &changing->ids;
	int result;

	changing->err.kind = ERR_NONE;
	if (changing->cli->operand_count > 0)
		result = store_act(changing->store, &changing->action, ids->ids,
			ids->count, each_report, changing, err);
	else
		result = store_act_matching(changing->store, &changing->action,
			&changing->filter, each_report, changing, err);
	if (result != 0 && changing->err.kind != ERR_NONE)
		*err = changing->err;
	return result;
}

/* How many it would be, by the very thing that then does it. */
static int
count_matching(struct changing *changing, size_t *count, struct err *err)
{
	int result;

	changing->action.dry_run = true;
	progress_start(&changing->progress, changing->cli);
	result = run_action(changing, err);
	progress_end(&changing->progress);
	if (result != 0)
		return -1;
	changing->action.dry_run = changing->change->args->flags.dry_run;
	*count = changing->done;
	changing->done = changing->not_found = changing->refused = 0;
	return 0;
}

/* Ids were chosen one by one; what a filter finds is counted and confirmed. */
static int
confirm(struct changing *changing, bool *confirmed, struct err *err)
{
	const struct operator_change *change = changing->change;
	size_t count;

	*confirmed = true;
	if (changing->cli->operand_count > 0 || change->args->flags.yes ||
		change->args->flags.dry_run || !changing->cli->stdin_terminal)
		return 0;
	if (count_matching(changing, &count, err) != 0)
		return -1;
	if (count > 0)
		*confirmed = cli_confirm(changing->cli, false, "%zu %s%s to be %s?",
			count, noun(changing), count == 1 ? "" : "s", asked(change));
	return 0;
}

static int
check_request(const struct changing *changing, struct err *err)
{
	const struct operator_change *change = changing->change;
	bool filtered = !filter_is_empty(&change->args->filter);

	if (changing->cli->operand_count > 0 && (filtered || change->args->flags.all))
		return err_set(err, ERR_USAGE, "either ids or %s, not both",
			filtered ? "a filter" : "--all");
	if (changing->cli->operand_count == 0 && !filtered && !change->args->flags.all)
		return err_set(err, ERR_USAGE,
			"which ones? give ids, a filter like --endpoint, or --all");
	return 0;
}

static int
prepare(struct changing *changing, struct err *err)
{
	const struct operator_change *change = changing->change;

	if (check_request(changing, err) != 0 ||
		operator_filter(&change->args->filter, is_on_letters(changing),
			&changing->filter, err) != 0 ||
		id_list_read(&changing->ids, changing->cli, err) != 0)
		return -1;
	if (operator_open_for(changing->cli, &change->args->common, STORE_WRITE,
		    &change->args->filter, &changing->store, err) != 0)
		return -1;
	changing->keepers = (struct keepers){
		.store = changing->store,
		.now = changing->action.now,
		.only_holds = changing->action.verb == ACT_EXPEDITE,
	};
	return 0;
}

/* Nobody should find out by waiting that nothing comes of it. */
static void
warn_unsent(struct changing *changing)
{
	if (changing->done == 0 || !changing->change->to_deliver ||
		changing->action.dry_run ||
		!operator_is_watched(changing->cli, &changing->change->args->common))
		return;
	operator_warn_without_worker(changing->cli, changing->store);
	keepers_tell(&changing->keepers, changing->cli);
}

static int
change_all(struct changing *changing, struct err *err)
{
	bool confirmed;
	int result;

	if (confirm(changing, &confirmed, err) != 0)
		return -1;
	if (!confirmed) {
		cli_warn(changing->cli, "nothing was done");
		return 0;
	}
	if (output_open(&changing->output, changing->cli, &changing->change->args->common,
		    change_columns, err) != 0)
		return -1;
	progress_start(&changing->progress, changing->cli);
	result = run_action(changing, err);
	progress_end(&changing->progress);
	note_the_rest(changing);
	if (output_close(changing->output,
		    changing->cli->operand_count > 0 ? NULL : "nothing matches",
		    result == 0 ? err : NULL) != 0)
		result = -1;
	if (result == 0)
		warn_unsent(changing);
	return result;
}

static enum exit_code
outcome(const struct changing *changing)
{
	if (changing->done == 0 && changing->refused == 0 && changing->not_found > 0)
		return EXIT_NO_INPUT;
	if (changing->done == 0 || changing->refused > 0 || changing->not_found > 0)
		return EXIT_NONE;
	return EXIT_DONE;
}

enum exit_code
operator_change(struct cli *cli, const struct operator_change *change)
{
	struct changing changing = {
		.cli = cli, .change = change, .action = change->action};
	struct err err;
	enum exit_code code;

	changing.action.now = clock_now(&cli->clock);
	changing.action.dry_run = change->args->flags.dry_run;
	if (prepare(&changing, &err) != 0 || change_all(&changing, &err) != 0)
		code = cli_complain(cli, &err);
	else
		code = outcome(&changing);
	keepers_free(&changing.keepers);
	id_list_free(&changing.ids);
	store_close(changing.store);
	return exit_worse(cli->worst, code);
}

enum exit_code
operator_change_by(struct cli *cli, const struct change_verb_args *args,
	enum action_verb verb, const char *done)
{
	struct operator_change change = {
		.args = args, .action = {.verb = verb}, .done = done};

	return operator_change(cli, &change);
}
