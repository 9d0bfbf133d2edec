/* SPDX-License-Identifier: MIT */
/*
 * A client whose libcurl has no memory for a copy of a text, one after the other: it says
 * so, or asks as it was to ask, and never anything else.
 */
#include "client_fixture.h"

/* Which copy fails, from 1; 0: none. */
static int fails_at;
static int copies;

static char *
copy_or_fail(const char *text)
{
	return ++copies == fails_at ? NULL : strdup(text);
}

/* From here on the Nth copy fails. */
static void
fail_copy(int number)
{
	copies = 0;
	fails_at = number;
}

/* Whether it came to the Nth copy. */
static bool
has_failed(void)
{
	bool failed = copies >= fails_at;

	fails_at = 0;
	return failed;
}

static void
test_a_handle_has_all_its_options_or_is_none(void)
{
	struct net net;
	int number = 0;
	bool failed;

	net_start(&net, 1);
	do {
		struct transfer *transfer;

		fail_copy(++number);
		transfer = client_take(net.client);
		failed = has_failed();
		if (!CHECK((transfer == NULL) == failed))
			break;
	} while (failed);
	CHECK(number > 1);
	net_stop(&net);
}

static void
test_a_client_knows_the_authorities_or_is_not_opened(void)
{
	struct client_options options = {.judge = judge, .concurrency = 1};
	struct loop loop;
	int number = 0;
	bool failed;

	CHECK_INT(loop_init(&loop, NULL), 0);
	options.loop = &loop;
	do {
		struct client *client = NULL;
		int result;

		fail_copy(++number);
		result = client_open(&client, &options, NULL);
		failed = has_failed();
		CHECK((result != 0) == failed);
		client_close(client);
	} while (failed);
	CHECK(number > 1);
	loop_free(&loop);
}

/* With a method that libcurl must be told of. */
static int
start_deletion(struct net *net)
{
	struct transfer *transfer = client_take(net->client);
	struct transfer_request request = {
		.method = SPAN_LITERAL("DELETE"),
		.connect_timeout_ms = DEADLINE_MS,
		.timeout_ms = DEADLINE_MS,
	};
	char url[64];

	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/?a=b", net->server.port);
	request.url = span_of(url);
	return transfer_start(transfer, &request, on_done, net, NULL);
}

static void
check_asks_as_told(struct net *net)
{
	net->server.request_line[0] = '\0';
	wait_done(net, net->outcomes.done + 1);
	CHECK_INT(net->outcomes.curl_code, CURLE_OK);
	CHECK_TEXT(net->server.request_line, "DELETE /?a=b HTTP/1.1");
}

/* What comes before the URL: of that libcurl can take the text instead. */
static int
texts_of_request(void)
{
	const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);

	return 1 + (info->cainfo != NULL) + (info->capath != NULL);
}

/* After one that could not be made the same handle makes the next one. */
static void
test_a_request_is_the_one_that_was_meant(void)
{
	struct net net;
	int number = 0;
	bool failed;

	net_start(&net, 1);
	transfer_drop(client_take(net.client)); /* the handle is made */
	do {
		bool started;

		client_forget_tls(net.client);
		fail_copy(++number);
		started = start_deletion(&net) == 0;
		failed = has_failed();
		if (started)
			CHECK(number > texts_of_request());
		else if (CHECK(failed))
			CHECK_INT(start_deletion(&net), 0);
		check_asks_as_told(&net);
	} while (failed && !net.late);
	CHECK(number > texts_of_request());
	net_stop(&net);
}

int
main(void)
{
	curl_global_init_mem(
		CURL_GLOBAL_DEFAULT, malloc, free, realloc, copy_or_fail, calloc);
	return tap_run((struct tap_test[]){
		TAP(test_a_handle_has_all_its_options_or_is_none),
		TAP(test_a_client_knows_the_authorities_or_is_not_opened),
		TAP(test_a_request_is_the_one_that_was_meant),
		{0},
	});
}
