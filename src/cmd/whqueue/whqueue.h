/* SPDX-License-Identifier: MIT */
/*
 * The operator's view of the queue. Verbs have their run functions in a file of their
 * own, those that change jobs in change.c; verbs.c holds the table of all, and their
 * options.
 */
#ifndef CMD_WHQUEUE_WHQUEUE_H
#define CMD_WHQUEUE_WHQUEUE_H

#include "cmd/keeper.h"
#include "cmd/operator.h"
#include "cmd/paging.h"
#include "model/redact.h"

extern const struct cli_verb whqueue_verbs[];

struct view_args {
	struct cli_common common;
};

struct doctor_args {
	struct cli_common common;
	struct cli_list open; /* networks, as whworker would be given them */
};

struct stats_args {
	struct cli_common common;
	struct filter_args filter;
};

struct show_args {
	struct cli_common common;
	struct filter_args filter;
	bool reveal;
};

struct list_args {
	struct cli_common common;
	struct filter_args filter;
	bool reveal;
};

extern const struct cli_group view_groups[], doctor_groups[], stats_groups[],
	show_groups[], list_groups[], change_groups[];
extern const struct stats_args stats_defaults;
extern const struct show_args show_defaults;
extern const struct list_args list_defaults;
extern const struct change_verb_args change_defaults;

enum exit_code stats_run(struct cli *cli, const void *args);
enum exit_code endpoints_run(struct cli *cli, const void *args);
enum exit_code list_run(struct cli *cli, const void *args);
enum exit_code show_run(struct cli *cli, const void *args);
enum exit_code cancel_run(struct cli *cli, const void *args);
enum exit_code expedite_run(struct cli *cli, const void *args);
enum exit_code hold_run(struct cli *cli, const void *args);
enum exit_code release_run(struct cli *cli, const void *args);
enum exit_code doctor_run(struct cli *cli, const void *args);

/* What is shown of the statistics, and how. */
struct stats_view {
	const struct output_column *columns;
	int (*put_rows)(struct output *output, const struct queue_stats *stats,
		int64_t now, struct err *err);
};

/* `filter` NULL: of all jobs. */
enum exit_code stats_show(struct cli *cli, const struct cli_common *common,
	const struct filter_args *filter, const struct stats_view *view);

/* Why an endpoint is sent nothing, if so: members of its JSON, and words for a cell. */
void endpoint_state_json(struct buf *json, const struct endpoint_stats *row, int64_t now);
void endpoint_state_cell(
	struct output *output, const struct endpoint_stats *row, int64_t now);

/* Called with one job after the other; non-zero (with *err) ends the walk. */
typedef int job_each(void *context, const struct job *job, struct err *err);

/* Walks all that match, newest first; with_request: their requests too. */
int jobs_matching(struct store *store, struct paging *paging, bool with_request,
	job_each *each, void *context, struct err *err);

/* The columns of a listing, and a job as one row of it, as it is: redacted or not. */
extern const struct output_column job_columns[];
int job_row(struct output *output, const struct job *job, int64_t now, struct err *err);

/* Whether a worker would take it now, if one runs and nothing keeps the job. */
bool job_is_due(const struct job *job, int64_t now);

enum tint job_state_tint(enum job_state state);

/* A job with its request, every attempt, and what keeps it, as a page of text. ERR_IO,
 * ERR_DATA. */
int page_write(struct cli *cli, const struct job *job,
	const struct attempt_list *attempts, const struct keeper *keeper, bool color,
	struct err *err);

#endif
