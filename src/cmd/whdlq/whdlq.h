/* SPDX-License-Identifier: MIT */
/*
 * The operator's view of the dead letter queue. Each verb with options of its own has a
 * file with them and its run function; verbs.c holds the table of all.
 */
#ifndef CMD_WHDLQ_H
#define CMD_WHDLQ_H

#include "cmd/operator.h"
#include "cmd/paging.h"
#include "model/config.h"
#include "model/redact.h"

extern const struct cli_verb whdlq_verbs[];

/* What a verb adds to that table: where its options go, and what runs. */
struct list_args {
	struct cli_common common;
	struct filter_args filter;
	bool reveal;
};

struct show_args {
	struct cli_common common;
	struct filter_args filter;
	bool reveal;
	bool body;
};

struct retry_args {
	struct change_verb_args change;
	bool wait;
	int64_t timeout_ms;
};

struct resolve_args {
	struct change_verb_args change;
	const char *by;
	const char *note;
};

struct stats_args {
	struct cli_common common;
	struct filter_args filter;
	int by; /* 0: an overview; else enum dead_group + 1 */
};

struct cleanup_args {
	struct change_verb_args change;
	int64_t older_than_ms; /* -1: not given */
};

struct export_args {
	struct cli_common common;
	struct filter_args filter;
	bool all;
};

extern const struct cli_group list_groups[], show_groups[], retry_groups[],
	resolve_groups[], change_groups[], stats_groups[], cleanup_groups[],
	export_groups[];

extern const struct list_args list_defaults;
extern const struct show_args show_defaults;
extern const struct retry_args retry_defaults;
extern const struct resolve_args resolve_defaults;
extern const struct change_verb_args change_defaults;
extern const struct stats_args stats_defaults;
extern const struct cleanup_args cleanup_defaults;
extern const struct export_args export_defaults;

enum exit_code list_run(struct cli *cli, const void *args);
enum exit_code show_run(struct cli *cli, const void *args);
enum exit_code retry_run(struct cli *cli, const void *args);
enum exit_code resolve_run(struct cli *cli, const void *args);
enum exit_code reopen_run(struct cli *cli, const void *args);
enum exit_code stats_run(struct cli *cli, const void *args);
enum exit_code cleanup_run(struct cli *cli, const void *args);
enum exit_code delete_run(struct cli *cli, const void *args);
enum exit_code export_run(struct cli *cli, const void *args);

/* ---- letters (letters.c) --------------------------------------------------------- */

/* How a listing shows letters. */
struct letter_view {
	bool reveal;   /* secrets too */
	bool statuses; /* a column for the status, which letters here may differ in */
	int64_t now;
};

/* Opens an output for that view, and adds a letter as one row of it. */
int letters_open(struct output **output, struct cli *cli, const struct cli_common *common,
	struct letter_view *view, struct err *err);
int letter_row(struct output *output, const struct dead_letter *letter,
	const struct letter_view *view, struct err *err);

/* Called with one letter after the other; non-zero (with *err) ends the walk. */
typedef int letter_each(void *context, const struct dead_letter *letter, struct err *err);

/* Walks all that match, newest first; with_request: their requests too. */
int letters_matching(struct store *store, struct paging *paging, bool with_request,
	letter_each *each, void *context, struct err *err);

/*
 * Walks those that the operands name. An unknown one is complained of; *found counts the
 * others. Returns -1 for what ends the walk only.
 */
int letters_named(struct cli *cli, struct store *store, const struct id_list *ids,
	letter_each *each, void *context, size_t *found, struct err *err);

/* The exit code when `found` of `named` operands were there. */
enum exit_code exit_code_of_found(size_t found, size_t named);

/* ---- the same request by hand (curl.c) ------------------------------------------- */

struct curl_source {
	const struct dead_letter *letter;
	const struct request *request;          /* redacted, or not */
	const struct endpoint_config *endpoint; /* NULL: not configured */
	const struct cli_common *common;        /* which store, for large bodies */
	bool reveal;
};

/* A command line for sh that sends the stored bytes; lines end in backslash-newline. */
void curl_command_put(struct buf *out, const struct curl_source *source);

#endif
