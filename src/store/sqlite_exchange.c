/* SPDX-License-Identifier: MIT */
/*
 * A worker's round: settle, then claim, in one transaction. A claim and a settle share
 * one sync of the disk, which is what a queue's throughput is made of.
 */
#include "store/sqlite.h"

#include <stdlib.h>

static int
claim(struct sqlite_store *store, struct exchange *exchange, struct err *err)
{
	if (store->holds.all)
		return 0;
	if (promote_due(store, exchange, err) != 0)
		return -1;
	if (store->endpoints.affects_claims && endpoints_flush(store, err) != 0)
		return -1;
	if (exchange->claim_limit > 0 && claim_jobs(store, exchange, err) != 0)
		return -1;
	if (endpoints_flush(store, err) != 0)
		return -1;
	return look_ahead(store, exchange, err);
}

static int
settle_and_claim(struct sqlite_store *store, struct exchange *exchange, struct err *err)
{
	if (holds_load(store, err) != 0 || exchange_settle(store, exchange, err) != 0)
		return -1;
	return claim(store, exchange, err);
}

/* Looks without taking the turn to write: most often a worker is woken for nothing, by
 * the work of another queue or of another worker. */
static int
peek(struct sqlite_store *store, struct exchange *exchange, struct err *err)
{
	if (holds_load(store, err) != 0)
		return -1;
	return store->holds.all ? 0 : look_ahead(store, exchange, err);
}

int
sqlite_exchange(struct store *base, struct exchange *exchange, struct err *err)
{
	struct sqlite_store *store = sqlite_of(base);

	exchange->claimed_count = 0;
	exchange->next_due_at = 0;
	exchange->more = exchange->paced = false;
	if (exchange->claim_limit > 0 && store->worker == 0)
		return err_set(err, ERR_BUG, "only a worker may claim");
	if (exchange->settle_count == 0) {
		if (peek(store, exchange, err) != 0)
			return -1;
		if (!exchange->more)
			return 0;
	}
	if (txn_begin(store, err) != 0)
		return -1;
	if (txn_end(store, settle_and_claim(store, exchange, err), err) == 0)
		return 0;
	while (exchange->claimed_count > 0)
		free(exchange->claimed[--exchange->claimed_count]);
	return -1;
}
