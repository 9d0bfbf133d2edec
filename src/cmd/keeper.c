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
	for (size_t i = 0; i < all->held_type_count; i++)
		if (span_equal(all->held_types[i], event_type)) {
			*held = all->held_types[i];
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
	struct keeper keeper = {.queue = all->total.endpoint};

	if (!is_queued(job))
		return keeper;
	if (all->total.held) {
		keeper.kind = KEEPER_QUEUE;
		return keeper;
	}
	if (row != NULL)
		keeper.name = row->endpoint;
	if (row != NULL && row->held) {
		keeper.kind = KEEPER_ENDPOINT;
	} else if (type_is_held(all, job->event_type, &keeper.name)) {
		keeper.kind = KEEPER_EVENT_TYPE;
	} else if (row != NULL && breaker_state(&row->breaker, now) == BREAKER_OPEN) {
		keeper.kind = KEEPER_BREAKER;
		keeper.until = row->breaker.open_until;
	} else if (row != NULL && row->not_before > now) {
		keeper.kind = KEEPER_REQUEST;
		keeper.until = row->not_before;
	}
	return keeper;
}

bool
keeper_is_hold(const struct keeper *keeper)
{
	return keeper->kind == KEEPER_QUEUE || keeper->kind == KEEPER_ENDPOINT ||
		keeper->kind == KEEPER_EVENT_TYPE;
}

static void
put_reason(struct buf *out, const struct keeper *keeper, int64_t now)
{
	char left[TIME_TEXT_SIZE];

	if (keeper->kind == KEEPER_QUEUE)
		buf_add_text(out, "the whole queue");
	else if (keeper->kind == KEEPER_EVENT_TYPE)
		buf_add_text(out, "event type ");
	else
		buf_add_text(out, "endpoint ");
	if (keeper->kind != KEEPER_QUEUE)
		buf_add_span(out, keeper->name);
	duration_format(keeper->until > now ? keeper->until - now : 0, left);
	if (keeper->kind == KEEPER_BREAKER)
		buf_printf(out, " has its breaker open for another %s", left);
	else if (keeper->kind == KEEPER_REQUEST)
		buf_printf(out, " asked us to wait another %s", left);
	else
		buf_add_text(out, " is on hold");
}

void
keeper_put(struct buf *out, const struct keeper *keeper, int64_t now)
{
	put_reason(out, keeper, now);
	buf_add_text(out, ": whqueue release ");
	if (keeper->kind == KEEPER_QUEUE) {
		buf_add_text(out, "--all");
	} else {
		buf_add_text(out,
			keeper->kind == KEEPER_EVENT_TYPE ? "--event-type "
							  : "--endpoint ");
		shell_quote(out, keeper->name);
	}
	if (span_is(keeper->queue, QUEUE_DEFAULT))
		return;
	buf_add_text(out, " --queue ");
	shell_quote(out, keeper->queue);
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
