/* SPDX-License-Identifier: MIT */
#include "cmd/whdlq/page.h"

#include <string.h>

enum {
	PAGE_SIZE_MAX = 4 * 1024 * 1024,
	PREVIEW_BYTES = 1024,
	PREVIEW_LINES = 20,
	HEX_BYTES = 64,
	HEX_PER_LINE = 16,
};

static void
put_heading(struct buf *out, const struct page *page, const char *text)
{
	buf_printf(out, "\n%s%s%s\n", tint_start(TINT_BOLD, page->color), text,
		tint_end(TINT_BOLD, page->color));
}

static void
put_label(struct buf *out, const struct page *page, const char *label)
{
	buf_printf(out, "  %s%-10s%s  ", tint_start(TINT_DIM, page->color), label,
		tint_end(TINT_DIM, page->color));
}

static void
put_field(struct buf *out, const struct page *page, const char *label, struct span value)
{
	if (value.len == 0)
		return;
	put_label(out, page, label);
	safe_text(out, value, 0);
	buf_add_char(out, '\n');
}

static void
put_age(struct buf *out, int64_t at, int64_t now)
{
	char age[TIME_TEXT_SIZE];

	duration_format(now > at ? now - at : 0, age);
	buf_printf(out, " (%s ago)", age);
}

static void
put_time_field(struct buf *out, const struct page *page, const char *label, int64_t at)
{
	put_label(out, page, label);
	buf_add_time(out, at);
	put_age(out, at, page->now);
	buf_add_char(out, '\n');
}

/* Why nobody tries any more, for somebody who has not read the manual. */
static void
put_dead_reason(struct buf *out, const struct page *page)
{
	const struct job *job = &page->letter->job;
	const char *type = error_type_name(job->failure.type);

	put_label(out, page, "gave up");
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
put_cause(struct buf *out, const struct page *page)
{
	const struct failure *failure = &page->letter->job.failure;

	if (!span_present(failure->rule))
		return;
	put_field(out, page, "cause", failure->reason);
	put_label(out, page, "class");
	buf_printf(out, "%s, %s, by rule ", error_type_name(failure->type),
		category_name(failure->category));
	safe_text(out, failure->rule, 0);
	buf_add_char(out, '\n');
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
put_summary(struct buf *out, const struct page *page)
{
	const struct dead_letter *letter = page->letter;
	const struct job *job = &letter->job;
	enum tint tint = status_tint(letter->status);

	buf_printf(out, "%sDead letter %lld%s  %s%s%s\n",
		tint_start(TINT_BOLD, page->color), (long long)job->id,
		tint_end(TINT_BOLD, page->color), tint_start(tint, page->color),
		dead_status_name(letter->status), tint_end(tint, page->color));
	put_field(out, page, "event", job->event_id);
	put_field(out, page, "type", job->event_type);
	put_field(out, page, "order", job->ordering_key);
	put_field(out, page, "endpoint", job->endpoint);
	put_time_field(out, page, "created", job->created_at);
	put_time_field(out, page, "died", letter->died_at);
	put_cause(out, page);
	put_dead_reason(out, page);
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

static void
put_headers(struct buf *out, struct span headers)
{
	struct json object;
	struct buf value;

	if (!span_present(headers) || json_read(headers, &object, NULL) != 0)
		return;
	buf_init(&value, PAGE_SIZE_MAX);
	for (struct json_iter it = json_iter(object); json_next(&it);) {
		buf_clear(&value);
		json_to_text(it.value, &value);
		buf_add_text(out, "  ");
		safe_text(out, it.key, 0);
		buf_add_text(out, ": ");
		safe_text(out, buf_span(&value), 0);
		buf_add_char(out, '\n');
	}
	buf_free(&value);
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
put_body(struct buf *out, const struct page *page)
{
	struct span body = page->letter->job.request.body;
	bool text = span_is_utf8(body) &&
		(body.len == 0 || memchr(body.ptr, '\0', body.len) == NULL);
	struct span preview = preview_of(body);
	char heading[64];

	snprintf(heading, sizeof(heading), "Body, %zu byte%s%s", body.len,
		body.len == 1 ? "" : "s", text ? "" : ", binary");
	put_heading(out, page, heading);
	if (text)
		page_put_lines(out, preview, "  ");
	else
		put_hex(out, body);
	if (preview.len < body.len || (!text && body.len > HEX_BYTES))
		buf_printf(out, "  %s… all of it: whdlq show --body %lld%s\n",
			tint_start(TINT_DIM, page->color),
			(long long)page->letter->job.id, tint_end(TINT_DIM, page->color));
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
put_history(struct buf *out, const struct page *page)
{
	put_heading(out, page, "History");
	put_event(out, page->letter->job.created_at, "accepted\n");
	put_past(out, page);
	put_resolution(out, page->letter);
}

/* The command is only as good as what is in it. */
static void
put_command(struct buf *out, const struct page *page)
{
	struct span curl = buf_span(&page->curl);

	put_heading(out, page, "Send it by hand");
	buf_add_span(out, curl);
	buf_add_char(out, '\n');
	if (memmem(curl.ptr, curl.len, REDACTED, strlen(REDACTED)) != NULL)
		buf_printf(out, "  %s(with its secrets: whdlq show --reveal %lld)%s\n",
			tint_start(TINT_DIM, page->color),
			(long long)page->letter->job.id, tint_end(TINT_DIM, page->color));
}

static void
put_next_step(struct buf *out, const struct page *page)
{
	long long id = (long long)page->letter->job.id;

	buf_printf(out, "\n%s", tint_start(TINT_DIM, page->color));
	switch (page->letter->status) {
	case DEAD_UNRESOLVED:
		buf_printf(out,
			"Fixed? whdlq retry %lld   Done by hand? whdlq resolve %lld\n",
			id, id);
		break;
	case DEAD_RETRYING:
		buf_printf(out, "On its way: whqueue show %lld\n", id);
		break;
	default:
		buf_printf(out, "Not done after all? whdlq reopen %lld\n", id);
		break;
	}
	buf_add_text(out, tint_end(TINT_DIM, page->color));
}

static int
write_text(struct cli *cli, struct buf *text, struct err *err)
{
	if (buf_check(text, err) != 0 || cli_write(cli, buf_span(text), err) != 0)
		return -1;
	buf_clear(text);
	return 0;
}

int
page_write(const struct page *page, struct cli *cli, struct err *err)
{
	struct buf text;
	int result;

	buf_init(&text, PAGE_SIZE_MAX);
	put_summary(&text, page);
	put_heading(&text, page, "Request");
	put_request_line(&text, page);
	put_headers(&text, page->redacted.request.headers);
	put_body(&text, page);
	put_heading(&text, page, "Attempts");
	result = write_text(cli, &text, err);
	if (result == 0) {
		operator_show_attempts(
			stdout, &page->attempts, page->letter->job.crashes, page->color);
		put_history(&text, page);
		put_command(&text, page);
		put_next_step(&text, page);
		result = write_text(cli, &text, err);
	}
	buf_free(&text);
	return result;
}
