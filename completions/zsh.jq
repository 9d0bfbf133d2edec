# SPDX-License-Identifier: MIT
# For each program a function of _arguments specifications, one set for each verb.

def quoted: "'" + gsub("'"; "'\\''") + "'";

def plain: gsub("(?<c>[\\[\\]:\\\\])"; "\\\(.c)");

def action:
  if .choices then "(" + (.choices | join(" ")) + ")"
  else {"file": "_files", "directory": "_files -/", "job": "_whtools_live job",
        "dead_letter": "_whtools_live dead_letter", "endpoint": "_whtools_live endpoint",
        "event_type": "_whtools_live event_type"}[.complete] // "" end;

# The spelling, what it takes, and what completes that.
def specification($spelling; $with_value; $excluded):
  $excluded + $spelling + (if .argument then $with_value else "" end) +
  "[" + (.help | plain) + "]" +
  (if .argument then ":" + (.argument | plain) + ":" + action else "" end) | quoted;

def specifications:
  (if .repeats then "*"
   else "(" + (["--" + .name, (.letter // empty | "-" + .)] | join(" ")) + ")" end) as $excluded |
  specification("--" + .name; "="; $excluded),
  (if .letter then specification("-" + .letter; "+"; $excluded) else empty end);

def operands:
  if .operands then ("*:" + (.operands | plain) + ":" + action | quoted) else empty end;

def arguments($indent):
  ([.options[] | specifications] + [operands] | join(" \\\n" + $indent + "  ")) as $list |
  $indent + "_arguments -s -S \\\n" + $indent + "  " + $list;

def with_verbs:
  "  if ((CURRENT == 2)); then",
  "    _values verb \\",
  ("      " + ([.verbs[] | .name + "[" + (.summary | plain) + "]" | quoted] | join(" \\\n      "))),
  "    return",
  "  fi",
  "  shift words",
  "  ((CURRENT--))",
  "  case $words[1] in",
  (.verbs[] | "    \(.name))", arguments("      "), "      ;;"),
  "  esac";

.[] |
"_whtools_\(.program)() {",
(if .verbs[0].name then with_verbs else .verbs[0] | arguments("  ") end),
"}",
""
