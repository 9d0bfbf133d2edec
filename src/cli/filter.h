/* SPDX-License-Identifier: MIT */
/*
 * The filter options that every listing and every changing verb shares, and the ids that
 * come as operands or on stdin.
 */
#ifndef CLI_FILTER_H
#define CLI_FILTER_H

#include "base/arena.h"
#include "cli/cli.h"
#include "cli/input.h"

/* The table of a status option, and --event-type --category --error-type --endpoint
 * --since --until, and those of a page. */
struct filter_args {
	struct cli_list status; /* names, also "a,b"; checked by operator_filter() */
	const char *event_type;
	int category; /* index in the choices; 0: any */
	int error_type;
	const char *endpoint;
	int64_t since, until;
	int64_t limit; /* -1: not given */
	const char *after;
};

extern const struct cli_option cli_job_status_options[];  /* --status of jobs */
extern const struct cli_option cli_dead_status_options[]; /* --status of dead letters */
extern const struct cli_option cli_resolved_status_options[]; /* of those only */
extern const struct cli_option cli_filter_options[];
extern const struct cli_option cli_page_options[]; /* --limit --after */

/* Whether nothing restricts (limit and after do not count). */
bool filter_is_empty(const struct filter_args *filter);

/* Whether what it finds begins with the first of all (limit does not count). */
bool filter_takes_all(const struct filter_args *filter);

/* --all --dry-run --yes */
struct change_args {
	bool all;
	bool dry_run;
	bool yes;
};

extern const struct cli_option cli_change_options[];

/* The ids a verb was given. */
struct id_list {
	struct arena arena;
	struct span *ids;
	size_t count;
};

/*
 * Operands; "-" reads stdin, one id a line. A line that is none is complained of with its
 * number (EXIT_DATA) and the others are taken. ERR_USAGE (an operand is empty), ERR_OS,
 * ERR_IO.
 */
int id_list_read(struct id_list *list, struct cli *cli, struct err *err);
void id_list_free(struct id_list *list);

/*
 * Puts the id that a line names: a bare id, a JSON number or string, or a record, which
 * becomes "job:" and its job_id, else "event:" and its id. ERR_DATA, ERR_OS.
 */
int id_from_line(struct span line, struct buf *id, struct err *err);

#endif
