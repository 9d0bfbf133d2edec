/* SPDX-License-Identifier: MIT */
#include "model/redact.h"

#include "model/json.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is one ----------------------------------------------------------------- */

/* Whether `part` stands in the text, or, with `whole`, a word of its own does. */
static bool
contains_nocase(struct span text, const char *part, bool whole)
{
	size_t len = strlen(part);
	bool begins = true; /* a word */

	for (; text.len >= len; text.ptr++, text.len--) {
		bool ends = text.len == len || !isalnum((unsigned char)text.ptr[len]);

		if (span_starts_nocase(text, part) && (!whole || (begins && ends)))
			return true;
		begins = !isalnum((unsigned char)text.ptr[0]);
	}
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
		"secret", "sessid", "session", "signature", "token", "xsrf"};
	static const char *const words[] = {
		"otp", "pass", "pin", "psk", "pw", "sid", "sig"};

	if (span_is_nocase(name, "idempotency-key"))
		return false;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (contains_nocase(name, parts[i], false))
			return true;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (contains_nocase(name, words[i], true))
			return true;
	return false;
}

/* Turns an escape at the end, "%2f", into what it stands for. */
static bool
resolve_escape(struct buf *out)
{
	char digits[] = "00";
	char *escape;

	if (out->failed || out->len < 3)
		return false;
	escape = out->data + out->len - 3;
	if (escape[0] != '%' || !isxdigit((unsigned char)escape[1]) ||
		!isxdigit((unsigned char)escape[2]))
		return false;
	memcpy(digits, escape + 1, 2);
	escape[0] = (char)strtoul(digits, NULL, 16);
	escape[1] = '\0';
	out->len -= 2;
	return true;
}

/*
 * The text percent-decoded until nothing is left to decode: an escape may spell an
 * escape, and nobody knows how often whoever gets the URL is going to decode it.
 */
static void
decode(struct buf *out, struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		buf_add_char(out, text.ptr[i]);
		while (resolve_escape(out))
			;
	}
}

static bool
is_of_a_name(char c)
{
	return isalnum((unsigned char)c) || (c != '\0' && strchr("-_.[]", c) != NULL);
}

/* "token=t", "token: t" or "\"token\": 1", wherever it stands. */
static bool
assigns_secret(struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		size_t end = i, start;

		if (text.ptr[i] != '=' && text.ptr[i] != ':')
			continue;
		while (end > 0 && strchr("\"' ", text.ptr[end - 1]) != NULL)
			end--;
		start = end;
		while (start > 0 && is_of_a_name(text.ptr[start - 1]))
			start--;
		if (name_is_secret((struct span){text.ptr + start, end - start}))
			return true;
	}
	return false;
}

/* ---- headers --------------------------------------------------------------------- */

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

/* ---- URLs ------------------------------------------------------------------------ */

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

/* The user information of an authority, with the @; nothing if it has none. */
static struct span
take_user(struct span *authority)
{
	const char *at = memrchr(authority->ptr, '@', authority->len);
	struct span user = {authority->ptr, 0};

	if (at != NULL)
		user.len = (size_t)(at + 1 - authority->ptr);
	authority->ptr += user.len;
	authority->len -= user.len;
	return user;
}

/* Puts all up to the path. The door lets no user information in; what came in by another
 * way is not shown. */
static void
put_authority(struct buf *out, struct span *rest)
{
	struct span authority;

	buf_add_span(out, take_until(rest, ":/?#"));
	if (!span_starts(*rest, "://"))
		return;
	*rest = (struct span){rest->ptr + 3, rest->len - 3};
	authority = take_until(rest, "/?#");
	buf_add_text(out, "://");
	if (take_user(&authority).len > 0)
		buf_add_text(out, REDACTED "@");
	buf_add_span(out, authority);
}

static bool
names_user(struct span text)
{
	while (text.len > 0) {
		struct span authority;

		take_until(&text, ":");
		if (span_starts(text, "://")) {
			text = (struct span){text.ptr + 3, text.len - 3};
			authority = take_until(&text, "/?#");
			if (take_user(&authority).len > 0)
				return true;
		} else if (text.len > 0) {
			text = (struct span){text.ptr + 1, text.len - 1};
		}
	}
	return false;
}

/*
 * Whether that is so of the text when it is decoded; also if it is too long for that.
 * Where memory does not suffice for the answer, it does not for what is put out either.
 */
static bool
is_decoded(struct buf *out, struct span text, bool (*is_secret)(struct span text))
{
	struct buf decoded;
	bool is;

	buf_init(&decoded, URL_MAX);
	decode(&decoded, text);
	is = decoded.failed || is_secret(buf_span(&decoded));
	out->failed |= decoded.failed && !decoded.full;
	buf_free(&decoded);
	return is;
}

/* A URL inside the URL has parameters and a user too. */
static bool
holds_secret(struct span text)
{
	return assigns_secret(text) || names_user(text);
}

/* "name" or "name=value", up to the next of `ends`. */
static void
put_parameter(struct buf *out, struct span *rest, const char *ends)
{
	struct span parameter = take_until(rest, ends);
	struct span value = parameter;
	struct span name = take_until(&value, "=");

	if (value.len == 0) {
		if (is_decoded(out, name, holds_secret))
			buf_add_text(out, REDACTED);
		else
			buf_add_span(out, name);
	} else if (is_decoded(out, name, name_is_secret) ||
		is_decoded(out, parameter, holds_secret)) {
		buf_add_span(out, name);
		buf_add_text(out, "=" REDACTED);
	} else {
		buf_add_span(out, parameter);
	}
}

void
redact_url(struct buf *out, struct span url)
{
	struct span rest = url;
	const char *ends = "?;#"; /* of what has a beginning in the path */

	put_authority(out, &rest);
	buf_add_span(out, take_until(&rest, ends));
	while (rest.len > 0) {
		char separator = rest.ptr[0];

		if (separator != ';')
			ends = "&;#";
		buf_add_char(out, separator);
		rest = (struct span){rest.ptr + 1, rest.len - 1};
		put_parameter(out, &rest, ends);
	}
}

bool
url_holds_secret(struct span url)
{
	struct buf redacted;
	bool holds;

	buf_init(&redacted, REDACTED_URL_MAX);
	redact_url(&redacted, url);
	holds = redacted.failed || !span_equal(buf_span(&redacted), url);
	buf_free(&redacted);
	return holds;
}

/* ---- requests -------------------------------------------------------------------- */

int
request_redact(struct redacted *redacted, const struct request *request, bool reveal,
	struct err *err)
{
	*redacted = (struct redacted){.request = *request};
	buf_init(&redacted->url, REDACTED_URL_MAX);
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
