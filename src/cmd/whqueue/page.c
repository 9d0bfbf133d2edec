/* SPDX-License-Identifier: MIT */
#include "cmd/whqueue/whqueue.h"

#include "model/json.h"

enum { PAGE_BYTES_MAX = 4 * 1024 * 1024, BODY_COLUMNS = 1000 };

struct page {
	struct buf text;
	int64_t now;
	bool color;
};

static void
put_label(struct page *page, const char *label)
{
	buf_printf(&page->text, "  %s%-9s%s ", tint_start(TINT_DIM, page->color), label,
		tint_end(TINT_DIM, page->color));
}

static void
put_field(struct page *page, const char *label, struct span value)
{
	if (value.len == 0)
		return;
	put_label(page, label);
	safe_text(&page->text, value, 0);
	buf_add_char(&page->text, '\n');
}

static void
put_heading(struct page *page, const char *text)
{
	buf_printf(&page->text, "\n%s%s%s\n", tint_start(TINT_BOLD, page->color), text,
		tint_end(TINT_BOLD, page->color));
}

static void
put_time(struct page *page, const char *label, int64_t at)
{
	char distance[TIME_TEXT_SIZE];

	put_label(page, label);
	buf_add_time(&page->text, at);
	duration_format(at > page->now ? at - page->now : page->now - at, distance);
	if (at > page->now)
		buf_printf(&page->text, " (in %s)\n", distance);
	else
		buf_printf(&page->text, " (%s ago)\n", distance);
}

static void
put_failure(struct page *page, const struct failure *failure)
{
	if (!span_present(failure->rule))
		return;
	put_label(page, "failed");
	buf_printf(&page->text, "%s (", error_type_name(failure->type));
	safe_text(&page->text, failure->rule, 0);
	buf_add_text(&page->text, "): ");
	safe_text(&page->text, failure->reason, 0);
	buf_add_char(&page->text, '\n');
}

static void
put_progress(struct page *page, const struct job *job)
{
	put_label(page, "attempts");
	buf_printf(&page->text, "%d of %d failed", job->attempt, job->max_attempts);
	if (job->attempts_made != job->attempt)
		buf_printf(&page->text, ", %d made in all", job->attempts_made);
	if (job->crashes > 0)
		buf_printf(&page->text, ", %d worker%s died with it", job->crashes,
			job->crashes == 1 ? "" : "s");
	buf_add_char(&page->text, '\n');
}

static void
put_summary(struct page *page, const struct job *job)
{
	enum tint tint = job_state_tint(job->state);
	bool to_come = job->state == JOB_WAITING || job->state == JOB_DELAYED;

	buf_printf(&page->text, "%sJob %lld%s  %s%s%s%s\n",
		tint_start(TINT_BOLD, page->color), (long long)job->id,
		tint_end(TINT_BOLD, page->color), tint_start(tint, page->color),
		job_state_name(job->state), tint_end(tint, page->color),
		job->held ? ", held: its endpoint or the queue is on hold" : "");
	put_field(page, "event", job->event_id);
	put_field(page, "type", job->event_type);
	put_field(page, "order", job->ordering_key);
	put_field(page, "endpoint", job->endpoint);
	put_time(page, "created", job->created_at);
	if (to_come)
		put_time(page, "due", job->run_at);
	else
		put_time(page, "changed", job->updated_at);
	put_progress(page, job);
	put_failure(page, &job->failure);
}

static void
put_header_fields(struct page *page, struct span headers)
{
	struct json object;
	struct buf value;

	if (!span_present(headers) || json_read(headers, &object, NULL) != 0)
		return;
	buf_init(&value, PAGE_BYTES_MAX);
	for (struct json_iter it = json_iter(object); json_next(&it);) {
		buf_clear(&value);
		json_to_text(it.value, &value);
		buf_add_text(&page->text, "  ");
		safe_text(&page->text, it.key, 0);
		buf_add_text(&page->text, ": ");
		safe_text(&page->text, buf_span(&value), 0);
		buf_add_char(&page->text, '\n');
	}
	buf_free(&value);
}

static void
put_request_part(struct page *page, const struct job *job)
{
	const struct request *request = &job->request;

	put_heading(page, "Request");
	buf_add_text(&page->text, "  ");
	safe_text(&page->text,
		span_present(request->method) ? request->method : SPAN_LITERAL("POST"),
		0);
	buf_add_char(&page->text, ' ');
	safe_text(&page->text, span_present(request->url) ? request->url : job->endpoint,
		0);
	buf_add_char(&page->text, '\n');
	put_header_fields(page, request->headers);
	buf_printf(&page->text, "  %s%zu byte%s%s\n", tint_start(TINT_DIM, page->color),
		request->body.len, request->body.len == 1 ? "" : "s",
		tint_end(TINT_DIM, page->color));
	if (request->body.len == 0 || !span_is_utf8(request->body))
		return;
	buf_add_text(&page->text, "  ");
	safe_text(&page->text, request->body, BODY_COLUMNS);
	buf_add_char(&page->text, '\n');
}

/* What an operator would do next with a job in that state. */
static void
put_next_step(struct page *page, const struct job *job)
{
	const char *what = NULL;

	switch (job->state) {
	case JOB_DELAYED:
		what = "Not to wait? whqueue expedite";
		break;
	case JOB_PAUSED:
		what = "Let it go: whqueue release";
		break;
	case JOB_DEAD:
		what = "It is a dead letter: whdlq show";
		break;
	default:
		return;
	}
	buf_printf(&page->text, "\n%s%s %lld%s\n", tint_start(TINT_DIM, page->color),
		what, (long long)job->id, tint_end(TINT_DIM, page->color));
}

static int
write_text(struct page *page, struct cli *cli, struct err *err)
{
	if (buf_check(&page->text, err) != 0 ||
		cli_write(cli, buf_span(&page->text), err) != 0)
		return -1;
	buf_clear(&page->text);
	return 0;
}

int
page_write(struct cli *cli, const struct job *job, const struct attempt_list *attempts,
	bool color, struct err *err)
{
	struct page page = {.now = clock_now(&cli->clock), .color = color};
	int result;

	buf_init(&page.text, PAGE_BYTES_MAX);
	put_summary(&page, job);
	put_request_part(&page, job);
	put_heading(&page, "Attempts");
	result = write_text(&page, cli, err);
	if (result == 0) {
		operator_show_attempts(stdout, attempts, job->crashes, color);
		put_next_step(&page, job);
		result = write_text(&page, cli, err);
	}
	buf_free(&page.text);
	return result;
}
