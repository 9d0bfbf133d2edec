/* SPDX-License-Identifier: MIT */
#include "base/buf.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/heap.h"
#include "base/map.h"
#include "base/rng.h"

#include "tap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
test_spans_compare(void)
{
	struct span absent = {0};

	CHECK(!span_present(absent) && span_present(SPAN_LITERAL("")));
	CHECK(span_equal(absent, SPAN_LITERAL("")));
	CHECK(span_is(SPAN_LITERAL("ab"), "ab") && !span_is(SPAN_LITERAL("ab"), "abc"));
	CHECK(span_is_nocase(SPAN_LITERAL("Ab"), "aB"));
	CHECK(span_starts(SPAN_LITERAL("abc"), "ab"));
	CHECK(!span_starts(SPAN_LITERAL("abc"), "AB"));
	CHECK(span_starts_nocase(SPAN_LITERAL("abc"), "AB"));
	CHECK(!span_starts_nocase(SPAN_LITERAL("a"), "AB"));
	CHECK_SPAN(span_trim(SPAN_LITERAL(" \t a b\r\n")), "a b");
	CHECK_SPAN(span_trim(SPAN_LITERAL(" \n ")), "");
}

static void
test_spans_are_taken_apart(void)
{
	struct span rest = SPAN_LITERAL("a,,b");

	CHECK_SPAN(span_take(&rest, ','), "a");
	CHECK_SPAN(span_take(&rest, ','), "");
	CHECK_SPAN(span_take(&rest, ','), "b");
	CHECK(!span_present(rest));
	CHECK(!span_present(span_take(&rest, ',')));
	rest = SPAN_LITERAL("a,");
	CHECK_SPAN(span_take(&rest, ','), "a");
	CHECK(span_present(rest) && rest.len == 0);
}

static void
test_spans_to_numbers(void)
{
	static const struct {
		const char *text;
		bool valid;
		int64_t value;
	} cases[] = {
		{"0", true, 0},
		{"-12", true, -12},
		{"9223372036854775807", true, INT64_MAX},
		{"-9223372036854775808", true, INT64_MIN},
		{"9223372036854775808", false, 0},
		{"-9223372036854775809", false, 0},
		{"", false, 0},
		{"-", false, 0},
		{"+1", false, 0},
		{" 1", false, 0},
		{"1a", false, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t value = 0;

		tap_case(cases[i].text);
		CHECK_INT(span_to_int64(span_of(cases[i].text), &value), cases[i].valid);
		CHECK_INT(value, cases[i].value);
	}
}

static void
test_utf8(void)
{
	static const char *const valid[] = {"", "a", "\xc3\xa9", "\xe2\x82\xac",
		"\xf0\x9f\x98\x80", "\xed\x9f\xbf", "\xf4\x8f\xbf\xbf"};
	static const char *const invalid[] = {"\x80", "\xc0\xaf", "\xc3", "\xe0\x80\x80",
		"\xed\xa0\x80", "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xff", "\xc3(",
		"\xe2\x82"};

	for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); i++)
		CHECK(span_is_utf8(span_of(valid[i])));
	for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++)
		CHECK(!span_is_utf8(span_of(invalid[i])));
	CHECK_INT(utf8_sequence("\xe2\x82\xac", 3), 3);
	CHECK_INT(utf8_sequence("\xe2\x82\xac", 2), 0);
	CHECK_INT(utf8_sequence("", 0), 0);
}

static void
test_buf_grows_and_formats(void)
{
	struct buf buf;

	buf_init(&buf, 10000);
	CHECK_SPAN(buf_span(&buf), "");
	buf_add_text(&buf, "a");
	buf_add_char(&buf, 'b');
	buf_add_span(&buf, SPAN_LITERAL("c"));
	buf_add_int64(&buf, INT64_MIN);
	buf_printf(&buf, "-%s", "d");
	CHECK_SPAN(buf_span(&buf), "abc-9223372036854775808-d");
	for (int i = 0; i < 1000; i++)
		buf_add_text(&buf, "12345678");
	CHECK_INT(buf_check(&buf, NULL), 0);
	CHECK_INT(buf.len, 25 + 8000);
	CHECK_INT(buf.data[buf.len], '\0');
	buf_clear(&buf);
	CHECK_INT(buf.len, 0);
	buf_free(&buf);
	buf_free(&buf);
}

static void
test_buf_stops_at_its_maximum(void)
{
	struct buf buf;
	struct err err;

	buf_init(&buf, 4);
	buf_add_text(&buf, "1234");
	CHECK_INT(buf_check(&buf, &err), 0);
	buf_add_char(&buf, '5');
	buf_add_text(&buf, "");
	CHECK_INT(buf_check(&buf, &err), -1);
	CHECK_INT(err.kind, ERR_DATA);
	CHECK_TEXT(err.text, "larger than 4 bytes");
	CHECK_INT(buf.len, 4);
	CHECK(buf_reserve(&buf, 0) == NULL);
	buf_clear(&buf);
	buf_add_text(&buf, "ok");
	CHECK_SPAN(buf_span(&buf), "ok");
	buf_free(&buf);
}

static void
test_errors_carry_context(void)
{
	struct err err;

	CHECK_INT(err_set(&err, ERR_BUSY, "store %d", 7), -1);
	CHECK_INT(err_context(&err, "claim"), -1);
	CHECK_TEXT(err.text, "claim: store 7");
	CHECK_INT(err.kind, ERR_BUSY);
	errno = ENOSPC;
	err_errno(&err, "wh.db");
	CHECK_INT(err.kind, ERR_IO);
	CHECK_TEXT(err.text, "wh.db: No space left on device");
	CHECK_INT(err_set(NULL, ERR_BUG, "x"), -1);
}

static void
test_times_parse(void)
{
	static const struct {
		const char *text;
		int64_t at;
	} cases[] = {
		{"1970-01-01T00:00:00Z", 0},
		{"2026-01-02T03:04:05.678Z", 1767323045678},
		{"2026-01-02t03:04:05.6789z", 1767323045678},
		{"2026-01-02 04:04:05+01:00", 1767323045000},
		{"2026-01-01T22:34:05-04:30", 1767323045000},
		{"2024-02-29", 1709164800000},
		{"1969-12-31T23:59:59.5Z", -500},
	};
	static const char *const wrong[] = {"", "2026", "2026-13-01", "2026-02-29",
		"2026-01-02T24:00:00Z", "2026-01-02T03:04:05", "2026-01-02T03:04:05.Z",
		"2026-01-02T03:04:05Zx", "2026-1-2", "2026-01-02T03:04Z",
		"2026-01-02T03:04:05+0100"};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t at = 1;

		tap_case(cases[i].text);
		CHECK_INT(time_parse(span_of(cases[i].text), &at, NULL), 0);
		CHECK_INT(at, cases[i].at);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		int64_t at;

		tap_case(wrong[i]);
		CHECK_INT(time_parse(span_of(wrong[i]), &at, NULL), -1);
	}
}

/* A NUL is no "Z", and none of the others that may stand in its place. */
static void
test_times_hold_no_nul(void)
{
	int64_t at;

	CHECK_INT(time_parse(SPAN_LITERAL("2026-01-02T03:04:05\0"), &at, NULL), -1);
	CHECK_INT(time_parse(SPAN_LITERAL("2026-01-02\00003:04:05Z"), &at, NULL), -1);
	CHECK_INT(time_parse(SPAN_LITERAL("2026\00001-02"), &at, NULL), -1);
}

static void
test_times_format(void)
{
	char text[TIME_TEXT_SIZE];

	time_format(1767323045678, text);
	CHECK_TEXT(text, "2026-01-02T03:04:05.678Z");
	time_format(-1, text);
	CHECK_TEXT(text, "1970-01-01T00:00:00.000Z");
	time_format(INT64_MAX, text);
	CHECK_TEXT(text, "9999-12-31T23:59:59.999Z");
	CHECK_INT(time_from_civil(1994, 11, 6, 8, 49, 37), 784111777);
	CHECK_INT(time_from_civil(1600, 2, 29, 0, 0, 0), -11670998400);
}

static void
test_durations_parse(void)
{
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = {{"250ms", 250}, {"90s", 90000}, {"90", 90000}, {"15m", 900000},
		{"2h", 7200000}, {"30d", 2592000000}, {"1h30m", 5400000}, {"0", 0}};
	static const char *const wrong[] = {"", "s", "-5s", "1.5s", "5 s", "5w", "5sx",
		"9223372036854775807d", "99999999999999999999s"};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		int64_t ms = -1;

		tap_case(good[i].text);
		CHECK_INT(duration_parse(span_of(good[i].text), &ms, NULL), 0);
		CHECK_INT(ms, good[i].ms);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		int64_t ms;

		tap_case(wrong[i]);
		CHECK_INT(duration_parse(span_of(wrong[i]), &ms, NULL), -1);
	}
}

static void
test_durations_format(void)
{
	static const struct {
		int64_t ms;
		const char *text;
	} cases[] = {{0, "0ms"}, {850, "850ms"}, {1000, "1s"}, {1500, "1.5s"},
		{125000, "2m 5s"}, {10800000, "3h"}, {1051200000, "12d 4h"}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[TIME_TEXT_SIZE];

		duration_format(cases[i].ms, text);
		CHECK_TEXT(text, cases[i].text);
	}
}

static void
test_clock_stands_still_when_told(void)
{
	struct clock clock;
	struct err err;

	setenv("WH_TEST_CLOCK", "2026-01-02T03:04:05.678Z", 1);
	CHECK_INT(clock_from_environment(&clock, &err), 0);
	CHECK_INT(clock_now(&clock), 1767323045678);
	setenv("WH_TEST_CLOCK", "soon", 1);
	CHECK_INT(clock_from_environment(&clock, &err), -1);
	CHECK_INT(err.kind, ERR_USAGE);
	unsetenv("WH_TEST_CLOCK");
	CHECK_INT(clock_from_environment(&clock, &err), 0);
	CHECK(clock_now(&clock) > 1767323045678);
}

static void
test_random_numbers(void)
{
	struct rng one, two;
	int seen[10] = {0};

	rng_seed(&one, 42);
	rng_seed(&two, 42);
	for (int i = 0; i < 10000; i++) {
		uint64_t value = rng_below(&one, 10);

		CHECK(value < 10 && value == rng_below(&two, 10));
		seen[value]++;
	}
	for (int i = 0; i < 10; i++)
		CHECK(seen[i] > 800 && seen[i] < 1200);
	CHECK_INT(rng_below(&one, 0), 0);
	CHECK_INT(rng_below(&one, 1), 0);
}

static void
test_event_ids_sort_by_age(void)
{
	char older[EVENT_ID_SIZE], newer[EVENT_ID_SIZE], other[EVENT_ID_SIZE];
	struct rng rng;

	rng_seed(&rng, 1);
	event_id_make(&rng, 1767323045678, older);
	event_id_make(&rng, 1767323045678, other);
	event_id_make(&rng, 1767323045679, newer);
	CHECK_INT(strlen(older), EVENT_ID_SIZE - 1);
	CHECK(strcmp(older, newer) < 0 && strcmp(older, other) != 0);
	/* The time is the first ten digits, five bits each. */
	CHECK_SPAN(((struct span){older, 14}), "evt_01KDYAK3SE");
}

static void
test_heap_yields_in_order(void)
{
	struct heap_node nodes[200];
	struct heap heap;
	struct rng rng;
	int64_t last = INT64_MIN;
	int taken = 0;

	heap_init(&heap);
	rng_seed(&rng, 3);
	for (int i = 0; i < 200; i++) {
		nodes[i] = (struct heap_node){0};
		CHECK_INT(heap_set(&heap, &nodes[i], (int64_t)rng_below(&rng, 50), NULL),
			0);
	}
	for (int i = 0; i < 200; i += 2)
		heap_set(&heap, &nodes[i], (int64_t)rng_below(&rng, 1000), NULL);
	for (int i = 0; i < 200; i += 5)
		heap_remove(&heap, &nodes[i]);
	heap_remove(&heap, &nodes[0]);
	for (struct heap_node *node; (node = heap_first(&heap)) != NULL; taken++) {
		CHECK(node->key >= last);
		last = node->key;
		heap_remove(&heap, node);
		CHECK_INT(node->position, 0);
	}
	CHECK_INT(taken, 160);
	heap_free(&heap);
}

/* The sums are those of the algorithm's own list of test vectors. */
static void
test_hash_is_fnv1a_folded(void)
{
	static const struct {
		struct span bytes;
		uint64_t fnv1a;
	} cases[] = {
		{SPAN_LITERAL(""), 0xcbf29ce484222325},
		{SPAN_LITERAL("a"), 0xaf63dc4c8601ec8c},
		{SPAN_LITERAL("foobar"), 0x85944171f73967e8},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		CHECK(hash_span(cases[i].bytes, 0) ==
			(cases[i].fnv1a ^ cases[i].fnv1a >> 29));
	CHECK(hash_span(cases[2].bytes, 1) != hash_span(cases[2].bytes, 0));
}

static void
test_map_finds_what_was_set(void)
{
	static int values[1000];
	struct map map;
	size_t cursor = 0, count = 0;

	map_init(&map);
	CHECK(map_get(&map, SPAN_LITERAL("x")) == NULL);
	for (int i = 0; i < 1000; i++) {
		char key[16];

		snprintf(key, sizeof(key), "key%d", i);
		CHECK_INT(map_set(&map, span_of(key), &values[i], NULL), 0);
	}
	for (int i = 0; i < 1000; i++) {
		char key[16];

		snprintf(key, sizeof(key), "key%d", i);
		CHECK(map_get(&map, span_of(key)) == &values[i]);
	}
	CHECK_INT(map_set(&map, SPAN_LITERAL("key5"), &values[0], NULL), 0);
	CHECK(map_get(&map, SPAN_LITERAL("key5")) == &values[0]);
	CHECK_INT(map_set(&map, SPAN_LITERAL(""), &values[1], NULL), 0);
	CHECK(map_get(&map, SPAN_LITERAL("")) == &values[1]);
	CHECK(map_get(&map, SPAN_LITERAL("key")) == NULL);
	while (map_next(&map, &cursor) != NULL)
		count++;
	CHECK_INT(count, 1001);
	CHECK_INT(map.len, 1001);
	map_free(&map);
}

int
main(void)
{
	return tap_run((struct tap_test[]){
		TAP(test_spans_compare),
		TAP(test_spans_are_taken_apart),
		TAP(test_spans_to_numbers),
		TAP(test_utf8),
		TAP(test_buf_grows_and_formats),
		TAP(test_buf_stops_at_its_maximum),
		TAP(test_errors_carry_context),
		TAP(test_times_parse),
		TAP(test_times_hold_no_nul),
		TAP(test_times_format),
		TAP(test_durations_parse),
		TAP(test_durations_format),
		TAP(test_clock_stands_still_when_told),
		TAP(test_random_numbers),
		TAP(test_event_ids_sort_by_age),
		TAP(test_heap_yields_in_order),
		TAP(test_hash_is_fnv1a_folded),
		TAP(test_map_finds_what_was_set),
		{0},
	});
}
