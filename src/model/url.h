/* SPDX-License-Identifier: MIT */
/*
 * What may be a target: URLs, methods and header fields, judged before they are stored.
 */
#ifndef MODEL_URL_H
#define MODEL_URL_H

#include "model/json.h"

enum {
	URL_MAX = 8192,
	EVENT_TYPE_MAX = 256,
	ENDPOINT_NAME_MAX = 128,
	HEADERS_MAX = 64 * 1024,
	HEADER_FIELDS_MAX = 256,
};

/*
 * An absolute http or https URL (RFC 3986) without white space, control characters or
 * user:password@. ERR_DATA, "url: reason".
 */
int url_check(struct span url, struct err *err);

/* Appends the origin, lower case, default port left out: "https://api.acme.io". */
void url_origin(struct span url, struct buf *origin);

/* Whether both are URLs, and of one origin. */
bool url_same_origin(struct span a, struct span b);

/* An HTTP method token (RFC 9110 §9.1), at most 32 characters. ERR_DATA. */
int method_check(struct span method, struct err *err);

/* Printable UTF-8, 1 … EVENT_TYPE_MAX bytes. ERR_DATA. */
int event_type_check(struct span event_type, struct err *err);

/* A configured name: letters, digits, '.', '_' and '-', a letter or digit first.
 * ERR_DATA. */
int endpoint_name_check(struct span name, struct err *err);

/*
 * A JSON object of field names to strings: names are tokens, values hold no CR, LF or NUL
 * (RFC 9110 §5.5), none is one that the transfer sets itself (Host is allowed;
 * Content-Length, Transfer-Encoding, Connection, webhook-id and its siblings are not),
 * and none comes twice.
 * ERR_DATA, "headers.NAME: reason".
 */
int headers_check(struct json headers, struct err *err);

/* One field, as in headers_check(). ERR_DATA, "reason". */
int header_check(struct span name, struct span value, struct err *err);

/* One "Name: value" as on a command line, split and checked. ERR_DATA. */
int header_line_split(
	struct span line, struct span *name, struct span *value, struct err *err);

#endif
