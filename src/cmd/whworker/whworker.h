/* SPDX-License-Identifier: MIT */
/*
 * whworker: delivers what is due.
 */
#ifndef CMD_WHWORKER_WHWORKER_H
#define CMD_WHWORKER_WHWORKER_H

#include "cmd/config.h"
#include "work/worker.h"

enum sandbox_wish {
	SANDBOX_AUTO, /* as far as the kernel goes */
	SANDBOX_REQUIRE,
	SANDBOX_OFF,
};

/* Negative numbers: not given, so the configuration's. */
struct worker_args {
	struct cli_common common;
	struct policy_args policy;
	struct cli_list open; /* networks */
	int64_t concurrency;
	int64_t timeout_ms;
	int64_t connect_timeout_ms;
	int64_t jitter;
	int64_t lease_ms;
	int64_t grace_ms;
	int64_t max_time_ms;
	int64_t ready_fd;
	int sandbox; /* enum sandbox_wish */
	bool drain;
	bool once;
};

extern const struct cli_verb worker_verbs[];

/* The configuration as the command line changes it, secrets read. Errors as
 * config_load(). */
int settings_load(struct config *config, const struct worker_args *args, struct err *err);

/* Lets this process have the descriptors that its deliveries can take, and lowers the
 * concurrency to what the system allows; false if it had to. */
bool settings_fit_descriptors(struct config *config);

/*
 * Enters the sandbox (work/sandbox.h) with the files of the store, of the configuration
 * and policy and those that the configuration names. Complains of a kernel that filters
 * no system calls; with SANDBOX_REQUIRE anything missing is ERR_OS.
 */
int settings_confine(struct cli *cli, const struct config *config,
	const struct worker_args *args, struct err *err);

/* ---- telling whoever started us -------------------------------------------------- */

/* systemd's notification protocol; nothing without $NOTIFY_SOCKET. */
void notify_manager(const char *state);
/* Ready, and which networks are open to all deliveries, as its status. */
void notify_ready(const struct network *open);
void notify_reloading(void);

/* Writes a newline to the descriptor and closes it; -1: there is none. ERR_USAGE. */
int notify_ready_fd(int64_t fd, struct err *err);

/* To the person at the terminal (tell.c). */
void tell_of_start(
	struct cli *cli, const struct worker_args *args, const struct config *config);
void tell_of_end(struct cli *cli, const struct worker *worker, struct store *store);

/* ---- signals --------------------------------------------------------------------- */

typedef void signal_event(void *context, int number);

/* Signals as events of a loop: SIGTERM, SIGINT and SIGHUP. */
struct signals {
	struct watch watch;
	struct loop *loop;
	signal_event *on_signal;
	void *context;
};

/* Before any thread starts, so that no thread gets them. ERR_OS. */
int signals_block(struct signals *signals, struct err *err);
int signals_watch(struct signals *signals, struct loop *loop, signal_event *on_signal,
	void *context, struct err *err);
void signals_free(struct signals *signals);

enum exit_code run_worker(struct cli *cli, const void *args);

#endif
