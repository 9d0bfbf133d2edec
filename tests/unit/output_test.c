/* SPDX-License-Identifier: MIT */
/*
 * What reaches a terminal: text made safe, widths, tables in narrow windows, colour.
 */
#include "cli/table.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

static void
check_safe(const char *name, struct span text, size_t width, const char *wanted,
	size_t columns)
{
	struct buf out;

	tap_case(name);
	buf_init(&out, 4096);
	CHECK_INT((int64_t)safe_text(&out, text, width), (int64_t)columns);
	CHECK_SPAN(buf_span(&out), wanted);
	buf_free(&out);
	tap_case(NULL);
}

static void
test_safe_text(void)
{
	check_safe("plain", SPAN_LITERAL("plain"), 0, "plain", 5);
	check_safe("escape", SPAN_LITERAL("a\033[31mb"), 0, "a\\u{1b}[31mb", 12);
	check_safe("newline", SPAN_LITERAL("a\nb"), 0, "a\\u{a}b", 7);
	check_safe("NUL", SPAN_LITERAL("a\0b"), 0, "a\\u{0}b", 7);
	check_safe("DEL", SPAN_LITERAL("\x7f"), 0, "\\u{7f}", 6);
	check_safe("C1", SPAN_LITERAL("\xc2\x9b"), 0, "\\u{9b}", 6);
	check_safe("override", SPAN_LITERAL("a\u202eb"), 0, "a\\u{202e}b", 10);
	check_safe("isolate", SPAN_LITERAL("\u2066"), 0, "\\u{2066}", 8);
	check_safe("mark", SPAN_LITERAL("\u200f"), 0, "\\u{200f}", 8);
	check_safe("zero width", SPAN_LITERAL("\u200b"), 0, "\\u{200b}", 8);
	check_safe("tag", SPAN_LITERAL("\U000e0041"), 0, "\\u{e0041}", 9);
	check_safe("not UTF-8", SPAN_LITERAL("a\xff"), 0, "a\\x{ff}", 7);
	check_safe("umlaut", SPAN_LITERAL("\u00fc"), 0, "\u00fc", 1);
	check_safe("wide", SPAN_LITERAL("\u65e5\u672c"), 0, "\u65e5\u672c", 4);
	check_safe("combining", SPAN_LITERAL("e\u0301"), 0, "e\u0301", 1);
	check_safe("flood",
		SPAN_LITERAL("e\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301"
			     "x\u0301"),
		0, "e\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\\u{301}x\u0301", 9);
	check_safe("hidden selector", SPAN_LITERAL("\U000e0100"), 0, "\\u{e0100}", 9);
	check_safe("joiner", SPAN_LITERAL("\u034f"), 0, "\\u{34f}", 7);
}

static void
test_cut(void)
{
	check_safe("fits", SPAN_LITERAL("12345"), 5, "12345", 5);
	check_safe("cut", SPAN_LITERAL("123456"), 5, "1234\u2026", 5);
	check_safe("to one", SPAN_LITERAL("123456"), 1, "\u2026", 1);
	check_safe("wide fits not", SPAN_LITERAL("\u65e5\u672c\u8a9e"), 4, "\u65e5\u2026",
		3);
	check_safe("escape stays whole", SPAN_LITERAL("ab\033cd"), 6, "ab\u2026", 3);
}

static void
test_safe_json(void)
{
	struct buf out;

	buf_init(&out, 4096);
	safe_json(&out,
		SPAN_LITERAL("{\"a\":\"x\u202ey\x7f\U000e0041\",\t\"b\":\"\u65e5\"}"));
	CHECK_SPAN(buf_span(&out),
		"{\"a\":\"x\\u202ey\\u007f\\udb40\\udc41\", \"b\":\"\u65e5\"}");
	buf_free(&out);
}

static const struct output_column columns[] = {
	{"ID", true, 0},
	{"STATE", false, 3},
	{"ENDPOINT", false, 2},
	{"NOTE", false, 1},
	{0},
};

static void
add_row(struct table *table, struct buf *out, const char *const *cells)
{
	for (size_t i = 0; cells[i] != NULL; i++)
		table_cell(table, TINT_NONE, span_of(cells[i]));
	table_row_end(table, out);
}

static void
check_table(size_t width, const char *wanted)
{
	static const char *const first[] = {
		"7", "waiting", "https://api.example.com", "a note on it", NULL};
	static const char *const second[] = {"1234", "dead", "acme", NULL};
	struct table *table;
	struct err err;
	struct buf out;

	buf_init(&out, 4096);
	if (CHECK_INT(table_open(&table, columns, width, false, &err), 0)) {
		add_row(table, &out, first);
		add_row(table, &out, second);
		table_finish(table, &out);
		CHECK_SPAN(buf_span(&out), wanted);
		table_free(table);
	}
	buf_free(&out);
}

static void
test_table(void)
{
	check_table(0,
		"  ID  STATE    ENDPOINT                 NOTE\n"
		"   7  waiting  https://api.example.com  a note on it\n"
		"1234  dead     acme\n");
}

static void
test_narrow_table(void)
{
	/* 4 + 2 + 7 + 2 + 23 + 2 + 12 = 52 columns want room; ENDPOINT gives first */
	check_table(45,
		"  ID  STATE    ENDPOINT          NOTE\n"
		"   7  waiting  https://api.exa\u2026  a note on it\n"
		"1234  dead     acme\n");
	/* cut to 14 columns it would still be 43: NOTE goes, ENDPOINT has room again */
	check_table(42,
		"  ID  STATE    ENDPOINT\n"
		"   7  waiting  https://api.example.com\n"
		"1234  dead     acme\n");
	/* without ENDPOINT there are 13 */
	check_table(20, "  ID  STATE\n   7  waiting\n1234  dead\n");
	/* what may not go stays, whatever the window */
	check_table(3, "  ID\n   7\n1234\n");
}

/* What says nothing is the first to go, however much it is worth otherwise. */
static void
test_empty_columns(void)
{
	static const struct output_column counts[] = {
		{"NAME", false, 9},
		{"WAITING", true, 8},
		{"FAILED", true, 7},
		{"OLDEST", true, 6},
		{0},
	};
	static const char *const row[] = {"a", "0", "3", "10s", NULL};
	struct table *table;
	struct err err;
	struct buf out;

	buf_init(&out, 4096);
	if (CHECK_INT(table_open(&table, counts, 22, false, &err), 0)) {
		add_row(table, &out, row);
		table_finish(table, &out);
		CHECK_SPAN(buf_span(&out),
			"NAME  FAILED  OLDEST\n"
			"a          3     10s\n");
		table_free(table);
	}
	buf_free(&out);
}

/* The first batch decides the widths, and nothing is lost behind it. */
static void
test_long_table(void)
{
	static const char *const cells[] = {"1", "waiting", "acme", "", NULL};
	struct table *table;
	struct err err;
	struct buf out;
	size_t lines = 0;

	buf_init(&out, 1 << 20);
	if (!CHECK_INT(table_open(&table, columns, 80, false, &err), 0))
		return;
	for (int i = 0; i < 1000; i++)
		add_row(table, &out, cells);
	table_finish(table, &out);
	for (size_t i = 0; i < out.len; i++)
		lines += out.data[i] == '\n';
	CHECK_INT((int64_t)lines, 1001);
	table_free(table);
	buf_free(&out);
}

static void
test_color(void)
{
	struct cli_common common = {0};

	unsetenv("NO_COLOR");
	setenv("TERM", "xterm", 1);
	CHECK(color_wanted(&common, true));
	CHECK(!color_wanted(&common, false));
	setenv("TERM", "dumb", 1);
	CHECK(!color_wanted(&common, true));
	setenv("TERM", "xterm", 1);
	setenv("NO_COLOR", "1", 1);
	CHECK(!color_wanted(&common, true));
	common.color = COLOR_ALWAYS;
	CHECK(color_wanted(&common, false));
	common.color = COLOR_NEVER;
	CHECK(!color_wanted(&common, true));
	CHECK_TEXT(tint_start(TINT_BAD, false), "");
	CHECK_TEXT(tint_end(TINT_BAD, false), "");
	CHECK(tint_start(TINT_BAD, true)[0] == '\033');
}

static void
test_width(void)
{
	setenv("COLUMNS", "40", 1);
	CHECK_INT((int64_t)output_width(false), 40);
	setenv("COLUMNS", "wide", 1);
	CHECK_INT((int64_t)output_width(false), 0);
	unsetenv("COLUMNS");
	CHECK_INT((int64_t)output_width(false), 0);
}

int
main(void)
{
	static const struct tap_test tests[] = {
		TAP(test_safe_text),
		TAP(test_cut),
		TAP(test_safe_json),
		TAP(test_table),
		TAP(test_narrow_table),
		TAP(test_empty_columns),
		TAP(test_long_table),
		TAP(test_color),
		TAP(test_width),
		{0},
	};

	return tap_run(tests);
}
