/* SPDX-License-Identifier: MIT */
#include "cmd/shell_word.h"

#include "cli/output.h"

#include <ctype.h>
#include <string.h>

bool
text_is_plain(struct buf *out, struct span text)
{
	struct buf safe;
	bool plain;

	if (memchr(text.ptr == NULL ? "" : text.ptr, '\0', text.len) != NULL)
		return false;
	buf_init(&safe, text.len * 16 + 1);
	safe_text(&safe, text, 0);
	plain = !safe.failed && span_equal(buf_span(&safe), text);
	out->failed |= safe.failed && !safe.full;
	buf_free(&safe);
	return plain || text.len == 0;
}

static void
quote_plain(struct buf *out, struct span word)
{
	buf_add_char(out, '\'');
	for (size_t i = 0; i < word.len; i++)
		if (word.ptr[i] == '\'')
			buf_add_text(out, "'\\''");
		else
			buf_add_char(out, word.ptr[i]);
	buf_add_char(out, '\'');
}

/* $'…' of bash, zsh, ksh and POSIX 2024, for what a terminal must not see. */
static void
quote_escaped(struct buf *out, struct span word)
{
	buf_add_text(out, "$'");
	for (size_t i = 0; i < word.len; i++) {
		unsigned char c = (unsigned char)word.ptr[i];

		if (c < ' ' || c > '~' || c == '\'' || c == '\\')
			buf_printf(out, "\\%03o", c);
		else
			buf_add_char(out, (char)c);
	}
	buf_add_char(out, '\'');
}

/* Whether no shell sees anything but the word itself in it. */
static bool
needs_no_quotes(struct span word)
{
	for (size_t i = 0; i < word.len; i++)
		if (!isalnum((unsigned char)word.ptr[i]) &&
			(word.ptr[i] == '\0' || strchr("%+,-./:@_", word.ptr[i]) == NULL))
			return false;
	return word.len > 0;
}

void
shell_quote(struct buf *out, struct span word)
{
	if (needs_no_quotes(word))
		buf_add_span(out, word);
	else if (text_is_plain(out, word))
		quote_plain(out, word);
	else
		quote_escaped(out, word);
}
