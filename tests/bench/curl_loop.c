/* SPDX-License-Identifier: MIT */
/*
 * curl_loop URL COUNT CONCURRENCY: the limit of every sender that uses libcurl. It POSTs
 * the sample payload and does nothing else.
 */
#include "sender.h"
#include "tool.h"

static bool
next_parcel(void *context, struct parcel *parcel)
{
	long *left = context;

	if (*left == 0)
		return false;
	*parcel = (struct parcel){
		.job = (*left)--, .body = sample_payload(), .len = PAYLOAD_SIZE};
	return true;
}

static void
forget_parcel(void *context, const struct parcel *parcel)
{
	(void)context;
	(void)parcel;
}

int
main(int argc, char **argv)
{
	struct stopwatch start;
	struct sender *sender;
	long count, left;

	if (argc != 4)
		fail("usage: curl_loop URL COUNT CONCURRENCY");
	count = left = number_of(argv[2]);
	sender = sender_new(argv[1], (size_t)number_of(argv[3]));
	start = stopwatch_start();
	sender_run(sender, next_parcel, forget_parcel, &left);
	stopwatch_report(start, count);
	sender_free(sender);
	return 0;
}
