/* SPDX-License-Identifier: MIT */
/*
 * Command lines, help texts, exit codes, input lines and ids.
 */
#include "cli/filter.h"
#include "cli/help.h"
#include "cli/output.h"
#include "tap.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const int64_t NOW = 1767323045678; /* 2026-01-02T03:04:05.678Z */

struct args {
	struct cli_common common;
	struct cli_list tags;
	const char *name;
	int64_t count;
	int64_t wait_ms;
	int64_t since;
	int color;
	bool force;
	bool loud;
};

static const char *const colors[] = {"red", "green", "BLUE", NULL};

static const struct cli_option options[] = {
	{.letter = 'g',
		.name = "tag",
		.kind = CLI_LIST,
		.offset = offsetof(struct args, tags),
		.argument = "TAG",
		.help = "a tag"},
	{.letter = 'n',
		.name = "name",
		.kind = CLI_TEXT,
		.offset = offsetof(struct args, name),
		.argument = "NAME",
		.help = "a name",
		.environment = "WH_TEST_NAME"},
	{.letter = 'c',
		.name = "count",
		.kind = CLI_INT,
		.offset = offsetof(struct args, count),
		.argument = "N",
		.help = "how many",
		.environment = "WH_TEST_COUNT",
		.min = 1,
		.max = 10},
	{.name = "wait",
		.kind = CLI_DURATION,
		.offset = offsetof(struct args, wait_ms),
		.argument = "DURATION",
		.help = "how long"},
	{.name = "since",
		.kind = CLI_TIME,
		.offset = offsetof(struct args, since),
		.argument = "TIME",
		.help = "from when on"},
	{.name = "color",
		.kind = CLI_CHOICE,
		.offset = offsetof(struct args, color),
		.argument = "COLOR",
		.help = "which",
		.choices = colors},
	{.letter = 'f',
		.name = "force",
		.kind = CLI_FLAG,
		.offset = offsetof(struct args, force),
		.help = "do it"},
	{.letter = 'l',
		.name = "loud",
		.kind = CLI_FLAG,
		.offset = offsetof(struct args, loud),
		.help = "say it, in a sentence that is so long that no window of eighty "
			"columns has room for it"},
	{0},
};

static const struct cli_group groups[] = {
	{options, 0},
	{cli_store_options, offsetof(struct args, common)},
	{0},
};

static enum exit_code
run_nothing(struct cli *cli, const void *args)
{
	(void)cli;
	(void)args;
	return EXIT_DONE;
}

static const struct args defaults = {.count = 7};

static const struct cli_verb verbs[] = {
	{.name = "list",
		.summary = "list things",
		.groups = groups,
		.args_size = sizeof(struct args),
		.defaults = &defaults,
		.run = run_nothing},
	{.name = "show",
		.operands = "ID ...",
		.summary = "show things",
		.groups = groups,
		.args_size = sizeof(struct args),
		.run = run_nothing},
	{.name = "one",
		.operands = "[ID]",
		.summary = "show one thing",
		.groups = groups,
		.args_size = sizeof(struct args),
		.run = run_nothing},
	{0},
};

static const struct cli_program program = {
	.name = "prog", .summary = "does things", .verbs = verbs};

/* Parses the words of `line`, which are separated by one blank; "''" is an empty one. */
static int
parse(struct cli_parsed *parsed, const char *line, struct err *err)
{
	static char words[256];
	static char *argv[32];
	char *rest = words;
	int argc = 0;

	snprintf(words, sizeof(words), "%s", line);
	for (char *word; (word = strsep(&rest, " ")) != NULL;)
		argv[argc++] = strcmp(word, "''") == 0 ? word + 2 : word;
	argv[argc] = NULL;
	return cli_parse(parsed, &program, argc, argv, NOW, err);
}

static void
test_spellings(void)
{
	static const char *const lines[] = {
		"prog list --name Ann --count 3 -f",
		"prog list --name=Ann --count=3 --force",
		"prog list -n Ann -c 3 -f",
		"prog list -nAnn -c3 -f",
		"prog list -fnAnn -c 3",
		"prog list -fc3 -n Ann",
		"prog --name Ann list -c 3 -f",
		"prog -f --count=3 list --name Ann",
		"prog list --count 9 --count 3 --name Ann --force",
		NULL,
	};

	for (size_t i = 0; lines[i] != NULL; i++) {
		struct cli_parsed parsed;
		struct err err;
		const struct args *args;

		tap_case(lines[i]);
		if (!CHECK_INT(parse(&parsed, lines[i], &err), 0)) {
			cli_parsed_free(&parsed);
			continue;
		}
		args = parsed.args;
		CHECK_TEXT(parsed.verb->name, "list");
		CHECK_TEXT(args->name, "Ann");
		CHECK_INT(args->count, 3);
		CHECK(args->force);
		CHECK(!args->loud);
		cli_parsed_free(&parsed);
	}
	tap_case(NULL);
}

static void
test_operands(void)
{
	struct cli_parsed parsed;
	struct err err;

	CHECK_INT(parse(&parsed, "prog show a -f b -- -c --", &err), 0);
	CHECK_INT((int64_t)parsed.operand_count, 4);
	CHECK_TEXT(parsed.operands[0], "a");
	CHECK_TEXT(parsed.operands[1], "b");
	CHECK_TEXT(parsed.operands[2], "-c");
	CHECK_TEXT(parsed.operands[3], "--");
	cli_parsed_free(&parsed);
	CHECK_INT(parse(&parsed, "prog show -", &err), 0);
	CHECK_TEXT(parsed.operands[0], "-");
	cli_parsed_free(&parsed);
}

static void
test_values(void)
{
	struct cli_parsed parsed;
	struct err err;
	const struct args *args;

	CHECK_INT(parse(&parsed,
			  "prog list --wait 1h30m --since 2h --color blue -g a --tag=b",
			  &err),
		0);
	args = parsed.args;
	CHECK_INT(args->wait_ms, 5400000);
	CHECK_INT(args->since, NOW - 7200000);
	CHECK_INT(args->color, 2);
	CHECK_INT((int64_t)args->tags.count, 2);
	CHECK_TEXT(args->tags.items[1], "b");
	CHECK_INT(args->count, 7);
	cli_parsed_free(&parsed);
	CHECK_INT(parse(&parsed, "prog list --since 1970-01-02", &err), 0);
	CHECK_INT(((const struct args *)parsed.args)->since, 86400000);
	cli_parsed_free(&parsed);
}

static void
test_refusals(void)
{
	static const struct {
		const char *line, *message;
	} cases[] = {
		{"prog", "a verb is missing; 'prog help' lists them"},
		{"prog lst", "lst: unknown verb; did you mean list?"},
		{"prog delete", "delete: unknown verb; 'prog help' lists them"},
		{"prog list --nane x", "--nane: unknown option; did you mean --name?"},
		{"prog list --nam x", "--nam: unknown option; did you mean --name?"},
		{"prog list --zzzzzz",
			"--zzzzzz: unknown option; see 'prog list --help'"},
		{"prog list -z", "-z: unknown option; see 'prog list --help'"},
		{"prog list -fz", "-z: unknown option; see 'prog list --help'"},
		{"prog list --name", "--name: NAME is missing behind it"},
		{"prog list -fn", "-n: NAME is missing behind it"},
		{"prog list --force=1", "--force: takes no argument"},
		{"prog list --count x", "--count: 'x' is not a whole number"},
		{"prog list --count ''", "--count: '' is not a whole number"},
		{"prog list --count 3x", "--count: '3x' is not a whole number"},
		{"prog list -c 0", "-c: 0 is not between 1 and 10"},
		{"prog list -c 11", "-c: 11 is not between 1 and 10"},
		{"prog list -c 99999999999999999999",
			"-c: '99999999999999999999' is not a whole number"},
		{"prog list --color pink", "--color: 'pink' is none of red, green, BLUE"},
		{"prog list --color gren",
			"--color: 'gren' is unknown; did you mean "
			"green?"},
		{"prog list --wait soon",
			"--wait: 'soon' is not a duration like 250ms, "
			"90s, 15m, 2h or 30d"},
		{"prog list --since soon",
			"--since: 'soon' is neither a time like 2026-01-02T03:04:05Z nor "
			"how long ago, like 2h"},
		{"prog list x", "'x': list takes options only"},
		{"prog one a b", "'b': one takes one operand only"},
		{"prog ''", "a verb is missing; 'prog help' lists them"},
		{"prog -", "-: unknown verb; 'prog help' lists them"},
		{"prog --", "a verb is missing; 'prog help' lists them"},
		{"prog -c 3", "a verb is missing; 'prog help' lists them"},
		{"prog -c3", "a verb is missing; 'prog help' lists them"},
		{"prog --nosuch",
			"--nosuch: unknown option, and no verb; 'prog help' lists them"},
		{"prog LITS", "LITS: unknown verb; did you mean list?"},
		{"prog show", "ID ... is missing"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cli_parsed parsed;
		struct err err = {ERR_NONE, ""};

		tap_case(cases[i].line);
		CHECK_INT(parse(&parsed, cases[i].line, &err), -1);
		CHECK_INT(err.kind, ERR_USAGE);
		CHECK_TEXT(err.text, cases[i].message);
		cli_parsed_free(&parsed);
	}
	tap_case(NULL);
}

static void
test_help_needs_nothing_else(void)
{
	static const char *const lines[] = {"prog show --help", "prog --help show",
		"prog show -h", "prog --help", "prog show x -h y", NULL};
	struct cli_parsed parsed;
	struct err err;

	for (size_t i = 0; lines[i] != NULL; i++) {
		tap_case(lines[i]);
		CHECK_INT(parse(&parsed, lines[i], &err), 0);
		CHECK(parsed.asked.help);
		cli_parsed_free(&parsed);
	}
	tap_case(NULL);
	CHECK_INT(parse(&parsed, "prog --version", &err), 0);
	CHECK(parsed.asked.version);
	cli_parsed_free(&parsed);
}

static void
test_environment(void)
{
	struct cli_parsed parsed;
	struct err err;
	const struct args *args;

	setenv("WH_TEST_NAME", "Eve", 1);
	setenv("WH_TEST_COUNT", "5", 1);
	CHECK_INT(parse(&parsed, "prog list -c 6", &err), 0);
	args = parsed.args;
	CHECK_TEXT(args->name, "Eve");
	CHECK_INT(args->count, 6);
	cli_parsed_free(&parsed);

	setenv("WH_TEST_NAME", "", 1);
	setenv("WH_TEST_COUNT", "many", 1);
	CHECK_INT(parse(&parsed, "prog list", &err), -1);
	CHECK_TEXT(err.text, "WH_TEST_COUNT: 'many' is not a whole number");
	cli_parsed_free(&parsed);
	CHECK_INT(parse(&parsed, "prog list --help", &err), 0);
	cli_parsed_free(&parsed);

	unsetenv("WH_TEST_COUNT");
	CHECK_INT(parse(&parsed, "prog list", &err), 0);
	CHECK(((const struct args *)parsed.args)->name == NULL);
	cli_parsed_free(&parsed);
}

static void
test_nearest(void)
{
	static const char *const names[] = {"list", "show", "error-type", "id", NULL};
	static const char *const alike[] = {"shed", "show", NULL};

	CHECK_TEXT(cli_nearest("lsit", names), "list");
	CHECK_TEXT(cli_nearest("shwo", names), "show");
	CHECK_TEXT(cli_nearest("SHOW", names), "show");
	CHECK_TEXT(cli_nearest("shwo", alike), "show"); /* a swap is one mistake */
	CHECK_TEXT(cli_nearest("lists", names), "list");
	CHECK_TEXT(cli_nearest("err", names), "error-type");
	CHECK(cli_nearest("x", names) == NULL);
	CHECK(cli_nearest("zz", names) == NULL);
	CHECK(cli_nearest("", names) == NULL);
	CHECK(cli_nearest("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		      names) == NULL);
}

static size_t
longest_line(struct span text)
{
	size_t longest = 0, start = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] != '\n')
			continue;
		longest = i - start > longest ? i - start : longest;
		start = i + 1;
	}
	return longest;
}

static void
test_help_fits(void)
{
	struct buf text;

	buf_init(&text, 1 << 20);
	for (size_t width = 40; width <= 80; width += 20) {
		buf_clear(&text);
		help_text(&text, &program, &verbs[0], width);
		CHECK(longest_line(buf_span(&text)) <= width);
	}
	CHECK(strstr(buf_span(&text).ptr, "usage: prog list [OPTION ...]\n") != NULL);
	CHECK(strstr(buf_span(&text).ptr, "which: red, green, BLUE") != NULL);
	CHECK(strstr(buf_span(&text).ptr, "a name [$WH_TEST_NAME]") != NULL);
	buf_free(&text);
}

static void
test_exit_codes(void)
{
	CHECK_INT(exit_code_of(ERR_USAGE), 64);
	CHECK_INT(exit_code_of(ERR_DATA), 65);
	CHECK_INT(exit_code_of(ERR_NO_INPUT), 66);
	CHECK_INT(exit_code_of(ERR_UNREACHABLE), 69);
	CHECK_INT(exit_code_of(ERR_BUG), 70);
	CHECK_INT(exit_code_of(ERR_OS), 71);
	CHECK_INT(exit_code_of(ERR_CREATE), 73);
	CHECK_INT(exit_code_of(ERR_IO), 74);
	CHECK_INT(exit_code_of(ERR_BUSY), 75);
	CHECK_INT(exit_code_of(ERR_PERMISSION), 77);
	CHECK_INT(exit_code_of(ERR_CONFIG), 78);
	CHECK_INT(exit_worse(EXIT_DONE, EXIT_NONE), EXIT_NONE);
	CHECK_INT(exit_worse(EXIT_NONE, EXIT_DONE), EXIT_NONE);
	CHECK_INT(exit_worse(EXIT_NONE, EXIT_DATA), EXIT_DATA);
	CHECK_INT(exit_worse(EXIT_DATA, EXIT_NONE), EXIT_DATA);
	CHECK_INT(exit_worse(EXIT_DATA, EXIT_IO), EXIT_IO);
	CHECK_INT(exit_worse(EXIT_BUSY, EXIT_IO), EXIT_BUSY);
}

static void
write_all(int fd, const char *text)
{
	CHECK_INT(write(fd, text, strlen(text)), (int64_t)strlen(text));
}

static void
test_input_lines(void)
{
	struct input input;
	struct span line;
	struct err err;
	int ends[2];

	CHECK_INT(pipe(ends), 0);
	write_all(ends[1], "one\r\n\n\r\n12345678\n123456789\nlast");
	close(ends[1]);
	input_init(&input, ends[0], 8);
	CHECK_INT(input_line(&input, &line, &err), INPUT_LINE);
	CHECK_SPAN(line, "one");
	CHECK_INT(input_line(&input, &line, &err), INPUT_LINE);
	CHECK_SPAN(line, "12345678");
	CHECK_INT((int64_t)input.line, 4);
	CHECK_INT(input_line(&input, &line, &err), INPUT_TOO_LONG);
	CHECK_INT((int64_t)input.line, 5);
	CHECK_INT(input_line(&input, &line, &err), INPUT_LINE);
	CHECK_SPAN(line, "last");
	CHECK_INT(input_line(&input, &line, &err), INPUT_END);
	CHECK_INT(input_line(&input, &line, &err), INPUT_END);
	input_free(&input);
	close(ends[0]);
}

static void
test_input_with_a_byte_order_mark(void)
{
	struct input input;
	struct span line;
	struct err err;
	int ends[2];

	CHECK_INT(pipe(ends), 0);
	write_all(ends[1], "\xef\xbb\xbfone\n\xef\xbb\xbftwo\n");
	close(ends[1]);
	input_init(&input, ends[0], 100);
	CHECK_INT(input_line(&input, &line, &err), INPUT_LINE);
	CHECK_SPAN(line, "one");
	CHECK_INT(input_line(&input, &line, &err), INPUT_LINE);
	CHECK_SPAN(line, "\xef\xbb\xbftwo");
	input_free(&input);
	close(ends[0]);
}

static void
test_input_ready(void)
{
	struct input input;
	struct span line;
	struct err err;
	int ends[2];

	CHECK_INT(pipe(ends), 0);
	input_init(&input, ends[0], 100);
	CHECK(!input_ready(&input));
	write_all(ends[1], "half");
	CHECK(!input_ready(&input));
	write_all(ends[1], " a line\nand");
	CHECK(input_ready(&input));
	CHECK_INT(input_line(&input, &line, &err), INPUT_LINE);
	CHECK_SPAN(line, "half a line");
	CHECK(!input_ready(&input));
	close(ends[1]);
	CHECK(input_ready(&input));
	CHECK_INT(input_line(&input, &line, &err), INPUT_LINE);
	CHECK_SPAN(line, "and");
	input_free(&input);
	close(ends[0]);
}

/* A line of any length takes no more memory than the bound and one read. */
static void
test_input_is_bounded(void)
{
	static char block[64 * 1024];
	struct input input;
	struct span line;
	struct err err;
	FILE *file = tmpfile();

	memset(block, 'x', sizeof(block));
	CHECK(file != NULL);
	if (file == NULL)
		return;
	for (int i = 0; i < 64; i++)
		fwrite(block, sizeof(block), 1, file);
	fputs("\nshort\n", file);
	rewind(file);
	input_init(&input, fileno(file), 100);
	CHECK_INT(input_line(&input, &line, &err), INPUT_TOO_LONG);
	CHECK_INT(input_line(&input, &line, &err), INPUT_LINE);
	CHECK_SPAN(line, "short");
	CHECK(input.buffer.cap < 512 * 1024);
	input_free(&input);
	fclose(file);
}

static void
test_filter_is_empty(void)
{
	struct filter_args filter = {.limit = -1};

	CHECK(filter_is_empty(&filter));
	filter.limit = 3;
	filter.after = "x";
	CHECK(filter_is_empty(&filter));
	filter.since = 1;
	CHECK(!filter_is_empty(&filter));
}

/* Memory, or the maximum, did not suffice for all of a line: none of it is printed. */
static void
test_what_is_not_whole_is_not_written(void)
{
	struct cli cli = {.program = &program};
	struct buf line;
	struct err err;

	buf_init(&line, 4);
	buf_add_text(&line, "# a ");
	buf_add_text(&line, "line\n");
	CHECK_INT(cli_write_buf(&cli, &line, &err), -1);
	CHECK_INT(err.kind, ERR_DATA);
	CHECK_INT(output_write_json(&cli, &line, &err), -1);
	CHECK(!cli.output_failed);
	cli.stdout_terminal = true;
	CHECK_INT(output_write_json(&cli, &line, &err), -1);
	buf_free(&line);
}

int
main(void)
{
	static const struct tap_test tests[] = {
		TAP(test_spellings),
		TAP(test_operands),
		TAP(test_values),
		TAP(test_refusals),
		TAP(test_help_needs_nothing_else),
		TAP(test_environment),
		TAP(test_nearest),
		TAP(test_help_fits),
		TAP(test_exit_codes),
		TAP(test_input_lines),
		TAP(test_input_with_a_byte_order_mark),
		TAP(test_input_ready),
		TAP(test_input_is_bounded),
		TAP(test_filter_is_empty),
		TAP(test_what_is_not_whole_is_not_written),
		{0},
	};

	return tap_run(tests);
}
