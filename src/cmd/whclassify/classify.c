/* SPDX-License-Identifier: MIT */
#include "cmd/whclassify/whclassify.h"

#include "cli/input.h"

#include <stddef.h>
#include <string.h>
#include <unistd.h>

enum { LINE_OUT_MAX = 256 * 1024 * 1024 };

static enum exit_code
classify_file(struct classifier *classifier, const char *path)
{
	bool is_stdin = strcmp(path, "-") == 0;
	struct err err;
	int fd = is_stdin ? STDIN_FILENO : file_open(path, &err);
	enum exit_code code = EXIT_DONE;

	if (fd < 0)
		return cli_complain(classifier->cli, &err);
	if (classify_stream(classifier, fd, is_stdin ? NULL : path, &err) != 0)
		code = cli_complain(classifier->cli, &err);
	if (!is_stdin)
		close(fd);
	return code;
}

enum exit_code
classify_run(struct cli *cli, const void *given)
{
	const struct classify_args *args = given;
	struct classifier classifier = {
		.cli = cli,
		.explain = args->explain,
		.as_text = args->explain &&
			(args->output == OUTPUT_TEXT ||
				(args->output == OUTPUT_AUTO && cli->stdout_terminal)),
		.line_buffered = args->line_buffered,
	};
	struct config config;
	struct err err;
	enum exit_code code = EXIT_DONE;

	if (config_load(&config, args->common.config, args->policy.policy, &err) != 0)
		return cli_complain(cli, &err);
	classifier.policy = &config.policy;
	classifier.max_line = config.limits.max_line;
	buf_init(&classifier.out, LINE_OUT_MAX);
	if (cli->operand_count == 0)
		code = classify_file(&classifier, "-");
	for (size_t i = 0; i < cli->operand_count && !cli->output_failed; i++)
		code = exit_worse(code, classify_file(&classifier, cli->operands[i]));
	buf_free(&classifier.out);
	config_free(&config);
	return code;
}

static const char *const output_choices[] = {"auto", "text", "ndjson", NULL};

static const struct cli_option options[] = {
	{.name = "explain",
		.kind = CLI_FLAG,
		.offset = offsetof(struct classify_args, explain),
		.help = "say which rule decided, why, and when the retries would come"},
	{.letter = 'o',
		.name = "output",
		.kind = CLI_CHOICE,
		.offset = offsetof(struct classify_args, output),
		.argument = "FORMAT",
		.help = "how to explain: auto is text on a terminal, else an \"explain\" "
			"member",
		.choices = output_choices,
		.complete = COMPLETE_CHOICE},
	{.name = "line-buffered",
		.kind = CLI_FLAG,
		.offset = offsetof(struct classify_args, line_buffered),
		.help = "write each line as soon as it is classified"},
	{0},
};

const struct cli_group classify_groups[] = {
	{options, 0},
	{policy_options, offsetof(struct classify_args, policy)},
	{cli_config_options, offsetof(struct classify_args, common)},
	{0},
};
