/* SPDX-License-Identifier: MIT */
/*
 * Options of libcurl that are texts. It copies each, and where memory lacks for that the
 * handle has what it had before, or nothing: another method, no authorities, the proxy of
 * the environment. So none of them may fail unnoticed.
 */
#ifndef NET_TEXTS_H
#define NET_TEXTS_H

#include <curl/curl.h>
#include <stdbool.h>

struct text_option {
	CURLoption option;
	const char *text; /* NULL: none */
};

/* False when memory is out. What this libcurl does not know it has no need of. */
bool set_texts(CURL *easy, const struct text_option *texts, size_t count);

#endif
