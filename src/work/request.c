/* SPDX-License-Identifier: MIT */
#include "work/request.h"

#include "model/url.h"

#include <strings.h>

static const struct endpoint_config *
endpoint_of(const struct delivery *delivery, const struct config *config)
{
	return delivery->endpoint_named ? config_endpoint(config, delivery->endpoint)
					: NULL;
}

struct span
request_url(const struct delivery *delivery, const struct config *config)
{
	const struct endpoint_config *endpoint = endpoint_of(delivery, config);

	if (span_present(delivery->request.url) || endpoint == NULL)
		return delivery->request.url;
	return endpoint->url;
}

/* Whether the job's own header fields have that name. */
static bool
has_field(struct json headers, struct span name)
{
	for (struct json_iter it = json_iter(headers); json_next(&it);)
		if (it.key.len == name.len &&
			strncasecmp(it.key.ptr, name.ptr, name.len) == 0)
			return true;
	return false;
}

static int
add_own_fields(struct transfer *transfer, struct json headers, struct err *err)
{
	struct buf text;
	int failed = 0;

	buf_init(&text, HEADERS_MAX);
	for (struct json_iter it = json_iter(headers); !failed && json_next(&it);) {
		buf_clear(&text);
		json_to_text(it.value, &text);
		failed = buf_check(&text, err);
		if (!failed)
			transfer_header(transfer, it.key, buf_span(&text));
	}
	buf_free(&text);
	return failed;
}

/* The configuration's fields, but for those that the job brings itself. */
static void
add_endpoint_fields(struct transfer *transfer, const struct endpoint_config *endpoint,
	struct json headers)
{
	for (size_t i = 0; i < endpoint->header_count; i++)
		if (!has_field(headers, endpoint->headers[i].name))
			transfer_header(transfer, endpoint->headers[i].name,
				endpoint->headers[i].value);
}

static bool
says_content_type(const struct endpoint_config *endpoint, struct json headers)
{
	if (has_field(headers, SPAN_LITERAL("content-type")))
		return true;
	for (size_t i = 0; endpoint != NULL && i < endpoint->header_count; i++)
		if (span_is_nocase(endpoint->headers[i].name, "content-type"))
			return true;
	return false;
}

/* What the store holds was checked when it came in; a file may have been edited. */
static int
check_stored(const struct delivery *delivery, struct json *headers, struct err *err)
{
	const struct request *job = &delivery->request;

	if (span_present(job->url) && url_check(job->url, err) != 0)
		return -1;
	if (span_present(job->method) && method_check(job->method, err) != 0)
		return -1;
	if (!event_id_valid(delivery->event_id))
		return err_set(err, ERR_DATA, "id: not 1 to 256 bytes of printable text");
	if (!span_present(job->headers))
		return 0;
	if (json_read(job->headers, headers, err) != 0)
		return err_context(err, "headers");
	return headers_check(*headers, err);
}

static int
add_fields(struct transfer *transfer, const struct delivery *delivery,
	const struct endpoint_config *endpoint, int64_t started_at, struct err *err)
{
	struct json headers = {0};

	if (check_stored(delivery, &headers, err) != 0)
		return -1;
	transfer_header(transfer, SPAN_LITERAL("webhook-id"), delivery->event_id);
	transfer_header_int(
		transfer, SPAN_LITERAL("webhook-timestamp"), started_at / 1000);
	transfer_header_int(
		transfer, SPAN_LITERAL("webhook-attempt"), delivery->attempts_made + 1);
	if (!says_content_type(endpoint, headers))
		transfer_header(transfer, SPAN_LITERAL("Content-Type"),
			SPAN_LITERAL("application/json"));
	if (add_own_fields(transfer, headers, err) != 0)
		return -1;
	if (endpoint != NULL)
		add_endpoint_fields(transfer, endpoint, headers);
	return 0;
}

static int64_t
either(int64_t particular, int64_t general)
{
	return particular > 0 ? particular : general;
}

/* The endpoint if its header fields and certificates may go where the job goes, or
 * NULL. */
static const struct endpoint_config *
trusting_endpoint(const struct delivery *delivery, const struct endpoint_config *endpoint)
{
	if (endpoint == NULL || !endpoint_trusts(endpoint, delivery->request.url))
		return NULL;
	return endpoint;
}

static struct span
content_of(const struct config_file *file)
{
	return file == NULL ? (struct span){0} : file->content;
}

int
request_make(struct transfer *transfer, struct transfer_request *request,
	const struct delivery *delivery, const struct config *config, int64_t started_at,
	struct err *err)
{
	const struct endpoint_config *endpoint = endpoint_of(delivery, config);
	const struct request *job = &delivery->request;
	const struct endpoint_config *trusting = trusting_endpoint(delivery, endpoint);
	struct endpoint_config none = {0};

	*request = (struct transfer_request){
		.url = request_url(delivery, config),
		.method = span_present(job->method) ? job->method : SPAN_LITERAL("POST"),
		.body = job->body_kind == BODY_NONE ? (struct span){0} : job->body,
	};
	if (add_fields(transfer, delivery, trusting, started_at, err) != 0)
		return -1;
	if (endpoint == NULL)
		endpoint = &none;
	request->connect_timeout_ms = either(
		endpoint->connect_timeout_ms, config->limits.connect_timeout_ms);
	request->timeout_ms = either(endpoint->timeout_ms, config->limits.timeout_ms);
	if (trusting != NULL) {
		request->tls_ca = content_of(trusting->tls_ca);
		request->tls_cert = content_of(trusting->tls_cert);
		request->tls_key = content_of(trusting->tls_key);
	}
	return 0;
}

const char *
request_refusal(const struct delivery *delivery, const struct config *config,
	const struct address *address)
{
	const char *refusal = guard_refusal(address);
	const struct endpoint_config *endpoint;

	if (refusal == NULL || networks_hold(config->open, address))
		return NULL;
	if (span_present(delivery->request.url))
		return refusal;
	endpoint = endpoint_of(delivery, config);
	return endpoint != NULL && networks_hold(endpoint->open, address) ? NULL
									  : refusal;
}
