/* SPDX-License-Identifier: MIT */
/*
 * Taking a report apart: where the status and the headers are, and which errors caused
 * which. Libraries agree on nothing, so several spellings of each are tried.
 */
#include "model/classify_internal.h"

#include <string.h>

/* Members that hold the error beneath an error, alone or in an array. */
static const char *const CAUSE_KEYS[] = {"cause", "causes", "errors", "error", "err",
	"exception", "reason", "parent", "original", "originalError", "original_error",
	"orig", "inner", "innerError", "innererror", "inner_error", "innerException",
	"InnerException", "inner_exception", "innerExceptions", "InnerExceptions",
	"previous", "driverError", "driverAdapterError", "nativeError", "nativeException",
	"source", "wrapped", "meta", "failure", "lastError", "last_error", "rootCause",
	"root_cause", "__cause__", "__context__", "writeErrors", "clientError", NULL};

static bool
is_one_of(struct span key, const char *const *names)
{
	for (; *names != NULL; names++)
		if (span_is(key, *names))
			return true;
	return false;
}

static void
add_layer(struct evidence *evidence, struct json error, int depth)
{
	if (evidence->layer_count < LAYERS_MAX && depth <= LAYER_DEPTH_MAX &&
		(error.type == JSON_OBJECT || error.type == JSON_STRING))
		evidence->layers[evidence->layer_count++] = (struct layer){error, depth};
}

static void
add_causes(struct evidence *evidence, const struct layer *layer)
{
	for (struct json_iter it = json_iter(layer->error); json_next(&it);) {
		bool is_list = it.value.type == JSON_ARRAY;

		if (!is_one_of(it.key, CAUSE_KEYS))
			continue;
		add_layer(evidence, it.value, layer->depth + 1);
		if (!is_list)
			continue;
		for (struct json_iter item = json_iter(it.value); json_next(&item);)
			add_layer(evidence, item.value, layer->depth + 1);
	}
}

/* Outermost first: the list is its own queue. */
static void
add_layers(struct evidence *evidence)
{
	struct json error = members_get(&evidence->report, "error");

	add_layer(
		evidence, error.type == JSON_OBJECT ? error : evidence->report.object, 0);
	for (size_t i = 0; i < evidence->layer_count; i++) {
		struct layer layer = evidence->layers[i];

		if (layer.error.type == JSON_OBJECT)
			add_causes(evidence, &layer);
	}
}

/* The new length: what does not fit is left out. */
static size_t
append(char *text, size_t len, size_t most, struct span piece)
{
	size_t step = piece.len < most - len ? piece.len : most - len;

	memcpy(text + len, piece.ptr, step);
	return len + step;
}

struct span
json_copy(struct json value, char *text, size_t size)
{
	size_t len = 0;

	if (value.type == JSON_NUMBER)
		len = append(text, 0, size - 1, value.raw);
	for (struct json_pieces it = json_pieces(value); json_next_piece(&it);)
		len = append(text, len, size - 1, it.piece);
	text[len] = '\0';
	return (struct span){text, len};
}

/* A status as a number or as digits; 0 if it is none. */
static int
read_status(struct json value)
{
	char text[8];
	int64_t number = 0;

	if (value.type == JSON_STRING && value.raw.len == 5)
		span_to_int64(json_copy(value, text, sizeof(text)), &number);
	else
		json_to_int64(value, &number);
	return number >= 100 && number <= 599 ? (int)number : 0;
}

static int
find_status(const struct members *object)
{
	static const struct {
		const char *member, *below;
	} places[] = {{"status", NULL}, {"statusCode", NULL}, {"status_code", NULL},
		{"StatusCode", NULL}, {"http_status", NULL}, {"httpStatus", NULL},
		{"httpStatusCode", NULL}, {"http_status_code", NULL}, {"httpCode", NULL},
		{"response", "status"}, {"response", "statusCode"},
		{"response", "status_code"}, {"response", "StatusCode"},
		{"$metadata", "httpStatusCode"}, {"$response", "statusCode"},
		{"meta", "statusCode"}, {"output", "statusCode"}, {"resp", "status"},
		{"ResponseMetadata", "HTTPStatusCode"},
		{"response", "ResponseMetadata.HTTPStatusCode"}};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		int status = read_status(
			members_path(object, places[i].member, places[i].below));

		if (status != 0)
			return status;
	}
	return 0;
}

static void
take_status(struct evidence *evidence, int status)
{
	if (evidence->status == 0 && status >= 300)
		evidence->status = status;
	else if (status != 0)
		evidence->answered = true;
}

static void
add_headers(struct evidence *evidence, const struct members *object)
{
	static const struct {
		const char *member, *below;
	} places[] = {{"headers", NULL}, {"response", "headers"},
		{"$response", "headers"}, {"meta", "headers"}, {"rawHeaders", NULL},
		{"response", "rawHeaders"}, {"responseHeaders", NULL}};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		response_facts_add_json(&evidence->facts,
			members_path(object, places[i].member, places[i].below));
}

/* What client libraries make of the header when they keep only that. */
static void
add_wait(struct evidence *evidence, const struct members *object)
{
	static const char *const keys[] = {"retryAfter", "retry_after"};
	int64_t seconds;

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		struct json value = members_get(object, keys[i]);

		if (evidence->facts.retry_after[0] == '\0' &&
			json_to_int64(value, &seconds) && seconds >= 0 &&
			seconds <= 86400)
			response_facts_add(
				&evidence->facts, SPAN_LITERAL("retry-after"), value.raw);
	}
}

static void
gather_statuses(struct evidence *evidence)
{
	struct members object;

	members_read(&object, members_get(&evidence->report, "http"));
	take_status(evidence, find_status(&object));
	take_status(evidence, find_status(&evidence->report));
	for (size_t i = 0; i < evidence->layer_count; i++) {
		members_read(&object, evidence->layers[i].error);
		take_status(evidence, find_status(&object));
	}
}

/* The response's own headers come last, so that they stay. */
static void
gather_headers(struct evidence *evidence)
{
	struct members object;

	for (size_t i = evidence->layer_count; i > 0; i--) {
		members_read(&object, evidence->layers[i - 1].error);
		add_headers(evidence, &object);
		add_wait(evidence, &object);
	}
	members_read(&object, members_get(&evidence->report, "response"));
	add_headers(evidence, &object);
	if (members_get(&evidence->report, "error").type != JSON_ABSENT)
		response_facts_add_json(
			&evidence->facts, members_get(&object, "headers"));
	members_read(&object, members_get(&evidence->report, "http"));
	add_headers(evidence, &object);
}

void
evidence_gather(struct evidence *evidence, struct json report)
{
	evidence->layer_count = 0;
	evidence->status = 0;
	evidence->answered = false;
	evidence->facts = (struct response_facts){0};
	members_read(&evidence->report, report);
	add_layers(evidence);
	gather_statuses(evidence);
	gather_headers(evidence);
}
