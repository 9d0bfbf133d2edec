/* SPDX-License-Identifier: MIT */
/*
 * Command lines, lines of input, and ids.
 */
#include "target.h"

#include "cli/filter.h"
#include "cli/options.h"
#include "cmd/whdlq/whdlq.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { WORDS_MAX = 256, TEXT_MAX = 16 * 1024 * 1024 };

static const struct cli_program program = {
	.name = "whdlq", .summary = "under test", .verbs = whdlq_verbs};

/* Each line a word; the caller frees argv[0]. */
static int
split_words(struct span input, char **argv)
{
	char *text = calloc(1, input.len + 1);
	int argc = 0;

	if (text == NULL)
		abort();
	if (input.len > 0)
		memcpy(text, input.ptr, input.len);
	for (char *word = text; word != NULL && argc < WORDS_MAX;) {
		argv[argc++] = strsep(&word, "\n");
	}
	argv[argc] = NULL;
	return argc;
}

static void
check_value(const struct option_iter *it, const void *args)
{
	const void *place = (const char *)args + it->offset;
	const struct cli_option *option = it->option;

	if (it->asked)
		return;
	if (option->kind == CLI_CHOICE)
		for (int i = 0; i < *(const int *)place; i++)
			HOLDS(option->choices[i] != NULL);
	if (option->kind == CLI_INT && option->min != option->max)
		HOLDS(*(const int64_t *)place <= option->max);
}

static void
check_filter(const struct cli_parsed *parsed)
{
	const struct list_args *args = parsed->args;
	struct job_filter filter;
	struct err err = {0};

	if (strcmp(parsed->verb->name, "list") != 0)
		return;
	if (operator_filter(&args->filter, true, &filter, &err) != 0) {
		HOLDS(err.kind == ERR_USAGE);
		return;
	}
	HOLDS(filter.dead_statuses < 1u << DEAD_STATUS_COUNT && filter.states == 0);
	HOLDS(!filter.has_type || filter.type < ERROR_TYPE_COUNT);
	HOLDS(!filter.has_category || filter.category < CATEGORY_COUNT);
}

static void
check_parsed(const struct cli_parsed *parsed, int argc)
{
	if (parsed->verb == NULL || parsed->asked.help || parsed->asked.version)
		return;
	HOLDS(parsed->operand_count < (size_t)argc);
	for (struct option_iter it = option_iter(parsed->verb); option_next(&it);)
		check_value(&it, parsed->args);
	check_filter(parsed);
}

void
fuzz_args(struct span input)
{
	char *argv[WORDS_MAX + 1];
	int argc = split_words(input, argv);
	char *text = argv[0];
	struct cli_parsed parsed;
	struct err err = {0};

	if (cli_parse(&parsed, &program, argc, argv, FUZZ_NOW, &err) == 0)
		check_parsed(&parsed, argc);
	else
		HOLDS(err.kind == ERR_USAGE && err.text[0] != '\0');
	cli_parsed_free(&parsed);
	free(text);
}

void
fuzz_ids(struct span input)
{
	struct buf id;
	struct err err = {0};

	buf_init(&id, TEXT_MAX);
	if (id_from_line(input, &id, &err) == 0) {
		HOLDS(id.len > 0 && span_is_utf8(buf_span(&id)));
		HOLDS(fits_header(buf_span(&id)));
	} else {
		HOLDS(err.kind == ERR_DATA);
	}
	buf_free(&id);
}

/* A file that is only in memory. */
static int
open_bytes(struct span bytes)
{
	int fd = memfd_create("input", MFD_CLOEXEC);

	if (fd < 0 || (bytes.len > 0 && write(fd, bytes.ptr, bytes.len) < 0) ||
		lseek(fd, 0, SEEK_SET) < 0)
		abort();
	return fd;
}

/* The line that comes next, by the plainest way there is. */
static bool
next_line(struct span *rest, size_t *number, struct span *line)
{
	do {
		if (rest->len == 0)
			return false;
		*line = take_line(rest);
		++*number;
		if (line->len > 0 && line->ptr[line->len - 1] == '\r')
			line->len--;
	} while (line->len == 0);
	return true;
}

/* The first byte is the longest line. */
void
fuzz_lines(struct span input)
{
	size_t max_line = input.len == 0 ? 1 : 1 + (unsigned char)input.ptr[0];
	struct span rest = {input.ptr + (input.len > 0), input.len - (input.len > 0)};
	int fd = open_bytes(rest);
	struct span line, expected;
	struct input lines;
	enum input_result got;
	size_t number = 0;

	input_init(&lines, fd, max_line);
	while ((got = input_line(&lines, &line, NULL)) != INPUT_END) {
		HOLDS(got != INPUT_FAILED);
		HOLDS(next_line(&rest, &number, &expected));
		HOLDS(lines.line == number);
		if (got == INPUT_LINE)
			HOLDS(span_equal(line, expected) && line.len <= max_line);
		else
			HOLDS(expected.len >= max_line);
	}
	HOLDS(!next_line(&rest, &number, &expected));
	input_free(&lines);
	close(fd);
}
