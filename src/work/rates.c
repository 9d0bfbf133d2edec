/* SPDX-License-Identifier: MIT */
#include "work/rates.h"

#include <stdlib.h>

struct rates {
	struct limits limits;
	struct map by_name; /* of the endpoints that the configuration names */
	struct rate particular[];
};

struct rates *
rates_make(const struct config *config, struct err *err)
{
	struct rates *rates = malloc(
		sizeof(*rates) + config->endpoints.len * sizeof(struct rate));
	struct map_entry *entry;
	struct rate *rate;

	if (rates == NULL) {
		err_no_memory(err);
		return NULL;
	}
	map_init(&rates->by_name);
	rates->limits = config->limits;
	rate = rates->particular;
	for (size_t at = 0; (entry = map_next(&config->endpoints, &at)) != NULL; rate++) {
		const struct endpoint_config *endpoint = entry->value;

		*rate = endpoint->rule.rate;
		if (map_set(&rates->by_name, endpoint->name, rate, err) != 0) {
			rates_free(rates);
			return NULL;
		}
	}
	return rates;
}

void
rates_free(struct rates *rates)
{
	if (rates != NULL)
		map_free(&rates->by_name);
	free(rates);
}

const struct limits *
rates_limits(const struct rates *rates)
{
	return &rates->limits;
}

const struct rate *
rates_of(const void *context, struct span endpoint, bool named)
{
	const struct rates *rates = context;
	const struct rate *rate = named ? map_get(&rates->by_name, endpoint) : NULL;

	return rate == NULL ? &rates->limits.endpoint.rate : rate;
}
