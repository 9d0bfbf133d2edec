/* SPDX-License-Identifier: MIT */
#include "work/judge.h"

#include <stdio.h>
#include <string.h>

enum { REFUSED_TEXT_SIZE = REFUSED_MAX * ADDRESS_TEXT_SIZE };

static struct span
keep_peer(struct task *task, struct span peer)
{
	size_t len = peer.len < sizeof(task->peer) ? peer.len : sizeof(task->peer);

	memcpy(task->peer, peer.ptr, len);
	return len == 0 ? (struct span){0} : (struct span){task->peer, len};
}

static struct span
keep_snippet(const struct judge *judge, struct task *task, struct span body)
{
	size_t len = body.len < judge->snippet_bytes ? body.len : judge->snippet_bytes;

	if (len == 0)
		return (struct span){0};
	buf_add(&task->snippet, body.ptr, len);
	return buf_span(&task->snippet);
}

/* What every attempt has, tried or refused. */
static struct attempt
attempt_of(const struct judge *judge, const struct task *task)
{
	return (struct attempt){
		.number = task->delivery->attempts_made + 1,
		.started_at = task->started_at,
		.outcome = ATTEMPT_COMPLETED,
		.phases = {-1, -1, -1, -1, -1},
		.worker = judge->worker,
	};
}

/* Again or never: by the classification that the task holds. */
static void
settle_failure(const struct judge *judge, struct task *task, int64_t now)
{
	const struct classification *failure = &task->failure;
	const struct delivery *delivery = task->delivery;
	struct settle *settle = &task->settle;
	struct attempt *attempt = &settle->attempt;
	struct verdict verdict = backoff_decide(judge->policy, failure,
		delivery->attempt + 1, delivery->max_attempts, now, judge->rng);

	attempt->failure = (struct failure){
		.type = failure->type,
		.category = failure->category,
		.rule = span_of(failure->rule),
		.reason = span_of(failure->reason),
	};
	settle->judged_at = now;
	if (verdict.dead != DEAD_NOT) {
		settle->outcome = SETTLE_DEAD;
		settle->dead = verdict.dead;
		attempt->outcome = ATTEMPT_DEAD;
		return;
	}
	settle->outcome = SETTLE_RETRY;
	settle->run_at = verdict.run_at;
	attempt->outcome = ATTEMPT_RETRY;
	attempt->delay_ms = verdict.delay_ms;
	attempt->jitter_ms = verdict.jitter_ms;
}

/* A wait that the server asked for is meant for all that it is sent, not for one job. */
static int64_t
endpoint_not_before(const struct classification *failure, int64_t now)
{
	bool speaks_for_all = failure->status == 429 || failure->status == 503;
	int64_t not_before;

	if (!speaks_for_all || failure->retry_after_ms <= 0)
		return 0;
	if (__builtin_add_overflow(now, failure->retry_after_ms, &not_before))
		return INT64_MAX;
	return not_before;
}

static void
classify_result(const struct judge *judge, struct task *task,
	const struct transfer_result *result, int64_t now)
{
	const struct delivery *delivery = task->delivery;
	struct transfer_failure failure = {
		.curl_code = result->curl_code,
		.os_errno = result->os_errno,
		.status = result->status,
		.message = result->message,
		.body = result->body,
		.facts = *result->facts,
		.endpoint = delivery->endpoint,
		.event_type = delivery->event_type,
	};

	classify_transfer(judge->policy, &failure, now, &task->failure);
}

/* What is wrong with the job itself, whatever a policy makes of reports of failures. */
static void __attribute__((format(printf, 4, 5))) find_invalid(const struct judge *judge,
	struct task *task, const char *rule, const char *reason, ...)
{
	struct classification *failure = &task->failure;
	va_list args;

	*failure = classification_of(judge->policy, ERROR_VALIDATION);
	snprintf(failure->rule, sizeof(failure->rule), "%s", rule);
	va_start(args, reason);
	vsnprintf(failure->reason, sizeof(failure->reason), reason, args);
	va_end(args);
}

/* As --allow-net takes them. */
static void
list_refused(const struct refused *refused, char text[REFUSED_TEXT_SIZE])
{
	size_t len = 0;

	for (size_t i = 0; i < refused->count; i++) {
		if (i > 0)
			text[len++] = ',';
		address_format(&refused->addresses[i], text + len);
		len += strlen(text + len);
	}
}

/* The others of a name did not answer: perhaps it was this one that was meant. */
static void
tell_of_passed_over(struct classification *failure, const struct refused *refused)
{
	char networks[REFUSED_TEXT_SIZE];
	size_t len = strlen(failure->reason);

	list_refused(refused, networks);
	snprintf(failure->reason + len, sizeof(failure->reason) - len,
		"; %s was passed over as %s: --allow-net %s opens it", networks,
		refused->what, networks);
}

/* Whoever runs the worker may want it sent there, so the reason says how to allow
 * it. */
static void
judge_blocked(const struct judge *judge, struct task *task,
	const struct transfer_result *result, int64_t now)
{
	char address[ADDRESS_TEXT_SIZE], networks[REFUSED_TEXT_SIZE];

	address_format(&result->refused.addresses[0], address);
	list_refused(&result->refused, networks);
	find_invalid(judge, task, "blocked-address",
		"%s is %s; --allow-net %s opens it, or allow_net "
		"(whtools.conf(5))",
		address, result->refused.what, networks);
	task->failure.blocked = true;
	task->failure.retryable = false;
	settle_failure(judge, task, now);
}

void
judge_transfer(const struct judge *judge, struct task *task,
	const struct transfer_result *result, int64_t now)
{
	struct settle *settle = &task->settle;

	settle->attempt = attempt_of(judge, task);
	settle->attempt.status = result->status;
	settle->attempt.http_version = result->http_version;
	settle->attempt.phases = (struct phases){
		.dns_us = result->dns_us,
		.connect_us = result->connect_us,
		.tls_us = result->tls_us,
		.first_byte_us = result->first_byte_us,
		.total_us = result->total_us,
	};
	settle->attempt.peer = keep_peer(task, result->peer);
	settle->attempt.snippet = keep_snippet(judge, task, result->body);
	if (result->blocked) {
		judge_blocked(judge, task, result, now);
		return;
	}
	if (result->curl_code == 0 && result->status >= 200 && result->status < 300) {
		settle->outcome = SETTLE_COMPLETED;
		return;
	}
	classify_result(judge, task, result, now);
	if (result->refused.count > 0)
		tell_of_passed_over(&task->failure, &result->refused);
	settle->endpoint_not_before = endpoint_not_before(&task->failure, now);
	settle_failure(judge, task, now);
}

void
judge_refusal(
	const struct judge *judge, struct task *task, const struct err *why, int64_t now)
{
	find_invalid(judge, task, "not-sendable", "%s", why->text);
	task->settle.attempt = attempt_of(judge, task);
	settle_failure(judge, task, now);
}
