/* SPDX-License-Identifier: MIT */
/*
 * The members of our output records. Members that have nothing to say are left out, so
 * that a line stays readable and `select(.resolved_at)` works.
 */
#include "model/record.h"

enum { BRACES = 2 };

static void
put_present(struct buf *out, const char *key, struct span text)
{
	if (span_present(text))
		json_put_member_string(out, key, text);
}

/* Counts, HTTP statuses and instants: zero says "none". */
static void
put_nonzero(struct buf *out, const char *key, int64_t value)
{
	if (value != 0)
		json_put_member_int(out, key, value);
}

static void
put_instant(struct buf *out, const char *key, int64_t at)
{
	if (at != 0)
		json_put_member_time(out, key, at);
}

static void
put_failure(struct buf *out, const struct failure *failure)
{
	if (!span_present(failure->rule))
		return;
	json_put_member_string(
		out, "error_type", span_of(error_type_name(failure->type)));
	json_put_member_string(
		out, "category", span_of(category_name(failure->category)));
	json_put_member_string(out, "rule", failure->rule);
	put_present(out, "reason", failure->reason);
}

static void
put_body(struct buf *out, const struct request *request)
{
	if (request->body_kind == BODY_JSON)
		json_put_member_raw(out, "payload", request->body);
	if (request->body_kind != BODY_RAW)
		return;
	json_put_key(out, "payload_b64");
	buf_add_char(out, '"');
	base64_put(out, request->body);
	buf_add_char(out, '"');
}

/* What is sent, without the members that we do not know. */
static void
put_known_request(struct buf *out, const struct request *request)
{
	put_present(out, "url", request->url);
	put_present(out, "method", request->method);
	if (span_present(request->headers))
		json_put_member_raw(out, "headers", request->headers);
	put_body(out, request);
}

void
put_request(struct buf *out, const struct request *request)
{
	put_known_request(out, request);
	if (request->extra.len == 0)
		return;
	if (out->len > 0 && out->data[out->len - 1] != '{')
		buf_add_char(out, ',');
	buf_add_span(out, request->extra);
}

/* Whether a listing has a member of ours by that name, so that a sender's would be a
 * second one. */
static bool
is_taken(struct span key)
{
	static const char *const taken[] = {"attempts", "attempts_made", "category",
		"crashes", "created_at", "curl", "dead_reason", "delivered", "died_at",
		"error_type", "first_died_at", "held", "job_id", "last_status", "note",
		"queue", "reason", "resolved_at", "resolved_by", "result", "retries",
		"rule", "state", "status", "updated_at"};

	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		if (json_key_is(key, taken[i]))
			return true;
	return false;
}

/* A listing gives the sender's members back where they do not hide ours. */
static void
put_untaken(struct buf *out, struct span members)
{
	struct buf text;
	struct json object;

	if (members.len == 0)
		return;
	buf_init(&text, members.len + BRACES);
	buf_add_char(&text, '{');
	buf_add_span(&text, members);
	buf_add_char(&text, '}');
	if (json_read(buf_span(&text), &object, NULL) == 0)
		for (struct json_iter it = json_iter(object); json_next(&it);) {
			if (is_taken(it.key))
				continue;
			buf_add(out, ",\"", 2);
			buf_add_span(out, it.key);
			buf_add(out, "\":", 2);
			buf_add_span(out, it.value.raw);
		}
	out->failed |= text.failed;
	buf_free(&text);
}

void
put_job(struct buf *out, const struct job *job)
{
	json_put_member_string(out, "id", job->event_id);
	json_put_member_int(out, "job_id", job->id);
	put_present(out, "queue", job->queue);
	json_put_member_string(out, "state", span_of(job_state_name(job->state)));
	if (job->held)
		json_put_member_bool(out, "held", true);
	put_present(out, "endpoint", job->endpoint);
	put_present(out, "event_type", job->event_type);
	put_present(out, "ordering_key", job->ordering_key);
	json_put_member_int(out, "priority", job->priority);
	json_put_member_int(out, "attempt", job->attempt);
	json_put_member_int(out, "attempts_made", job->attempts_made);
	json_put_member_int(out, "max_attempts", job->max_attempts);
	put_nonzero(out, "crashes", job->crashes);
	put_instant(out, "run_at", job->run_at);
	json_put_member_time(out, "created_at", job->created_at);
	put_instant(out, "updated_at", job->updated_at);
	put_nonzero(out, "last_status", job->status);
	put_failure(out, &job->failure);
	put_known_request(out, &job->request);
	put_untaken(out, job->request.extra);
}

void
put_dead_letter(struct buf *out, const struct dead_letter *letter)
{
	put_job(out, &letter->job);
	json_put_member_string(out, "status", span_of(dead_status_name(letter->status)));
	json_put_member_string(
		out, "dead_reason", span_of(dead_reason_name(letter->reason)));
	json_put_member_time(out, "died_at", letter->died_at);
	put_instant(out, "first_died_at", letter->first_died_at);
	json_put_member_int(out, "retries", letter->retries);
	put_instant(out, "resolved_at", letter->resolved_at);
	if (letter->resolved_at != 0)
		json_put_member_bool(out, "delivered", letter->delivered);
	put_present(out, "resolved_by", letter->resolved_by);
	put_present(out, "note", letter->note);
}

static bool
any_phase(const struct phases *phases)
{
	return phases->dns_us >= 0 || phases->connect_us >= 0 || phases->tls_us >= 0 ||
		phases->first_byte_us >= 0 || phases->total_us >= 0;
}

static void
put_phase(struct buf *out, const char *key, int64_t us)
{
	if (us < 0)
		return;
	json_put_key(out, key);
	buf_add_int64(out, us / 1000);
	buf_add_char(out, '.');
	buf_add_char(out, (char)('0' + us / 100 % 10));
	buf_add_char(out, (char)('0' + us / 10 % 10));
	buf_add_char(out, (char)('0' + us % 10));
}

void
put_phases(struct buf *out, const struct phases *phases)
{
	if (!any_phase(phases))
		return;
	json_put_key(out, "phases");
	buf_add_char(out, '{');
	put_phase(out, "dns_ms", phases->dns_us);
	put_phase(out, "connect_ms", phases->connect_us);
	put_phase(out, "tls_ms", phases->tls_us);
	put_phase(out, "first_byte_ms", phases->first_byte_us);
	put_phase(out, "total_ms", phases->total_us);
	buf_add_char(out, '}');
}

/* As curl writes it: "1.0", "1.1", "2", "3". */
static void
put_http_version(struct buf *out, int version)
{
	if (version == 0)
		return;
	json_put_key(out, "http_version");
	buf_add_char(out, '"');
	buf_add_int64(out, version / 10);
	if (version < 20) {
		buf_add_char(out, '.');
		buf_add_int64(out, version % 10);
	}
	buf_add_char(out, '"');
}

void
put_attempt(struct buf *out, const struct attempt *attempt)
{
	bool again = attempt->outcome == ATTEMPT_RETRY;

	json_put_member_int(out, "attempt", attempt->number);
	json_put_member_time(out, "started_at", attempt->started_at);
	json_put_member_string(
		out, "outcome", span_of(attempt_outcome_name(attempt->outcome)));
	if (attempt->reported)
		json_put_member_bool(out, "reported", true);
	put_nonzero(out, "status", attempt->status);
	put_http_version(out, attempt->http_version);
	put_phases(out, &attempt->phases);
	put_present(out, "peer", attempt->peer);
	put_failure(out, &attempt->failure);
	if (again) {
		json_put_member_int(out, "delay_ms", attempt->delay_ms);
		json_put_member_int(out, "jitter_ms", attempt->jitter_ms);
	}
	if (attempt->snippet.len > 0)
		json_put_member_string(out, "snippet", attempt->snippet);
	put_nonzero(out, "worker", attempt->worker);
}

void
put_attempts(struct buf *out, const struct attempt *attempts, size_t count)
{
	json_put_key(out, "attempts");
	buf_add_char(out, '[');
	for (size_t i = 0; i < count; i++) {
		buf_add_text(out, i > 0 ? ",{" : "{");
		put_attempt(out, &attempts[i]);
		buf_add_char(out, '}');
	}
	buf_add_char(out, ']');
}
