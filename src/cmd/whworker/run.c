/* SPDX-License-Identifier: MIT */
/*
 * A worker's life: configuration, store, signals, work, end. SIGTERM and SIGINT let what
 * is in flight finish, a second one does not; SIGHUP reads the configuration again.
 */
#include "cmd/whworker/whworker.h"

#include "cli/output.h"
#include "cmd/operator.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	SAFE_LINES_MAX = 64 * 1024 * 1024,
	LAST_LINES_MS = 500, /* how long a reader keeps a worker that is in a hurry */
};

struct run {
	struct cli *cli;
	const struct worker_args *args;
	struct config config;
	struct store *store;
	struct signals signals;
	struct timer max_time;
	struct worker *worker;
	bool stopping;
	bool forced;
	int64_t output_ends_us; /* monotonic: no line is written after that; 0 */
	struct err output_err;  /* why stdout is lost; kind ERR_NONE: it is not */
};

static void
complain(void *context, const struct err *err)
{
	struct run *run = context;

	cli_warn(run->cli, "%s", err->text);
}

static bool
wants_plain(const struct run *run)
{
	return output_format(run->cli, &run->args->common) == FORMAT_TABLE;
}

/* Silence would be no news that a service has stopped: this is not just a filter. */
static int
lose_output(struct run *run)
{
	if (errno == EPIPE)
		return err_set(&run->output_err, ERR_IO,
			"stdout: its reader is gone, so nothing more is delivered");
	return err_errno(&run->output_err, "stdout");
}

/* How long to wait for the reader now; -1: until there is a hurry. */
static int
patience_ms(const struct run *run)
{
	int64_t left_us = run->output_ends_us - clock_monotonic_us();

	if (run->output_ends_us == 0)
		return -1;
	return left_us <= 0 ? 0 : (int)(left_us / 1000) + 1;
}

/* Until stdout takes something, or says with an error why it never will. */
static int
wait_for_reader(struct run *run, int hurry_fd)
{
	struct pollfd fds[] = {
		{.fd = STDOUT_FILENO, .events = POLLOUT},
		{.fd = hurry_fd, .events = POLLIN},
	};

	for (;;) {
		nfds_t count = run->output_ends_us == 0 ? 2 : 1;
		int ready = poll(fds, count, patience_ms(run));

		if (ready < 0 && errno != EINTR)
			return lose_output(run);
		if (ready < 0)
			continue;
		if (fds[0].revents != 0)
			return 0;
		if (ready == 0)
			return err_set(&run->output_err, ERR_IO,
				"stdout: its reader takes nothing, so lines were lost");
		run->output_ends_us = clock_monotonic_us() + LAST_LINES_MS * 1000;
	}
}

/* How much of the lines to write at once: of a pipe that is ready PIPE_BUF never blocks,
 * and whole lines stay so if others write there too. */
static size_t
portion(struct span lines)
{
	struct stat stat;
	const char *end;

	if (lines.len <= PIPE_BUF ||
		(fstat(STDOUT_FILENO, &stat) == 0 && S_ISREG(stat.st_mode)))
		return lines.len;
	end = memrchr(lines.ptr, '\n', PIPE_BUF);
	return end == NULL ? PIPE_BUF : (size_t)(end + 1 - lines.ptr);
}

/* Past stdio, so that there is no buffer that outlives a crash. */
static int
write_lines(struct run *run, struct span lines, int hurry_fd)
{
	while (lines.len > 0) {
		ssize_t written;

		if (wait_for_reader(run, hurry_fd) != 0)
			return -1;
		written = write(STDOUT_FILENO, lines.ptr, portion(lines));
		if (written < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (written < 0)
			return lose_output(run);
		lines.ptr += written;
		lines.len -= (size_t)written;
	}
	return 0;
}

static int
emit(void *context, struct span lines, int hurry_fd)
{
	struct run *run = context;
	struct buf safe;
	int result;

	if (!run->cli->stdout_terminal || wants_plain(run))
		return write_lines(run, lines, hurry_fd);
	buf_init(&safe, SAFE_LINES_MAX);
	safe_json(&safe, lines);
	result = buf_check(&safe, &run->output_err);
	if (result == 0)
		result = write_lines(run, buf_span(&safe), hurry_fd);
	buf_free(&safe);
	return result;
}

/* ---- while it runs --------------------------------------------------------------- */

static void
stop(struct run *run)
{
	run->stopping = true;
	notify_manager("STOPPING=1");
	worker_stop(run->worker);
}

/* As many descriptors as the deliveries take, or fewer deliveries. */
static void
fit_descriptors(struct run *run, struct config *config)
{
	if (!settings_fit_descriptors(config))
		cli_warn(run->cli,
			"concurrency lowered to %d: the limit on open files is too low "
			"(ulimit -n)",
			config->limits.concurrency);
}

/* What the worker has told others, and what its buffers were made for, stays. */
static void
tell_what_stays(
	const struct run *run, const struct limits *old, const struct limits *fresh)
{
	if (fresh->lease_ms != old->lease_ms)
		cli_warn(run->cli, "lease: changes with a restart only");
	if (fresh->snippet_bytes != old->snippet_bytes)
		cli_warn(run->cli, "snippet: changes with a restart only");
}

/* A new configuration that is wrong changes nothing: the old one goes on. */
static void
reload(struct run *run)
{
	struct config old = run->config;
	struct config fresh;
	struct err err;

	notify_reloading();
	if (settings_load(&fresh, run->args, &err) != 0) {
		cli_warn(run->cli, "%s; still working with the old configuration",
			err.text);
	} else {
		fit_descriptors(run, &fresh);
		tell_what_stays(run, &old.limits, &fresh.limits);
		run->config = fresh;
		worker_configure(run->worker, &run->config);
		config_free(&old);
	}
	notify_ready(run->config.open);
}

/* Why it is still there, to who sent the signal. */
static void
tell_of_stopping(struct run *run)
{
	size_t count = worker_in_flight(run->worker);
	char grace[TIME_TEXT_SIZE];

	if (count == 0)
		return;
	duration_format(run->config.limits.grace_ms, grace);
	cli_warn(run->cli, "stopping: %zu %s %s to end; a second signal ends it now",
		count, count == 1 ? "delivery has" : "deliveries have", grace);
}

static void
on_signal(void *context, int number)
{
	struct run *run = context;

	if (number == SIGHUP) {
		reload(run);
	} else if (!run->stopping) {
		tell_of_stopping(run);
		stop(run);
	} else {
		run->forced = true;
		worker_abort(run->worker);
	}
}

static void
on_max_time(void *context)
{
	struct run *run = context;

	if (!run->stopping)
		stop(run);
}

/* ---- before and after ------------------------------------------------------------ */

static int
check_args(const struct worker_args *args, struct err *err)
{
	if (args->timeout_ms == 0)
		return err_set(err, ERR_USAGE, "--timeout: must be at least 1ms");
	if (args->connect_timeout_ms == 0)
		return err_set(err, ERR_USAGE, "--connect-timeout: must be at least 1ms");
	if (args->lease_ms == 0)
		return err_set(err, ERR_USAGE, "--lease: must not be 0");
	return 0;
}

static int
open_worker(struct run *run, struct err *err)
{
	struct worker_options options = {
		.store = run->store,
		.clock = &run->cli->clock,
		.config = &run->config,
		.user_agent = "whtools/" WHTOOLS_VERSION,
		.drain = run->args->drain,
		.once = run->args->once,
		.plain = wants_plain(run),
		.color = color_wanted(&run->args->common, run->cli->stdout_terminal),
		.emit = emit,
		.complain = complain,
		.context = run,
	};

	fit_descriptors(run, &run->config);
	return worker_open(&run->worker, &options, err);
}

static int
get_ready(struct run *run, struct err *err)
{
	struct loop *loop = worker_loop(run->worker);
	int64_t max_time_ms = run->args->max_time_ms;

	if (signals_watch(&run->signals, loop, on_signal, run, err) != 0)
		return -1;
	run->max_time = (struct timer){.on_expiry = on_max_time, .context = run};
	if (max_time_ms >= 0 &&
		loop_timer_set(loop, &run->max_time,
			clock_monotonic_us() + max_time_ms * 1000, err) != 0)
		return -1;
	if (notify_ready_fd(run->args->ready_fd, err) != 0)
		return -1;
	notify_ready(run->config.open);
	return 0;
}

/* Whether somebody sits there who wants to know how it goes. */
static bool
is_watched(const struct run *run)
{
	return run->cli->stderr_terminal && wants_plain(run);
}

static int
work_till_end(struct run *run, struct err *err)
{
	if (is_watched(run) && !run->args->drain && !run->args->once)
		tell_of_start(run->cli, run->args, &run->config);
	if (worker_run(run->worker, err) != 0)
		return -1;
	if (is_watched(run))
		tell_of_end(run->cli, run->worker, run->store);
	return 0;
}

/* Opens what is needed in order, works, and leaves the closing to the caller. */
static int
work(struct run *run, struct err *err)
{
	if (check_args(run->args, err) != 0 || signals_block(&run->signals, err) != 0 ||
		operator_open(run->cli, &run->args->common, STORE_CREATE, &run->store,
			err) != 0 ||
		settings_confine(run->cli, &run->config, run->args, err) != 0 ||
		open_worker(run, err) != 0)
		return -1;
	if (get_ready(run, err) != 0) {
		worker_abort(run->worker);
		(void)worker_run(run->worker, &(struct err){0});
		return -1;
	}
	return work_till_end(run, err);
}

/* Who asked for all that is due to be done did not get it. */
static bool
left_jobs(const struct run *run)
{
	return (run->args->drain || run->args->once) && worker_left_jobs(run->worker);
}

enum exit_code
run_worker(struct cli *cli, const void *args)
{
	struct run run = {.cli = cli, .args = args, .signals.watch.fd = -1};
	enum exit_code code = EXIT_DONE;
	struct err err;

	if (settings_load(&run.config, run.args, &err) != 0)
		return cli_complain(cli, &err);
	if (work(&run, &err) != 0)
		code = cli_complain(cli, &err);
	else if (run.output_err.kind != ERR_NONE)
		code = cli_complain(cli, &run.output_err);
	else if (run.forced || left_jobs(&run))
		code = EXIT_NONE;
	signals_free(&run.signals);
	worker_free(run.worker);
	store_close(run.store);
	config_free(&run.config);
	return code;
}
