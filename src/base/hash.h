/* SPDX-License-Identifier: MIT */
/*
 * The hash of a byte string: FNV-1a of 64 bits, its upper bits folded into the lower
 * ones, so that a power of two may be its modulus. With a random seed nobody outside can
 * choose strings that collide; with 0 they can.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/span.h"

uint64_t hash_span(struct span bytes, uint64_t seed);

#endif
