/* SPDX-License-Identifier: MIT */
#include "cmd/page_text.h"

#include "model/json.h"

enum { PAGE_BYTES_MAX = 16 * 1024 * 1024, ANSWER_COLUMNS = 200, CAUSE_INDENT = 6 };

void
page_text_init(struct page_text *text, const struct cli *cli, bool color)
{
	*text = (struct page_text){
		.now = clock_now(&cli->clock),
		.width = output_width(cli->stdout_terminal),
		.color = color,
	};
	buf_init(&text->out, PAGE_BYTES_MAX);
}

void
page_text_free(struct page_text *text)
{
	buf_free(&text->out);
}

void
page_heading(struct page_text *text, const char *heading)
{
	buf_printf(&text->out, "\n%s%s%s\n", tint_start(TINT_BOLD, text->color), heading,
		tint_end(TINT_BOLD, text->color));
}

void
page_label(struct page_text *text, const char *label)
{
	buf_printf(&text->out, "  %s%-10s%s  ", tint_start(TINT_DIM, text->color), label,
		tint_end(TINT_DIM, text->color));
}

void
page_prose(struct page_text *text, size_t indent, struct span prose)
{
	safe_prose(&text->out, prose, indent, text->width);
	buf_add_char(&text->out, '\n');
}

void
page_field(struct page_text *text, const char *label, struct span value)
{
	if (value.len == 0)
		return;
	page_label(text, label);
	page_prose(text, PAGE_LABEL_COLUMNS, value);
}

void
page_time(struct page_text *text, const char *label, int64_t at)
{
	char distance[TIME_TEXT_SIZE];

	page_label(text, label);
	buf_add_time(&text->out, at);
	duration_format(at > text->now ? at - text->now : text->now - at, distance);
	if (at > text->now)
		buf_printf(&text->out, " (in %s)\n", distance);
	else
		buf_printf(&text->out, " (%s ago)\n", distance);
}

void
page_origin(struct page_text *text, const struct job *job)
{
	page_field(text, "event", job->event_id);
	page_field(text, "type", job->event_type);
	page_field(text, "order", job->ordering_key);
	page_field(text, "endpoint", job->endpoint);
	page_time(text, "created", job->created_at);
}

void
page_header_fields(struct page_text *text, struct span headers)
{
	struct json object;
	struct buf value;

	if (!span_present(headers) || json_read(headers, &object, NULL) != 0)
		return;
	buf_init(&value, PAGE_BYTES_MAX);
	for (struct json_iter it = json_iter(object); json_next(&it);) {
		buf_clear(&value);
		json_to_text(it.value, &value);
		buf_add_text(&text->out, "  ");
		safe_text(&text->out, it.key, 0);
		buf_add_text(&text->out, ": ");
		safe_text(&text->out, buf_span(&value), 0);
		buf_add_char(&text->out, '\n');
		text->out.failed |= value.failed;
	}
	buf_free(&value);
}

void
page_failure(struct page_text *text, size_t indent, const struct failure *failure)
{
	struct buf prose;

	buf_init(&prose, PAGE_BYTES_MAX);
	buf_printf(&prose, "%s (", error_type_name(failure->type));
	buf_add_span(&prose, failure->rule);
	buf_add_text(&prose, "): ");
	buf_add_span(&prose, failure->reason);
	page_prose(text, indent, buf_span(&prose));
	text->out.failed |= prose.failed;
	buf_free(&prose);
}

/* ---- attempts -------------------------------------------------------------------- */

static enum tint
outcome_tint(enum attempt_outcome outcome)
{
	static const enum tint tints[] = {
		[ATTEMPT_COMPLETED] = TINT_GOOD,
		[ATTEMPT_RETRY] = TINT_WARN,
		[ATTEMPT_DEAD] = TINT_BAD,
	};

	return outcome < ATTEMPT_OUTCOME_COUNT ? tints[outcome] : TINT_NONE;
}

static void
put_result(struct page_text *text, const struct attempt *attempt)
{
	enum tint tint = outcome_tint(attempt->outcome);
	struct buf *out = &text->out;
	char duration[TIME_TEXT_SIZE];

	buf_printf(out, "  %-3d ", attempt->number);
	buf_add_time(out, attempt->started_at);
	buf_printf(out, "  %s%-9s%s", tint_start(tint, text->color),
		attempt_outcome_name(attempt->outcome), tint_end(tint, text->color));
	if (attempt->status != 0)
		buf_printf(out, "  HTTP %d", attempt->status);
	if (attempt->phases.total_us > 0) {
		duration_format(attempt->phases.total_us / 1000, duration);
		buf_printf(out, "  took %s", duration);
	}
	if (attempt->reported)
		buf_add_text(out, "  reported");
	if (attempt->outcome == ATTEMPT_RETRY) {
		duration_format(attempt->delay_ms + attempt->jitter_ms, duration);
		buf_printf(out, "  next after %s", duration);
	}
	buf_add_char(out, '\n');
}

static void
put_cause(struct page_text *text, const struct failure *failure)
{
	if (!span_present(failure->rule))
		return;
	buf_printf(&text->out, "%*s", CAUSE_INDENT, "");
	page_failure(text, CAUSE_INDENT, failure);
}

/* The response body as one line: an error page is recognised by its first words. */
static void
put_answer(struct page_text *text, struct span body)
{
	if (body.len == 0)
		return;
	buf_printf(&text->out, "      %sanswered: ", tint_start(TINT_DIM, text->color));
	safe_text(&text->out, span_trim(body), ANSWER_COLUMNS);
	buf_printf(&text->out, "%s\n", tint_end(TINT_DIM, text->color));
}

void
page_attempts(struct page_text *text, const struct attempt_list *attempts, int crashes)
{
	page_heading(text, "Attempts");
	if (attempts->count == 0)
		buf_add_text(&text->out,
			crashes > 0 ? "  none that came to an end\n" : "  none yet\n");
	for (size_t i = 0; i < attempts->count; i++) {
		const struct attempt *attempt = &attempts->attempts[i];

		put_result(text, attempt);
		put_cause(text, &attempt->failure);
		put_answer(text, attempt->snippet);
	}
}

int
page_text_flush(struct page_text *text, struct cli *cli, struct err *err)
{
	if (cli_write_buf(cli, &text->out, err) != 0)
		return -1;
	buf_clear(&text->out);
	return 0;
}
