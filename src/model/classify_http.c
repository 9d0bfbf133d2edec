/* SPDX-License-Identifier: MIT */
/*
 * What an HTTP status says, and the few headers that change it.
 */
#include "model/classify_internal.h"

#include <stdio.h>
#include <string.h>

static const struct {
	int status;
	const char *phrase;
} PHRASES[] = {
	{200, "OK"},
	{300, "Multiple Choices"},
	{301, "Moved Permanently"},
	{302, "Found"},
	{303, "See Other"},
	{304, "Not Modified"},
	{307, "Temporary Redirect"},
	{308, "Permanent Redirect"},
	{400, "Bad Request"},
	{401, "Unauthorized"},
	{402, "Payment Required"},
	{403, "Forbidden"},
	{404, "Not Found"},
	{405, "Method Not Allowed"},
	{406, "Not Acceptable"},
	{407, "Proxy Authentication Required"},
	{408, "Request Timeout"},
	{409, "Conflict"},
	{410, "Gone"},
	{411, "Length Required"},
	{412, "Precondition Failed"},
	{413, "Payload Too Large"},
	{413, "Content Too Large"},
	{413, "Request Entity Too Large"},
	{414, "URI Too Long"},
	{415, "Unsupported Media Type"},
	{416, "Range Not Satisfiable"},
	{417, "Expectation Failed"},
	{418, "I'm a teapot"},
	{421, "Misdirected Request"},
	{422, "Unprocessable Entity"},
	{422, "Unprocessable Content"},
	{423, "Locked"},
	{424, "Failed Dependency"},
	{425, "Too Early"},
	{426, "Upgrade Required"},
	{428, "Precondition Required"},
	{429, "Too Many Requests"},
	{431, "Request Header Fields Too Large"},
	{451, "Unavailable For Legal Reasons"},
	{500, "Internal Server Error"},
	{501, "Not Implemented"},
	{502, "Bad Gateway"},
	{502, "Proxy Error"},
	{503, "Service Unavailable"},
	{503, "Service Temporarily Unavailable"},
	{504, "Gateway Timeout"},
	{504, "Gateway Time-out"},
	{505, "HTTP Version Not Supported"},
	{507, "Insufficient Storage"},
	{508, "Loop Detected"},
	{511, "Network Authentication Required"},
	{520, "Web Server Returned an Unknown Error"},
	{521, "Web Server Is Down"},
	{522, "Connection Timed Out"},
	{523, "Origin Is Unreachable"},
	{524, "A Timeout Occurred"},
	{529, "Overloaded"},
};

const char *
status_phrase(int status)
{
	for (size_t i = 0; i < sizeof(PHRASES) / sizeof(PHRASES[0]); i++)
		if (PHRASES[i].status == status)
			return PHRASES[i].phrase;
	return NULL;
}

int
status_of_phrase(struct span text)
{
	for (size_t i = 0; i < sizeof(PHRASES) / sizeof(PHRASES[0]); i++)
		if (PHRASES[i].status >= 400 && PHRASES[i].status <= 511 &&
			span_is_nocase(text, PHRASES[i].phrase))
			return PHRASES[i].status;
	return 0;
}

static bool
asks_to_wait(const struct response_facts *facts, int64_t now)
{
	struct retry_hints hints = {
		.retry_after = span_of(facts->retry_after), .date = span_of(facts->date)};

	return retry_after_ms(&hints, now, INT64_MAX) >= 0;
}

static enum says
says_of_status(int status)
{
	switch (status) {
	case 408:
	case 425:
		return SAYS_NETWORK;
	case 420:
	case 429:
		return SAYS_RATE_LIMIT;
	default:
		return status < 300    ? SAYS_UNKNOWN
			: status < 500 ? SAYS_CLIENT
				       : SAYS_SERVER;
	}
}

static void
name_rule(struct finding *finding, int status)
{
	static const int own_rule[] = {408, 410, 413, 420, 425, 429};

	snprintf(finding->rule, sizeof(finding->rule), "http-%dxx", status / 100);
	for (size_t i = 0; i < sizeof(own_rule) / sizeof(own_rule[0]); i++)
		if (own_rule[i] == status)
			snprintf(finding->rule, sizeof(finding->rule), "http-%d", status);
}

struct finding
status_judge(int status, const struct response_facts *facts, int64_t now)
{
	struct finding finding = {.weight = WEIGHT_STATUS,
		.says = says_of_status(status),
		.status = status};
	const char *phrase = status_phrase(status);
	const char *because = "";

	name_rule(&finding, status);
	if (status == 413 && asks_to_wait(facts, now)) {
		finding.says = SAYS_RATE_LIMIT;
		because = " and asked to wait";
	} else if (status == 403 && span_is(span_of(facts->remaining), "0")) {
		finding.says = SAYS_RATE_LIMIT;
		because = ", no requests remaining";
	} else if (status == 403 && asks_to_wait(facts, now)) {
		finding.says = SAYS_RATE_LIMIT;
		because = " and asked to wait";
	}
	if (because[0] != '\0')
		snprintf(
			finding.rule, sizeof(finding.rule), "http-%d-rate-limit", status);
	snprintf(finding.reason, sizeof(finding.reason), "the receiver answered %d%s%s%s",
		status, phrase == NULL ? "" : " ", phrase == NULL ? "" : phrase, because);
	return finding;
}
