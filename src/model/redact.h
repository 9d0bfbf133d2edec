/* SPDX-License-Identifier: MIT */
/*
 * Requests without the secrets in them: what a listing shows unless it is asked to reveal
 * them. Nothing but names says what is a secret.
 */
#ifndef MODEL_REDACT_H
#define MODEL_REDACT_H

#include "base/buf.h"
#include "model/job.h"
#include "model/url.h"

#define REDACTED "REDACTED"

/* Of the longest URL, made of nothing but short secrets: "pw=1&" and so on. */
enum { REDACTED_URL_MAX = 3 * URL_MAX };

/* Whether a header, or a parameter of a URL, holds a secret, going by its name. */
bool name_is_secret(struct span name);

/* The headers object with the values of secret ones replaced. */
void redact_headers(struct buf *out, struct span headers);

/*
 * The URL with the values of secret parameters, of its path, query and fragment,
 * replaced, and whatever stands before an @. Names and values are looked at
 * percent-decoded, and a value that holds such a parameter itself is replaced as a whole.
 */
void redact_url(struct buf *out, struct span url);

/* Whether redact_url() replaces anything. */
bool url_holds_secret(struct span url);

/*
 * Makes *redacted the request without its secrets, or as it is with `reveal`. Borrows the
 * request. ERR_OS.
 */
struct redacted {
	struct buf url;
	struct buf headers;
	struct request request;
};

int request_redact(struct redacted *redacted, const struct request *request, bool reveal,
	struct err *err);
void redacted_free(struct redacted *redacted);

#endif
