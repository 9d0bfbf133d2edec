/* SPDX-License-Identifier: MIT */
#include "other_reader.h"

#include <jansson.h>

enum other_says
other_reader_says(struct span text)
{
	json_error_t why;
	json_t *value = json_loadb(text.ptr, text.len,
		JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &why);

	if (value != NULL) {
		json_decref(value);
		return OTHER_ACCEPTS;
	}
	switch (json_error_code(&why)) {
	case json_error_numeric_overflow:
	case json_error_stack_overflow:
	case json_error_out_of_memory:
		return OTHER_CANNOT;
	default:
		return OTHER_REFUSES;
	}
}
