/* SPDX-License-Identifier: MIT */
#include "cmd/whenqueue/enqueue.h"

#include <stddef.h>

static const struct cli_option event_options[] = {
	{.letter = 'u',
		.name = "url",
		.kind = CLI_TEXT,
		.offset = offsetof(struct enqueue_args, url),
		.argument = "URL",
		.help = "deliver to this URL"},
	{.letter = 'e',
		.name = "endpoint",
		.kind = CLI_TEXT,
		.offset = offsetof(struct enqueue_args, endpoint),
		.argument = "NAME",
		.help = "deliver to this endpoint of the configuration",
		.complete = COMPLETE_ENDPOINT},
	{.letter = 't',
		.name = "event-type",
		.kind = CLI_TEXT,
		.offset = offsetof(struct enqueue_args, event_type),
		.argument = "TYPE",
		.help = "what happened, such as invoice.paid",
		.complete = COMPLETE_EVENT_TYPE},
	{.name = "id",
		.kind = CLI_TEXT,
		.offset = offsetof(struct enqueue_args, id),
		.argument = "ID",
		.help = "event id and idempotency key (default: a new one)"},
	{.letter = 'X',
		.name = "method",
		.kind = CLI_TEXT,
		.offset = offsetof(struct enqueue_args, method),
		.argument = "METHOD",
		.help = "HTTP method (default: POST)"},
	{.letter = 'H',
		.name = "header",
		.kind = CLI_LIST,
		.offset = offsetof(struct enqueue_args, headers),
		.argument = "LINE",
		.help = "header 'Name: value'; may be repeated. Secrets belong in the "
			"configuration"},
	{.letter = 'd',
		.name = "data",
		.kind = CLI_TEXT,
		.offset = offsetof(struct enqueue_args, data),
		.argument = "DATA",
		.help = "the payload of one event, or @FILE; standard input is not read",
		.complete = COMPLETE_FILE},
	{.name = "raw",
		.kind = CLI_FLAG,
		.offset = offsetof(struct enqueue_args, raw),
		.help = "the whole input is one payload, not records"},
	{0},
};

static const struct cli_option time_options[] = {
	{.name = "delay",
		.kind = CLI_DURATION,
		.offset = offsetof(struct enqueue_args, delay_ms),
		.argument = "DURATION",
		.help = "deliver after so long: 90s, 15m, 2h, 30d"},
	{.name = "at",
		.kind = CLI_TEXT,
		.offset = offsetof(struct enqueue_args, at),
		.argument = "TIME",
		.help = "deliver at this time (RFC 3339)"},
	{.name = "priority",
		.kind = CLI_INT,
		.offset = offsetof(struct enqueue_args, priority),
		.argument = "N",
		.help = "larger runs first (-100 to 100, default: 0)",
		.min = PRIORITY_MIN,
		.max = PRIORITY_MAX},
	{.name = "max-attempts",
		.kind = CLI_INT,
		.offset = offsetof(struct enqueue_args, max_attempts),
		.argument = "N",
		.help = "dead after so many attempts (default: 10, or the policy's)",
		.min = 1,
		.max = ATTEMPTS_MAX},
	{.name = "jitter",
		.kind = CLI_INT,
		.offset = offsetof(struct enqueue_args, jitter),
		.argument = "PERCENT",
		.help = "random addition to a retry's delay (default: up to 10)",
		.min = 0,
		.max = 100},
	{.name = "explain",
		.kind = CLI_FLAG,
		.offset = offsetof(struct enqueue_args, explain),
		.help = "print the timetable of attempts and queue nothing"},
	{0},
};

static const struct cli_group groups[] = {
	{event_options, 0},
	{time_options, 0},
	{policy_options, offsetof(struct enqueue_args, policy)},
	{cli_config_options, offsetof(struct enqueue_args, common)},
	{cli_store_options, offsetof(struct enqueue_args, common)},
	{cli_output_options, offsetof(struct enqueue_args, common)},
	{0},
};

static const char *const examples[] = {
	"whenqueue --url https://api.acme.io/hook -d '{\"n\":1}'",
	"whenqueue --delay 15m <events.ndjson",
	"whenqueue --raw --endpoint acme --event-type invoice.paid <body.json",
	"curl -sS -o /dev/null -w '%{json}\\n' \"$url\" | whclassify | whenqueue",
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
			.groups = groups,
			.args_size = sizeof(struct enqueue_args),
			.defaults = &defaults,
			.complete = COMPLETE_FILE,
			.run = enqueue_run},
		{0},
	};
	static const struct cli_program program = {
		"whenqueue", "queue webhook events and failed deliveries", verbs};

	return cli_main(&program, argc, argv);
}
