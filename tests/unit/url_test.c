/* SPDX-License-Identifier: MIT */
#include "model/url.h"

#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
test_takes_targets(void)
{
	static const char *const urls[] = {"http://a", "https://api.acme.io/hook?a=b#c",
		"HTTPS://A.B:443/", "http://127.0.0.1:65535/x", "http://[::1]:8080/",
		"http://a:/", "http://a?x=@", "http://a/%2f"};

	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		struct err err;

		tap_case(urls[i]);
		CHECK_INT(url_check(span_of(urls[i]), &err), 0);
	}
	tap_case(NULL);
}

static void
test_refuses_everything_else(void)
{
	static const char *const urls[] = {"", "a", "//a/", "/x", "http:a", "http:///x",
		"http://", "ftp://a", "file:///etc/passwd", "http://u:p@a/",
		"http://u@a/", "http://a b/", "http://a/\n", "http://a/\x7f",
		"http://\xc3\xa9/", "http://a/%2", "http://a/%zz", "http://a:0/",
		"http://a:65536/", "http://a:-1/", "http://a:8a/", "http://[::1",
		"http://[::1]x/", "http://[x]/", "http://a\\b", "http://a/{}",
		"javascript:alert(1)", "http://a:1:2/"};

	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		struct err err;

		tap_case(urls[i]);
		CHECK_INT(url_check(span_of(urls[i]), &err), -1);
		CHECK_INT(err.kind, ERR_DATA);
		CHECK(span_starts(span_of(err.text), "url: "));
	}
	tap_case(NULL);
}

static void
test_bounds_the_length(void)
{
	static char url[URL_MAX + 1] = "http://a/";

	for (size_t i = 9; i < sizeof(url); i++)
		url[i] = 'x';
	CHECK_INT(url_check((struct span){url, URL_MAX}, NULL), 0);
	CHECK_INT(url_check((struct span){url, URL_MAX + 1}, NULL), -1);
}

static void
test_origin(void)
{
	static const struct {
		const char *url, *origin;
	} cases[] = {{"HTTPS://Api.Acme.IO/Hook", "https://api.acme.io"},
		{"https://a:443/", "https://a"}, {"http://a:80?x", "http://a"},
		{"http://a:443", "http://a:443"}, {"https://a:/", "https://a"},
		{"http://[::1]:8080/", "http://[::1]:8080"},
		{"http://a:0080/", "http://a"}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf origin;

		buf_init(&origin, 256);
		url_origin(span_of(cases[i].url), &origin);
		CHECK_SPAN(buf_span(&origin), cases[i].origin);
		buf_free(&origin);
	}
}

static void
test_methods(void)
{
	CHECK_INT(method_check(span_of("POST"), NULL), 0);
	CHECK_INT(method_check(span_of("x-custom"), NULL), 0);
	CHECK_INT(method_check(span_of(""), NULL), -1);
	CHECK_INT(method_check(span_of("POST /x HTTP/1.1\r\nHost: b"), NULL), -1);
	CHECK_INT(method_check(span_of("connect"), NULL), -1);
	CHECK_INT(method_check(span_of("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG"), NULL), -1);
}

static int
check_headers(const char *text, struct err *err)
{
	struct json headers;

	CHECK_INT(json_read(span_of(text), &headers, NULL), 0);
	return headers_check(headers, err);
}

static void
test_headers(void)
{
	struct err err;

	CHECK_INT(check_headers("{\"Host\":\"b\",\"X-A\":\"\\t\xc3\xa9\"}", &err), 0);
	CHECK_INT(check_headers("[]", &err), -1);
	CHECK_INT(check_headers("{\"A\":1}", &err), -1);
	CHECK_TEXT(err.text, "headers.A: not a string");
	CHECK_INT(check_headers("{\"content-length\":\"3\"}", &err), -1);
	CHECK_TEXT(err.text, "headers.content-length: is set by the delivery itself");
	CHECK_INT(check_headers("{\"Webhook-Id\":\"3\"}", &err), -1);
	CHECK_INT(check_headers("{\"X-A\":\"1\",\"b\":\"2\",\"x-a\":\"1\"}", &err), -1);
	CHECK_TEXT(err.text, "headers.x-a: given twice");
	CHECK_INT(check_headers("{\"A\":\"\\u0000\"}", &err), -1);
	CHECK_INT(check_headers("{\"A\":\"\\u000a\"}", &err), -1);
	CHECK_INT(check_headers("{\"A:b\":\"\"}", &err), -1);
	CHECK_INT(check_headers("{\"\":\"\"}", &err), -1);
}

static void
test_header_lines(void)
{
	struct span name, value;

	CHECK_INT(header_line_split(span_of("X-A: \t b:c \t"), &name, &value, NULL), 0);
	CHECK_SPAN(name, "X-A");
	CHECK_SPAN(value, "b:c");
	CHECK_INT(header_line_split(span_of("X-A:"), &name, &value, NULL), 0);
	CHECK_SPAN(value, "");
	CHECK_INT(header_line_split(span_of("X-A"), &name, &value, NULL), -1);
	CHECK_INT(header_line_split(span_of("X A: b"), &name, &value, NULL), -1);
	CHECK_INT(header_line_split(span_of("A: b\r\nC: d"), &name, &value, NULL), -1);
	CHECK_INT(header_line_split(span_of("A: b\n"), &name, &value, NULL), -1);
}

static void
test_names(void)
{
	CHECK_INT(endpoint_name_check(span_of("acme-1.eu_west"), NULL), 0);
	CHECK_INT(endpoint_name_check(span_of(""), NULL), -1);
	CHECK_INT(endpoint_name_check(span_of("-a"), NULL), -1);
	CHECK_INT(endpoint_name_check(span_of("a/b"), NULL), -1);
	CHECK_INT(event_type_check(span_of("invoice.paid \xc3\xa9"), NULL), 0);
	CHECK_INT(event_type_check(span_of("\xc2\x9b"
					   "31m"),
			  NULL),
		-1);
	CHECK_INT(event_type_check(span_of("a\x1b"), NULL), -1);
	CHECK_INT(event_type_check(span_of("\xff"), NULL), -1);
}

/* The part of the line before the tab, which is taken off with it. */
static struct span
take_field(struct span *line)
{
	const char *tab = memchr(line->ptr, '\t', line->len);
	struct span field = *line;

	if (tab == NULL)
		return (struct span){0};
	field.len = (size_t)(tab - line->ptr);
	*line = (struct span){tab + 1, line->len - field.len - 1};
	return field;
}

/* The URL is the inside of a JSON string; where it says PORT any port will do. */
static void
read_url(struct span text, struct buf *url)
{
	struct json string = {0};
	struct buf quoted;
	char *port;

	buf_init(&quoted, URL_MAX);
	buf_printf(&quoted, "\"%.*s\"", (int)text.len, text.ptr);
	port = memmem(quoted.data, quoted.len, "PORT", 4);
	if (port != NULL)
		memcpy(port, "8080", 4);
	CHECK_INT(json_read(buf_span(&quoted), &string, NULL), 0);
	json_to_text(string, url);
	buf_free(&quoted);
}

static bool
check_case(struct span line)
{
	struct span verdict = take_field(&line);
	struct buf url;

	if (!span_present(verdict) || !span_present(take_field(&line)))
		return false;
	buf_init(&url, URL_MAX);
	read_url(line, &url);
	tap_case(url.data);
	if (span_is(verdict, "door"))
		CHECK_INT(url_check(buf_span(&url), NULL), -1);
	else if (!span_is(verdict, "never"))
		CHECK_INT(url_check(buf_span(&url), NULL), 0);
	buf_free(&url);
	return true;
}

/* Those that are no URLs stop here; whether the others get anywhere, guard.bats tells. */
static void
test_the_table_of_forgeries(void)
{
	FILE *file = fopen("tests/fixtures/ssrf-cases.tsv", "r");
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;
	int count = 0;

	CHECK(file != NULL);
	while (file != NULL && (len = getline(&line, &cap, file)) > 0)
		if (line[0] != '#')
			count += check_case((struct span){line, (size_t)len - 1});
	tap_case(NULL);
	CHECK(count >= 400);
	free(line);
	if (file != NULL)
		fclose(file);
}

static void
test_same_origin(void)
{
	static const struct {
		const char *a, *b;
		bool same;
	} cases[] = {
		{"https://a.test/x", "HTTPS://A.test:443/y", true},
		{"http://a.test:80", "http://a.test", true},
		{"http://[::1]:8080/", "http://[::1]:8080/x", true},
		{"http://a.test", "https://a.test", false},
		{"http://a.test:8080", "http://a.test:8081", false},
		{"http://a.test", "http://a.test.b", false},
		{"http://ab.test", "http://a.test", false},
		{"a.test", "a.test", false},
		{"http://a.test", "", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct span a = span_of(cases[i].a), b = span_of(cases[i].b);

		tap_case(cases[i].b);
		CHECK_INT(url_same_origin(a, b), cases[i].same);
		CHECK_INT(url_same_origin(b, a), cases[i].same);
	}
	tap_case(NULL);
}

int
main(void)
{
	return tap_run((struct tap_test[]){TAP(test_takes_targets),
		TAP(test_refuses_everything_else), TAP(test_bounds_the_length),
		TAP(test_origin), TAP(test_same_origin), TAP(test_methods),
		TAP(test_headers), TAP(test_header_lines), TAP(test_names),
		TAP(test_the_table_of_forgeries), {0}});
}
