/* SPDX-License-Identifier: MIT */
/*
 * What a backend of the store implements: the functions of store.h, one for one, which
 * say what each has to do. tests/unit/store_test.c runs over every backend.
 */
#ifndef STORE_BACKEND_H
#define STORE_BACKEND_H

#include "store/store.h"

struct store_ops {
	void (*close)(struct store *store);
	int (*enqueue)(struct store *store, const struct event *events, size_t count,
		int64_t now, struct receipt *receipts, struct err *err);
	int (*worker_start)(struct store *store, int64_t now, int64_t lease_ms,
		int64_t *worker, struct err *err);
	int (*worker_beat)(struct store *store, int64_t now, struct err *err);
	int (*worker_flights)(struct store *store, size_t places, _Atomic int64_t **jobs,
		struct err *err);
	int (*worker_stop)(struct store *store, int64_t now, struct err *err);
	int (*exchange)(struct store *store, struct exchange *exchange, struct err *err);
	int (*reclaim)(struct store *store, int64_t now, size_t limit,
		struct stalled_list *list, struct err *err);
	int (*wake_fd)(struct store *store, struct err *err);
	void (*wake_clear)(struct store *store);
	int (*purge)(struct store *store, int64_t before, size_t limit, size_t *purged,
		struct err *err);
	int (*list)(struct store *store, const struct job_filter *filter,
		bool with_request, struct job_page *page, struct err *err);
	int (*dead_list)(struct store *store, const struct job_filter *filter,
		bool with_request, struct dead_page *page, struct err *err);
	int (*find)(struct store *store, struct span id, struct job_page *page,
		struct err *err);
	int (*dead_find)(struct store *store, struct span id, struct dead_page *page,
		struct err *err);
	int (*attempts)(struct store *store, int64_t job_id, struct attempt_list *list,
		struct err *err);
	int (*stats)(struct store *store, int64_t now, struct queue_stats *stats,
		struct err *err);
	int (*count)(struct store *store, const struct job_filter *filter, int64_t now,
		struct queue_stats *stats, struct err *err);
	int (*endpoints)(struct store *store, int64_t now, struct queue_stats *stats,
		struct err *err);
	int (*dead_stats)(struct store *store, const struct job_filter *filter,
		enum dead_group group, struct dead_stats *stats, struct err *err);
	int (*act)(struct store *store, const struct action *action,
		const struct span *ids, size_t count, action_each *each, void *context,
		struct err *err);
	int (*act_matching)(struct store *store, const struct action *action,
		const struct job_filter *filter, action_each *each, void *context,
		struct err *err);
	int (*hold)(struct store *store, enum hold_scope scope, struct span name,
		bool hold, int64_t now, bool *changed, struct err *err);
	int (*health)(struct store *store, int64_t now, struct store_health *health,
		struct err *err);
};

/* The first member of every backend's store. */
struct store {
	const struct store_ops *ops;
	bool contended; /* see store_is_contended() */
};

int sqlite_store_open(
	struct store **store, const struct store_options *options, struct err *err);

#endif
