/* SPDX-License-Identifier: MIT */
/*
 * A round of the store thread, on whose state it works: what has come back is settled and
 * as much is claimed, in one transaction. If the store fails, the next one is put off.
 */
#ifndef WORK_ROUND_H
#define WORK_ROUND_H

#include "work/store_thread.h"

void round_run(struct store_thread *self);

/* The store failed, here or between rounds: this is told once, and the next round is put
 * off, or the thread ended. */
void round_put_off(struct store_thread *self, const struct err *err);

/* The store works again. */
void round_recovered(struct store_thread *self);

/* Whether a failure now is the end: no time is left for another try. */
bool round_is_last(const struct store_thread *self, int64_t now_us);

/* Whether anything more may be claimed at all. */
bool round_may_claim(const struct store_thread *self);

int64_t store_thread_now(const struct store_thread *self);

/* Prints the lines that have gathered. If that fails, the worker is told to stop. */
void store_thread_flush(struct store_thread *self);

#endif
