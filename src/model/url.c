/* SPDX-License-Identifier: MIT */
/*
 * Everything here ends up on a request line or in a header of the worker's, so it is
 * judged by the grammars of RFC 3986 and RFC 9110 and not by what a library would repair.
 */
#include "model/url.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { METHOD_MAX = 32, PORT_MAX = 65535, IPV6_TEXT_MAX = 45 };

/* The parts of an absolute URL, borrowed from it. */
struct url_parts {
	struct span scheme;
	struct span host; /* with brackets if it is an IPv6 address */
	struct span port; /* absent: none was written */
};

static struct span
span_between(const char *from, const char *to)
{
	return (struct span){from, (size_t)(to - from)};
}

static bool
is_any(char c, const char *set)
{
	while (*set != '\0' && *set != c)
		set++;
	return *set != '\0';
}

/* The first byte of the set in the span, or its end. */
static const char *
find_any(struct span span, const char *set)
{
	const char *end = span.ptr + span.len;
	const char *at = span.ptr;

	while (at < end && !is_any(*at, set))
		at++;
	return at;
}

static int
check_bytes(struct span url, struct err *err)
{
	for (size_t i = 0; i < url.len; i++) {
		unsigned char c = (unsigned char)url.ptr[i];

		if (isalnum(c))
			continue;
		if (c <= ' ' || c == 0x7f)
			return err_set(err, ERR_DATA,
				"url: white space or a control character at byte %zu",
				i + 1);
		if (c >= 0x80)
			return err_set(err, ERR_DATA,
				"url: byte %zu is not ASCII; percent-encode it, or write "
				"the host as xn--",
				i + 1);
		if (strchr("\"<>\\^`{|}", c) != NULL)
			return err_set(err, ERR_DATA,
				"url: '%c' at byte %zu must be percent-encoded", c,
				i + 1);
		if (c == '%' &&
			(url.len - i < 3 || !isxdigit((unsigned char)url.ptr[i + 1]) ||
				!isxdigit((unsigned char)url.ptr[i + 2])))
			return err_set(err, ERR_DATA,
				"url: '%%' at byte %zu wants two hexadecimal digits",
				i + 1);
	}
	return 0;
}

/* Splits "host:port" or "[v6]:port"; false if the brackets do not match. */
static bool
split_authority(struct span authority, struct url_parts *parts)
{
	const char *end = authority.ptr + authority.len;
	const char *host_end;

	if (authority.len > 0 && authority.ptr[0] == '[') {
		host_end = memchr(authority.ptr, ']', authority.len);
		if (host_end == NULL)
			return false;
		host_end++;
	} else {
		host_end = find_any(authority, ":");
	}
	parts->host = span_between(authority.ptr, host_end);
	parts->port = (struct span){0};
	if (host_end == end)
		return true;
	if (*host_end != ':')
		return false;
	parts->port = span_between(host_end + 1, end);
	return true;
}

/* "http" or "https", "://", and an authority without user information. */
static int
split(struct span url, struct url_parts *parts, struct err *err)
{
	const char *end = url.ptr + url.len;
	const char *colon = find_any(url, ":/?#");
	struct span rest, authority;

	parts->scheme = span_between(url.ptr, colon);
	rest = span_between(colon, end);
	if (!span_starts(rest, "://"))
		return err_set(err, ERR_DATA,
			"url: not absolute: it must start with https:// or http://");
	if (!span_is_nocase(parts->scheme, "http") &&
		!span_is_nocase(parts->scheme, "https"))
		return err_set(err, ERR_DATA,
			"url: scheme '%.*s': only http and https can be delivered to",
			(int)(parts->scheme.len < 32 ? parts->scheme.len : 32),
			parts->scheme.ptr);
	authority.ptr = colon + 3;
	authority = span_between(
		authority.ptr, find_any(span_between(authority.ptr, end), "/?#"));
	if (memchr(authority.ptr, '@', authority.len) != NULL)
		return err_set(err, ERR_DATA,
			"url: it must not hold user:password@; use a header from a file");
	if (!split_authority(authority, parts))
		return err_set(err, ERR_DATA, "url: malformed host");
	return 0;
}

static bool
host_is_valid(struct span host)
{
	if (host.len == 0 || host.len > 255)
		return false;
	if (host.ptr[0] == '[') {
		if (host.len < 4 || host.len > IPV6_TEXT_MAX + 2)
			return false;
		for (size_t i = 1; i < host.len - 1; i++)
			if (!isxdigit((unsigned char)host.ptr[i]) &&
				strchr(":.", host.ptr[i]) == NULL)
				return false;
		return true;
	}
	for (size_t i = 0; i < host.len; i++)
		if (!isalnum((unsigned char)host.ptr[i]) &&
			strchr("-._~%", host.ptr[i]) == NULL)
			return false;
	return true;
}

static bool
port_is_valid(struct span port)
{
	int64_t number;

	/* "http://host:/" has an empty port, which means the default (RFC 3986
	 * §3.2.3). */
	if (port.len == 0)
		return true;
	return port.ptr[0] != '-' && span_to_int64(port, &number) && number >= 1 &&
		number <= PORT_MAX;
}

int
url_check(struct span url, struct err *err)
{
	struct url_parts parts;

	if (url.len == 0)
		return err_set(err, ERR_DATA, "url: empty");
	if (url.len > URL_MAX)
		return err_set(err, ERR_DATA, "url: longer than %d bytes", URL_MAX);
	if (check_bytes(url, err) != 0 || split(url, &parts, err) != 0)
		return -1;
	if (!host_is_valid(parts.host))
		return err_set(err, ERR_DATA, "url: malformed host");
	if (!port_is_valid(parts.port))
		return err_set(
			err, ERR_DATA, "url: port must be between 1 and %d", PORT_MAX);
	return 0;
}

static void
put_lower(struct buf *out, struct span text)
{
	for (size_t i = 0; i < text.len; i++)
		buf_add_char(out, (char)tolower((unsigned char)text.ptr[i]));
}

static int64_t
default_port(const struct url_parts *parts)
{
	return span_is_nocase(parts->scheme, "https") ? 443 : 80;
}

static int64_t
port_of(const struct url_parts *parts)
{
	int64_t port;

	return span_to_int64(parts->port, &port) ? port : default_port(parts);
}

static bool
same_letters(struct span a, struct span b)
{
	return a.len == b.len && strncasecmp(a.ptr, b.ptr, a.len) == 0;
}

bool
url_same_origin(struct span a, struct span b)
{
	struct url_parts of_a, of_b;

	return split(a, &of_a, NULL) == 0 && split(b, &of_b, NULL) == 0 &&
		same_letters(of_a.scheme, of_b.scheme) &&
		same_letters(of_a.host, of_b.host) && port_of(&of_a) == port_of(&of_b);
}

void
url_origin(struct span url, struct buf *origin)
{
	struct url_parts parts;
	int64_t port;

	if (split(url, &parts, NULL) != 0)
		return;
	put_lower(origin, parts.scheme);
	buf_add_text(origin, "://");
	put_lower(origin, parts.host);
	port = port_of(&parts);
	if (port == default_port(&parts))
		return;
	buf_add_char(origin, ':');
	buf_add_int64(origin, port);
}

/* RFC 9110 §5.6.2. */
static bool
is_token(struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if (!isalnum(c) && (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL))
			return false;
	}
	return text.len > 0;
}

int
method_check(struct span method, struct err *err)
{
	if (!is_token(method))
		return err_set(
			err, ERR_DATA, "method: not an HTTP method like POST or PUT");
	if (method.len > METHOD_MAX)
		return err_set(
			err, ERR_DATA, "method: longer than %d characters", METHOD_MAX);
	/* They change what the connection is for, so nothing could be delivered. */
	if (span_is_nocase(method, "CONNECT") || span_is_nocase(method, "TRACE"))
		return err_set(err, ERR_DATA, "method: %.*s cannot carry an event",
			(int)method.len, method.ptr);
	return 0;
}

/* Well-formed UTF-8 without C0 and C1 controls and DEL. */
static bool
is_printable(struct span text)
{
	if (!span_is_utf8(text))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if (c < 0x20 || c == 0x7f)
			return false;
		if (c == 0xc2 && (unsigned char)text.ptr[i + 1] < 0xa0)
			return false;
	}
	return true;
}

int
event_type_check(struct span event_type, struct err *err)
{
	if (event_type.len == 0)
		return err_set(err, ERR_DATA, "event_type: empty");
	if (event_type.len > EVENT_TYPE_MAX)
		return err_set(err, ERR_DATA, "event_type: longer than %d bytes",
			EVENT_TYPE_MAX);
	if (!is_printable(event_type))
		return err_set(err, ERR_DATA, "event_type: not printable text");
	return 0;
}

int
endpoint_name_check(struct span name, struct err *err)
{
	bool valid = name.len > 0 && isalnum((unsigned char)name.ptr[0]);

	if (name.len > ENDPOINT_NAME_MAX)
		return err_set(err, ERR_DATA, "endpoint: longer than %d bytes",
			ENDPOINT_NAME_MAX);
	for (size_t i = 0; valid && i < name.len; i++)
		valid = isalnum((unsigned char)name.ptr[i]) || name.ptr[i] == '.' ||
			name.ptr[i] == '_' || name.ptr[i] == '-';
	if (!valid)
		return err_set(err, ERR_DATA,
			"endpoint: a name has letters, digits, '.', '_' and '-' only");
	return 0;
}

/* Fields that belong to the transfer or to us. */
static bool
is_reserved(struct span name)
{
	static const char *const reserved[] = {"Connection", "Content-Length", "Expect",
		"Keep-Alive", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding",
		"Upgrade", "webhook-attempt", "webhook-id", "webhook-signature",
		"webhook-timestamp"};

	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
		if (span_is_nocase(name, reserved[i]))
			return true;
	return false;
}

int
header_check(struct span name, struct span value, struct err *err)
{
	if (!is_token(name))
		return err_set(err, ERR_DATA, "not a header name");
	if (is_reserved(name))
		return err_set(err, ERR_DATA, "is set by the delivery itself");
	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.ptr[i];

		if (c == '\r' || c == '\n' || c == '\0')
			return err_set(err, ERR_DATA,
				"line break or NUL in the value would forge a header");
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return err_set(err, ERR_DATA, "control character in the value");
	}
	return 0;
}

/* Two of one name are two lines of the request, of which each reader picks another. */
static bool
came_before(struct json headers, const struct json_iter *it)
{
	struct json_iter earlier = json_iter(headers);

	while (json_next(&earlier) && earlier.key.ptr < it->key.ptr)
		if (earlier.key.len == it->key.len &&
			strncasecmp(earlier.key.ptr, it->key.ptr, it->key.len) == 0)
			return true;
	return false;
}

static int
check_member(const struct json_iter *it, struct buf *text, struct err *err)
{
	buf_clear(text);
	json_to_text(it->value, text);
	if (buf_check(text, err) != 0)
		return -1;
	return header_check(it->key, buf_span(text), err);
}

int
headers_check(struct json headers, struct err *err)
{
	struct buf text;
	size_t count = 0;
	int failed = 0;

	if (headers.type != JSON_OBJECT)
		return err_set(err, ERR_DATA, "headers: not an object");
	if (headers.raw.len > HEADERS_MAX)
		return err_set(
			err, ERR_DATA, "headers: larger than %d bytes", HEADERS_MAX);
	buf_init(&text, HEADERS_MAX);
	for (struct json_iter it = json_iter(headers); !failed && json_next(&it);) {
		if (++count > HEADER_FIELDS_MAX)
			failed = err_set(
				err, ERR_DATA, "more than %d fields", HEADER_FIELDS_MAX);
		else if (it.value.type != JSON_STRING)
			failed = err_set(err, ERR_DATA, "not a string");
		else if (came_before(headers, &it))
			failed = err_set(err, ERR_DATA, "given twice");
		else
			failed = check_member(&it, &text, err);
		if (failed)
			err_context(err, "headers.%.*s", span_shown(it.key), it.key.ptr);
	}
	buf_free(&text);
	return failed;
}

int
header_line_split(
	struct span line, struct span *name, struct span *value, struct err *err)
{
	const char *colon = line.len == 0 ? NULL : memchr(line.ptr, ':', line.len);

	if (colon == NULL)
		return err_set(err, ERR_DATA, "a header reads 'Name: value'");
	*name = span_between(line.ptr, colon);
	*value = span_between(colon + 1, line.ptr + line.len);
	/* Only blanks around a value are no part of it: a line break must be seen. */
	while (value->len > 0 && memchr(" \t", value->ptr[0], 2) != NULL) {
		value->ptr++;
		value->len--;
	}
	while (value->len > 0 && memchr(" \t", value->ptr[value->len - 1], 2) != NULL)
		value->len--;
	if (header_check(*name, *value, err) != 0)
		return err_context(err, "%.*s", span_shown(*name), name->ptr);
	return 0;
}
