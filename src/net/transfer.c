/* SPDX-License-Identifier: MIT */
#include "net/transfer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	REQUEST_TEXT_MAX = 1024 * 1024, /* header lines, url and method together */
	FIRST_LINES = 16,
	PEER_MAX = 64,
	RECEIVE_BUFFER = 4096,     /* per transfer under way, and responses are short */
	CONNECTION_IDLE_MAX_S = 3, /* common servers close after five */
};

static int
status_of_line(struct span line)
{
	const char *space = memchr(line.ptr, ' ', line.len);
	struct span rest;
	int64_t status;

	if (space == NULL || line.ptr + line.len - space < 4)
		return 0;
	rest = (struct span){space + 1, 3};
	return span_to_int64(rest, &status) ? (int)status : 0;
}

static bool
speaks_http2(CURL *easy)
{
	long version = 0;

	curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
	return version == CURL_HTTP_VERSION_2_0;
}

static void
note_answer(struct transfer *transfer)
{
	struct response *response = &transfer->response;
	curl_off_t sent = 0;

	response->header_complete = true;
	if (transfer->mode != MODE_SEND || !speaks_http2(transfer->easy))
		return;
	curl_easy_getinfo(transfer->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
	response->early = (size_t)sent < transfer->body_bytes;
	second_look_start(&transfer->second_look);
}

/* libcurl hands over one header line at a time, interim responses' and trailers' too. */
static size_t
receive_header(char *bytes, size_t one, size_t len, void *context)
{
	struct transfer *transfer = context;
	struct response *response = &transfer->response;
	struct span line = {bytes, len};

	(void)one;
	response->header_bytes += len;
	response->headers_too_long = response->header_bytes > RESPONSE_HEADERS_READ;
	if (response->headers_too_long)
		return 0;
	if (response->header_complete)
		return len;
	if (span_starts(line, "HTTP/")) {
		response->status = status_of_line(line);
		buf_clear(&response->headers);
		return len;
	}
	if (span_trim(line).len == 0 && response->status >= 200)
		note_answer(transfer);
	else if (response->status >= 300)
		buf_add(&response->headers, bytes, len);
	return len;
}

static size_t
receive_body(char *bytes, size_t one, size_t len, void *context)
{
	struct transfer *transfer = context;
	struct response *response = &transfer->response;
	size_t room = transfer->snippet_bytes - response->body.len;

	(void)one;
	buf_add(&response->body, bytes, len < room ? len : room);
	response->body_bytes += len;
	response->body_too_long = response->body_bytes > RESPONSE_BODY_READ;
	return response->body_too_long ? 0 : len;
}

/*
 * Whether libcurl asks again because an HTTP/2 server wants HTTP/1.1, which is said by
 * what it leaves as the message: that, or (7.88) what it makes of the answer that is
 * missing. It has no words for its other reasons but those of a system call.
 */
static bool
goes_to_http1(const struct transfer *transfer)
{
	return strstr(transfer->message, "HTTP_1_1_REQUIRED") != NULL ||
		span_is(span_of(transfer->message), "Empty reply from server");
}

/*
 * When a connection that was kept or is shared ends without an answer, libcurl would send
 * the request again by itself; also when it thinks that the server refused it unread
 * (HTTP/2: REFUSED_STREAM), which can be left over from the handle's last transfer. But
 * what may have been taken once is only sent again as an attempt that counts.
 */
static bool
may_ask(struct transfer *transfer)
{
	long sent = 0;

	curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &sent);
	if (sent == 0)
		return true;
	transfer->lost = !goes_to_http1(transfer);
	transfer->message[0] = '\0';
	return !transfer->lost;
}

/* CURLOPT_PREREQFUNCTION */
static int
before_request(void *context, char *peer_ip, char *own_ip, int peer_port, int own_port)
{
	struct transfer *transfer = context;

	(void)own_ip;
	(void)peer_port;
	(void)own_port;
	return gate_lets_request(&transfer->gate, peer_ip) && may_ask(transfer)
		? CURL_PREREQFUNC_OK
		: CURL_PREREQFUNC_ABORT;
}

static void
set_constant_options(struct transfer *transfer)
{
	CURL *easy = transfer->easy;

	curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_NOPROXY, "*"); /* not to look for $no_proxy */
	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)RECEIVE_BUFFER);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->message);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, receive_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, receive_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_request);
	curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)CONNECTION_IDLE_MAX_S);
	/* A locked key is unusable: OpenSSL would ask for its passphrase at the
	 * terminal. */
	curl_easy_setopt(easy, CURLOPT_KEYPASSWD, "");
	/* Not to wait for a resolver that nobody needs any more. */
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
}

int
transfer_init(
	struct transfer *transfer, const struct client_options *options, struct err *err)
{
	*transfer = (struct transfer){
		.snippet_bytes = options->snippet_bytes,
		.user_agent = options->user_agent,
	};
	buf_init(&transfer->text, REQUEST_TEXT_MAX);
	buf_init(&transfer->peer, PEER_MAX);
	buf_init(&transfer->response.headers, RESPONSE_HEADERS_KEPT);
	buf_init(&transfer->response.body, options->snippet_bytes);
	transfer->easy = curl_easy_init();
	if (transfer->easy == NULL)
		return err_no_memory(err);
	set_constant_options(transfer);
	return 0;
}

void
transfer_free(struct transfer *transfer)
{
	curl_easy_cleanup(transfer->easy);
	target_drop(transfer->target);
	buf_free(&transfer->response.body);
	buf_free(&transfer->response.headers);
	buf_free(&transfer->peer);
	buf_free(&transfer->text);
	free(transfer->nodes);
	free(transfer->lines);
}

void
transfer_reset(struct transfer *transfer)
{
	struct response *response = &transfer->response;

	buf_clear(&transfer->text);
	transfer->line_count = 0;
	transfer->names_agent = false;
	buf_clear(&response->headers);
	buf_clear(&response->body);
	response->header_bytes = 0;
	response->body_bytes = 0;
	response->status = 0;
	response->header_complete = false;
	response->early = false;
	response->headers_too_long = false;
	response->body_too_long = false;
	transfer->lost = false;
	transfer->message[0] = '\0';
}

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

static int
set_tls(struct transfer *transfer, const struct transfer_request *request,
	const struct tls_defaults *tls, struct err *err)
{
	CURL *easy = transfer->easy;
	bool own = span_present(request->tls_ca);
	CURLcode code;

	if (transfer->tls_known && transfer->tls_ca == request->tls_ca.ptr &&
		transfer->tls_cert == request->tls_cert.ptr &&
		transfer->tls_key == request->tls_key.ptr)
		return 0;
	curl_easy_setopt(easy, CURLOPT_CAINFO, own ? NULL : tls->ca_file);
	curl_easy_setopt(easy, CURLOPT_CAPATH, own ? NULL : tls->ca_path);
	code = set_blob(easy, CURLOPT_CAINFO_BLOB, request->tls_ca);
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

/* What cannot be parsed is left to libcurl, which then says so. ERR_OS. */
static int
set_url(struct transfer *transfer, struct targets *targets, const char *url,
	struct err *err)
{
	struct target *target = targets_hold(targets, url);
	struct target *before = transfer->target;
	CURL *easy = transfer->easy;

	if (target == NULL && curl_easy_setopt(easy, CURLOPT_URL, url) != CURLE_OK)
		return err_no_memory(err);
	if (target != before)
		curl_easy_setopt(
			easy, CURLOPT_CURLU, target == NULL ? NULL : target->parsed);
	transfer->target = target;
	target_drop(before);
	return 0;
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
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST,
		method_is_implied(mode, request->method) ? NULL : method);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, header_list(transfer));
	curl_easy_setopt(
		easy, CURLOPT_CONNECTTIMEOUT_MS, timeout_of(request->connect_timeout_ms));
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout_of(request->timeout_ms));
	return set_url(transfer, targets, url, err);
}

static int64_t
time_info(CURL *easy, CURLINFO what)
{
	curl_off_t us = 0;

	curl_easy_getinfo(easy, what, &us);
	return us > 0 ? (int64_t)us : -1;
}

static void
read_phases(CURL *easy, struct transfer_result *result)
{
	long connections = 0;

	curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &connections);
	result->dns_us = result->connect_us = result->tls_us = -1;
	/* On a kept connection libcurl gives the moment it was found. */
	if (connections > 0) {
		result->dns_us = time_info(easy, CURLINFO_NAMELOOKUP_TIME_T);
		result->connect_us = time_info(easy, CURLINFO_CONNECT_TIME_T);
		result->tls_us = time_info(easy, CURLINFO_APPCONNECT_TIME_T);
	}
	result->first_byte_us = time_info(easy, CURLINFO_STARTTRANSFER_TIME_T);
	result->total_us = time_info(easy, CURLINFO_TOTAL_TIME_T);
}

/* "203.0.113.7:443", "[2001:db8::1]:443" */
static struct span
read_peer(struct transfer *transfer)
{
	struct buf *peer = &transfer->peer;
	char *ip = NULL;
	bool is_ipv6;
	long port = 0;

	curl_easy_getinfo(transfer->easy, CURLINFO_PRIMARY_IP, &ip);
	curl_easy_getinfo(transfer->easy, CURLINFO_PRIMARY_PORT, &port);
	if (ip == NULL || ip[0] == '\0')
		return (struct span){"", 0};
	is_ipv6 = strchr(ip, ':') != NULL;
	buf_clear(peer);
	if (is_ipv6)
		buf_add_char(peer, '[');
	buf_add_text(peer, ip);
	buf_add_text(peer, is_ipv6 ? "]:" : ":");
	buf_add_int64(peer, port);
	return buf_span(peer);
}

static int
read_http_version(CURL *easy)
{
	long version = 0;

	curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
	switch (version) {
	case CURL_HTTP_VERSION_1_0:
		return 10;
	case CURL_HTTP_VERSION_1_1:
		return 11;
	case CURL_HTTP_VERSION_2_0:
		return 20;
	case CURL_HTTP_VERSION_3:
		return 30;
	default:
		return 0;
	}
}

/*
 * Whether the server had said all that it had to say, and libcurl (7.88) failed to send
 * the rest of a request that was answered: to a stream that was over (a failure without a
 * word of its own), or as the last of a connection that is to be no more.
 */
static bool
answered_early(const struct transfer *transfer, CURLcode code)
{
	if (code == CURLE_HTTP2_STREAM)
		return transfer->message[0] == '\0';
	return code == CURLE_HTTP2 && transfer->response.early;
}

/*
 * An answer that came together with a reset of its stream, for the request is not needed
 * any more, is not handed to us; but libcurl keeps the status.
 */
static void
recover_status(struct transfer *transfer)
{
	struct curl_header *status;
	int64_t number;

	if (curl_easy_header(transfer->easy, ":status", 0, CURLH_PSEUDO, -1, &status) !=
		0)
		return;
	/* The last one is of the final response. */
	curl_easy_header(
		transfer->easy, ":status", status->amount - 1, CURLH_PSEUDO, -1, &status);
	if (!span_to_int64(span_of(status->value), &number) || number < 200)
		return;
	transfer->response.status = (int)number;
	transfer->response.header_complete = true;
}

/* libcurl's code, but where that does not say what the server did. */
static CURLcode
own_code(const struct transfer *transfer, CURLcode code)
{
	const struct response *response = &transfer->response;

	if (response->headers_too_long)
		return CURLE_WEIRD_SERVER_REPLY;
	/* A transfer that we broke off ourselves ended as its header says. */
	if (response->body_too_long)
		return CURLE_OK;
	if (transfer->lost)
		return response->header_complete ? CURLE_OK : CURLE_GOT_NOTHING;
	if (response->header_complete && answered_early(transfer, code))
		return CURLE_OK;
	/* Our own function takes what it gets: the bytes could not be unpacked. */
	if (code == CURLE_WRITE_ERROR)
		return CURLE_BAD_CONTENT_ENCODING;
	if (response->header_complete)
		return code;
	/* "Out of memory" also means a header line of more than 100 KiB. */
	if (code == CURLE_OUT_OF_MEMORY &&
		time_info(transfer->easy, CURLINFO_STARTTRANSFER_TIME_T) > 0)
		return CURLE_WEIRD_SERVER_REPLY;
	return code == CURLE_OK ? CURLE_WEIRD_SERVER_REPLY : code;
}

/* libcurl never clears it: it is of this transfer only if the failure was of a system
 * call. */
static int
own_errno(const struct transfer *transfer, CURLcode code)
{
	struct span message = span_of(transfer->message);
	long os_errno = 0;

	if (code == CURLE_COULDNT_CONNECT || span_starts(message, "Recv failure") ||
		span_starts(message, "Send failure"))
		curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &os_errno);
	return (int)os_errno;
}

/* libcurl's words for `code`, unless that is not the one that it gave. */
static struct span
own_message(const struct transfer *transfer, CURLcode code, CURLcode given)
{
	if (transfer->response.headers_too_long)
		return SPAN_LITERAL("response header larger than 256 KiB");
	if (code == CURLE_OK)
		return (struct span){"", 0};
	return span_of(code == given && transfer->message[0] != '\0'
			? transfer->message
			: curl_easy_strerror(code));
}

void
transfer_result_of(
	struct transfer *transfer, CURLcode given, struct transfer_result *result)
{
	const struct response *response = &transfer->response;
	CURLcode code;

	if (!response->header_complete && answered_early(transfer, given))
		recover_status(transfer);
	code = own_code(transfer, given);
	*result = (struct transfer_result){
		.curl_code = (int)code,
		.os_errno = own_errno(transfer, code),
		.status = response->header_complete ? response->status : 0,
		.message = own_message(transfer, code, given),
		.blocked = code != CURLE_OK && gate_blocks(&transfer->gate),
		.headers = buf_span(&response->headers),
		.body = buf_span(&response->body),
		.peer = read_peer(transfer),
		.http_version = read_http_version(transfer->easy),
	};
	read_phases(transfer->easy, result);
	if (result->blocked || (code != CURLE_OK && result->connect_us < 0))
		result->refused = transfer->gate.refused;
}
