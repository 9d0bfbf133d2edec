#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# whworker as a program: its options, its exit codes, its manners when idle and in trouble.

bats_require_minimum_version 1.5.0
load helper

# The processor time of a process so far, in clock ticks.
ticks() {
  local stat

  stat=$(cat "/proc/$1/stat")
  set -- ${stat##*) }
  echo $((${12} + ${13}))
}

@test "what is wrong on the command line is said, with exit code 64" {
  for option in --concurrency=0 --concurrency=10001 --jitter=101 --output=json --output=id \
    --lease=0s --ready-fd=77 --no-such-option operand; do
    run -64 --separate-stderr whworker --drain "$option"
    [ -z "$output" ]
    [[ $stderr == "whworker: "* ]]
  done
}

@test "a configuration that is wrong ends it with 78, and one that is missing with 66" {
  printf '{"endpoints":\n{"a":{"uri":1}}}\n' >wh.json
  run -78 --separate-stderr whworker --drain --config wh.json
  [[ $stderr == "whworker: wh.json: line 2: "* ]]
  run -66 --separate-stderr whworker --drain --config none.json
  run -66 --separate-stderr whworker --drain --policy none.json
}

@test "with nothing to do --drain and --once end at once, in silence" {
  run -0 --separate-stderr whworker --drain
  [ -z "$output$stderr" ]
  run -0 --separate-stderr whworker --once
  [ -z "$output$stderr" ]
}

@test "flags beat the configuration" {
  receiver_start
  printf '%s\n' '{"limits":{"timeout":"20s"},"policy":{"jitter_percent":100}}' >wh.json
  enqueue a "$(receiver_url /hang)"
  run -0 whworker --once --config wh.json --timeout 100ms --jitter 0
  json_is '.event == "retry" and .jitter_ms == 0 and .phases.total_ms < 20000'
}

@test "each line is valid by the schema" {
  receiver_start
  enqueue a "$(receiver_url '/ok?body=thanks')"
  enqueue b "$(receiver_url /status/503)"
  enqueue c "$(receiver_url /status/400)"
  enqueue d "$receiver_refusing_url"
  run -0 whworker --once
  [ "${#lines[@]}" = 4 ]
  schema_valid event
}

@test "on a table format there is a line for eyes, safe for the terminal" {
  receiver_start
  enqueue a "$(receiver_url /status/503)"
  run -0 whworker --once -o table
  [[ $output =~ ^[0-9:]{8}\ retry\ +503\ a\ http ]]
  [[ $output == *"again in 5"* ]]
}

@test "an idle worker sees what another process enqueues at once" {
  receiver_start
  worker_start
  wait_until nine_go_at_once # a busy machine needs more than one round
}

# Nine events, one after the other: from due to under way the median takes at most 50 ms. By
# the clock alone the worker looks every half second.
nine_go_at_once() {
  local n

  round=$((${round:-0} + 1))
  for n in {1..9}; do
    enqueue "$round.$n" "$(receiver_url /ok)"
    wait_until grep -qF "\"id\":\"$round.$n\"" "$worker_out"
  done
  [ "$(due_to_started "$round." | sort -n | sed -n 5p)" -le 50 ]
}

# due_to_started PREFIX: for each event whose id begins so the milliseconds between its
# acceptance and the start of its delivery
due_to_started() {
  whqueue list --status completed --limit 0 -o ndjson >jobs.ndjson
  jq -n -r --arg prefix "$1" --slurpfile jobs jobs.ndjson --slurpfile attempts "$worker_out" '
    def ms: (.[0:19] + "Z" | fromdate) * 1000 + (.[20:23] | tonumber);
    ($jobs | map({key: .id, value: .created_at}) | from_entries) as $created |
    $attempts[] | select(.id | startswith($prefix)) |
    (.started_at | ms) - ($created[.id] | ms)'
}

@test "an idle worker sleeps" {
  worker_start
  before=$(ticks "$worker_pid")
  # Nothing marks the end of idleness: time itself is what is measured here.
  sleep 2
  [ $(($(ticks "$worker_pid") - before)) -le 2 ]
}

@test "a full disk behind the lines stops it with 74, after what is in flight" {
  receiver_start
  enqueue a "$(receiver_url /ok)"
  run -74 --separate-stderr bash -c 'whworker --max-time 20s >/dev/full'
  [ "$stderr" = 'whworker: stdout: No space left on device' ]
  # It was delivered and that was kept: only the line is lost.
  run -0 whworker --drain
  [ -z "$output" ]
  [ "$(receiver_count)" = 1 ]
}

@test "a limit on open files lowers the concurrency and says so" {
  # Three for each delivery, two for each of the 64 look-ups that may be left behind, two
  # for each 128 deliveries, and 62.
  run -0 --separate-stderr bash -c 'ulimit -n 300; whworker --drain -c 5000'
  [[ $stderr == "whworker: concurrency lowered to 36: "* ]]
  run -0 --separate-stderr bash -c 'ulimit -n 1024; whworker --drain -c 5000'
  [[ $stderr == "whworker: concurrency lowered to 276: "* ]]
  run -0 --separate-stderr bash -c 'ulimit -n 1024; whworker --drain -c 276'
  [ -z "$stderr" ]
  run -0 --separate-stderr bash -c 'ulimit -n 100; whworker --drain'
  [[ $stderr == "whworker: concurrency lowered to 1: "* ]]
  run -0 --separate-stderr bash -c 'ulimit -n 100; whworker --drain -c 1'
  [ -z "$stderr" ]
}

all_completed() {
  [ "$(grep -c '"event":"completed"' "$worker_out")" = "$1" ]
}

@test "a name that was looked up is known to hundreds of connections" {
  local url

  receiver_start
  echo 'well.test 127.0.0.1' >hosts
  url=http://well.test:${receiver_base##*:}
  WH_TEST_HOSTS=$PWD/hosts LD_PRELOAD=$build/tests/resolver.so \
    ASAN_OPTIONS=$ASAN_OPTIONS:verify_asan_link_order=0 worker_start -c 300
  enqueue first "$url/ok"
  wait_until all_completed 1
  jq -nc --arg url "$url/delay/1000" 'range(600) | {$url, payload: .}' | whenqueue >/dev/null
  wait_until all_completed 601
  # More than one of libcurl's handles has for itself.
  [ "$(receiver_log .client_port | sort -u | wc -l)" -gt 128 ]
  [ "$(wc -l <hosts.log)" = 1 ]
  stop "$worker_pid"
}

@test "thousands at a time" {
  receiver_start
  for n in $(seq 1500); do
    printf '%s\n' '{"id":"e'"$n"'","url":"'"$receiver_base"'/delay/300","payload":1}'
  done | whenqueue >/dev/null
  run -0 whworker --drain -c 1000 --jitter 0
  [ "$(jq -s 'map(select(.event == "completed")) | length' <<<"$output")" = 1500 ]
}

@test "what was delivered is forgotten after the retention, also by workers that cron starts" {
  receiver_start
  enqueue old "$(receiver_url /ok)"
  whworker --drain
  printf -v day8 '%(%Y-%m-%dT%H:%M:%SZ)T' $((EPOCHSECONDS + 8 * 24 * 3600))
  [ "$(whqueue list -s completed -o id)" = 1 ]
  WH_TEST_CLOCK=$day8 run -0 whworker --drain
  [ -z "$(whqueue list -s all -o id)" ]
}

@test "--drain gives a store that takes nothing no more than the grace" {
  echo '{"limits": {"breaker": {"failures": 0}}}' >wh.json
  export WH_CONFIG=$PWD/wh.json
  for n in {1..200}; do
    echo '{"url":"http://127.0.0.1:1/","payload":1}'
  done | whenqueue >/dev/null
  # Room for the start, with the record of flights, and not for the attempts.
  kib=$(($(stat -c %s "$WH_DB-wal") / 1024 + 48))
  run -74 --separate-stderr timeout 20 bash -c 'trap "" XFSZ
    ulimit -f "$1" && exec whworker --drain --grace 300ms' _ $((kib < 100 ? 100 : kib))
  [[ $stderr == "whworker: $WH_DB: "* ]] || fail "$stderr"
  jq -es 'any(.event == "error")' <<<"$output"
  before=$output
  run -0 timeout 20 whworker --drain
  tried=$(jq -rs 'map(select(.event == "retry").id) | unique | length' <<<"$before$output")
  [ "$tried" -eq 200 ]
}

# one_retried OUT OUT: one of the two workers has tried the job
one_retried() {
  grep -q '"retry"' "$1" "$2"
}

@test "a retry is made by another worker when the one that saw the failure is gone" {
  local out=() pid=()

  receiver_start
  printf '%s\n' '{"types":{"server":{"base_delay_ms":700}}}' >policy.json
  export WH_POLICY=$PWD/policy.json
  for signal in TERM KILL; do
    for i in 0 1; do
      worker_start
      out[i]=$worker_out
      pid[i]=$worker_pid
    done
    receiver_control x /status/503
    enqueue "$signal" "$(receiver_url /switch/x)"
    wait_until one_retried "${out[@]}"
    receiver_control x /ok
    i=0
    grep -q '"retry"' "${out[0]}" || i=1
    stop "${pid[i]}" "$signal"
    wait_until grep -q '"completed"' "${out[1 - i]}"
    stop "${pid[1 - i]}"
  done
}
