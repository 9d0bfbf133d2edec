/* SPDX-License-Identifier: MIT */
#include "model/job.h"

static const char *const STATE_NAMES[JOB_STATE_COUNT] = {
	[JOB_WAITING] = "waiting",
	[JOB_DELAYED] = "delayed",
	[JOB_ACTIVE] = "active",
	[JOB_PAUSED] = "paused",
	[JOB_COMPLETED] = "completed",
	[JOB_CANCELLED] = "cancelled",
	[JOB_DEAD] = "dead",
	[JOB_BLOCKED] = "blocked",
};

static const char *const STATUS_NAMES[DEAD_STATUS_COUNT] = {
	[DEAD_UNRESOLVED] = "unresolved",
	[DEAD_RETRYING] = "retrying",
	[DEAD_RESOLVED] = "resolved",
};

static const char *const OUTCOME_NAMES[ATTEMPT_OUTCOME_COUNT] = {
	[ATTEMPT_COMPLETED] = "completed",
	[ATTEMPT_RETRY] = "retry",
	[ATTEMPT_DEAD] = "dead",
};

/* The name's place in the list, or -1. */
static int
place_of(struct span name, const char *const *names, int count)
{
	for (int i = 0; i < count; i++)
		if (span_is(name, names[i]))
			return i;
	return -1;
}

const char *
job_state_name(enum job_state state)
{
	return STATE_NAMES[state];
}

bool
job_state_parse(struct span name, enum job_state *state)
{
	int place = place_of(name, STATE_NAMES, JOB_STATE_COUNT);

	if (place >= 0)
		*state = (enum job_state)place;
	return place >= 0;
}

const char *
dead_status_name(enum dead_status status)
{
	return STATUS_NAMES[status];
}

bool
dead_status_parse(struct span name, enum dead_status *status)
{
	int place = place_of(name, STATUS_NAMES, DEAD_STATUS_COUNT);

	if (place >= 0)
		*status = (enum dead_status)place;
	return place >= 0;
}

const char *
attempt_outcome_name(enum attempt_outcome outcome)
{
	return OUTCOME_NAMES[outcome];
}

/* U+0000 … U+001F, U+007F, and U+0080 … U+009F (C2 80 … C2 9F in UTF-8). */
static bool
is_control(const char *at, size_t len)
{
	unsigned char first = (unsigned char)at[0];

	return first < 0x20 || first == 0x7f ||
		(len == 2 && first == 0xc2 && (unsigned char)at[1] < 0xa0);
}

static bool
is_printable(struct span text)
{
	size_t at = 0;

	while (at < text.len) {
		size_t step = utf8_sequence(text.ptr + at, text.len - at);

		if (step == 0 || is_control(text.ptr + at, step))
			return false;
		at += step;
	}
	return true;
}

bool
event_id_valid(struct span id)
{
	return id.len > 0 && id.len <= EVENT_ID_MAX && is_printable(id);
}

bool
ordering_key_valid(struct span key)
{
	return key.len > 0 && key.len <= ORDERING_KEY_MAX && is_printable(key);
}
