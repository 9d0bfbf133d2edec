/* SPDX-License-Identifier: MIT */
/*
 * The request of a dead letter as a curl command that can be pasted into a shell and
 * sends the stored bytes, not one more or less.
 *
 * A short plain body stands in the command. Any other comes through a pipe from
 * `whdlq show --body`, because neither an argument vector nor a terminal carries every
 * byte. Secrets that the configuration keeps in files are read by the shell when it runs
 * the command, and reach curl by a descriptor, out of sight of ps; the others are
 * redacted unless the operator reveals them.
 */
#include "cmd/shell_word.h"
#include "cmd/whdlq/whdlq.h"

#include "model/url.h"

#include <string.h>

enum { INLINE_BODY_MAX = 1024, HEADER_LINE_MAX = 128 * 1024 };

static void
add_option(struct buf *out, const char *option, struct span value)
{
	buf_printf(out, " \\\n  %s ", option);
	shell_quote(out, value);
}

/* curl takes "Name:" as "send no such header", and "Name;" as an empty one. */
static void
add_header(struct buf *out, struct span name, struct span value)
{
	struct buf line;

	buf_init(&line, HEADER_LINE_MAX);
	buf_add_span(&line, name);
	buf_add_text(&line, value.len > 0 ? ": " : ";");
	buf_add_span(&line, value);
	add_option(out, "-H", buf_span(&line));
	out->failed |= line.failed;
	buf_free(&line);
}

/* A line of a here-document, in which the shell still expands what is not escaped. */
static void
put_header_from_file(struct buf *out, const struct config_header *header)
{
	for (size_t i = 0; i < header->name.len; i++) {
		if (strchr("$`", header->name.ptr[i]) != NULL)
			buf_add_char(out, '\\');
		buf_add_char(out, header->name.ptr[i]);
	}
	buf_add_text(out, ": $(cat ");
	shell_quote(out, header->file);
	buf_add_text(out, ")\n");
}

static bool
request_has_header(const struct request *request, const char *name)
{
	struct json headers;

	return span_present(request->headers) &&
		json_read(request->headers, &headers, NULL) == 0 &&
		json_get_nocase(headers, name).type != JSON_ABSENT;
}

/* Headers of the configuration, where the request does not say otherwise. */
static bool
add_configured_headers(struct buf *out, const struct curl_source *source)
{
	bool content_type = false;

	for (size_t i = 0; i < source->endpoint->header_count; i++) {
		const struct config_header *header = &source->endpoint->headers[i];

		if (request_has_header(source->request, header->name.ptr))
			continue;
		content_type |= span_is_nocase(header->name, "content-type");
		if (!span_present(header->value))
			continue; /* add_secret_headers() */
		if (!source->reveal && name_is_secret(header->name))
			add_header(out, header->name, SPAN_LITERAL(REDACTED));
		else
			add_header(out, header->name, header->value);
	}
	return content_type;
}

static void
add_request_headers(struct buf *out, struct span headers)
{
	struct buf value;
	struct json object;

	if (!span_present(headers) || json_read(headers, &object, NULL) != 0)
		return;
	buf_init(&value, HEADER_LINE_MAX);
	for (struct json_iter it = json_iter(object); json_next(&it);) {
		buf_clear(&value);
		json_to_text(it.value, &value);
		add_header(out, it.key, buf_span(&value));
		out->failed |= value.failed;
	}
	buf_free(&value);
}

static void
add_headers(struct buf *out, const struct curl_source *source)
{
	bool content_type = request_has_header(source->request, "content-type");

	if (source->endpoint != NULL)
		content_type |= add_configured_headers(out, source);
	add_request_headers(out, source->request->headers);
	if (!content_type)
		add_header(out, SPAN_LITERAL("Content-Type"),
			SPAN_LITERAL("application/json"));
	add_header(out, SPAN_LITERAL("webhook-id"), source->letter->job.event_id);
	buf_add_text(out, " \\\n  -H \"webhook-timestamp: $(date +%s)\"");
	buf_printf(out, " \\\n  -H 'webhook-attempt: %d'",
		source->letter->job.attempts_made + 1);
}

static void
add_tls(struct buf *out, const struct endpoint_config *endpoint)
{
	if (endpoint->tls_ca != NULL)
		add_option(out, "--cacert", span_of(endpoint->tls_ca->path));
	if (endpoint->tls_cert != NULL)
		add_option(out, "--cert", span_of(endpoint->tls_cert->path));
	if (endpoint->tls_key != NULL)
		add_option(out, "--key", span_of(endpoint->tls_key->path));
}

static bool
body_fits_command(struct buf *out, const struct request *request)
{
	return request->body.len <= INLINE_BODY_MAX && text_is_plain(out, request->body);
}

static void
add_body_source(struct buf *out, const struct curl_source *source)
{
	buf_add_text(out, "whdlq show --body");
	if (source->common->db != NULL) {
		buf_add_text(out, " --db ");
		shell_quote(out, span_of(source->common->db));
	}
	if (source->common->queue != NULL) {
		buf_add_text(out, " --queue ");
		shell_quote(out, span_of(source->common->queue));
	}
	buf_printf(out, " %lld |\n", (long long)source->letter->job.id);
}

static void
add_target(struct buf *out, const struct curl_source *source)
{
	struct buf url;

	buf_init(&url, REDACTED_URL_MAX);
	if (span_present(source->request->url))
		buf_add_span(&url, source->request->url);
	else if (source->endpoint != NULL && source->reveal)
		buf_add_span(&url, source->endpoint->url);
	else if (source->endpoint != NULL)
		redact_url(&url, source->endpoint->url);
	if (url.len > 0)
		add_option(out, "--url", buf_span(&url));
	else
		buf_add_text(out, " \\\n  --url \"${url:?of the endpoint}\"");
	out->failed |= url.failed;
	buf_free(&url);
}

static void
add_secret_headers(struct buf *out, const struct curl_source *source)
{
	struct buf lines;

	buf_init(&lines, HEADERS_MAX);
	for (size_t i = 0; i < source->endpoint->header_count; i++) {
		const struct config_header *header = &source->endpoint->headers[i];

		if (!span_present(header->value) &&
			!request_has_header(source->request, header->name.ptr))
			put_header_from_file(&lines, header);
	}
	if (lines.len > 0)
		buf_printf(out, " \\\n  -H @/dev/fd/3 3<<END\n%sEND", lines.data);
	out->failed |= lines.failed;
	buf_free(&lines);
}

void
curl_command_put(struct buf *out, const struct curl_source *source)
{
	const struct request *request = source->request;
	struct span method = span_present(request->method) ? request->method
							   : SPAN_LITERAL("POST");
	bool inline_body = body_fits_command(out, request);

	if (!inline_body)
		add_body_source(out, source);
	buf_add_text(out, "curl -sS --globoff --include -X ");
	shell_quote(out, method);
	add_headers(out, source);
	if (source->endpoint != NULL)
		add_tls(out, source->endpoint);
	if (!inline_body)
		buf_add_text(out, " \\\n  --data-binary @-");
	else if (request->body_kind != BODY_NONE)
		add_option(out, "--data-raw", request->body);
	add_target(out, source);
	if (source->endpoint != NULL)
		add_secret_headers(out, source);
}
