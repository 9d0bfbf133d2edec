/* SPDX-License-Identifier: MIT */
/*
 * Random numbers for jitter (xoshiro256**, seeded by the kernel or by a test) and random
 * identifiers (always the kernel's).
 */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

struct rng {
	uint64_t state[4];
};

void rng_init(struct rng *rng);                /* from the kernel */
void rng_seed(struct rng *rng, uint64_t seed); /* repeatable */

/* Uniform in 0 … limit - 1; 0 for a limit of 0. */
uint64_t rng_below(struct rng *rng, uint64_t limit);

enum { EVENT_ID_SIZE = 31 }; /* "evt_", 26 characters, NUL */

/* A new event id: "evt_" and a ULID (48 bits of time, 80 random), so ids sort by age. */
void event_id_make(struct rng *rng, int64_t at, char *id);

#endif
