/* SPDX-License-Identifier: MIT */
/*
 * What may be a target, and what may stand in a request. Where our reading of a URL and
 * libcurl's differ, somebody could make us judge one host and connect to another.
 */
#include "target.h"

#include "model/redact.h"
#include "model/url.h"

#include <ctype.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { TEXT_MAX = 1024 * 1024 };

static void
put_curl_part(struct buf *out, CURLU *url, CURLUPart part)
{
	char *text = NULL;

	if (curl_url_get(url, part, &text, CURLU_DEFAULT_PORT) == CURLUE_OK)
		buf_add_text(out, text);
	curl_free(text);
}

/* "scheme://host:port" as libcurl sees it; empty if it does not take the URL. */
static void
put_curl_origin(struct buf *out, const char *text)
{
	CURLU *url = curl_url();

	if (curl_url_set(url, CURLUPART_URL, text, CURLU_DISALLOW_USER) == CURLUE_OK) {
		put_curl_part(out, url, CURLUPART_SCHEME);
		buf_add_text(out, "://");
		put_curl_part(out, url, CURLUPART_HOST);
		buf_add_char(out, ':');
		put_curl_part(out, url, CURLUPART_PORT);
	}
	curl_url_cleanup(url);
}

/* libcurl rewrites numbers and percent signs in a host, and zones; the others it must
 * read as we do. */
static bool
is_rewritten(struct span origin)
{
	const char *host = origin.ptr + strcspn(origin.ptr, "/") + 2;

	if (memchr(origin.ptr, '%', origin.len) != NULL || *host == '[')
		return true;
	return isdigit((unsigned char)*host);
}

static void
check_against_curl(struct span url, struct span origin)
{
	struct buf text, theirs, ours;

	buf_init(&text, TEXT_MAX);
	buf_init(&theirs, TEXT_MAX);
	buf_init(&ours, TEXT_MAX);
	buf_add_span(&text, url);
	put_curl_origin(&theirs, buf_span(&text).ptr);
	buf_add_span(&ours, origin);
	if (memchr(strstr(origin.ptr, "//"), ':', strlen(strstr(origin.ptr, "//"))) ==
		NULL)
		buf_add_text(
			&ours, span_starts_nocase(origin, "https:") ? ":443" : ":80");
	if (theirs.len > 0 && !is_rewritten(origin))
		HOLDS(strcasecmp(buf_span(&ours).ptr, buf_span(&theirs).ptr) == 0);
	buf_free(&text);
	buf_free(&theirs);
	buf_free(&ours);
}

static void
check_origin(struct span url)
{
	struct buf origin, again;

	buf_init(&origin, TEXT_MAX);
	buf_init(&again, TEXT_MAX);
	url_origin(url, &origin);
	HOLDS(origin.len > 0 && url_check(buf_span(&origin), NULL) == 0);
	for (size_t i = 0; i < origin.len; i++)
		HOLDS(!isupper((unsigned char)origin.data[i]));
	url_origin(buf_span(&origin), &again);
	HOLDS(span_equal(buf_span(&origin), buf_span(&again)));
	check_against_curl(url, buf_span(&origin));
	buf_free(&origin);
	buf_free(&again);
}

static void
check_redacted(struct span url)
{
	struct buf redacted, again;

	buf_init(&redacted, TEXT_MAX);
	buf_init(&again, TEXT_MAX);
	redact_url(&redacted, url);
	redact_url(&again, buf_span(&redacted));
	HOLDS(span_equal(buf_span(&redacted), buf_span(&again)));
	buf_free(&redacted);
	buf_free(&again);
}

void
fuzz_url(struct span input)
{
	struct err err = {0};

	check_redacted(input);
	if (url_check(input, &err) != 0) {
		HOLDS(err.kind == ERR_DATA && span_starts(span_of(err.text), "url: "));
		return;
	}
	HOLDS(fits_header(input) && is_harmless(input, false));
	HOLDS(memchr(input.ptr, ' ', input.len) == NULL && input.len <= URL_MAX);
	check_origin(input);
}

/* Names that would change how the request is framed. */
static bool
frames_request(struct span name)
{
	return span_is_nocase(name, "content-length") ||
		span_is_nocase(name, "transfer-encoding") ||
		span_is_nocase(name, "connection") || span_is_nocase(name, "expect");
}

static void
check_token(struct span name)
{
	HOLDS(name.len > 0);
	for (size_t i = 0; i < name.len; i++)
		HOLDS((unsigned char)name.ptr[i] > ' ' &&
			(unsigned char)name.ptr[i] < 0x7f &&
			strchr("\"(),/:;<=>?@[\\]{}", name.ptr[i]) == NULL);
}

static void
check_field(struct span name, struct span value)
{
	check_token(name);
	HOLDS(!frames_request(name) && fits_header(value));
}

/* After redaction the names are the same, and no secret's value is left. */
static void
check_headers(struct json headers)
{
	struct buf redacted;
	struct json object;
	struct json_iter before, after;

	buf_init(&redacted, TEXT_MAX);
	redact_headers(&redacted, headers.raw);
	HOLDS(json_read(buf_span(&redacted), &object, NULL) == 0);
	before = json_iter(headers);
	after = json_iter(object);
	while (json_next(&before)) {
		HOLDS(json_next(&after) && span_equal(before.key, after.key));
		HOLDS(name_is_secret(before.key)
				? json_is(after.value, REDACTED)
				: span_equal(before.value.raw, after.value.raw));
		check_field(before.key, (struct span){0});
	}
	HOLDS(!json_next(&after));
	buf_free(&redacted);
}

void
fuzz_header(struct span input)
{
	struct span name, value;
	struct json headers;

	if (header_line_split(input, &name, &value, NULL) == 0)
		check_field(name, value);
	if (json_read(input, &headers, NULL) == 0 && headers_check(headers, NULL) == 0)
		check_headers(headers);
	if (method_check(input, NULL) == 0)
		check_token(input);
	if (event_type_check(input, NULL) == 0)
		HOLDS(fits_header(input) && span_is_utf8(input));
	if (endpoint_name_check(input, NULL) == 0)
		HOLDS(is_harmless(input, false) && input.len <= ENDPOINT_NAME_MAX);
	if (event_id_valid(input))
		HOLDS(fits_header(input) && input.len <= EVENT_ID_MAX);
}
