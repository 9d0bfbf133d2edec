/* SPDX-License-Identifier: MIT */
#include "tap.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int failures_in_test;
static const char *current_case;
static const char *skip_reason;

int
tap_run(const struct tap_test *tests)
{
	int count = 0, failed = 0;

	/* So that a child of a test has nothing left to print. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (const struct tap_test *test = tests; test->run != NULL; test++) {
		failures_in_test = 0;
		tap_case(NULL);
		tap_skip(NULL);
		test->run();
		printf("%s %d - %s%s%s\n", failures_in_test ? "not ok" : "ok", ++count,
			test->name, skip_reason == NULL ? "" : " # SKIP ",
			skip_reason == NULL ? "" : skip_reason);
		failed += failures_in_test > 0;
	}
	printf("1..%d\n", count);
	return failed > 0;
}

void
tap_case(const char *name)
{
	current_case = name;
}

void
tap_skip(const char *reason)
{
	skip_reason = reason;
}

bool
tap_check(bool held, const char *what, const char *file, int line)
{
	if (held)
		return true;
	failures_in_test++;
	printf("# %s:%d: %s%s%s\n", file, line, current_case == NULL ? "" : current_case,
		current_case == NULL ? "" : ": ", what);
	return false;
}

bool
tap_check_int(int64_t got, int64_t wanted, const char *what, const char *file, int line)
{
	if (tap_check(got == wanted, what, file, line))
		return true;
	printf("#   got %" PRId64 ", wanted %" PRId64 "\n", got, wanted);
	return false;
}

bool
tap_check_text(
	const char *got, const char *wanted, const char *what, const char *file, int line)
{
	return tap_check_span(span_of(got), wanted, what, file, line);
}

bool
tap_check_span(
	struct span got, const char *wanted, const char *what, const char *file, int line)
{
	if (tap_check(span_equal(got, span_of(wanted)), what, file, line))
		return true;
	printf("#   got '%.*s', wanted '%s'\n", (int)got.len, got.ptr, wanted);
	return false;
}
