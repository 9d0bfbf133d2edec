/* SPDX-License-Identifier: MIT */
#include "work/report.h"

#include "base/clock.h"
#include "cli/output.h"
#include "model/record.h"
#include "model/redact.h"
#include "model/url.h"

#include <stdio.h>
#include <string.h>

enum { PLAIN_URL_WIDTH = 60, PLAIN_REASON_WIDTH = 100, NOTE_SIZE = 128 };

static void
open_line(struct buf *out, const char *event)
{
	buf_add_char(out, '{');
	json_put_member_string(out, "event", span_of(event));
}

static void
close_line(const struct report *report, struct buf *out, int64_t now)
{
	json_put_member_time(out, "at", now);
	json_put_member_int(out, "worker", report->worker);
	buf_add_text(out, "}\n");
}

static void
put_text(struct buf *out, const char *key, struct span text)
{
	if (span_present(text))
		json_put_member_string(out, key, text);
}

static void
attempt_json(struct buf *out, const struct task *task, struct span url)
{
	const struct delivery *delivery = task->delivery;
	const struct settle *settle = &task->settle;

	open_line(out, attempt_outcome_name(settle->attempt.outcome));
	json_put_member_string(out, "id", delivery->event_id);
	json_put_member_int(out, "job_id", delivery->job_id);
	put_text(out, "endpoint", delivery->endpoint);
	put_text(out, "url", url);
	put_text(out, "event_type", delivery->event_type);
	put_attempt(out, &settle->attempt);
	if (settle->outcome == SETTLE_RETRY)
		json_put_member_time(out, "next_run_at", settle->run_at);
	if (settle->outcome == SETTLE_DEAD)
		json_put_member_string(
			out, "dead_reason", span_of(dead_reason_name(settle->dead)));
	buf_add_text(out, "}\n");
}

static enum tint
tint_of(enum attempt_outcome outcome)
{
	static const enum tint tints[ATTEMPT_OUTCOME_COUNT] = {
		[ATTEMPT_COMPLETED] = TINT_GOOD,
		[ATTEMPT_RETRY] = TINT_WARN,
		[ATTEMPT_DEAD] = TINT_BAD,
	};

	return tints[outcome];
}

/* "19:02:11 retry     503 evt_1 https://… 12ms  in 5s: reason" */
static void
attempt_plain(const struct report *report, struct buf *out, const struct task *task,
	struct span url)
{
	const struct settle *settle = &task->settle;
	const struct attempt *attempt = &settle->attempt;
	enum tint tint = tint_of(attempt->outcome);
	char at[TIME_TEXT_SIZE], took[TIME_TEXT_SIZE], wait[TIME_TEXT_SIZE];

	time_format(attempt->started_at, at);
	duration_format(
		attempt->phases.total_us > 0 ? attempt->phases.total_us / 1000 : 0, took);
	buf_printf(out, "%.8s %s%-9s%s ", at + sizeof("2026-01-02"),
		tint_start(tint, report->color), attempt_outcome_name(attempt->outcome),
		tint_end(tint, report->color));
	if (attempt->status > 0)
		buf_printf(out, "%3d ", attempt->status);
	else
		buf_add_text(out, "--- ");
	safe_text(out, task->delivery->event_id, 0);
	buf_add_char(out, ' ');
	safe_text(out, url, PLAIN_URL_WIDTH);
	buf_printf(out, " %s", took);
	if (settle->outcome == SETTLE_RETRY) {
		duration_format(attempt->delay_ms + attempt->jitter_ms, wait);
		buf_printf(out, ", again in %s", wait);
	}
	if (span_present(attempt->failure.reason)) {
		buf_add_text(out, ": ");
		safe_text(out, attempt->failure.reason, PLAIN_REASON_WIDTH);
	}
	buf_add_char(out, '\n');
}

/* Lines end up in logs. Most URLs have no parameters, and nothing to be hidden. */
static struct span
url_for_logs(struct buf *redacted, struct span url)
{
	static const char marks[] = "?;#@";

	for (const char *mark = marks; *mark != '\0' && url.len > 0; mark++) {
		if (memchr(url.ptr, *mark, url.len) != NULL) {
			redact_url(redacted, url);
			return buf_span(redacted);
		}
	}
	return url;
}

void
report_attempt(const struct report *report, struct buf *out, const struct task *task,
	struct span url)
{
	struct buf redacted;

	buf_init(&redacted, REDACTED_URL_MAX);
	url = url_for_logs(&redacted, url);
	if (report->plain)
		attempt_plain(report, out, task, url);
	else
		attempt_json(out, task, url);
	out->failed |= redacted.failed;
	buf_free(&redacted);
}

/* The plain line of anything but an attempt. */
static void
plain_note(
	struct buf *out, const char *event, struct span id, struct span text, int64_t now)
{
	char at[TIME_TEXT_SIZE];

	time_format(now, at);
	buf_printf(out, "%.8s %-13s ", at + sizeof("2026-01-02"), event);
	if (span_present(id)) {
		safe_text(out, id, 0);
		buf_add_char(out, ' ');
	}
	safe_text(out, text, 0);
	buf_add_char(out, '\n');
}

void
report_lost(const struct report *report, struct buf *out, const struct task *task,
	int64_t now)
{
	const struct delivery *delivery = task->delivery;
	struct span reason = SPAN_LITERAL(
		"the lease ran out and the job was taken back: this attempt is not counted");

	if (report->plain) {
		plain_note(out, "stalled", delivery->event_id, reason, now);
		return;
	}
	open_line(out, "stalled");
	json_put_member_string(out, "id", delivery->event_id);
	json_put_member_int(out, "job_id", delivery->job_id);
	json_put_member_int(out, "attempt", delivery->attempts_made + 1);
	json_put_member_string(out, "reason", reason);
	close_line(report, out, now);
}

void
report_stalled(const struct report *report, struct buf *out,
	const struct stalled_job *job, int64_t now)
{
	struct span reason = job->dead
		? SPAN_LITERAL("the worker that had it died, for the third time")
		: SPAN_LITERAL("the worker that had it died");

	if (report->plain) {
		plain_note(out, "stalled", job->event_id, reason, now);
		return;
	}
	open_line(out, "stalled");
	json_put_member_string(out, "id", job->event_id);
	json_put_member_int(out, "job_id", job->job_id);
	json_put_member_int(out, "crashes", job->crashes);
	if (job->dead)
		json_put_member_string(
			out, "dead_reason", span_of(dead_reason_name(DEAD_CRASH_LOOP)));
	json_put_member_string(out, "reason", reason);
	close_line(report, out, now);
}

void
report_unconfigured(const struct report *report, struct buf *out, const struct task *task,
	const struct err *why, int64_t now)
{
	if (report->plain) {
		plain_note(
			out, "unconfigured", (struct span){0}, span_of(why->text), now);
		return;
	}
	open_line(out, "unconfigured");
	json_put_member_string(out, "endpoint", task->delivery->endpoint);
	json_put_member_string(out, "reason", span_of(why->text));
	close_line(report, out, now);
}

/* ---- breakers -------------------------------------------------------------------- */

static void
open_breaker_line(
	struct buf *out, const char *event, const struct task *task, struct span reason)
{
	open_line(out, event);
	json_put_member_string(out, "endpoint", task->delivery->endpoint);
	json_put_member_string(out, "reason", reason);
}

static void
report_opened(const struct report *report, struct buf *out, const struct task *task,
	bool again, int64_t now)
{
	const struct breaker *breaker = &task->settle.breaker;
	char reason[NOTE_SIZE], wait[TIME_TEXT_SIZE];

	duration_format(breaker->open_until - now, wait);
	if (again)
		snprintf(
			reason, sizeof(reason), "the probe failed, next one in %s", wait);
	else
		snprintf(reason, sizeof(reason), "%d failure%s in a row, a probe in %s",
			breaker->failures, breaker->failures == 1 ? "" : "s", wait);
	if (report->plain) {
		plain_note(out, "breaker open", task->delivery->endpoint, span_of(reason),
			now);
		return;
	}
	open_breaker_line(out, "breaker_opened", task, span_of(reason));
	json_put_member_int(out, "failures_in_a_row", breaker->failures);
	json_put_member_int(out, "trips", breaker->trips);
	json_put_member_time(out, "probe_at", breaker->open_until);
	close_line(report, out, now);
}

static void
report_closed(const struct report *report, struct buf *out, const struct task *task,
	int64_t now)
{
	struct span reason = SPAN_LITERAL("it answered, all that waits goes out");

	if (report->plain) {
		plain_note(out, "breaker shut", task->delivery->endpoint, reason, now);
		return;
	}
	open_breaker_line(out, "breaker_closed", task, reason);
	close_line(report, out, now);
}

void
report_probe(const struct report *report, struct buf *out, const struct task *task)
{
	const struct delivery *delivery = task->delivery;
	struct span reason = SPAN_LITERAL("the cool-down is over, one job is a probe");

	if (report->plain) {
		plain_note(out, "probe", delivery->endpoint, reason, task->started_at);
		return;
	}
	open_breaker_line(out, "breaker_probing", task, reason);
	json_put_member_string(out, "id", delivery->event_id);
	json_put_member_int(out, "job_id", delivery->job_id);
	close_line(report, out, task->started_at);
}

void
report_breaker(const struct report *report, struct buf *out, const struct task *task,
	const struct breaker *before, int64_t now)
{
	const struct settle *settle = &task->settle;

	if (!settle->breaker_changed)
		return;
	if (settle->breaker.trips > before->trips)
		report_opened(report, out, task, before->trips > 0, now);
	else if (before->trips > 0 && settle->breaker.trips == 0)
		report_closed(report, out, task, now);
}

void
report_error(
	const struct report *report, struct buf *out, const struct err *why, int64_t now)
{
	if (report->plain) {
		plain_note(out, "error", (struct span){0}, span_of(why->text), now);
		return;
	}
	open_line(out, "error");
	json_put_member_string(out, "reason", span_of(why->text));
	close_line(report, out, now);
}
