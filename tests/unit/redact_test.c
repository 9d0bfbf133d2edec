/* SPDX-License-Identifier: MIT */
#include "model/redact.h"

#include "tap.h"

static void
check_url(const char *url, const char *shown)
{
	struct buf out;

	tap_case(url);
	buf_init(&out, 1024);
	redact_url(&out, span_of(url));
	CHECK_SPAN(buf_span(&out), shown);
	buf_free(&out);
}

static void
test_names_of_secrets(void)
{
	static const char *const secret[] = {"Authorization", "Proxy-Authorization",
		"Cookie", "Set-Cookie", "X-Api-Key", "apikey", "webhook-signature",
		"X-Hub-Signature-256", "Stripe-Signature", "X-Shopify-Hmac-Sha256",
		"X-Gitlab-Token", "access_token", "X-Amz-Security-Token",
		"X-Amz-Credential", "sig", "password", "client_secret", "sessionid",
		"jwt", "X-CSRF", "bearer", "pwd"};
	static const char *const open[] = {"Content-Type", "Accept", "webhook-id",
		"X-Tenant", "Idempotency-Key", "User-Agent", "Retry-After", "design", ""};

	for (size_t i = 0; i < sizeof(secret) / sizeof(secret[0]); i++) {
		tap_case(secret[i]);
		CHECK(name_is_secret(span_of(secret[i])));
	}
	for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++) {
		tap_case(open[i]);
		CHECK(!name_is_secret(span_of(open[i])));
	}
}

static void
test_urls(void)
{
	check_url("https://a/b", "https://a/b");
	check_url("https://a/b?x=1&y", "https://a/b?x=1&y");
	check_url("https://a/b?token=t", "https://a/b?token=REDACTED");
	check_url("https://a/b?x=1&sig=s%20t&y=2", "https://a/b?x=1&sig=REDACTED&y=2");
	check_url("https://a/b?x=1;sig=s;y=2", "https://a/b?x=1;sig=REDACTED;y=2");
	check_url("https://a/b?token=t=u", "https://a/b?token=REDACTED");
	check_url("https://a/b?token=&token", "https://a/b?token=REDACTED&token");
	check_url("https://a/b#access_token=t&x=1",
		"https://a/b#access_token=REDACTED&x=1");
	check_url("https://a/?x=1#token=t", "https://a/?x=1#token=REDACTED");
	check_url("https://me:pass@a/b", "https://REDACTED@a/b");
	check_url("https://me:p@ss@a:8/b@c?x=@", "https://REDACTED@a:8/b@c?x=@");
	check_url("https://a/b@c", "https://a/b@c");
	check_url("token=t@a", "token=t@a");
	check_url("", "");
}

static void
test_headers(void)
{
	struct buf out;

	buf_init(&out, 1024);
	redact_headers(&out,
		SPAN_LITERAL("{\"Accept\":\"a\",\"Cookie\":\"c\\\"d\",\"X-Key\":\"\"}"));
	CHECK_SPAN(buf_span(&out),
		"{\"Accept\":\"a\",\"Cookie\":\"REDACTED\",\"X-Key\":\"REDACTED\"}");
	buf_free(&out);
}

int
main(void)
{
	return tap_run((struct tap_test[]){
		TAP(test_names_of_secrets),
		TAP(test_urls),
		TAP(test_headers),
		{0},
	});
}
