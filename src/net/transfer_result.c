/* SPDX-License-Identifier: MIT */
/*
 * What came of a transfer: mostly what libcurl says, and what the server did where
 * libcurl says something else.
 */
#include "net/transfer.h"

#include <string.h>

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
	/* What was parsed is no malformed URL: there was no memory to write it out. */
	if (code == CURLE_URL_MALFORMAT && transfer->target != NULL)
		return CURLE_OUT_OF_MEMORY;
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
		.body = buf_span(&response->body),
		.facts = &response->facts,
		.peer = read_peer(transfer),
		.http_version = read_http_version(transfer->easy),
	};
	read_phases(transfer->easy, result);
	if (result->blocked || (code != CURLE_OK && result->connect_us < 0))
		result->refused = transfer->gate.refused;
}
