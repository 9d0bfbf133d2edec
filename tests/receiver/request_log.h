/* SPDX-License-Identifier: MIT */
/*
 * One JSON line per request, written when its last byte has arrived and before anything
 * is answered, so that a test can wait for a request that is still in flight:
 *
 *	{"number":1,"at_ms":…,"method":"POST","url":"/flaky/1?…","behaviour":"/status/503",
 *	 "version":"HTTP/1.1","client_port":…,"headers":{"webhook-id":…},"bytes":12,
 *	 "body":"…" (if UTF-8),"body_b64":"…"}
 *
 * Header names are in lower case; a header that came twice is joined with ", ".
 */
#ifndef RECEIVER_REQUEST_LOG_H
#define RECEIVER_REQUEST_LOG_H

#include "base/err.h"
#include "base/span.h"

#include <microhttpd.h>

struct logged_request {
	int64_t number;
	const char *method;
	const char *url;
	const char *version;
	struct span behaviour;
	struct span body;
};

/* Appends to the file in one write(). ERR_OS, ERR_IO. */
int request_log_write(int fd, const struct logged_request *request,
	struct MHD_Connection *connection, struct err *err);

#endif
