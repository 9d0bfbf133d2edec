/* SPDX-License-Identifier: MIT */
/*
 * The word behind --endpoint: a name of the configuration, or the origin of a URL as the
 * store writes it. One that can mean no endpoint is refused; to one that is not known
 * there may be another that was meant.
 */
#ifndef CMD_ENDPOINT_KEY_H
#define CMD_ENDPOINT_KEY_H

#include "cli/cli.h"
#include "store/store.h"

/* ERR_USAGE, with the endpoint of what is a URL; ERR_OS. */
int endpoint_key_check(const char *key, struct err *err);

/* Says on stderr that nothing here ever was for that endpoint, and what may have been
 * meant instead. Nothing for NULL. */
void endpoint_key_warn_unknown(struct cli *cli, struct store *store, const char *key);

#endif
