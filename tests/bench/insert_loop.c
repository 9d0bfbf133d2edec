/* SPDX-License-Identifier: MIT */
/*
 * insert_loop DB COUNT ROWS_PER_COMMIT: the limit of every enqueue into SQLite. It
 * inserts sample payloads into the bare table with prepared statements.
 */
#include "table.h"
#include "tool.h"

enum { AUTOCHECKPOINT = 10000 };

int
main(int argc, char **argv)
{
	struct stopwatch start;
	struct table *table;
	long count, batch;

	if (argc != 4)
		fail("usage: insert_loop DB COUNT ROWS_PER_COMMIT");
	count = number_of(argv[2]);
	batch = number_of(argv[3]);
	table = table_open(argv[1], AUTOCHECKPOINT);
	start = stopwatch_start();
	for (long id = 0; id < count; id += batch) {
		table_begin(table);
		for (long i = id; i < count && i < id + batch; i++)
			table_insert(table, i + 1, sample_payload(), PAYLOAD_SIZE);
		table_commit(table);
	}
	stopwatch_report(start, count);
	table_close(table);
	return 0;
}
