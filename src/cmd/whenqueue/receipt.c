/* SPDX-License-Identifier: MIT */
/*
 * One receipt for each event of a committed batch, in the order of the input.
 */
#include "cmd/whenqueue/enqueue.h"

enum { RECEIPTS_BYTES_MAX = 64 * 1024 * 1024 };

/* One line of a batch that is in the store. */
struct line {
	const struct intake *intake;
	const struct event *event;
	const struct receipt *receipt;
	int64_t now;
};

void
receipt_writer_init(
	struct receipt_writer *writer, struct cli *cli, const struct cli_common *common)
{
	*writer = (struct receipt_writer){
		.cli = cli, .format = output_format(cli, common)};
	buf_init(&writer->text, RECEIPTS_BYTES_MAX);
}

void
receipt_writer_free(struct receipt_writer *writer)
{
	buf_free(&writer->text);
}

static const char *
state_of(const struct receipt *receipt)
{
	return receipt->duplicate ? "duplicate" : job_state_name(receipt->state);
}

static void
put_failure(struct buf *out, const struct line *line)
{
	const struct classification *failure = line->intake->failure;

	json_put_member_string(
		out, "error_type", span_of(error_type_name(failure->type)));
	json_put_member_string(
		out, "category", span_of(category_name(failure->category)));
	json_put_member_string(out, "rule", span_of(failure->rule));
	json_put_member_string(out, "reason", span_of(failure->reason));
}

static void
put_json(struct buf *out, const struct line *line)
{
	const struct receipt *receipt = line->receipt;

	buf_add_char(out, '{');
	json_put_member_string(out, "id", line->event->id);
	json_put_member_int(out, "job_id", receipt->job_id);
	json_put_member_string(out, "state", span_of(state_of(receipt)));
	if (receipt->duplicate)
		json_put_member_string(
			out, "job_state", span_of(job_state_name(receipt->state)));
	if (receipt->run_at != 0)
		json_put_member_time(out, "run_at", receipt->run_at);
	if (!receipt->duplicate) {
		json_put_member_int(out, "delay_ms", line->intake->delay_ms);
		json_put_member_int(out, "jitter_ms", line->intake->jitter_ms);
	}
	json_put_member_int(out, "attempt", receipt->attempt);
	if (!receipt->duplicate && line->event->dead != DEAD_NOT)
		json_put_member_string(
			out, "dead_reason", span_of(dead_reason_name(line->event->dead)));
	if (!receipt->duplicate && line->intake->failure != NULL)
		put_failure(out, line);
	buf_add_char(out, '}');
}

static void
put_target(struct buf *out, const struct event *event)
{
	struct span target = event->endpoint_named ? event->endpoint : event->request.url;

	safe_text(out, target, 60);
}

static void
put_when(struct buf *out, const struct line *line)
{
	char text[TIME_TEXT_SIZE];
	int64_t wait = line->receipt->run_at - line->now;

	if (line->receipt->state == JOB_PAUSED) {
		buf_add_text(out, ", on hold");
	} else if (line->receipt->state == JOB_BLOCKED) {
		buf_add_text(out, ", runs in its order");
	} else if (wait <= 0) {
		buf_add_text(out, ", runs now");
	} else {
		duration_format(wait, text);
		buf_printf(out, ", runs in %s", text);
	}
}

/* For eyes: what became of it, under which number, and when. */
static void
put_sentence(struct buf *out, const struct line *line)
{
	const struct receipt *receipt = line->receipt;
	const struct event *event = line->event;
	bool dead = event->dead != DEAD_NOT;

	if (receipt->duplicate)
		buf_add_text(out, "already there: ");
	else
		buf_add_text(out, dead ? "dead letter: " : "queued ");
	safe_text(out, event->id, 0);
	buf_add_text(out, " for ");
	put_target(out, event);
	buf_printf(out, " (job %lld)", (long long)receipt->job_id);
	if (receipt->duplicate) {
		buf_printf(out, ", %s", job_state_name(receipt->state));
	} else if (dead) {
		buf_printf(out, ", %s: ", dead_reason_name(event->dead));
		safe_text(out, span_of(line->intake->failure->reason), 0);
	} else {
		put_when(out, line);
	}
}

/* Whoever reads a pipe gets the id itself. */
static void
put_id(struct receipt_writer *writer, struct span id)
{
	if (writer->cli->stdout_terminal)
		safe_text(&writer->text, id, 0);
	else
		buf_add_span(&writer->text, id);
}

static void
put_fields(struct receipt_writer *writer, const struct line *line)
{
	struct buf *out = &writer->text;

	put_id(writer, line->event->id);
	buf_printf(out, "\t%lld\t%s\t", (long long)line->receipt->job_id,
		state_of(line->receipt));
	if (line->receipt->run_at != 0)
		buf_add_time(out, line->receipt->run_at);
	buf_printf(out, "\t%d", line->receipt->attempt);
}

static void
put_line(struct receipt_writer *writer, const struct line *line)
{
	struct buf *out = &writer->text;

	switch (writer->format) {
	case FORMAT_TABLE:
		put_sentence(out, line);
		break;
	case FORMAT_TSV:
		if (!writer->any)
			buf_add_text(out, "id\tjob_id\tstate\trun_at\tattempt\n");
		put_fields(writer, line);
		break;
	case FORMAT_ID:
		put_id(writer, line->event->id);
		break;
	case FORMAT_JSON:
		buf_add_text(out, writer->any ? ",\n" : "[\n");
		put_json(out, line);
		break;
	default:
		put_json(out, line);
		break;
	}
	if (writer->format != FORMAT_JSON)
		buf_add_char(out, '\n');
	writer->any = true;
}

static bool
is_json(const struct receipt_writer *writer)
{
	return writer->format == FORMAT_NDJSON || writer->format == FORMAT_JSON;
}

static int
print(struct receipt_writer *writer, struct err *err)
{
	if ((is_json(writer) ? output_write_json : cli_write_buf)(
		    writer->cli, &writer->text, err) != 0)
		return -1;
	buf_clear(&writer->text);
	return cli_flush(writer->cli, err);
}

int
receipts_write(struct receipt_writer *writer, const struct batch *batch, struct err *err)
{
	buf_clear(&writer->text);
	for (size_t i = 0; i < batch->count; i++)
		put_line(writer,
			&(struct line){&batch->intakes[i], &batch->events[i],
				&batch->receipts[i], batch->now});
	return print(writer, err);
}

int
receipts_end(struct receipt_writer *writer, struct err *err)
{
	if (writer->format != FORMAT_JSON)
		return 0;
	buf_clear(&writer->text);
	buf_add_text(&writer->text, writer->any ? "\n]\n" : "[]\n");
	return print(writer, err);
}
