/* SPDX-License-Identifier: MIT */
/*
 * Unit tests print TAP (Test Anything Protocol, version 12). A test is a function in a
 * table; a check that fails says where, with both values, and the test goes on.
 *
 *	static void test_adds(void) { CHECK_INT(add(2, 2), 4); }
 *	int main(void) { return tap_run((struct tap_test[]){TAP(test_adds), {0}}); }
 */
#ifndef TESTS_UNIT_TAP_H
#define TESTS_UNIT_TAP_H

#include "base/span.h"

struct tap_test {
	const char *name;
	void (*run)(void);
};

#define TAP(function)                                                                    \
	{                                                                                \
#function, function                                                      \
	}

/* Runs the table up to its {0} entry and returns main()'s status. */
int tap_run(const struct tap_test *tests);

#define CHECK(condition)        tap_check((condition), #condition, __FILE__, __LINE__)
#define CHECK_INT(got, wanted)  tap_check_int((got), (wanted), #got, __FILE__, __LINE__)
#define CHECK_TEXT(got, wanted) tap_check_text((got), (wanted), #got, __FILE__, __LINE__)
#define CHECK_SPAN(got, wanted) tap_check_span((got), (wanted), #got, __FILE__, __LINE__)

/* Each returns whether the check held. */
bool tap_check(bool held, const char *what, const char *file, int line);
bool tap_check_int(
	int64_t got, int64_t wanted, const char *what, const char *file, int line);
bool tap_check_text(const char *got, const char *wanted, const char *what,
	const char *file, int line);
bool tap_check_span(struct span got, const char *wanted, const char *what,
	const char *file, int line);

/* The test that runs says why it cannot: its result counts as skipped, not as good. */
void tap_skip(const char *reason);

/* Adds to the name of the checks that follow ("case 7: refused"); NULL ends it. */
void tap_case(const char *name);

#endif
