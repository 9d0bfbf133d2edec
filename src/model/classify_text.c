/* SPDX-License-Identifier: MIT */
/*
 * Reading a message. Line by line, stack frames left out:
 * the class name that heads the line ("ValidationError: …", "Caused by: java.net.…"),
 * codes inside it (classify_embedded.c), and its words, first without quoted values,
 * then, if those said nothing, with them. Only the ends of a very long message are read.
 */
#include "model/classify_internal.h"

#include <string.h>

enum { WORDS_SIZE = 6200, QUOTED_MAX = 400 };

/* Appends to the text; when it is full, of what is behind the head only the last stays.
 */
static size_t
append_to_ends(char *text, size_t len, struct span piece)
{
	while (piece.len > 0) {
		size_t step = MESSAGE_ROOM - len;

		if (step > piece.len)
			step = piece.len;
		memcpy(text + len, piece.ptr, step);
		len += step;
		piece.ptr += step;
		piece.len -= step;
		if (len == MESSAGE_ROOM) {
			len -= MESSAGE_TAIL;
			memcpy(text + MESSAGE_HEAD, text + len, MESSAGE_TAIL);
		}
	}
	return len;
}

struct span
message_ends(struct json message, char *text)
{
	const size_t most = MESSAGE_HEAD + MESSAGE_TAIL;
	size_t len = 0;

	for (struct json_pieces it = json_pieces(message); json_next_piece(&it);)
		len = append_to_ends(text, len, it.piece);
	if (len > most) {
		memmove(text + MESSAGE_HEAD, text + len - MESSAGE_TAIL, MESSAGE_TAIL);
		len = most;
	}
	return (struct span){text, len};
}

static bool
is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Bytes beyond ASCII count as letters, so that foreign words stay whole. */
static bool
is_word(char c)
{
	return is_alnum(c) || c == '_' || (unsigned char)c >= 0x80;
}

static bool
is_apostrophe(struct span text, size_t at)
{
	return text.ptr[at] == '\'' && at > 0 && is_word(text.ptr[at - 1]) &&
		at + 1 < text.len && is_alnum(text.ptr[at + 1]);
}

/* The length of the quotation that starts at `at`, quotes included; 0 if none does. */
static size_t
quotation(struct span text, size_t at)
{
	char quote = text.ptr[at];
	size_t limit = text.len - at < QUOTED_MAX ? text.len : at + QUOTED_MAX;

	if (strchr("\"'`", quote) == NULL || quote == '\0')
		return 0;
	if (quote == '\'' && at > 0 && is_word(text.ptr[at - 1]))
		return 0;
	for (size_t end = at + 1; end < limit; end++)
		if (text.ptr[end] == quote && !is_apostrophe(text, end))
			return end + 1 - at;
	return 0;
}

static size_t
until_space(struct span text, size_t at)
{
	size_t end = at;

	while (end < text.len && strchr(" \t\r\n\"'`<>", text.ptr[end]) == NULL)
		end++;
	return end - at;
}

/* The length of a URL, a path or a key=value at `at`: things that name, but say
 * nothing. */
size_t
text_skip_reference(struct span text, size_t at)
{
	size_t end = at;

	if (at > 0 && is_word(text.ptr[at - 1]))
		return 0;
	if (text.ptr[at] == '/' && at + 1 < text.len && is_word(text.ptr[at + 1]))
		return until_space(text, at);
	while (end < text.len && (is_word(text.ptr[end]) || text.ptr[end] == '+'))
		end++;
	if (end == at)
		return 0;
	if (span_starts((struct span){text.ptr + end, text.len - end}, "://"))
		return until_space(text, at);
	return 0;
}

static size_t
assignment(struct span text, size_t at)
{
	size_t end = at;

	while (end < text.len && is_word(text.ptr[end]))
		end++;
	if (end == at || end + 1 >= text.len || text.ptr[end] != '=' ||
		!is_word(text.ptr[end + 1]))
		return 0;
	end++;
	while (end < text.len && (is_word(text.ptr[end]) || text.ptr[end] == '.'))
		end++;
	return end - at;
}

struct words {
	char text[WORDS_SIZE];
	size_t len;
};

static void
put_break(struct words *words)
{
	if (words->len > 0 && words->text[words->len - 1] != ' ' &&
		words->len < WORDS_SIZE - 2)
		words->text[words->len++] = ' ';
}

static void
put_char(struct words *words, char c)
{
	if (words->len < WORDS_SIZE - 2)
		words->text[words->len++] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static void
put_value(struct words *words)
{
	put_break(words);
	put_char(words, '?');
	put_break(words);
}

/* Appends the text as lower-case words, one space between them. */
static void
put_words(struct words *words, struct span text, bool keep_quoted)
{
	for (size_t at = 0; at < text.len; at++) {
		bool starts_word = at == 0 || !is_word(text.ptr[at - 1]);
		size_t skip = starts_word ? text_skip_reference(text, at) : 0;

		if (skip == 0 && starts_word)
			skip = assignment(text, at);
		if (skip == 0 && !keep_quoted)
			skip = quotation(text, at);
		if (skip > 0) {
			put_value(words);
			at += skip - 1;
		} else if (is_word(text.ptr[at]) || is_apostrophe(text, at)) {
			put_char(words, text.ptr[at]);
		} else {
			put_break(words);
		}
	}
	put_break(words);
}

static struct span
words_end(struct words *words)
{
	while (words->len > 0 && words->text[words->len - 1] == ' ')
		words->len--;
	words->text[words->len] = '\0';
	return (struct span){words->text, words->len};
}

bool
text_has_words(struct span message, const char *phrase)
{
	struct words words = {.len = 0};
	size_t len = strlen(phrase);
	const char *found;

	if (message.len > MESSAGE_HEAD)
		message.len = MESSAGE_HEAD;
	put_words(&words, message, true);
	words_end(&words);
	for (found = strstr(words.text, phrase); found != NULL;
		found = strstr(found + 1, phrase))
		if ((found == words.text || found[-1] == ' ') &&
			(found[len] == ' ' || found[len] == '\0'))
			return true;
	return false;
}

static bool
is_stack_frame(struct span line)
{
	static const char *const starts[] = {"at ", "File \"", "from /", "in /", "#0",
		"#1", "#2", "#3", "#4", "#5", "#6", "#7", "#8", "#9", "goroutine ",
		"--- End of", "Traceback (", "... ", "stack backtrace", "(see https://",
		"LINE ", "HINT:"};

	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
		if (span_starts(line, starts[i]))
			return true;
	return false;
}

static bool
cut_prefix(struct span *line, const char *prefix)
{
	size_t len = strlen(prefix);

	if (!span_starts_nocase(*line, prefix))
		return false;
	*line = span_trim((struct span){line->ptr + len, line->len - len});
	return true;
}

/* The class name in "name: message", in *rest what follows it; absent if there is none.
 */
static struct span
head_of(struct span line, struct span *rest)
{
	struct span head = line;
	bool capital = false;

	for (head.len = 0; head.len < line.len; head.len++) {
		char c = line.ptr[head.len];
		char next = head.len + 1 < line.len ? line.ptr[head.len + 1] : ' ';

		if (c == ':' && next == ' ')
			break;
		if (!is_alnum(c) && strchr("_.:\\$/*", c) == NULL)
			return (struct span){0};
		capital = capital || (c >= 'A' && c <= 'Z');
	}
	if (!capital || head.len < 4)
		return (struct span){0};
	*rest = (struct span){line.ptr + head.len, line.len - head.len};
	if (cut_prefix(rest, ":"))
		*rest = span_trim(*rest);
	return head;
}

/* Follows "Error: Wrapped: message" to the first name that says something. */
static struct finding
judge_head(struct span line)
{
	struct finding best = {0};

	for (int i = 0; i < 6; i++) {
		struct span rest, head = head_of(line, &rest);
		struct finding finding;

		if (!span_present(head))
			break;
		finding = name_judge(head);
		finding.weight = finding.weight == WEIGHT_NAME ? WEIGHT_TEXT_NAME
							       : finding.weight;
		if (finding.weight > best.weight)
			best = finding;
		line = rest;
	}
	return best;
}

static struct finding
judge_words(struct span words, bool clear_only)
{
	int status = status_of_phrase(words);
	struct response_facts none = {0};
	struct finding finding;

	if (status == 0)
		return phrases_judge(words.ptr, clear_only);
	finding = status_judge(status, &none, 0);
	finding.weight = WEIGHT_TEXT_CODE;
	return finding;
}

static struct finding
judge_all_words(struct span text, bool keep_quoted)
{
	struct words words = {.len = 0};

	while (text.len > 0) {
		struct span line = span_trim(span_take(&text, '\n'));

		if (!is_stack_frame(line))
			put_words(&words, line, keep_quoted);
	}
	/* One word of a quoted value is the value's, not the message's. */
	return judge_words(words_end(&words), keep_quoted);
}

static struct finding
judge_part(struct span text)
{
	struct finding best = judge_all_words(text, false), finding;

	if (best.weight == WEIGHT_NONE)
		best = judge_all_words(text, true);
	for (int depth = 0; text.len > 0;) {
		struct span line = span_trim(span_take(&text, '\n'));

		if (is_stack_frame(line))
			continue;
		if (cut_prefix(&line, "Caused by:") || cut_prefix(&line, "[cause]:"))
			depth++;
		cut_prefix(&line, "Uncaught ");
		finding = judge_head(line);
		finding.depth = depth;
		finding_take(&best, &finding);
		finding = embedded_judge(line);
		finding.depth = depth;
		finding_take(&best, &finding);
	}
	best.depth = 0;
	return best;
}

struct finding
text_judge(struct span message)
{
	struct span head = message, tail = message;
	struct finding best, finding;

	if (message.len <= MESSAGE_HEAD)
		return judge_part(message);
	head.len = MESSAGE_HEAD;
	tail.len = message.len - MESSAGE_HEAD < MESSAGE_TAIL ? message.len - MESSAGE_HEAD
							     : MESSAGE_TAIL;
	tail.ptr = message.ptr + message.len - tail.len;
	best = judge_part(head);
	finding = judge_part(tail);
	finding_take(&best, &finding);
	return best;
}
