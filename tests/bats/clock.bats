#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# A clock that jumps by a day, forward or back, under workers that run: nothing waits for
# the day to pass, nothing is sent twice, and nobody sends all day what is not to be sent.

bats_require_minimum_version 1.5.0
load helper

day=86400

setup() {
  common_setup
  export WH_TEST_CLOCK_STEP=$BATS_TEST_TMPDIR/step
  clock_jumps 0
}

# clock_jumps SECONDS: from now on the programs' clock is wrong by so much
clock_jumps() {
  printf '%-31s\n' "$1" 1<>"$WH_TEST_CLOCK_STEP"
}

# by_this_clock COMMAND…
by_this_clock() {
  LD_PRELOAD=$build/tests/clock.so ASAN_OPTIONS=$ASAN_OPTIONS:verify_asan_link_order=0 "$@"
}

# enqueue NAME COUNT
enqueue() {
  seq "$2" | jq -c '{id: "'"$1"'-\(.)", endpoint: "'"$1"'", payload: .}' |
    by_this_clock whenqueue >/dev/null
}

# Four endpoints, none of which takes a job as it comes: each keeps another kind of wait.
everything_waits() {
  receiver_start --switch 'sick=/status/500' --switch 'busy=/status/429?retry-after=3'
  export WH_CONFIG=$BATS_TEST_TMPDIR/wh.json
  jq -n --arg base "$receiver_base" '{
    policy: {types: {server: {base_delay: "2s"}, rate_limit: {base_delay: "2s"}}},
    limits: {breaker: {failures: 0}},
    endpoints: {
      failing: {url: "\($base)/flaky/1"},
      slow: {url: "\($base)/ok", rate: "1/s"},
      sick: {url: "\($base)/switch/sick", breaker: {failures: 1, cool_down: "3s"}},
      busy: {url: "\($base)/switch/busy"}}}' >"$WH_CONFIG"
  by_this_clock worker_start
}

enqueue_all() {
  enqueue failing 3
  enqueue slow 4
  enqueue sick 3
  enqueue busy 3
  wait_until tried failing 3
  wait_until tried slow 1
  wait_until tried sick 1
  wait_until tried busy 1
  receiver_control sick /ok
  receiver_control busy /ok
}

# tried NAME COUNT: the receiver has had so many requests of that endpoint
tried() {
  [ "$(receiver_count '.headers["webhook-id"] | startswith("'"$1"'-")')" -ge "$2" ]
}

all_delivered() {
  [ "$(whqueue list --status completed --limit 0 -o ndjson | wc -l)" = 13 ]
}

# Of each job at most one request was answered well, and all in all there were no more than
# one for each delivery and each failure of before.
nothing_too_often() {
  local requests

  requests=$(receiver_count)
  echo "# figure: $1: 13 jobs, $requests requests" >&3
  [ "$requests" -le 22 ]
  [ "$(jq -s 'map(select(.behaviour == "/ok").headers["webhook-id"]) |
    length == 13 and (unique | length) == 13' "$receiver_log_file")" = true ]
  # Each line is an attempt, or says something of an endpoint or a job, once.
  [ "$(wc -l <"$worker_out")" -le 50 ]
}

@test "a day ahead, while everything waits: it is all due, and goes once" {
  everything_waits
  enqueue_all
  clock_jumps "$day"
  wait_until all_delivered
  nothing_too_often "a day ahead"
}

@test "a day back, while everything waits: each keeps what is left of its wait" {
  everything_waits
  enqueue_all
  clock_jumps "-$day"
  wait_until all_delivered
  nothing_too_often "a day back"
}

@test "three quarters of a minute back: that too is noticed" {
  everything_waits
  enqueue_all
  clock_jumps -45
  wait_until all_delivered
  nothing_too_often "45 seconds back"
}

@test "a day ahead, and set right when all waits by the wrong clock" {
  everything_waits
  clock_jumps "$day"
  enqueue_all
  clock_jumps 0
  wait_until all_delivered
  nothing_too_often "a day ahead and back"
}

@test "a clock that was set right between two runs of cron" {
  receiver_start --switch 'busy=/status/429?retry-after=2'
  clock_jumps "$day"
  by_this_clock whenqueue --id a --url "$(receiver_url /switch/busy)" -d x
  by_this_clock whworker --drain --jitter 0
  receiver_control busy /ok
  clock_jumps 0
  run -0 by_this_clock whworker --drain
  [ -z "$output" ] # not yet: what is left of its wait is kept
  clock_jumps 120
  run -0 by_this_clock whworker --drain
  json_is '.event == "completed"'
  [ "$(receiver_count)" = 2 ]
}

@test "when a job is to run is left as the user said it" {
  receiver_start
  clock_jumps "$day"
  by_this_clock whenqueue --id a --url "$(receiver_url /ok)" -d x --delay 1h >receipt
  by_this_clock whworker --drain
  clock_jumps 0
  run -0 by_this_clock whworker --drain
  [ "$(whqueue list -o ndjson | jq -r .run_at)" = "$(jq -r .run_at receipt)" ]
  [ "$(receiver_count)" = 0 ]
}
