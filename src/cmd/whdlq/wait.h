/* SPDX-License-Identifier: MIT */
/*
 * Waiting for what becomes of dead letters that were sent again.
 */
#ifndef CMD_WHDLQ_WAIT_H
#define CMD_WHDLQ_WAIT_H

#include "cmd/whdlq/job_list.h"
#include "cmd/whdlq/whdlq.h"

/*
 * Reports each outcome as it comes, until there is none left or `timeout_ms` (0: for
 * ever) are over. EXIT_DONE if all were delivered, else EXIT_NONE. Uses up the list.
 * At SIGINT and SIGTERM it says how far it came, and ends by the signal.
 */
enum exit_code wait_for_outcomes(struct cli *cli, const struct cli_common *common,
	struct job_list *list, int64_t timeout_ms);

#endif
