/* SPDX-License-Identifier: MIT */
#include "net/texts.h"

bool
set_texts(CURL *easy, const struct text_option *texts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (curl_easy_setopt(easy, texts[i].option, texts[i].text) ==
			CURLE_OUT_OF_MEMORY)
			return false;
	return true;
}
