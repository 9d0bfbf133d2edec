/* SPDX-License-Identifier: MIT */
/*
 * Dead letters as new events: what whenqueue needs to send them, and nothing of what
 * became of them. Secrets are in it, or the copies could not be delivered.
 */
#include "cmd/whdlq/job_list.h"
#include "cmd/whdlq/whdlq.h"

#include "model/record.h"

#include <string.h>

enum { RECORD_MAX = 256 * 1024 * 1024 };

static const struct cli_option options[] = {
	{.name = "all",
		.kind = CLI_FLAG,
		.offset = offsetof(struct export_args, all),
		.help = "of every status, where --status does not say less"},
	{0},
};

const struct cli_group export_groups[] = {
	{options, 0},
	{cli_dead_status_options, offsetof(struct export_args, filter)},
	{cli_filter_options, offsetof(struct export_args, filter)},
	{cli_page_options, offsetof(struct export_args, filter)},
	{cli_store_options, offsetof(struct export_args, common)},
	{0},
};

const struct export_args export_defaults = {.filter = {.limit = -1}};

struct exporting {
	struct cli *cli;
	struct store *store;
	struct job_filter filter;
	struct buf line;
	size_t count;
};

/* A record is one line, and a body keeps its every byte: with line breaks it is
 * base64. */
static struct request
one_line(const struct request *request)
{
	struct request line = *request;

	if (line.body_kind == BODY_JSON &&
		(memchr(line.body.ptr, '\n', line.body.len) != NULL ||
			memchr(line.body.ptr, '\r', line.body.len) != NULL))
		line.body_kind = BODY_RAW;
	return line;
}

static void
put_event(struct buf *out, const struct job *job)
{
	struct request request = one_line(&job->request);

	buf_add_char(out, '{');
	json_put_member_string(out, "id", job->event_id);
	if (job->endpoint_named)
		json_put_member_string(out, "endpoint", job->endpoint);
	if (span_present(job->event_type))
		json_put_member_string(out, "event_type", job->event_type);
	if (span_present(job->ordering_key))
		json_put_member_string(out, "ordering_key", job->ordering_key);
	json_put_member_int(out, "priority", job->priority);
	json_put_member_int(out, "max_attempts", job->max_attempts);
	put_request(out, &request);
	buf_add_text(out, "}\n");
}

static int
export_letter(void *context, const struct dead_letter *letter, struct err *err)
{
	struct exporting *exporting = context;

	exporting->count++;
	buf_clear(&exporting->line);
	put_event(&exporting->line, &letter->job);
	return output_write_json(exporting->cli, &exporting->line, err);
}

static int
remember(void *context, const struct dead_letter *letter, struct err *err)
{
	return job_list_add(context, letter->job.id, err);
}

/* One that has been delivered or deleted since it was listed is left out. */
static int
export_number(struct exporting *exporting, int64_t job_id, struct err *err)
{
	struct dead_page page;
	char name[32];
	int result = 0;

	snprintf(name, sizeof(name), "job:%lld", (long long)job_id);
	if (store_dead_find(exporting->store, span_of(name), &page, err) != 0)
		return err->kind == ERR_NO_INPUT ? 0 : -1;
	if ((exporting->filter.dead_statuses & (1u << page.letters[0].status)) != 0)
		result = export_letter(exporting, &page.letters[0], err);
	dead_page_free(&page);
	return result;
}

/* Listings go from the newest back, but who takes records wants them as they came. */
static int
export_matching(struct exporting *exporting, struct err *err)
{
	struct job_list list = {0};
	struct paging paging;
	int result;

	paging_start(&paging, &exporting->filter);
	result = letters_matching(exporting->store, &paging, false, remember, &list, err);
	while (result == 0 && list.count > 0)
		result = export_number(exporting, list.jobs[--list.count], err);
	job_list_free(&list);
	paging_free(&paging);
	return result;
}

static int
export_filter(const struct export_args *args, bool named, struct job_filter *filter,
	struct err *err)
{
	if (named && args->all)
		return err_set(err, ERR_USAGE, "either ids or --all, not both");
	if (named && !filter_is_empty(&args->filter))
		return err_set(err, ERR_USAGE, "either ids or a filter, not both");
	if (operator_filter(&args->filter, true, filter, err) != 0)
		return -1;
	if (args->filter.status.count == 0)
		filter->dead_statuses = args->all ? (1u << DEAD_STATUS_COUNT) - 1
						  : 1u << DEAD_UNRESOLVED;
	return 0;
}

enum exit_code
export_run(struct cli *cli, const void *arguments)
{
	const struct export_args *args = arguments;
	struct exporting exporting = {.cli = cli};
	struct id_list ids;
	struct err err;
	size_t found = 0;
	int result = -1;

	buf_init(&exporting.line, RECORD_MAX);
	if (id_list_read(&ids, cli, &err) != 0)
		return cli_complain(cli, &err);
	if (export_filter(args, cli->operand_count > 0, &exporting.filter, &err) != 0 ||
		operator_open_for(cli, &args->common, STORE_READ, &args->filter,
			&exporting.store, &err) != 0)
		goto out;
	if (cli->operand_count > 0)
		result = letters_named(cli, exporting.store, &ids, export_letter,
			&exporting, &found, &err);
	else
		result = export_matching(&exporting, &err);
out:
	store_close(exporting.store);
	buf_free(&exporting.line);
	if (result == 0 && cli->operand_count > 0)
		cli->worst = exit_worse(cli->worst, exit_code_of_found(found, ids.count));
	else if (result == 0 && exporting.count == 0) {
		cli_warn(cli, "no dead letter matches");
		cli->worst = exit_worse(cli->worst, EXIT_NONE);
	}
	id_list_free(&ids);
	return result == 0 ? cli->worst : cli_complain(cli, &err);
}
