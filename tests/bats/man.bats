#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# The manual pages: their examples are run, and their options are those of the programs.
#
# In a page's literal blocks a line that begins with "$ " is a command, "> " goes on with
# it, and what follows is what it prints. "..." stands for anything; so do, in comparing,
# times and generated ids. All commands of a page share one directory, with a receiver
# behind https://api.acme.io/hook; "cat FILE" makes the file that it shows.

bats_require_minimum_version 1.5.0
load helper

programs='whclassify whenqueue whqueue whdlq whworker'

page_of() {
  echo "$root"/man/"$1".[1-8]
}

# steps PAGE: writes N.command and N.expected for each command into the directory steps.
steps() {
  mkdir steps
  awk '
    function file(kind) { return sprintf("steps/%03d.%s", n, kind) }
    /^\.Bd -literal/ { inside = 1; next }
    /^\.Ed/ { inside = going = shown = 0; next }
    !inside { next }
    { gsub(/\\&/, ""); gsub(/\\\(dq/, "\""); gsub(/\\e/, "\\") }
    /^\$ / { n++; going = shown = 1; print substr($0, 3) > file("command"); next }
    /^> / && going { print substr($0, 3) > file("command"); next }
    shown { going = 0; print > file("expected") }' "$1"
}

# Whether the lines of $2 hold those of $1 in order, where "..." fits anything.
fits() {
  awk -v expected="$1" '
    function pattern(line) {
      gsub(/\.\.\./, "\001", line)
      gsub(/[][\\.^$*+?(){}|]/, "\\\\&", line)
      gsub(/\001/, ".*", line)
      gsub(/ +/, " +", line)
      return "^" line "$"
    }
    BEGIN { while ((getline line < expected) > 0) wanted[++count] = pattern(line); at = 1 }
    { sub(/\r$/, "") }
    at <= count && $0 ~ wanted[at] { at++ }
    { while (at <= count && wanted[at] == "^.*$") at++ }
    END { exit at <= count }' "$2"
}

# run_page NAME: every example of the page, and its output where the page shows one.
run_page() {
  local url step status=0

  receiver_start
  url=$(receiver_url /switch/hook)
  steps "$(page_of "$1")"
  [ -e steps/001.command ] || fail "$1: no examples"
  for step in steps/*.command; do
    sed -i "s|https://api\.acme\.io/hook|$url|g; s|https://api\.acme\.io|$receiver_base|g" "$step"
    case $(cat "$step") in
    export\ *)
      eval "$(cat "$step")"
      continue
      ;;
    "cat "*)
      cp "${step%.command}.expected" "$(cut -d ' ' -f 2 "$step")"
      sed -i "s|https://api\.acme\.io/hook|$url|" "$(cut -d ' ' -f 2 "$step")"
      continue
      ;;
    esac
    bash -o pipefail "$step" >"$step.out" 2>"$step.err" || status=$?
    [ "$status" -le 1 ] || fail "$1: $(cat "$step"): exit status $status" "$(cat "$step.err")"
    status=0
    sed -i "s|$url|https://api.acme.io/hook|g; s|$receiver_base|https://api.acme.io|g" "$step.out"
    [ ! -e "${step%.command}.expected" ] || fits "${step%.command}.expected" "$step.out" ||
      fail "$1: $(cat "$step")" "-- shown:" "$(cat "${step%.command}.expected")" \
        "-- printed:" "$(cat "$step.out")" "$(cat "$step.err")"
  done
}

@test "the examples of whclassify(1) are true" {
  receiver_start
  receiver_control hook /status/503
  receiver_start() { :; }
  run_page whclassify
}

@test "the examples of whenqueue(1) are true" {
  run_page whenqueue
}

@test "the examples of whqueue(1) are true" {
  receiver_start
  whenqueue -u "$(receiver_url /switch/hook)" --delay 1h -d '{"n":1}'
  receiver_start() { :; }
  run_page whqueue
}

@test "the examples of whdlq(1) are true" {
  receiver_start
  for i in {1..42}; do
    jq -nc --argjson i "$i" --arg url "$(receiver_url /switch/hook)" '{id: "e\($i)", $url,
      payload: {amount: $i}, http: {status: 404}}'
  done | whenqueue -o id
  jq -nc --arg url "$(receiver_url /switch/hook)" '{$url, payload: {amount: 200},
    classification: {error_type: "signature"}}' | whenqueue -o id
  worker_start
  receiver_start() { :; }
  run_page whdlq
}

@test "the examples of whworker(8) are true" {
  run_page whworker
}

@test "the examples of whtools(7) are true" {
  run_page whtools
}

@test "the examples of whrecord(5) are true" {
  run_page whrecord
}

@test "the examples of whtools.conf(5) are true" {
  echo 'Bearer secret' >acme.token
  run_page whtools.conf
}

@test "every option of a program is on its page, and no other" {
  for program in $programs; do
    "$program" --help=json | jq -r '.verbs[].options[] | .name, .letter // empty' | sort -u >known
    sed -n '/^\.Bl -tag -width Ds/,/^\.El/p' "$(page_of "$program")" |
      awk '/^\.It Fl/ { for (i = 2; i < NF; i++) if ($i == "Fl") { sub(/^-/, "", $(i + 1)); print $(i + 1) } }' |
      sort -u >described
    diff known described || fail "$program"
  done
}

@test "every page tells every exit status, and what it means" {
  for program in $programs whtools; do
    "${program/whtools/whqueue}" --help=json |
      jq -r '.exit_codes[] | "\(.code) \(.meaning)"' >known
    sed -n '/^\.Sh EXIT STATUS/,/^\.El/p' "$(page_of "$program")" |
      awk '/^\.It/ { code = $2; next } code != "" && !/^\./ { print code, $0; code = "" }' >described
    diff known described || fail "$program"
  done
}

@test "every page has its sections, and every variable that stands in for an option" {
  for program in $programs; do
    for section in NAME SYNOPSIS DESCRIPTION ENVIRONMENT FILES "EXIT STATUS" EXAMPLES "SEE ALSO"; do
      grep -q "^\.Sh $section" "$(page_of "$program")" || fail "$program: $section"
    done
    "$program" --help=json | jq -r '.verbs[].options[].environment // empty' | sort -u |
      while read -r variable; do
        grep -q "^\.It Ev.*$variable" "$(page_of "$program")" || fail "$program: $variable"
      done
  done
}

@test "mandoc finds nothing wrong with the pages" {
  run -0 mandoc -Tlint -Wwarning "$root"/man/*.[1-8]
  [ -z "$output" ]
}

# unit NUMBER: the literal display of whtools(7) that is the unit of that number
unit() {
  awk -v wanted="$1" '/^\[(Unit|Timer)\]/ { n++ } /^\.Ed/ { inside = 0 }
    /^\[(Unit|Timer)\]/ { inside = n == wanted } inside' "$root/man/whtools.7"
}

@test "the units of whtools(7) are sound, and the worker's exposes little" {
  local bin

  bin=$(dirname "$(command -v whworker)")
  unit 1 | sed "s,/usr/local/bin,$bin," >whworker.service
  unit 2 | sed "s,/usr/local/bin,$bin," >whdlq-cleanup.service
  unit 3 >whdlq-cleanup.timer
  run -0 systemd-analyze verify --man=no "$PWD/whworker.service" "$PWD/whdlq-cleanup.service" \
    "$PWD/whdlq-cleanup.timer"
  [[ $output != *"$PWD"* ]] || fail "$output"
  run -0 systemd-analyze security --no-pager --offline=true --threshold=25 "$PWD/whworker.service"
}
