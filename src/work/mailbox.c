/* SPDX-License-Identifier: MIT */
#include "work/mailbox.h"

#include <sys/eventfd.h>
#include <unistd.h>

int
mailbox_init(struct mailbox *box, struct err *err)
{
	*box = (struct mailbox){.event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
	if (box->event_fd < 0)
		return err_errno(err, "eventfd");
	pthread_mutex_init(&box->lock, NULL);
	return 0;
}

void
mailbox_free(struct mailbox *box)
{
	pthread_mutex_destroy(&box->lock);
	close(box->event_fd);
}

/* With the lock held. */
static void
wake_reader(struct mailbox *box)
{
	if (!box->asleep)
		return;
	box->asleep = false;
	/* Cannot fail: the reader has set the counter back to 0. */
	(void)eventfd_write(box->event_fd, 1);
}

void
mailbox_put(struct mailbox *box, struct task_list *list)
{
	if (list->count == 0)
		return;
	pthread_mutex_lock(&box->lock);
	task_list_join(&box->list, list);
	if (box->list.count >= box->worth)
		wake_reader(box);
	pthread_mutex_unlock(&box->lock);
}

void
mailbox_nudge(struct mailbox *box)
{
	pthread_mutex_lock(&box->lock);
	box->nudged = true;
	wake_reader(box);
	pthread_mutex_unlock(&box->lock);
}

void
mailbox_close(struct mailbox *box)
{
	pthread_mutex_lock(&box->lock);
	box->closed = true;
	box->nudged = true;
	wake_reader(box);
	pthread_mutex_unlock(&box->lock);
}

bool
mailbox_take(struct mailbox *box, struct task_list *list)
{
	bool open;

	pthread_mutex_lock(&box->lock);
	open = !box->closed || box->list.count > 0;
	box->nudged = false;
	task_list_join(list, &box->list);
	pthread_mutex_unlock(&box->lock);
	return open;
}

bool
mailbox_sleep(struct mailbox *box, size_t worth)
{
	bool asleep;

	pthread_mutex_lock(&box->lock);
	asleep = box->list.count < worth && !box->nudged;
	box->worth = worth;
	box->asleep = asleep;
	pthread_mutex_unlock(&box->lock);
	return asleep;
}

void
mailbox_awake(struct mailbox *box)
{
	eventfd_t count;

	pthread_mutex_lock(&box->lock);
	if (!box->asleep)
		(void)eventfd_read(box->event_fd, &count);
	box->asleep = false;
	pthread_mutex_unlock(&box->lock);
}
