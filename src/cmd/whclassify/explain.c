/* SPDX-License-Identifier: MIT */
#include "cmd/whclassify/whclassify.h"

#include "cli/output.h"
#include "model/backoff.h"

/*
 * What the policy does with a job whose every attempt fails like this. The server's wish
 * to wait is good for once; jitter is left out: it is chance, and only ever adds.
 */
struct timetable {
	struct policy policy;
	struct classification failure;
	struct rng rng; /* not drawn from */
	int attempt;    /* that failed last */
	int64_t at_ms;  /* since the first attempt */
	struct verdict verdict;
};

static void
timetable_start(struct timetable *table, const struct policy *policy,
	const struct classification *failure)
{
	*table = (struct timetable){.policy = *policy, .failure = *failure};
	table->policy.jitter_percent = 0;
	rng_seed(&table->rng, 0);
}

/* The next attempt; false once the job is dead. */
static bool
timetable_next(struct timetable *table)
{
	table->attempt++;
	table->verdict = backoff_decide(&table->policy, &table->failure, table->attempt,
		table->policy.max_attempts, table->at_ms, &table->rng);
	table->at_ms += table->verdict.delay_ms;
	table->failure.retry_after_ms = -1;
	return table->verdict.dead == DEAD_NOT;
}

static void
put_times(
	struct buf *out, const struct policy *policy, const struct classification *result)
{
	struct timetable table;
	char delay[TIME_TEXT_SIZE];
	bool first = true;

	timetable_start(&table, policy, result);
	while (timetable_next(&table)) {
		duration_format(table.verdict.delay_ms, delay);
		buf_printf(out, "%s%s", first ? "retried after " : ", ", delay);
		first = false;
	}
	if (first)
		buf_add_text(out, "never retried: to the dead letter queue at once");
	else
		buf_printf(out, "; dead after %d attempts", table.attempt);
	buf_printf(out, " (%s)\n", dead_reason_name(table.verdict.dead));
}

void
explain_text(struct buf *out, const struct policy *policy, size_t line,
	const struct classification *result)
{
	char wait[TIME_TEXT_SIZE];

	buf_printf(out, "line %zu: %s, %s\n", line, error_type_name(result->type),
		result->retryable ? "retryable" : "not retryable");
	buf_printf(out, "  category  %s\n", category_name(result->category));
	buf_add_text(out, "  rule      ");
	safe_text(out, span_of(result->rule), 0);
	buf_add_text(out, "\n  because   ");
	safe_text(out, span_of(result->reason), 0);
	buf_add_char(out, '\n');
	if (result->status != 0)
		buf_printf(out, "  status    %d\n", result->status);
	if (result->retry_after_ms >= 0) {
		duration_format(result->retry_after_ms, wait);
		buf_printf(out, "  asked     to wait %s\n", wait);
	}
	buf_add_text(out, "  then      ");
	put_times(out, policy, result);
}

void
explain_put(
	struct buf *out, const struct policy *policy, const struct classification *result)
{
	struct timetable table;

	buf_add_char(out, '{');
	json_put_member_string(out, "rule", span_of(result->rule));
	json_put_member_string(out, "reason", span_of(result->reason));
	json_put_key(out, "retries");
	buf_add_char(out, '[');
	timetable_start(&table, policy, result);
	while (timetable_next(&table)) {
		buf_add_text(out, table.attempt > 1 ? ",{" : "{");
		json_put_member_int(out, "attempt", table.attempt + 1);
		json_put_member_int(out, "delay_ms", table.verdict.delay_ms);
		json_put_member_int(out, "after_ms", table.at_ms);
		buf_add_char(out, '}');
	}
	buf_add_char(out, ']');
	json_put_member_int(out, "attempts", table.attempt);
	json_put_member_string(
		out, "dead", span_of(dead_reason_name(table.verdict.dead)));
	buf_add_char(out, '}');
}
