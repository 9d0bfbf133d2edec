/* SPDX-License-Identifier: MIT */
#include "base/rng.h"

#include <string.h>
#include <sys/random.h>
#include <time.h>

static uint64_t
splitmix64(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

void
rng_seed(struct rng *rng, uint64_t seed)
{
	for (size_t i = 0; i < 4; i++)
		rng->state[i] = splitmix64(&seed);
}

void
rng_init(struct rng *rng)
{
	struct timespec now;

	if (getrandom(rng->state, sizeof(rng->state), 0) == (ssize_t)sizeof(rng->state))
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	rng_seed(rng, (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec);
}

static uint64_t
rotate_left(uint64_t x, int bits)
{
	return (x << bits) | (x >> (64 - bits));
}

static uint64_t
rng_next(struct rng *rng)
{
	uint64_t *s = rng->state;
	uint64_t result = rotate_left(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate_left(s[3], 45);
	return result;
}

uint64_t
rng_below(struct rng *rng, uint64_t limit)
{
	if (limit == 0)
		return 0;
	return (uint64_t)(((unsigned __int128)rng_next(rng) * limit) >> 64);
}

void
event_id_make(struct rng *rng, int64_t at, char *id)
{
	/* Crockford's base 32, as in the ULID specification. */
	static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	unsigned __int128 value = (unsigned __int128)(uint64_t)at << 80;

	value |= (unsigned __int128)(rng_next(rng) & 0xffff) << 64;
	value |= rng_next(rng);
	memcpy(id, "evt_", 4);
	for (int i = 25; i >= 0; i--) {
		id[4 + i] = digits[(unsigned)value & 31];
		value >>= 5;
	}
	id[EVENT_ID_SIZE - 1] = '\0';
}
