/* SPDX-License-Identifier: MIT */
/*
 * Dispatch to the backend, and what all backends share.
 */
#include "store/backend.h"

int
store_open(struct store **store, const struct store_options *options, struct err *err)
{
	return sqlite_store_open(store, options, err);
}

void
store_close(struct store *store)
{
	if (store != NULL)
		store->ops->close(store);
}

int
store_enqueue(struct store *store, const struct event *events, size_t count, int64_t now,
	struct receipt *receipts, struct err *err)
{
	return store->ops->enqueue(store, events, count, now, receipts, err);
}

int
store_worker_start(struct store *store, int64_t now, int64_t lease_ms, int64_t *worker,
	struct err *err)
{
	return store->ops->worker_start(store, now, lease_ms, worker, err);
}

int
store_worker_beat(struct store *store, int64_t now, struct err *err)
{
	return store->ops->worker_beat(store, now, err);
}

int
store_worker_flights(
	struct store *store, size_t places, _Atomic int64_t **jobs, struct err *err)
{
	return store->ops->worker_flights(store, places, jobs, err);
}

int
store_worker_stop(struct store *store, int64_t now, struct err *err)
{
	return store->ops->worker_stop(store, now, err);
}

int
store_exchange(struct store *store, struct exchange *exchange, struct err *err)
{
	return store->ops->exchange(store, exchange, err);
}

int
store_reclaim(struct store *store, int64_t now, size_t limit, struct stalled_list *list,
	struct err *err)
{
	return store->ops->reclaim(store, now, limit, list, err);
}

bool
store_is_contended(const struct store *store)
{
	return store->contended;
}

int
store_wake_fd(struct store *store, struct err *err)
{
	return store->ops->wake_fd(store, err);
}

void
store_wake_clear(struct store *store)
{
	store->ops->wake_clear(store);
}

int
store_purge(struct store *store, int64_t before, size_t limit, size_t *purged,
	struct err *err)
{
	size_t ignored;

	return store->ops->purge(
		store, before, limit, purged == NULL ? &ignored : purged, err);
}

int
store_list(struct store *store, const struct job_filter *filter, bool with_request,
	struct job_page *page, struct err *err)
{
	return store->ops->list(store, filter, with_request, page, err);
}

int
store_dead_list(struct store *store, const struct job_filter *filter, bool with_request,
	struct dead_page *page, struct err *err)
{
	return store->ops->dead_list(store, filter, with_request, page, err);
}

int
store_find(struct store *store, struct span id, struct job_page *page, struct err *err)
{
	return store->ops->find(store, id, page, err);
}

int
store_dead_find(
	struct store *store, struct span id, struct dead_page *page, struct err *err)
{
	return store->ops->dead_find(store, id, page, err);
}

int
store_attempts(
	struct store *store, int64_t job_id, struct attempt_list *list, struct err *err)
{
	return store->ops->attempts(store, job_id, list, err);
}

int
store_stats(struct store *store, int64_t now, struct queue_stats *stats, struct err *err)
{
	return store->ops->stats(store, now, stats, err);
}

int
store_count(struct store *store, const struct job_filter *filter, int64_t now,
	struct queue_stats *stats, struct err *err)
{
	return store->ops->count(store, filter, now, stats, err);
}

int
store_endpoints(
	struct store *store, int64_t now, struct queue_stats *stats, struct err *err)
{
	return store->ops->endpoints(store, now, stats, err);
}

int
store_dead_stats(struct store *store, const struct job_filter *filter,
	enum dead_group group, struct dead_stats *stats, struct err *err)
{
	return store->ops->dead_stats(store, filter, group, stats, err);
}

bool
action_is_on_letters(enum action_verb verb)
{
	return verb >= ACT_RETRY;
}

int
store_act(struct store *store, const struct action *action, const struct span *ids,
	size_t count, action_each *each, void *context, struct err *err)
{
	return store->ops->act(store, action, ids, count, each, context, err);
}

int
store_act_matching(struct store *store, const struct action *action,
	const struct job_filter *filter, action_each *each, void *context,
	struct err *err)
{
	return store->ops->act_matching(store, action, filter, each, context, err);
}

int
store_hold(struct store *store, enum hold_scope scope, struct span name, bool hold,
	int64_t now, bool *changed, struct err *err)
{
	bool ignored;

	return store->ops->hold(
		store, scope, name, hold, now, changed == NULL ? &ignored : changed, err);
}

int
store_health(
	struct store *store, int64_t now, struct store_health *health, struct err *err)
{
	return store->ops->health(store, now, health, err);
}

void
job_page_free(struct job_page *page)
{
	if (page != NULL)
		arena_free(&page->arena);
}

void
dead_page_free(struct dead_page *page)
{
	if (page != NULL)
		arena_free(&page->arena);
}

void
attempt_list_free(struct attempt_list *list)
{
	if (list != NULL)
		arena_free(&list->arena);
}

void
queue_stats_free(struct queue_stats *stats)
{
	if (stats != NULL)
		arena_free(&stats->arena);
}

void
dead_stats_free(struct dead_stats *stats)
{
	if (stats != NULL)
		arena_free(&stats->arena);
}
