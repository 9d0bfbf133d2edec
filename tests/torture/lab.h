/* SPDX-License-Identifier: MIT */
/*
 * What the torture tests share: a scratch directory in memory, programs of ours run in it
 * with a time limit, a receiver, and questions to the store that they leave behind.
 *
 * $TEST_BIN and $TEST_BUILD say where things are, as for all tests. A laboratory that
 * cannot be set up ends the program, and with it the suite.
 */
#ifndef TESTS_TORTURE_LAB_H
#define TESTS_TORTURE_LAB_H

#include "base/buf.h"

#include <stdbool.h>
#include <sys/types.h>

enum { LAB_PATH_MAX = 256, LAB_WORDS_MAX = 24, LAB_HUNG = -1000 };

struct lab {
	char directory[LAB_PATH_MAX]; /* ours, in memory if possible */
	char bin[LAB_PATH_MAX];
	char build[LAB_PATH_MAX];
	char receiver_url[64]; /* without a slash at its end */
	char receiver_port[16];
	pid_t receiver;
	int in_fd, out_fd, err_fd;
	bool sanitized; /* the programs are: they are slow, and look for leaks */
};

/* One run of a program of ours. */
struct command {
	/* Words between blanks; '^' stands for the receiver's URL, '~' for its port. */
	const char *line;
	const char *input;              /* likewise; NULL: nothing */
	const char *const *environment; /* "NAME=value"; ended by NULL */
};

struct outcome {
	int code; /* the exit status; -N: ended by signal N; LAB_HUNG */
	struct buf out, err;
};

void lab_open(struct lab *lab);
void lab_close(struct lab *lab);

/* In a child of whoever opened it: input and output of its own. */
void lab_join(struct lab *lab);

/* A path in the directory. */
void lab_path(const struct lab *lab, const char *name, char *path);

/* Empties (and makes) a directory of the laboratory; copies its regular files. */
void lab_empty(const struct lab *lab, const char *name);
void lab_copy(const struct lab *lab, const char *from, const char *to);

/* Whether `copy` still is what lab_copy() made of `from`. SQLite's index of the WAL does
 * not count, for whoever comes first makes it again. */
bool lab_is_copy(const struct lab *lab, const char *from, const char *copy);

void outcome_init(struct outcome *outcome);
void outcome_free(struct outcome *outcome);

/* Runs it in the directory `place`, for a minute at most; *outcome is cleared first. */
void lab_run(struct lab *lab, const char *place, const struct command *command,
	struct outcome *outcome);

/* The same, and the program must end with `code`. */
void lab_must_run(
	struct lab *lab, const char *place, const struct command *command, int code);

/*
 * The first column of the first row, as text, NULL as "". ?1 is bound to `parameter`
 * (which may be absent). -1 with a text about what is wrong if the store cannot be asked.
 */
int lab_ask(const char *db, const char *sql, struct span parameter, struct buf *answer);

/* Asks and compares. */
bool lab_answers(
	const char *db, const char *sql, struct span parameter, const char *wanted);

/* Where a store breaks what must always hold; NULL if nowhere. Borrowed until
 * the next. */
const char *lab_damage(const char *db, struct buf *text);

/* A number from the environment. */
long lab_number(const char *name, long otherwise);

#endif
