/* SPDX-License-Identifier: MIT */
/*
 * A record that we take in is safe to send, and written out again it says the same.
 */
#include "target.h"

#include "model/record.h"
#include "model/url.h"

#include <string.h>

enum { TEXT_MAX = 16 * 1024 * 1024 };

static void
check_headers(struct span headers)
{
	struct json object;
	struct buf value;

	if (!span_present(headers))
		return;
	HOLDS(json_read(headers, &object, NULL) == 0);
	buf_init(&value, TEXT_MAX);
	for (struct json_iter it = json_iter(object); json_next(&it);) {
		buf_clear(&value);
		json_to_text(it.value, &value);
		HOLDS(fits_header(it.key) && fits_header(buf_span(&value)));
		HOLDS(memchr(it.key.ptr, ':', it.key.len) == NULL);
		HOLDS(!span_is_nocase(it.key, "content-length"));
		HOLDS(!span_is_nocase(it.key, "transfer-encoding"));
		HOLDS(!span_is_nocase(it.key, "webhook-id"));
	}
	buf_free(&value);
}

static void
check_safe(const struct record *record)
{
	const struct request *request = &record->request;

	HOLDS(fits_header(record->id) && fits_header(record->endpoint));
	HOLDS(fits_header(record->event_type) && fits_header(record->ordering_key));
	HOLDS(fits_header(request->method) && fits_header(request->url));
	HOLDS(!span_present(request->url) || url_check(request->url, NULL) == 0);
	HOLDS(!span_present(request->method) || method_check(request->method, NULL) == 0);
	check_headers(request->headers);
	HOLDS(record->delay_ms >= 0 && record->delay_ms <= DELAY_MAX_MS);
	HOLDS(record->priority >= PRIORITY_MIN && record->priority <= PRIORITY_MAX);
	HOLDS(record->attempt >= 0 && record->attempt <= ATTEMPTS_MAX);
}

/* A JSON payload is the very bytes of the line. */
static void
check_payload(const struct record *record, struct span line)
{
	const struct request *request = &record->request;

	if (request->body_kind != BODY_JSON)
		return;
	HOLDS(request->body.ptr >= line.ptr &&
		request->body.ptr + request->body.len <= line.ptr + line.len);
	HOLDS(span_equal(request->body, json_get(record->whole, "payload").raw));
}

static void
check_same(const struct request *before, const struct request *after)
{
	HOLDS(span_equal(before->url, after->url));
	HOLDS(span_equal(before->method, after->method));
	HOLDS(span_equal(before->headers, after->headers));
	HOLDS(before->body_kind == after->body_kind);
	HOLDS(span_equal(before->body, after->body));
	HOLDS(span_equal(before->extra, after->extra));
}

/* What put_request() writes is valid for the reader, and means the same. */
static void
check_written(const struct record *record, struct arena *arena)
{
	struct record again;
	struct buf line;

	buf_init(&line, TEXT_MAX);
	buf_add_char(&line, '{');
	put_request(&line, &record->request);
	buf_add_char(&line, '}');
	HOLDS(record_read(&again, buf_span(&line), arena, NULL) == 0);
	if (!again.from_curl)
		check_same(&record->request, &again.request);
	buf_free(&line);
}

void
fuzz_record(struct span input)
{
	struct record record;
	struct arena arena;
	struct err err = {0};

	arena_init(&arena);
	if (record_read(&record, input, &arena, &err) == 0) {
		check_safe(&record);
		check_payload(&record, input);
		HOLDS(!record_is_success(&record) || record_is_report(&record));
		check_written(&record, &arena);
	} else {
		HOLDS(err.kind == ERR_DATA && err.text[0] != '\0');
	}
	arena_free(&arena);
}
