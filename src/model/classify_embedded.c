/* SPDX-License-Identifier: MIT */
/*
 * Codes inside a message: "[Errno 111]", "SQLSTATE[40P01]", "cURL error 28", "status code
 * 503". A number means something only behind the words that announce it, and is never
 * taken from a URL; a name only if it is written as codes are: ECONNRESET, not "timeout".
 */
#include "model/classify_internal.h"

#include <string.h>

/* The last words before the one that is looked at; [0] is the nearest. */
struct reading {
	struct span text;
	struct span before[3];
	size_t position; /* of the word in text */
	bool saw_sqlstate;
};

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_token(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		c == '_';
}

static bool
before_is(const struct reading *reading, size_t back, const char *word)
{
	return span_is_nocase(reading->before[back], word);
}

static bool
before_is_any(const struct reading *reading, size_t back, const char *const *words)
{
	for (; *words != NULL; words++)
		if (before_is(reading, back, *words))
			return true;
	return false;
}

static struct span
rest_behind(const struct reading *reading, struct span word)
{
	size_t at = reading->position + word.len;

	return (struct span){reading->text.ptr + at, reading->text.len - at};
}

static char
char_before(const struct reading *reading)
{
	return reading->position == 0 ? '\0' : reading->text.ptr[reading->position - 1];
}

static char
char_behind(const struct reading *reading, struct span word)
{
	struct span rest = rest_behind(reading, word);

	return rest.len == 0 ? '\0' : rest.ptr[0];
}

/* "503 Service Unavailable", "404: Not Found", "429 Client Error", "(502) Bad
 * Gateway". */
static bool
has_reason_behind(const struct reading *reading, struct span word, int status)
{
	struct span rest = rest_behind(reading, word);

	while (rest.len > 0 && strchr(" :-()\"", rest.ptr[0]) != NULL) {
		rest.ptr++;
		rest.len--;
	}
	if (span_starts_nocase(rest, status < 500 ? "client error" : "server error"))
		return true;
	for (size_t len = rest.len < 40 ? rest.len : 40; len > 3; len--)
		if (status_of_phrase((struct span){rest.ptr, len}) == status &&
			(len == rest.len || !is_token(rest.ptr[len])))
			return true;
	return status_phrase(status) != NULL &&
		span_starts_nocase(rest, status_phrase(status));
}

/* "returned 404 rows" and "got 500 ms" count things. */
static bool
counts_things(const struct reading *reading, struct span word)
{
	static const char *const things[] = {"ms", "milliseconds", "seconds", "s", "sec",
		"bytes", "rows", "records", "items", "results", "entries", "characters",
		"points", "kb", "mb", "times", "events", "messages", NULL};
	struct span rest = span_trim(rest_behind(reading, word));
	size_t len = 0;

	while (len < rest.len && is_token(rest.ptr[len]))
		len++;
	for (size_t i = 0; things[i] != NULL; i++)
		if (span_is_nocase((struct span){rest.ptr, len}, things[i]))
			return true;
	return false;
}

static bool
announces_http_version(const struct reading *reading)
{
	bool short_form = before_is(reading, 1, "http");
	bool long_form = before_is(reading, 2, "http");

	return (short_form &&
		       before_is_any(
			       reading, 0, (const char *const[]){"2", "3", NULL})) ||
		(long_form &&
			before_is_any(reading, 0, (const char *const[]){"0", "1", NULL}));
}

static bool
announces_status(const struct reading *reading)
{
	static const char *const alone[] = {"status", "statuscode", "status_code", "http",
		"http_status", "httpstatus", "http_code", "httpcode", "returned",
		"responded", "answered", "replied", "got", "received", "response", NULL};
	static const char *const of_code[] = {
		"status", "response", "http", "error", "statuscode", NULL};
	static const char *const of_error[] = {"http", "returned", "an", "server",
		"client", "url", "api", "status", NULL};
	static const char *const of_with[] = {"failed", "responded", "replied",
		"answered", "rejected", "response", NULL};
	static const char *const of_success[] = {"indicate", NULL};

	return announces_http_version(reading) || before_is_any(reading, 0, alone) ||
		(before_is(reading, 0, "code") && before_is_any(reading, 1, of_code)) ||
		(before_is(reading, 0, "error") && before_is_any(reading, 1, of_error)) ||
		(before_is(reading, 0, "with") && before_is_any(reading, 1, of_with)) ||
		(before_is(reading, 0, "success") &&
			before_is_any(reading, 1, of_success));
}

static struct finding
judge_status(const struct reading *reading, struct span word, int64_t number)
{
	struct response_facts none = {0};
	bool whole = word.len == span_trim(reading->text).len;

	if (word.len != 3 || number < 300 || number > 599 ||
		char_before(reading) == '.' || char_before(reading) == '-')
		return (struct finding){0};
	if (has_reason_behind(reading, word, (int)number) || whole ||
		(announces_status(reading) && !counts_things(reading, word)))
		return status_judge((int)number, &none, 0);
	return (struct finding){0};
}

static bool
is_mysql_number(const struct reading *reading, struct span word)
{
	char behind = char_behind(reading, word);
	struct span rest = rest_behind(reading, word);

	if (before_is(reading, 0, "error") && behind == ' ' && span_starts(rest, " ("))
		return true;
	if (before_is(reading, 0, "error") && (behind == ':' || behind == ',') &&
		!span_present(reading->before[1]))
		return true;
	if (reading->saw_sqlstate &&
		(char_before(reading) == '[' || before_is(reading, 0, "error")))
		return true;
	return reading->position == 1 && char_before(reading) == '(' && behind == ',';
}

/* The number with the '-' that stands before it, if one does. */
static int64_t
with_sign(const struct reading *reading, int64_t number)
{
	return char_before(reading) == '-' ? -number : number;
}

static struct finding
judge_number(const struct reading *reading, struct span word)
{
	int64_t number;

	if (!span_to_int64(word, &number))
		return (struct finding){0};
	if (before_is(reading, 0, "errno") ||
		(before_is(reading, 0, "error") && before_is(reading, 1, "os")) ||
		before_is(reading, 0, "winerror"))
		return errno_judge(with_sign(reading, number));
	if ((before_is(reading, 0, "error") && before_is(reading, 1, "curl")) ||
		(before_is(reading, 0, "curl") && char_before(reading) == '('))
		return curl_judge(number, rest_behind(reading, word));
	if (before_is(reading, 0, "sqlcode") && char_before(reading) == '-')
		return db2_judge(number);
	if (is_mysql_number(reading, word))
		return mysql_judge(number);
	return judge_status(reading, word, number);
}

static bool
is_capital_code(struct span word)
{
	bool underscore = false;

	for (size_t i = 0; i < word.len; i++) {
		underscore = underscore || word.ptr[i] == '_';
		if (word.ptr[i] >= 'a' && word.ptr[i] <= 'z')
			return false;
	}
	return word.len >= 5 &&
		(underscore || word.ptr[0] == 'E' || span_starts(word, "WSA") ||
			span_starts(word, "NXDOMAIN") || span_starts(word, "SERVFAIL"));
}

static bool
is_prisma_code(struct span word)
{
	return word.len == 5 && word.ptr[0] == 'P' && is_digit(word.ptr[1]) &&
		is_digit(word.ptr[2]) && is_digit(word.ptr[3]) && is_digit(word.ptr[4]);
}

/* "14 UNAVAILABLE: …", "code = Unavailable desc = …", "StatusCode.UNAVAILABLE". */
static struct finding
judge_grpc(const struct reading *reading, struct span word)
{
	char behind = char_behind(reading, word);
	bool numbered = reading->before[0].len > 0 && reading->before[0].len <= 2 &&
		is_digit(reading->before[0].ptr[0]) && !span_present(reading->before[1]);
	bool alone = !span_present(reading->before[0]) && is_token(word.ptr[0]) &&
		word.ptr[0] >= 'A' && word.ptr[0] <= 'Z' && word.len > 1 &&
		word.ptr[1] >= 'A' && word.ptr[1] <= 'Z';

	if ((behind == ':' && (numbered || alone)) ||
		before_is(reading, 0, "statuscode") ||
		(before_is(reading, 0, "code") && char_before(reading) == ' ' &&
			reading->position > 1 &&
			reading->text.ptr[reading->position - 2] == '='))
		return grpc_name_judge(word);
	return (struct finding){0};
}

static struct finding
judge_word(const struct reading *reading, struct span word)
{
	struct finding finding = {0};

	if (before_is(reading, 0, "sqlstate"))
		finding = sqlstate_judge(word);
	else if (is_digit(word.ptr[0]))
		finding = judge_number(reading, word);
	else if (is_capital_code(word) || is_prisma_code(word))
		finding = code_judge(word);
	else if (span_starts(word, "ORA-") || span_starts(word, "TNS-") ||
		span_starts(word, "NJS-") || span_starts(word, "DPI-"))
		finding = database_code_judge(word);
	return finding.weight != WEIGHT_NONE ? finding : judge_grpc(reading, word);
}

static size_t
word_length(struct span text, size_t at)
{
	size_t end = at;

	while (end < text.len &&
		(is_token(text.ptr[end]) || (text.ptr[end] == '-' && end - at == 3)))
		end++;
	return end - at;
}

static void
remember(struct reading *reading, struct span word)
{
	reading->before[2] = reading->before[1];
	reading->before[1] = reading->before[0];
	reading->before[0] = word;
	reading->saw_sqlstate = reading->saw_sqlstate || span_is_nocase(word, "sqlstate");
}

/* A code inside a text counts less than one that stands in a member of its own. */
static void
lighten(struct finding *finding)
{
	if (finding->weight >= WEIGHT_CODE)
		finding->weight = WEIGHT_TEXT_CODE;
}

struct finding
embedded_judge(struct span text)
{
	struct reading reading = {.text = text};
	struct finding best = redis_judge(text);

	lighten(&best);
	for (size_t at = 0; at < text.len;) {
		size_t skip = text_skip_reference(text, at);
		struct span word = {text.ptr + at, word_length(text, at)};
		struct finding finding;

		if (skip > 0 || word.len == 0) {
			at += skip > 0 ? skip : 1;
			continue;
		}
		reading.position = at;
		finding = judge_word(&reading, word);
		lighten(&finding);
		finding_take(&best, &finding);
		remember(&reading, word);
		at += word.len;
	}
	return best;
}
