/* SPDX-License-Identifier: MIT */
#include "model/guard.h"

#include "tap.h"

#include <string.h>

/* The first and the last address of each special network, as the registries write them,
 * and a word of what it is called. */
static const struct {
	const char *first, *last, *word;
} refused[] = {
	{"0.0.0.0", "0.255.255.255", "this network"},
	{"10.0.0.0", "10.255.255.255", "private"},
	{"100.64.0.0", "100.127.255.255", "carrier-grade NAT"},
	{"100.100.100.200", "100.100.100.200", "metadata"},
	{"127.0.0.0", "127.255.255.255", "loopback"},
	{"168.63.129.16", "168.63.129.16", "metadata"},
	{"169.254.0.0", "169.254.255.255", "link-local"},
	{"169.254.169.254", "169.254.169.254", "metadata"},
	{"172.16.0.0", "172.31.255.255", "private"},
	{"192.0.0.0", "192.0.0.255", "IETF protocols"},
	{"192.0.2.0", "192.0.2.255", "documentation"},
	{"192.88.99.0", "192.88.99.255", "6to4"},
	{"192.168.0.0", "192.168.255.255", "private"},
	{"198.18.0.0", "198.19.255.255", "benchmarking"},
	{"198.51.100.0", "198.51.100.255", "documentation"},
	{"203.0.113.0", "203.0.113.255", "documentation"},
	{"224.0.0.0", "239.255.255.255", "multicast"},
	{"240.0.0.0", "255.255.255.254", "reserved"},
	{"255.255.255.255", "255.255.255.255", "broadcast"},
	{"::", "::", "unspecified"},
	{"::1", "::1", "loopback"},
	{"::2", "::ffff:ffff", "IPv4-compatible"},
	{"::ffff:0.0.0.0", "::ffff:255.255.255.255", "IPv4-mapped"},
	{"::ffff:8.8.8.8", "::ffff:127.0.0.1", "IPv4-mapped"},
	{"::ffff:0:0.0.0.0", "::ffff:0:255.255.255.255", "IPv4-translated"},
	{"::1:0:0:0", "::fffe:ffff:ffff", "not a global"},
	{"64:ff9b::", "64:ff9b::255.255.255.255", "NAT64"},
	{"64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", "NAT64"},
	{"100::", "100::ffff:ffff:ffff:ffff", "discard"},
	{"100:0:0:1::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "not a global"},
	{"2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff", "Teredo"},
	{"2001:1::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", "IETF protocols"},
	{"2001:2::", "2001:2:0:ffff:ffff:ffff:ffff:ffff", "benchmarking"},
	{"2001:10::", "2001:1f:ffff:ffff:ffff:ffff:ffff:ffff", "ORCHID"},
	{"2001:20::", "2001:2f:ffff:ffff:ffff:ffff:ffff:ffff", "ORCHID"},
	{"2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "documentation"},
	{"2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "6to4"},
	{"2002:7f00:1::", "2002:808:808::", "6to4"},
	{"3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "documentation"},
	{"4000::", "5eff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "not a global"},
	{"5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "segment routing"},
	{"6000::", "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "not a global"},
	{"fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "unique local"},
	{"fd00:ec2::254", "fd20:ce::254", "metadata"},
	{"fe00::", "fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "not a global"},
	{"fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "link-local"},
	{"fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "site-local"},
	{"ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "multicast"},
};

/* The neighbours of the above, and well-known servers. */
static const char *const public[] = {"1.0.0.0", "9.255.255.255", "11.0.0.0",
	"100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0", "168.63.129.15",
	"168.63.129.17", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0",
	"191.255.255.255", "192.0.1.0", "192.0.1.255", "192.0.3.0", "192.88.98.255",
	"192.88.100.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0",
	"198.51.99.255", "198.51.101.0", "203.0.112.255", "203.0.114.0",
	"223.255.255.255", "8.8.8.8", "140.82.121.4",
	"2000::", "2000:ffff::", "2001:200::", "2001:db7:ffff::", "2001:db9::",
	"2001:ffff:ffff::", "2003::", "2606:4700:4700::1111", "2a00:1450:4001::200e",
	"3ffe:ffff::", "3fff:1000::", "3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"};

static struct address
address_of(const char *text)
{
	struct address address;

	tap_case(text);
	CHECK(address_parse(span_of(text), &address));
	return address;
}

static void
check_refused(const char *text, const char *word)
{
	struct address address = address_of(text);
	const char *refusal = guard_refusal(&address);

	if (CHECK(refusal != NULL))
		CHECK(strstr(refusal, word) != NULL);
}

static void
test_refuses_what_is_not_public(void)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		check_refused(refused[i].first, refused[i].word);
		check_refused(refused[i].last, refused[i].word);
	}
	tap_case(NULL);
}

static void
test_lets_the_public_through(void)
{
	for (size_t i = 0; i < sizeof(public) / sizeof(public[0]); i++) {
		struct address address = address_of(public[i]);

		CHECK(guard_refusal(&address) == NULL);
	}
	tap_case(NULL);
}

static void
test_reads_addresses_only(void)
{
	static const char *const texts[] = {"", "127.1", "0177.0.0.1", "0x7f.0.0.1",
		"2130706433", "127.0.0.1 ", " 127.0.0.1", "127.0.0.1.", "256.0.0.1",
		"[::1]", "fe80::1%eth0", "::1/128", "localhost", "::ffff:127.1",
		"1:2:3:4:5:6:7:8:9", "0000:0000:0000:0000:0000:0000:0000:0000:0000"};
	struct address address;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		tap_case(texts[i]);
		CHECK(!address_parse(span_of(texts[i]), &address));
	}
	tap_case(NULL);
	CHECK(!address_parse(SPAN_LITERAL("127.0.0.1\0"), &address));
}

/* Whether the list opens the address. */
static bool
opens(const char *list, const char *address)
{
	struct network *networks = NULL;
	struct address judged = address_of(address);
	struct arena arena;
	bool held;

	arena_init(&arena);
	CHECK_INT(networks_add(&networks, span_of(list), &arena, NULL), 0);
	held = networks_hold(networks, &judged);
	arena_free(&arena);
	tap_case(NULL);
	return held;
}

static void
test_opens_what_a_network_holds(void)
{
	CHECK(opens("127.0.0.0/8", "127.0.0.1"));
	CHECK(opens("127.0.0.0/8", "127.255.255.255"));
	CHECK(!opens("127.0.0.0/8", "128.0.0.0"));
	CHECK(opens("10.1.2.3", "10.1.2.3"));
	CHECK(!opens("10.1.2.3", "10.1.2.2"));
	CHECK(opens("172.16.0.0/12", "172.31.255.255"));
	CHECK(!opens("172.16.0.0/12", "172.32.0.0"));
	CHECK(opens("10.1.2.2/31", "10.1.2.3"));
	CHECK(!opens("10.1.2.2/31", "10.1.2.4"));
	CHECK(opens("0.0.0.0/0", "255.255.255.255"));
	CHECK(opens("fd00::/8", "fdff::1"));
	CHECK(!opens("fd00::/8", "fc00::1"));
	CHECK(opens("fe80::/10", "febf::1"));
	CHECK(!opens("fe80::/10", "fec0::1"));
	CHECK(opens("::1", "::1"));
	CHECK(!opens("::1", "::2"));
	CHECK(opens("::/0", "ffff::"));
	CHECK(opens(" 10.0.0.0/8 , ::1 , 192.168.0.0/16", "::1"));
	CHECK(opens("10.0.0.0/8,::1,192.168.0.0/16", "192.168.7.7"));
	CHECK(!opens("10.0.0.0/8,::1,192.168.0.0/16", "172.16.0.1"));
}

static void
test_opens_no_other_form_of_it(void)
{
	CHECK(!opens("127.0.0.0/8", "::ffff:127.0.0.1"));
	CHECK(!opens("127.0.0.0/8", "::127.0.0.1"));
	CHECK(!opens("0.0.0.0/0", "::ffff:127.0.0.1"));
	CHECK(!opens("0.0.0.0/0", "64:ff9b::127.0.0.1"));
	CHECK(!opens("0.0.0.0/0", "2002:7f00:1::"));
	CHECK(!opens("0.0.0.0/0", "::"));
	CHECK(!opens("::/0", "0.0.0.0"));
	CHECK(!opens("::ffff:127.0.0.0/104", "127.0.0.1"));
	CHECK(opens("::ffff:127.0.0.0/104", "::ffff:127.255.0.1"));
}

static void
test_names_what_is_no_network(void)
{
	static const char *const lists[] = {"", ",", "10.0.0.0/8,", ",10.0.0.0/8",
		"10.0.0.0/8,,::1", "localhost", "10", "10.0.0.0/", "10.0.0.0/33",
		"10.0.0.0/-1", "10.0.0.0/-0", "10.0.0.0/8/8", "10.0.0.0/ 8", "10.0.0.1/8",
		"10.0.0.0/255.0.0.0", "fd00::/129", "fd00::1/8", "[::1]", "fe80::1%eth0",
		"010.0.0.0/8", "10.0.0.0/8 ::1", "10.0.0.*", "10.0.0.1-10.0.0.9",
		"10.0.0.0/99999999999999999999", "0/0", "::1/127"};

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct err err = {0};

		tap_case(lists[i]);
		CHECK_INT(networks_check(span_of(lists[i]), &err), -1);
		CHECK_INT(err.kind, ERR_DATA);
		CHECK(span_starts(span_of(err.text), "'"));
	}
	tap_case(NULL);
}

static void
test_adds_a_list_or_nothing(void)
{
	struct network *networks = NULL, *before;
	struct address closed = address_of("192.168.0.1");
	struct arena arena;

	arena_init(&arena);
	CHECK_INT(networks_add(&networks, span_of("10.0.0.0/8"), &arena, NULL), 0);
	before = networks;
	CHECK_INT(networks_add(&networks, span_of("192.168.0.0/16,x"), &arena, NULL), -1);
	CHECK(networks == before);
	CHECK(!networks_hold(networks, &closed));
	CHECK(!networks_hold(NULL, &closed));
	arena_free(&arena);
}

static void
test_writes_networks_as_they_are_read(void)
{
	struct network *networks = NULL;
	struct arena arena;
	struct buf list;

	arena_init(&arena);
	buf_init(&list, 256);
	networks_put(NULL, &list);
	CHECK_SPAN(buf_span(&list), "");
	CHECK_INT(networks_add(&networks, span_of("::1"), &arena, NULL), 0);
	CHECK_INT(networks_add(&networks, span_of("10.1.0.0/16"), &arena, NULL), 0);
	networks_put(networks, &list);
	CHECK_SPAN(buf_span(&list), "10.1.0.0/16,::1/128");
	buf_free(&list);
	arena_free(&arena);
}

static void
test_writes_addresses_as_they_are_known(void)
{
	static const char *const texts[] = {"127.0.0.1", "::1", "::ffff:127.0.0.1",
		"2001:db8::1", "255.255.255.255",
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct address address = address_of(texts[i]);
		char text[ADDRESS_TEXT_SIZE];

		address_format(&address, text);
		CHECK_TEXT(text, texts[i]);
	}
	tap_case(NULL);
}

int
main(void)
{
	return tap_run((struct tap_test[]){
		TAP(test_refuses_what_is_not_public),
		TAP(test_lets_the_public_through),
		TAP(test_reads_addresses_only),
		TAP(test_opens_what_a_network_holds),
		TAP(test_opens_no_other_form_of_it),
		TAP(test_names_what_is_no_network),
		TAP(test_adds_a_list_or_nothing),
		TAP(test_writes_networks_as_they_are_read),
		TAP(test_writes_addresses_as_they_are_known),
		{0},
	});
}
