#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# The store's own faults: a disk that is full or read-only, a WAL that a reader pins, copies
# of a store in use, clocks that jump, and workers that died by the thousand.

bats_require_minimum_version 1.5.0
load helper

# Runs the script in a mount namespace of its own; root is not needed where users have
# namespaces.
with_mounts() {
  local user=()

  [ "$(id -u)" -eq 0 ] || user=(--map-root-user)
  unshare "${user[@]}" -m bash -euc "$@"
}

# events COUNT BYTES URL
events() {
  jq -nc --argjson n "$1" --argjson bytes "$2" --arg url "$3" \
    'range($n) | {id: "e\(.)", url: $url, payload: ("x" * $bytes)}'
}

receiver_has_one() {
  [ "$(receiver_count)" = 1 ]
}

@test "a disk that fills up in the middle of a batch: what has a receipt is there" {
  events 3000 1000 https://a.test/ >events
  mkdir disk
  run -0 --separate-stderr with_mounts '
    mount -t tmpfs -o size=1m,mode=0700 tmpfs disk
    status=0
    whenqueue --db disk/wh.db <events >receipts 2>complaint || status=$?
    [ "$status" = 74 ]
    [ "$(sqlite3 disk/wh.db "SELECT count(*) FROM job_key")" = "$(wc -l <receipts)" ]
    mount -o remount,size=64m disk
    whenqueue --db disk/wh.db <events >again
    whqueue doctor --db disk/wh.db >health || [ $? = 1 ]'
  [[ $(cat complaint) == *'disk full'* ]]
  [ "$(wc -l <receipts)" -lt 3000 ]
  [ "$(jq -r .id again | sort -u | wc -l)" = 3000 ]
  [ "$(jq -rs 'map(select(.state == "duplicate")) | length' again)" = "$(wc -l <receipts)" ]
  [ "$(jq -r 'select(.check == "integrity" or .check == "counters").result' health |
    sort -u)" = ok ]
}

@test "a read-only file system: reading goes on, writing is refused in plain words" {
  mkdir disk
  events 3 10 https://a.test/ | whenqueue --db disk/wh.db >receipts
  sqlite3 disk/wh.db 'PRAGMA wal_checkpoint(TRUNCATE)'
  run -0 --separate-stderr with_mounts '
    mount --bind disk disk
    mount -o remount,ro,bind disk
    whqueue list --db disk/wh.db >listed
    for line in "whenqueue --url https://a.test/ -d x" "whworker --drain" \
      "whqueue cancel e1"; do
      status=0
      # shellcheck disable=SC2086
      $line --db disk/wh.db 2>>complaints || status=$?
      echo "$status" >>statuses
    done'
  [ "$(wc -l <listed)" = 3 ]
  [ "$(sort -u statuses)" = 77 ]
  [ "$(grep -c -i 'read-only' complaints)" = 3 ]
}

# Skips where there is no ext4 on a loop device that can be told that it has met an error.
needs_ext4() {
  truncate -s 32m image
  mkfs.ext4 -q -E root_owner="$(id -u):$(id -g)" image || skip "NO mkfs.ext4 HERE: not tested"
  mkdir disk
  unshare -m bash -euc 'mount -o loop image disk
    test -w "/sys/fs/ext4/$(basename "$(findmnt -no SOURCE disk)")/trigger_fs_error"' ||
    skip "NO LOOP-MOUNTED ext4 HERE: the real switch to read-only is not tested"
}

@test "an ext4 that meets an error and makes itself read-only under a worker and a whenqueue" {
  local held log

  needs_ext4
  receiver_start
  events 2000 10 "$(receiver_url /delay/10)" >events
  mkfifo input
  log=$receiver_log_file run -0 --separate-stderr unshare -m timeout 120 bash -euc '
    mount -o loop,errors=remount-ro image disk
    chmod 700 disk
    whenqueue --db disk/wh.db <events >receipts
    whenqueue --db disk/wh.db <input >late-receipts 2>writer-complaint & writer=$!
    for ((n = 0; n < 10000; n++)); do
      echo "{\"id\": \"late-$n\", \"url\": \"https://a.test/\", \"delay\": \"1h\"}"
      sleep 0.002
    done >input 2>/dev/null & # until nobody reads
    whworker --db disk/wh.db >lines 2>complaint & worker=$!
    until [ "$(wc -l <"$log")" -ge 50 ]; do sleep 0.02; done
    sync -f disk # what is mapped is written back, and the next store to it asks the kernel
    echo 1 >"/sys/fs/ext4/$(basename "$(findmnt -no SOURCE disk)")/trigger_fs_error"
    status=0
    wait "$worker" || status=$?
    echo "$status" >worker-status
    status=0
    wait "$writer" || status=$?
    echo "$status" >writer-status
    whqueue stats --db disk/wh.db -o json >stats-read-only
    umount disk
    e2fsck -fy image >fsck || [ $? = 1 ]
    mount -o loop image disk
    whqueue doctor --db disk/wh.db >health || [ $? = 1 ]
    whworker --db disk/wh.db --drain -c 50 >>lines
    whqueue stats --db disk/wh.db -o json >stats-healed
    whqueue list --db disk/wh.db --status delayed --limit 0 -o ndjson | jq -r .id | sort >kept'
  # An I/O error that was not yet seen to be that may come before it.
  [ "$(cat worker-status)" = 77 ]
  [[ $(cat writer-status) =~ ^(74|77)$ ]]
  [ "$(grep -c 'wh.db: its file system has become read-only' complaint)" = 1 ]
  [ "$(grep -cv 'input/output error: Input/output error' complaint)" = 1 ]
  jq -r .id late-receipts | sort >promised
  [ -s promised ]
  [ -z "$(comm -23 promised kept)" ] || fail "promised and lost: $(comm -23 promised kept | xargs)"
  [ "$(jq -r 'select(.check == "integrity" or .check == "counters").result' health |
    sort -u)" = ok ]
  # What was being delivered then stays noted on a disk that takes no more: that may look
  # like one crash, which nobody is buried for.
  # A commit that failed may be there after all: then it is not told of, nor done again.
  jq -e '.[0].completed == 2000' stats-healed
  held=$(jq -s 'map(select(.event == "stalled")) | length' lines)
  [ "$held" -gt 0 ]
  [ "$(jq -s 'map(select(.crashes > 1)) | length' lines)" = 0 ]
  # What was told to be delivered was kept; only what was held is sent again.
  [ "$(jq -rs 'map(select(.event == "completed").id) | group_by(.)[] | select(length > 1)[0]' \
    lines)" = "" ]
  [ "$(receiver_count)" -le $((2000 + held)) ]
  echo "# figure: read-only after $(jq '.[0].completed' stats-read-only) of 2000:" \
    "$(receiver_count) requests, $held jobs held, $(wc -l <promised) receipts" >&3
}

@test "each sync of the store says EROFS from some time on, as after such a switch" {
  [ -z "${TEST_SANITIZED:-}" ] || skip "no faults are put into sanitized programs"
  receiver_start
  events 200 10 "$(receiver_url /ok)" >events
  printf '\0' >mark
  run_read_only_from 6 whenqueue <events >receipts
  run_read_only_from 7 whenqueue <events >>receipts
  whenqueue <events >again
  jq -r 'select(.state == "duplicate").id' again | sort >known
  jq -r .id receipts | sort -u | diff - known
  for nth in 3 5 9; do
    run_read_only_from "$nth" whworker --drain -c 1 >>lines
  done
  whworker --drain >>lines
  [ "$(jq -rs 'map(select(.event == "completed").id) | unique | length' lines)" = 200 ]
  [ "$(jq -s 'map(select(.crashes > 0)) | length' lines)" = 0 ]
  run whqueue doctor
  [ "$(jq -r 'select(.check == "integrity" or .check == "counters").result' <<<"$output" |
    sort -u)" = ok ]
}

# run_read_only_from NTH COMMAND…: that sync and all later ones fail, and it says so, once
run_read_only_from() {
  local nth=$1 status=0

  shift
  FAULT="sync 30 $nth ever" FAULT_MARK=$PWD/mark LD_PRELOAD=$build/torture/fault.so \
    "$@" 2>complaint || status=$?
  [ "$status" = 77 ] || fail "$* at sync $nth: status $status" "$(cat complaint)"
  [ "$(wc -l <complaint)" = 1 ]
  [[ $(cat complaint) == *'wh.db: its file system has become read-only'* ]]
}

@test "a reader that stays pins the WAL; when it is gone the WAL is empty again" {
  local megabytes=${TORTURE_WAL_MB:-64} reader

  whenqueue --url https://a.test/ -d first
  coproc sqlite3 "$WH_DB"
  reader=$COPROC_PID
  printf 'BEGIN; SELECT count(*) FROM retry_queue;\n' >&"${COPROC[1]}"
  read -r count <&"${COPROC[0]}"
  [ "$count" = 1 ]
  run -0 bash -c "jq -nc --argjson n $megabytes \
    'range(\$n) | {url: \"https://a.test/\", payload: (\"x\" * 1000000)}' |
    whenqueue | wc -l"
  [ "$output" = "$megabytes" ]
  [ "$(stat -c %s "$WH_DB-wal")" -gt $((megabytes * 1000000)) ]
  echo "# figure: a pinned WAL of $(($(stat -c %s "$WH_DB-wal") >> 20)) MiB" >&3
  [ "$(whqueue stats | jq -s '.[0].waiting')" = $((megabytes + 1)) ]
  echo .quit >&"${COPROC[1]}"
  wait "$reader"
  whenqueue --url https://a.test/ -d last
  [ "$(stat -c %s "$WH_DB-wal")" -lt 4000000 ]
  [ "$(whqueue stats | jq -s '.[0].waiting')" = $((megabytes + 2)) ]
  run whqueue doctor
  [ "$(jq -r 'select(.check == "integrity").result' <<<"$output")" = ok ]
}

@test "a store that is copied while it is written: the copy is sound, or is said not to be" {
  local number

  whenqueue --url https://a.test/ -d first
  background writer bash -c 'while :; do
    whenqueue --url https://a.test/ -d "$(head -c 60000 /dev/zero | tr "\0" x)"; done'
  for number in 1 2 3 4 5 6 7 8; do
    mkdir "copy$number"
    cp "$WH_DB" "copy$number/wh.db"
    # The shell takes the WAL with it when nobody else has the store open.
    cp "$WH_DB-wal" "copy$number/wh.db-wal" 2>/dev/null || :
    chmod 600 "copy$number"/*
    sqlite3 "$WH_DB" ".timeout 10000" ".backup backup$number.db"
  done
  stop "$background_pid"
  for number in 1 2 3 4 5 6 7 8; do
    run --separate-stderr whqueue doctor --db "copy$number/wh.db"
    echo "status $status: $output $stderr"
    # 66: the schema was in the WAL that the next one replaced before it was copied.
    [[ $status =~ ^(0|1|66|74)$ ]]
    [ "$status" != 74 ] || [[ $output$stderr =~ (corrupt|damaged) ]]
    chmod 600 "backup$number.db"
    run --separate-stderr whqueue doctor --db "backup$number.db"
    [[ $status =~ ^(0|1)$ ]]
    [ "$(jq -r 'select(.check == "integrity").result' <<<"$output")" = ok ]
  done
}

@test "a store that was restored without its write-ahead log has one again" {
  whenqueue --url https://a.test/ --id before -d 1
  sqlite3 "$WH_DB" "VACUUM INTO 'restored.db'"
  chmod 600 restored.db
  [ "$(sqlite3 restored.db 'PRAGMA journal_mode')" = delete ]
  export WH_DB=$PWD/restored.db
  run -0 whqueue list # a reader changes nothing
  json_is '.id == "before"'
  [ "$(sqlite3 restored.db 'PRAGMA journal_mode')" = delete ]
  whenqueue --url https://a.test/ --id after -d 2
  [ "$(sqlite3 restored.db 'PRAGMA journal_mode')" = wal ]
  run -0 whqueue list
  [ "$(jq -r .id <<<"$output" | sort)" = $'after\nbefore' ]
}

@test "a clock that jumps a day ahead steals nothing from a worker that lives" {
  local tomorrow

  receiver_start
  whenqueue --url "$(receiver_url /hang)" -d x >receipt
  worker_start
  wait_until receiver_has_one
  tomorrow=$(date -u -d tomorrow +%Y-%m-%dT%H:%M:%SZ)
  WH_TEST_CLOCK=$tomorrow run -0 whworker --drain
  [ -z "$output" ]
  [ "$(receiver_count)" = 1 ]
}

@test "ten thousand workers that died, each with a job: one drain delivers it all" {
  local started

  receiver_start
  events 10000 10 "$(receiver_url /ok)" | whenqueue >receipts
  sqlite3 "$WH_DB" "BEGIN;
    UPDATE retry_queue SET state = 2, worker = id, token = id;
    UPDATE endpoint SET active = waiting, waiting = 0;
    UPDATE sequence SET next = 20000;
    INSERT INTO worker (id, boot_id, pid, started_at, expires_at)
      SELECT id, '$(cat /proc/sys/kernel/random/boot_id)', id, run_at, run_at + 86400000
      FROM retry_queue;
    COMMIT;"
  run -1 whqueue doctor
  [[ $(jq -r 'select(.check == "leases").finding' <<<"$output") == 10000\ workers* ]]
  started=${EPOCHREALTIME/./}
  run -0 bash -c 'whworker --drain -c 50 | jq -r .event | sort | uniq -c'
  echo "# figure: 10000 dead workers' jobs taken over and delivered in $(((\
    ${EPOCHREALTIME/./} - started) / 1000)) ms" >&3
  [[ $output == *'10000 completed'*'10000 stalled'* ]]
  [ "$(receiver_count)" = 10000 ]
  whworker --drain # forgets those that it was in the middle of
  [ "$(sqlite3 "$WH_DB" 'SELECT count(*) FROM worker')" = 0 ]
}

@test "doctor tells of an SQLite whose commits can be lost beside a checkpoint" {
  local version

  whenqueue --url https://a.test/ -d x
  run -0 whqueue doctor
  version=$(jq -r 'select(.check == "sqlite").finding | split(" ")[1]' <<<"$output")
  version=${version%,}
  if [ "$(printf '%s\n' 3.51.3 "$version" | sort -V | head -n 1)" = 3.51.3 ]; then
    [ "$(jq -r 'select(.check == "sqlite").result' <<<"$output")" = ok ]
  else
    [ "$(jq -r 'select(.check == "sqlite").result' <<<"$output")" = warning ]
    [[ $output == *'WAL-reset race our lock keeps out'*'write to the store with whtools alone'* ]]
  fi
}

@test "a job whose state is none of ours is damage that is told, wherever it is read" {
  receiver_start
  for event in '{"id": "a", "ordering_key": "k"}' '{"id": "b", "http": {"status": 404}}'; do
    jq -c --arg url "$(receiver_url /ok)" '. + {$url, event_type: "t"}' <<<"$event"
  done | whenqueue >receipts
  sqlite3 "$WH_DB" 'UPDATE dead_letter_queue SET status = 99'
  for state in 25 -3; do
    sqlite3 "$WH_DB" "UPDATE retry_queue SET state = $state"
    for command in 'whqueue show a' 'whqueue cancel a' 'whdlq show b' 'whdlq resolve -m done b'; do
      # shellcheck disable=SC2086 # a command and its arguments
      run -74 --separate-stderr $command
      [[ $stderr == *"wh.db: is damaged: "* ]]
    done
    run -74 --separate-stderr whenqueue <<<'{"id": "a", "url": "https://a.test/"}'
    [[ $stderr == *"wh.db: is damaged: "* ]]
  done
  run -0 whqueue stats --event-type t
  json_is '.waiting == 0'
}

@test "a file system without locks is told from a busy store, and nothing waits for it: status 71" {
  [ -z "${TEST_SANITIZED:-}" ] || skip "no faults are put into sanitized programs"
  whenqueue --url https://a.test/ -d x
  printf '\0' >mark
  # The first two locks are those of opening; the rest, those of reading the WAL.
  for case in '1 list' '1 cancel --all --yes' '3 list'; do
    FAULT="lock 37 ${case%% *} ever" FAULT_MARK=$PWD/mark LD_PRELOAD=$build/torture/fault.so \
      run -71 --separate-stderr timeout 25 whqueue ${case#* }
    [[ $stderr == *': No locks available' ]]
  done
  FAULT='lock 37 1 once' FAULT_MARK=$PWD/mark LD_PRELOAD=$build/torture/fault.so \
    run -0 --separate-stderr whqueue hold --event-type t
  [ -z "$stderr" ]
}
