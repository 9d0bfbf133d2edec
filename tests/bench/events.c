/* SPDX-License-Identifier: MIT */
/*
 * events PREFIX COUNT URL [failures]: writes COUNT records, one a line, each with an id
 * that starts with PREFIX ("-": without an id) and the sample payload; with `failures`
 * each reports a failed delivery, as whclassify reads them.
 */
#include "tool.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static void
put_failure(void)
{
	fputs(",\"attempt\":1,\"http\":{\"status\":503,\"headers\":{\"retry-after\":\"120\"},"
	      "\"body\":\"upstream connect error\"},"
	      "\"error\":{\"message\":\"Request failed with status code 503\","
	      "\"code\":\"ERR_BAD_RESPONSE\",\"name\":\"AxiosError\"}",
		stdout);
}

int
main(int argc, char **argv)
{
	bool failures = argc == 5 && strcmp(argv[4], "failures") == 0;
	long count;

	if (argc != 4 && !failures)
		fail("usage: events PREFIX COUNT URL [failures]");
	count = number_of(argv[2]);
	for (long i = 0; i < count; i++) {
		putchar('{');
		if (strcmp(argv[1], "-") != 0)
			printf("\"id\":\"%s_%ld\",", argv[1], i);
		printf("\"url\":\"%s\",\"event_type\":\"invoice.paid\"", argv[3]);
		if (failures)
			put_failure();
		printf(",\"payload\":%s}\n", sample_payload());
	}
	if (fflush(stdout) != 0 || ferror(stdout))
		fail("cannot write");
	return 0;
}
