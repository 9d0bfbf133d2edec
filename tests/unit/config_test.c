/* SPDX-License-Identifier: MIT */
#include "model/config.h"

#include "model/document.h"
#include "tap.h"

static void
test_defaults(void)
{
	struct config config;

	config_init(&config);
	CHECK_INT(config.limits.concurrency, 5);
	CHECK_INT(config.limits.timeout_ms, 30000);
	CHECK_INT(config.limits.max_line, 16777216);
	CHECK_INT(config.limits.retention_ms, INT64_C(604800000));
	CHECK_INT(config_read(&config, span_of("{}"), NULL, NULL), 0);
	CHECK_INT(config.limits.concurrency, 5);
	config_free(&config);
}

static void
test_reads_a_document(void)
{
	const char *text =
		"{\"endpoints\": {\"acme\": {\"url\": \"https:\\/\\/a/\",\n"
		"  \"headers\": {\"X-A\": \"1\", \"Authorization\": {\"file\": \"t\"}},\n"
		"  \"timeout\": \"20s\", \"tls\": {\"ca\": \"/ca.pem\"}}},\n"
		" \"policy\": {\"max_attempts\": 4},\n"
		" \"limits\": {\"concurrency\": 50, \"snippet\": 0, \"max_line\": \"1MiB\"}}";
	const struct endpoint_config *acme;
	struct config config;

	config_init(&config);
	CHECK_INT(config_read(&config, span_of(text), "etc", NULL), 0);
	acme = config_endpoint(&config, span_of("acme"));
	if (CHECK(acme != NULL)) {
		CHECK_SPAN(acme->url, "https://a/");
		CHECK_INT(acme->header_count, 2);
		CHECK_SPAN(acme->headers[0].value, "1");
		CHECK_SPAN(acme->headers[1].file, "etc/t");
		CHECK(!span_present(acme->headers[1].value));
		CHECK_INT(acme->timeout_ms, 20000);
		CHECK_INT(acme->connect_timeout_ms, 0);
		CHECK_TEXT(acme->tls_ca->path, "/ca.pem");
	}
	CHECK(config_endpoint(&config, span_of("other")) == NULL);
	CHECK_INT(config.policy.max_attempts, 4);
	CHECK_INT(config.limits.concurrency, 50);
	CHECK_INT(config.limits.snippet_bytes, 0);
	CHECK_INT(config.limits.max_line, 1048576);
	config_free(&config);
}

/* RFC 6454 §4: scheme, host and port. */
static void
test_an_endpoint_trusts_its_own_origin_only(void)
{
	static const struct {
		const char *own, *other;
		bool trusts;
	} cases[] = {
		{"https://api.acme.io/hook", NULL, true},
		{"https://api.acme.io/hook", "https://api.acme.io/hook", true},
		{"https://api.acme.io/hook", "HTTPS://API.acme.io:443/other?x=1#y", true},
		{"http://api.acme.io:80/", "http://api.acme.io", true},
		{"https://[::1]:8443/", "https://[::1]:8443/x", true},
		{"https://api.acme.io/hook", "http://api.acme.io/hook", false},
		{"http://api.acme.io/", "https://api.acme.io/", false},
		{"https://api.acme.io/hook", "https://api.acme.io:8443/hook", false},
		{"https://api.acme.io/hook", "https://acme.io/hook", false},
		{"https://api.acme.io/hook", "https://api.acme.io.evil.example/", false},
		{"https://api.acme.io/hook", "https://api.acme.io./hook", false},
		{"https://api.acme.io/hook", "https://evil.example/api.acme.io", false},
		{"https://api.acme.io/hook", "https://evil.example?api.acme.io", false},
		{"https://api.acme.io/hook", "https://evil.example#@api.acme.io", false},
		{"https://api.acme.io/hook", "https://api.acme.io@evil.example/", false},
		{"https://api.acme.io/hook", "https://api.acme.io:80443/", false},
		{"https://api.acme.io/hook", "//api.acme.io/hook", false},
		{"https://api.acme.io/hook", "", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct endpoint_config endpoint = {.url = span_of(cases[i].own)};

		if (endpoint_trusts(&endpoint, span_of(cases[i].other)) !=
			cases[i].trusts)
			CHECK_TEXT(cases[i].other, "judged otherwise");
	}
}

static void
test_an_endpoint_starts_from_the_limits(void)
{
	const char *text =
		"{\"endpoints\": {\"a\": {\"url\": \"http://a\", \"rate\": \"50/s\",\n"
		"  \"concurrency\": 10, \"breaker\": {\"cool_down\": \"1s\"}},\n"
		" \"b\": {\"url\": \"http://b\"}},\n"
		" \"limits\": {\"endpoint_concurrency\": 2, \"endpoint_rate\": \"6/m\",\n"
		"  \"breaker\": {\"failures\": 3}}}";
	const struct endpoint_rule *rule;
	struct config config;

	config_init(&config);
	rule = config_rule(&config, span_of("https://c"), false);
	CHECK_INT(rule->concurrency, 0);
	CHECK_INT(rule->rate.per_ms, 0);
	CHECK_INT(rule->breaker.failures, 20);
	CHECK_INT(rule->breaker.cool_down_ms, 5000);
	CHECK_INT(rule->breaker.max_cool_down_ms, 300000);
	CHECK_INT(config_read(&config, span_of(text), NULL, NULL), 0);
	rule = config_rule(&config, span_of("a"), true);
	CHECK_INT(rule->concurrency, 10);
	CHECK_INT(rule->rate.count, 50);
	CHECK_INT(rule->rate.per_ms, 1000);
	CHECK_INT(rule->breaker.failures, 3);
	CHECK_INT(rule->breaker.cool_down_ms, 1000);
	rule = config_rule(&config, span_of("b"), true);
	CHECK_INT(rule->concurrency, 2);
	CHECK_INT(rule->rate.count, 6);
	CHECK_INT(rule->rate.per_ms, 60000);
	CHECK_INT(rule->breaker.cool_down_ms, 5000);
	CHECK(config_rule(&config, span_of("a"), false) == &config.limits.endpoint);
	config_free(&config);
}

static void
test_says_where_it_is_wrong(void)
{
	static const struct {
		const char *text, *reason;
	} cases[] = {
		{"", "line 1: empty"},
		{"{\n\"a\"}", "line 2: not JSON: ':' expected"},
		{"[]", "line 1: not an object"},
		{"{\n\n\"limit\": {}}",
			"line 3: limit: unknown member; there are limits, endpoints, policy, "
			"allow_net"},
		{"{\"limits\": {\n\"lease\": \"10\\u0000s\"}}",
			"line 2: limits.lease: a NUL in the text"},
		{"{\"limits\": {\n\"lease\": 60}}", "line 2: limits.lease: not a string"},
		{"{\"limits\": {\"lease\": \"1ms\"}}",
			"line 1: limits.lease: not between 1s and 1d"},
		{"{\"limits\": {\"lease\": \"soon\"}}",
			"line 1: limits.lease: 'soon' is not a duration like 250ms, 90s, 15m, "
			"2h or 30d"},
		{"{\"limits\": {\"concurrency\": 0}}",
			"line 1: limits.concurrency: not a whole number from 1 to 10000"},
		{"{\"limits\": {\"snippet\": \"1PB\"}}",
			"line 1: limits.snippet: '1PB' is not a size like 4096, 1KiB or 16MiB"},
		{"{\"limits\": {\"grace\": \"1s\",\n\"grace\": \"2s\"}}",
			"line 2: limits.grace: given twice"},
		{"{\"limits\": {\"breaker\": {\"cool_down\": \"0s\"}}}",
			"line 1: limits.breaker.cool_down: not between 1ms and 1d"},
		{"{\"limits\": {\"endpoint_rate\":\n\"fast\"}}",
			"line 2: limits.endpoint_rate: 'fast' is not a rate like 50/s, "
			"3000/m or 1/h"},
		{"{\"endpoints\": {\"a b\": {}}}",
			"line 1: endpoints.a b: a name has letters, digits, '.', '_' and '-' "
			"only, at most 128"},
		{"{\"endpoints\": {\"a\": {}}}", "line 1: endpoints.a: it has no url"},
		{"{\"allow_net\": \"::1\"}", "line 1: allow_net: not a list"},
		{"{\"allow_net\": [\"::1\",\n\"10.0.0.0/8/8\"]}",
			"line 2: allow_net[1]: '10.0.0.0/8/8': behind the / comes a "
			"number from 0 to 32"},
		{"{\"allow_net\": [\"10.1.2.3/8\"]}",
			"line 1: allow_net[0]: '10.1.2.3/8' has bits set behind its "
			"first 8; an address alone is written without a /"},
		{"{\"endpoints\": {\"a\": {\"url\": \"http://a\",\n"
		 "\"allow_net\": [\"lan\"]}}}",
			"line 2: endpoints.a.allow_net[0]: 'lan' is not a network like "
			"10.0.0.0/8 or fd00::/8"},
		{"{\"endpoints\": {\n\"a\": {\n\"url\": \"ftp://a\"}}}",
			"line 3: endpoints.a.url: scheme 'ftp': only http and https can be "
			"delivered to"},
		{"{\"endpoints\": {\"a\": {\"url\": \"http://a\", \"tls\": {\"cert\": "
		 "\"c\"}}}}",
			"line 1: endpoints.a.tls: cert and key go together"},
		{"{\"endpoints\": {\"a\": {\"url\": \"http://a\", \"headers\":\n{\"X\": "
		 "\"a\\nb\"}}}}",
			"line 2: endpoints.a.headers.X: line break or NUL in the value would "
			"forge a header"},
		{"{\"endpoints\": {\"a\": {\"url\": \"http://a\", \"headers\":\n{\"Host\": "
		 "\"b\",\n\"host\": \"c\"}}}}",
			"line 3: endpoints.a.headers.host: given twice"},
		{"{\"endpoints\": {\"a\": {\"url\": \"http://a\", \"headers\":\n{\"X\": "
		 "{}}}}}",
			"line 2: endpoints.a.headers.X: it names no file"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct config config;
		struct err err = {0};

		tap_case(cases[i].text);
		config_init(&config);
		CHECK_INT(config_read(&config, span_of(cases[i].text), NULL, &err), -1);
		CHECK_INT(err.kind, ERR_CONFIG);
		CHECK_TEXT(err.text, cases[i].reason);
		config_free(&config);
	}
	tap_case(NULL);
}

static void
test_a_policy_counts_the_lines_of_the_whole(void)
{
	struct config config;
	struct err err = {0};

	config_init(&config);
	CHECK_INT(
		config_read(&config, span_of("{\n\n\"policy\": {\n\"max_attempt\": 4}}"),
			NULL, &err),
		-1);
	CHECK_INT(err.kind, ERR_CONFIG);
	CHECK(span_starts(
		span_of(err.text), "line 4: policy.max_attempt: unknown member; "));
	config_free(&config);
}

static void
test_opens_networks_to_all_or_to_one(void)
{
	const char *text =
		"{\"allow_net\": [\"127.0.0.0/8\", \"::1\"], \"endpoints\": {\n"
		"  \"a\": {\"url\": \"http://a\", \"allow_net\": [\"10.1.2.3\"]},\n"
		"  \"b\": {\"url\": \"http://b\"}}}";
	struct address loopback = {.bytes = {127, 1}, .family = 4};
	struct address own = {.bytes = {10, 1, 2, 3}, .family = 4};
	const struct endpoint_config *a, *b;
	struct config config;

	config_init(&config);
	CHECK(config.open == NULL);
	CHECK_INT(config_read(&config, span_of(text), NULL, NULL), 0);
	a = config_endpoint(&config, span_of("a"));
	b = config_endpoint(&config, span_of("b"));
	CHECK(networks_hold(config.open, &loopback));
	CHECK(!networks_hold(config.open, &own));
	CHECK(a != NULL && networks_hold(a->open, &own));
	CHECK(b != NULL && b->open == NULL);
	config_free(&config);
}

static void
test_sizes(void)
{
	size_t bytes = 0;

	CHECK_INT(size_parse(span_of("4096"), &bytes, NULL), 0);
	CHECK_INT(bytes, 4096);
	CHECK_INT(size_parse(span_of("16MiB"), &bytes, NULL), 0);
	CHECK_INT(bytes, 16777216);
	CHECK_INT(size_parse(span_of("2kB"), &bytes, NULL), 0);
	CHECK_INT(bytes, 2000);
	CHECK_INT(size_parse(span_of(""), &bytes, NULL), -1);
	CHECK_INT(size_parse(span_of("-1"), &bytes, NULL), -1);
	CHECK_INT(size_parse(span_of("1 KiB"), &bytes, NULL), -1);
	CHECK_INT(size_parse(span_of("9223372036854775807GiB"), &bytes, NULL), -1);
}

int
main(void)
{
	return tap_run((struct tap_test[]){TAP(test_defaults), TAP(test_reads_a_document),
		TAP(test_an_endpoint_trusts_its_own_origin_only),
		TAP(test_an_endpoint_starts_from_the_limits),
		TAP(test_says_where_it_is_wrong),
		TAP(test_a_policy_counts_the_lines_of_the_whole),
		TAP(test_opens_networks_to_all_or_to_one), TAP(test_sizes), {0}});
}
