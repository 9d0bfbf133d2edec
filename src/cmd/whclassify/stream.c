/* SPDX-License-Identifier: MIT */
/*
 * A record goes out as it came in, byte for byte, with "classification" as its last
 * member. What is no record is wrapped into one: a string or a line that is not JSON is a
 * message, anything else a "value".
 *
 * Output is held back only while there is more to read: whoever feeds us by hand sees
 * each answer at once, and a file goes through in large writes.
 */
#include "cmd/whclassify/whclassify.h"

#include "cli/input.h"
#include "cli/output.h"

static const char member_name[] = "classification";

/*
 * The members without their closing brace; earlier "classification" members are left out
 * together with the comma that goes with them.
 */
static void
put_members(struct buf *out, struct json record)
{
	const char *open = record.raw.ptr + 1;
	const char *copied = open; /* up to here all is done */
	const char *close = record.raw.ptr + record.raw.len - 1;
	bool first = true;

	buf_add_char(out, '{');
	for (struct json_iter it = json_iter(record); json_next(&it);) {
		const char *key = it.key.ptr - 1;
		const char *end = it.value.raw.ptr + it.value.raw.len;

		if (!json_key_is(it.key, member_name)) {
			if (first && copied != open)
				copied = key;
			buf_add(out, copied, (size_t)(end - copied));
			first = false;
		}
		copied = end;
	}
	if (!first)
		buf_add(out, copied, (size_t)(close - copied));
}

static void
put_record(struct buf *out, struct json report)
{
	switch (report.type) {
	case JSON_OBJECT:
		put_members(out, report);
		break;
	case JSON_STRING:
		buf_add_text(out, "{\"error\":{\"message\":");
		buf_add_span(out, report.raw);
		buf_add_char(out, '}');
		break;
	default:
		buf_add_text(out, "{\"value\":");
		buf_add_span(out, report.raw);
		break;
	}
}

static void
classify_report(struct classifier *classifier, struct json report, size_t line)
{
	struct buf *out = &classifier->out;
	struct classification result;

	classify(classifier->policy, report, clock_now(&classifier->cli->clock), &result);
	if (classifier->as_text) {
		explain_text(out, classifier->policy, line, &result);
		return;
	}
	put_record(out, report);
	json_put_key(out, member_name);
	classification_put(out, &result);
	if (classifier->explain) {
		json_put_key(out, "explain");
		explain_put(out, classifier->policy, &result);
	}
	buf_add_text(out, "}\n");
}

/* A line of plain text is the message of a failure. */
static int
classify_message(
	struct classifier *classifier, struct span text, size_t line, struct err *err)
{
	struct buf quoted;
	struct json report;
	int result;

	buf_init(&quoted, classifier->out.max);
	json_put_string(&quoted, text);
	result = buf_check(&quoted, err);
	if (result == 0)
		result = json_read(buf_span(&quoted), &report, err);
	if (result == 0)
		classify_report(classifier, report, line);
	buf_free(&quoted);
	return result;
}

static void
complain(struct classifier *classifier, const char *name, size_t line, struct err *err)
{
	if (name == NULL) {
		cli_complain_at_line(classifier->cli, line, err);
		return;
	}
	err_context(err, "%s: line %zu", name, line);
	cli_complain(classifier->cli, err);
}

/* A line of which nothing is known but that it was too long: it has no evidence. */
static void
classify_too_long(struct classifier *classifier, size_t line, struct err *why)
{
	struct buf *out = &classifier->out;
	struct classification result;

	err_set(why, ERR_DATA, "longer than %zu bytes", classifier->max_line);
	classify(classifier->policy, (struct json){0}, clock_now(&classifier->cli->clock),
		&result);
	if (classifier->as_text) {
		explain_text(out, classifier->policy, line, &result);
		return;
	}
	buf_printf(out, "{\"error\":{\"message\":\"line %s\"}", why->text);
	json_put_key(out, member_name);
	classification_put(out, &result);
	buf_add_text(out, "}\n");
}

static int
classify_line(struct classifier *classifier, const struct input *input,
	enum input_result got, struct span line, const char *name, struct err *err)
{
	struct json report;
	struct err flaw;
	int result = 0;

	buf_clear(&classifier->out);
	if (got == INPUT_TOO_LONG) {
		classify_too_long(classifier, input->line, &flaw);
		complain(classifier, name, input->line, &flaw);
	} else if (json_read(line, &report, &flaw) == 0) {
		classify_report(classifier, report, input->line);
	} else {
		err_context(&flaw, "not JSON, taken as a message");
		complain(classifier, name, input->line, &flaw);
		result = classify_message(classifier, line, input->line, err);
	}
	if (result != 0)
		return -1;
	if (classifier->as_text)
		return cli_write_buf(classifier->cli, &classifier->out, err);
	return output_write_json(classifier->cli, &classifier->out, err);
}

int
classify_stream(struct classifier *classifier, int fd, const char *name, struct err *err)
{
	struct input input;
	struct span line;
	enum input_result got;
	int result = 0;

	input_init(&input, fd, classifier->max_line);
	while (result == 0 && (got = input_line(&input, &line, err)) != INPUT_END) {
		if (got == INPUT_FAILED) {
			result = err_context(err, "%s", name == NULL ? "stdin" : name);
			break;
		}
		result = classify_line(classifier, &input, got, line, name, err);
		if (result == 0 && (classifier->line_buffered || !input_ready(&input)))
			result = cli_flush(classifier->cli, err);
	}
	input_free(&input);
	return result;
}
