/* SPDX-License-Identifier: MIT */
/*
 * Fuzz targets: functions that take any bytes at all, do with them what our programs do
 * with bytes from elsewhere, and insist on what must hold whatever the bytes are. The
 * same functions run under libFuzzer (`make fuzz`) and over the committed corpus in
 * `make check`.
 */
#ifndef TESTS_FUZZ_TARGET_H
#define TESTS_FUZZ_TARGET_H

#include "base/buf.h"
#include "model/json.h"

struct target {
	const char *name; /* also that of its corpus */
	void (*run)(struct span input);
};

/* Ends with a NULL name. */
extern const struct target targets[];

/* NULL if there is none. */
const struct target *target_named(const char *name);

/* The instant at which every target runs. */
#define FUZZ_NOW INT64_C(1767323045678)

/* The property that must hold; where it does not, the run ends with abort(). */
#define HOLDS(condition) holds((condition), #condition, __FILE__, __LINE__)
void holds(bool held, const char *what, const char *file, int line);

/* Takes a line off the front of *rest, without its newline. */
struct span take_line(struct span *rest);

/* Takes a line that is a number; `otherwise` where it is none. */
int64_t take_number(struct span *rest, int64_t otherwise);

/* Every byte of a text may go to a terminal. Newlines, if `lines`. */
bool is_harmless(struct span text, bool lines);

/* No byte that would end a header line, or a C string, before its time. */
bool fits_header(struct span text);

void fuzz_json(struct span input);
void fuzz_json_write(struct span input);
void fuzz_base64(struct span input);
void fuzz_record(struct span input);
void fuzz_classify(struct span input);
void fuzz_transfer(struct span input);
void fuzz_verdict(struct span input);
void fuzz_retry_after(struct span input);
void fuzz_time(struct span input);
void fuzz_url(struct span input);
void fuzz_guard(struct span input);
void fuzz_header(struct span input);
void fuzz_config(struct span input);
void fuzz_args(struct span input);
void fuzz_ids(struct span input);
void fuzz_lines(struct span input);
void fuzz_output(struct span input);
void fuzz_shell(struct span input);

#endif
