/* SPDX-License-Identifier: MIT */
/* A copy of the rates and limits of a configuration: the store thread goes by it
 * while the engine may be given another configuration. */
#ifndef WORK_RATES_H
#define WORK_RATES_H

#include "model/config.h"

struct rates;

/* Returns new; NULL with ERR_OS. */
struct rates *rates_make(const struct config *config, struct err *err);
void rates_free(struct rates *rates);

const struct limits *rates_limits(const struct rates *rates);

/* A claim_rate of store/store.h, with a struct rates as its context. */
const struct rate *rates_of(const void *rates, struct span endpoint, bool named);

#endif
