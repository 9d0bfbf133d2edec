/* SPDX-License-Identifier: MIT */
/*
 * Tasks handed from one thread to another, whole lists at a time. The reader says when it
 * goes to sleep; only then does a writer spend a system call on waking it.
 */
#ifndef WORK_MAILBOX_H
#define WORK_MAILBOX_H

#include "work/task.h"

#include <pthread.h>

struct mailbox {
	pthread_mutex_t lock;
	struct task_list list;
	int event_fd; /* readable when a sleeping reader was woken */
	bool asleep;
	size_t worth; /* tasks for which the sleeping reader is woken */
	bool nudged;  /* woken without mail */
	bool closed;  /* nothing more will come */
};

int mailbox_init(struct mailbox *box, struct err *err); /* ERR_OS */
void mailbox_free(struct mailbox *box);                 /* the tasks are the pool's */

/* Takes all of the list, which is then empty. */
void mailbox_put(struct mailbox *box, struct task_list *list);
void mailbox_nudge(struct mailbox *box);
void mailbox_close(struct mailbox *box);

/* Appends everything to the list; false if the box is closed and nothing was left. */
bool mailbox_take(struct mailbox *box, struct task_list *list);

/*
 * The reader is about to wait for event_fd, until there are `worth` tasks or a nudge:
 * true, or false if there is something to look at first, which mailbox_take() does. That
 * the box was closed counts as one nudge. After the wait it calls mailbox_awake().
 */
bool mailbox_sleep(struct mailbox *box, size_t worth);
void mailbox_awake(struct mailbox *box);

#endif
