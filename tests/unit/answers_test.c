/* SPDX-License-Identifier: MIT */
/* What the client asks, and says of answers, of those that are none, and of who cannot be
 * asked. */
#include "client_fixture.h"

#include <errno.h>

/* A buffer of its own for an answer that is too long to be written down. */
static struct buf
long_answer(const char *head, const char *line, size_t line_bytes, size_t lines)
{
	struct buf text;

	buf_init(&text, SIZE_MAX);
	buf_add_text(&text, head);
	for (size_t i = 0; i < lines; i++) {
		buf_add_text(&text, line);
		for (size_t k = 0; k < line_bytes; k++)
			buf_add_char(&text, 'x');
		buf_add_text(&text, "\r\n");
	}
	buf_add_text(&text, "\r\n");
	CHECK_INT(buf_check(&text, NULL), 0);
	return text;
}

static void
test_snippets_and_headers(void)
{
	struct net net;

	net_start(&net, 1);
	ask_and_wait(&net, "/");
	CHECK_TEXT(net.outcomes.retry_after, "");
	CHECK_TEXT(net.outcomes.body, "fine");
	net.server.answer = SPAN_LITERAL("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
					 "HTTP/1.1 429 Slowly\r\nRetry-After: 7\r\n"
					 "Transfer-Encoding: chunked\r\n\r\n"
					 "14\r\n0123456789abcdefghij\r\n"
					 "0\r\nRetry-After: 9\r\n\r\n");
	ask_and_wait(&net, "/");
	CHECK_INT(net.outcomes.curl_code, CURLE_OK);
	CHECK_INT(net.outcomes.status, 429);
	CHECK_TEXT(net.outcomes.retry_after, "7");
	CHECK_TEXT(net.outcomes.body, "0123456789abcdef");
	net_stop(&net);
}

static void
test_headers_without_end_are_broken_off(void)
{
	struct buf text = long_answer("HTTP/1.1 200 OK\r\n", "X: ", 60 * 1000, 10);
	struct net net;

	net_start(&net, 1);
	net.server.answer = buf_span(&text);
	ask_and_wait(&net, "/");
	CHECK_INT(net.outcomes.curl_code, CURLE_WEIRD_SERVER_REPLY);
	CHECK_INT(net.outcomes.status, 0);
	CHECK_TEXT(net.outcomes.message, "response header larger than 256 KiB");
	net_stop(&net);
	buf_free(&text);
}

/* libcurl says that memory is out. */
static void
test_a_header_line_without_end_is_the_servers_fault(void)
{
	struct buf text = long_answer("HTTP/1.1 200 OK\r\n", "X: ", 200 * 1000, 1);
	struct net net;

	net_start(&net, 1);
	net.server.answer = buf_span(&text);
	ask_and_wait(&net, "/");
	CHECK_INT(net.outcomes.curl_code, CURLE_WEIRD_SERVER_REPLY);
	CHECK_INT(net.outcomes.status, 0);
	net_stop(&net);
	buf_free(&text);
}

static void
test_the_status_of_an_endless_body_counts(void)
{
	struct buf text = long_answer(
		"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n", "", 1000, 2000);
	struct net net;

	net_start(&net, 1);
	net.server.answer = buf_span(&text);
	ask_and_wait(&net, "/");
	CHECK_INT(net.outcomes.curl_code, CURLE_OK);
	CHECK_INT(net.outcomes.status, 200);
	CHECK_TEXT(net.outcomes.body, "xxxxxxxxxxxxxxxx");
	net.server.answer = FINE;
	ask_and_wait(&net, "/");
	CHECK_TEXT(net.outcomes.body, "fine");
	CHECK_INT((int64_t)net.server.accepted, 2);
	net_stop(&net);
	buf_free(&text);
}

/* No gzip at all, and what follows after its end, which libcurl takes for our failure. */
static void
test_bodies_that_cannot_be_unpacked(void)
{
	static const struct span bodies[] = {
		SPAN_LITERAL("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"
			     "5\r\nplain\r\n0\r\n\r\n"),
		SPAN_LITERAL("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"
			     "14\r\n\x1f\x8b\x08\0\0\0\0\0\0\3\3\0\0\0\0\0\0\0\0\0\r\n"
			     "4\r\nmore\r\n0\r\n\r\n"),
	};
	struct net net;

	net_start(&net, 1);
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		net.server.answer = bodies[i];
		ask_and_wait(&net, "/");
		CHECK_INT(net.outcomes.curl_code, CURLE_BAD_CONTENT_ENCODING);
		CHECK_INT(net.outcomes.status, 200);
	}
	net_stop(&net);
}

/* libcurl would send it again by itself. */
static void
test_what_a_kept_connection_took_along_is_asked_once(void)
{
	struct net net;

	net_start(&net, 1);
	ask_and_wait(&net, "/");
	ask_and_wait(&net, "/dropped");
	CHECK_INT(net.outcomes.curl_code, CURLE_GOT_NOTHING);
	CHECK_INT(net.outcomes.status, 0);
	CHECK_INT((int64_t)net.server.requests, 2);
	net_stop(&net);
}

static void
test_what_is_said_unasked_is_no_answer(void)
{
	struct net net;

	net_start(&net, 1);
	ask_and_wait(&net, "/");
	answer(net.server.peers[0],
		SPAN_LITERAL("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"));
	while (net.server.open > 0 && !net.late)
		step(&net);
	ask_and_wait(&net, "/");
	CHECK_INT((int64_t)net.outcomes.delivered, 2);
	CHECK_INT((int64_t)net.server.accepted, 2);
	net_stop(&net);
}

static void
test_addresses_are_judged(void)
{
	struct net net;

	net_start(&net, 1);
	ask_and_wait(&net, "/");
	net.refusal = "an address of a test";
	ask_and_wait(&net, "/"); /* over the kept connection */
	CHECK(net.outcomes.curl_code != CURLE_OK);
	CHECK(net.outcomes.blocked);
	CHECK_INT((int64_t)net.outcomes.refused, 1);
	CHECK_INT((int64_t)net.server.requests, 1);
	start(&net, "http://[::1]:9/");
	wait_done(&net, 3);
	CHECK(net.outcomes.curl_code != CURLE_OK);
	CHECK(net.outcomes.blocked);
	CHECK_INT((int64_t)net.outcomes.refused, 1);
	net_stop(&net);
}

/* Bound, and not listening. */
static void
test_nobody_listens(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char url[64];
	struct net net;

	CHECK_INT(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	CHECK_INT(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/", ntohs(address.sin_port));
	net_start(&net, 1);
	start(&net, url);
	wait_done(&net, 1);
	CHECK_INT(net.outcomes.curl_code, CURLE_COULDNT_CONNECT);
	CHECK_INT(net.outcomes.os_errno, ECONNREFUSED);
	CHECK(!net.outcomes.blocked);
	net_stop(&net);
	close(fd);
}

static void
test_what_is_no_url_fails_as_a_transfer(void)
{
	struct net net;

	net_start(&net, 1);
	start(&net, "http://exa mple/");
	wait_done(&net, 1);
	CHECK_INT(net.outcomes.curl_code, CURLE_URL_MALFORMAT);
	start(&net, "http://user:secret@127.0.0.1/");
	wait_done(&net, 2);
	CHECK_INT(net.outcomes.curl_code, CURLE_LOGIN_DENIED);
	ask_and_wait(&net, "/");
	CHECK_INT((int64_t)net.outcomes.delivered, 1);
	net_stop(&net);
}

static void
test_a_request_that_is_too_long_is_not_begun(void)
{
	struct transfer_request request = {
		.url = SPAN_LITERAL("http://127.0.0.1/"), .method = SPAN_LITERAL("GET")};
	struct buf value = long_answer("", "", 1024 * 1024, 1);
	struct transfer *transfer;
	struct net net;

	net_start(&net, 1);
	transfer = client_take(net.client);
	transfer_header(transfer, SPAN_LITERAL("X"), buf_span(&value));
	CHECK_INT(transfer_start(transfer, &request, on_done, &net, NULL), -1);
	ask_and_wait(&net, "/");
	CHECK_INT((int64_t)net.outcomes.delivered, 1);
	CHECK_INT((int64_t)net.outcomes.done, 1);
	net_stop(&net);
	buf_free(&value);
}

/* RFC 9112 §3.2.1: path and query as they are given, "/" for no path; no fragment. */
static void
test_a_request_names_its_target(void)
{
	static const struct {
		const char *given;
		const char *line;
	} cases[] = {
		{"/a/b?c=d&e", "GET /a/b?c=d&e HTTP/1.1"},
		{"", "GET / HTTP/1.1"},
		{"?q", "GET /?q HTTP/1.1"},
		{"/%2f/./../x%20y?%7B%22#part", "GET /%2f/./../x%20y?%7B%22 HTTP/1.1"},
		{"/a?b?c=/d", "GET /a?b?c=/d HTTP/1.1"},
		{"/a?b?c=/d", "GET /a?b?c=/d HTTP/1.1"},
		{"/a#?b", "GET /a HTTP/1.1"},
	};
	struct net net;

	net_start(&net, 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ask_and_wait(&net, cases[i].given);
		CHECK_TEXT(net.server.request_line, cases[i].line);
	}
	net_stop(&net);
}

int
main(void)
{
	return tap_run((struct tap_test[]){
		TAP(test_a_request_names_its_target),
		TAP(test_snippets_and_headers),
		TAP(test_headers_without_end_are_broken_off),
		TAP(test_a_header_line_without_end_is_the_servers_fault),
		TAP(test_the_status_of_an_endless_body_counts),
		TAP(test_bodies_that_cannot_be_unpacked),
		TAP(test_what_a_kept_connection_took_along_is_asked_once),
		TAP(test_what_is_said_unasked_is_no_answer),
		TAP(test_addresses_are_judged),
		TAP(test_nobody_listens),
		TAP(test_what_is_no_url_fails_as_a_transfer),
		TAP(test_a_request_that_is_too_long_is_not_begun),
		{0},
	});
}
