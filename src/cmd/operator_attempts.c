/* SPDX-License-Identifier: MIT */
#include "cmd/operator.h"

static enum tint
outcome_tint(enum attempt_outcome result)
{
	static const enum tint tints[] = {
		[ATTEMPT_COMPLETED] = TINT_GOOD,
		[ATTEMPT_RETRY] = TINT_WARN,
		[ATTEMPT_DEAD] = TINT_BAD,
	};

	return result < ATTEMPT_OUTCOME_COUNT ? tints[result] : TINT_NONE;
}

static void
put_attempt_line(struct buf *out, const struct attempt *attempt, bool color)
{
	enum tint tint = outcome_tint(attempt->outcome);
	char span_text[TIME_TEXT_SIZE];

	buf_printf(out, "  %-3d ", attempt->number);
	buf_add_time(out, attempt->started_at);
	buf_printf(out, "  %s%-9s%s", tint_start(tint, color),
		attempt_outcome_name(attempt->outcome), tint_end(tint, color));
	if (attempt->status != 0)
		buf_printf(out, "  HTTP %d", attempt->status);
	if (attempt->phases.total_us > 0) {
		duration_format(attempt->phases.total_us / 1000, span_text);
		buf_printf(out, "  took %s", span_text);
	}
	if (attempt->reported)
		buf_add_text(out, "  reported");
	if (attempt->outcome == ATTEMPT_RETRY) {
		duration_format(attempt->delay_ms + attempt->jitter_ms, span_text);
		buf_printf(out, "  next after %s", span_text);
	}
	buf_add_char(out, '\n');
}

static void
put_attempt_cause(struct buf *out, const struct attempt *attempt)
{
	if (!span_present(attempt->failure.rule))
		return;
	buf_printf(out, "      %s (", error_type_name(attempt->failure.type));
	safe_text(out, attempt->failure.rule, 0);
	buf_add_text(out, "): ");
	safe_text(out, attempt->failure.reason, 0);
	buf_add_char(out, '\n');
}

/* The response body as one line: an error page is recognised by its first words. */
static void
put_attempt_answer(struct buf *out, const struct attempt *attempt, bool color)
{
	enum { ANSWER_COLUMNS = 200 };

	if (attempt->snippet.len == 0)
		return;
	buf_printf(out, "      %sanswered: ", tint_start(TINT_DIM, color));
	safe_text(out, span_trim(attempt->snippet), ANSWER_COLUMNS);
	buf_printf(out, "%s\n", tint_end(TINT_DIM, color));
}

void
operator_show_attempts(
	FILE *out, const struct attempt_list *attempts, int crashes, bool color)
{
	enum { LINE_MAX_BYTES = 64 * 1024 };
	struct buf text;

	if (attempts->count == 0)
		fputs(crashes > 0 ? "  none that came to an end\n" : "  none yet\n", out);
	buf_init(&text, LINE_MAX_BYTES);
	for (size_t i = 0; i < attempts->count; i++) {
		const struct attempt *attempt = &attempts->attempts[i];

		buf_clear(&text);
		put_attempt_line(&text, attempt, color);
		put_attempt_cause(&text, attempt);
		put_attempt_answer(&text, attempt, color);
		fwrite(buf_span(&text).ptr, 1, text.len, out);
	}
	buf_free(&text);
}
