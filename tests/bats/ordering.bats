#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# Ordering keys and priorities, from whenqueue to the receiver.

bats_require_minimum_version 1.5.0
load helper

# records KEY COUNT PATH: events KEY-1 … KEY-COUNT of that key
records() {
  jq -cn --arg key "$1" --argjson count "$2" --arg url "$(receiver_url "$3")" '
    range(1; $count + 1) | {id: "\($key)-\(.)", url: $url, ordering_key: $key, payload: .}'
}

# numbers KEY: of the requests of that key, in the order of their arrival
numbers() {
  receiver_log '.headers["webhook-id"]' | tr -d '"' | sed -n "s/^$1-//p" | tr '\n' ' '
}

completed_are() {
  [ "$(whqueue stats | jq -s '.[0].completed')" = "$1" ]
}

requests_are_over() {
  [ "$(receiver_count)" -gt "$1" ]
}

@test "each key in the order of acceptance, whatever fails in between" {
  receiver_start
  echo '{"types":{"server":{"base_delay_ms":20,"max_delay_ms":20}}}' >policy.json
  { records fails 6 /flaky/1; records slow 6 /delay/20; records fine 6 /ok; } >events
  # One of each in turn, so that neighbours are of different keys.
  jq -sc 'sort_by(.payload)[]' events | whenqueue >/dev/null
  worker_start --policy policy.json
  wait_until completed_are 18
  [ "$(numbers fails)" = "1 1 2 2 3 3 4 4 5 5 6 6 " ]
  [ "$(numbers slow)" = "1 2 3 4 5 6 " ]
  [ "$(numbers fine)" = "1 2 3 4 5 6 " ]
  run -0 whqueue doctor
}

@test "a retry keeps back what is behind it, and nothing else" {
  receiver_start
  { records stuck 4 /status/503; records fine 20 /ok; } | whenqueue >/dev/null
  run -0 whworker --drain
  [ "$(numbers stuck)" = "1 " ]
  completed_are 20
  run -0 whqueue list --status blocked
  [ "$(json .id | tr '\n' ' ')" = "stuck-4 stuck-3 stuck-2 " ]
  schema_valid job
  run -0 whqueue stats
  schema_valid stats
  json_is '.blocked == 3 and .delayed == 1 and .waiting == 0'
}

@test "a dead letter lets the next go, and goes first when it is sent again" {
  receiver_start --switch x=/status/410
  records k 3 /switch/x | head -n 1 | whenqueue >/dev/null
  run -0 whworker --drain
  receiver_control x /status/503
  records k 3 /switch/x | tail -n 2 | whenqueue >/dev/null
  run -0 whworker --drain
  json_is '.id == "k-2" and .event == "retry"'
  receiver_control x /ok
  run -0 whdlq retry k-1
  run -0 whworker --drain
  json_is '.id == "k-1" and .event == "completed"'
  run -0 whqueue expedite k-2
  run -0 whworker --drain
  [ "$(json .id | tr '\n' ' ')" = "k-2 k-3 " ]
}

@test "kill -9 of a worker keeps the order" {
  receiver_start
  records k 12 /delay/30 | whenqueue >/dev/null
  worker_start
  victim=$worker_pid
  wait_until requests_are_over 3
  worker_start
  kill -KILL "$victim"
  wait_until completed_are 12
  numbers k | tr ' ' '\n' | sed '/^$/d' >arrived
  # What was in flight comes twice, the rest once.
  sort -nc arrived
  [ "$(uniq arrived | tr '\n' ' ')" = "1 2 3 4 5 6 7 8 9 10 11 12 " ]
  [ "$(wc -l <arrived)" -le 13 ]
}

@test "a held job keeps back its successors, also while others come" {
  receiver_start
  records k 3 /ok | whenqueue >/dev/null
  run -0 whqueue hold k-2
  run -0 whworker --drain
  [ "$(json .id)" = k-1 ]
  run -0 whqueue release k-2
  run -0 whworker --drain
  [ "$(json .id | tr '\n' ' ')" = "k-2 k-3 " ]
}

@test "--ordered: the endpoint is the key, unless a record has its own" {
  printf '%s\n' '{"id":"1","url":"http://a.test/x"}' '{"id":"2","url":"http://a.test/y"}' \
    '{"id":"3","url":"http://b.test/x"}' \
    '{"id":"4","url":"http://a.test/x","ordering_key":"mine"}' >events
  run -0 whenqueue --ordered events
  schema_valid receipt
  [ "$(json .state | tr '\n' ' ')" = "waiting blocked waiting waiting " ]
  run -0 whqueue show 2 4
  [ "$(json .ordering_key | tr '\n' ' ')" = "http://a.test mine " ]
}

@test "--ordering-key, and what is no key" {
  run -0 whenqueue --ordering-key k -u http://a.test -d 1 --id 1
  run -0 whenqueue --ordering-key k -u http://b.test -d 1 --id 2
  json_is '.state == "blocked"'
  run -64 --separate-stderr whenqueue --ordering-key '' -u http://a.test -d 1
  [ "$stderr" = "whenqueue: --ordering-key: not 1 to 256 bytes of printable text" ]
  run -64 --separate-stderr whenqueue --ordering-key k --ordered -u http://a.test -d 1
  [ "$stderr" = "whenqueue: --ordering-key: --ordered is there too; give one" ]
  jq -cn '{url: "http://a.test", ordering_key: ("k" * 257)}' >bad
  run -65 --separate-stderr whenqueue bad
  [[ $stderr = "whenqueue: bad: line 1: ordering_key: not 1 to 256 bytes of printable text" ]]
}

@test "a stream of important events does not starve the others" {
  receiver_start
  url=$(receiver_url /ok)
  whenqueue -u "$url" --id old -d 1 --priority -100 >/dev/null
  jq -cn --arg url "$url" 'range(200) | {id: "new-\(.)", url: $url, priority: 100}' |
    whenqueue >/dev/null
  run -0 whworker --drain --concurrency 1
  place=$(json .id | grep -nx old | cut -d: -f1)
  [ "$place" -gt 1 ]
  [ "$place" -le 16 ] || fail "it was the ${place}th"
}
