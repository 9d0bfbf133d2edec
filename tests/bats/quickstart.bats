#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# The README's first command does what the README says.

bats_require_minimum_version 1.5.0
load helper

@test "the quick start delivers, retries, buries, fixes and leaves nothing behind" {
  [ -z "$TEST_SANITIZED" ] || skip "it builds the programs as a user would"
  [ -d "$root/tests/node_modules/@octokit" ] || skip "the npm packages of tests/ are missing"
  run -0 --separate-stderr env TMPDIR="$BATS_TEST_TMPDIR" "$root/bin/quickstart" </dev/null
  demo=$(echo "$BATS_TEST_TMPDIR"/whtools-quickstart.*)
  events=$(wc -l <"$demo/events.ndjson")

  # every event was delivered but legacy's, which were resolved by hand
  legacy=$(jq -n '[inputs | select(.endpoint == "legacy")] | length' "$demo/events.ndjson")
  [ "$events" -gt 300 ] && [ "$legacy" -gt 0 ]
  [ "$(whqueue stats --db "$demo/wh.db" -o ndjson | jq 'select(.queue).completed')" \
    = $((events - legacy)) ]
  run -0 whdlq list --db "$demo/wh.db" --status resolved -o ndjson
  [ "$(jq -s 'map(select(.delivered | not)) | length' <<<"$output")" = "$legacy" ]

  # the receiver and the worker have ended
  run grep -l -s -F "$demo" /proc/[0-9]*/environ
  [ -z "$output" ]
}

@test "the quick start and the test command take no arguments" {
  run -64 --separate-stderr "$root/bin/quickstart" --help
  [[ $stderr == 'usage: bin/quickstart'* ]]
  run -64 --separate-stderr "$root/bin/check" --help
  [[ $stderr == 'usage: bin/check'* ]]
}
