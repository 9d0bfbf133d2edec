/* SPDX-License-Identifier: MIT */
/*
 * What the programs that look into the store share: opening it, turning filter options
 * into a store's filter, and running a changing verb over ids or a filter.
 */
#ifndef CMD_OPERATOR_H
#define CMD_OPERATOR_H

#include "cli/filter.h"
#include "cli/output.h"
#include "store/store.h"

/* Opens the store that --db, $WH_DB or the default names. Returns new in *store. */
int operator_open(struct cli *cli, const struct cli_common *common, enum store_mode mode,
	struct store **store, struct err *err);

/* The same, for a filter: if nothing here ever was for its endpoint, an operator should
 * know. */
int operator_open_for(struct cli *cli, const struct cli_common *common,
	enum store_mode mode, const struct filter_args *filter, struct store **store,
	struct err *err);

/* Without one nothing will come of what was queued, which nobody should find out by
 * waiting. */
void operator_warn_without_worker(struct cli *cli, struct store *store);

/* Whether stdout is for eyes, and hints on stderr will be seen. */
bool operator_is_watched(const struct cli *cli, const struct cli_common *common);

/*
 * The filter options as the store wants them; borrows the arguments. `dead` says whether
 * --status names dead letters' or jobs' states. ERR_USAGE.
 */
int operator_filter(const struct filter_args *args, bool dead, struct job_filter *filter,
	struct err *err);

/*
 * What a verb that shows jobs one after the other looks for, if it was given no ids: the
 * filter, of which it shows SHOW_LIMIT_DEFAULT unless --limit says otherwise. ERR_USAGE,
 * also if there is nothing to go by, or both ids and a filter.
 */
enum { SHOW_LIMIT_DEFAULT = 10 };
int operator_show_filter(const struct cli *cli, const struct filter_args *args, bool dead,
	struct job_filter *filter, struct err *err);

/* What every changing verb is given. */
struct change_verb_args {
	struct cli_common common;
	struct filter_args filter;
	struct change_args flags;
};

/* What such a verb makes of it. */
struct operator_change {
	const struct change_verb_args *args;
	struct action action; /* `now` and `dry_run` are filled in */
	const char *done;     /* "cancelled": past participle for the receipt line */
	const char *asked;    /* the one for questions and complaints; NULL: done */
	bool to_deliver;      /* wants the jobs sent, by a worker that runs */
	/* Also told of each job, after its line; NULL. Non-zero with *err stops. */
	int (*each)(void *context, const struct action_report *report, struct err *err);
	void *context;
};

/*
 * Runs it: ids if there are operands, else the filter, which must not be empty unless
 * --all; asks on a terminal unless --yes; prints a line per job
 * ({"id","job_id","result"}) and complains of what could not be done. EXIT_NONE if
 * nothing was changed or some could not be.
 */
enum exit_code operator_change(struct cli *cli, const struct operator_change *change);

/* The same for a verb of which there is no more to say. */
enum exit_code operator_change_by(struct cli *cli, const struct change_verb_args *args,
	enum action_verb verb, const char *done);

/*
 * A listing ended before its last row: says how to go on behind `next` (empty: it did
 * not), below a table, and on stderr to who reads another format, or pages of text
 * (output NULL). Who lists just one is not turning pages.
 */
void operator_tell_of_rest(struct cli *cli, const struct cli_common *common,
	struct output *output, size_t shown, struct span next);

#endif
