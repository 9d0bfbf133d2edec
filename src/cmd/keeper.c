/* SPDX-License-Identifier: MIT */
#include "cmd/keeper.h"

#include "cmd/shell_word.h"

#include <inttypes.h>

static const struct endpoint_stats *
find_endpoint(const struct queue_stats *all, struct span name)
{
	for (size_t i = 0; i < all->count; i++)
		if (span_equal(all->endpoints[i].endpoint, name))
			return &all->endpoints[i];
	return NULL;
}

static bool
type_is_held(const struct queue_stats *all, struct span event_type, struct span *held)
{
	for (size_t i = 0; i < all->held_type_count; i++) {
		*held = all->held_types[i];
		if (span_equal(*held, event_type))
			return true;
	}
	return false;
}

static bool
is_queued(const struct job *job)
{
	return job->state == JOB_WAITING || job->state == JOB_DELAYED ||
		job->state == JOB_PAUSED || job->state == JOB_BLOCKED;
}

struct keeper
keeper_of(const struct queue_stats *all, const struct job *job, int64_t now)
{
	const struct endpoint_stats *row = find_endpoint(all, job->endpoint);
	struct span held;

	if (!is_queued(job))
		return (struct keeper){.kind = KEEPER_NONE};
	if (all->total.held)
		return (struct keeper){.kind = KEEPER_QUEUE};
	if (row != NULL && row->held)
		return (struct keeper){KEEPER_ENDPOINT, row->endpoint, 0};
	if (type_is_held(all, job->event_type, &held))
		return (struct keeper){KEEPER_EVENT_TYPE, held, 0};
	if (row != NULL && breaker_state(&row->breaker, now) == BREAKER_OPEN)
		return (struct keeper){
			KEEPER_BREAKER, row->endpoint, row->breaker.open_until};
	if (row != NULL && row->not_before > now)
		return (struct keeper){KEEPER_REQUEST, row->endpoint, row->not_before};
	return (struct keeper){.kind = KEEPER_NONE};
}

bool
keeper_is_hold(const struct keeper *keeper)
{
	return keeper->kind == KEEPER_QUEUE || keeper->kind == KEEPER_ENDPOINT ||
		keeper->kind == KEEPER_EVENT_TYPE;
}

void
keeper_put(struct buf *out, const struct keeper *keeper, int64_t now)
{
	bool is_type = keeper->kind == KEEPER_EVENT_TYPE;
	char left[TIME_TEXT_SIZE];

	if (keeper->kind == KEEPER_QUEUE) {
		buf_add_text(out, "the whole queue is on hold: whqueue release --all");
		return;
	}
	buf_add_text(out, is_type ? "event type " : "endpoint ");
	buf_add_span(out, keeper->name);
	duration_format(keeper->until > now ? keeper->until - now : 0, left);
	if (keeper->kind == KEEPER_BREAKER)
		buf_printf(out, " has its breaker open for another %s", left);
	else if (keeper->kind == KEEPER_REQUEST)
		buf_printf(out, " asked us to wait another %s", left);
	else
		buf_add_text(out, " is on hold");
	buf_add_text(out, ": whqueue release --");
	buf_add_text(out, is_type ? "event-type " : "endpoint ");
	shell_quote(out, keeper->name);
}

/* ---- of several jobs ------------------------------------------------------------- */

static bool
load(struct keepers *keepers)
{
	if (!keepers->loaded)
		keepers->loaded = store_endpoints(keepers->store, keepers->now,
					  &keepers->all, &(struct err){0}) == 0;
	return keepers->loaded;
}

struct keeper
keepers_look(struct keepers *keepers, int64_t job_id)
{
	struct keeper keeper = {.kind = KEEPER_NONE};
	struct job_page page;
	char name[32];

	snprintf(name, sizeof(name), "job:%" PRId64, job_id);
	if (!load(keepers) ||
		store_find(keepers->store, span_of(name), &page, &(struct err){0}) != 0)
		return keeper;
	keeper = keeper_of(&keepers->all, &page.jobs[0], keepers->now);
	job_page_free(&page);
	if (keepers->only_holds && !keeper_is_hold(&keeper))
		keeper.kind = KEEPER_NONE;
	return keeper;
}

void
keepers_note(struct keepers *keepers, int64_t job_id)
{
	struct keeper keeper;

	if (keepers->looked++ >= KEEPERS_LOOK_MAX)
		return;
	keeper = keepers_look(keepers, job_id);
	if (keeper.kind == KEEPER_NONE)
		return;
	for (size_t i = 0; i < keepers->met_count; i++)
		if (keepers->met[i].kind == keeper.kind &&
			span_equal(keepers->met[i].name, keeper.name))
			return;
	if (keepers->met_count < KEEPERS_TOLD_MAX)
		keepers->met[keepers->met_count++] = keeper;
}

void
keepers_tell(const struct keepers *keepers, struct cli *cli)
{
	for (size_t i = 0; i < keepers->met_count; i++) {
		struct buf text;

		buf_init(&text, ERR_TEXT_MAX);
		keeper_put(&text, &keepers->met[i], keepers->now);
		if (!text.failed)
			cli_warn(cli, "not sent yet: %s", buf_span(&text).ptr);
		buf_free(&text);
	}
}

void
keepers_free(struct keepers *keepers)
{
	if (keepers->loaded)
		queue_stats_free(&keepers->all);
}
