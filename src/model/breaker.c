/* SPDX-License-Identifier: MIT */
#include "model/breaker.h"

#include <limits.h>

enum { DOUBLINGS_MAX = 30 };

const struct breaker_rule breaker_defaults = {
	.failures = 20,
	.cool_down_ms = 5 * 1000,
	.max_cool_down_ms = 5 * 60 * 1000,
};

const char *
breaker_state_name(enum breaker_state state)
{
	static const char *const names[BREAKER_STATE_COUNT] = {
		[BREAKER_CLOSED] = "closed",
		[BREAKER_OPEN] = "open",
		[BREAKER_HALF_OPEN] = "half_open",
	};

	return names[state];
}

enum breaker_state
breaker_state(const struct breaker *breaker, int64_t now)
{
	if (breaker->open_until == 0)
		return BREAKER_CLOSED;
	return now < breaker->open_until ? BREAKER_OPEN : BREAKER_HALF_OPEN;
}

enum health_sign
breaker_sign(int status, enum error_type type)
{
	if (status >= 500 || type == ERROR_NETWORK)
		return SIGN_ILL;
	return status == 0 ? SIGN_NONE : SIGN_WELL;
}

void
breaker_succeeded(struct breaker *breaker)
{
	*breaker = (struct breaker){0};
}

static int64_t
cool_down_ms(const struct breaker_rule *rule, int trips)
{
	int64_t wait_ms = rule->cool_down_ms;

	for (int i = 0; i < trips && i < DOUBLINGS_MAX; i++) {
		if (wait_ms >= rule->max_cool_down_ms / 2)
			return rule->max_cool_down_ms;
		wait_ms *= 2;
	}
	return wait_ms < rule->max_cool_down_ms ? wait_ms : rule->max_cool_down_ms;
}

bool
breaker_failed(struct breaker *breaker, const struct breaker_rule *rule, int64_t now)
{
	if (breaker->failures < INT_MAX)
		breaker->failures++;
	if (rule->failures == 0 || breaker_state(breaker, now) == BREAKER_OPEN)
		return false;
	if (breaker->open_until == 0 && breaker->failures < rule->failures)
		return false;
	breaker->open_until = now + cool_down_ms(rule, breaker->trips++);
	return true;
}
