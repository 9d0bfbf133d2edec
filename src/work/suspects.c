/* SPDX-License-Identifier: MIT */
#include "work/suspects.h"

#include <stdlib.h>

/* As many companies as there are jobs in one: the square root, rounded up. */
static int
company_of(int concurrency)
{
	int company = 1;

	while (company * company < concurrency)
		company++;
	return company;
}

void
suspects_resize(struct suspects *suspects, int concurrency)
{
	suspects->company_max = company_of(concurrency);
}

int
suspects_init(struct suspects *suspects, int concurrency, _Atomic int64_t *flights,
	int places, struct err *err)
{
	*suspects = (struct suspects){
		.company_max = company_of(concurrency),
		.flights = flights,
		.places = places,
		.free_places = calloc((size_t)places, sizeof(int)),
	};
	if (suspects->free_places == NULL)
		return err_no_memory(err);
	for (int place = places; place-- > 0;)
		suspects->free_places[suspects->free_count++] = place;
	return 0;
}

void
suspects_free(struct suspects *suspects)
{
	free(suspects->free_places);
}

static void
join_company(struct suspects *suspects, struct task *task)
{
	task->suspicion = SUSPECT_IN_COMPANY;
	suspects->company++;
}

bool
suspects_admit(struct suspects *suspects, struct task *task)
{
	int crashes = task->delivery->crashes;

	if (crashes == 0)
		return true;
	if (crashes > 1) {
		task_list_add(&suspects->alone, task);
		return false;
	}
	if (suspects->company >= suspects->company_max) {
		task_list_add(&suspects->few, task);
		return false;
	}
	join_company(suspects, task);
	return true;
}

void
suspects_left(struct suspects *suspects, struct task *task)
{
	if (task->suspicion == SUSPECT_IN_COMPANY)
		suspects->company--;
	else if (task->suspicion == SUSPECT_ALONE)
		suspects->alone_under_way = false;
	task->suspicion = SUSPECT_NOT;
}

struct task *
suspects_next_of_few(struct suspects *suspects)
{
	struct task *task;

	if (suspects->company >= suspects->company_max)
		return NULL;
	task = task_list_pop(&suspects->few);
	if (task != NULL)
		join_company(suspects, task);
	return task;
}

struct task *
suspects_next_alone(struct suspects *suspects, size_t under_way)
{
	struct task *task;

	if (suspects->others_first || under_way > 0)
		return NULL;
	task = task_list_pop(&suspects->alone);
	if (task == NULL)
		return NULL;
	task->suspicion = SUSPECT_ALONE;
	suspects->alone_under_way = true;
	suspects->others_first = true;
	return task;
}

bool
suspects_hold_others(const struct suspects *suspects)
{
	return suspects->alone_under_way ||
		(suspects->alone.count > 0 && !suspects->others_first);
}

bool
suspects_wait_for_nothing(const struct suspects *suspects, size_t under_way)
{
	return suspects->alone.count > 0 && !suspects->alone_under_way && under_way == 0;
}

void
suspects_others_had_their_turn(struct suspects *suspects)
{
	if (!suspects->alone_under_way)
		suspects->others_first = false;
}

void
suspects_drop_all(struct suspects *suspects, struct task_list *dropped)
{
	task_list_join(dropped, &suspects->few);
	task_list_join(dropped, &suspects->alone);
}

void
suspects_start(struct suspects *suspects, struct task *task)
{
	task->place = suspects->free_places[--suspects->free_count];
	suspects->flights[task->place] = task->delivery->job_id;
}

void
suspects_end(struct suspects *suspects, struct task *task)
{
	suspects->flights[task->place] = 0;
	suspects->free_places[suspects->free_count++] = task->place;
}

void
suspects_clear(struct suspects *suspects)
{
	for (int place = 0; place < suspects->places; place++)
		suspects->flights[place] = 0;
}
