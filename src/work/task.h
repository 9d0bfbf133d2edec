/* SPDX-License-Identifier: MIT */
/*
 * A task: one claimed job on its way through the worker, from the store thread to the
 * engine and back, with all the memory that its settle borrows from.
 *
 * The pool belongs to the store thread; the engine only passes tasks on.
 */
#ifndef WORK_TASK_H
#define WORK_TASK_H

#include "store/store.h"

struct engine;
struct lane;

enum { TASK_PEER_SIZE = 64 };

/* What the latest attempt says of an endpoint: there was none, it was answered,
 * or not. */
enum standing { STANDING_NEW, STANDING_ANSWERS, STANDING_SILENT, STANDING_COUNT };

/* How a job that was under way when a worker died is sent (work/suspects.h). */
enum suspicion { SUSPECT_NOT, SUSPECT_IN_COMPANY, SUSPECT_ALONE };

struct task {
	struct task *next;         /* in whatever list it is */
	struct task *next_made;    /* the pool's own */
	struct delivery *delivery; /* owned */
	struct settle settle;      /* borrows from here and from the delivery */
	struct engine *engine;     /* that it was given to */
	struct lane *lane;         /* of its endpoint there */
	int window;                /* of its endpoint's lane now; 0: as before */
	enum standing standing;    /* of its endpoint now, where there is a window */
	enum suspicion suspicion;
	int place; /* among what is under way */
	int64_t started_at;
	struct classification failure;
	char peer[TASK_PEER_SIZE];
	struct buf snippet;
	struct buf line; /* printed when the settle is committed */
};

struct task_list {
	struct task *head;
	struct task *tail;
	size_t count;
};

void task_list_add(struct task_list *list, struct task *task);
struct task *task_list_pop(struct task_list *list);
/* Appends all of `from`, which is then empty. */
void task_list_join(struct task_list *list, struct task_list *from);

struct task_pool {
	struct task *free;
	struct task *made;
};

void task_pool_free(struct task_pool *pool); /* with every task it made */

/* A task for the delivery, which it takes. NULL when memory is out. */
struct task *task_take(struct task_pool *pool, struct delivery *delivery);
void task_give_back(struct task_pool *pool, struct task *task);

#endif
