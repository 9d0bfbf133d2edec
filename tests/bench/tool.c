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

/* As real ones are: nested, with many short members, numbers and an escape. */
static const char payload_head[] =
	"{\"type\":\"invoice.paid\",\"timestamp\":\"2026-01-02T03:04:05.678Z\","
	"\"data\":{\"id\":\"in_1Qx7Zk2eZvKYlo2C\",\"number\":4711,\"currency\":\"eur\","
	"\"amount_due\":129900,\"amount_paid\":129900,\"attempted\":true,\"charge\":null,"
	"\"customer\":{\"id\":\"cus_9s6XKzkNRiz8i3\",\"email\":\"ada@example.com\","
	"\"address\":{\"line1\":\"12 St James's Sq\",\"city\":\"London\","
	"\"country\":\"GB\"},\"balance\":-1.5e3},\"lines\":["
	"{\"sku\":\"A-1\",\"text\":\"Plan \\\"Pro\\\"\",\"quantity\":3,\"price\":29900},"
	"{\"sku\":\"B-2\",\"text\":\"Seats\",\"quantity\":12,\"price\":3000},"
	"{\"sku\":\"C-3\",\"text\":\"Support\",\"quantity\":1,\"price\":4200}],"
	"\"metadata\":{\"tenant\":\"7\",\"region\":\"eu-west-1\"},\"memo\":\"";
static const char payload_tail[] = "\"}}";

const char *
sample_payload(void)
{
	static char payload[PAYLOAD_SIZE + 1];

	if (payload[0] == '\0') {
		memset(payload, 'x', PAYLOAD_SIZE);
		memcpy(payload, payload_head, sizeof(payload_head) - 1);
		memcpy(payload + PAYLOAD_SIZE - sizeof(payload_tail) + 1, payload_tail,
			sizeof(payload_tail) - 1);
	}
	return payload;
}
