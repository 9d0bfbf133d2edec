/* SPDX-License-Identifier: MIT */
#include "model/guard.h"

#include <arpa/inet.h>
#include <string.h>

enum {
	IPV4_BITS = 32,
	IPV6_BITS = 128,
	NETWORK_TEXT_MAX = 64,
};

/* A network as tables have it, and what its addresses are. */
struct special {
	unsigned char bytes[ADDRESS_BYTES_MAX];
	int prefix;
	const char *what;
};

/*
 * IANA's IPv4 Special-Purpose Address Registry, multicast (RFC 5771), and addresses where
 * clouds tell a machine its secrets; the narrower one of two comes first.
 */
static const struct special special_ipv4[] = {
	{{0}, 8, "an address of \"this network\" (RFC 1122)"},
	{{10}, 8, "a private address (RFC 1918)"},
	{{100, 100, 100, 200}, 32, "a cloud's metadata address"},
	{{100, 64}, 10, "a carrier-grade NAT address (RFC 6598)"},
	{{127}, 8, "a loopback address"},
	{{168, 63, 129, 16}, 32, "a cloud's metadata address"},
	{{169, 254, 169, 254}, 32, "a cloud's metadata address"},
	{{169, 254}, 16, "a link-local address (RFC 3927)"},
	{{172, 16}, 12, "a private address (RFC 1918)"},
	{{192, 0, 0}, 24, "an address of IETF protocols (RFC 6890)"},
	{{192, 0, 2}, 24, "a documentation address (RFC 5737)"},
	{{192, 88, 99}, 24, "a 6to4 relay's address (RFC 7526)"},
	{{192, 168}, 16, "a private address (RFC 1918)"},
	{{198, 18}, 15, "a benchmarking address (RFC 2544)"},
	{{198, 51, 100}, 24, "a documentation address (RFC 5737)"},
	{{203, 0, 113}, 24, "a documentation address (RFC 5737)"},
	{{224}, 4, "a multicast address"},
	{{255, 255, 255, 255}, 32, "the broadcast address"},
	{{240}, 4, "a reserved address (RFC 1112)"},
};

/* The same of IPv6. Global unicast is 2000::/3 alone, so that the rest is refused even
 * where it has no name here. */
static const struct special special_ipv6[] = {
	{{[15] = 1}, 128, "a loopback address"},
	{{0}, 128, "the unspecified address"},
	{{[10] = 0xff, 0xff}, 96, "an IPv4-mapped address"},
	{{[8] = 0xff, 0xff}, 96, "an IPv4-translated address (RFC 2765)"},
	{{0}, 96, "an IPv4-compatible address"},
	{{0x00, 0x64, 0xff, 0x9b}, 96, "a NAT64 address (RFC 6052)"},
	{{0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, 48, "a local NAT64 address (RFC 8215)"},
	{{0x01, 0x00}, 64, "a discard-only address (RFC 6666)"},
	{{0x20, 0x01, 0x00, 0x00}, 32, "a Teredo address (RFC 4380)"},
	{{0x20, 0x01, 0x00, 0x02}, 48, "a benchmarking address (RFC 5180)"},
	{{0x20, 0x01, 0x00, 0x10}, 28, "an ORCHID (RFC 4843)"},
	{{0x20, 0x01, 0x00, 0x20}, 28, "an ORCHID (RFC 7343)"},
	{{0x20, 0x01}, 23, "an address of IETF protocols (RFC 2928)"},
	{{0x20, 0x01, 0x0d, 0xb8}, 32, "a documentation address (RFC 3849)"},
	{{0x20, 0x02}, 16, "a 6to4 address (RFC 3056)"},
	{{0x3f, 0xff}, 20, "a documentation address (RFC 9637)"},
	{{0x5f, 0x00}, 16, "a segment routing address (RFC 9602)"},
	{{0xfd, 0x00, 0x0e, 0xc2, [14] = 0x02, 0x54}, 128, "a cloud's metadata address"},
	{{0xfd, 0x20, 0x00, 0xce, [14] = 0x02, 0x54}, 128, "a cloud's metadata address"},
	{{0xfc}, 7, "a unique local address (RFC 4193)"},
	{{0xfe, 0x80}, 10, "a link-local address"},
	{{0xfe, 0xc0}, 10, "a site-local address (RFC 3879)"},
	{{0xff}, 8, "a multicast address"},
};

static const struct special global_unicast = {{0x20}, 3, NULL};

/* Whether the first `count` bits are the same. */
static bool
bits_equal(const unsigned char *a, const unsigned char *b, int count)
{
	size_t whole = (size_t)count / 8;
	unsigned mask = 0xff00u >> count % 8 & 0xff;

	return memcmp(a, b, whole) == 0 &&
		(mask == 0 || ((a[whole] ^ b[whole]) & mask) == 0);
}

static const char *
special_what(const struct special *table, size_t count, const struct address *address)
{
	for (size_t i = 0; i < count; i++)
		if (bits_equal(table[i].bytes, address->bytes, table[i].prefix))
			return table[i].what;
	return NULL;
}

const char *
guard_refusal(const struct address *address)
{
	const char *what;

	if (address->family == 4)
		return special_what(special_ipv4,
			sizeof(special_ipv4) / sizeof(special_ipv4[0]), address);
	what = special_what(
		special_ipv6, sizeof(special_ipv6) / sizeof(special_ipv6[0]), address);
	if (what == NULL &&
		!bits_equal(global_unicast.bytes, address->bytes, global_unicast.prefix))
		return "not a global unicast address";
	return what;
}

bool
address_parse(struct span text, struct address *address)
{
	bool is_ipv6 = text.len > 0 && memchr(text.ptr, ':', text.len) != NULL;
	char copy[ADDRESS_TEXT_SIZE];

	*address = (struct address){.family = is_ipv6 ? 6 : 4};
	/* inet_pton() would stop at a NUL. */
	if (text.len == 0 || text.len >= sizeof(copy) ||
		memchr(text.ptr, '\0', text.len) != NULL)
		return false;
	memcpy(copy, text.ptr, text.len);
	copy[text.len] = '\0';
	return inet_pton(is_ipv6 ? AF_INET6 : AF_INET, copy, address->bytes) == 1;
}

void
address_format(const struct address *address, char text[ADDRESS_TEXT_SIZE])
{
	inet_ntop(address->family == 4 ? AF_INET : AF_INET6, address->bytes, text,
		ADDRESS_TEXT_SIZE);
}

/* The prefix of "address/prefix"; -1 if there is something else. */
static int
prefix_of(struct span text, int most)
{
	int64_t number;

	if (!span_present(text))
		return most;
	if (text.len > 0 && text.ptr[0] == '-')
		return -1;
	return span_to_int64(text, &number) && number <= most ? (int)number : -1;
}

static bool
has_zeros_behind(const struct network *network)
{
	struct network masked = *network;
	int whole = network->prefix / 8;

	if (network->prefix % 8 != 0)
		masked.address.bytes[whole++] &= (unsigned char)(0xff00u >>
			network->prefix % 8);
	while (whole < ADDRESS_BYTES_MAX)
		masked.address.bytes[whole++] = 0;
	return memcmp(masked.address.bytes, network->address.bytes, ADDRESS_BYTES_MAX) ==
		0;
}

static int
network_parse(struct span text, struct network *network, struct err *err)
{
	int shown = (int)(text.len < NETWORK_TEXT_MAX ? text.len : NETWORK_TEXT_MAX);
	struct span prefix = text, address = span_take(&prefix, '/');

	if (!address_parse(address, &network->address))
		return err_set(err, ERR_DATA,
			"'%.*s' is not a network like 10.0.0.0/8 or fd00::/8", shown,
			text.ptr == NULL ? "" : text.ptr);
	network->prefix = prefix_of(
		prefix, network->address.family == 4 ? IPV4_BITS : IPV6_BITS);
	if (network->prefix < 0)
		return err_set(err, ERR_DATA,
			"'%.*s': behind the / comes a number from 0 to %d", shown,
			text.ptr, network->address.family == 4 ? IPV4_BITS : IPV6_BITS);
	/* 10.0.0.1/8 may mean one address or sixteen million: nothing to guess at. */
	if (!has_zeros_behind(network))
		return err_set(err, ERR_DATA,
			"'%.*s' has bits set behind its first %d; an address alone is "
			"written without a /",
			shown, text.ptr, network->prefix);
	return 0;
}

int
networks_add(
	struct network **networks, struct span list, struct arena *arena, struct err *err)
{
	struct network *first = *networks;

	do {
		struct network *network = arena_alloc(arena, sizeof(*network));

		if (network == NULL)
			return err_no_memory(err);
		if (network_parse(span_trim(span_take(&list, ',')), network, err) != 0)
			return -1;
		network->next = first;
		first = network;
	} while (span_present(list));
	*networks = first;
	return 0;
}

int
networks_check(struct span list, struct err *err)
{
	struct network *networks = NULL;
	struct arena arena;
	int result;

	arena_init(&arena);
	result = networks_add(&networks, list, &arena, err);
	arena_free(&arena);
	return result;
}

bool
networks_hold(const struct network *networks, const struct address *address)
{
	for (; networks != NULL; networks = networks->next)
		if (networks->address.family == address->family &&
			bits_equal(networks->address.bytes, address->bytes,
				networks->prefix))
			return true;
	return false;
}

void
networks_put(const struct network *networks, struct buf *list)
{
	const char *separator = "";

	for (; networks != NULL; networks = networks->next) {
		char address[ADDRESS_TEXT_SIZE];

		address_format(&networks->address, address);
		buf_printf(list, "%s%s/%d", separator, address, networks->prefix);
		separator = ",";
	}
}
