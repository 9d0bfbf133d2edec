/* SPDX-License-Identifier: MIT */
/*
 * What lasts from one request of a handle to the next, and what libcurl asks and hands
 * over while a transfer is under way.
 */
#include "net/transfer.h"

#include "net/texts.h"

#include <stdlib.h>
#include <string.h>

enum {
	REQUEST_TEXT_MAX = 1024 * 1024, /* header lines, url and method together */
	PEER_MAX = 64,
	RECEIVE_BUFFER = 4096, /* per transfer under way, and responses are short */
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
		response->facts = (struct response_facts){0};
		return len;
	}
	if (span_trim(line).len == 0 && response->status >= 200)
		note_answer(transfer);
	else if (response->status >= 300)
		response_facts_add_line(&response->facts, line);
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

static bool
set_constant_texts(CURL *easy)
{
	static const struct text_option texts[] = {
		{CURLOPT_PROTOCOLS_STR, "http,https"},
		{CURLOPT_PROXY, ""},
		{CURLOPT_NOPROXY, "*"}, /* not to look for $no_proxy */
		/* A locked key is unusable: OpenSSL would ask for its passphrase at the
		 * terminal. */
		{CURLOPT_KEYPASSWD, ""},
	};

	return set_texts(easy, texts, sizeof(texts) / sizeof(texts[0]));
}

static void
set_constant_options(struct transfer *transfer)
{
	CURL *easy = transfer->easy;

	curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
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
	buf_init(&transfer->response.body, options->snippet_bytes);
	transfer->easy = curl_easy_init();
	if (transfer->easy == NULL ||
		buf_reserve(&transfer->response.body, options->snippet_bytes) == NULL ||
		!set_constant_texts(transfer->easy))
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
	response->facts = (struct response_facts){0};
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
