/* SPDX-License-Identifier: MIT */
#include "model/redact.h"

#include "tap.h"

#include <string.h>

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
		"jwt", "X-CSRF", "bearer", "pwd", "AUTHORIZATION", "aUtHoRiZaTiOn",
		"COOKIE", "set-cookie2", "proxy-authorization", "Proxy-Authenticate",
		"WWW-Authenticate", "x-signature", "X-Signature-Ed25519",
		"Webhook-Signature", "stripe-signature", "X-HUB-SIGNATURE",
		"svix-signature", "Paypal-Transmission-Sig", "X-Sig", "otp", "x_pin",
		"user_pass", "PHPSESSID", "connect.sid", "user[password]", "X-PSK"};
	static const char *const open[] = {"Content-Type", "Accept", "webhook-id",
		"X-Tenant", "Idempotency-Key", "User-Agent", "Retry-After", "design",
		"passenger", "pinned", "inside", "X-Assigned", "Forwarded", ""};

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

/* A receiver sees the names decoded, and so do those who read a log. */
static void
test_encoded_names(void)
{
	static const struct {
		const char *url, *shown;
	} cases[] = {
		{"https://a/?api%5Fkey=k", "https://a/?api%5Fkey=REDACTED"},
		{"https://a/?%74oken=t", "https://a/?%74oken=REDACTED"},
		{"https://a/?%54%4F%4b%45%4E=t", "https://a/?%54%4F%4b%45%4E=REDACTED"},
		{"https://a/?to%6ben", "https://a/?to%6ben"},
		{"https://a/?x=1&%73ig=s&y=2", "https://a/?x=1&%73ig=REDACTED&y=2"},
		{"https://a/#acc%65ss_tok%65n=t", "https://a/#acc%65ss_tok%65n=REDACTED"},
		/* encoded twice, and thrice */
		{"https://a/?%2574oken=t", "https://a/?%2574oken=REDACTED"},
		{"https://a/?%252574oken=t", "https://a/?%252574oken=REDACTED"},
		{"https://a/?%25%37%34oken=t", "https://a/?%25%37%34oken=REDACTED"},
		{"https://a/?user%5Bpassword%5D=p",
			"https://a/?user%5Bpassword%5D=REDACTED"},
		/* what is no escape stays what it is */
		{"https://a/?%7=t&%=u&%zz=v", "https://a/?%7=t&%=u&%zz=v"},
		{"https://a/?x%00token=t", "https://a/?x%00token=REDACTED"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_url(cases[i].url, cases[i].shown);
}

/* A secret may be a parameter of a parameter. */
static void
test_values_with_secrets_in_them(void)
{
	static const struct {
		const char *url, *shown;
	} cases[] = {
		{"https://a/?to=https%3A%2F%2Fb%2F%3Ftoken%3Dt&x=1",
			"https://a/?to=REDACTED&x=1"},
		{"https://a/?to=https%3A%2F%2Fb%2F%3Fx%3D1%26sig%3Dt",
			"https://a/?to=REDACTED"},
		{"https://a/?to=https%253A%252F%252Fb%252F%253Ftoken%253Dt",
			"https://a/?to=REDACTED"},
		{"https://a/?to=https%3A%2F%2Fme%3Apass%40b%2F",
			"https://a/?to=REDACTED"},
		{"https://a/?to=https://me:pass@b/", "https://a/?to=REDACTED"},
		{"https://a/?to=u:https://b/,https://me:pass@c/",
			"https://a/?to=REDACTED"},
		{"https://a/?x=1?token=t", "https://a/?x=REDACTED"},
		{"https://a/#/page?token=t", "https://a/#/page?token=REDACTED"},
		{"https://a/?a%26token%3Dt", "https://a/?REDACTED"},
		{"https://a/?%7B%22token%22%3A%22t%22%7D", "https://a/?REDACTED"},
		{"https://a/?f=%7B%22token%22%3A%22t%22%7D", "https://a/?f=REDACTED"},
		{"https://a/?to=https%3A%2F%2Fb%2F%3Fpage%3D2",
			"https://a/?to=https%3A%2F%2Fb%2F%3Fpage%3D2"},
		{"https://a/?mail=me%40b", "https://a/?mail=me%40b"},
		{"https://a/?q=token", "https://a/?q=token"},
		{"https://a/?at=12:30", "https://a/?at=12:30"},
		{"https://a/?token=t?u", "https://a/?token=REDACTED"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check_url(cases[i].url, cases[i].shown);
}

static void
test_other_places(void)
{
	check_url(
		"https://a/?TOKEN=t&Token=u", "https://a/?TOKEN=REDACTED&Token=REDACTED");
	check_url("https://a/?token=t&token=u&token=",
		"https://a/?token=REDACTED&token=REDACTED&token=REDACTED");
	check_url("https://a/b;jsessionid=s/c;x=1?y=2",
		"https://a/b;jsessionid=REDACTED;x=1?y=2");
	check_url("https://a/b;jsessionid=s?y=2", "https://a/b;jsessionid=REDACTED?y=2");
	check_url("https://a/b;x=1/c", "https://a/b;x=1/c");
	check_url("https://ME:PASS@A/", "https://REDACTED@A/");
	check_url("https://me@a/", "https://REDACTED@a/");
	check_url("https://:pass@a/", "https://REDACTED@a/");
	check_url("https://me:p;a@a/b;c", "https://REDACTED@a/b;c");
	check_url("HTTPS://me:pass@a?x=1", "HTTPS://REDACTED@a?x=1");
}

/* The longest URL of nothing but the shortest secrets. */
static void
test_room_for_any_url(void)
{
	struct request request = {0};
	struct redacted redacted;
	struct buf url;
	struct err err;

	buf_init(&url, URL_MAX);
	buf_add_text(&url, "https://a/?");
	while (url.len + strlen("&pw=1") <= URL_MAX)
		buf_add_text(&url, "&pw=1");
	request.url = buf_span(&url);
	CHECK_INT(request_redact(&redacted, &request, false, &err), 0);
	CHECK(memmem(redacted.url.data, redacted.url.len, "=1", 2) == NULL);
	redacted_free(&redacted);
	buf_free(&url);
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
	buf_clear(&out);
	redact_headers(
		&out, SPAN_LITERAL("{\"aUTHORIZATION\":\"a\",\"SET-COOKIE\":\"b\"}"));
	CHECK_SPAN(buf_span(&out),
		"{\"aUTHORIZATION\":\"REDACTED\",\"SET-COOKIE\":\"REDACTED\"}");
	buf_free(&out);
}

int
main(void)
{
	return tap_run((struct tap_test[]){
		TAP(test_names_of_secrets),
		TAP(test_urls),
		TAP(test_encoded_names),
		TAP(test_values_with_secrets_in_them),
		TAP(test_other_places),
		TAP(test_room_for_any_url),
		TAP(test_headers),
		{0},
	});
}
