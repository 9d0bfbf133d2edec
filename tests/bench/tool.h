/* SPDX-License-Identifier: MIT */
/*
 * What every program of the benchmark needs: giving up, clocks, the sample event, and the
 * one line of JSON that the runner reads.
 */
#ifndef BENCH_TOOL_H
#define BENCH_TOOL_H

#include <stddef.h>
#include <stdint.h>

/* Says why on stderr and exits: these programs are measured, they do not recover. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A whole positive number, or the program ends. */
long number_of(const char *text);

double monotonic_seconds(void);
double cpu_seconds(void); /* of this process, user and system */
int64_t wall_us(void);

/* {"count":…,"seconds":…,"cpu_seconds":…} for what happened since `start`. */
struct stopwatch {
	double wall;
	double cpu;
};
struct stopwatch stopwatch_start(void);
void stopwatch_report(struct stopwatch start, long count);

/* The body of every delivery: a JSON object of PAYLOAD_SIZE bytes. */
enum { PAYLOAD_SIZE = 1024 };
const char *sample_payload(void);

#endif
