/* SPDX-License-Identifier: MIT */
/*
 * What every program does with its command line.
 *
 * A program is a table of verbs, a verb a table of options; the same tables feed parsing,
 * --help, "did you mean", completions and the check of the man pages. An option's value
 * goes straight into the verb's own args struct, at its offset.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "base/clock.h"
#include "cli/exit.h"

#include <stdio.h>

enum cli_kind {
	CLI_FLAG,     /* bool */
	CLI_TEXT,     /* const char * */
	CLI_INT,      /* int64_t, between min and max */
	CLI_DURATION, /* int64_t, milliseconds */
	CLI_TIME,     /* int64_t, an instant; a duration means that long ago */
	CLI_CHOICE,   /* int, the index in choices */
	CLI_LIST,     /* struct cli_list, one more each time it is given */
};

/* What the shell completes after the option, or for an operand. */
enum cli_complete {
	COMPLETE_NOTHING,
	COMPLETE_FILE,
	COMPLETE_DIRECTORY,
	COMPLETE_CHOICE,
	COMPLETE_JOB, /* live, from the store */
	COMPLETE_DEAD_LETTER,
	COMPLETE_ENDPOINT,
	COMPLETE_EVENT_TYPE,
};

struct cli_list {
	const char **items; /* of argv */
	size_t count;
};

typedef int cli_check(struct span value, struct err *err); /* ERR_*, "reason" */

struct cli_option {
	char letter;      /* 0: long only */
	const char *name; /* NULL ends a table */
	enum cli_kind kind;
	size_t offset;        /* of the value in the args struct */
	const char *argument; /* "PATH"; NULL for a flag */
	const char *help;
	const char *environment;    /* the variable that stands in for it; NULL */
	const char *const *choices; /* ends with NULL */
	int64_t min, max;           /* of CLI_INT; both 0: any */
	bool unit;        /* of CLI_DURATION, CLI_TIME: a number alone is no duration */
	cli_check *check; /* of CLI_LIST: what each item must hold; NULL */
	enum cli_complete complete;
};

/* Options that several verbs share, and where their struct sits in this verb's args. */
struct cli_group {
	const struct cli_option *options; /* NULL ends an array of groups */
	size_t offset;
};

struct cli;

struct cli_verb {
	const char *name;            /* NULL: the program has no verbs */
	const char *operands;        /* "[ID ...]"; NULL: takes none */
	const char *summary;         /* one line, lower case, no full stop */
	const char *const *examples; /* command lines; ends with NULL */
	const struct cli_group *groups;
	size_t args_size;
	const void *defaults;       /* an args struct; NULL: all zero */
	enum cli_complete complete; /* of the operands */
	enum exit_code (*run)(struct cli *cli, const void *args);
};

/* A verb that people look for here, and the program that has it. */
struct cli_elsewhere {
	const char *verb; /* NULL ends an array of them */
	const char *program;
};

struct cli_program {
	const char *name;
	const char *summary;
	const struct cli_verb *verbs;          /* ends with a NULL run */
	const struct cli_elsewhere *elsewhere; /* NULL: none */
};

enum cli_format {
	FORMAT_AUTO,
	FORMAT_TABLE,
	FORMAT_NDJSON,
	FORMAT_JSON,
	FORMAT_TSV,
	FORMAT_ID,
};

enum cli_color { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

/* First in every args struct; the three tables below fill it. */
struct cli_common {
	const char *db; /* NULL: the default path */
	const char *config;
	const char *queue;
	int format; /* enum cli_format */
	int color;  /* enum cli_color */
};

extern const struct cli_option cli_store_options[];  /* --db --queue */
extern const struct cli_option cli_config_options[]; /* --config */
extern const struct cli_option cli_output_options[]; /* -o --color */
extern const struct cli_option cli_stream_options[]; /* the same, as things happen */

/* What a verb's run() works with. */
struct cli {
	const struct cli_program *program;
	const struct cli_verb *verb;
	struct clock clock;
	char **operands;
	size_t operand_count;
	bool stdin_terminal, stdout_terminal, stderr_terminal;
	bool output_closed;   /* whoever read stdout has left: end quietly */
	bool output_failed;   /* private: of which it was told once */
	int output_errno;     /* private: why a flush failed; 0: none has */
	enum exit_code worst; /* of all that was complained of */
};

/*
 * main() of every program: parses, prints --help and --version, runs the verb, flushes,
 * and returns the exit status. A closed pipe (EPIPE) ends quietly with EXIT_DONE.
 */
int cli_main(const struct cli_program *program, int argc, char **argv);

/*
 * stdout is buffered. Whoever writes more than a page goes through these: ERR_IO,
 * "stdout: reason", also for a closed pipe, which cli_complain() then passes over in
 * silence.
 */
int cli_write(struct cli *cli, struct span bytes, struct err *err);

/* The same of what was put together in a buffer: nothing of it if it is not whole. */
int cli_write_buf(struct cli *cli, const struct buf *buf, struct err *err);

int cli_flush(struct cli *cli, struct err *err);

/*
 * "prog: text" on stderr, safe for a terminal; remembers the exit code, and returns it. A
 * closed pipe is not complained of: EXIT_DONE.
 */
enum exit_code cli_complain(struct cli *cli, const struct err *err);
enum exit_code cli_complain_at_line(struct cli *cli, size_t line, const struct err *err);
void cli_warn(struct cli *cli, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * The store's path from --db, $WH_DB or the default
 * ${XDG_STATE_HOME:-~/.local/state}/whtools/wh.db, appended to path. ERR_USAGE.
 */
int cli_store_path(const struct cli_common *common, struct buf *path, struct err *err);

/* Asks on the terminal; true with `yes`, and without asking when stdin is not one. */
bool cli_confirm(struct cli *cli, bool yes, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The name nearest to `word` (edit distance <= 2, or one that it begins), or NULL. */
const char *cli_nearest(const char *word, const char *const *names);

/* ERR_USAGE: "--status: 'dealyed' is unknown; did you mean delayed?" */
int cli_unknown_choice(const char *option, const char *value, const char *const *choices,
	struct err *err);

#endif
