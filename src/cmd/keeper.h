/* SPDX-License-Identifier: MIT */
/*
 * What keeps a job that is queued from being sent: a hold, its endpoint's breaker, or
 * that the endpoint asked us to wait. An operator is told its name and what ends it.
 */
#ifndef CMD_KEEPER_H
#define CMD_KEEPER_H

#include "cli/cli.h"
#include "store/store.h"

enum keeper_kind {
	KEEPER_NONE,
	KEEPER_QUEUE, /* holds */
	KEEPER_ENDPOINT,
	KEEPER_EVENT_TYPE,
	KEEPER_BREAKER, /* these end by themselves */
	KEEPER_REQUEST,
};

struct keeper {
	enum keeper_kind kind;
	struct span queue;
	struct span name; /* of the endpoint or event type */
	int64_t until;    /* of what ends by itself */
};

/* The first that applies to the job; borrows from `all`, which store_endpoints() gave. */
struct keeper keeper_of(
	const struct queue_stats *all, const struct job *job, int64_t now);

bool keeper_is_hold(const struct keeper *keeper);

/* Puts "endpoint acme is on hold: whqueue release --endpoint acme". */
void keeper_put(struct buf *out, const struct keeper *keeper, int64_t now);

/* What kept the jobs that one command was about, as far as a person reads on. */
enum { KEEPERS_TOLD_MAX = 5, KEEPERS_LOOK_MAX = 100 };

struct keepers {
	struct store *store;
	int64_t now;
	bool only_holds; /* the verb overrides the others */
	bool loaded;
	struct queue_stats all;
	struct keeper met[KEEPERS_TOLD_MAX];
	size_t met_count;
	size_t looked;
};

/* What keeps the job with that number; KEEPER_NONE also if it cannot be told. */
struct keeper keepers_look(struct keepers *keepers, int64_t job_id);

/* The same, remembered for keepers_tell(); the first of many jobs are enough. */
void keepers_note(struct keepers *keepers, int64_t job_id);

/* A line on stderr for each that was noted. */
void keepers_tell(const struct keepers *keepers, struct cli *cli);
void keepers_free(struct keepers *keepers);

#endif
