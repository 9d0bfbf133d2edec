/* SPDX-License-Identifier: MIT */
#include "net/second_look.h"

enum { FIRST_WAIT_US = 1000, LONGEST_WAIT_US = 250 * 1000 };

static void
arm(struct second_look *look)
{
	(void)loop_timer_set(
		look->loop, &look->timer, look->loop->now_us + look->wait_us, NULL);
}

/* To go on after a pause is the one thing that makes libcurl try to read unasked. */
static void
look_again(void *context)
{
	struct second_look *look = context;

	look->wait_us *= 2;
	if (look->wait_us > LONGEST_WAIT_US)
		look->wait_us = LONGEST_WAIT_US;
	arm(look);
	curl_easy_pause(look->easy, CURLPAUSE_SEND);
	curl_easy_pause(look->easy, CURLPAUSE_CONT);
}

void
second_look_init(struct second_look *look, struct loop *loop, CURL *easy)
{
	*look = (struct second_look){.loop = loop, .easy = easy};
	look->timer = (struct timer){.on_expiry = look_again, .context = look};
}

void
second_look_start(struct second_look *look)
{
	look->wait_us = FIRST_WAIT_US;
	arm(look);
}

void
second_look_stop(struct second_look *look)
{
	loop_timer_cancel(look->loop, &look->timer);
}
