/* SPDX-License-Identifier: MIT */
#include "cmd/whenqueue/enqueue.h"

static const char *const examples[] = {
	"whenqueue --url https://api.acme.io/hook -d '{\"n\":1}'",
	"whenqueue --delay 15m <events.ndjson",
	"whenqueue --raw --endpoint acme --event-type invoice.paid <body.json",
	"whclassify <failures.ndjson | whenqueue",
	"whenqueue --explain --jitter 0",
	NULL,
};

int
main(int argc, char **argv)
{
	static const struct enqueue_args defaults = {.delay_ms = -1, .jitter = -1};
	static const struct cli_verb verbs[] = {
		{.operands = "[FILE ...]",
			.summary = "queue events and failed deliveries, durably",
			.examples = examples,
			.groups = enqueue_groups,
			.args_size = sizeof(struct enqueue_args),
			.defaults = &defaults,
			.complete = COMPLETE_FILE,
			.run = enqueue_run},
		{0},
	};
	static const struct cli_program program = {
		.name = "whenqueue",
		.summary = "queue webhook events and failed deliveries",
		.verbs = verbs,
	};

	return cli_main(&program, argc, argv);
}
