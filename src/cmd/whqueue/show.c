/* SPDX-License-Identifier: MIT */
#include "cmd/whqueue/whqueue.h"

#include "model/record.h"

struct showing {
	struct cli *cli;
	const struct cli_common *common;
	bool reveal;
	struct job_filter filter; /* if there are no ids */
	struct store *store;
	struct id_list ids;
	struct output *output; /* NULL: pages of text */
	struct keepers keepers;
	size_t found;
	bool some_due;
};

static int
show_record(struct showing *showing, const struct job *job,
	const struct attempt_list *attempts, struct err *err)
{
	struct buf *json = output_json(showing->output);
	char id[24];

	if (!output_wants_json(showing->output))
		return job_row(
			showing->output, job, clock_now(&showing->cli->clock), err);
	snprintf(id, sizeof(id), "%lld", (long long)job->id);
	output_row_begin(showing->output, span_of(id));
	buf_add_char(json, '{');
	put_job(json, job);
	put_attempts(json, attempts->attempts, attempts->count);
	buf_add_char(json, '}');
	return output_row_end(showing->output, err);
}

static int
show_page(struct showing *showing, const struct job *job,
	const struct attempt_list *attempts, struct err *err)
{
	bool color = color_wanted(showing->common, showing->cli->stdout_terminal);
	struct keeper keeper = keepers_look(&showing->keepers, job->id);

	if (showing->found > 1 && cli_write(showing->cli, SPAN_LITERAL("\n"), err) != 0)
		return -1;
	return page_write(showing->cli, job, attempts, &keeper, color, err);
}

static int
show_redacted(struct showing *showing, const struct job *job,
	const struct attempt_list *attempts, struct err *err)
{
	struct redacted redacted;
	struct job shown = *job;
	int result;

	if (request_redact(&redacted, &job->request, showing->reveal, err) != 0)
		return -1;
	shown.request = redacted.request;
	result = showing->output == NULL ? show_page(showing, &shown, attempts, err)
					 : show_record(showing, &shown, attempts, err);
	redacted_free(&redacted);
	return result;
}

static int
show_job(void *context, const struct job *job, struct err *err)
{
	struct showing *showing = context;
	struct attempt_list attempts;
	int result;

	showing->found++;
	showing->some_due |= job_is_due(job, clock_now(&showing->cli->clock));
	if (store_attempts(showing->store, job->id, &attempts, err) != 0)
		return -1;
	result = show_redacted(showing, job, &attempts, err);
	attempt_list_free(&attempts);
	return result;
}

static int
show_named(struct showing *showing, struct span id, struct err *err)
{
	struct job_page page;
	int result;

	if (store_find(showing->store, id, &page, err) != 0) {
		if (err->kind != ERR_NO_INPUT)
			return -1;
		cli_warn(showing->cli, "%.*s: no such job", (int)id.len, id.ptr);
		return 0;
	}
	result = show_job(showing, &page.jobs[0], err);
	job_page_free(&page);
	return result;
}

static int
show_matching(struct showing *showing, struct err *err)
{
	struct paging paging;
	int result;

	paging_start(&paging, &showing->filter);
	result = jobs_matching(showing->store, &paging, true, show_job, showing, err);
	if (result == 0)
		operator_tell_of_rest(showing->cli, showing->common, showing->output,
			showing->found, buf_span(&paging.cursor));
	paging_free(&paging);
	return result;
}

static int
show(struct showing *showing, const struct filter_args *filter, struct err *err)
{
	struct cli *cli = showing->cli;
	int result = 0;

	if (operator_show_filter(cli, filter, false, &showing->filter, err) != 0 ||
		id_list_read(&showing->ids, cli, err) != 0 ||
		operator_open_for(cli, showing->common, STORE_READ, filter,
			&showing->store, err) != 0)
		return -1;
	showing->keepers = (struct keepers){
		.store = showing->store, .now = clock_now(&cli->clock)};
	if (output_format(cli, showing->common) != FORMAT_TABLE &&
		output_open(&showing->output, cli, showing->common, job_columns, err) !=
			0)
		return -1;
	if (cli->operand_count == 0)
		result = show_matching(showing, err);
	for (size_t i = 0; i < showing->ids.count && result == 0; i++)
		result = show_named(showing, showing->ids.ids[i], err);
	if (result == 0 && showing->found == 0 && cli->operand_count == 0)
		cli_warn(cli, "no job matches");
	if (showing->output != NULL &&
		output_close(showing->output, NULL, result == 0 ? err : NULL) != 0)
		result = -1;
	if (showing->some_due && operator_is_watched(cli, showing->common))
		operator_warn_without_worker(cli, showing->store);
	return result;
}

enum exit_code
show_run(struct cli *cli, const void *given)
{
	const struct show_args *args = given;
	struct showing showing = {
		.cli = cli, .common = &args->common, .reveal = args->reveal};
	struct err err;
	enum exit_code code = EXIT_DONE;

	if (show(&showing, &args->filter, &err) != 0)
		code = cli_complain(cli, &err);
	else if (showing.found == 0)
		code = showing.ids.count > 0 ? EXIT_NO_INPUT : EXIT_NONE;
	else if (showing.found < showing.ids.count)
		code = EXIT_NONE;
	keepers_free(&showing.keepers);
	store_close(showing.store);
	id_list_free(&showing.ids);
	return code;
}
