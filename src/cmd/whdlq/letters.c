/* SPDX-License-Identifier: MIT */
#include "cmd/whdlq/whdlq.h"

#include "model/record.h"

static const struct output_column columns[] = {
	{"ID", true, 0},
	{"AGE", true, 7},
	{"ENDPOINT", false, 5},
	{"EVENT TYPE", false, 6},
	{"ERROR", false, 8},
	{"TRIES", true, 3},
	{"REASON", false, 1},
	{"CAUSE", false, 2},
	{0},
};

static const struct output_column columns_with_status[] = {
	{"ID", true, 0},
	{"AGE", true, 7},
	{"ENDPOINT", false, 4},
	{"EVENT TYPE", false, 5},
	{"ERROR", false, 8},
	{"STATUS", false, 6},
	{"TRIES", true, 3},
	{"REASON", false, 1},
	{"CAUSE", false, 2},
	{0},
};

/* What reads TSV gets the same columns whatever it asked for. */
int
letters_open(struct output **output, struct cli *cli, const struct cli_common *common,
	struct letter_view *view, struct err *err)
{
	view->statuses = view->statuses || output_format(cli, common) != FORMAT_TABLE;
	return output_open(
		output, cli, common, view->statuses ? columns_with_status : columns, err);
}

static enum tint
status_tint(enum dead_status status)
{
	switch (status) {
	case DEAD_UNRESOLVED:
		return TINT_BAD;
	case DEAD_RETRYING:
		return TINT_WARN;
	default:
		return TINT_GOOD;
	}
}

/* As whqueue list shows it: "503 server". The last status of what was delivered in the
 * end is not that of its failure. */
static void
put_error(struct output *output, const struct dead_letter *letter)
{
	const struct job *job = &letter->job;
	const char *type = span_present(job->failure.rule)
		? error_type_name(job->failure.type)
		: "-";

	if (job->status != 0 && !letter->delivered)
		output_cell_printf(output, TINT_NONE, "%d %s", job->status, type);
	else
		output_cell(output, TINT_NONE, span_of(type));
}

static void
letter_cells(struct output *output, const struct dead_letter *letter,
	const struct letter_view *view)
{
	const struct job *job = &letter->job;

	output_cell_printf(output, TINT_BOLD, "%lld", (long long)job->id);
	output_cell_age(output, letter->died_at, view->now);
	output_cell(output, TINT_NONE, job->endpoint);
	output_cell(output, TINT_NONE, job->event_type);
	put_error(output, letter);
	if (view->statuses)
		output_cell(output, status_tint(letter->status),
			span_of(dead_status_name(letter->status)));
	output_cell_printf(output, TINT_NONE, "%d", job->attempts_made);
	output_cell(output, TINT_NONE, span_of(dead_reason_name(letter->reason)));
	output_cell(output, TINT_DIM, job->failure.reason);
}

static int
letter_json(
	struct buf *out, const struct dead_letter *letter, bool reveal, struct err *err)
{
	struct dead_letter shown = *letter;
	struct redacted redacted;

	if (request_redact(&redacted, &letter->job.request, reveal, err) != 0)
		return -1;
	shown.job.request = redacted.request;
	buf_add_char(out, '{');
	put_dead_letter(out, &shown);
	buf_add_char(out, '}');
	redacted_free(&redacted);
	return 0;
}

int
letter_row(struct output *output, const struct dead_letter *letter,
	const struct letter_view *view, struct err *err)
{
	char id[24];

	snprintf(id, sizeof(id), "%lld", (long long)letter->job.id);
	output_row_begin(output, span_of(id));
	if (output_wants_cells(output))
		letter_cells(output, letter, view);
	if (output_wants_json(output) &&
		letter_json(output_json(output), letter, view->reveal, err) != 0)
		return -1;
	return output_row_end(output, err);
}

int
letters_matching(struct store *store, struct paging *paging, bool with_request,
	letter_each *each, void *context, struct err *err)
{
	int result = 0;

	while (paging->more && result == 0) {
		struct dead_page page;

		if (store_dead_list(store, &paging->filter, with_request, &page, err) !=
			0)
			return -1;
		for (size_t i = 0; i < page.count && result == 0; i++)
			result = each(context, &page.letters[i], err);
		if (result == 0)
			result = paging_turn(paging, page.count, page.next, err);
		dead_page_free(&page);
	}
	return result;
}

int
letters_named(struct cli *cli, struct store *store, const struct id_list *ids,
	letter_each *each, void *context, size_t *found, struct err *err)
{
	*found = 0;
	for (size_t i = 0; i < ids->count; i++) {
		struct dead_page page;
		int result;

		if (store_dead_find(store, ids->ids[i], &page, err) != 0) {
			if (err->kind != ERR_NO_INPUT)
				return -1;
			cli_warn(cli, "%s", err->text);
			continue;
		}
		(*found)++;
		result = each(context, &page.letters[0], err);
		dead_page_free(&page);
		if (result != 0)
			return -1;
	}
	return 0;
}

enum exit_code
exit_code_of_found(size_t found, size_t named)
{
	if (found == named)
		return found > 0 ? EXIT_DONE : EXIT_NONE;
	return found > 0 ? EXIT_NONE : EXIT_NO_INPUT;
}
