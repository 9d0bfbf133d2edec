/* SPDX-License-Identifier: MIT */
#include "work/demand.h"

#include "work/lanes.h"

#include <stdlib.h>

enum { FIRST_ROOMS = 16 };

struct endpoint_demand {
	int64_t id;
	int held;
	int recent;
	int returned;
	int window;
	bool is_listed;
	struct endpoint_demand *next; /* of those that need a room of their own */
};

void
demand_init(struct demand *demand, int concurrency)
{
	*demand = (struct demand){.concurrency = concurrency};
	map_init(&demand->by_endpoint);
}

void
demand_free(struct demand *demand)
{
	struct map_entry *entry;

	for (size_t at = 0; (entry = map_next(&demand->by_endpoint, &at)) != NULL;)
		free(entry->value);
	map_free(&demand->by_endpoint);
	free(demand->rooms);
}

static struct endpoint_demand *
find(const struct demand *demand, int64_t id)
{
	return map_get(
		&demand->by_endpoint, (struct span){(const char *)&id, sizeof(id)});
}

/* NULL when memory is out. */
static struct endpoint_demand *
find_or_make(struct demand *demand, int64_t id)
{
	struct endpoint_demand *endpoint = find(demand, id);
	struct span key = {(const char *)&id, sizeof(id)};

	if (endpoint != NULL)
		return endpoint;
	endpoint = calloc(1, sizeof(*endpoint));
	if (endpoint == NULL)
		return NULL;
	endpoint->id = id;
	endpoint->window = lane_first_window(demand->concurrency);
	if (map_set(&demand->by_endpoint, key, endpoint, NULL) == 0)
		return endpoint;
	free(endpoint);
	return NULL;
}

int
demand_claimed(struct demand *demand, int64_t endpoint_id, struct err *err)
{
	struct endpoint_demand *endpoint = find_or_make(demand, endpoint_id);

	if (endpoint == NULL)
		return err_no_memory(err);
	demand->held++;
	endpoint->held++;
	if (!endpoint->is_listed) {
		endpoint->is_listed = true;
		endpoint->next = demand->listed;
		demand->listed = endpoint;
	}
	return 0;
}

void
demand_returned(struct demand *demand, int64_t endpoint_id, int window)
{
	struct endpoint_demand *endpoint = find(demand, endpoint_id);

	demand->held--;
	demand->returned++;
	endpoint->held--;
	endpoint->returned++;
	if (window > 0)
		endpoint->window = window;
}

/* What a round brings back, remembered longer than one lull. */
static int
decayed(int recent, int returned)
{
	int rest = recent - (recent + 3) / 4;

	return returned > rest ? returned : rest;
}

static int
lookahead(int recent)
{
	return recent < LOOKAHEAD_MAX / 2 ? recent * 2 : LOOKAHEAD_MAX;
}

bool
demand_wants(const struct demand *demand)
{
	return demand->held < demand->concurrency + lookahead(demand->recent);
}

static int
at_least_zero(int number)
{
	return number > 0 ? number : 0;
}

static bool
grow_rooms(struct demand *demand)
{
	size_t cap = demand->room_cap == 0 ? FIRST_ROOMS : demand->room_cap * 2;
	struct claim_room *rooms = realloc(demand->rooms, cap * sizeof(*rooms));

	if (rooms == NULL)
		return false;
	demand->rooms = rooms;
	demand->room_cap = cap;
	return true;
}

static int
by_endpoint_id(const void *a, const void *b)
{
	const struct claim_room *left = a, *right = b;

	return (left->endpoint_id > right->endpoint_id) -
		(left->endpoint_id < right->endpoint_id);
}

/* Whether the default room would be wrong for it. */
static bool
is_particular(const struct demand *demand, const struct endpoint_demand *endpoint)
{
	return endpoint->held > 0 || endpoint->recent > 0 ||
		endpoint->window < lane_first_window(demand->concurrency);
}

int
demand_plan(struct demand *demand, struct demand_plan *plan, struct err *err)
{
	struct endpoint_demand **link = &demand->listed;
	size_t count = 0;

	while (*link != NULL) {
		struct endpoint_demand *endpoint = *link;

		endpoint->recent = decayed(endpoint->recent, endpoint->returned);
		endpoint->returned = 0;
		if (!is_particular(demand, endpoint)) {
			endpoint->is_listed = false;
			*link = endpoint->next;
			continue;
		}
		if (count == demand->room_cap && !grow_rooms(demand))
			return err_no_memory(err);
		demand->rooms[count++] = (struct claim_room){
			.endpoint_id = endpoint->id,
			.room = at_least_zero(endpoint->window +
				lookahead(endpoint->recent) - endpoint->held),
		};
		link = &endpoint->next;
	}
	if (count > 1)
		qsort(demand->rooms, count, sizeof(*demand->rooms), by_endpoint_id);
	demand->recent = decayed(demand->recent, demand->returned);
	demand->returned = 0;
	*plan = (struct demand_plan){
		.limit = at_least_zero(
			demand->concurrency + lookahead(demand->recent) - demand->held),
		.room_default = lane_first_window(demand->concurrency),
		.rooms = demand->rooms,
		.room_count = count,
	};
	return 0;
}
