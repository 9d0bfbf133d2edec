/* SPDX-License-Identifier: MIT */
#include "tool.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

void
fail(const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%s: ", program_invocation_short_name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

long
number_of(const char *text)
{
	char *end;
	long value;

	errno = 0;
	value = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || value < 0)
		fail("%s: not a number", text);
	return value;
}

double
monotonic_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int64_t
wall_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static double
timeval_seconds(struct timeval value)
{
	return (double)value.tv_sec + (double)value.tv_usec / 1e6;
}

double
cpu_seconds(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return timeval_seconds(usage.ru_utime) + timeval_seconds(usage.ru_stime);
}

struct stopwatch
stopwatch_start(void)
{
	return (struct stopwatch){.wall = monotonic_seconds(), .cpu = cpu_seconds()};
}

void
stopwatch_report(struct stopwatch start, long count)
{
	printf("{\"count\":%ld,\"seconds\":%.6f,\"cpu_seconds\":%.6f}\n", count,
		monotonic_seconds() - start.wall, cpu_seconds() - start.cpu);
}

const char *
sample_payload(void)
{
	static const char head[] = "{\"invoice\":4711,\"text\":\"";
	static const char tail[] = "\"}";
	static char payload[PAYLOAD_SIZE + 1];

	if (payload[0] == '\0') {
		memset(payload, 'x', PAYLOAD_SIZE);
		memcpy(payload, head, sizeof(head) - 1);
		memcpy(payload + PAYLOAD_SIZE - sizeof(tail) + 1, tail, sizeof(tail) - 1);
	}
	return payload;
}
