/* SPDX-License-Identifier: MIT */
#include "base/hash.h"

uint64_t
hash_span(struct span bytes, uint64_t seed)
{
	uint64_t hash = 0xcbf29ce484222325 ^ seed;

	for (size_t i = 0; i < bytes.len; i++)
		hash = (hash ^ (unsigned char)bytes.ptr[i]) * 0x100000001b3;
	return hash ^ (hash >> 29);
}
