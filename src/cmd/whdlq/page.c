/* SPDX-License-Identifier: MIT */
#include "cmd/whdlq/page.h"

#include "cmd/page_text.h"

#include <string.h>

enum {
	PREVIEW_BYTES = 1024,
	PREVIEW_LINES = 20,
	HEX_BYTES = 64,
	HEX_PER_LINE = 16,
};

/* Why nobody tries any more, for somebody who has not read the manual. */
static void
put_dead_reason(struct page_text *text, const struct page *page)
{
	struct buf *out = &text->out;
	const struct job *job = &page->letter->job;
	const char *type = error_type_name(job->failure.type);

	page_label(text, "gave up");
	switch (page->letter->reason) {
	case DEAD_NON_RETRYABLE:
		buf_add_text(out, "at once: trying again cannot help with this\n");
		break;
	case DEAD_RETRIES_EXHAUSTED:
		buf_printf(out, "after as many retries as a %s failure gets\n", type);
		break;
	case DEAD_MAX_ATTEMPTS:
		buf_printf(out, "after as many attempts as the job may have: %d\n",
			job->max_attempts);
		break;
	case DEAD_GONE:
		buf_add_text(out, "at once: the receiver wants no more of these (410)\n");
		break;
	case DEAD_CRASH_LOOP:
		buf_add_text(out, "after three workers died while delivering it\n");
		break;
	case DEAD_BLOCKED_ADDRESS:
		buf_add_text(out, "at once: its address may not be connected to\n");
		break;
	default:
		buf_printf(out, "%s\n", dead_reason_name(page->letter->reason));
		break;
	}
}

static void
put_cause(struct page_text *text, const struct page *page)
{
	const struct failure *failure = &page->letter->job.failure;

	if (!span_present(failure->rule))
		return;
	page_field(text, "cause", failure->reason);
	page_label(text, "class");
	buf_printf(&text->out, "%s, %s, by rule ", error_type_name(failure->type),
		category_name(failure->category));
	safe_text(&text->out, failure->rule, 0);
	buf_add_char(&text->out, '\n');
}

static enum tint
status_tint(enum dead_status status)
{
	static const enum tint tints[] = {
		[DEAD_UNRESOLVED] = TINT_BAD,
		[DEAD_RETRYING] = TINT_WARN,
		[DEAD_RESOLVED] = TINT_GOOD,
	};

	return status < DEAD_STATUS_COUNT ? tints[status] : TINT_NONE;
}

static void
put_summary(struct page_text *text, const struct page *page)
{
	const struct dead_letter *letter = page->letter;
	const struct job *job = &letter->job;
	enum tint tint = status_tint(letter->status);

	buf_printf(&text->out, "%sDead letter %lld%s  %s%s%s\n",
		tint_start(TINT_BOLD, text->color), (long long)job->id,
		tint_end(TINT_BOLD, text->color), tint_start(tint, text->color),
		dead_status_name(letter->status), tint_end(tint, text->color));
	page_origin(text, job);
	page_time(text, "died", letter->died_at);
	put_cause(text, page);
	put_dead_reason(text, page);
}

static void
put_request_line(struct buf *out, const struct page *page)
{
	const struct request *request = &page->redacted.request;

	buf_add_text(out, "  ");
	safe_text(out,
		span_present(request->method) ? request->method : SPAN_LITERAL("POST"),
		0);
	buf_add_char(out, ' ');
	if (span_present(request->url))
		safe_text(out, request->url, 0);
	else if (page->endpoint != NULL)
		redact_url(out, page->endpoint->url);
	else
		buf_add_text(out, "(the endpoint's URL: give --config)");
	buf_add_char(out, '\n');
}

void
page_put_lines(struct buf *out, struct span text, const char *indent)
{
	while (text.len > 0) {
		buf_add_text(out, indent);
		safe_text(out, span_take(&text, '\n'), 0);
		buf_add_char(out, '\n');
	}
}

/* The longest front of `text` that fits a preview and ends with a whole character. */
static struct span
preview_of(struct span text)
{
	struct span cut = {text.ptr, 0};
	size_t lines = 0;

	while (cut.len < text.len && cut.len < PREVIEW_BYTES && lines < PREVIEW_LINES) {
		size_t step = utf8_sequence(text.ptr + cut.len, text.len - cut.len);

		lines += text.ptr[cut.len] == '\n';
		cut.len += step > 0 ? step : 1;
	}
	return cut;
}

static void
put_hex(struct buf *out, struct span bytes)
{
	for (size_t i = 0; i < bytes.len && i < HEX_BYTES; i++) {
		if (i % HEX_PER_LINE == 0)
			buf_add_text(out, i > 0 ? "\n  " : "  ");
		buf_printf(out, "%02x ", (unsigned char)bytes.ptr[i]);
	}
	buf_add_char(out, '\n');
}

static void
put_body(struct page_text *text, const struct page *page)
{
	struct span body = page->letter->job.request.body;
	bool readable = span_is_utf8(body) &&
		(body.len == 0 || memchr(body.ptr, '\0', body.len) == NULL);
	struct span preview = preview_of(body);
	char heading[64];

	snprintf(heading, sizeof(heading), "Body, %zu byte%s%s", body.len,
		body.len == 1 ? "" : "s", readable ? "" : ", binary");
	page_heading(text, heading);
	if (readable)
		page_put_lines(&text->out, preview, "  ");
	else
		put_hex(&text->out, body);
	if (preview.len < body.len || (!readable && body.len > HEX_BYTES))
		buf_printf(&text->out, "  %s… all of it: whdlq show --body %lld%s\n",
			tint_start(TINT_DIM, text->color),
			(long long)page->letter->job.id, tint_end(TINT_DIM, text->color));
}

static void
put_event(struct buf *out, int64_t at, const char *text)
{
	buf_add_text(out, "  ");
	buf_add_time(out, at);
	buf_printf(out, "  %s", text);
}

static void
put_crash_loop(struct buf *out, const struct page *page)
{
	put_event(out, page->letter->died_at, "died");
	buf_printf(out, ": %d workers died while delivering it, this was the last\n",
		page->letter->job.crashes);
}

/*
 * An attempt after a death was made because an operator sent the letter again. A death of
 * crashes is none of the attempts', which came to an end.
 */
static void
put_past(struct buf *out, const struct page *page)
{
	bool crashed = page->letter->reason == DEAD_CRASH_LOOP;
	bool dead = false;

	for (size_t i = 0; i < page->attempts.count; i++) {
		const struct attempt *attempt = &page->attempts.attempts[i];

		if (crashed && attempt->started_at > page->letter->died_at) {
			put_crash_loop(out, page);
			crashed = false;
			dead = true;
		}
		if (dead) {
			put_event(
				out, attempt->started_at, "sent again by an operator\n");
			dead = false;
		}
		if (attempt->outcome != ATTEMPT_DEAD)
			continue;
		put_event(out, attempt->started_at, "died");
		buf_printf(out, " with attempt %d\n", attempt->number);
		dead = true;
	}
	if (crashed)
		put_crash_loop(out, page);
}

static void
put_resolution(struct buf *out, const struct dead_letter *letter)
{
	if (letter->status != DEAD_RESOLVED)
		return;
	put_event(out, letter->resolved_at, letter->delivered ? "delivered" : "resolved");
	if (span_present(letter->resolved_by)) {
		buf_add_text(out, " by ");
		safe_text(out, letter->resolved_by, 0);
	}
	if (letter->note.len > 0) {
		buf_add_text(out, ": ");
		safe_text(out, letter->note, 0);
	}
	buf_add_char(out, '\n');
}

static void
put_history(struct page_text *text, const struct page *page)
{
	page_heading(text, "History");
	put_event(&text->out, page->letter->job.created_at, "accepted\n");
	put_past(&text->out, page);
	put_resolution(&text->out, page->letter);
}

/* The command is only as good as what is in it. */
static void
put_command(struct page_text *text, const struct page *page)
{
	struct span curl = buf_span(&page->curl);

	page_heading(text, "Send it by hand");
	buf_add_span(&text->out, curl);
	text->out.failed |= page->curl.failed;
	buf_add_char(&text->out, '\n');
	if (memmem(curl.ptr, curl.len, REDACTED, strlen(REDACTED)) != NULL)
		buf_printf(&text->out,
			"  %s(with its secrets: whdlq show --reveal %lld)%s\n",
			tint_start(TINT_DIM, text->color),
			(long long)page->letter->job.id, tint_end(TINT_DIM, text->color));
}

static void
put_next_step(struct page_text *text, const struct page *page)
{
	long long id = (long long)page->letter->job.id;

	buf_printf(&text->out, "\n%s", tint_start(TINT_DIM, text->color));
	switch (page->letter->status) {
	case DEAD_UNRESOLVED:
		buf_printf(&text->out,
			"Fixed? whdlq retry %lld   Done by hand? whdlq resolve %lld\n",
			id, id);
		break;
	case DEAD_RETRYING:
		buf_printf(&text->out, "On its way: whqueue show %lld\n", id);
		break;
	default:
		buf_printf(&text->out, "Not done after all? whdlq reopen %lld\n", id);
		break;
	}
	buf_add_text(&text->out, tint_end(TINT_DIM, text->color));
}

int
page_write(const struct page *page, struct cli *cli, struct err *err)
{
	struct page_text text;
	int result;

	page_text_init(&text, cli, page->color);
	put_summary(&text, page);
	page_heading(&text, "Request");
	put_request_line(&text.out, page);
	page_header_fields(&text, page->redacted.request.headers);
	put_body(&text, page);
	page_attempts(&text, &page->attempts, page->letter->job.crashes);
	put_history(&text, page);
	put_command(&text, page);
	put_next_step(&text, page);
	result = page_text_flush(&text, cli, err);
	page_text_free(&text);
	return result;
}
