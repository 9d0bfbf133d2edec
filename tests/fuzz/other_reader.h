/* SPDX-License-Identifier: MIT */
/*
 * What another reader of JSON (jansson, whose names are the same as ours) says of a text.
 */
#ifndef TESTS_FUZZ_OTHER_READER_H
#define TESTS_FUZZ_OTHER_READER_H

#include "base/span.h"

enum other_says {
	OTHER_ACCEPTS,
	OTHER_REFUSES,
	OTHER_CANNOT, /* for a reason that is not in the grammar: a number too large */
};

enum other_says other_reader_says(struct span text);

#endif
