/* SPDX-License-Identifier: MIT */
/*
 * How many jobs to claim, in all and of each endpoint.
 *
 * The engine must not run dry while a commit is under way, so beyond what is in flight as
 * much is held as two rounds of late have brought back; with slow receivers that is next
 * to nothing, with fast ones it grows to LOOKAHEAD_MAX, unless their bodies are so large
 * that fewer fill HELD_BYTES_MAX. An endpoint's part follows its own rate and the window
 * that its answers have earned (work/lanes.h).
 *
 * Endpoints that are new or silent have no more than a share of the slots there. What is
 * held of them beyond that takes no place away from the others; and once it is as much as
 * the lookahead allows, no more of them is claimed.
 */
#ifndef WORK_DEMAND_H
#define WORK_DEMAND_H

#include "base/map.h"
#include "work/task.h"

enum { LOOKAHEAD_MAX = 2048, HELD_BYTES_MAX = 64 << 20 };

struct endpoint_demand;

struct demand {
	int concurrency;
	int held;          /* claimed, and not yet back */
	size_t held_bytes; /* of their bodies */
	int held_of[STANDING_COUNT];
	int closed;             /* endpoints */
	int recent;             /* came back in a round, decaying */
	int returned;           /* since the last plan */
	struct map by_endpoint; /* endpoint id -> struct endpoint_demand, owned */
	struct endpoint_demand *listed;
	struct claim_room *rooms;
	size_t room_cap;
};

struct demand_plan {
	int limit;
	int sure;     /* so many whatever their size */
	size_t bytes; /* further ones until their bodies come to as much; not 0 */
	int room_default;
	const struct claim_room *rooms; /* sorted; borrowed until the next plan */
	size_t room_count;
};

void demand_init(struct demand *demand, int concurrency);
void demand_free(struct demand *demand);
void demand_resize(struct demand *demand, int concurrency);

int demand_claimed(
	struct demand *demand, const struct delivery *delivery, struct err *err);

/* A task came back; window 0: nothing was learned of the endpoint. */
void demand_returned(struct demand *demand, const struct delivery *delivery, int window,
	enum standing standing);

/* Nothing more of that endpoint, until all are open again. */
void demand_close(struct demand *demand, int64_t endpoint_id);
void demand_open_all(struct demand *demand);

/* Whether there is room for another job at all. */
bool demand_wants(const struct demand *demand);

/* Closes the round that brought back what was counted since the last plan. ERR_OS. */
int demand_plan(struct demand *demand, struct demand_plan *plan, struct err *err);

#endif
