/* SPDX-License-Identifier: MIT */
/*
 * Headers of the command line. A secret does not belong there, where `ps` shows it to
 * everybody, but in a file: -H @FILE. One that is there all the same is overwritten as
 * soon as it has been read, as curl does.
 */
#include "cmd/whenqueue/enqueue.h"

#include "cli/input.h"
#include "model/redact.h"
#include "model/url.h"

#include <string.h>

struct reading {
	struct cli *cli;
	struct buf object; /* the headers as JSON, so far */
};

static int
put_header(struct buf *object, struct span line, struct span *name, struct span *value,
	struct err *err)
{
	if (header_line_split(line, name, value, err) != 0)
		return -1;
	if (!span_is_utf8(*value))
		return err_set(err, ERR_DATA, "%.*s: the value is not UTF-8",
			(int)name->len, name->ptr);
	buf_add_char(object, object->len == 0 ? '{' : ',');
	json_put_string(object, *name);
	buf_add_char(object, ':');
	json_put_string(object, *value);
	return buf_check(object, err);
}

static int
take_argument(struct reading *reading, const char *line, struct err *err)
{
	struct span name, value;

	if (put_header(&reading->object, span_of(line), &name, &value, err) != 0)
		return -1;
	if (!name_is_secret(name))
		return 0;
	cli_warn(reading->cli,
		"--header: %.*s: others can read a command line; put it into a file: "
		"-H @FILE",
		(int)name.len, name.ptr);
	memset((char *)value.ptr, '*', value.len);
	return 0;
}

/* Takes the next line off the front of *text, with neither LF nor CRLF. */
static struct span
take_line(struct span *text)
{
	struct span line = span_take(text, '\n');

	if (line.len > 0 && line.ptr[line.len - 1] == '\r')
		line.len--;
	return line;
}

static int
take_lines(struct reading *reading, const char *path, struct span text, struct err *err)
{
	struct span name, value;

	for (size_t number = 1; text.len > 0; number++) {
		struct span line = take_line(&text);

		if (line.len > 0 &&
			put_header(&reading->object, line, &name, &value, err) != 0)
			return err_context(err, "%s: line %zu", path, number);
	}
	return 0;
}

static int
take_file(struct reading *reading, const char *path, struct err *err)
{
	struct buf text;
	int result;

	buf_init(&text, HEADERS_MAX);
	result = file_read_trusted(path, trust_secret_status, &text, err);
	if (result == 0)
		result = take_lines(reading, path, buf_span(&text), err);
	if (text.data != NULL)
		explicit_bzero(text.data, text.len);
	buf_free(&text);
	return result;
}

static int
take_each(struct reading *reading, const struct cli_list *given, struct err *err)
{
	for (size_t i = 0; i < given->count; i++) {
		const char *item = given->items[i];

		if (item[0] == '@' ? take_file(reading, item + 1, err) != 0
				   : take_argument(reading, item, err) != 0)
			return -1;
	}
	buf_add_char(&reading->object, '}');
	return buf_check(&reading->object, err);
}

int
headers_take(struct cli *cli, const struct cli_list *given, struct arena *arena,
	struct span *headers, struct err *err)
{
	struct reading reading = {.cli = cli};
	int result;

	if (given->count == 0)
		return 0;
	buf_init(&reading.object, HEADERS_MAX);
	result = take_each(&reading, given, err);
	if (result != 0) {
		err_context(err, "--header");
		if (err->kind == ERR_DATA)
			err->kind = ERR_USAGE;
	} else if (reading.object.len > 1) {
		result = arena_copy(arena, buf_span(&reading.object), headers, err);
	}
	buf_free(&reading.object);
	return result;
}
