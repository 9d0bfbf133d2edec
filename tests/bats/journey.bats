#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# Each program and verb once, as one story. `make valgrind` tells it under memcheck.

bats_require_minimum_version 1.5.0
load helper

# enqueue ID PATH: an event for that behaviour of the receiver
enqueue() {
  printf '{"id":"%s","url":"%s","event_type":"order.paid","payload":{"n":1}}\n' "$1" \
    "$(receiver_url "$2")" | whenqueue "${@:3}" -o id
}

outcomes() {
  jq -r '"\(.id) \(.outcome)"' | sort | paste -sd ,
}

# jobs_are STATE COUNT
jobs_are() {
  [ "$(whqueue list --status "$1" -o id | wc -l)" = "$2" ]
}

@test "failures of other software are classified and join the queue" {
  export WH_TEST_CLOCK=2026-03-01T12:00:00.000Z
  printf '%s\n' '{"url":"https://a.example/","payload":1,"error":{"code":"ECONNREFUSED"}}' \
    '{"url":"https://a.example/","payload":1,"http":{"status":401}}' '"deadlock detected"' |
    whclassify >failures
  run -0 jq -r .classification.error_type failures
  [ "$output" = $'network\nclient\ndatabase' ]
  head -n 2 failures >events
  run -0 whenqueue --jitter 0 <events
  [ "$(jq -r '"\(.state) \(.delay_ms)"' <<<"$output")" = $'delayed 2000\ndead 0' ]
  run -0 whclassify --explain <<<'"deadlock detected"'
  run -65 whenqueue <<<'{"payload":1}'
}

@test "over HTTP: delivered, retried, dead, looked at, sent again, resolved, forgotten" {
  receiver_start
  export WH_TEST_CLOCK=2026-03-01T12:00:00.000Z
  enqueue good /ok
  enqueue late /flaky/1
  enqueue bad /status/404
  enqueue worse /status/410
  enqueue broken /reset
  enqueue good /ok # once more: a duplicate
  run -0 whworker --drain --jitter 0 -o ndjson
  [ "$(outcomes <<<"$output")" = 'bad dead,broken retry,good completed,late retry,worse dead' ]
  export WH_TEST_CLOCK=2026-03-01T12:00:05.000Z
  run -0 whworker --drain --jitter 0 -o table
  jobs_are delayed 1
  whdlq list -o table
  run -0 whdlq show bad worse
  json_is '.status == "unresolved"'
  whdlq show bad -o table
  whdlq export bad | whclassify >again
  whdlq retry bad
  run -0 whworker --drain --jitter 0 -o ndjson
  whdlq resolve bad --by me -m 'by hand'
  whdlq reopen bad
  whdlq resolve bad --by me
  whdlq delete worse --yes
  whdlq stats -o table
  WH_TEST_CLOCK=2026-05-01T12:00:05.000Z run -0 whdlq cleanup --older-than 30d
  run -1 whdlq list --status all
}

@test "the queue is looked at and steered" {
  receiver_start
  enqueue a /ok --delay 1h
  enqueue b /ok --delay 1h
  enqueue c /ok
  whqueue hold b
  whqueue hold --event-type order.paid
  run -0 whworker --drain
  [ "$(receiver_count)" = 0 ]
  whqueue release --event-type order.paid
  whqueue release b
  whqueue expedite a
  run -0 whworker --drain
  [ "$(receiver_count)" = 2 ]
  whqueue list -o table
  whqueue show b -o table
  whqueue endpoints || [ $? = 1 ]
  whqueue cancel b
  whqueue stats -o json
  whqueue doctor -o table
  jobs_are cancelled 1
}

@test "over TLS: a worker that stays, reads its configuration again, and is sent away" {
  certificates
  receiver_start --cert "$tls/server.pem" --key "$tls/server.key"
  jq -n --arg url "$(receiver_url /ok)" --arg ca "$tls/ca.pem" \
    '{endpoints: {acme: {$url, tls: {$ca}}}}' >wh.json
  worker_start --config wh.json
  whenqueue --config wh.json <<<'{"id":"tls","endpoint":"acme","payload":{}}'
  wait_until jobs_are completed 1
  enqueue refused /ok # whose authority nobody has vouched for
  wait_until whdlq show refused
  kill -HUP "$worker_pid"
  whenqueue --config wh.json <<<'{"id":"tls2","endpoint":"acme","payload":{}}'
  wait_until jobs_are completed 2
  stop "$worker_pid"
  [ "$stopped_status" = 0 ]
  [ "$(receiver_count)" = 2 ]
}
