/* SPDX-License-Identifier: MIT */
/*
 * When a record runs. A new event runs when it asks to, or now. A failure runs when the
 * policy says, and not before it asks to; or it is dead on arrival.
 */
#include "cmd/whenqueue/enqueue.h"

#include "model/url.h"

static int
check_endpoint(
	const struct planner *planner, const struct record *record, struct err *err)
{
	if (!span_present(record->endpoint)) {
		if (!span_present(record->request.url))
			return err_set(err, ERR_DATA, "record has no url or endpoint");
		return 0;
	}
	/* With a url of its own it can be delivered whatever the name means. */
	if (span_present(record->request.url) || !planner->endpoints_known)
		return 0;
	if (config_endpoint(planner->config, record->endpoint) == NULL)
		return err_set(err, ERR_DATA,
			"endpoint: '%.*s' is not in the configuration",
			(int)record->endpoint.len, record->endpoint.ptr);
	return 0;
}

static int
name_endpoint(const struct record *record, struct arena *arena, struct event *event,
	struct err *err)
{
	struct buf origin;
	int failed;

	event->endpoint_named = span_present(record->endpoint);
	event->endpoint = record->endpoint;
	if (event->endpoint_named)
		return 0;
	buf_init(&origin, URL_MAX);
	url_origin(record->request.url, &origin);
	failed = buf_check(&origin, err);
	if (!failed)
		failed = arena_copy(arena, buf_span(&origin), &event->endpoint, err);
	buf_free(&origin);
	return failed;
}

/* ERR_DATA where the endpoint's name is too long for a key. */
static int
choose_order(const struct planner *planner, const struct record *record,
	struct event *event, struct err *err)
{
	event->ordering_key = record->ordering_key;
	if (span_present(event->ordering_key) || !planner->ordered)
		return 0;
	event->ordering_key = event->endpoint;
	if (!ordering_key_valid(event->ordering_key))
		return err_set(err, ERR_DATA,
			"ordering_key: the endpoint is too long for one; give a key");
	return 0;
}

static int
make_id(struct planner *planner, int64_t now, struct arena *arena, struct span *id,
	struct err *err)
{
	char text[EVENT_ID_SIZE];

	event_id_make(&planner->rng, now, text);
	return arena_copy(arena, span_of(text), id, err);
}

static int64_t
asked_run_at(const struct record *record, int64_t now)
{
	int64_t at = now;

	if (record->has_run_at)
		at = record->run_at;
	else if (record->has_delay)
		at = now + record->delay_ms;
	return at > now ? at : now;
}

/* A classification that stands in the record does not say which status it saw. */
static int
reported_status(const struct record *record)
{
	struct json value = record->from_curl ? json_get(record->whole, "http_code")
					      : json_get(record->http, "status");
	int64_t status = 0;

	if (!json_to_int64(value, &status) || status < 100 || status > 599)
		return 0;
	return (int)status;
}

static int
classify_report(const struct planner *planner, const struct record *record, int64_t now,
	struct classification *failure, struct err *err)
{
	const struct policy *policy = &planner->config->policy;

	if (record->classification.type == JSON_ABSENT) {
		classify(policy, record->whole, now, failure);
		return 0;
	}
	if (classification_read(policy, record->classification, failure, err) != 0)
		return err_context(err, "classification");
	if (failure->status == 0)
		failure->status = reported_status(record);
	return 0;
}

/* The attempt that other software made, as a row of ours. */
static struct attempt
reported_attempt(const struct event *event, const struct intake *intake, int64_t now)
{
	const struct classification *failure = intake->failure;

	return (struct attempt){
		.number = event->attempt,
		.started_at = now,
		.outcome = event->dead == DEAD_NOT ? ATTEMPT_RETRY : ATTEMPT_DEAD,
		.reported = true,
		.status = failure->status,
		.phases = {-1, -1, -1, -1, -1},
		.failure = {failure->type, failure->category, span_of(failure->rule),
			span_of(failure->reason)},
		.delay_ms = intake->delay_ms,
		.jitter_ms = intake->jitter_ms,
	};
}

/* The response's first bytes, where the report has them. */
static int
keep_snippet(const struct planner *planner, const struct record *record,
	struct arena *arena, struct span *snippet, struct err *err)
{
	struct json body = json_get(record->http, "body");
	struct buf text;
	int failed;

	if (body.type != JSON_STRING)
		return 0;
	buf_init(&text, body.raw.len);
	json_to_text(body, &text);
	failed = buf_check(&text, err);
	if (!failed) {
		*snippet = buf_span(&text);
		if (snippet->len > planner->config->limits.snippet_bytes)
			snippet->len = planner->config->limits.snippet_bytes;
		failed = arena_copy(arena, *snippet, snippet, err);
	}
	buf_free(&text);
	return failed;
}

static void
plan_retry(struct planner *planner, const struct record *record, int64_t now,
	struct intake *intake)
{
	struct event *event = intake->event;
	int64_t asked = asked_run_at(record, now);
	struct verdict verdict = backoff_decide(&planner->config->policy, intake->failure,
		event->attempt, event->max_attempts, now, &planner->rng);

	event->dead = verdict.dead;
	event->run_at = now;
	if (verdict.dead != DEAD_NOT)
		return;
	event->run_at = verdict.run_at;
	intake->delay_ms = verdict.delay_ms;
	intake->jitter_ms = verdict.jitter_ms;
	if (asked <= verdict.run_at)
		return;
	event->run_at = asked;
	intake->delay_ms = asked - now;
	intake->jitter_ms = 0;
}

static int
plan_failure(struct planner *planner, const struct record *record, int64_t now,
	struct arena *arena, struct intake *intake, struct err *err)
{
	struct event *event = intake->event;
	struct classification failure;
	struct span kept;

	if (classify_report(planner, record, now, &failure, err) != 0)
		return -1;
	if (arena_copy(arena, (struct span){(const char *)&failure, sizeof(failure)},
		    &kept, err) != 0)
		return -1;
	intake->failure = (const struct classification *)kept.ptr;
	event->attempt = record->attempt > 0 ? record->attempt : 1;
	plan_retry(planner, record, now, intake);
	event->reported = reported_attempt(event, intake, now);
	return keep_snippet(planner, record, arena, &event->reported.snippet, err);
}

/* A retry without the body that the first attempt had would be another event. */
static int
check_body(const struct record *record, struct err *err)
{
	int64_t sent = 0;

	if (!record->from_curl || record->request.body_kind != BODY_NONE ||
		!json_to_int64(json_get(record->whole, "size_upload"), &sent) ||
		sent <= 0)
		return 0;
	return err_set(err, ERR_DATA,
		"curl sent %lld byte%s that its report does not hold: "
		"add them as payload (jq -c '.payload=…')",
		(long long)sent, sent == 1 ? "" : "s");
}

int
event_plan(struct planner *planner, const struct record *record, int64_t now,
	struct arena *arena, struct intake *intake, struct err *err)
{
	struct event *event = intake->event;

	*event = (struct event){0};
	*intake = (struct intake){.event = event};
	if (check_endpoint(planner, record, err) != 0)
		return -1;
	if (record_is_success(record))
		return err_set(err, ERR_DATA,
			"nothing to retry: it reports a delivery that succeeded");
	if (check_body(record, err) != 0)
		return -1;
	event->id = record->id;
	event->event_type = record->event_type;
	event->request = record->request;
	event->priority = record->priority;
	event->max_attempts = record->max_attempts > 0
		? record->max_attempts
		: planner->config->policy.max_attempts;
	if (name_endpoint(record, arena, event, err) != 0 ||
		choose_order(planner, record, event, err) != 0)
		return -1;
	if (!span_present(event->id) &&
		make_id(planner, now, arena, &event->id, err) != 0)
		return -1;
	if (record_is_report(record))
		return plan_failure(planner, record, now, arena, intake, err);
	event->run_at = asked_run_at(record, now);
	intake->delay_ms = event->run_at - now;
	return 0;
}
