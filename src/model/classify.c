/* SPDX-License-Identifier: MIT */
/*
 * The order in which evidence counts, and what follows from it for the retry.
 */
#include "model/classify_internal.h"

#include <stdio.h>
#include <string.h>

enum { BODY_MAX = 65536, STATUS_GONE = 410, CURL_HTTP_ERROR = 22, CURL_RECV_ERROR = 56 };

static const enum error_type TYPE_OF[SAYS_COUNT] = {
	[SAYS_NOTHING] = ERROR_UNKNOWN,
	[SAYS_NETWORK] = ERROR_NETWORK,
	[SAYS_NETWORK_FINAL] = ERROR_NETWORK,
	[SAYS_RATE_LIMIT] = ERROR_RATE_LIMIT,
	[SAYS_SERVER] = ERROR_SERVER,
	[SAYS_DATABASE] = ERROR_DATABASE,
	[SAYS_DATABASE_FINAL] = ERROR_DATABASE,
	[SAYS_CLIENT] = ERROR_CLIENT,
	[SAYS_SIGNATURE] = ERROR_SIGNATURE,
	[SAYS_VALIDATION] = ERROR_VALIDATION,
	[SAYS_UNKNOWN] = ERROR_UNKNOWN,
};

void
classification_conclude(const struct policy *policy, struct classification *result)
{
	struct retry_rule rule = policy_rule(policy, result->type, result->retryable);

	result->category = rule.category;
	result->max_retries = rule.max_retries;
	result->base_delay_ms = rule.base_delay_ms;
	result->max_delay_ms = rule.max_delay_ms;
	result->multiplier = rule.multiplier;
}

struct classification
classification_of(const struct policy *policy, enum error_type type)
{
	struct classification result = {
		.type = type,
		.retryable = policy->types[type].retryable,
		.retry_after_ms = -1,
	};

	classification_conclude(policy, &result);
	return result;
}

/* A reset tells when a used-up quota comes back; while some is left it says nothing. */
static int64_t
wait_asked_for(const struct policy *policy, const struct response_facts *facts,
	enum error_type type, int64_t now)
{
	struct retry_hints hints = response_hints(facts);
	bool quota_left = facts->remaining[0] != '\0' &&
		!span_is(span_of(facts->remaining), "0");

	if (type != ERROR_RATE_LIMIT || quota_left)
		hints.ratelimit_reset = hints.x_ratelimit_reset = (struct span){0};
	return retry_after_ms(&hints, now, policy->retry_after_cap_ms);
}

static void
conclude(const struct policy *policy, const struct finding *finding,
	const struct response_facts *facts, int status, int64_t now,
	struct classification *result)
{
	bool final = finding->says == SAYS_NETWORK_FINAL ||
		finding->says == SAYS_DATABASE_FINAL;

	*result = (struct classification){
		.type = TYPE_OF[finding->says], .status = status, .retry_after_ms = -1};
	result->retryable = !final && policy->types[result->type].retryable;
	result->gone = finding->status == STATUS_GONE && !result->retryable;
	classification_conclude(policy, result);
	if (result->retryable)
		result->retry_after_ms = wait_asked_for(policy, facts, result->type, now);
	memcpy(result->rule, finding->rule, sizeof(result->rule));
	memcpy(result->reason, finding->reason, sizeof(result->reason));
}

static void
conclude_rule(const struct policy *policy, const struct match_rule *rule,
	const struct response_facts *facts, int status, int64_t now,
	struct classification *result)
{
	*result = (struct classification){
		.type = rule->type,
		.status = status,
		.retryable = rule->sets_retryable ? rule->retryable
						  : policy->types[rule->type].retryable,
		.retry_after_ms = -1,
	};
	classification_conclude(policy, result);
	result->gone = status == STATUS_GONE && !result->retryable;
	if (result->retryable)
		result->retry_after_ms = wait_asked_for(policy, facts, result->type, now);
	snprintf(result->rule, sizeof(result->rule), "policy:%.*s",
		(int)sizeof(result->rule) - 8, rule->name);
	snprintf(result->reason, sizeof(result->reason), "the policy's rule '%s' matches",
		rule->name);
}

static struct finding
no_evidence(bool answered)
{
	struct finding finding = {.weight = WEIGHT_HINT, .says = SAYS_UNKNOWN};
	const char *rule = answered ? "http-2xx" : "no-evidence";
	const char *reason = answered ? "the receiver answered without an error"
				      : "nothing in the report tells what failed";

	snprintf(finding.rule, sizeof(finding.rule), "%s", rule);
	snprintf(finding.reason, sizeof(finding.reason), "%s", reason);
	return finding;
}

static bool
member_is_throttling(struct json value)
{
	char text[128];
	struct span code = json_copy(value, text, sizeof(text));
	const char *hash = code.len == 0 ? NULL : memchr(code.ptr, '#', code.len);

	/* "com.amazonaws.dynamodb#ThrottlingException" */
	if (hash != NULL)
		code = (struct span){hash + 1, (size_t)(code.ptr + code.len - hash - 1)};
	return code_is_throttling(code);
}

static bool
layers_say_throttled(const struct evidence *evidence)
{
	static const char *const keys[] = {
		"name", "code", "Code", "__type", "reason", "type"};
	struct members error;

	for (size_t i = 0; i < evidence->layer_count; i++) {
		members_read(&error, evidence->layers[i].error);
		for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
			if (member_is_throttling(members_get(&error, keys[k])))
				return true;
	}
	return false;
}

static bool
body_says_throttled(struct span body)
{
	struct evidence inside;
	struct json value;

	if (body.len == 0 || body.len > BODY_MAX || json_read(body, &value, NULL) != 0)
		return false;
	evidence_gather(&inside, value);
	return layers_say_throttled(&inside) ||
		member_is_throttling(json_get(value, "__type"));
}

static bool
json_body_says_throttled(struct json body)
{
	char text[BODY_MAX + 2];

	if (body.type == JSON_OBJECT)
		return body_says_throttled(body.raw);
	return body.type == JSON_STRING &&
		body_says_throttled(json_copy(body, text, sizeof(text)));
}

/* Services that throttle with a 400 or 403 say so by a code of their own. */
static bool
is_throttled(const struct evidence *evidence)
{
	static const struct {
		const char *member, *below;
	} bodies[] = {{"http", "body"}, {"response", "body"}, {"error", "response.data"},
		{"error", "response.body"}};
	struct span type = span_of(evidence->facts.error_type);
	const char *colon = type.len == 0 ? NULL : memchr(type.ptr, ':', type.len);

	if (colon != NULL)
		type.len = (size_t)(colon - type.ptr);
	if (code_is_throttling(type) || layers_say_throttled(evidence))
		return true;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		if (json_body_says_throttled(members_path(
			    &evidence->report, bodies[i].member, bodies[i].below)))
			return true;
	return false;
}

static struct finding
throttled_finding(int status)
{
	struct finding finding = {
		.weight = WEIGHT_STATUS, .says = SAYS_RATE_LIMIT, .status = status};

	snprintf(finding.rule, sizeof(finding.rule), "http-%d-throttled", status);
	snprintf(finding.reason, sizeof(finding.reason),
		"the receiver answered %d with a code that means it throttles", status);
	return finding;
}

/* Amazon S3 answers 400 when the request's own bytes did not come in time. */
static bool
is_slow_upload(const struct evidence *evidence)
{
	struct members error;

	for (size_t i = 0; i < evidence->layer_count; i++) {
		members_read(&error, evidence->layers[i].error);
		if (json_is(members_get(&error, "name"), "RequestTimeout") ||
			json_is(members_get(&error, "code"), "RequestTimeout") ||
			json_is(members_get(&error, "Code"), "RequestTimeout"))
			return true;
	}
	return false;
}

static struct finding
judge_status(const struct evidence *evidence, int64_t now)
{
	int status = evidence->status;

	if ((status == 400 || status == 403) && is_throttled(evidence))
		return throttled_finding(status);
	if (status == 400 && is_slow_upload(evidence))
		return finding_make(WEIGHT_STATUS, SAYS_NETWORK, "code",
			SPAN_LITERAL("RequestTimeout"), "the request took too long");
	return status_judge(status, &evidence->facts, now);
}

static struct finding
judge_layers(const struct evidence *evidence)
{
	struct finding best = {0};

	for (size_t i = 0; i < evidence->layer_count; i++) {
		struct finding finding = layer_judge(&evidence->layers[i]);

		finding_take(&best, &finding);
	}
	return best;
}

/*
 * A transfer of curl's: a final status decides, even if the body was cut off behind it;
 * the status of a proxy that refused the tunnel stands elsewhere.
 */
static struct finding
judge_transfer(int64_t exit_code, int status, int proxy_status, struct span message,
	const struct response_facts *facts, int64_t now)
{
	if (exit_code == CURL_RECV_ERROR && status == 0 && proxy_status >= 400)
		return status_judge(proxy_status, facts, now);
	if (status >= 400 || (status >= 300 && exit_code == 0) ||
		(status > 0 && exit_code == CURL_HTTP_ERROR))
		return status_judge(status, facts, now);
	return curl_judge(exit_code, message);
}

static bool
is_curl_report(const struct members *report, int64_t *exit_code)
{
	return json_to_int64(members_get(report, "exitcode"), exit_code) &&
		(members_get(report, "errormsg").type != JSON_ABSENT ||
			members_get(report, "http_code").type == JSON_NUMBER ||
			members_get(report, "response_code").type == JSON_NUMBER);
}

static int
status_member(const struct members *report, const char *key)
{
	int64_t number;

	return json_to_int64(members_get(report, key), &number) && number >= 100 &&
			number <= 599
		? (int)number
		: 0;
}

static struct finding
judge_curl_report(struct evidence *evidence, int64_t exit_code, int64_t now)
{
	char message[512];
	int status = status_member(&evidence->report, "http_code");

	if (status == 0)
		status = status_member(&evidence->report, "response_code");
	evidence->status = status >= 300 ? status : 0;
	evidence->answered = status >= 200;
	return judge_transfer(exit_code, status,
		status_member(&evidence->report, "http_connect"),
		json_copy(members_get(&evidence->report, "errormsg"), message,
			sizeof(message)),
		&evidence->facts, now);
}

static struct finding
judge(struct evidence *evidence, int64_t now)
{
	struct finding finding;
	int64_t exit_code;

	if (is_curl_report(&evidence->report, &exit_code))
		finding = judge_curl_report(evidence, exit_code, now);
	else if (evidence->status != 0)
		finding = judge_status(evidence, now);
	else
		finding = judge_layers(evidence);
	return finding.weight != WEIGHT_NONE ? finding : no_evidence(evidence->answered);
}

static const struct match_rule *
matching_rule(const struct policy *policy, const struct evidence *evidence)
{
	char endpoint[128], event_type[128];
	struct rule_subject subject = {
		.status = evidence->status,
		.layers = evidence->layers,
		.layer_count = evidence->layer_count,
		.endpoint = json_copy(members_get(&evidence->report, "endpoint"),
			endpoint, sizeof(endpoint)),
		.event_type = json_copy(members_get(&evidence->report, "event_type"),
			event_type, sizeof(event_type)),
	};

	return policy_match(policy, &subject);
}

void
classify(const struct policy *policy, struct json report, int64_t now,
	struct classification *result)
{
	struct evidence evidence;
	struct finding finding;
	const struct match_rule *rule;

	evidence_gather(&evidence, report);
	finding = judge(&evidence, now);
	rule = policy->rule_count == 0 ? NULL : matching_rule(policy, &evidence);
	if (rule != NULL)
		conclude_rule(
			policy, rule, &evidence.facts, evidence.status, now, result);
	else
		conclude(policy, &finding, &evidence.facts, evidence.status, now, result);
}

static struct finding
judge_own_transfer(const struct transfer_failure *failure, int64_t now)
{
	struct finding finding = {0};

	if ((failure->status == 400 || failure->status == 403) &&
		(code_is_throttling(span_of(failure->facts.error_type)) ||
			body_says_throttled(failure->body)))
		return throttled_finding(failure->status);
	if (failure->os_errno != 0 && failure->status < 300 && failure->curl_code != 0)
		finding = errno_judge(failure->os_errno);
	/* errno is what the socket met last; only if it is about the network is it the
	 * cause of what libcurl reports in general. */
	if (finding.says == SAYS_NETWORK &&
		(failure->curl_code == 7 || failure->curl_code == 55 ||
			failure->curl_code == CURL_RECV_ERROR))
		return finding;
	return judge_transfer(failure->curl_code, failure->status, 0, failure->message,
		&failure->facts, now);
}

void
classify_transfer(const struct policy *policy, const struct transfer_failure *failure,
	int64_t now, struct classification *result)
{
	struct rule_subject subject = {
		.status = failure->status,
		.message = failure->message,
		.endpoint = failure->endpoint,
		.event_type = failure->event_type,
	};
	const struct match_rule *rule = policy_match(policy, &subject);
	struct finding finding;

	if (rule != NULL) {
		conclude_rule(
			policy, rule, &failure->facts, failure->status, now, result);
		return;
	}
	finding = judge_own_transfer(failure, now);
	if (finding.weight == WEIGHT_NONE)
		finding = no_evidence(failure->status >= 200);
	conclude(policy, &finding, &failure->facts, failure->status, now, result);
}
