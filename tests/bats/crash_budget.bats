#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# A job that kills its worker three times is buried, and none of its neighbours with it:
# neither those that were claimed ahead, nor those that were under way beside it.

bats_require_minimum_version 1.5.0
load helper

# events COUNT PREFIX URL [MEMBERS]: that many, one a line.
events() {
  jq -nc --arg prefix "$2" --arg url "$3" \
    "range($1) | {id: \"\(\$prefix)-\(.)\", url: \$url, payload: {n: .}} ${4:+ + $4}"
}

# Workers one after another, until one of them has drained the queue. Their number is in
# $crashed_workers.
drain_with_crashes() {
  crashed_workers=0
  until LD_PRELOAD=$build/tests/poison.so whworker --drain "$@" >>workers.ndjson 2>>workers.err; do
    [ $((crashed_workers += 1)) -le 30 ] || fail "still not drained: $(tail -n 3 workers.err)"
  done
}

# dead_are NAME…: these are in the dead letter queue, of a crash loop, and no others.
dead_are() {
  run -0 whdlq list --limit 100 -o ndjson
  [ "$(jq -r .dead_reason <<<"$output" | sort -u)" = crash_loop ]
  [ "$(jq -r .id <<<"$output" | sort | xargs)" = "$*" ]
}

all_delivered() {
  [ "$(receiver_log 'select(.path != "/poison") | .headers["webhook-id"]' | sort -u | wc -l)" = "$1" ]
  [ "$(whqueue stats -o ndjson | jq -s '.[0] | .waiting + .delayed + .active + .blocked')" = 0 ]
}

@test "one poison job among 2000 that were claimed with it" {
  receiver_start
  {
    events 1000 before "$(receiver_url /ok)"
    events 1 poison "$(receiver_url /poison)"
    events 1000 after "$(receiver_url /ok)"
  } | whenqueue >receipts
  drain_with_crashes --concurrency 50
  [ "$crashed_workers" = 3 ]
  dead_are poison-0
  all_delivered 2000
}

@test "several poison jobs at once, beside slow jobs of all priorities" {
  receiver_start
  {
    events 3 poison "$(receiver_url /poison)" '{priority: 5}'
    events 60 slow "$(receiver_url '/delay/100')" '{priority: (. % 3)}'
  } | whenqueue >receipts
  drain_with_crashes --concurrency 20
  dead_are poison-0 poison-1 poison-2
  all_delivered 60
}

@test "a poison job of an ordering key keeps its successors until it is dead, and no longer" {
  receiver_start
  {
    events 1 poison "$(receiver_url /poison)" '{ordering_key: "k"}'
    events 20 behind "$(receiver_url /ok)" '{ordering_key: "k"}'
    events 20 beside "$(receiver_url /ok)" '{ordering_key: "l"}'
  } | whenqueue >receipts
  drain_with_crashes
  [ "$crashed_workers" = 3 ]
  dead_are poison-0
  all_delivered 40
  receiver_log '.headers["webhook-id"]' | grep behind | jq -r 'split("-")[1]' >order
  sort -nc order
}

@test "two workers at a time lose nothing to a poison job" {
  receiver_start
  {
    events 300 a "$(receiver_url /ok)"
    events 1 poison "$(receiver_url /poison)"
    events 300 b "$(receiver_url /ok)"
  } | whenqueue >receipts
  drain_with_crashes &
  first=$!
  drain_with_crashes
  wait "$first"
  drain_with_crashes
  dead_are poison-0
  all_delivered 600
}

# The threads of a killed worker may outlive its main one for an instant, and with them the
# lock by which it is known to live.
tried_once() {
  whworker --once >/dev/null
  whqueue show a -o json | jq -e '.[0].crashes == null and .[0].attempts_made == 1' >/dev/null
}

@test "an attempt that comes to an end clears a job of its crashes" {
  receiver_start --switch x=/hang
  whenqueue --url "$(receiver_url /switch/x)" --id a --data '{}'
  for n in 1 2; do
    worker_start
    wait_until receiver_has "$n"
    kill -KILL "$worker_pid"
    wait_until has_ended "$worker_pid"
  done
  receiver_control x /status/503
  wait_until tried_once
}

receiver_has() {
  [ "$(receiver_count)" = "$1" ]
}

@test "a worker that ends leaves no file behind, and the next one those of the dead" {
  receiver_start
  whenqueue --url "$(receiver_url /poison)" --data '{}'
  drain_with_crashes
  [ "$crashed_workers" = 3 ]
  [ "$(compgen -G "$WH_DB.worker-*" | wc -l)" = 1 ] # its jobs were still to be taken back
  whworker --drain
  ! compgen -G "$WH_DB.worker-*"
}

@test "a file of flights that an older store left behind is in nobody's way" {
  receiver_start
  whenqueue --url "$(receiver_url /ok)" --data '{}'
  printf leftover >"$WH_DB.worker-1"
  run -0 whworker --drain
  json_is '.event == "completed" and .worker == 1'
  ! compgen -G "$WH_DB.worker-*"
}

@test "a file of flights that a worker left as it ended is swept up, and no other file" {
  receiver_start
  whenqueue --url "$(receiver_url /hang)" --data '{}'
  worker_start
  touch "$WH_DB.worker-77" # of a worker that was killed when it had taken its leave
  touch "$WH_DB.worker-077" "$WH_DB.worker-7x" "$WH_DB.worker-" other.worker-78
  whworker --drain
  run -0 compgen -G '*worker-*'
  [ "$(sort <<<"$output" | xargs)" = \
    'other.worker-78 wh.db.worker- wh.db.worker-077 wh.db.worker-1 wh.db.worker-7x' ]
}

# blamed_by_faults CLASS ERRNO: the jobs that have a crash on their record when the store
# after a crash is drained, once with each call of the class failing.
blamed_by_faults() {
  local n

  for ((n = 1; ; n++)); do
    rm -rf now
    cp -r crashed now
    printf '\0' >mark
    FAULT="$1 $2 $n once" FAULT_MARK=$PWD/mark LD_PRELOAD=$build/torture/fault.so \
      whworker --db now/wh.db --drain >now/lines || :
    [ "$(od -An -tu1 mark)" -eq 1 ] || break
    whworker --db now/wh.db --drain >>now/lines
    jq -r 'select(.event == "stalled" and .crashes > 0).id' now/lines
    [ "$(jq -r 'select(.event == "completed").id' now/lines | wc -l)" = 41 ] || echo lost
  done
  [ "$n" -gt 1 ] || echo "no call of $1"
}

@test "want of memory or descriptors as a crash is looked into blames no job for it" {
  [ -z "${TEST_SANITIZED:-}" ] || skip "no faults are put into sanitized programs"
  receiver_start --switch x=/hang
  {
    events 1 hangs "$(receiver_url /switch/x)"
    events 40 ahead "$(receiver_url /switch/x)"
  } | whenqueue --db crashed/wh.db >receipts
  worker_start --db crashed/wh.db --concurrency 1
  wait_until receiver_has 1
  kill -KILL "$worker_pid"
  wait_until has_ended "$worker_pid"
  receiver_control x /ok
  # How many it claims ahead is its affair; here it is all of them.
  sqlite3 crashed/wh.db 'UPDATE retry_queue SET state = 2, worker = 1, token = 1;
    UPDATE endpoint SET active = active + waiting, waiting = 0'
  whqueue stats --db crashed/wh.db | jq -es '.[0].active == 41'
  for fault in 'map 12' 'open 24'; do
    # shellcheck disable=SC2086 # two arguments
    [ "$(blamed_by_faults $fault | sort -u)" = hangs-0 ]
  done
}
