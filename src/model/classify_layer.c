/* SPDX-License-Identifier: MIT */
/*
 * What one error object says: its codes, its class name and its message.
 */
#include "model/classify_internal.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { CODE_TEXT_SIZE = 128 };

static struct json
first_of(const struct members *object, const char *const *keys, enum json_type type)
{
	for (; *keys != NULL; keys++) {
		struct json value = members_get(object, *keys);

		if (value.type == type)
			return value;
	}
	return (struct json){0};
}

static struct json
layer_code(const struct members *error)
{
	static const char *const keys[] = {
		"code", "errorCode", "error_code", "ErrorCode", "Code", NULL};
	struct json code = first_of(error, keys, JSON_STRING);

	return code.type == JSON_STRING ? code : first_of(error, keys, JSON_NUMBER);
}

struct json
layer_name(const struct members *error)
{
	static const char *const keys[] = {"name", "class", "exceptionClass",
		"exception_class", "exception", "errorType", "error_type",
		"exceptionType", "className", "__type", "@type", NULL};

	return first_of(error, keys, JSON_STRING);
}

struct json
layer_message(const struct members *error)
{
	static const char *const keys[] = {"message", "Message", "msg", "errmsg",
		"errorMessage", "error_message", "errormsg", "error_description",
		"sqlMessage", "originalMessage", "details", "detail", "description",
		"error", "stderr", "title", "stack", "reason", NULL};

	return error->object.type == JSON_STRING ? error->object
						 : first_of(error, keys, JSON_STRING);
}

/* What kind of software the error is of, as far as its numbers need it. */
struct context {
	struct span name;
	bool mongo, mysql, grpc, amqp, curl;
};

static bool
contains(struct span text, const char *part)
{
	size_t len = strlen(part);

	for (size_t i = 0; i + len <= text.len; i++)
		if (strncasecmp(text.ptr + i, part, len) == 0)
			return true;
	return false;
}

static bool
has(const struct members *error, const char *key)
{
	return members_get(error, key).type != JSON_ABSENT;
}

static struct context
context_of(const struct members *error, struct span name)
{
	return (struct context){
		.name = name,
		.mongo = contains(name, "mongo") || has(error, "codeName") ||
			has(error, "errorLabels"),
		.mysql = contains(name, "mysql") || has(error, "sqlMessage") ||
			has(error, "sqlState"),
		.grpc = contains(name, "grpc") || contains(name, "rpc") ||
			(has(error, "metadata") && has(error, "details")),
		.amqp = contains(name, "amqp") || contains(name, "ChannelClosed") ||
			(has(error, "classId") && has(error, "methodId")),
		.curl = contains(name, "curl"),
	};
}

/* An HTTP status that stands where a code should; heavier than names, not than codes. */
static struct finding
status_in_code(int64_t number)
{
	struct response_facts none = {0};
	struct finding finding;

	if (number < 400 || number > 599)
		return (struct finding){0};
	finding = status_judge((int)number, &none, 0);
	finding.weight = WEIGHT_CODE;
	return finding;
}

static struct finding
judge_number(const struct context *context, int64_t number, struct span message)
{
	struct finding finding;

	if (number < 0)
		return errno_judge(number);
	if (context->mongo)
		return mongo_judge(number);
	if (context->amqp)
		return amqp_judge(number);
	if (context->curl)
		return curl_judge(number, message);
	if (context->mysql) {
		finding = mysql_judge(number);
		if (finding.weight != WEIGHT_NONE)
			return finding;
	}
	if (number <= 16)
		return context->grpc ? grpc_judge(number) : (struct finding){0};
	finding = status_in_code(number);
	return finding.weight != WEIGHT_NONE ? finding : mysql_judge(number);
}

static struct finding
judge_code_member(const struct context *context, struct json value, struct span message)
{
	char text[CODE_TEXT_SIZE];
	struct span code = json_copy(value, text, sizeof(text));
	struct finding finding;
	int64_t number;

	if (value.type == JSON_NUMBER)
		return json_to_int64(value, &number)
			? judge_number(context, number, message)
			: (struct finding){0};
	finding = code_judge(code);
	if (finding.weight == WEIGHT_NONE && context->grpc)
		finding = grpc_name_judge(code);
	if (finding.weight == WEIGHT_NONE && span_to_int64(code, &number))
		finding = judge_number(context, number, message);
	/* Some runtimes have class names for codes: ConnectionRefused. */
	return finding.weight != WEIGHT_NONE ? finding : name_judge(code);
}

/* errno numbers of the system, or of MySQL, whose drivers use the same member. */
static struct finding
judge_errno_member(struct json value, bool has_code)
{
	struct finding finding = {0};
	int64_t number;

	if (!json_to_int64(value, &number))
		return finding;
	if (number >= 1000)
		finding = mysql_judge(number);
	if (finding.weight == WEIGHT_NONE && (!has_code || number > 0 || number < -20))
		finding = errno_judge(number);
	return finding;
}

static void
take_labels(struct finding *best, struct json labels)
{
	for (struct json_iter it = json_iter(labels); json_next(&it);) {
		char text[CODE_TEXT_SIZE];
		struct finding finding = database_code_judge(
			json_copy(it.value, text, sizeof(text)));

		/* A label says outright whether to retry, so it outweighs the code. */
		if (finding.weight == WEIGHT_CODE && finding.says == SAYS_DATABASE)
			*best = finding;
	}
}

static struct finding
judge_codes(
	const struct members *error, const struct context *context, struct span message)
{
	static const char *const keys[] = {"sqlState", "sqlstate", "SQLState",
		"sql_state", "pgcode", "code", "errorCode", "error_code", "ErrorCode",
		"Code", "codeName", "originalCode", "errno", "status", "reason",
		"Reason"};
	struct finding best = {0}, finding;
	struct json value;
	int64_t number;
	bool has_code = layer_code(error).type == JSON_STRING;

	/* MySQL's number knows more than its SQLSTATE: 1040 comes as 08004, 1205 as
	 * HY000. */
	finding = judge_errno_member(members_get(error, "errno"), has_code);
	finding_take(&best, &finding);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		value = members_get(error, keys[i]);
		if (value.type == JSON_NUMBER && strcasecmp(keys[i], "code") != 0 &&
			strcasecmp(keys[i], "errorCode") != 0)
			continue;
		if (value.type != JSON_STRING && value.type != JSON_NUMBER)
			continue;
		finding = judge_code_member(context, value, message);
		finding_take(&best, &finding);
	}
	if (json_to_int64(members_get(error, "number"), &number) &&
		best.weight < WEIGHT_CODE) {
		finding = sqlserver_judge(number);
		finding_take(&best, &finding);
	}
	if (json_to_int64(members_get(error, "errorNum"), &number)) {
		finding = oracle_judge(number);
		finding_take(&best, &finding);
	}
	take_labels(&best, members_get(error, "errorLabels"));
	return best;
}

static struct finding
judge_names(const struct members *error, struct span name)
{
	char text[CODE_TEXT_SIZE];
	struct span type = json_copy(members_get(error, "type"), text, sizeof(text));
	struct finding best = name_judge(name), finding = name_judge(type);

	finding_take(&best, &finding);
	finding = code_judge(type);
	if (finding.weight == WEIGHT_CODE)
		finding.weight = WEIGHT_NAME;
	finding_take(&best, &finding);
	return best;
}

static bool
is_database(enum says says)
{
	return says == SAYS_DATABASE || says == SAYS_DATABASE_FINAL;
}

static struct finding
judge_object(const struct members *error, struct span message)
{
	char text[CODE_TEXT_SIZE];
	struct context context = context_of(
		error, json_copy(layer_name(error), text, sizeof(text)));
	struct finding best = text_judge(message);
	struct finding name = judge_names(error, context.name);
	struct finding code = judge_codes(error, &context, message);

	finding_take(&best, &name);
	finding_take(&best, &code);
	/* "OperationalError: timed out" is the database's connection. */
	if (is_database(name.says) && best.says == SAYS_NETWORK)
		best.says = SAYS_DATABASE;
	return best;
}

struct finding
layer_judge(const struct layer *layer)
{
	struct members error;
	char text[MESSAGE_ROOM];
	struct span message;
	struct finding finding;

	members_read(&error, layer->error);
	message = message_ends(layer_message(&error), text);
	finding = layer->error.type == JSON_OBJECT ? judge_object(&error, message)
						   : text_judge(message);
	finding.depth = layer->depth;
	return finding;
}
