/* SPDX-License-Identifier: MIT */
/*
 * Jobs that may be what kills workers.
 *
 * The engine notes which jobs it is delivering where that outlives it (store.h); only
 * those are suspected when it dies. There may be hundreds of them, and the third crash
 * buries a job, so from crash to crash the suspects are narrowed down: after the first
 * they are sent in small company, after the second alone, with nothing else under way.
 * Only the guilty one gets to the third; the others are cleared by their first attempt
 * that comes to an end.
 *
 * Meanwhile the rest goes on: after each that was sent alone all slots are filled again.
 */
#ifndef WORK_SUSPECTS_H
#define WORK_SUSPECTS_H

#include "work/task.h"

struct suspects {
	struct task_list few;   /* crashed once: wait for a place in the company */
	struct task_list alone; /* crashed oftener: wait until nothing is under way */
	int company;            /* in the lanes, or under way */
	int company_max;
	bool alone_under_way;
	bool others_first; /* whose turn it is */
	_Atomic int64_t *flights;
	int places;
	int *free_places; /* in flights */
	int free_count;
};

/* `flights` has `places` places, one for each slot there may ever be. Borrowed.
 * ERR_OS. */
int suspects_init(struct suspects *suspects, int concurrency, _Atomic int64_t *flights,
	int places, struct err *err);
void suspects_free(struct suspects *suspects);

/* Another number of slots, and so another size of a company. */
void suspects_resize(struct suspects *suspects, int concurrency);

/* True if the task may go to its lane now; if not, the task waits here. */
bool suspects_admit(struct suspects *suspects, struct task *task);

/* A task has left the engine, whether it was sent or not. */
void suspects_left(struct suspects *suspects, struct task *task);

/* One that may go to its lane by now, or NULL. */
struct task *suspects_next_of_few(struct suspects *suspects);

/* One that is to be sent now and alone, or NULL. */
struct task *suspects_next_alone(struct suspects *suspects, size_t under_way);

/* Whether nothing else may be sent now. */
bool suspects_hold_others(const struct suspects *suspects);

/* Whether one that is to be sent alone could be sent now. */
bool suspects_wait_for_nothing(const struct suspects *suspects, size_t under_way);

/* The slots are full, or there was nothing left to fill them with. */
void suspects_others_had_their_turn(struct suspects *suspects);

void suspects_drop_all(struct suspects *suspects, struct task_list *dropped);

/* Notes in `flights` that the task is being delivered: from the making of its
 * request to the judgement of its answer. */
void suspects_start(struct suspects *suspects, struct task *task);
void suspects_end(struct suspects *suspects, struct task *task);

/* The engine has ended, and in order: whatever was being delivered killed nobody. */
void suspects_clear(struct suspects *suspects);

#endif
