# SPDX-License-Identifier: MIT
# Two functions of case tables: which words may follow a verb, and what completes an option
# or an operand (a kind, and the words of a choice).

def spellings: "--" + .name, (.letter // empty | "-" + .);

def kind: if .choices then "choice " + (.choices | join(" ")) else .complete end;

def verb_words($program):
  "    '\($program) \(.name // "")') echo '\([.options[] | spellings] | join(" "))' ;;";

def value_kinds($program):
  (.name // "") as $verb |
  ("    '\($program) \($verb) ') echo '\(.complete)' ;;"),
  (.options[] | select(.argument) |
    "    " + ([spellings | "'\($program) \($verb) \(.)'"] | join(" | ")) +
    ") echo '\(kind)' ;;");

"_whtools_verbs() {",
"  case $1 in",
(.[] | select(.verbs[0].name) |
  "    \(.program)) echo '\([.verbs[].name] | join(" ")) help' ;;"),
"  esac",
"}",
"",
"_whtools_options() {",
"  case \"$1 $2\" in",
(.[] | .program as $program | .verbs[] | verb_words($program)),
"  esac",
"}",
"",
"_whtools_kind() {",
"  case \"$1 $2 $3\" in",
(.[] | .program as $program | .verbs[] | value_kinds($program)),
"  esac",
"}"
