/* SPDX-License-Identifier: MIT */
#include "model/rate.h"

#include <string.h>

enum { RATE_COUNT_MAX = 1000000, DEPTH_US = 100 * 1000 };

static bool
unit_parse(struct span unit, int64_t *ms)
{
	static const struct {
		const char *name;
		int64_t ms;
	} units[] = {{"s", 1000}, {"m", 60 * 1000}, {"h", 60 * 60 * 1000}};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (span_is(unit, units[i].name)) {
			*ms = units[i].ms;
			return true;
		}
	return false;
}

int
rate_parse(struct span text, struct rate *rate, struct err *err)
{
	const char *slash = text.len == 0 ? NULL : memchr(text.ptr, '/', text.len);
	size_t digits = slash == NULL ? 0 : (size_t)(slash - text.ptr);
	int64_t count, per_ms;

	if (slash != NULL && span_to_int64((struct span){text.ptr, digits}, &count) &&
		count >= 1 && count <= RATE_COUNT_MAX &&
		unit_parse((struct span){slash + 1, text.len - digits - 1}, &per_ms)) {
		*rate = (struct rate){.count = count, .per_ms = per_ms};
		return 0;
	}
	return err_set(err, ERR_DATA, "'%.*s' is not a rate like 50/s, 3000/m or 1/h",
		span_shown(text), text.ptr);
}

/* What one delivery pays for; rounded so that the rate is never exceeded. */
static int64_t
stretch_us(const struct rate *rate)
{
	return (rate->per_ms * 1000 + rate->count - 1) / rate->count;
}

/* From where the next one pays. */
static int64_t
paid_from(int64_t paced_until_us, int64_t now)
{
	int64_t earliest = now * 1000 - DEPTH_US;

	return paced_until_us > earliest ? paced_until_us : earliest;
}

int64_t
rate_allows(const struct rate *rate, int64_t paced_until_us, int64_t now)
{
	int64_t from = paid_from(paced_until_us, now);

	if (rate->per_ms == 0)
		return INT64_MAX;
	return from > now * 1000 ? 0 : (now * 1000 - from) / stretch_us(rate) + 1;
}

int64_t
rate_pay(const struct rate *rate, int64_t paced_until_us, int64_t now)
{
	return paid_from(paced_until_us, now) + stretch_us(rate);
}
