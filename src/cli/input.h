/* SPDX-License-Identifier: MIT */
/*
 * Reading lines from a descriptor, with a bound on their length.
 */
#ifndef CLI_INPUT_H
#define CLI_INPUT_H

#include "base/buf.h"
#include "base/trust.h"

struct input {
	int fd;
	size_t line;       /* number of the line last returned, from 1 */
	struct buf buffer; /* private */
	size_t consumed;   /* private */
	size_t scanned;    /* private */
	bool skipping;     /* private */
	bool at_end;       /* private */
	int failed;        /* private: errno of a read that failed */
};

enum input_result {
	INPUT_LINE,
	INPUT_TOO_LONG, /* the line was skipped; memory stays bounded */
	INPUT_END,
	INPUT_FAILED, /* ERR_IO */
};

/* Borrows the descriptor. */
void input_init(struct input *input, int fd, size_t max_line);
void input_free(struct input *input);

/*
 * The next line without its end (LF or CRLF); valid until the next call. Empty lines are
 * passed over, but counted. A last line without an end counts too. A byte order mark in
 * front of the first is passed over, as RFC 8259 §8.1 allows.
 */
enum input_result input_line(struct input *input, struct span *line, struct err *err);

/* Whether input_line() would return without waiting; takes in what is there already. */
bool input_ready(struct input *input);

/* The whole rest, appended to *all. ERR_DATA if it does not fit, ERR_IO, ERR_OS. */
int input_all(int fd, struct buf *all, struct err *err);

/* A descriptor to read from, -1 if there is none; a directory is ERR_NO_INPUT too. */
int file_open(const char *path, struct err *err);

/* The same, if `check` has nothing against the file: ERR_PERMISSION. */
int file_open_trusted(const char *path, trust_check *check, struct err *err);

/* Its content, appended to *content: as input_all(), "path: reason". */
int file_read_trusted(
	const char *path, trust_check *check, struct buf *content, struct err *err);

#endif
