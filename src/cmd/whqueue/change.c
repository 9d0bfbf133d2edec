/* SPDX-License-Identifier: MIT */
/*
 * The verbs that change jobs. hold and release have a wider reach where a scope is named
 * and nothing else: then an endpoint, an event type or the whole queue is held itself,
 * now and for what comes, and the jobs in it stay as they are.
 */
#include "cmd/whqueue/whqueue.h"

#include "cmd/endpoint_key.h"
#include "model/json.h"

enum exit_code
cancel_run(struct cli *cli, const void *args)
{
	return operator_change_by(cli, args, ACT_CANCEL, "cancelled");
}

enum exit_code
expedite_run(struct cli *cli, const void *args)
{
	struct operator_change change = {
		.args = args,
		.action = {.verb = ACT_EXPEDITE},
		.done = "expedited",
		.to_deliver = true,
	};

	return operator_change(cli, &change);
}

/* What a hold without any further filter is on. */
struct scope {
	enum hold_scope kind;
	const char *kind_name;
	struct span name;
};

static bool
scope_of(const struct cli *cli, const struct change_verb_args *args, struct scope *scope)
{
	struct filter_args rest = args->filter;

	rest.endpoint = NULL;
	rest.event_type = NULL;
	if (cli->operand_count > 0 || !filter_is_empty(&rest) || args->filter.limit >= 0)
		return false;
	if (args->filter.endpoint != NULL && args->filter.event_type != NULL)
		return false;
	if (args->filter.endpoint != NULL)
		*scope = (struct scope){
			HOLD_ENDPOINT, "endpoint", span_of(args->filter.endpoint)};
	else if (args->filter.event_type != NULL)
		*scope = (struct scope){
			HOLD_EVENT_TYPE, "event_type", span_of(args->filter.event_type)};
	else
		*scope = (struct scope){HOLD_ALL, "queue",
			span_of(args->common.queue == NULL ? QUEUE_DEFAULT
							   : args->common.queue)};
	return scope->kind != HOLD_ALL || args->flags.all;
}

static const struct output_column scope_columns[] = {
	{"SCOPE", false, 0},
	{"NAME", false, 1},
	{"RESULT", false, 0},
	{0},
};

static int
put_scope(struct output *output, const struct scope *scope, const char *result,
	bool dry_run, struct err *err)
{
	struct buf *json = output_json(output);

	output_row_begin(output, scope->name);
	if (output_wants_json(output)) {
		buf_add_char(json, '{');
		json_put_member_string(json, scope->kind_name, scope->name);
		json_put_member_string(json, "result", span_of(result));
		if (dry_run)
			json_put_member_bool(json, "dry_run", true);
		buf_add_char(json, '}');
	} else {
		output_cell(output, TINT_NONE, span_of(scope->kind_name));
		output_cell(output, TINT_NONE, scope->name);
		output_cell_printf(
			output, TINT_GOOD, "%s%s", dry_run ? "would be " : "", result);
	}
	return output_row_end(output, err);
}

static int
print_scope(struct cli *cli, const struct change_verb_args *args,
	const struct scope *scope, const char *result, struct err *err)
{
	struct output *output;
	int done;

	if (output_open(&output, cli, &args->common, scope_columns, err) != 0)
		return -1;
	done = put_scope(output, scope, result, args->flags.dry_run, err);
	if (output_close(output, NULL, done == 0 ? err : NULL) != 0)
		done = -1;
	return done;
}

/* *changed: whether it was not so before; a rehearsal cannot tell and says yes. */
static int
hold_scope_in_store(struct cli *cli, const struct change_verb_args *args,
	const struct scope *scope, bool hold, bool *changed, struct err *err)
{
	struct store *store;
	int result = 0;

	*changed = true;
	/* What is held by mistake can be released. */
	if (hold && scope->kind == HOLD_ENDPOINT &&
		endpoint_key_check(scope->name.ptr, err) != 0)
		return -1;
	if (operator_open_for(
		    cli, &args->common, STORE_WRITE, &args->filter, &store, err) != 0)
		return -1;
	if (!args->flags.dry_run)
		result = store_hold(store, scope->kind, scope->name, hold,
			clock_now(&cli->clock), changed, err);
	store_close(store);
	return result;
}

static const char *
unchanged(const struct scope *scope, bool hold)
{
	if (hold)
		return "is on hold already";
	return scope->kind == HOLD_ENDPOINT ? "nothing keeps it back" : "was not on hold";
}

static enum exit_code
hold_scope(struct cli *cli, const struct change_verb_args *args,
	const struct scope *scope, bool hold)
{
	const char *done = hold ? "held" : "released";
	bool changed, sure = args->flags.yes || args->flags.dry_run;
	struct err err;

	if (!cli_confirm(cli, sure, "%s %.*s to be %s, now and for what comes?",
		    scope->kind == HOLD_EVENT_TYPE ? "event type" : scope->kind_name,
		    (int)scope->name.len, scope->name.ptr, done)) {
		cli_warn(cli, "nothing was done");
		return EXIT_NONE;
	}
	if (hold_scope_in_store(cli, args, scope, hold, &changed, &err) != 0)
		return cli_complain(cli, &err);
	if (!changed) {
		cli_warn(cli, "%.*s: %s", (int)scope->name.len, scope->name.ptr,
			unchanged(scope, hold));
		return EXIT_NONE;
	}
	if (print_scope(cli, args, scope, done, &err) != 0)
		return cli_complain(cli, &err);
	return EXIT_DONE;
}

/* A filter knows patterns; what a hold that lasts is on has just one name. */
static bool
is_pattern(const struct scope *scope)
{
	return scope->kind == HOLD_EVENT_TYPE && scope->name.len > 0 &&
		scope->name.ptr[scope->name.len - 1] == '*';
}

enum exit_code
hold_run(struct cli *cli, const void *given)
{
	const struct change_verb_args *args = given;
	struct scope scope;
	struct err err;

	if (scope_of(cli, args, &scope) && is_pattern(&scope)) {
		err_set(&err, ERR_USAGE,
			"--event-type: a hold for what comes is on one type, not on "
			"'%.64s'; to hold the jobs there are, add --status waiting,delayed",
			args->filter.event_type);
		return cli_complain(cli, &err);
	}
	if (scope_of(cli, args, &scope))
		return hold_scope(cli, args, &scope, true);
	return operator_change_by(cli, args, ACT_HOLD, "held");
}

enum exit_code
release_run(struct cli *cli, const void *given)
{
	const struct change_verb_args *args = given;
	struct operator_change change = {
		.args = args,
		.action = {.verb = ACT_RELEASE},
		.done = "released",
		.to_deliver = true,
	};
	struct scope scope;

	if (scope_of(cli, args, &scope))
		return hold_scope(cli, args, &scope, false);
	return operator_change(cli, &change);
}
