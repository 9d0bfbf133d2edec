/* SPDX-License-Identifier: MIT */
/*
 * Dead letters one after the other: for eyes as pages of text (page.c), for programs as
 * the record with its attempts and the curl command, or only the bytes of one's body.
 */
#include "cmd/whdlq/page.h"

#include "cmd/config.h"
#include "model/record.h"

#include <string.h>

enum { CURL_MAX = 1024 * 1024 };

static const struct cli_option options[] = {
	{.name = "reveal",
		.kind = CLI_FLAG,
		.offset = offsetof(struct show_args, reveal),
		.help = "show secrets in headers and URLs"},
	{.name = "body",
		.kind = CLI_FLAG,
		.offset = offsetof(struct show_args, body),
		.help = "write the body's bytes and nothing else"},
	{0},
};

const struct cli_group show_groups[] = {
	{options, 0},
	{cli_dead_status_options, offsetof(struct show_args, filter)},
	{cli_filter_options, offsetof(struct show_args, filter)},
	{cli_page_options, offsetof(struct show_args, filter)},
	{cli_output_options, offsetof(struct show_args, common)},
	{cli_config_options, offsetof(struct show_args, common)},
	{cli_store_options, offsetof(struct show_args, common)},
	{0},
};

const struct show_args show_defaults = {.filter = {.limit = -1}};

struct showing {
	struct cli *cli;
	const struct show_args *args;
	struct job_filter filter; /* if there are no ids */
	struct store *store;
	struct output *output; /* NULL: pages of text, or bodies */
	struct letter_view view;
	struct config config;
	size_t shown;
	size_t found; /* of the ids */
};

/* The letter, what it is made of, and how it would be sent by hand. */
static int
page_make(struct page *page, struct showing *showing, const struct dead_letter *letter,
	struct err *err)
{
	const struct show_args *args = showing->args;
	struct curl_source source;

	*page = (struct page){.letter = letter};
	buf_init(&page->curl, CURL_MAX);
	if (request_redact(&page->redacted, &letter->job.request, args->reveal, err) != 0)
		return -1;
	if (store_attempts(showing->store, letter->job.id, &page->attempts, err) != 0) {
		redacted_free(&page->redacted);
		return -1;
	}
	if (letter->job.endpoint_named)
		page->endpoint = config_endpoint(&showing->config, letter->job.endpoint);
	if (page->endpoint != NULL &&
		!endpoint_trusts(page->endpoint, letter->job.request.url))
		page->endpoint = NULL; /* as the worker sends it */
	source = (struct curl_source){letter, &page->redacted.request, page->endpoint,
		&args->common, args->reveal};
	curl_command_put(&page->curl, &source);
	page->color = color_wanted(&args->common, showing->cli->stdout_terminal);
	return 0;
}

static void
page_free(struct page *page)
{
	attempt_list_free(&page->attempts);
	redacted_free(&page->redacted);
	buf_free(&page->curl);
}

static void
page_json(struct buf *out, const struct page *page)
{
	struct dead_letter shown = *page->letter;

	shown.job.request = page->redacted.request;
	buf_add_char(out, '{');
	put_dead_letter(out, &shown);
	put_attempts(out, page->attempts.attempts, page->attempts.count);
	json_put_member_string(out, "curl", buf_span(&page->curl));
	out->failed |= page->curl.failed;
	buf_add_char(out, '}');
}

static int
show_record(struct showing *showing, const struct page *page, struct err *err)
{
	char id[24];

	if (!output_wants_json(showing->output))
		return letter_row(showing->output, page->letter, &showing->view, err);
	snprintf(id, sizeof(id), "%lld", (long long)page->letter->job.id);
	output_row_begin(showing->output, span_of(id));
	page_json(output_json(showing->output), page);
	return output_row_end(showing->output, err);
}

/* Exactly the stored bytes; only a terminal gets them made safe. */
static int
show_body(struct showing *showing, struct span body, struct err *err)
{
	struct buf safe;
	int result;

	if (!showing->cli->stdout_terminal)
		return cli_write(showing->cli, body, err);
	buf_init(&safe, SIZE_MAX / 2);
	page_put_lines(&safe, body, "");
	result = cli_write_buf(showing->cli, &safe, err);
	buf_free(&safe);
	return result;
}

static int
show_page(struct showing *showing, const struct page *page, struct err *err)
{
	if (showing->shown > 1 && cli_write(showing->cli, SPAN_LITERAL("\n"), err) != 0)
		return -1;
	return page_write(page, showing->cli, err);
}

static int
show_letter(void *context, const struct dead_letter *letter, struct err *err)
{
	struct showing *showing = context;
	struct page page;
	int result;

	showing->shown++;
	if (showing->args->body)
		return show_body(showing, letter->job.request.body, err);
	if (page_make(&page, showing, letter, err) != 0)
		return -1;
	result = showing->output == NULL ? show_page(showing, &page, err)
					 : show_record(showing, &page, err);
	page_free(&page);
	return result;
}

static bool
wants_pages(const struct cli *cli, const struct show_args *args)
{
	return args->body || output_format(cli, &args->common) == FORMAT_TABLE;
}

static int
show_filter(struct showing *showing, const struct id_list *ids, struct err *err)
{
	const struct show_args *args = showing->args;
	struct job_filter *filter = &showing->filter;
	bool named = showing->cli->operand_count > 0;

	if (operator_show_filter(showing->cli, &args->filter, true, filter, err) != 0)
		return -1;
	if (args->filter.status.count == 0)
		filter->dead_statuses = 1u << DEAD_UNRESOLVED;
	if (args->body && (named ? ids->count : filter->limit) != 1)
		return err_set(err, ERR_USAGE, "--body: one dead letter at a time");
	return 0;
}

static int
show_open(struct showing *showing, const struct id_list *ids, struct err *err)
{
	struct cli *cli = showing->cli;
	const struct show_args *args = showing->args;

	if (show_filter(showing, ids, err) != 0 ||
		config_load(&showing->config, args->common.config, NULL, err) != 0)
		return -1;
	if (operator_open_for(cli, &args->common, STORE_READ, &args->filter,
		    &showing->store, err) != 0 ||
		(!wants_pages(cli, args) &&
			letters_open(&showing->output, cli, &args->common, &showing->view,
				err) != 0)) {
		config_free(&showing->config);
		store_close(showing->store);
		return -1;
	}
	return 0;
}

static void
show_close(struct showing *showing)
{
	config_free(&showing->config);
	store_close(showing->store);
}

static int
show_matching(struct showing *showing, struct err *err)
{
	bool one = showing->args->body;
	struct paging paging;
	int result;

	paging_start(&paging, &showing->filter);
	result = letters_matching(
		showing->store, &paging, true, show_letter, showing, err);
	if (result == 0 && showing->shown == 0)
		cli_warn(showing->cli, "no dead letter matches");
	else if (result == 0 && !one)
		operator_tell_of_rest(showing->cli, &showing->args->common,
			showing->output, showing->shown, buf_span(&paging.cursor));
	paging_free(&paging);
	return result;
}

static enum exit_code
code_of_shown(const struct showing *showing, const struct id_list *ids)
{
	if (showing->cli->operand_count > 0)
		return exit_code_of_found(showing->found, ids->count);
	return showing->shown > 0 ? EXIT_DONE : EXIT_NONE;
}

enum exit_code
show_run(struct cli *cli, const void *arguments)
{
	struct showing showing = {.cli = cli, .args = arguments};
	const struct show_args *args = arguments;
	struct id_list ids;
	struct err err;
	int result = -1;

	showing.view = (struct letter_view){
		.reveal = args->reveal, .statuses = true, .now = clock_now(&cli->clock)};
	if (id_list_read(&ids, cli, &err) != 0)
		return cli_complain(cli, &err);
	if (show_open(&showing, &ids, &err) != 0)
		goto out;
	if (cli->operand_count > 0)
		result = letters_named(cli, showing.store, &ids, show_letter, &showing,
			&showing.found, &err);
	else
		result = show_matching(&showing, &err);
	if (showing.output != NULL &&
		output_close(showing.output, "", result == 0 ? &err : NULL) != 0)
		result = -1;
	show_close(&showing);
out:
	if (result == 0)
		cli->worst = exit_worse(cli->worst, code_of_shown(&showing, &ids));
	id_list_free(&ids);
	return result == 0 ? cli->worst : cli_complain(cli, &err);
}
