#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# What happens after a failure: which kind it was, when the job runs again, and when it
# never does. The clock is held by the test, so that every instant is exact.

bats_require_minimum_version 1.5.0
load helper

setup() {
  common_setup
  start=$(date -u -d 2026-03-01T12:00:00Z +%s%3N)
  now=$start
}

# at MILLISECONDS: the clock from now on
at() {
  now=$1
  printf -v WH_TEST_CLOCK '%(%Y-%m-%dT%H:%M:%S)T.%03dZ' $((now / 1000)) $((now % 1000))
  export WH_TEST_CLOCK
}

# drain [OPTION…]: what the worker says of what is due now, in $output
drain() {
  run -0 --separate-stderr whworker --drain --jitter 0 "$@"
  [ -z "$stderr" ]
}

# The job of $1 must fail, and run again after exactly these seconds, and then die.
follows_table() {
  local url=$1 type=$2 delay

  shift 2
  at "$start"
  enqueue "$type" "$url"
  for delay; do
    drain
    json_is '.event == "retry" and .error_type == "'"$type"'" and .jitter_ms == 0'
    json_is '.delay_ms == '$((delay * 1000))
    at $((now + delay * 1000))
    json_is '.next_run_at == "'"$WH_TEST_CLOCK"'"'
    at $((now - 1))
    drain
    [ -z "$output" ] || fail "ran a millisecond early: $output"
    at $((now + 1))
  done
  drain
  json_is '.event == "dead" and .dead_reason == "retries_exhausted" and .attempt == '$(($# + 1))
  at $((now + 86400000))
  drain
  [ -z "$output" ]
}

@test "network: 2 s, doubled, five retries" {
  receiver_start
  follows_table "$receiver_refusing_url" network 2 4 8 16 32
}

@test "server: 5 s, doubled, five retries" {
  receiver_start
  follows_table "$(receiver_url /status/500)" server 5 10 20 40 80
}

@test "rate limit: 60 s, doubled, three retries" {
  receiver_start
  follows_table "$(receiver_url /status/429)" rate_limit 60 120 240
}

@test "the longest delay is five minutes" {
  receiver_start
  printf '%s\n' '{"types":{"server":{"max_retries":9}}}' >policy.json
  export WH_POLICY=$PWD/policy.json
  at "$start"
  enqueue a "$(receiver_url /status/500)"
  for delay in 5 10 20 40 80 160 300 300 300; do
    drain
    json_is '.event == "retry" and .delay_ms == '$((delay * 1000))
    at $((now + delay * 1000))
  done
  drain
  json_is '.event == "dead" and .attempt == 10'
}

@test "ten attempts are the most, whatever the types allow" {
  receiver_start
  printf '%s\n' '{"types":{"server":{"max_retries":100,"base_delay":"1s","multiplier":1}}}' >policy.json
  export WH_POLICY=$PWD/policy.json
  at "$start"
  enqueue a "$(receiver_url /status/500)"
  for attempt in 1 2 3 4 5 6 7 8 9; do
    drain
    json_is '.event == "retry" and .attempt == '$attempt
    at $((now + 1000))
  done
  drain
  json_is '.event == "dead" and .dead_reason == "max_attempts" and .attempt == 10'
}

@test "a schedule of the policy replaces the formula" {
  receiver_start
  printf '%s\n' '{"schedule":["5s","5m","30m"]}' >policy.json
  export WH_POLICY=$PWD/policy.json
  at "$start"
  enqueue a "$(receiver_url /status/500)"
  for delay in 5 300 1800; do
    drain
    json_is '.event == "retry" and .delay_ms == '$((delay * 1000))
    at $((now + delay * 1000))
  done
  drain
  json_is '.event == "dead"'
}

@test "jitter only ever adds, up to its percentage" {
  receiver_start
  at "$start"
  for n in $(seq 40); do
    enqueue "$n" "$(receiver_url /status/500)"
  done
  run -0 whworker --drain --jitter 10
  output=$(jq -c 'select(.event == "retry")' <<<"$output")
  json_is '.delay_ms == 5000 and .jitter_ms >= 0 and .jitter_ms <= 500'
  [ "$(json .jitter_ms | sort -u | wc -l)" -gt 5 ]
}

@test "each failing server is what it is" {
  local expected=0 limits type outcome url limit untrusted

  certificates
  receiver_start --cert "$tls/self-signed.pem" --key "$tls/self-signed.key"
  untrusted=$(receiver_url /ok)
  receiver_start
  at "$start"
  while read -r type outcome url limit; do
    limits=(${limit:+--connect-timeout "$limit" --timeout "$limit"})
    enqueue "$((expected += 1))" "$url"
    run -0 whworker --drain --jitter 0 "${limits[@]}"
    json_is '.error_type == "'"$type"'" and .event == "'"$outcome"'"' || fail "$url: $output"
  done <<END
network retry $receiver_refusing_url
network retry $receiver_stalled_url 500ms
network retry $receiver_base/hang 500ms
network retry $receiver_base/reset
network retry $receiver_base/close
network retry http://no-such-host.invalid/
network dead $untrusted
client dead $receiver_base/status/400
client dead $receiver_base/status/404
client dead $receiver_base/status/410
server retry $receiver_base/status/500
server retry $receiver_base/status/503
rate_limit retry $receiver_base/status/429
END
}

@test "410 has a reason of its own" {
  receiver_start
  enqueue a "$(receiver_url /status/410)"
  run -0 whworker --drain
  json_is '.event == "dead" and .dead_reason == "gone"'
}

@test "Retry-After is a floor, is capped, and never makes a retry earlier" {
  receiver_start
  at "$start"
  enqueue floor "$(receiver_url '/status/503?retry-after=120')"
  drain
  json_is '.delay_ms == 120000'
  at $((start + 10000000))
  enqueue early "$(receiver_url '/status/429?retry-after=1')"
  run -0 whworker --drain --jitter 0
  json_is 'select(.id == "early") | .delay_ms == 60000'
  at $((start + 20000000))
  enqueue cap "$(receiver_url '/status/503?retry-after=86400')"
  run -0 whworker --drain --jitter 0
  json_is 'select(.id == "cap") | .delay_ms == 3600000'
}

@test "Retry-After delays the whole endpoint, also what was claimed ahead" {
  receiver_start --switch 'x=/status/429?retry-after=120'
  at "$start"
  for n in $(seq 20); do
    enqueue "ok$n" "$(receiver_url /ok)"
  done
  enqueue limited "$(receiver_url /switch/x)"
  for n in $(seq 20); do
    enqueue "later$n" "$(receiver_url /ok)"
  done
  drain -c 1
  [ "$(receiver_count)" = 21 ]
  receiver_control x /ok
  at $((start + 119999))
  drain -c 1
  [ -z "$output" ]
  at $((start + 120000))
  drain -c 1
  [ "$(jq -s 'map(select(.event == "completed")) | length' <<<"$output")" = 21 ]
}

@test "a receiver that recovers gets the event, with all its attempts counted" {
  receiver_start
  at "$start"
  enqueue a "$(receiver_url /sequence/503,reset,200)"
  drain
  at $((now + 5000))
  drain
  json_is '.error_type == "network" and .delay_ms == 4000'
  at $((now + 4000))
  drain
  json_is '.event == "completed" and .attempt == 3'
  [ "$(receiver_log '.headers["webhook-attempt"]' | tr -d '"\n')" = 123 ]
}
