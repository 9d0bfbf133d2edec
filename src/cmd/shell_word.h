/* SPDX-License-Identifier: MIT */
/*
 * Words for a shell, in commands that an operator is shown to paste.
 */
#ifndef CMD_SHELL_WORD_H
#define CMD_SHELL_WORD_H

#include "base/buf.h"

/* Whether the text can be shown on a terminal, and pasted from it, unchanged. If memory
 * does not suffice to tell, `out` fails. */
bool text_is_plain(struct buf *out, struct span text);

/* One word for sh; never anything that a terminal would act on. */
void shell_quote(struct buf *out, struct span word);

#endif
