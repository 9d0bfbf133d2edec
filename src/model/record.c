/* SPDX-License-Identifier: MIT */
/*
 * A record is read by a table: a member's name, and the function that judges its value.
 * A member that is null is taken as absent (but a null payload is a payload), the last of
 * several with one name counts, and what no name fits is kept as it stands.
 */
#include "model/record.h"

#include "base/clock.h"
#include "model/url.h"

#include <string.h>

struct reader {
	struct record *record;
	struct arena *arena;
	struct span curl_url; /* url_effective */
	bool has_exitcode;
	bool has_payload_b64;
	size_t unknown_len; /* at most that much goes to `extra`, with a comma each */
};

/* A string's content: borrowed if it holds no escape, else decoded. */
static int
take_text(struct reader *reader, const char *name, struct json value, struct span *text,
	struct err *err)
{
	struct buf decoded;
	int failed;

	if (value.type != JSON_STRING)
		return err_set(err, ERR_DATA, "%s: not a string", name);
	*text = (struct span){value.raw.ptr + 1, value.raw.len - 2};
	if (memchr(text->ptr, '\\', text->len) == NULL)
		return 0;
	buf_init(&decoded, text->len);
	json_to_text(value, &decoded);
	failed = buf_check(&decoded, err);
	if (!failed)
		failed = arena_copy(reader->arena, buf_span(&decoded), text, err);
	buf_free(&decoded);
	return failed;
}

static int
take_int(const char *name, struct json value, int from, int to, int *number,
	struct err *err)
{
	int64_t wide;

	if (!json_to_int64(value, &wide) || wide < from || wide > to)
		return err_set(err, ERR_DATA, "%s: not a whole number from %d to %d",
			name, from, to);
	*number = (int)wide;
	return 0;
}

static int
read_id(struct reader *reader, struct json value, struct err *err)
{
	struct span *id = &reader->record->id;

	if (take_text(reader, "id", value, id, err) != 0)
		return -1;
	if (!event_id_valid(*id))
		return err_set(err, ERR_DATA, "id: not 1 to 256 bytes of printable text");
	return 0;
}

static int
read_url(struct reader *reader, struct json value, struct err *err)
{
	return take_text(reader, "url", value, &reader->record->request.url, err);
}

static int
read_endpoint(struct reader *reader, struct json value, struct err *err)
{
	return take_text(reader, "endpoint", value, &reader->record->endpoint, err);
}

static int
read_event_type(struct reader *reader, struct json value, struct err *err)
{
	struct span *type = &reader->record->event_type;

	if (take_text(reader, "event_type", value, type, err) != 0)
		return -1;
	return event_type_check(*type, err);
}

static int
read_ordering_key(struct reader *reader, struct json value, struct err *err)
{
	struct span *key = &reader->record->ordering_key;

	if (take_text(reader, "ordering_key", value, key, err) != 0)
		return -1;
	if (!ordering_key_valid(*key))
		return err_set(err, ERR_DATA,
			"ordering_key: not 1 to 256 bytes of printable text");
	return 0;
}

static int
read_method(struct reader *reader, struct json value, struct err *err)
{
	struct span *method = &reader->record->request.method;

	if (take_text(reader, "method", value, method, err) != 0)
		return -1;
	return method_check(*method, err);
}

static int
read_headers(struct reader *reader, struct json value, struct err *err)
{
	reader->record->request.headers = value.raw;
	return headers_check(value, err);
}

static int
read_payload(struct reader *reader, struct json value, struct err *err)
{
	struct request *request = &reader->record->request;

	if (reader->has_payload_b64)
		return err_set(
			err, ERR_DATA, "payload: payload_b64 is there too; give one");
	request->body = value.raw;
	request->body_kind = BODY_JSON;
	return 0;
}

static int
decode_body(struct reader *reader, struct span text, struct err *err)
{
	struct request *request = &reader->record->request;
	struct buf bytes;
	int failed;

	buf_init(&bytes, text.len);
	if (base64_decode(&bytes, text))
		failed = arena_copy(reader->arena, buf_span(&bytes), &request->body, err);
	else if (bytes.failed)
		failed = buf_check(&bytes, err);
	else
		failed = err_set(err, ERR_DATA,
			"payload_b64: not base64 (RFC 4648 section 4, padded)");
	buf_free(&bytes);
	return failed;
}

static int
read_payload_b64(struct reader *reader, struct json value, struct err *err)
{
	struct request *request = &reader->record->request;
	struct span text;

	if (request->body_kind == BODY_JSON)
		return err_set(
			err, ERR_DATA, "payload_b64: payload is there too; give one");
	if (take_text(reader, "payload_b64", value, &text, err) != 0)
		return -1;
	request->body_kind = BODY_RAW;
	reader->has_payload_b64 = true;
	return decode_body(reader, text, err);
}

static int
read_run_at(struct reader *reader, struct json value, struct err *err)
{
	struct record *record = reader->record;
	struct span text;

	if (take_text(reader, "run_at", value, &text, err) != 0)
		return -1;
	record->has_run_at = true;
	if (time_parse(text, &record->run_at, err) != 0)
		return err_context(err, "run_at");
	return 0;
}

static int
read_delay(struct reader *reader, struct json value, struct err *err)
{
	struct record *record = reader->record;
	struct span text;

	if (take_text(reader, "delay", value, &text, err) != 0)
		return -1;
	record->has_delay = true;
	if (duration_parse(text, &record->delay_ms, err) != 0)
		return err_context(err, "delay");
	if (record->delay_ms > DELAY_MAX_MS)
		return err_set(err, ERR_DATA, "delay: longer than ten years");
	return 0;
}

static int
read_priority(struct reader *reader, struct json value, struct err *err)
{
	reader->record->has_priority = true;
	return take_int("priority", value, PRIORITY_MIN, PRIORITY_MAX,
		&reader->record->priority, err);
}

static int
read_max_attempts(struct reader *reader, struct json value, struct err *err)
{
	return take_int("max_attempts", value, 1, ATTEMPTS_MAX,
		&reader->record->max_attempts, err);
}

static int
read_attempt(struct reader *reader, struct json value, struct err *err)
{
	return take_int("attempt", value, 0, ATTEMPTS_MAX, &reader->record->attempt, err);
}

static int
read_error(struct reader *reader, struct json value, struct err *err)
{
	(void)err;
	reader->record->error = value;
	return 0;
}

static int
read_http(struct reader *reader, struct json value, struct err *err)
{
	reader->record->http = value;
	if (value.type != JSON_OBJECT)
		return err_set(err, ERR_DATA, "http: not an object");
	return 0;
}

static int
read_classification(struct reader *reader, struct json value, struct err *err)
{
	reader->record->classification = value;
	if (value.type != JSON_OBJECT)
		return err_set(err, ERR_DATA, "classification: not an object");
	return 0;
}

static const struct member {
	const char *name;
	int (*read)(struct reader *reader, struct json value, struct err *err);
} MEMBERS[] = {
	{"id", read_id},
	{"url", read_url},
	{"endpoint", read_endpoint},
	{"event_type", read_event_type},
	{"ordering_key", read_ordering_key},
	{"method", read_method},
	{"headers", read_headers},
	{"payload", read_payload},
	{"payload_b64", read_payload_b64},
	{"run_at", read_run_at},
	{"delay", read_delay},
	{"priority", read_priority},
	{"max_attempts", read_max_attempts},
	{"attempt", read_attempt},
	{"error", read_error},
	{"http", read_http},
	{"classification", read_classification},
};

/* NULL for a name that is not ours. */
static const struct member *
find_member(struct span key)
{
	for (size_t i = 0; i < sizeof(MEMBERS) / sizeof(MEMBERS[0]); i++)
		if (json_key_is(key, MEMBERS[i].name))
			return &MEMBERS[i];
	return NULL;
}

/* From the quote before the name to the end of the value. */
static struct span
member_text(const struct json_iter *it)
{
	const char *from = it->key.ptr - 1;

	return (struct span){
		from, (size_t)(it->value.raw.ptr + it->value.raw.len - from)};
}

static int
read_unknown(struct reader *reader, const struct json_iter *it, struct err *err)
{
	reader->unknown_len += member_text(it).len + 1;
	if (span_is(it->key, "exitcode"))
		reader->has_exitcode = true;
	if (span_is(it->key, "url_effective") && it->value.type == JSON_STRING)
		return take_text(
			reader, "url_effective", it->value, &reader->curl_url, err);
	return 0;
}

static int
read_members(struct reader *reader, struct err *err)
{
	for (struct json_iter it = json_iter(reader->record->whole); json_next(&it);) {
		const struct member *member = find_member(it.key);
		int failed = 0;

		if (member == NULL)
			failed = read_unknown(reader, &it, err);
		else if (it.value.type != JSON_NULL || member->read == read_payload)
			failed = member->read(reader, it.value, err);
		if (failed)
			return -1;
	}
	return 0;
}

/* What curl measured is of no use to whoever reads the job later. */
static bool
is_extra(const struct record *record, struct span key)
{
	return find_member(key) == NULL &&
		!(record->from_curl && record_is_curl_variable(key));
}

/* Gathers the members that are not ours, once it is known how long they are. */
static int
keep_unknown(struct reader *reader, struct err *err)
{
	struct span *extra = &reader->record->request.extra;
	char *from, *to;

	if (reader->unknown_len == 0)
		return 0;
	from = to = arena_alloc(reader->arena, reader->unknown_len);
	if (from == NULL)
		return err_no_memory(err);
	for (struct json_iter it = json_iter(reader->record->whole); json_next(&it);) {
		struct span text = member_text(&it);

		if (!is_extra(reader->record, it.key))
			continue;
		memcpy(to, text.ptr, text.len);
		to[text.len] = ',';
		to += text.len + 1;
	}
	if (to > from)
		*extra = (struct span){from, (size_t)(to - from) - 1};
	return 0;
}

static bool
is_absolute(struct span url)
{
	return span_present(url) && memmem(url.ptr, url.len, "://", 3) != NULL;
}

/* Our listings show the origin of a url where no endpoint was named. */
static int
check_target(struct reader *reader, struct err *err)
{
	struct record *record = reader->record;
	struct span *url = &record->request.url;

	if (record->from_curl && !is_absolute(*url))
		*url = reader->curl_url;
	if (span_present(*url) && url_check(*url, err) != 0)
		return -1;
	if (!span_present(record->endpoint))
		return 0;
	if (!is_absolute(record->endpoint))
		return endpoint_name_check(record->endpoint, err);
	if (!span_present(*url))
		return err_set(err, ERR_DATA,
			"endpoint: a name is wanted here; a url belongs in url");
	record->endpoint = (struct span){0};
	return 0;
}

int
record_read(struct record *record, struct span line, struct arena *arena, struct err *err)
{
	struct reader reader = {.record = record, .arena = arena};

	*record = (struct record){0};
	if (json_read(line, &record->whole, err) != 0)
		return err_context(err, "not JSON");
	if (record->whole.type != JSON_OBJECT)
		return err_set(err, ERR_DATA, "not a JSON object");
	if (read_members(&reader, err) != 0)
		return -1;
	record->from_curl = reader.has_exitcode && span_present(reader.curl_url);
	if (record->has_run_at && record->has_delay)
		return err_set(err, ERR_DATA, "run_at: delay is there too; give one");
	if (check_target(&reader, err) != 0)
		return -1;
	return keep_unknown(&reader, err);
}

bool
record_is_report(const struct record *record)
{
	return record->from_curl || record->error.type != JSON_ABSENT ||
		record->http.type != JSON_ABSENT ||
		record->classification.type != JSON_ABSENT;
}

bool
record_is_success(const struct record *record)
{
	int64_t status = 0, exit_status = 0;

	if (record->from_curl) {
		if (!json_to_int64(json_get(record->whole, "exitcode"), &exit_status))
			return false;
		json_to_int64(json_get(record->whole, "http_code"), &status);
		return exit_status == 0 && status >= 200 && status <= 299;
	}
	if (record->error.type != JSON_ABSENT ||
		record->classification.type != JSON_ABSENT)
		return false;
	json_to_int64(json_get(record->http, "status"), &status);
	return status >= 200 && status <= 299;
}
