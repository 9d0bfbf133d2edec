/* SPDX-License-Identifier: MIT */
/*
 * The configuration (whtools.conf(5)): one JSON document.
 *
 *	{"endpoints": {
 *	   "acme": {"url": "https://api.acme.io/hook",
 *	            "headers": {"X-Tenant": "7", "Authorization": {"file": "acme.token"}},
 *	            "connect_timeout": "5s", "timeout": "20s",
 *	            "concurrency": 10, "rate": "50/s",
 *	            "breaker": {"failures": 20, "cool_down": "5s", "max_cool_down": "5m"},
 *	            "tls": {"ca": "ca.pem", "cert": "me.pem", "key": "me.key"},
 *	            "allow_net": ["10.1.2.3"]}},
 *	 "allow_net": ["127.0.0.0/8", "::1"],
 *	 "policy": {"as in": "a policy file"},
 *	 "limits": {"concurrency": 5, "connect_timeout": "10s", "timeout": "30s",
 *	            "snippet": "1KiB", "max_line": "16MiB", "retention": "7d",
 *	            "lease": "60s", "grace": "30s",
 *	            "as for an endpoint": "endpoint_concurrency, endpoint_rate, breaker"}}
 */
#ifndef MODEL_CONFIG_H
#define MODEL_CONFIG_H

#include "base/arena.h"
#include "base/map.h"
#include "model/breaker.h"
#include "model/guard.h"
#include "model/rate.h"

enum { CONFIG_CONCURRENCY_MAX = 10000 };

/* A file that the document names. */
struct config_file {
	struct config_file *next;
	const char *path;
	const char *place;   /* "line 7: endpoints.acme.tls.ca" */
	bool secret;         /* a private key */
	struct span content; /* absent: it was not read yet */
};

struct config_header {
	struct span name;
	struct span value; /* absent: it is in `file`, and was not read yet */
	struct span file;  /* absent: the value stands in the document */
	const char *place; /* of the file's name, as in config_file */
};

/* How much of us an endpoint gets. */
struct endpoint_rule {
	int concurrency;  /* deliveries at once; 0: as many as the worker has */
	struct rate rate; /* no limit by default */
	struct breaker_rule breaker;
};

struct endpoint_config {
	struct span name;
	struct span url;
	struct endpoint_rule rule;
	struct config_header *headers;
	size_t header_count;
	struct network *open; /* to this endpoint's own url, besides the general ones */
	int64_t connect_timeout_ms; /* 0: the limit's */
	int64_t timeout_ms;
	const struct config_file *tls_ca;   /* NULL: the system's */
	const struct config_file *tls_cert; /* NULL: none */
	const struct config_file *tls_key;
};

struct limits {
	int concurrency;               /* 5 */
	int64_t connect_timeout_ms;    /* 10 s */
	int64_t timeout_ms;            /* 30 s, the whole transfer */
	size_t snippet_bytes;          /* 1 KiB of a response body are kept */
	size_t max_line;               /* 16 MiB, longest input line */
	int64_t retention_ms;          /* 7 d, how long completed jobs stay known */
	int64_t lease_ms;              /* 60 s */
	int64_t grace_ms;              /* 30 s, how long a drain may take */
	struct endpoint_rule endpoint; /* where an endpoint has none of its own */
};

struct config {
	struct arena arena;
	struct map endpoints;          /* name -> struct endpoint_config */
	struct config_file *tls_files; /* of all endpoints */
	struct network *open;          /* to all deliveries, though they are not public */
	struct policy policy;
	struct limits limits;
};

/* The defaults: no endpoints, policy_init(), the limits above. */
void config_init(struct config *config);
void config_free(struct config *config);

/*
 * Reads the document over the defaults; nothing in it is optional to understand: an
 * unknown member is an error. ERR_CONFIG, "line N: endpoints.acme.timeout: reason".
 * Relative file names are made relative to `directory`, the document's own.
 */
int config_read(
	struct config *config, struct span text, const char *directory, struct err *err);

/* NULL if it is not configured. */
const struct endpoint_config *config_endpoint(
	const struct config *config, struct span name);

/*
 * Whether a request to that URL may carry what is the endpoint's: its header fields, its
 * certificates. A job can name an endpoint and still have a URL of its own, and who may
 * enqueue must not lead the secrets of the configuration to a host of his. Absent: the
 * endpoint's own URL.
 */
bool endpoint_trusts(const struct endpoint_config *endpoint, struct span url);

/* `named` says that it is a name of the configuration, rather than the origin of
 * a URL. */
const struct endpoint_rule *config_rule(
	const struct config *config, struct span name, bool named);

#endif
