/* SPDX-License-Identifier: MIT */
#include "request_log.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static json_t *
base64(struct span bytes)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t len = (bytes.len + 2) / 3 * 4;
	char *text = malloc(len + 1);
	json_t *value;

	if (text == NULL)
		return NULL;
	for (size_t i = 0, o = 0; i < bytes.len; i += 3, o += 4) {
		size_t left = bytes.len - i;
		uint32_t group = (uint32_t)(unsigned char)bytes.ptr[i] << 16;

		group |= left > 1 ? (uint32_t)(unsigned char)bytes.ptr[i + 1] << 8 : 0;
		group |= left > 2 ? (uint32_t)(unsigned char)bytes.ptr[i + 2] : 0;
		text[o] = alphabet[group >> 18];
		text[o + 1] = alphabet[group >> 12 & 63];
		text[o + 2] = left > 1 ? alphabet[group >> 6 & 63] : '=';
		text[o + 3] = left > 2 ? alphabet[group & 63] : '=';
	}
	value = json_stringn(text, len);
	free(text);
	return value;
}

static enum MHD_Result
add_header(void *headers, enum MHD_ValueKind kind, const char *name, const char *value)
{
	char *key = strdup(name);
	const char *before;

	(void)kind;
	if (key == NULL)
		return MHD_NO;
	for (char *c = key; *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
	before = json_string_value(json_object_get(headers, key));
	if (!span_is_utf8(span_of(value)))
		value = "(not UTF-8)";
	json_object_set_new(headers, key,
		before == NULL ? json_string(value)
			       : json_sprintf("%s, %s", before, value));
	free(key);
	return MHD_YES;
}

static json_t *
headers_of(struct MHD_Connection *connection)
{
	json_t *headers = json_object();

	MHD_get_connection_values(connection, MHD_HEADER_KIND, add_header, headers);
	return headers;
}

static int
client_port(struct MHD_Connection *connection)
{
	const struct sockaddr *address = MHD_get_connection_info(
		connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)
						 ->client_addr;

	if (address->sa_family == AF_INET6)
		return ntohs(
			((const struct sockaddr_in6 *)(const void *)address)->sin6_port);
	return ntohs(((const struct sockaddr_in *)(const void *)address)->sin_port);
}

static json_t *
request_json(const struct logged_request *request, struct MHD_Connection *connection)
{
	struct timespec now;
	json_t *line;

	clock_gettime(CLOCK_REALTIME, &now);
	line = json_pack("{sI sI ss ss ss% ss si so sI so}", "number",
		(json_int_t)request->number, "at_ms",
		(json_int_t)now.tv_sec * 1000 + now.tv_nsec / 1000000, "method",
		request->method, "url", request->url, "behaviour", request->behaviour.ptr,
		request->behaviour.len, "version", request->version, "client_port",
		client_port(connection), "headers", headers_of(connection), "bytes",
		(json_int_t)request->body.len, "body_b64", base64(request->body));
	if (line != NULL && span_is_utf8(request->body))
		json_object_set_new(
			line, "body", json_stringn(request->body.ptr, request->body.len));
	return line;
}

int
request_log_write(int fd, const struct logged_request *request,
	struct MHD_Connection *connection, struct err *err)
{
	json_t *json = request_json(request, connection);
	char *text = json == NULL ? NULL : json_dumps(json, JSON_COMPACT);
	size_t len;
	int result = 0;

	json_decref(json);
	if (text == NULL)
		return err_no_memory(err);
	len = strlen(text);
	text[len] = '\n'; /* in the place of the NUL: one write, one line */
	if (write(fd, text, len + 1) != (ssize_t)(len + 1))
		result = err_errno(err, "request log");
	free(text);
	return result;
}
