#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# Endpoints that are not well, or that have limits: others do not feel them, and their own
# jobs lose nothing.

bats_require_minimum_version 1.5.0
load helper

start=2026-03-01T12:00:00

at() {
  export WH_TEST_CLOCK=$1
}

# enqueue NAME COUNT: so many jobs NAME-1, NAME-2, … for that endpoint of the configuration
enqueue() {
  seq "$2" | jq -c '{id: "'"$1"'-\(.)", endpoint: "'"$1"'", payload: .}' |
    whenqueue >/dev/null
}

# configure LIMITS NAME URL [NAME URL]…
configure() {
  export WH_CONFIG=$BATS_TEST_TMPDIR/wh.json
  jq -n --argjson limits "$1" '$ARGS.positional as $p | {limits: $limits, endpoints:
    ([range(0; $p | length; 2) | {($p[.]): ($p[. + 1] | fromjson? // {url: .})}] | add)}' \
    --args "${@:2}" >"$WH_CONFIG"
}

# attempts FILTER: how many attempts the job listing knows of
attempts() {
  whqueue list --limit 0 -o ndjson "$@" | jq -n '[inputs.attempts_made] | add // 0'
}

endpoint_is() {
  whqueue endpoints -o ndjson |
    jq -es --arg name "$1" 'any(.[]; .endpoint == $name and ('"$2"'))'
}

# all_silent COUNT: so many endpoints have failed
all_silent() {
  whqueue list --limit 0 -o ndjson | jq -es --argjson count "$1" \
    '[.[] | select(.attempts_made > 0).endpoint] | unique | length == $count'
}

delivered() {
  [ "$(receiver_count '.behaviour == "/ok"')" -ge "$1" ]
}

@test "healthy endpoints are served while a black hole holds what it got" {
  receiver_start
  configure '{"timeout": "10m", "grace": "0s"}' \
    hole "$receiver_stalled_url" well "$(receiver_url /ok)"
  enqueue hole 500
  worker_start -c 4
  wait_until endpoint_is hole '.active > 0'
  for _ in 1 2 3; do
    enqueue well 20
  done
  wait_until delivered 20
  run -0 whqueue list --endpoint hole --limit 0 -o ndjson
  json_is '.attempts_made == 0'
  endpoint_is hole '.active > 0 and .waiting > 0'
  kill -KILL "$worker_pid"
}

# holes COUNT: as many black holes hole-1, hole-2, … among the endpoints of configure
holes() {
  local i

  for ((i = 1; i <= $1; i++)); do
    printf '%s\n' "hole-$i" "$receiver_stalled_url$i"
  done
}

enqueue_holes() {
  local i

  for ((i = 1; i <= $1; i++)); do
    enqueue "hole-$i" 100
  done
}

active() {
  whqueue stats -o ndjson | jq -es --argjson least "$1" '.[0].active >= $least'
}

@test "as many black holes as slots do not keep out an endpoint that answers" {
  receiver_start
  mapfile -t holes < <(holes 8)
  configure '{"timeout": "10m", "grace": "0s"}' "${holes[@]}" well "$(receiver_url /ok)"
  enqueue well 1
  worker_start -c 8
  wait_until delivered 1
  enqueue_holes 8
  wait_until active 6
  enqueue well 41
  wait_until delivered 41
  run -0 whqueue list --status waiting,active --limit 0 -o ndjson
  json_is '.attempts_made == 0'
  kill -KILL "$worker_pid"
}

@test "black holes that were silent once do not keep out a new endpoint" {
  receiver_start
  mapfile -t holes < <(holes 8)
  configure '{"timeout": "1s", "grace": "0s", "breaker": {"failures": 0}}' \
    "${holes[@]}" well "$(receiver_url /ok)"
  enqueue_holes 8
  worker_start -c 8
  wait_until all_silent 8
  jq '.limits.timeout = "10m"' "$WH_CONFIG" >"$WH_CONFIG.new"
  mv "$WH_CONFIG.new" "$WH_CONFIG"
  kill -HUP "$worker_pid"
  enqueue well 40
  wait_until delivered 40
  kill -KILL "$worker_pid"
}

@test "black holes that fill every slot are parked, and a healthy endpoint gets through" {
  receiver_start
  configure '{"timeout": "3s", "breaker": {"failures": 1, "cool_down": "1h"}}' \
    a "$receiver_stalled_url" b "${receiver_stalled_url}b" c "${receiver_stalled_url}c" \
    well "$(receiver_url /ok)"
  for name in a b c well; do
    enqueue "$name" 50
  done
  run -0 whworker --drain -c 3
  [ "$(receiver_count '.behaviour == "/ok"')" -eq 50 ]
  for name in a b c; do
    endpoint_is "$name" '.breaker == "open" and .waiting > 0'
  done
}

@test "a run of failures opens the breaker: its jobs are parked with their attempts" {
  receiver_start
  configure '{"breaker": {"failures": 3, "cool_down": "12s"}}' \
    sick "$(receiver_url /status/500)" well "$(receiver_url /ok)"
  enqueue sick 20
  enqueue well 20
  at "$start"Z
  run -0 whworker --drain -c 1
  [ "$(receiver_count '.behaviour == "/status/500"')" -eq 3 ]
  [ "$(receiver_count '.behaviour == "/ok"')" -eq 20 ]
  [ "$(whqueue list --status waiting --limit 0 -o id | wc -l)" -eq 17 ]
  [ "$(attempts --status waiting)" -eq 0 ]
  run -0 whqueue endpoints -o ndjson
  schema_valid endpoint
  run -0 whqueue stats -o ndjson
  schema_valid stats
}

@test "stats and endpoints show an open breaker, and when the next probe goes" {
  receiver_start
  configure '{"breaker": {"failures": 3, "cool_down": "12s"}}' \
    sick "$(receiver_url /status/500)"
  enqueue sick 20
  at "$start"Z
  whworker --drain -c 1
  run -0 whqueue stats -o table
  [[ $output == *"breaker open, next probe in 12s"* ]]
  run -0 whqueue stats -o ndjson
  [ "$(json 'select(.endpoint).probe_at')" = "2026-03-01T12:00:12.000Z" ]
  run -0 whqueue endpoints -o table
  [[ $output == *"sick"*"open"*"breaker open, next probe in 12s"* ]]
  run -0 whqueue endpoints -o ndjson
  json_is '.breaker == "open" and .failures_in_a_row == 3 and .trips == 1'
  json_is '.opened_at == "2026-03-01T12:00:00.000Z" and .waiting == 17'
  id=$(whqueue list --status waiting -o id | tail -n 1)
  run -1 --separate-stderr whqueue release "$id"
  [ "$stderr" = "whqueue: $id: is waiting, so it cannot be released; endpoint sick has its breaker open for another 12s: whqueue release --endpoint sick" ]
  run -0 whqueue show "$id" -o table
  [[ $output == *'Not sent: endpoint sick has its breaker open for another 12s'* ]]
  run -0 on_terminal 200 whqueue expedite "$id"
  [[ $output != *'not sent yet'* ]]
  at 2026-03-01T12:00:12Z
  run -0 whqueue endpoints -o ndjson
  json_is '.breaker == "half_open"'
  run -0 whqueue stats -o table
  [[ $output == *"breaker half open, next probe is due"* ]]
}

@test "after the cool-down one probe goes; each that fails doubles it up to the cap" {
  receiver_start
  configure '{"breaker": {"failures": 3, "cool_down": "5s", "max_cool_down": "15s"}}' \
    sick "$(receiver_url /status/500)"
  enqueue sick 50
  expected=3
  at "$start"Z
  run -0 whworker --drain -c 1
  while read -r before offset; do
    at 2026-03-01T12:00:"$before".999Z
    run -0 whworker --drain -c 5
    [ -z "$output" ]
    at 2026-03-01T12:00:"$offset"Z
    run -0 whworker --drain -c 5
    [ "$(receiver_count)" -eq $((expected += 1)) ]
  done <<END
04 05
14 15
29 30
44 45
END
}

@test "a probe that is answered closes the breaker, and everything goes out" {
  receiver_start
  configure '{"breaker": {"failures": 3, "cool_down": "100ms"}}' \
    sick "$(receiver_url /switch/sick)"
  receiver_control sick /status/500
  enqueue sick 20
  worker_start
  wait_until endpoint_is sick '.trips > 1'
  receiver_control sick /ok
  wait_until delivered 20
  endpoint_is sick '.breaker == "closed" and .failures_in_a_row == 0'
}

@test "what is the event's own fault does not open it" {
  receiver_start
  configure '{"breaker": {"failures": 3}}' picky "$(receiver_url /status/422)"
  enqueue picky 20
  run -0 whworker --drain
  [ "$(receiver_count)" -eq 20 ]
  endpoint_is picky '.breaker == "closed" and .failures_in_a_row == 0'
}

@test "failures 0 turns it off, for one endpoint too" {
  receiver_start
  configure '{"breaker": {"failures": 3}}' sick \
    '{"url": "'"$(receiver_url /status/500)"'", "breaker": {"failures": 0}}'
  enqueue sick 20
  at "$start"Z
  run -0 whworker --drain
  [ "$(receiver_count)" -eq 20 ]
}

@test "the retries of a few jobs come when they are due" {
  receiver_start
  configure '{}' sick "$(receiver_url /status/500)"
  enqueue sick 3
  for moment in 00:00 00:06 00:17 00:39 01:23; do
    at "2026-03-01T12:$moment"Z
    run -0 whworker --drain
    [ "$(wc -l <<<"$output")" -eq 3 ]
  done
  endpoint_is sick '.breaker == "closed"'
}

@test "a handful of failures opens nothing" {
  receiver_start
  configure '{}' sick "$(receiver_url /status/500)"
  enqueue sick 19
  at "$start"Z
  run -0 whworker --drain
  [ "$(receiver_count)" -eq 19 ]
  endpoint_is sick '.breaker == "closed"'
}

@test "release closes the breaker by hand, under a worker that knows it as open" {
  receiver_start
  configure '{"breaker": {"failures": 3, "cool_down": "1h"}}' \
    sick "$(receiver_url /switch/sick)"
  receiver_control sick /status/500
  enqueue sick 20
  worker_start -c 1
  wait_until endpoint_is sick '.breaker == "open"'
  receiver_control sick /ok
  run -0 --separate-stderr whqueue release --endpoint sick --yes -o ndjson
  json_is '.endpoint == "sick" and .result == "released"'
  wait_until delivered 17
  run -1 --separate-stderr whqueue release --endpoint sick --yes
  [[ $stderr == *"nothing keeps it back"* ]]
}

@test "release forgets a Retry-After" {
  receiver_start
  configure '{}' busy "$(receiver_url /switch/busy)"
  receiver_control busy '/status/429?retry-after=600'
  enqueue busy 5
  at "$start"Z
  run -0 whworker --drain -c 1
  [ "$(receiver_count)" -eq 1 ]
  receiver_control busy /ok
  run -0 whqueue release --endpoint busy --yes
  run -0 whworker --drain -c 1
  [ "$(receiver_count '.behaviour == "/ok"')" -eq 4 ]
}

@test "a job that is expedited goes past an open breaker, and closes it" {
  receiver_start
  configure '{"breaker": {"failures": 3, "cool_down": "1h"}}' \
    sick "$(receiver_url /switch/sick)"
  receiver_control sick /status/500
  enqueue sick 10
  at "$start"Z
  whworker --drain -c 1
  receiver_control sick /ok
  run -0 whqueue expedite sick-9
  run -0 whworker --drain -c 1
  [ "$(receiver_count '.behaviour == "/ok"')" -eq 7 ]
}

@test "the rate of an endpoint is kept, from one worker to the next" {
  receiver_start
  configure '{}' slow '{"url": "'"$(receiver_url /ok)"'", "rate": "2/s"}'
  enqueue slow 20
  expected=0
  for moment in 00.000 00.500 01.000 01.500; do
    at 2026-03-01T12:00:"$moment"Z
    expected=$((expected + 1))
    run -0 whworker --drain
    run -0 whworker --drain
    [ "$(receiver_count)" -eq "$expected" ]
  done
  # Four have paid for two seconds, of which a tenth lay before the first.
  at 2026-03-01T12:00:01.899Z
  run -0 whworker --drain
  [ "$(receiver_count)" -eq 4 ]
}

@test "a worker comes back by itself when the rate allows more" {
  receiver_start
  configure '{"endpoint_rate": "20/s"}' slow "$(receiver_url /ok)"
  enqueue slow 10
  worker_start
  wait_until delivered 10
}

@test "an endpoint has no more in flight than its own limit, and others go on" {
  receiver_start
  configure '{"timeout": "10m", "grace": "0s"}' well "$(receiver_url /ok)" \
    narrow '{"url": "'"$(receiver_url /hang)"'", "concurrency": 2}'
  enqueue narrow 20
  worker_start -c 10
  wait_until endpoint_is narrow '.active >= 2'
  enqueue well 20
  wait_until delivered 20
  [ "$(receiver_count '.behaviour == "/hang"')" -le 2 ]
  kill -KILL "$worker_pid"
}

# lines NAME…: the events of the output, in their order
lines_are() {
  [ "$(jq -r .event <<<"$output" | grep breaker | paste -sd ' ')" = "$*" ] ||
    fail "$output"
}

@test "a line says that a breaker opened, probed and closed" {
  receiver_start
  configure '{"breaker": {"failures": 3, "cool_down": "12s"}}' \
    sick "$(receiver_url /switch/x)"
  receiver_control x /status/500
  enqueue sick 5
  at "$start"Z
  run -0 whworker --drain -c 1
  schema_valid event
  lines_are breaker_opened
  [ "$(json 'select(.event == "breaker_opened") |
    "\(.endpoint) \(.failures_in_a_row) \(.trips) \(.probe_at) \(.at)"')" = \
    "sick 3 1 2026-03-01T12:00:12.000Z 2026-03-01T12:00:00.000Z" ]
  at 2026-03-01T12:00:12Z
  run -0 whworker --drain -c 1
  schema_valid event
  lines_are breaker_probing breaker_opened
  receiver_control x /ok
  at 2026-03-01T12:00:36Z
  run -0 whworker --drain -c 1 -o ndjson
  schema_valid event
  lines_are breaker_probing breaker_closed
}

@test "the same in words" {
  receiver_start
  configure '{"breaker": {"failures": 1, "cool_down": "12s"}}' \
    sick "$(receiver_url /status/500)"
  enqueue sick 1
  at "$start"Z
  run -0 whworker --drain -c 1 -o table
  [[ $output == *"12:00:00 breaker open  sick 1 failure in a row, a probe in 12s"* ]]
  at 2026-03-01T12:00:12Z
  run -0 whworker --drain -c 1 -o table
  [[ $output == *"12:00:12 probe         sick the cool-down is over, one job is a probe"* ]]
}
