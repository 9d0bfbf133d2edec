/* SPDX-License-Identifier: MIT */
#include "cli/help.h"

#include "cli/filter.h"
#include "cli/output.h"
#include "model/json.h"

#include <string.h>

enum { LEFT_MAX = 26, LEFT_MAX_NARROW = 4, NARROW = 60, INDENT = 2, GAP = 2 };

/* "usage: whqueue list [OPTION ...]"; without a verb that of the program. */
static void
put_usage(struct buf *out, const struct cli_program *program, const struct cli_verb *verb)
{
	buf_printf(out, "usage: %s", program->name);
	if (verb == NULL)
		buf_add_text(out, " VERB [OPTION ...] [OPERAND ...]");
	else if (verb->name != NULL)
		buf_printf(out, " %s [OPTION ...]", verb->name);
	else
		buf_add_text(out, " [OPTION ...]");
	if (verb != NULL && verb->operands != NULL)
		buf_printf(out, " %s", verb->operands);
	buf_add_char(out, '\n');
}

static void
put_spaces(struct buf *out, size_t count)
{
	while (count-- > 0)
		buf_add_char(out, ' ');
}

static void
put_wrapped(struct buf *out, const char *text, size_t indent, size_t width)
{
	safe_prose(out, span_of(text), indent, width);
	buf_add_char(out, '\n');
}

static void
put_left(struct buf *out, const struct cli_option *option)
{
	if (option->letter != 0)
		buf_printf(out, "-%c, --%s", option->letter, option->name);
	else
		buf_printf(out, "    --%s", option->name);
	if (option->argument != NULL)
		buf_printf(out, " %s", option->argument);
}

/* The help text, the choices it leaves unsaid, and the variable that stands in. */
static void
put_right(struct buf *out, const struct cli_option *option)
{
	buf_add_text(out, option->help);
	if (option->choices != NULL)
		buf_add_text(out, ":");
	for (size_t i = 0; option->choices != NULL && option->choices[i] != NULL; i++)
		buf_printf(out, "%s %s", i > 0 ? "," : "", option->choices[i]);
	if (option->environment != NULL)
		buf_printf(out, " [$%s]", option->environment);
}

/* One line of two columns; a left part that is too long has a line of its own. */
static void
put_entry(struct buf *out, struct span left, const char *right, size_t left_width,
	size_t width)
{
	size_t indent = INDENT + left_width + GAP;

	put_spaces(out, INDENT);
	buf_add_span(out, left);
	if (left.len > left_width) {
		buf_add_char(out, '\n');
		put_spaces(out, indent);
	} else {
		put_spaces(out, indent - INDENT - left.len);
	}
	put_wrapped(out, right, indent, width);
}

static void
put_option(
	struct buf *out, const struct cli_option *option, size_t left_width, size_t width)
{
	struct buf left, right;

	buf_init(&left, 256);
	buf_init(&right, 1024);
	put_left(&left, option);
	put_right(&right, option);
	put_entry(out, buf_span(&left), buf_span(&right).ptr, left_width, width);
	out->failed |= left.failed || right.failed;
	buf_free(&left);
	buf_free(&right);
}

static size_t
left_width_of(struct buf *out, const struct cli_verb *verb, size_t width)
{
	size_t most = width < NARROW ? LEFT_MAX_NARROW : LEFT_MAX;
	struct option_iter it = option_iter(verb);
	struct buf left;
	size_t widest = LEFT_MAX_NARROW;

	buf_init(&left, 256);
	while (option_next(&it)) {
		buf_clear(&left);
		put_left(&left, it.option);
		if (left.len > widest && left.len <= most)
			widest = left.len;
		out->failed |= left.failed;
	}
	buf_free(&left);
	return widest;
}

static bool
is_filter(const struct cli_option *options)
{
	return options == cli_job_status_options || options == cli_dead_status_options ||
		options == cli_resolved_status_options || options == cli_filter_options ||
		options == cli_page_options;
}

static bool
has_filter(const struct cli_verb *verb)
{
	for (const struct cli_group *group = verb->groups;
		group != NULL && group->options != NULL; group++)
		if (is_filter(group->options))
			return true;
	return false;
}

/* What a verb has of its own is not to be lost among the many that others have too. */
static const char *
heading_of(const struct cli_verb *verb, const struct option_iter *it)
{
	const struct cli_option *options = it->asked ? NULL : it->group->options;

	if (!has_filter(verb))
		return "options";
	if (is_filter(options))
		return "filter options, the same for all verbs";
	if (options == NULL || options == cli_output_options ||
		options == cli_config_options || options == cli_store_options)
		return "common options";
	return "options";
}

static void
help_verb(struct buf *out, const struct cli_program *program, const struct cli_verb *verb,
	size_t width)
{
	struct option_iter it = option_iter(verb);
	size_t left_width = left_width_of(out, verb, width);
	const char *last = NULL;

	put_usage(out, program, verb);
	put_spaces(out, INDENT);
	put_wrapped(out, verb->summary, INDENT, width);
	if (verb->examples != NULL)
		buf_add_text(out, "\nexamples:\n");
	for (size_t i = 0; verb->examples != NULL && verb->examples[i] != NULL; i++)
		buf_printf(out, "  %s\n", verb->examples[i]);
	while (option_next(&it)) {
		const char *heading = heading_of(verb, &it);

		if (heading != last)
			buf_printf(out, "\n%s:\n", heading);
		last = heading;
		put_option(out, it.option, left_width, width);
	}
}

static void
help_program(struct buf *out, const struct cli_program *program, size_t width)
{
	const struct cli_verb *verb;
	size_t widest = 0;

	put_usage(out, program, NULL);
	put_spaces(out, INDENT);
	put_wrapped(out, program->summary, INDENT, width);
	buf_add_text(out, "\nexamples:\n");
	for (verb = program->verbs; verb->run != NULL; verb++) {
		if (verb->examples != NULL && verb->examples[0] != NULL)
			buf_printf(out, "  %s\n", verb->examples[0]);
		widest = strlen(verb->name) > widest ? strlen(verb->name) : widest;
	}
	buf_add_text(out, "\nverbs:\n");
	for (verb = program->verbs; verb->run != NULL; verb++)
		put_entry(out, span_of(verb->name), verb->summary, widest, width);
	buf_printf(out, "\n'%s VERB --help' explains one; the whole story: man %s\n",
		program->name, program->name);
}

void
help_text(struct buf *out, const struct cli_program *program, const struct cli_verb *verb,
	size_t width)
{
	if (verb == NULL)
		help_program(out, program, width);
	else
		help_verb(out, program, verb, width);
}

static void
put_text(struct buf *out, const char *key, const char *text)
{
	if (text != NULL)
		json_put_member_string(out, key, span_of(text));
}

static void
put_texts(struct buf *out, const char *key, const char *const *texts)
{
	if (texts == NULL)
		return;
	json_put_key(out, key);
	buf_add_char(out, '[');
	for (size_t i = 0; texts[i] != NULL; i++) {
		if (i > 0)
			buf_add_char(out, ',');
		json_put_string(out, span_of(texts[i]));
	}
	buf_add_char(out, ']');
}

static const char *
complete_name(enum cli_complete complete)
{
	static const char *const names[] = {
		[COMPLETE_NOTHING] = "nothing",
		[COMPLETE_FILE] = "file",
		[COMPLETE_DIRECTORY] = "directory",
		[COMPLETE_CHOICE] = "choice",
		[COMPLETE_JOB] = "job",
		[COMPLETE_DEAD_LETTER] = "dead_letter",
		[COMPLETE_ENDPOINT] = "endpoint",
		[COMPLETE_EVENT_TYPE] = "event_type",
	};

	return names[complete];
}

static void
put_option_json(struct buf *out, const struct cli_option *option)
{
	buf_add_text(out, out->data[out->len - 1] == '[' ? "{" : ",{");
	put_text(out, "name", option->name);
	if (option->letter != 0)
		json_put_member_string(out, "letter", (struct span){&option->letter, 1});
	put_text(out, "argument", option->argument);
	put_text(out, "help", option->help);
	put_text(out, "environment", option->environment);
	put_texts(out, "choices", option->choices);
	put_text(out, "complete", complete_name(option->complete));
	json_put_member_bool(out, "repeats", option->kind == CLI_LIST);
	buf_add_char(out, '}');
}

static void
put_verb_json(struct buf *out, const struct cli_verb *verb)
{
	struct option_iter it = option_iter(verb);

	buf_add_text(out, out->data[out->len - 1] == '[' ? "{" : ",{");
	put_text(out, "name", verb->name);
	put_text(out, "operands", verb->operands);
	put_text(out, "summary", verb->summary);
	put_text(out, "complete", complete_name(verb->complete));
	put_texts(out, "examples", verb->examples);
	json_put_key(out, "options");
	buf_add_char(out, '[');
	while (option_next(&it))
		put_option_json(out, it.option);
	buf_add_text(out, "]}");
}

void
help_json(struct buf *out, const struct cli_program *program)
{
	buf_add_char(out, '{');
	put_text(out, "program", program->name);
	put_text(out, "summary", program->summary);
	json_put_key(out, "verbs");
	buf_add_char(out, '[');
	for (const struct cli_verb *verb = program->verbs; verb->run != NULL; verb++)
		put_verb_json(out, verb);
	buf_add_text(out, "],\"exit_codes\":[");
	for (size_t i = 0; exit_table[i].meaning != NULL; i++)
		buf_printf(out, "%s{\"code\":%d,\"meaning\":\"%s\"}", i > 0 ? "," : "",
			exit_table[i].code, exit_table[i].meaning);
	buf_add_text(out, "]}\n");
}
