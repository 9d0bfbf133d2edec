/* SPDX-License-Identifier: MIT */
/*
 * Which addresses a delivery may go to (server-side request forgery, SSRF).
 *
 * What is judged is the address itself, when a connection to it is about to be opened, so
 * that no spelling of a host and no name that resolves to something else the second time
 * gets around it. Refused is what IANA's special-purpose registries (RFC 6890) do not
 * call globally reachable, and what carries an IPv4 address inside an IPv6 one, whatever
 * that address is; an operator opens what he needs by naming its network.
 */
#ifndef MODEL_GUARD_H
#define MODEL_GUARD_H

#include "base/arena.h"
#include "base/buf.h"

enum { ADDRESS_BYTES_MAX = 16, ADDRESS_TEXT_SIZE = 46 };

/* In network order; the last twelve bytes of an IPv4 address are zero. */
struct address {
	unsigned char bytes[ADDRESS_BYTES_MAX];
	int family; /* 4 or 6 */
};

struct network {
	struct network *next;
	struct address address;
	int prefix; /* so many leading bits count, the others are zero */
};

/* "127.0.0.1" or "2001:db8::1", as inet_pton(3) has it: no zones, no octal numbers. */
bool address_parse(struct span text, struct address *address);
void address_format(const struct address *address, char text[ADDRESS_TEXT_SIZE]);

/* NULL if the address is one of the public Internet, else what it is: "a loopback
 * address". A zone does not count: fe80::1 is the same on every interface. */
const char *guard_refusal(const struct address *address);

/*
 * Adds what the list opens, "10.0.0.0/8,::1", in front of *networks; an address alone is
 * a network of one. A network opens what is written inside it and nothing else: that of
 * an IPv4 address does not open its IPv4-mapped, NAT64 or 6to4 form. ERR_DATA, with
 * *networks as it was.
 */
int networks_add(struct network **networks, struct span list, struct arena *arena,
	struct err *err);

/* Whether the list could be added. ERR_DATA. */
int networks_check(struct span list, struct err *err);

/* Appends them as a list that networks_add() takes, the last one added first. */
void networks_put(const struct network *networks, struct buf *list);

/* Whether one of them holds the address; NULL are none. */
bool networks_hold(const struct network *networks, const struct address *address);

#endif
