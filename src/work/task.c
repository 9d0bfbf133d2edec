/* SPDX-License-Identifier: MIT */
#include "work/task.h"

#include <stdlib.h>

enum { LINE_MAX_BYTES = 16 * 1024 * 1024, SNIPPET_MAX_BYTES = 1024 * 1024 };

void
task_list_add(struct task_list *list, struct task *task)
{
	task->next = NULL;
	if (list->tail == NULL)
		list->head = task;
	else
		list->tail->next = task;
	list->tail = task;
	list->count++;
}

struct task *
task_list_pop(struct task_list *list)
{
	struct task *task = list->head;

	if (task == NULL)
		return NULL;
	list->head = task->next;
	if (list->head == NULL)
		list->tail = NULL;
	list->count--;
	return task;
}

void
task_list_join(struct task_list *list, struct task_list *from)
{
	if (from->head == NULL)
		return;
	if (list->tail == NULL)
		list->head = from->head;
	else
		list->tail->next = from->head;
	list->tail = from->tail;
	list->count += from->count;
	*from = (struct task_list){0};
}

static void
task_free(struct task *task)
{
	free(task->delivery);
	buf_free(&task->snippet);
	buf_free(&task->line);
	free(task);
}

void
task_pool_free(struct task_pool *pool)
{
	while (pool->made != NULL) {
		struct task *task = pool->made;

		pool->made = task->next_made;
		task_free(task);
	}
	pool->free = NULL;
}

static struct task *
task_make(struct task_pool *pool)
{
	struct task *task = calloc(1, sizeof(*task));

	if (task == NULL)
		return NULL;
	buf_init(&task->snippet, SNIPPET_MAX_BYTES);
	buf_init(&task->line, LINE_MAX_BYTES);
	task->next_made = pool->made;
	pool->made = task;
	return task;
}

struct task *
task_take(struct task_pool *pool, struct delivery *delivery)
{
	struct task *task = pool->free;

	if (task != NULL)
		pool->free = task->next;
	else
		task = task_make(pool);
	if (task == NULL)
		return NULL;
	task->delivery = delivery;
	task->lane = NULL;
	task->window = 0;
	task->suspicion = SUSPECT_NOT;
	task->settle = (struct settle){
		.job_id = delivery->job_id,
		.token = delivery->token,
		.endpoint_id = delivery->endpoint_id,
		.outcome = SETTLE_RELEASED,
	};
	buf_clear(&task->snippet);
	buf_clear(&task->line);
	return task;
}

void
task_give_back(struct task_pool *pool, struct task *task)
{
	free(task->delivery);
	task->delivery = NULL;
	task->next = pool->free;
	pool->free = task;
}
