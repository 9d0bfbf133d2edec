/* SPDX-License-Identifier: MIT */
#include "cli/output.h"

#include "cli/table.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { ROW_MAX = 256 * 1024 * 1024, NOTE_MAX = 4096 };

struct output {
	struct cli *cli;
	enum cli_format format;
	bool color;
	const struct output_column *columns;
	struct table *table;
	size_t rows;
	size_t cells;    /* of this row, so far */
	struct buf id;   /* of this row */
	struct buf json; /* of this row */
	struct buf out;  /* lines that are ready */
	struct buf note;
};

enum cli_format
output_format(const struct cli *cli, const struct cli_common *common)
{
	if (common->format != FORMAT_AUTO)
		return (enum cli_format)common->format;
	return cli->stdout_terminal ? FORMAT_TABLE : FORMAT_NDJSON;
}

int
output_open(struct output **output, struct cli *cli, const struct cli_common *common,
	const struct output_column *columns, struct err *err)
{
	struct output *made = calloc(1, sizeof(*made));

	*output = NULL;
	if (made == NULL)
		return err_no_memory(err);
	made->cli = cli;
	made->format = output_format(cli, common);
	made->color = color_wanted(common, cli->stdout_terminal);
	made->columns = columns;
	buf_init(&made->id, ROW_MAX);
	buf_init(&made->json, ROW_MAX);
	buf_init(&made->out, ROW_MAX);
	buf_init(&made->note, NOTE_MAX);
	if (made->format == FORMAT_TABLE &&
		table_open(&made->table, columns, output_width(cli->stdout_terminal),
			made->color, err) != 0) {
		free(made);
		return -1;
	}
	*output = made;
	return 0;
}

bool
output_wants_cells(const struct output *output)
{
	return output->format == FORMAT_TABLE || output->format == FORMAT_TSV;
}

bool
output_wants_json(const struct output *output)
{
	return output->format == FORMAT_NDJSON || output->format == FORMAT_JSON;
}

/* "EVENT TYPE" is event_type to a program. */
static void
put_tsv_titles(struct output *output)
{
	for (const struct output_column *column = output->columns; column->title != NULL;
		column++) {
		if (column != output->columns)
			buf_add_char(&output->out, '\t');
		for (const char *p = column->title; *p != '\0'; p++)
			buf_add_char(&output->out,
				*p == ' ' ? '_' : (char)tolower((unsigned char)*p));
	}
	buf_add_char(&output->out, '\n');
}

void
output_row_begin(struct output *output, struct span id)
{
	if (output->format == FORMAT_TSV && output->rows == 0)
		put_tsv_titles(output);
	output->rows++;
	output->cells = 0;
	buf_clear(&output->id);
	buf_clear(&output->json);
	buf_add_span(&output->id, id);
}

/* A tab or newline inside a cell must not make two of it. */
static void
put_tsv_cell(struct buf *out, struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (c == '\t')
			buf_add_text(out, "\\t");
		else if (c == '\n')
			buf_add_text(out, "\\n");
		else if (c == '\r')
			buf_add_text(out, "\\r");
		else if (c == '\\')
			buf_add_text(out, "\\\\");
		else
			buf_add_char(out, c);
	}
}

void
output_cell(struct output *output, enum tint tint, struct span text)
{
	struct buf safe;

	if (output->format == FORMAT_TABLE) {
		table_cell(output->table, tint, text);
		return;
	}
	if (output->format != FORMAT_TSV)
		return;
	if (output->cells++ > 0)
		buf_add_char(&output->out, '\t');
	if (!output->cli->stdout_terminal) {
		put_tsv_cell(&output->out, text);
		return;
	}
	buf_init(&safe, ROW_MAX);
	safe_text(&safe, text, 0);
	put_tsv_cell(&output->out, buf_span(&safe));
	output->out.failed |= safe.failed;
	buf_free(&safe);
}

void
output_cell_printf(struct output *output, enum tint tint, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	output_cell(output, tint, span_of(text));
}

/* How far apart, in one unit: "5m", "3d". */
static void
format_distance(int64_t ms, char *text)
{
	char *second_unit;

	duration_format(ms / 1000 * 1000, text);
	second_unit = strchr(text, ' ');
	if (second_unit != NULL)
		*second_unit = '\0';
}

static void
put_distance(struct output *output, int64_t at, int64_t now, const char *past)
{
	char text[TIME_TEXT_SIZE] = "";

	if (output->format == FORMAT_TSV && at != 0)
		time_format(at, text);
	if (at == 0 || output->format == FORMAT_TSV) {
		output_cell(output, TINT_NONE, span_of(text));
		return;
	}
	if (at > now - 1000 && at < now + 1000) {
		output_cell(output, TINT_NONE, SPAN_LITERAL("now"));
		return;
	}
	format_distance(at > now ? at - now : now - at, text);
	output_cell_printf(output, TINT_NONE, "%s%s%s", at > now ? "in " : "", text,
		at > now ? "" : past);
}

void
output_cell_age(struct output *output, int64_t at, int64_t now)
{
	put_distance(output, at, now, "");
}

void
output_cell_due(struct output *output, int64_t at, int64_t now)
{
	put_distance(output, at, now, " ago");
}

struct buf *
output_json(struct output *output)
{
	return &output->json;
}

/* One row is one line, whatever white space a payload was written with. */
static void
put_json_row(struct output *output)
{
	struct buf *out = &output->out;

	for (size_t i = 0; i < output->json.len; i++)
		if (output->json.data[i] == '\n' || output->json.data[i] == '\r')
			output->json.data[i] = ' ';
	if (output->format == FORMAT_JSON)
		buf_add_text(out, output->rows == 1 ? "[\n" : ",\n");
	if (output->cli->stdout_terminal)
		safe_json(out, buf_span(&output->json));
	else
		buf_add_span(out, buf_span(&output->json));
	if (output->format == FORMAT_NDJSON)
		buf_add_char(out, '\n');
}

static void
put_id_row(struct output *output)
{
	if (output->cli->stdout_terminal)
		safe_text(&output->out, buf_span(&output->id), 0);
	else
		buf_add_span(&output->out, buf_span(&output->id));
	buf_add_char(&output->out, '\n');
}

static int
write_out(struct output *output, struct err *err)
{
	if (buf_check(&output->json, err) != 0 ||
		cli_write_buf(output->cli, &output->out, err) != 0)
		return -1;
	buf_clear(&output->out);
	return 0;
}

int
output_row_end(struct output *output, struct err *err)
{
	switch (output->format) {
	case FORMAT_TABLE:
		table_row_end(output->table, &output->out);
		if (table_check(output->table, err) != 0)
			return -1;
		break;
	case FORMAT_TSV:
		buf_add_char(&output->out, '\n');
		break;
	case FORMAT_ID:
		put_id_row(output);
		break;
	default:
		put_json_row(output);
		break;
	}
	return write_out(output, err);
}

void
output_note(struct output *output, const char *format, ...)
{
	char text[1024];
	va_list args;

	if (output->format != FORMAT_TABLE)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	buf_add_text(&output->note, tint_start(TINT_DIM, output->color));
	safe_prose(&output->note, span_of(text), 0,
		output_width(output->cli->stdout_terminal));
	buf_add_text(&output->note, tint_end(TINT_DIM, output->color));
	buf_add_char(&output->note, '\n');
}

static void
put_end(struct output *output, const char *empty)
{
	switch (output->format) {
	case FORMAT_TABLE:
		table_finish(output->table, &output->out);
		if (output->rows == 0 && empty != NULL)
			buf_printf(&output->out, "%s\n", empty);
		buf_add_span(&output->out, buf_span(&output->note));
		break;
	case FORMAT_TSV:
		if (output->rows == 0)
			put_tsv_titles(output);
		break;
	case FORMAT_JSON:
		buf_add_text(&output->out, output->rows == 0 ? "[]\n" : "\n]\n");
		break;
	default:
		break;
	}
}

int
output_close(struct output *output, const char *empty, struct err *err)
{
	int result;

	put_end(output, empty);
	result = write_out(output, err);
	table_free(output->table);
	buf_free(&output->id);
	buf_free(&output->json);
	buf_free(&output->out);
	buf_free(&output->note);
	free(output);
	return result;
}

int
output_write_json(struct cli *cli, const struct buf *json, struct err *err)
{
	struct buf safe;
	int result;

	if (!cli->stdout_terminal)
		return cli_write_buf(cli, json, err);
	if (buf_check(json, err) != 0)
		return -1;
	buf_init(&safe, ROW_MAX);
	safe_json(&safe, buf_span(json));
	result = cli_write_buf(cli, &safe, err);
	buf_free(&safe);
	return result;
}
