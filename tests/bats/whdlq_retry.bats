#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# Dead letters that are sent again, with a real worker and a receiver that can be mended.

bats_require_minimum_version 1.5.0
load helper

# dead ID: a dead letter for the switch "hook" of the receiver, by a 404 that a worker met.
dead() {
  receiver_control hook /status/404
  whenqueue -u "$(receiver_url /switch/hook)" --id "$1" -d '{"n":1}' -o id
  whworker --drain -o ndjson >"$1.attempts"
}

@test "a retry that is delivered resolves the letter" {
  receiver_start
  dead a
  receiver_control hook /ok
  whdlq retry a
  [ "$(whdlq list --status retrying -o ndjson | jq -r .id)" = a ]
  run -1 --separate-stderr whdlq retry a
  [ "$stderr" = 'whdlq: a: is retrying, so it cannot be retried' ]
  whworker --drain
  run -1 whdlq list
  run -0 whdlq show a
  json_is '.status == "resolved" and .delivered and .retries == 1 and
    (.resolved_at != null) and (.attempts | map(.outcome)) == ["dead", "completed"]'
  [ "$(receiver_log '.headers["webhook-id"]' | sort -u)" = '"a"' ]
  run -0 whdlq show a -o table
  [[ $output == *"sent again by an operator"* ]]
  [[ $output == *"delivered"* ]]
}

@test "what a retry delivered can be reopened and sent again, also when its job is forgotten" {
  local later

  receiver_start
  dead a
  receiver_control hook /ok
  whdlq retry a
  whworker --drain
  whdlq reopen a
  run -0 whdlq list
  json_is '.attempts_made == 2'
  whdlq retry a
  run -0 whworker --drain
  json_is '.event == "completed" and .attempt == 3'
  printf -v later '%(%Y-%m-%dT%H:%M:%SZ)T' $((EPOCHSECONDS + 30 * 24 * 3600))
  WH_TEST_CLOCK=$later whworker --drain
  [ -z "$(whqueue list --status all -o id)" ]
  whdlq reopen a
  whdlq retry a
  run -0 whworker --drain
  json_is '.event == "completed" and .attempt == 4'
  run -0 whdlq show a
  json_is '.attempts_made == 4 and (.attempts | map(.attempt)) == [1, 2, 3, 4]'
}

@test "a retry that fails again brings the same letter back, with its history" {
  receiver_start
  dead a
  receiver_control hook /status/422
  whdlq retry a
  whworker --drain
  run -0 whdlq list
  json_is '.id == "a" and .job_id == 1 and .retries == 1 and .attempts_made == 2 and
    .last_status == 422 and .first_died_at < .died_at'
  run -0 whdlq show a
  json_is '[.attempts[].status] == [404, 422]'
  run -0 whdlq show a -o table
  [ "$(grep -c 'died with attempt' <<<"$output")" = 2 ]
}

@test "--wait exits with 0 when all were delivered" {
  receiver_start
  dead a
  dead b
  receiver_control hook /ok
  worker_start
  run -0 --separate-stderr whdlq retry a b --wait --timeout 60s
  [ "$(jq -r 'select(.result == "delivered").id' <<<"$output" | sort)" = $'a\nb' ]
  jq -es 'map(select(.result == "delivered")) | all(.attempts_made == 2 and .last_status == 200)' \
    <<<"$output"
  [ -z "$stderr" ]
}

@test "--wait exits with 1 when one died again, and says why" {
  receiver_start
  dead a
  receiver_control hook /status/404
  worker_start
  run -1 --separate-stderr whdlq retry a --wait --timeout 60s
  [ "$(tail -n 1 <<<"$output" | jq -c '[.id, .result, .last_status]')" = '["a","dead",404]' ]
  run -1 --separate-stderr whdlq retry a --wait -o table
  [[ $output == *dead*"404 Not Found"* ]]
}

@test "--wait without a worker says so, and ends when time is up" {
  receiver_start
  dead a
  run -1 --separate-stderr whdlq retry a --wait --timeout 200ms
  [[ $stderr == *"no worker is running"* ]]
  [[ $stderr == *"time is up: 1 is still on its way"* ]]
}

@test "--wait notices what another operator does with the letter" {
  receiver_start
  dead a
  background wait whdlq retry a --wait --timeout 60s
  wait_until grep -q 'no worker' wait.err
  whqueue cancel a
  wait_until has_ended "$background_pid"
  run -1 wait "$background_pid"
  [ "$(tail -n 1 wait.out | jq -r .result)" = dead ]
}

# Programs that a script starts in the background ignore ^C unless told otherwise.
@test "--wait that is interrupted says what was done, what was not, and ends by the signal" {
  receiver_start
  dead a
  dead b
  dead c
  for signal in INT TERM; do
    background wait env --default-signal=INT whdlq retry a b c --wait --timeout 0
    wait_until grep -q 'no worker' wait.err
    whqueue cancel a
    wait_until grep -q '"result":"dead"' wait.out
    stop "$background_pid" "$signal"
    [ "$stopped_status" -eq $((128 + $(kill -l "$signal"))) ]
    [ "$(tail -n 1 wait.err)" = 'whdlq: interrupted: 0 were delivered, 1 failed again; 2 are still on their way: whdlq list --status retrying' ]
    [ "$(whdlq list --status retrying -o id | paste -sd ' ')" = '3 2' ]
    whqueue cancel b c
  done
}

@test "--wait that whoever started it shields from ^C goes on waiting" {
  receiver_start
  dead a
  receiver_control hook /ok
  background wait whdlq retry a --wait --timeout 20s
  wait_until grep -q 'no worker' wait.err
  kill -INT "$background_pid"
  whworker --drain
  wait_until has_ended "$background_pid"
  run -0 wait "$background_pid"
}

@test "a rehearsal of a retry waits for nothing" {
  receiver_start
  dead a
  run -0 whdlq retry a --wait --dry-run
  [ "$(whdlq list -o id)" = 1 ]
}
