/* SPDX-License-Identifier: MIT */
/*
 * whenqueue: records in, a durable batch, receipts out.
 *
 * A line becomes a record (model/record.h), takes from the options what it lacks
 * (defaults.c), and becomes an event with a time to run (event.c). Events gather in a
 * batch for as long as more input is there without waiting; the batch is committed at
 * once, and only then are its receipts printed (batch.c, receipt.c).
 */
#ifndef CMD_WHENQUEUE_ENQUEUE_H
#define CMD_WHENQUEUE_ENQUEUE_H

#include "cli/output.h"
#include "cmd/config.h"
#include "model/record.h"
#include "store/store.h"

struct enqueue_args {
	struct cli_common common;
	struct policy_args policy;
	const char *url;
	const char *endpoint;
	const char *event_type;
	const char *id;
	const char *method;
	struct cli_list headers;
	const char *data;
	int64_t delay_ms; /* -1: not given */
	const char *at;
	const char *ordering_key;
	bool ordered;
	int64_t priority;
	int64_t max_attempts; /* 0: not given */
	int64_t jitter;       /* -1: not given */
	bool raw;
	bool explain;
};

/* What a record takes from the options; owns what it points to beside argv. */
struct defaults {
	struct record record;
	struct arena arena;
	bool id_taken; /* --id names one event, and that was it */
};

/* ERR_USAGE, "--option: reason"; those of headers_take(). defaults_free() in any case. */
int defaults_init(struct defaults *defaults, struct cli *cli,
	const struct enqueue_args *args, struct err *err);
void defaults_free(struct defaults *defaults);

/*
 * The headers of --header as a JSON object in the arena; "Name: value", or @FILE for a
 * file of such lines, which must not be readable by others. Warns of a secret that stands
 * in the command line, and takes it out of there. ERR_USAGE, ERR_NO_INPUT,
 * ERR_PERMISSION.
 */
int headers_take(struct cli *cli, const struct cli_list *given, struct arena *arena,
	struct span *headers, struct err *err);

/* Fills in the members that the record lacks. ERR_DATA. */
int defaults_apply(struct defaults *defaults, struct record *record, struct err *err);

/* An event and what its receipt says beside the store's. */
struct intake {
	struct event *event; /* the caller's place for it */
	int64_t delay_ms;
	int64_t jitter_ms;
	const struct classification *failure; /* NULL: a new event */
};

/* What turns records into events. */
struct planner {
	const struct config *config;
	bool endpoints_known; /* a configuration was given: other names are mistakes */
	bool ordered;         /* events without an ordering key have their endpoint's */
	struct rng rng;
};

/*
 * Decides when the record runs, or that it is dead already. Borrows the record's memory;
 * what is new goes to the arena. ERR_DATA for a record that cannot be queued.
 */
int event_plan(struct planner *planner, const struct record *record, int64_t now,
	struct arena *arena, struct intake *intake, struct err *err);

enum {
	BATCH_EVENTS = 1000,
	BATCH_EVENTS_SHARED = 400, /* while others write too */
	BATCH_BYTES = 4 * 1024 * 1024,
};

/* Events that wait for their commit, and the bytes they point into. */
struct batch {
	struct intake *intakes;
	struct event *events;
	struct receipt *receipts;
	size_t count;
	size_t most; /* events of a commit */
	size_t first_line, last_line;
	int64_t now;      /* one instant for the whole batch */
	struct buf bytes; /* the lines; grows only while the batch is empty */
	struct arena arena;
};

int batch_init(struct batch *batch, size_t max_line, struct err *err);
void batch_free(struct batch *batch);

/* Whether so many more bytes have to wait for the next batch. */
bool batch_is_full(const struct batch *batch, size_t len);

/* Copies the bytes of the next event. ERR_OS. */
int batch_keep(
	struct batch *batch, struct span bytes, struct span *kept, struct err *err);

/* Empties it. */
void batch_clear(struct batch *batch);

/* How receipts are printed. */
struct receipt_writer {
	struct cli *cli;
	enum cli_format format; /* never FORMAT_AUTO */
	struct buf text;
	bool any; /* one was printed */
};

void receipt_writer_init(
	struct receipt_writer *writer, struct cli *cli, const struct cli_common *common);
void receipt_writer_free(struct receipt_writer *writer);

/* Writes and flushes the receipts of a batch that was committed. ERR_IO. */
int receipts_write(
	struct receipt_writer *writer, const struct batch *batch, struct err *err);

/* The end of what -o json prints. ERR_IO. */
int receipts_end(struct receipt_writer *writer, struct err *err);

/* --explain: the timetable of the policy, or what would become of the events given. */
struct explainer {
	struct cli *cli;
	const struct cli_common *common;
	const struct config *config;
	struct output *output; /* NULL until the first row */
};

int explain_policy(
	struct explainer *explainer, int max_attempts, int64_t now, struct err *err);
int explain_event(struct explainer *explainer, const struct intake *intake, int64_t now,
	struct err *err);
int explain_close(struct explainer *explainer, struct err *err);

/* The verb, and its options. */
extern const struct cli_group enqueue_groups[];

enum exit_code enqueue_run(struct cli *cli, const void *args);

#endif
