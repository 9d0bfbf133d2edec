/* SPDX-License-Identifier: MIT */
#include "net/gate.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <string.h>

void
gate_reset(struct gate *gate, void *context)
{
	gate->context = context;
	gate->opened = false;
	gate->refused.count = 0;
}

static bool
read_address(const struct sockaddr *from, struct address *address)
{
	struct sockaddr_in ipv4;
	struct sockaddr_in6 ipv6;

	*address = (struct address){.family = from->sa_family == AF_INET ? 4 : 6};
	switch (from->sa_family) {
	case AF_INET:
		memcpy(&ipv4, from, sizeof(ipv4));
		memcpy(address->bytes, &ipv4.sin_addr, sizeof(ipv4.sin_addr));
		return true;
	case AF_INET6:
		memcpy(&ipv6, from, sizeof(ipv6));
		memcpy(address->bytes, &ipv6.sin6_addr, sizeof(ipv6.sin6_addr));
		return true;
	default:
		return false;
	}
}

static void
keep_refused(struct refused *refused, const char *what, const struct address *address)
{
	if (refused->count == 0)
		refused->what = what;
	if (refused->count < REFUSED_MAX)
		refused->addresses[refused->count++] = *address;
}

bool
gate_lets_through(struct gate *gate, const struct sockaddr *address)
{
	struct address read;
	const char *refusal;

	if (!read_address(address, &read))
		return false;
	refusal = gate->judge(gate->context, &read);
	if (refusal == NULL)
		gate->opened = true;
	else
		keep_refused(&gate->refused, refusal, &read);
	return refusal == NULL;
}

bool
gate_blocks(const struct gate *gate)
{
	return !gate->opened && gate->refused.count > 0;
}

bool
gate_lets_request(struct gate *gate, const char *peer_ip)
{
	struct address peer;
	const char *refusal;

	if (!address_parse(span_of(peer_ip), &peer))
		return false;
	refusal = gate->judge(gate->context, &peer);
	if (refusal == NULL)
		return true;
	gate->opened = false;
	gate->refused.count = 0;
	keep_refused(&gate->refused, refusal, &peer);
	return false;
}
