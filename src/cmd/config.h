/* SPDX-License-Identifier: MIT */
/*
 * Where the configuration comes from: the defaults, then the file of --config or
 * $WH_CONFIG, then the policy file of --policy or $WH_POLICY. Flags that override a
 * single number are applied by each program on what comes out of here.
 */
#ifndef CMD_CONFIG_H
#define CMD_CONFIG_H

#include "cli/cli.h"
#include "model/config.h"

/* An option group of every program that applies the policy. */
struct policy_args {
	const char *policy; /* NULL: only what the configuration says */
};

extern const struct cli_option policy_options[]; /* --policy */

/*
 * Initialises *config from both files; a NULL path is a file that was not asked for.
 * File names inside are resolved against the directory of the file that names them.
 * "path: line N: member: reason" with ERR_CONFIG; ERR_NO_INPUT, ERR_PERMISSION, ERR_IO.
 * ERR_PERMISSION too if another user owns a file or may write to it (base/trust.h). On
 * failure there is nothing to free; else config_free().
 */
int config_load(struct config *config, const char *config_path, const char *policy_path,
	struct err *err);

/*
 * Reads the files of those header values that are kept in files (secrets), so that every
 * header has its value, and those for TLS. Only the worker wants them. ERR_CONFIG, "path:
 * line N: member: file: reason"; ERR_PERMISSION for a file that cannot be trusted, as in
 * config_load().
 */
int config_read_files(struct config *config, const char *config_path, struct err *err);

/* Opens what --allow-net lists, besides what the document opens. ERR_DATA. */
int config_open_networks(
	struct config *config, const struct cli_list *lists, struct err *err);

#endif
