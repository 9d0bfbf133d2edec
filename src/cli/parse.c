/* SPDX-License-Identifier: MIT */
/*
 * Command lines: --name value, --name=value, -n value, -nvalue, bundled flags, options
 * among operands, and "--". No abbreviations, so that a new option never breaks a script.
 */
#include "cli/options.h"

#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { NAMES_MAX = 64 };

/* One option as it was met, and what to call it in a message. */
struct met {
	struct option_iter at;
	const char *value; /* NULL: none was attached */
	char shown[64];    /* "--limit", "-n", "WH_DB" */
};

struct parser {
	struct cli_parsed *parsed;
	const struct cli_program *program;
	int argc;
	char **argv;
	int next;
	int64_t now;
};

static int
no_verb(const struct cli_program *program, struct err *err)
{
	return err_set(
		err, ERR_USAGE, "a verb is missing; '%s help' lists them", program->name);
}

/* The program that has a verb of that name, or NULL. */
static const char *
program_with(const struct cli_program *program, const char *name)
{
	const struct cli_elsewhere *other = program->elsewhere;

	for (; other != NULL && other->verb != NULL; other++)
		if (strcmp(other->verb, name) == 0)
			return other->program;
	return NULL;
}

const struct cli_verb *
cli_verb_named(const struct cli_program *program, const char *name, struct err *err)
{
	const char *names[NAMES_MAX + 1] = {NULL};
	const char *other = program_with(program, name), *nearest;
	size_t count = 0;

	for (const struct cli_verb *verb = program->verbs; verb->run != NULL; verb++) {
		if (strcmp(verb->name, name) == 0)
			return verb;
		if (count < NAMES_MAX)
			names[count++] = verb->name;
	}
	nearest = cli_nearest(name, names);
	if (other != NULL)
		err_set(err, ERR_USAGE, "%s: unknown verb; did you mean %s %s?", name,
			other, name);
	else if (nearest != NULL)
		err_set(err, ERR_USAGE, "%.64s: unknown verb; did you mean %s?", name,
			nearest);
	else if (name[0] == '\0')
		no_verb(program, err);
	else
		err_set(err, ERR_USAGE, "%.64s: unknown verb; '%s help' lists them", name,
			program->name);
	return NULL;
}

static bool
find_option(const struct cli_verb *verb, const char *name, size_t len, char letter,
	struct option_iter *found)
{
	*found = option_iter(verb);
	while (option_next(found)) {
		const char *known = found->option->name;

		if (letter != 0 ? found->option->letter == letter
				: strlen(known) == len && memcmp(known, name, len) == 0)
			return true;
	}
	return false;
}

/* `word` with its dashes. */
static int
refuse_option(const struct parser *parser, const char *word, struct err *err)
{
	const char *verb = parser->parsed->verb->name;

	return err_set(err, ERR_USAGE, "%s: unknown option; see '%s%s%s --help'", word,
		parser->program->name, verb == NULL ? "" : " ", verb == NULL ? "" : verb);
}

static int
unknown_option(const struct parser *parser, const char *name, size_t len, struct err *err)
{
	const struct cli_verb *verb = parser->parsed->verb;
	const char *names[NAMES_MAX + 1] = {NULL};
	char word[64] = "--";
	const char *nearest;
	size_t count = 0, room = sizeof(word) - 3, shown = len < room ? len : room;

	for (struct option_iter it = option_iter(verb);
		count < NAMES_MAX && option_next(&it);)
		names[count++] = it.option->name;
	memcpy(word + 2, name, shown);
	word[2 + shown] = '\0';
	nearest = cli_nearest(word + 2, names);
	if (nearest != NULL)
		return err_set(err, ERR_USAGE, "%s: unknown option; did you mean --%s?",
			word, nearest);
	return refuse_option(parser, word, err);
}

static int
add_to_list(const struct met *met, struct cli_list *list, struct err *err)
{
	cli_check *check = met->at.option->check;
	const char **items;

	if (check != NULL && check(span_of(met->value), err) != 0) {
		/* A check may also fail for want of memory. */
		if (err->kind == ERR_DATA)
			err->kind = ERR_USAGE;
		return err_context(err, "%s", met->shown);
	}
	items = realloc(list->items, (list->count + 1) * sizeof(list->items[0]));
	if (items == NULL)
		return err_no_memory(err);
	list->items = items;
	list->items[list->count++] = met->value;
	return 0;
}

int
cli_unknown_choice(const char *option, const char *value, const char *const *choices,
	struct err *err)
{
	const char *nearest = cli_nearest(value, choices);
	struct buf listed;

	if (nearest != NULL)
		return err_set(err, ERR_USAGE, "%s: '%.64s' is unknown; did you mean %s?",
			option, value, nearest);
	buf_init(&listed, ERR_TEXT_MAX);
	for (size_t i = 0; choices[i] != NULL; i++)
		buf_printf(&listed, "%s%s", i > 0 ? ", " : "", choices[i]);
	err_set(err, ERR_USAGE, "%s: '%.64s' is none of %s", option, value,
		buf_span(&listed).ptr);
	buf_free(&listed);
	return -1;
}

static int
set_choice(const struct met *met, int *choice, struct err *err)
{
	const char *const *choices = met->at.option->choices;

	for (int i = 0; choices[i] != NULL; i++) {
		if (strcasecmp(choices[i], met->value) == 0) {
			*choice = i;
			return 0;
		}
	}
	return cli_unknown_choice(met->shown, met->value, choices, err);
}

static int
set_int(const struct met *met, int64_t *number, struct err *err)
{
	const struct cli_option *option = met->at.option;
	bool any = option->min == 0 && option->max == 0;

	if (!span_to_int64(span_of(met->value), number))
		return err_set(err, ERR_USAGE, "%s: '%.64s' is not a whole number",
			met->shown, met->value);
	if (any || (*number >= option->min && *number <= option->max))
		return 0;
	if (option->max == INT64_MAX)
		return err_set(err, ERR_USAGE, "%s: %.64s is less than %lld", met->shown,
			met->value, (long long)option->min);
	return err_set(err, ERR_USAGE, "%s: %.64s is not between %lld and %lld",
		met->shown, met->value, (long long)option->min, (long long)option->max);
}

/* A bare number is seconds, which is not what everybody means by it. */
static int
check_unit(const struct met *met, struct err *err)
{
	size_t end = strlen(met->value), start = end;

	while (start > 0 && isdigit((unsigned char)met->value[start - 1]))
		start--;
	if (!met->at.option->unit || start == end)
		return 0;
	return err_set(err, ERR_USAGE, "%s needs a unit: %sd is days, %ss is seconds",
		met->value + start, met->value + start, met->value + start);
}

static int
set_duration(const struct met *met, int64_t *ms, struct err *err)
{
	if (duration_parse(span_of(met->value), ms, err) == 0 &&
		check_unit(met, err) == 0)
		return 0;
	err_context(err, "%s", met->shown);
	err->kind = ERR_USAGE;
	return -1;
}

static int
set_time(const struct met *met, int64_t now, int64_t *at, struct err *err)
{
	int64_t ago_ms;

	if (time_parse(span_of(met->value), at, NULL) == 0)
		return 0;
	if (duration_parse(span_of(met->value), &ago_ms, NULL) == 0 &&
		!__builtin_sub_overflow(now, ago_ms, at)) {
		if (check_unit(met, err) == 0)
			return 0;
		err->kind = ERR_USAGE;
		return err_context(err, "%s", met->shown);
	}
	return err_set(err, ERR_USAGE,
		"%s: '%.64s' is neither a time like 2026-01-02T03:04:05Z nor how long "
		"ago, like 2h",
		met->shown, met->value);
}

static int
set_value(const struct parser *parser, const struct met *met, struct err *err)
{
	void *base = met->at.asked ? (void *)&parser->parsed->asked
				   : parser->parsed->args;
	void *place = (char *)base + met->at.offset;

	switch (met->at.option->kind) {
	case CLI_FLAG:
		*(bool *)place = true;
		return 0;
	case CLI_TEXT:
		*(const char **)place = met->value;
		return 0;
	case CLI_INT:
		return set_int(met, place, err);
	case CLI_DURATION:
		return set_duration(met, place, err);
	case CLI_TIME:
		return set_time(met, parser->now, place, err);
	case CLI_CHOICE:
		return set_choice(met, place, err);
	case CLI_LIST:
		return add_to_list(met, place, err);
	}
	return err_set(err, ERR_BUG, "%s: an option of no kind", met->shown);
}

/* Gives an option its argument, the next word if none was attached. */
static int
take_option(struct parser *parser, struct met *met, struct err *err)
{
	const struct cli_option *option = met->at.option;

	if (option->kind != CLI_FLAG && met->value == NULL) {
		if (parser->next == parser->argc)
			return err_set(err, ERR_USAGE, "%s: %s is missing behind it",
				met->shown, option->argument);
		met->value = parser->argv[parser->next++];
	}
	return set_value(parser, met, err);
}

static int
take_long(struct parser *parser, const char *name, struct err *err)
{
	const struct cli_verb *verb = parser->parsed->verb;
	const char *equals = strchr(name, '=');
	size_t len = equals == NULL ? strlen(name) : (size_t)(equals - name);
	struct met met = {.value = equals == NULL ? NULL : equals + 1};

	if (!find_option(verb, name, len, 0, &met.at))
		return unknown_option(parser, name, len, err);
	snprintf(met.shown, sizeof(met.shown), "--%s", met.at.option->name);
	if (met.at.option->kind == CLI_FLAG && equals != NULL)
		return err_set(err, ERR_USAGE, "%s: takes no argument", met.shown);
	return take_option(parser, &met, err);
}

static int
unknown_letter(const struct parser *parser, const char *letters, struct err *err)
{
	size_t len = utf8_sequence(letters, strlen(letters));
	char word[8];

	snprintf(word, sizeof(word), "-%.*s", (int)(len == 0 ? 1 : len), letters);
	return refuse_option(parser, word, err);
}

/* "-xyz" is -x -y -z as long as they are flags; the first that is none takes the rest. */
static int
take_letters(struct parser *parser, const char *letters, struct err *err)
{
	while (*letters != '\0') {
		struct met met = {0};

		if (!find_option(parser->parsed->verb, NULL, 0, *letters, &met.at))
			return unknown_letter(parser, letters, err);
		snprintf(met.shown, sizeof(met.shown), "-%c", *letters);
		letters++;
		if (met.at.option->kind != CLI_FLAG && *letters != '\0') {
			met.value = letters;
			letters = "";
		}
		if (take_option(parser, &met, err) != 0)
			return -1;
	}
	return 0;
}

static int
take_words(struct parser *parser, struct err *err)
{
	struct cli_parsed *parsed = parser->parsed;

	while (parser->next < parser->argc) {
		char *word = parser->argv[parser->next++];

		if (strcmp(word, "--") == 0)
			break;
		if (word[0] != '-' || word[1] == '\0')
			parsed->operands[parsed->operand_count++] = word;
		else if ((word[1] == '-' ? take_long(parser, word + 2, err)
					 : take_letters(parser, word + 1, err)) != 0)
			return -1;
	}
	while (parser->next < parser->argc)
		parsed->operands[parsed->operand_count++] = parser->argv[parser->next++];
	return 0;
}

static int
take_environment(const struct parser *parser, struct err *err)
{
	struct met met = {.at = option_iter(parser->parsed->verb)};

	while (option_next(&met.at)) {
		const char *variable = met.at.option->environment;

		met.value = variable == NULL ? NULL : getenv(variable);
		if (met.value == NULL || met.value[0] == '\0')
			continue;
		snprintf(met.shown, sizeof(met.shown), "%s", variable);
		if (set_value(parser, &met, err) != 0)
			return -1;
	}
	return 0;
}

static int
check_operands(const struct cli_program *program, const struct cli_parsed *parsed,
	struct err *err)
{
	const struct cli_verb *verb = parsed->verb;
	const char *name = verb->name == NULL ? program->name : verb->name;

	if (parsed->operand_count > 0 && verb->operands == NULL)
		return err_set(err, ERR_USAGE, "'%.64s': %s takes options only",
			parsed->operands[0], name);
	if (parsed->operand_count > 1 && !cli_operands_many(verb))
		return err_set(err, ERR_USAGE, "'%.64s': %s takes one operand only",
			parsed->operands[1], name);
	if (parsed->operand_count == 0 && !cli_operands_optional(verb))
		return err_set(err, ERR_USAGE, "%s is missing", verb->operands);
	return 0;
}

/* What a word before the verb is, is up to the first verb that knows it; NULL: none
 * does. */
static const struct cli_option *
option_of_any_verb(const struct cli_program *program, const char *word)
{
	bool is_long = word[1] == '-';
	const char *name = is_long ? word + 2 : "";
	char letter = is_long ? 0 : word[strlen(word) - 1];
	struct option_iter found;

	for (const struct cli_verb *verb = program->verbs; verb->run != NULL; verb++)
		if (find_option(verb, name, strcspn(name, "="), letter, &found))
			return found.option;
	return NULL;
}

/* Options may stand before the verb. Returns where it is; in *unknown, one that no verb
 * has; NULL. */
static int
find_verb(struct parser *parser, const char **unknown)
{
	struct cli_asked *asked = &parser->parsed->asked;
	int at = 1;

	*unknown = NULL;
	while (at < parser->argc && parser->argv[at][0] == '-' &&
		parser->argv[at][1] != '\0') {
		const char *word = parser->argv[at++];
		const struct cli_option *option = option_of_any_verb(
			parser->program, word);
		bool attached = word[1] == '-' ? strchr(word, '=') != NULL
					       : word[2] != '\0';

		asked->help |= strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
		asked->version |= strcmp(word, "--version") == 0;
		if (option == NULL && !attached && strcmp(word, "--") != 0)
			*unknown = word;
		if (option != NULL && option->kind != CLI_FLAG &&
			strchr(word, '=') == NULL)
			at++;
	}
	return at;
}

/* Takes the verb out of argv, so that what is left are options and operands. */
static int
take_verb(struct parser *parser, struct err *err)
{
	const struct cli_program *program = parser->program;
	struct cli_parsed *parsed = parser->parsed;
	const char *unknown;
	int at = find_verb(parser, &unknown);

	if (parsed->asked.version || (parsed->asked.help && at >= parser->argc))
		return 0;
	if (at >= parser->argc && unknown != NULL)
		return err_set(err, ERR_USAGE,
			"%.64s: unknown option, and no verb; '%s help' lists them",
			unknown, program->name);
	if (at >= parser->argc)
		return no_verb(program, err);
	parsed->verb = cli_verb_named(program, parser->argv[at], err);
	if (parsed->verb == NULL)
		return -1;
	memmove(&parser->argv[at], &parser->argv[at + 1],
		(size_t)(parser->argc - at) * sizeof(parser->argv[0]));
	parser->argc--;
	return 0;
}

static int
make_room(struct cli_parsed *parsed, int argc, struct err *err)
{
	const struct cli_verb *verb = parsed->verb;

	parsed->args = calloc(1, verb->args_size > 0 ? verb->args_size : 1);
	parsed->operands = calloc((size_t)argc + 1, sizeof(parsed->operands[0]));
	if (parsed->args == NULL || parsed->operands == NULL)
		return err_no_memory(err);
	if (verb->defaults != NULL)
		memcpy(parsed->args, verb->defaults, verb->args_size);
	return 0;
}

int
cli_parse(struct cli_parsed *parsed, const struct cli_program *program, int argc,
	char **argv, int64_t now, struct err *err)
{
	struct parser parser = {parsed, program, argc, argv, 1, now};
	struct err environment = {ERR_NONE, ""};

	*parsed = (struct cli_parsed){0};
	if (program->verbs->name == NULL)
		parsed->verb = program->verbs;
	else if (take_verb(&parser, err) != 0)
		return -1;
	if (parsed->verb == NULL)
		return 0;
	if (make_room(parsed, argc, err) != 0)
		return -1;
	take_environment(&parser, &environment);
	if (take_words(&parser, err) != 0)
		return -1;
	if (parsed->asked.help || parsed->asked.version)
		return 0;
	if (environment.kind != ERR_NONE)
		return err_set(err, environment.kind, "%s", environment.text);
	return check_operands(program, parsed, err);
}

void
cli_parsed_free(struct cli_parsed *parsed)
{
	if (parsed->verb != NULL && parsed->args != NULL) {
		struct option_iter it = option_iter(parsed->verb);

		while (option_next(&it))
			if (it.option->kind == CLI_LIST)
				free(((struct cli_list *)(void *)((char *)parsed->args +
					      it.offset))
						->items);
	}
	free(parsed->args);
	free(parsed->operands);
	*parsed = (struct cli_parsed){0};
}
