/* SPDX-License-Identifier: MIT */
#include "model/redact.h"

#include "model/json.h"
#include "model/url.h"

#include <string.h>

static bool
contains_nocase(struct span text, const char *part)
{
	size_t len = strlen(part);

	for (; text.len >= len; text.ptr++, text.len--)
		if (span_starts_nocase(text, part))
			return true;
	return false;
}

/*
 * Names are all there is to go by, so this errs on the side of hiding; what is hidden
 * without need is one --reveal away. Idempotency-Key is known to be no secret.
 */
bool
name_is_secret(struct span name)
{
	static const char *const parts[] = {"auth", "bearer", "cookie", "credential",
		"csrf", "hmac", "jwt", "key", "passphrase", "passwd", "password", "pwd",
		"secret", "session", "signature", "token", "xsrf"};

	if (span_is_nocase(name, "idempotency-key") || span_is_nocase(name, "sig"))
		return span_is_nocase(name, "sig");
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (contains_nocase(name, parts[i]))
			return true;
	return false;
}

void
redact_headers(struct buf *out, struct span headers)
{
	struct json object;

	if (json_read(headers, &object, NULL) != 0)
		return;
	buf_add_char(out, '{');
	for (struct json_iter it = json_iter(object); json_next(&it);) {
		if (out->data != NULL && out->data[out->len - 1] != '{')
			buf_add_char(out, ',');
		buf_add_char(out, '"');
		buf_add_span(out, it.key);
		buf_add_text(out, "\":");
		if (name_is_secret(it.key))
			buf_add_text(out, "\"" REDACTED "\"");
		else
			buf_add_span(out, it.value.raw);
	}
	buf_add_char(out, '}');
}

/* Takes what stands before the first of `ends` off the front of *rest. */
static struct span
take_until(struct span *rest, const char *ends)
{
	struct span taken = {rest->ptr, 0};

	while (taken.len < rest->len && strchr(ends, rest->ptr[taken.len]) == NULL)
		taken.len++;
	rest->ptr += taken.len;
	rest->len -= taken.len;
	return taken;
}

/* The door lets no user information in; what came in by another way is not shown. */
static void
put_without_user(struct buf *out, struct span address)
{
	struct span rest = address;
	struct span scheme = take_until(&rest, ":");
	struct span authority;
	const char *at;

	if (!span_starts(rest, "://")) {
		buf_add_span(out, address);
		return;
	}
	rest = (struct span){rest.ptr + 3, rest.len - 3};
	authority = take_until(&rest, "/");
	at = memrchr(authority.ptr, '@', authority.len);
	buf_add_span(out, scheme);
	buf_add_text(out, "://");
	if (at != NULL) {
		buf_add_text(out, REDACTED);
		authority.len -= (size_t)(at - authority.ptr);
		authority.ptr = at;
	}
	buf_add_span(out, authority);
	buf_add_span(out, rest);
}

void
redact_url(struct buf *out, struct span url)
{
	struct span rest = url;

	put_without_user(out, take_until(&rest, "?#"));
	while (rest.len > 0) {
		struct span name;

		buf_add_char(out, rest.ptr[0]);
		rest.ptr++;
		rest.len--;
		name = take_until(&rest, "=&;#");
		buf_add_span(out, name);
		if (rest.len == 0 || rest.ptr[0] != '=' || !name_is_secret(name))
			buf_add_span(out, take_until(&rest, "&;#"));
		else if (take_until(&rest, "&;#").len > 0)
			buf_add_text(out, "=" REDACTED);
	}
}

int
request_redact(struct redacted *redacted, const struct request *request, bool reveal,
	struct err *err)
{
	*redacted = (struct redacted){.request = *request};
	buf_init(&redacted->url, 2 * URL_MAX);
	buf_init(&redacted->headers, 2 * HEADERS_MAX);
	if (reveal)
		return 0;
	if (span_present(request->url)) {
		redact_url(&redacted->url, request->url);
		redacted->request.url = buf_span(&redacted->url);
	}
	if (span_present(request->headers)) {
		redact_headers(&redacted->headers, request->headers);
		redacted->request.headers = buf_span(&redacted->headers);
	}
	if (buf_check(&redacted->url, err) == 0 &&
		buf_check(&redacted->headers, err) == 0)
		return 0;
	redacted_free(redacted);
	return -1;
}

void
redacted_free(struct redacted *redacted)
{
	buf_free(&redacted->url);
	buf_free(&redacted->headers);
}
