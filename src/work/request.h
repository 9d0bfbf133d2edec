/* SPDX-License-Identifier: MIT */
/*
 * The HTTP request of a job: its own words first, then what the configuration says of its
 * endpoint, then the defaults; the webhook-* fields are always ours. The endpoint's
 * header fields and certificates go to its own origin only (endpoint_trusts()).
 */
#ifndef WORK_REQUEST_H
#define WORK_REQUEST_H

#include "model/config.h"
#include "net/client.h"
#include "store/store.h"

/* Where the job goes: its own url, else its endpoint's; absent if neither is known. */
struct span request_url(const struct delivery *delivery, const struct config *config);

/*
 * Fills the transfer's header and *request for this attempt, made at started_at; the
 * job's URL is known. ERR_DATA if the job cannot be sent as it is.
 */
int request_make(struct transfer *transfer, struct transfer_request *request,
	const struct delivery *delivery, const struct config *config, int64_t started_at,
	struct err *err);

/*
 * Why the job may not be sent to that address: what the address is, or NULL. What is open
 * to an endpoint is so only for the URL that the configuration gives it.
 */
const char *request_refusal(const struct delivery *delivery, const struct config *config,
	const struct address *address);

#endif
