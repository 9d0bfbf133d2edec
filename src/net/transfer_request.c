/* SPDX-License-Identifier: MIT */
/*
 * What is sent: libcurl is given a request, most of it as pieces of the transfer's own
 * memory, and only what is other than in the handle's last request is set anew.
 */
#include "net/transfer.h"

#include "net/texts.h"

#include <stdlib.h>

enum { FIRST_LINES = 16 };

static bool
grow_lines(struct transfer *transfer)
{
	size_t cap = transfer->line_cap == 0 ? FIRST_LINES : transfer->line_cap * 2;
	size_t *lines = realloc(transfer->lines, cap * sizeof(*lines));
	struct curl_slist *nodes;

	if (lines == NULL)
		return false;
	transfer->lines = lines;
	nodes = realloc(transfer->nodes, cap * sizeof(*nodes));
	if (nodes == NULL)
		return false;
	transfer->nodes = nodes;
	transfer->line_cap = cap;
	return true;
}

/* The caller adds the value, and a NUL. */
static struct buf *
open_line(struct transfer *transfer, struct span name, const char *separator)
{
	struct buf *text = &transfer->text;

	if (transfer->line_count == transfer->line_cap && !grow_lines(transfer))
		text->failed = true;
	else
		transfer->lines[transfer->line_count++] = text->len;
	buf_add_span(text, name);
	buf_add_text(text, separator);
	return text;
}

static void
add_line(struct transfer *transfer, struct span name, const char *separator,
	struct span value)
{
	struct buf *text = open_line(transfer, name, separator);

	buf_add_span(text, value);
	buf_add_char(text, '\0');
}

void
transfer_header(struct transfer *transfer, struct span name, struct span value)
{
	if (span_is_nocase(name, "user-agent"))
		transfer->names_agent = true;
	/* "Name:" would take the field out; "Name;" is libcurl's way to an empty one. */
	add_line(transfer, name, value.len == 0 ? ";" : ": ", value);
}

void
transfer_header_int(struct transfer *transfer, struct span name, int64_t value)
{
	struct buf *text = open_line(transfer, name, ": ");

	buf_add_int64(text, value);
	buf_add_char(text, '\0');
}

/* What is said of every request. CURLOPT_USERAGENT would be printed three times over. */
static void
add_common_lines(struct transfer *transfer)
{
	if (!transfer->names_agent)
		add_line(transfer, SPAN_LITERAL("User-Agent"), ": ",
			span_of(transfer->user_agent));
	/* No "100-continue" round trip: a bare "Expect:" takes the field out. */
	add_line(transfer, SPAN_LITERAL("Expect"), ":", (struct span){0});
}

/* The list is made in our own memory, not by a dozen curl_slist_append(). */
static struct curl_slist *
header_list(struct transfer *transfer)
{
	struct curl_slist *next = NULL;

	for (size_t i = transfer->line_count; i > 0; i--) {
		transfer->nodes[i - 1] = (struct curl_slist){
			.data = transfer->text.data + transfer->lines[i - 1],
			.next = next,
		};
		next = &transfer->nodes[i - 1];
	}
	return next;
}

static enum transfer_mode
mode_of(const struct transfer_request *request)
{
	if (span_is(request->method, "HEAD"))
		return MODE_HEAD;
	if (span_present(request->body) || span_is(request->method, "POST") ||
		span_is(request->method, "PUT") || span_is(request->method, "PATCH"))
		return MODE_SEND;
	return MODE_GET;
}

static void
set_mode(struct transfer *transfer, enum transfer_mode mode)
{
	static const CURLoption options[] = {
		[MODE_GET] = CURLOPT_HTTPGET,
		[MODE_HEAD] = CURLOPT_NOBODY,
		[MODE_SEND] = CURLOPT_POST,
	};

	if (mode == transfer->mode)
		return;
	curl_easy_setopt(transfer->easy, options[mode], 1L);
	transfer->mode = mode;
}

static void
set_body(struct transfer *transfer, struct span body)
{
	transfer->body_bytes = body.len;
	curl_easy_setopt(
		transfer->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.len);
	curl_easy_setopt(
		transfer->easy, CURLOPT_POSTFIELDS, body.ptr == NULL ? "" : body.ptr);
}

/* A copy, because a configuration may be replaced while a transfer is under way. */
static CURLcode
set_blob(CURL *easy, CURLoption option, struct span bytes)
{
	struct curl_blob blob = {(void *)bytes.ptr, bytes.len, CURL_BLOB_COPY};

	return curl_easy_setopt(easy, option, span_present(bytes) ? &blob : NULL);
}

/* Its own, or the system's. */
static CURLcode
set_authorities(CURL *easy, struct span own, const struct tls_defaults *tls)
{
	bool has_own = span_present(own);
	struct text_option texts[] = {
		{CURLOPT_CAINFO, has_own ? NULL : tls->ca_file},
		{CURLOPT_CAPATH, has_own ? NULL : tls->ca_path},
	};

	return set_texts(easy, texts, sizeof(texts) / sizeof(texts[0]))
		? set_blob(easy, CURLOPT_CAINFO_BLOB, own)
		: CURLE_OUT_OF_MEMORY;
}

static int
set_tls(struct transfer *transfer, const struct transfer_request *request,
	const struct tls_defaults *tls, struct err *err)
{
	CURL *easy = transfer->easy;
	CURLcode code;

	if (transfer->tls_known && transfer->tls_ca == request->tls_ca.ptr &&
		transfer->tls_cert == request->tls_cert.ptr &&
		transfer->tls_key == request->tls_key.ptr)
		return 0;
	code = set_authorities(easy, request->tls_ca, tls);
	if (code == CURLE_OK)
		code = set_blob(easy, CURLOPT_SSLCERT_BLOB, request->tls_cert);
	if (code == CURLE_OK)
		code = set_blob(easy, CURLOPT_SSLKEY_BLOB, request->tls_key);
	transfer->tls_known = code == CURLE_OK;
	transfer->tls_ca = request->tls_ca.ptr;
	transfer->tls_cert = request->tls_cert.ptr;
	transfer->tls_key = request->tls_key.ptr;
	/* Out of memory, or a libcurl that was built with other than OpenSSL. */
	return code == CURLE_OK
		? 0
		: err_set(err, ERR_OS, "TLS: %s", curl_easy_strerror(code));
}

/* libcurl takes a missing timeout for "for ever", and a long for the time. */
static long
timeout_of(int64_t ms)
{
	return ms < 1 ? 1 : ms < INT32_MAX ? (long)ms : INT32_MAX;
}

/* Whether libcurl sends that method by itself in that mode. */
static bool
method_is_implied(enum transfer_mode mode, struct span method)
{
	return mode == MODE_HEAD || (mode == MODE_GET && span_is(method, "GET")) ||
		(mode == MODE_SEND && span_is(method, "POST"));
}

/* libcurl wants NUL-terminated text; `text` does not move any more once this is done. */
static int
copy_target(struct transfer *transfer, const struct transfer_request *request,
	const char **url, const char **method, struct err *err)
{
	struct buf *text = &transfer->text;
	size_t url_at = text->len;

	buf_add_span(text, request->url);
	buf_add_char(text, '\0');
	buf_add_span(text, request->method);
	if (buf_check(text, err) != 0)
		return -1;
	*url = text->data + url_at;
	*method = text->data + url_at + request->url.len + 1;
	return 0;
}

/* Takes the target, which may be NULL. False if there was no memory. */
static bool
take_target(struct transfer *transfer, struct target *target)
{
	struct text_option option = {
		CURLOPT_REQUEST_TARGET, target == NULL ? NULL : target->in_request};
	CURL *easy = transfer->easy;

	target_drop(transfer->target);
	transfer->target = target;
	curl_easy_setopt(easy, CURLOPT_CURLU, target == NULL ? NULL : target->parsed);
	return set_texts(easy, &option, 1);
}

/* What cannot be parsed is left to libcurl, which then says so. ERR_OS. */
static int
set_url(struct transfer *transfer, struct targets *targets, const char *url,
	struct err *err)
{
	struct target *target = targets_hold(targets, url);

	if (target != NULL && target == transfer->target) {
		target_drop(target);
		return 0;
	}
	if (!take_target(transfer, target)) {
		take_target(transfer, NULL);
		return err_no_memory(err);
	}
	if (target == NULL &&
		curl_easy_setopt(transfer->easy, CURLOPT_URL, url) != CURLE_OK)
		return err_no_memory(err);
	return 0;
}

static bool
set_method(struct transfer *transfer, struct span method, const char *text)
{
	struct text_option option = {CURLOPT_CUSTOMREQUEST,
		method_is_implied(transfer->mode, method) ? NULL : text};

	return set_texts(transfer->easy, &option, 1);
}

int
transfer_prepare(struct transfer *transfer, const struct transfer_request *request,
	const struct tls_defaults *tls, struct targets *targets, struct err *err)
{
	enum transfer_mode mode = mode_of(request);
	CURL *easy = transfer->easy;
	const char *url, *method;

	add_common_lines(transfer);
	if (copy_target(transfer, request, &url, &method, err) != 0)
		return -1;
	set_mode(transfer, mode);
	if (mode == MODE_SEND)
		set_body(transfer, request->body);
	if (set_tls(transfer, request, tls, err) != 0)
		return -1;
	if (!set_method(transfer, request->method, method))
		return err_no_memory(err);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, header_list(transfer));
	curl_easy_setopt(
		easy, CURLOPT_CONNECTTIMEOUT_MS, timeout_of(request->connect_timeout_ms));
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout_of(request->timeout_ms));
	return set_url(transfer, targets, url, err);
}
