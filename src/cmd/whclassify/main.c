/* SPDX-License-Identifier: MIT */
#include "cmd/whclassify/whclassify.h"

static const char *const examples[] = {
	"curl -sS -o /dev/null -w '%{json}\\n' \"$url\" | whclassify",
	"echo '\"connect ECONNREFUSED\"' | whclassify --explain",
	"whclassify failures.ndjson | jq -c .classification",
	NULL,
};

int
main(int argc, char **argv)
{
	static const struct cli_verb verbs[] = {
		{.operands = "[FILE ...]",
			.summary = "say what kind of failure each report is, and whether "
				   "to retry",
			.examples = examples,
			.groups = classify_groups,
			.args_size = sizeof(struct classify_args),
			.complete = COMPLETE_FILE,
			.run = classify_run},
		{0},
	};
	static const struct cli_program program = {
		.name = "whclassify",
		.summary = "classify webhook failures, JSON Lines in and out",
		.verbs = verbs,
	};

	return cli_main(&program, argc, argv);
}
