/* SPDX-License-Identifier: MIT */
/*
 * The power fails. What our programs do to their files is recorded (record.c); then, for
 * many points of the journal, the files are made that a disk may hold if the power failed
 * there (disk.h), and the programs go on with those: every receipt that was printed
 * before the cut is in the store, so is every attempt that a worker told of, the store is
 * sound, and a worker finishes the job.
 *
 * The same journal, of programs that run at the same time, shows who wrote what in whose
 * turn: no commit ever runs beside a checkpoint, nor another commit.
 *
 * SEED=N repeats a run, CUTS=N makes as many cuts; TORTURE=full (`make torture`) cuts at
 * every record of the first journal.
 */
#include "disk.h"
#include "lab.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LOST_SHOWN = 5, RECORDS_MAX = 1 << 20, TEXT_MAX = 64 << 20, WRITERS = 3 };

/* A journal in memory. */
struct journal {
	char *bytes;
	size_t len;
	const struct record **records;
	size_t count;
};

struct cuts {
	struct lab lab;
	char root[LAB_PATH_MAX];   /* of the recorded files */
	char record[LAB_PATH_MAX]; /* the journal's file */
	char image[LAB_PATH_MAX];  /* what is left after a cut */
	char db[LAB_PATH_MAX];     /* the store therein */
	uint64_t seed;
	int tests, failed;
	long images, receipts, wrong;
};

static void
conclude(struct cuts *cuts, const char *name)
{
	printf("%s %d - %s\n", cuts->wrong > 0 ? "not ok" : "ok", ++cuts->tests, name);
	cuts->failed += cuts->wrong > 0;
	cuts->wrong = 0;
}

/* ---- recording ------------------------------------------------------------------- */

/* For programs that record; the environment is inherited by all that are started. */
static void
recording(struct cuts *cuts, bool on)
{
	char library[2 * LAB_PATH_MAX];

	if (!on) {
		unsetenv("LD_PRELOAD");
		return;
	}
	unlink(cuts->record);
	lab_empty(&cuts->lab, "disk");
	snprintf(library, sizeof(library), "%s/torture/record.so", cuts->lab.build);
	setenv("RECORD", cuts->record, 1);
	setenv("RECORD_ROOT", cuts->root, 1);
	setenv("LD_PRELOAD", library, 1);
}

static void
journal_read(struct journal *journal, const char *path)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	*journal = (struct journal){0};
	if (fd < 0 || fstat(fd, &status) != 0)
		abort();
	journal->len = (size_t)status.st_size;
	journal->bytes = malloc(journal->len);
	journal->records = calloc(RECORDS_MAX, sizeof(*journal->records));
	if (journal->bytes == NULL || journal->records == NULL ||
		read(fd, journal->bytes, journal->len) != (ssize_t)journal->len)
		abort();
	close(fd);
	/* Records are not aligned in the file, so each is copied to where it may
	 * be read. */
	for (size_t at = 0; at < journal->len && journal->count < RECORDS_MAX;) {
		struct record head, *whole;

		memcpy(&head, journal->bytes + at, sizeof(head));
		whole = malloc(sizeof(head) + head.len);
		if (whole == NULL)
			abort();
		memcpy(whole, journal->bytes + at, sizeof(head) + head.len);
		journal->records[journal->count++] = whole;
		at += sizeof(head) + head.len;
	}
}

static void
journal_free(struct journal *journal)
{
	for (size_t i = 0; i < journal->count; i++)
		free((void *)journal->records[i]);
	free(journal->records);
	free(journal->bytes);
}

/* ---- what was promised ----------------------------------------------------------- */

static const char LINE_IS_TRUE[] =
	"SELECT CASE WHEN json_extract(?1, '$.state') IS NOT NULL THEN (SELECT count(*)"
	" FROM job_key WHERE event_id = json_extract(?1, '$.id')"
	" AND job_id = json_extract(?1, '$.job_id'))"
	" WHEN json_extract(?1, '$.event') IN ('completed', 'retry', 'dead') THEN"
	" (SELECT count(*) FROM attempt WHERE job_id = json_extract(?1, '$.job_id')"
	" AND number = json_extract(?1, '$.attempt'))"
	" WHEN json_extract(?1, '$.result') = 'resolved' THEN (SELECT count(*)"
	" FROM dead_letter_queue WHERE id = json_extract(?1, '$.job_id') AND status = 2)"
	" ELSE 1 END";

static void __attribute__((format(printf, 2, 3)))
complain(struct cuts *cuts, const char *format, ...)
{
	va_list args;

	if (cuts->wrong++ >= LOST_SHOWN)
		return;
	printf("# ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
}

static void
check_promise(struct cuts *cuts, const struct record *output, size_t cut)
{
	const char *line = (const char *)(output + 1);
	const char *end = line + output->len;

	while (line < end) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		struct span text = {line, newline == NULL ? 0 : (size_t)(newline - line)};

		if (newline == NULL)
			return;
		if (!lab_answers(cuts->db, LINE_IS_TRUE, text, "1"))
			complain(cuts, "cut at %zu: lost: %.*s", cut, (int)text.len,
				text.ptr);
		cuts->receipts++;
		line = newline + 1;
	}
}

static const char UNFINISHED[] =
	"SELECT count(*) FROM retry_queue WHERE state IN (0, 2) OR"
	" (state = 1 AND run_at < unixepoch() * 1000)";

/* The store is in x/y: a directory that was new, too, may be lost. */
static void
check_image(struct cuts *cuts, const struct journal *journal, size_t cut)
{
	static const struct command more = {
		"whenqueue --db x/y/wh.db --url ^/ok -d late", NULL, NULL};
	static const struct command finish = {
		"whworker --db x/y/wh.db --drain --grace 300ms", NULL, NULL};
	struct outcome outcome;
	const char *damage;

	outcome_init(&outcome);
	damage = lab_damage(cuts->db, &outcome.err);
	if (damage != NULL)
		complain(cuts, "cut at %zu: %s", cut, damage);
	for (size_t i = 0; i < cut; i++)
		if (journal->records[i]->kind == RECORD_OUTPUT)
			check_promise(cuts, journal->records[i], cut);
	lab_run(&cuts->lab, "image", &more, &outcome);
	if (outcome.code != 0)
		complain(cuts, "cut at %zu: whenqueue ends with %d: %s", cut,
			outcome.code, buf_span(&outcome.err).ptr);
	lab_run(&cuts->lab, "image", &finish, &outcome);
	if (outcome.code != 0)
		complain(cuts, "cut at %zu: whworker ends with %d: %s", cut, outcome.code,
			buf_span(&outcome.err).ptr);
	if (!lab_answers(cuts->db, UNFINISHED, (struct span){0}, "0"))
		complain(cuts, "cut at %zu: jobs are left over", cut);
	damage = lab_damage(cuts->db, &outcome.err);
	if (damage != NULL)
		complain(cuts, "cut at %zu, at the end: %s", cut, damage);
	outcome_free(&outcome);
	cuts->images++;
}

/* ---- cutting --------------------------------------------------------------------- */

static void
cut_at(struct cuts *cuts, const struct journal *journal, size_t cut,
	const struct survivors *survivors)
{
	struct disk *disk = malloc(sizeof(*disk));

	if (disk == NULL)
		abort();
	disk_init(disk, cuts->root);
	for (size_t i = 0; i < cut; i++)
		disk_apply(disk, journal->records[i]);
	lab_empty(&cuts->lab, "image");
	disk_materialize(disk, survivors, cuts->image);
	check_image(cuts, journal, cut);
	disk_free(disk);
	free(disk);
}

/* The ways in which the unsynced may be left, in turn. */
static struct survivors
choose_survivors(uint64_t seed)
{
	static const struct survivors ways[] = {
		{SURVIVES_NOT, SURVIVES_NOT, 512, 0},
		{SURVIVES_ALL, SURVIVES_ALL, 512, 0},
		{SURVIVES_BY_CHANCE, SURVIVES_BY_CHANCE, 512, 0},
		{SURVIVES_ALL, SURVIVES_NOT, 512, 0},
		{SURVIVES_BY_CHANCE, SURVIVES_BY_CHANCE, 4096, 0},
		{SURVIVES_NOT, SURVIVES_ALL, 512, 0},
	};
	struct survivors chosen = ways[seed % (sizeof(ways) / sizeof(ways[0]))];

	chosen.seed = seed;
	return chosen;
}

/* Whether something is risked there: right behind a promise, a sync, or a new name. */
static bool
is_telling(const struct journal *journal, size_t cut)
{
	uint32_t kind = journal->records[cut - 1]->kind;

	return kind == RECORD_OUTPUT || kind == RECORD_SYNC || kind == RECORD_CREATE ||
		kind == RECORD_MKDIR || kind == RECORD_TRUNCATE;
}

/* All the telling points, and of the others one in `stride`; each in another way. */
static void
cut_everywhere(struct cuts *cuts, const struct journal *journal, size_t most)
{
	size_t stride = journal->count / (most + 1) + 1, telling = 0, telling_stride;

	for (size_t cut = 1; cut <= journal->count; cut++)
		telling += is_telling(journal, cut);
	telling_stride = telling / (most + 1) + 1;
	telling = 0;
	for (size_t cut = 1; cut <= journal->count; cut++) {
		bool wanted = is_telling(journal, cut) ? telling++ % telling_stride == 0
						       : cut % stride == 0;
		struct survivors survivors = choose_survivors(cuts->seed + cut);

		if (wanted)
			cut_at(cuts, journal, cut, &survivors);
	}
}

/* At a promise, the worst disk: only what was synced is there. */
static void
cut_at_promises(struct cuts *cuts, const struct journal *journal)
{
	static const struct survivors nothing = {SURVIVES_NOT, SURVIVES_NOT, 512, 1};

	for (size_t cut = 1; cut <= journal->count; cut++)
		if (journal->records[cut - 1]->kind == RECORD_OUTPUT)
			cut_at(cuts, journal, cut, &nothing);
}

/* ---- whose turn it is ------------------------------------------------------------ */

static bool
ends_with(struct span path, const char *suffix)
{
	size_t len = strlen(suffix);

	return path.len >= len && memcmp(path.ptr + path.len - len, suffix, len) == 0;
}

/* The inode of the one file whose name ends so; 0: there is none. */
static uint64_t
inode_named(const struct journal *journal, const char *suffix)
{
	for (size_t i = 0; i < journal->count; i++) {
		const struct record *record = journal->records[i];
		struct span path = {(const char *)(record + 1), record->len};

		if (record->kind == RECORD_CREATE && ends_with(path, suffix))
			return record->inode;
	}
	return 0;
}

static void
check_turns(struct cuts *cuts, const struct journal *journal)
{
	uint64_t database = inode_named(journal, "/wh.db");
	uint64_t wal = inode_named(journal, "-wal");
	uint64_t side = inode_named(journal, ".lock");
	long commits = 0, checkpoints = 0;
	int holder = 0;

	for (size_t i = 0; i < journal->count; i++) {
		const struct record *record = journal->records[i];
		bool changes = record->kind == RECORD_WRITE ||
			record->kind == RECORD_TRUNCATE;

		if (record->kind == RECORD_LOCK && record->inode == side)
			holder = record->pid;
		if (record->kind == RECORD_UNLOCK && holder == record->pid)
			holder = 0;
		if (!changes || (record->inode != database && record->inode != wal))
			continue;
		commits += record->inode == wal;
		checkpoints += record->inode == database;
		if (holder != record->pid)
			complain(cuts,
				"record %zu: %d writes to the %s in the turn of %d", i,
				record->pid, record->inode == wal ? "WAL" : "database",
				holder);
	}
	if (commits == 0 || checkpoints == 0 || side == 0)
		complain(cuts, "nothing was checkpointed: that shows nothing");
	printf("# figure: turns: %ld writes to the WAL, %ld to the database, each in its "
	       "program's turn\n",
		commits, checkpoints);
}

/* ---- what is recorded ------------------------------------------------------------ */

static void
run_one_after_another(struct cuts *cuts)
{
	static const struct command commands[] = {
		{"whenqueue --db x/y/wh.db --url ^/ok -d first", NULL, NULL},
		{"whenqueue --db x/y/wh.db",
			"{\"id\":\"a\",\"url\":\"^/ok\",\"payload\":1}\n"
			"{\"id\":\"b\",\"url\":\"^/status/404\",\"payload\":2}\n"
			"{\"id\":\"c\",\"url\":\"^/ok\",\"delay\":\"90s\"}\n"
			"{\"id\":\"d\",\"url\":\"^/status/410\"}\n",
			NULL},
		{"whworker --db x/y/wh.db --drain", NULL, NULL},
		{"whdlq resolve --db x/y/wh.db --by me -m done b", NULL, NULL},
		{"whdlq retry --db x/y/wh.db d", NULL, NULL},
		{"whenqueue --db x/y/wh.db --url ^/ok -d @big", NULL, NULL},
		{"whqueue cancel --db x/y/wh.db c", NULL, NULL},
		{"whworker --db x/y/wh.db --drain", NULL, NULL},
		{"whenqueue --db x/y/wh.db --url ^/ok -d last", NULL, NULL},
	};
	char path[LAB_PATH_MAX];
	static char big[600000];
	int fd;

	lab_path(&cuts->lab, "disk/big", path);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, big, sizeof(big)) != (ssize_t)sizeof(big))
		abort();
	close(fd);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		lab_must_run(&cuts->lab, "disk", &commands[i], 0);
}

/* Events of 40 KB, in processes of their own, so that the WAL outgrows its bound. */
static void
write_events(struct cuts *cuts, int writer)
{
	static char line[41000];
	int len = snprintf(line, sizeof(line), "whenqueue --db x/y/wh.db --url ^/ok -d ");
	struct command command = {line, NULL, NULL};

	memset(line + len, 'a' + writer, 40000);
	for (int i = 0; i < 40; i++)
		lab_must_run(&cuts->lab, "disk", &command, 0);
}

static void
run_side_by_side(struct cuts *cuts)
{
	static const struct command work = {
		"whworker --db x/y/wh.db --max-time 3s", NULL, NULL};
	static const struct command drain = {
		"whworker --db x/y/wh.db --drain", NULL, NULL};
	int status;

	for (int writer = 0; writer <= WRITERS; writer++) {
		pid_t child = fork();

		if (child != 0)
			continue;
		lab_join(&cuts->lab);
		if (writer == WRITERS)
			lab_must_run(&cuts->lab, "disk", &work, 0);
		else
			write_events(cuts, writer);
		_exit(0);
	}
	for (int i = 0; i <= WRITERS; i++)
		if (wait(&status) < 0 || status != 0)
			complain(cuts, "a program ended with status %d", status);
	lab_must_run(&cuts->lab, "disk", &drain, 0);
}

/* ---- the suite ------------------------------------------------------------------- */

static void
test_one_after_another(struct cuts *cuts, bool full)
{
	struct journal journal;

	recording(cuts, true);
	run_one_after_another(cuts);
	recording(cuts, false);
	journal_read(&journal, cuts->record);
	cut_at_promises(cuts, &journal);
	conclude(cuts, "a promise is kept by what was synced before it");
	cut_everywhere(
		cuts, &journal, full ? journal.count : (size_t)lab_number("CUTS", 120));
	conclude(cuts, "programs one after another: nothing that was promised is lost");
	printf("# figure: one after another: %zu records, %ld cuts, %ld promises checked\n",
		journal.count, cuts->images, cuts->receipts);
	journal_free(&journal);
}

static void
test_side_by_side(struct cuts *cuts, bool full)
{
	struct journal journal;
	long images = cuts->images, receipts = cuts->receipts;

	recording(cuts, true);
	run_side_by_side(cuts);
	recording(cuts, false);
	journal_read(&journal, cuts->record);
	check_turns(cuts, &journal);
	conclude(cuts, "who writes has the turn: commits and checkpoints never overlap");
	cut_everywhere(cuts, &journal, full ? 1000 : (size_t)lab_number("CUTS", 120) / 6);
	conclude(cuts, "programs side by side: nothing that was promised is lost");
	printf("# figure: side by side: %zu records, %ld cuts, %ld promises checked\n",
		journal.count, cuts->images - images, cuts->receipts - receipts);
	journal_free(&journal);
}

int
main(void)
{
	const char *torture = getenv("TORTURE");
	bool full = torture != NULL && strcmp(torture, "full") == 0;
	struct cuts cuts = {0};

	lab_open(&cuts.lab);
	cuts.seed = (uint64_t)lab_number("SEED", (long)time(NULL) % 1000000);
	printf("# seed %llu\n", (unsigned long long)cuts.seed);
	lab_path(&cuts.lab, "disk", cuts.root);
	lab_path(&cuts.lab, "journal", cuts.record);
	lab_path(&cuts.lab, "image", cuts.image);
	lab_path(&cuts.lab, "image/x/y/wh.db", cuts.db);
	test_one_after_another(&cuts, full);
	test_side_by_side(&cuts, full);
	lab_close(&cuts.lab);
	printf("1..%d\n", cuts.tests);
	return cuts.failed > 0;
}
