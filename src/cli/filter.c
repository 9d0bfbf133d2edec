/* SPDX-License-Identifier: MIT */
#include "cli/filter.h"

#include "model/job.h"
#include "model/json.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ID_LINE_MAX = 16 * 1024 * 1024 };

static const char *const job_states[] = {"waiting", "delayed", "active", "paused",
	"blocked", "completed", "cancelled", "dead", "all", NULL};
static const char *const dead_statuses[] = {
	"unresolved", "retrying", "resolved", "all", NULL};
static const char *const resolved_statuses[] = {"resolved", NULL};
static const char *const category_choices[] = {
	"any", "RETRYABLE", "RATE_LIMIT", "NON_RETRYABLE", "VALIDATION", NULL};
static const char *const error_type_choices[] = {"any", "network", "rate_limit", "server",
	"database", "client", "signature", "validation", "unknown", NULL};

const struct cli_option cli_job_status_options[] = {
	{.letter = 's',
		.name = "status",
		.kind = CLI_LIST,
		.offset = offsetof(struct filter_args, status),
		.argument = "STATUS",
		.help = "in this state (may be repeated)",
		.choices = job_states,
		.complete = COMPLETE_CHOICE},
	{0},
};

const struct cli_option cli_dead_status_options[] = {
	{.letter = 's',
		.name = "status",
		.kind = CLI_LIST,
		.offset = offsetof(struct filter_args, status),
		.argument = "STATUS",
		.help = "with this status (may be repeated)",
		.choices = dead_statuses,
		.complete = COMPLETE_CHOICE},
	{0},
};

const struct cli_option cli_resolved_status_options[] = {
	{.letter = 's',
		.name = "status",
		.kind = CLI_LIST,
		.offset = offsetof(struct filter_args, status),
		.argument = "STATUS",
		.help = "with this status",
		.choices = resolved_statuses,
		.complete = COMPLETE_CHOICE},
	{0},
};

const struct cli_option cli_filter_options[] = {
	{.letter = 't',
		.name = "event-type",
		.kind = CLI_TEXT,
		.offset = offsetof(struct filter_args, event_type),
		.argument = "TYPE",
		.help = "of this event type; 'invoice.*' matches all that begin so",
		.complete = COMPLETE_EVENT_TYPE},
	{.name = "category",
		.kind = CLI_CHOICE,
		.offset = offsetof(struct filter_args, category),
		.argument = "CATEGORY",
		.help = "whose last failure was of this category",
		.choices = category_choices,
		.complete = COMPLETE_CHOICE},
	{.letter = 'e',
		.name = "error-type",
		.kind = CLI_CHOICE,
		.offset = offsetof(struct filter_args, error_type),
		.argument = "TYPE",
		.help = "whose last failure was of this type",
		.choices = error_type_choices,
		.complete = COMPLETE_CHOICE},
	{.letter = 'E',
		.name = "endpoint",
		.kind = CLI_TEXT,
		.offset = offsetof(struct filter_args, endpoint),
		.argument = "NAME",
		.help = "to this endpoint: its name, or scheme://host[:port]",
		.complete = COMPLETE_ENDPOINT},
	{.name = "since",
		.kind = CLI_TIME,
		.offset = offsetof(struct filter_args, since),
		.argument = "TIME",
		.unit = true,
		.help = "from then on: 2h (ago), 2026-01-02, or an RFC 3339 time"},
	{.name = "until",
		.kind = CLI_TIME,
		.offset = offsetof(struct filter_args, until),
		.argument = "TIME",
		.unit = true,
		.help = "before then"},
	{0},
};

const struct cli_option cli_page_options[] = {
	{.letter = 'n',
		.name = "limit",
		.kind = CLI_INT,
		.offset = offsetof(struct filter_args, limit),
		.argument = "N",
		.help = "at most so many, the newest; 0: all",
		.min = 0,
		.max = INT64_MAX},
	{.name = "after",
		.kind = CLI_TEXT,
		.offset = offsetof(struct filter_args, after),
		.argument = "CURSOR",
		.help = "go on behind the page that named this cursor"},
	{0},
};

const struct cli_option cli_change_options[] = {
	{.name = "all",
		.kind = CLI_FLAG,
		.offset = offsetof(struct change_args, all),
		.help = "everything, where no filter says less"},
	{.name = "dry-run",
		.kind = CLI_FLAG,
		.offset = offsetof(struct change_args, dry_run),
		.help = "say what would be done, and do nothing"},
	{.letter = 'y',
		.name = "yes",
		.kind = CLI_FLAG,
		.offset = offsetof(struct change_args, yes),
		.help = "do not ask"},
	{0},
};

bool
filter_is_empty(const struct filter_args *filter)
{
	return filter->status.count == 0 && filter->event_type == NULL &&
		filter->category == 0 && filter->error_type == 0 &&
		filter->endpoint == NULL && filter->since == 0 && filter->until == 0;
}

bool
filter_takes_all(const struct filter_args *filter)
{
	return filter_is_empty(filter) && filter->after == NULL;
}

static int
add_id(struct id_list *list, struct span id, struct err *err)
{
	struct span *ids;

	if ((list->count & (list->count - 1)) == 0) { /* at each power of two */
		size_t room = list->count == 0 ? 1 : 2 * list->count;

		ids = realloc(list->ids, room * sizeof(ids[0]));
		if (ids == NULL)
			return err_no_memory(err);
		list->ids = ids;
	}
	if (arena_copy(&list->arena, id, &list->ids[list->count], err) != 0)
		return -1;
	list->count++;
	return 0;
}

static int
not_an_id(struct err *err)
{
	return err_set(err, ERR_DATA, "neither an id nor a record with job_id or id");
}

/* `prefix` and what the value says; an error unless that could be an id. */
static int
value_id(struct json value, const char *prefix, struct buf *id, struct err *err)
{
	size_t prefix_len = strlen(prefix);
	struct span name;

	buf_add_text(id, prefix);
	if (value.type == JSON_NUMBER)
		buf_add_span(id, value.raw);
	else
		json_to_text(value, id);
	if (buf_check(id, err) != 0)
		return -1;
	name = buf_span(id);
	name = (struct span){name.ptr + prefix_len, name.len - prefix_len};
	return event_id_valid(name) ? 0 : not_an_id(err);
}

/* A record means just the job that it is of; a string is as good as the bare word. */
static int
json_id(struct span line, struct buf *id, struct err *err)
{
	struct json value, job_id;
	int64_t number;

	if (json_read(line, &value, err) != 0)
		return err_context(err, "not JSON");
	if (value.type != JSON_OBJECT)
		return value_id(value, "", id, err);
	job_id = json_get(value, "job_id");
	if (job_id.type == JSON_ABSENT)
		return value_id(json_get(value, "id"), "event:", id, err);
	if (!json_to_int64(job_id, &number) || number <= 0)
		return not_an_id(err);
	buf_printf(id, "job:%" PRId64, number);
	return buf_check(id, err);
}

int
id_from_line(struct span line, struct buf *id, struct err *err)
{
	struct span text = span_trim(line);

	buf_clear(id);
	if (text.len > 0 && strchr("{[\"", text.ptr[0]) != NULL)
		return json_id(text, id, err);
	buf_add_span(id, text);
	return event_id_valid(text) ? buf_check(id, err) : not_an_id(err);
}

static int
read_ids(struct id_list *list, struct cli *cli, struct err *err)
{
	struct input input;
	struct span line;
	struct buf id;
	enum input_result got;
	int result = 0;

	input_init(&input, STDIN_FILENO, ID_LINE_MAX);
	buf_init(&id, ID_LINE_MAX);
	while (result == 0 && (got = input_line(&input, &line, err)) != INPUT_END) {
		struct err flaw;

		if (got == INPUT_FAILED) {
			result = err_context(err, "stdin");
			break;
		}
		if (got == INPUT_TOO_LONG)
			err_set(&flaw, ERR_DATA, "longer than %d bytes", ID_LINE_MAX);
		if (got == INPUT_TOO_LONG || id_from_line(line, &id, &flaw) != 0)
			cli_complain_at_line(cli, input.line, &flaw);
		else
			result = add_id(list, buf_span(&id), err);
	}
	buf_free(&id);
	input_free(&input);
	return result;
}

/* An empty one is a variable of a script that was not set. */
static int
add_operand(struct id_list *list, const char *operand, struct err *err)
{
	if (operand[0] == '\0')
		return err_set(err, ERR_USAGE, "an id is empty: nothing has that name");
	return add_id(list, span_of(operand), err);
}

int
id_list_read(struct id_list *list, struct cli *cli, struct err *err)
{
	*list = (struct id_list){0};
	arena_init(&list->arena);
	for (size_t i = 0; i < cli->operand_count; i++) {
		const char *operand = cli->operands[i];
		bool from_stdin = strcmp(operand, "-") == 0;

		if ((from_stdin ? read_ids(list, cli, err)
				: add_operand(list, operand, err)) != 0) {
			id_list_free(list);
			return -1;
		}
	}
	return 0;
}

void
id_list_free(struct id_list *list)
{
	arena_free(&list->arena);
	free(list->ids);
	*list = (struct id_list){0};
}
