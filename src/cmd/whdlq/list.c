/* SPDX-License-Identifier: MIT */
#include "cmd/whdlq/whdlq.h"

static const struct cli_option options[] = {
	{.name = "reveal",
		.kind = CLI_FLAG,
		.offset = offsetof(struct list_args, reveal),
		.help = "show secrets in headers and URLs"},
	{0},
};

const struct cli_group list_groups[] = {
	{options, 0},
	{cli_dead_status_options, offsetof(struct list_args, filter)},
	{cli_filter_options, offsetof(struct list_args, filter)},
	{cli_page_options, offsetof(struct list_args, filter)},
	{cli_output_options, offsetof(struct list_args, common)},
	{cli_store_options, offsetof(struct list_args, common)},
	{0},
};

const struct list_args list_defaults = {.filter = {.limit = -1}};

struct listing {
	struct output *output;
	struct letter_view view;
	size_t shown;
};

static int
list_letter(void *context, const struct dead_letter *letter, struct err *err)
{
	struct listing *listing = context;

	listing->shown++;
	return letter_row(listing->output, letter, &listing->view, err);
}

static int
list_filter(const struct list_args *args, struct job_filter *filter, struct err *err)
{
	if (operator_filter(&args->filter, true, filter, err) != 0)
		return -1;
	if (args->filter.status.count == 0)
		filter->dead_statuses = 1u << DEAD_UNRESOLVED;
	if (args->filter.limit < 0)
		filter->limit = FILTER_LIMIT_DEFAULT;
	return 0;
}

static const char *
empty_text(const struct filter_args *filter)
{
	return filter_takes_all(filter) ? "No dead letters." : "no dead letter matches";
}

enum exit_code
list_run(struct cli *cli, const void *arguments)
{
	const struct list_args *args = arguments;
	struct listing listing = {
		.view = {.reveal = args->reveal, .now = clock_now(&cli->clock)},
	};
	struct paging paging = {0};
	struct store *store = NULL;
	struct job_filter filter;
	struct err err;
	int result = -1;

	if (list_filter(args, &filter, &err) != 0 ||
		operator_open_for(
			cli, &args->common, STORE_READ, &args->filter, &store, &err) != 0)
		goto out;
	/* More than one bit: letters of different statuses. */
	listing.view.statuses = filter.dead_statuses & (filter.dead_statuses - 1);
	if (letters_open(&listing.output, cli, &args->common, &listing.view, &err) != 0)
		goto out;
	paging_start(&paging, &filter);
	result = letters_matching(store, &paging, output_wants_json(listing.output),
		list_letter, &listing, &err);
	if (result == 0)
		operator_tell_of_rest(cli, &args->common, listing.output, listing.shown,
			buf_span(&paging.cursor));
	if (output_close(listing.output, empty_text(&args->filter),
		    result == 0 ? &err : NULL) != 0)
		result = -1;
out:
	store_close(store);
	paging_free(&paging);
	if (result != 0)
		return cli_complain(cli, &err);
	return listing.shown > 0 ? EXIT_DONE : EXIT_NONE;
}
