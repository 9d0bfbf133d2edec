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
	enum standing standing;
	bool is_closed;
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

void
demand_resize(struct demand *demand, int concurrency)
{
	demand->concurrency = concurrency;
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
demand_claimed(struct demand *demand, const struct delivery *delivery, struct err *err)
{
	struct endpoint_demand *endpoint = find_or_make(demand, delivery->endpoint_id);

	if (endpoint == NULL)
		return err_no_memory(err);
	demand->held++;
	demand->held_bytes += delivery->request.body.len;
	demand->held_of[endpoint->standing]++;
	endpoint->held++;
	if (!endpoint->is_listed) {
		endpoint->is_listed = true;
		endpoint->next = demand->listed;
		demand->listed = endpoint;
	}
	return 0;
}

void
demand_returned(struct demand *demand, const struct delivery *delivery, int window,
	enum standing standing)
{
	struct endpoint_demand *endpoint = find(demand, delivery->endpoint_id);

	demand->held--;
	demand->held_bytes -= delivery->request.body.len;
	demand->held_of[endpoint->standing]--;
	demand->returned++;
	endpoint->held--;
	endpoint->returned++;
	if (window == 0)
		return;
	endpoint->window = window;
	demand->held_of[endpoint->standing] -= endpoint->held;
	demand->held_of[standing] += endpoint->held;
	endpoint->standing = standing;
}

void
demand_close(struct demand *demand, int64_t endpoint_id)
{
	struct endpoint_demand *endpoint = find(demand, endpoint_id);

	demand->closed += !endpoint->is_closed;
	endpoint->is_closed = true;
}

void
demand_open_all(struct demand *demand)
{
	for (struct endpoint_demand *endpoint = demand->listed; endpoint != NULL;
		endpoint = endpoint->next)
		endpoint->is_closed = false;
	demand->closed = 0;
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

static int
at_least_zero(int number)
{
	return number > 0 ? number : 0;
}

static int
smaller(int a, int b)
{
	return a < b ? a : b;
}

static int
share_of(const struct demand *demand, enum standing standing)
{
	return lane_share(demand->concurrency, standing);
}

/* What is held of endpoints that have yet to answer, as far as it may ever be sent beside
 * others. */
static int
held_of_unproven(const struct demand *demand)
{
	return demand->held_of[STANDING_NEW] +
		smaller(demand->held_of[STANDING_SILENT],
			share_of(demand, STANDING_SILENT));
}

/* How many more fit into the slots; less than zero: so many are held for later. */
static int
slots_left(const struct demand *demand)
{
	return demand->concurrency - demand->held_of[STANDING_ANSWERS] -
		smaller(held_of_unproven(demand), share_of(demand, STANDING_NEW));
}

static size_t
bytes_left(const struct demand *demand)
{
	return demand->held_bytes < HELD_BYTES_MAX ? HELD_BYTES_MAX - demand->held_bytes
						   : 0;
}

/* How many more to claim in all. */
static int
still_wanted(const struct demand *demand)
{
	int ahead = bytes_left(demand) > 0 ? lookahead(demand->recent) : 0;

	return at_least_zero(slots_left(demand) + ahead);
}

bool
demand_wants(const struct demand *demand)
{
	return still_wanted(demand) > 0;
}

/* Whether of endpoints of that standing enough is held already. */
static bool
is_crowded(const struct demand *demand, enum standing standing)
{
	int held = standing == STANDING_NEW ? held_of_unproven(demand)
					    : demand->held_of[standing];

	return standing != STANDING_ANSWERS &&
		held >= share_of(demand, standing) + lookahead(demand->recent);
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
	return endpoint->held > 0 || endpoint->recent > 0 || endpoint->is_closed ||
		endpoint->standing == STANDING_SILENT ||
		endpoint->window < lane_first_window(demand->concurrency);
}

/* Closes the round of each endpoint, and takes those at rest off the list. */
static void
close_round(struct demand *demand)
{
	struct endpoint_demand **link = &demand->listed;

	demand->recent = decayed(demand->recent, demand->returned);
	demand->returned = 0;
	while (*link != NULL) {
		struct endpoint_demand *endpoint = *link;

		endpoint->recent = decayed(endpoint->recent, endpoint->returned);
		endpoint->returned = 0;
		endpoint->is_listed = is_particular(demand, endpoint);
		if (endpoint->is_listed)
			link = &endpoint->next;
		else
			*link = endpoint->next;
	}
}

static int
add_room(struct demand *demand, const struct endpoint_demand *endpoint, size_t *count,
	struct err *err)
{
	int room = at_least_zero(
		endpoint->window + lookahead(endpoint->recent) - endpoint->held);

	if (endpoint->is_closed)
		room = CLAIM_NEVER;
	else if (is_crowded(demand, endpoint->standing))
		room = 0;
	if (*count == demand->room_cap && !grow_rooms(demand))
		return err_no_memory(err);
	demand->rooms[(*count)++] = (struct claim_room){
		.endpoint_id = endpoint->id,
		.room = room,
	};
	return 0;
}

static int
add_listed_rooms(struct demand *demand, size_t *count, struct err *err)
{
	for (const struct endpoint_demand *endpoint = demand->listed; endpoint != NULL;
		endpoint = endpoint->next)
		if (add_room(demand, endpoint, count, err) != 0)
			return -1;
	return 0;
}

/* While new ones are shut out by default, those that answer are not, even at rest. */
static int
add_all_rooms(struct demand *demand, size_t *count, struct err *err)
{
	struct map_entry *entry;

	for (size_t at = 0; (entry = map_next(&demand->by_endpoint, &at)) != NULL;)
		if (add_room(demand, entry->value, count, err) != 0)
			return -1;
	return 0;
}

int
demand_plan(struct demand *demand, struct demand_plan *plan, struct err *err)
{
	size_t count = 0;
	bool shut;

	close_round(demand);
	shut = is_crowded(demand, STANDING_NEW);
	if ((shut ? add_all_rooms : add_listed_rooms)(demand, &count, err) != 0)
		return -1;
	if (count > 1)
		qsort(demand->rooms, count, sizeof(*demand->rooms), by_endpoint_id);
	*plan = (struct demand_plan){
		.limit = still_wanted(demand),
		.sure = at_least_zero(slots_left(demand)),
		.bytes = bytes_left(demand) > 0 ? bytes_left(demand) : 1,
		.room_default = shut ? 0 : lane_first_window(demand->concurrency),
		.rooms = demand->rooms,
		.room_count = count,
	};
	return 0;
}
