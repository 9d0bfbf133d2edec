# SPDX-License-Identifier: MIT
# One "complete" command for each verb, option and kind of operand.

def quoted: "'" + gsub("(?<c>['\\\\])"; "\\\(.c)") + "'";

def live: IN("job", "dead_letter", "endpoint", "event_type");

def value:
  if .argument == null then ""
  elif .choices then " -x -a " + (.choices | join(" ") | quoted)
  elif .complete | live then " -x -a '(__whtools_live \(.complete))'"
  elif .complete == "file" then " -r -F"
  elif .complete == "directory" then " -x -a '(__fish_complete_directories)'"
  else " -x" end;

def condition: if .name then " -n '__fish_seen_subcommand_from \(.name)'" else "" end;

def operands($start):
  if .complete | live then $start + " -a '(__whtools_live \(.complete))'"
  elif .complete == "file" then $start + " -F"
  else empty end;

.[] | "complete -c \(.program)" as $complete |
"",
"\($complete) -f",
(.verbs[] | ($complete + condition) as $start |
  (select(.name) |
    "\($complete) -n __fish_use_subcommand -a \(.name) -d \(.summary | quoted)"),
  operands($start),
  (.options[] |
    $start + " -l " + .name + (if .letter then " -s " + .letter else "" end) +
    value + " -d " + (.help | quoted)))
