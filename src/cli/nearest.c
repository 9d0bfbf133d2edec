/* SPDX-License-Identifier: MIT */
/*
 * "Did you mean": the optimal string alignment distance (an insertion, a deletion, a
 * substitution, or two neighbours swapped cost 1 each), whatever the case of letters.
 */
#include "cli/cli.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { WORD_MAX = 40, DISTANCE_MAX = 2 };

static int
least(int a, int b)
{
	return a < b ? a : b;
}

static bool
same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static int
distance(const char *from, const char *to)
{
	int rows[3][WORD_MAX + 1]; /* the row before last, the last, and this one */
	size_t from_len = strlen(from), to_len = strlen(to);

	if (from_len > WORD_MAX || to_len > WORD_MAX)
		return WORD_MAX;
	for (size_t j = 0; j <= to_len; j++)
		rows[0][j] = (int)j;
	for (size_t i = 1; i <= from_len; i++) {
		int *row = rows[i % 3], *last = rows[(i + 2) % 3];
		const int *before_last = rows[(i + 1) % 3];

		row[0] = (int)i;
		for (size_t j = 1; j <= to_len; j++) {
			int changed = !same(from[i - 1], to[j - 1]);

			row[j] = least(
				last[j - 1] + changed, least(last[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && same(from[i - 1], to[j - 2]) &&
				same(from[i - 2], to[j - 1]))
				row[j] = least(row[j], before_last[j - 2] + 1);
		}
	}
	return rows[from_len % 3][to_len];
}

const char *
cli_nearest(const char *word, const char *const *names)
{
	size_t len = strlen(word);
	const char *best = NULL;
	int best_distance = least(DISTANCE_MAX, (int)len - 1) + 1;

	for (size_t i = 0; names[i] != NULL; i++) {
		bool begins = len > 1 && strncasecmp(word, names[i], len) == 0;
		int d = begins ? 1 : distance(word, names[i]);

		if (d < best_distance) {
			best = names[i];
			best_distance = d;
		}
	}
	return best;
}
