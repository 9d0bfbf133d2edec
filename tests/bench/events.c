/* SPDX-License-Identifier: MIT */
/*
 * events COUNT URL [failures]: writes COUNT records, one a line, each with the sample
 * payload; with `failures` each reports a failed delivery, as whclassify reads them.
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
	bool failures = argc == 4 && strcmp(argv[3], "failures") == 0;
	long count;

	if (argc != 3 && !failures)
		fail("usage: events COUNT URL [failures]");
	count = number_of(argv[1]);
	for (long i = 0; i < count; i++) {
		printf("{\"id\":\"evt_bench_%ld\",\"url\":\"%s\","
		       "\"event_type\":\"invoice.paid\"",
			i, argv[2]);
		if (failures)
			put_failure();
		printf(",\"payload\":%s}\n", sample_payload());
	}
	if (fflush(stdout) != 0 || ferror(stdout))
		fail("cannot write");
	return 0;
}
