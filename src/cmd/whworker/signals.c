/* SPDX-License-Identifier: MIT */
#include "cmd/whworker/whworker.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

int
signals_block(struct signals *signals, struct err *err)
{
	sigset_t set;

	*signals = (struct signals){.watch.fd = -1};
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return err_errno(err, "signals");
	signals->watch.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return signals->watch.fd < 0 ? err_errno(err, "signals") : 0;
}

static void
on_readable(void *context, unsigned events)
{
	struct signals *signals = context;
	struct signalfd_siginfo info;

	(void)events;
	while (read(signals->watch.fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		signals->on_signal(signals->context, (int)info.ssi_signo);
}

int
signals_watch(struct signals *signals, struct loop *loop, signal_event *on_signal,
	void *context, struct err *err)
{
	signals->loop = loop;
	signals->on_signal = on_signal;
	signals->context = context;
	signals->watch.on_event = on_readable;
	signals->watch.context = signals;
	return loop_watch(loop, &signals->watch, LOOP_READ, err);
}

void
signals_free(struct signals *signals)
{
	if (signals->watch.fd < 0)
		return;
	if (signals->loop != NULL)
		loop_watch(signals->loop, &signals->watch, 0, NULL);
	close(signals->watch.fd);
}
