/* SPDX-License-Identifier: MIT */
#include "cmd/whqueue/whqueue.h"

#include "cmd/page_text.h"

enum { BODY_COLUMNS = 1000 };

static void
put_failure(struct page_text *text, const struct failure *failure)
{
	if (!span_present(failure->rule))
		return;
	page_label(text, "failed");
	page_failure(text, PAGE_LABEL_COLUMNS, failure);
}

static void
put_progress(struct page_text *text, const struct job *job)
{
	page_label(text, "attempts");
	buf_printf(&text->out, "%d of %d failed", job->attempt, job->max_attempts);
	if (job->attempts_made != job->attempt)
		buf_printf(&text->out, ", %d made in all", job->attempts_made);
	if (job->crashes > 0)
		buf_printf(&text->out, ", %d worker%s died with it", job->crashes,
			job->crashes == 1 ? "" : "s");
	buf_add_char(&text->out, '\n');
}

static void
put_summary(struct page_text *text, const struct job *job)
{
	enum tint tint = job_state_tint(job->state);
	bool to_come = job->state == JOB_WAITING || job->state == JOB_DELAYED;

	buf_printf(&text->out, "%sJob %lld%s  %s%s%s%s\n",
		tint_start(TINT_BOLD, text->color), (long long)job->id,
		tint_end(TINT_BOLD, text->color), tint_start(tint, text->color),
		job_state_name(job->state), tint_end(tint, text->color),
		job->held ? ", held" : "");
	page_origin(text, job);
	if (to_come)
		page_time(text, "due", job->run_at);
	else
		page_time(text, "changed", job->updated_at);
	put_progress(text, job);
	put_failure(text, &job->failure);
}

static void
put_request_part(struct page_text *text, const struct job *job)
{
	const struct request *request = &job->request;

	page_heading(text, "Request");
	buf_add_text(&text->out, "  ");
	safe_text(&text->out,
		span_present(request->method) ? request->method : SPAN_LITERAL("POST"),
		0);
	buf_add_char(&text->out, ' ');
	safe_text(
		&text->out, span_present(request->url) ? request->url : job->endpoint, 0);
	buf_add_char(&text->out, '\n');
	page_header_fields(text, request->headers);
	buf_printf(&text->out, "  %s%zu byte%s%s\n", tint_start(TINT_DIM, text->color),
		request->body.len, request->body.len == 1 ? "" : "s",
		tint_end(TINT_DIM, text->color));
	if (request->body.len == 0 || !span_is_utf8(request->body))
		return;
	buf_add_text(&text->out, "  ");
	safe_text(&text->out, request->body, BODY_COLUMNS);
	buf_add_char(&text->out, '\n');
}

static void
put_keeper(struct page_text *text, const struct keeper *keeper)
{
	struct buf line;

	buf_init(&line, ERR_TEXT_MAX);
	keeper_put(&line, keeper, text->now);
	buf_printf(&text->out, "\n%sNot sent: ", tint_start(TINT_DIM, text->color));
	safe_text(&text->out, buf_span(&line), 0);
	buf_printf(&text->out, "%s\n", tint_end(TINT_DIM, text->color));
	text->out.failed |= line.failed;
	buf_free(&line);
}

/* What an operator would do next with a job in that state. */
static void
put_next_step(struct page_text *text, const struct job *job)
{
	const char *what = NULL;

	switch (job->state) {
	case JOB_DELAYED:
		if (job->run_at <= text->now)
			return;
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
	buf_printf(&text->out, "\n%s%s %lld%s\n", tint_start(TINT_DIM, text->color), what,
		(long long)job->id, tint_end(TINT_DIM, text->color));
}

int
page_write(struct cli *cli, const struct job *job, const struct attempt_list *attempts,
	const struct keeper *keeper, bool color, struct err *err)
{
	struct page_text text;
	int result;

	page_text_init(&text, cli, color);
	put_summary(&text, job);
	put_request_part(&text, job);
	page_attempts(&text, attempts, job->crashes);
	if (keeper->kind != KEEPER_NONE)
		put_keeper(&text, keeper);
	if (!keeper_is_hold(keeper))
		put_next_step(&text, job);
	result = page_text_flush(&text, cli, err);
	page_text_free(&text);
	return result;
}
