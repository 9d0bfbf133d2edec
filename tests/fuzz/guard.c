/* SPDX-License-Identifier: MIT */
/*
 * Addresses and networks, against the C library's reader of addresses.
 */
#include "target.h"

#include "model/guard.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_SIZE = 128 };

/* What inet_pton() makes of it; 0 for no address. */
static int
read_by_libc(struct span text, unsigned char *bytes)
{
	char terminated[TEXT_SIZE];

	if (text.len >= sizeof(terminated) ||
		(text.len > 0 && memchr(text.ptr, '\0', text.len) != NULL))
		return 0;
	if (text.len > 0)
		memcpy(terminated, text.ptr, text.len);
	terminated[text.len] = '\0';
	memset(bytes, 0, ADDRESS_BYTES_MAX);
	if (inet_pton(AF_INET, terminated, bytes) == 1)
		return 4;
	return inet_pton(AF_INET6, terminated, bytes) == 1 ? 6 : 0;
}

static bool
same(const struct address *a, const struct address *b)
{
	return a->family == b->family &&
		memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

/* Never to be let out by default, whatever the tables say. */
static bool
is_plainly_private(const struct address *address)
{
	const unsigned char *b = address->bytes;
	static const unsigned char loopback[ADDRESS_BYTES_MAX] = {[15] = 1};

	if (address->family == 4)
		return b[0] == 127 || b[0] == 10 || b[0] == 0 || b[0] >= 224 ||
			(b[0] == 192 && b[1] == 168) || (b[0] == 169 && b[1] == 254) ||
			(b[0] == 172 && b[1] / 16 == 1);
	return memcmp(b, loopback, sizeof(loopback)) == 0 || (b[0] & 0xfe) == 0xfc ||
		b[0] == 0xff || (b[0] == 0xfe && b[1] >= 0x80);
}

/* In its own network of one, and in none of the others. */
static void
check_networks(const struct address *address, struct arena *arena)
{
	struct network *networks = NULL;
	char text[ADDRESS_TEXT_SIZE];
	struct address other = *address;

	address_format(address, text);
	HOLDS(!networks_hold(networks, address));
	HOLDS(networks_add(&networks, span_of(text), arena, NULL) == 0);
	HOLDS(networks_hold(networks, address));
	other.bytes[0] ^= 1;
	HOLDS(!networks_hold(networks, &other));
}

static void
check_address(struct span text, struct arena *arena)
{
	struct address address, again;
	unsigned char bytes[ADDRESS_BYTES_MAX];
	char written[ADDRESS_TEXT_SIZE];
	int family = read_by_libc(text, bytes);

	HOLDS(address_parse(text, &address) == (family != 0));
	if (family == 0)
		return;
	HOLDS(address.family == family);
	HOLDS(memcmp(address.bytes, bytes, sizeof(bytes)) == 0);
	address_format(&address, written);
	HOLDS(address_parse(span_of(written), &again) && same(&address, &again));
	HOLDS(!is_plainly_private(&address) || guard_refusal(&address) != NULL);
	check_networks(&address, arena);
}

/* Sixteen bytes of the input as an address; what carries an IPv4 one is refused. */
static void
check_bytes(struct span input)
{
	struct address address = {.family = 6};
	static const unsigned char mapped[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

	if (input.len < ADDRESS_BYTES_MAX)
		return;
	memcpy(address.bytes, input.ptr, ADDRESS_BYTES_MAX);
	HOLDS(!is_plainly_private(&address) || guard_refusal(&address) != NULL);
	memcpy(address.bytes, mapped, sizeof(mapped));
	HOLDS(guard_refusal(&address) != NULL);
	address = (struct address){.family = 4};
	memcpy(address.bytes, input.ptr, 4);
	HOLDS(!is_plainly_private(&address) || guard_refusal(&address) != NULL);
}

void
fuzz_guard(struct span input)
{
	struct network *networks = NULL;
	struct arena arena;
	struct err err = {0};

	arena_init(&arena);
	if (networks_add(&networks, input, &arena, &err) == 0) {
		HOLDS(networks_check(input, NULL) == 0);
	} else {
		HOLDS(err.kind == ERR_DATA && networks == NULL);
		HOLDS(networks_check(input, NULL) != 0);
	}
	check_address(input, &arena);
	check_bytes(input);
	arena_free(&arena);
}
