/* SPDX-License-Identifier: MIT */
#include "model/classify_internal.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

void
finding_take(struct finding *best, const struct finding *other)
{
	if (other->weight > best->weight ||
		(other->weight == best->weight && other->depth > best->depth))
		*best = *other;
}

static int
compare(const char *key, struct span wanted)
{
	int order = strncasecmp(key, wanted.ptr, wanted.len);

	return order != 0 ? order : key[wanted.len] != '\0';
}

const struct known *
known_find(struct known_table table, struct span key)
{
	size_t low = 0, high = table.len;

	/* compare() would stop at a NUL and take the key for a longer one. */
	if (key.len == 0 || memchr(key.ptr, '\0', key.len) != NULL)
		return NULL;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare(table.entries[middle].key, key);

		if (order == 0)
			return &table.entries[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

bool
known_table_is_sorted(struct known_table table)
{
	for (size_t i = 1; i < table.len; i++)
		if (strcasecmp(table.entries[i - 1].key, table.entries[i].key) >= 0)
			return false;
	return true;
}

/* A key may come from outside: only what is harmless in a terminal stays. */
static void
copy_printable(struct span key, char *text, size_t size)
{
	size_t len = key.len < size ? key.len : size - 1;

	for (size_t i = 0; i < len; i++)
		text[i] = key.ptr[i] > ' ' && key.ptr[i] < 0x7f ? key.ptr[i] : '-';
	text[len] = '\0';
}

struct finding
finding_make(enum weight weight, enum says says, const char *family, struct span key,
	const char *words)
{
	struct finding finding = {.weight = weight, .says = says};
	char printable[CLASSIFY_RULE_SIZE - 16];

	copy_printable(key, printable, sizeof(printable));
	snprintf(finding.rule, sizeof(finding.rule), "%s-%s", family, printable);
	snprintf(finding.reason, sizeof(finding.reason), "%s (%s)", words, printable);
	return finding;
}

struct finding
finding_of_known(const struct known *known, const char *family, enum weight weight,
	enum weight vague_weight)
{
	bool vague;

	if (known == NULL)
		return (struct finding){0};
	vague = (known->says & SAYS_VAGUE) != 0;
	return finding_make(vague ? vague_weight : weight,
		(enum says)(known->says & ~SAYS_VAGUE), family, span_of(known->key),
		known->words);
}
