#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# How a worker begins and ends: readiness, signals, limits of time, and sudden death.

bats_require_minimum_version 1.5.0
load helper

requests_are() {
  [ "$(receiver_count)" = "$1" ]
}

# Exactly what stands in the queue now, as the next worker finds it.
left_in_queue() {
  whworker --drain | jq -r .id | sort | tr '\n' ' '
}

@test "SIGTERM: what is in flight is finished, the rest is given back" {
  receiver_start
  worker_start -c 1
  enqueue flying "$(receiver_url /delay/400)"
  wait_until requests_are 1
  enqueue waiting "$(receiver_url /ok)"
  stop "$worker_pid"
  [ "$stopped_status" = 0 ]
  jq -e 'select(.id == "flying") | .event == "completed" and .attempt == 1' "$worker_out"
  run left_in_queue
  [ "$output" = "waiting " ]
}

@test "SIGINT ends it likewise" {
  worker_start
  # A background job of a shell ignores SIGINT unless the program asks for it.
  stop "$worker_pid" INT
  [ "$stopped_status" = 0 ]
}

@test "after the time of grace what is in flight is given back, uncounted" {
  receiver_start --switch x=/hang
  worker_start --grace 100ms
  enqueue a "$(receiver_url /switch/x)"
  wait_until requests_are 1
  stop "$worker_pid"
  [ "$stopped_status" = 0 ]
  [ ! -s "$worker_out" ]
  receiver_control x /ok
  run -0 whworker --drain
  json_is '.event == "completed" and .attempt == 1'
}

@test "a second signal does not wait for anybody" {
  receiver_start
  worker_start --grace 50s
  enqueue a "$(receiver_url /hang)"
  wait_until requests_are 1
  kill -TERM "$worker_pid"
  # Two signals of a kind merge while the first is pending.
  wait_until grep -q 'stopping' "$worker_err"
  run ! has_ended "$worker_pid"
  stop "$worker_pid"
  [ "$stopped_status" = 1 ]
  run -0 cat "$worker_err"
  [ "$output" = 'whworker: stopping: 1 delivery has 50s to end; a second signal ends it now' ]
}

# Two signals of a kind merge while the first is pending.
has_taken_signals() {
  grep -Eq '^ShdPnd:[[:space:]]*0+$' "/proc/$1/status"
}

# stop_with_two_signals PID: the first does not end it, the second does, in 20 seconds.
stop_with_two_signals() {
  kill -TERM "$1"
  wait_until has_taken_signals "$1"
  run ! has_ended "$1"
  kill -TERM "$1"
  wait_until -t 20 has_ended "$1"
  stopped_status=0
  wait "$1" || stopped_status=$?
}

nothing_is_in_flight() { # as the flight record of the first worker has it
  ! od -An -v -t d8 -w8 "$WH_DB.worker-1" | grep -q '[1-9]'
}

@test "a second signal does not wait for a store that fails, either" {
  receiver_start
  trap '' XFSZ # a write beyond the limit then fails with EFBIG
  worker_start --grace 1h
  enqueue a "$(receiver_url /delay/1000)"
  wait_until requests_are 1
  prlimit --pid "$worker_pid" --fsize=4096 # less than a page of the WAL, more than our lines
  wait_until grep -q '"event":"error"' "$worker_out"
  wait_until nothing_is_in_flight
  stop_with_two_signals "$worker_pid"
  [ "$stopped_status" = 74 ]
  # It could not say that it came to an end, so it is delivered again.
  run -0 whworker --drain
  json '.event' | grep -qx completed
}

@test "kill -9: another worker takes over, however long the lease is" {
  receiver_start --switch x=/hang
  worker_start --lease 1h
  victim=$worker_pid
  enqueue a "$(receiver_url /switch/x)"
  wait_until requests_are 1
  worker_start --lease 1h
  receiver_control x /ok
  kill -KILL "$victim"
  wait_until grep -q '"event":"completed"' "$worker_out"
  jq -se '.[0].event == "stalled" and .[0].crashes == 1 and
    .[1].event == "completed" and .[1].attempt == 1' "$worker_out"
  run -0 cat "$worker_out"
  schema_valid event
}

@test "three workers that die of a job bury it" {
  receiver_start --switch x=/hang
  enqueue a "$(receiver_url /switch/x)"
  for n in 1 2 3; do
    worker_start
    wait_until requests_are "$n"
    kill -KILL "$worker_pid"
    wait_until has_ended "$worker_pid"
  done
  worker_start
  wait_until test -s "$worker_out"
  jq -se '.[0].event == "stalled" and .[0].crashes == 3 and .[0].dead_reason == "crash_loop"' "$worker_out"
  run -0 whdlq show a -o table
  [[ $output == *"gave up     after three workers died while delivering it"* ]]
  [[ $output == *"Attempts"$'\n'"  none that came to an end"$'\n'* ]]
  [[ $output =~ T[0-9:.]+Z\ \ died:\ 3\ workers\ died\ while\ delivering\ it ]]
  run -0 whdlq show a -o json
  jq -e '.[0].attempts_made == 0 and .[0].crashes == 3' <<<"$output"
  receiver_control x /ok
  run -0 whdlq retry a --wait --timeout 60s
  run -0 whdlq show a -o table
  [[ $output =~ accepted.*died:\ 3\ workers.*sent\ again\ by\ an\ operator.*delivered ]]
  stop "$worker_pid"
  [ "$(receiver_count)" = 4 ]
}

@test "SIGHUP reads the configuration again; a bad one changes nothing" {
  receiver_start
  printf '%s\n' '{"endpoints":{"acme":{"url":"'"$(receiver_url '/ok?v=1')"'"}}}' >wh.json
  export WH_CONFIG=$PWD/wh.json
  worker_start
  printf '%s\n' '{"endpoint":"acme","payload":1}' | whenqueue
  wait_until requests_are 1
  printf '%s\n' '{"endpoints":' >wh.json
  kill -HUP "$worker_pid"
  wait_until grep -q 'still working with the old configuration' "$worker_err"
  printf '%s\n' '{"endpoints":{"acme":{"url":"https://a/","tls":{"ca":"nowhere"}}}}' >wh.json
  kill -HUP "$worker_pid"
  wait_until grep -q 'acme.tls.ca: .*; still working with the old' "$worker_err"
  printf '%s\n' '{"endpoints":{"acme":{"url":"'"$(receiver_url '/ok?v=2')"'"}}}' >wh.json
  kill -HUP "$worker_pid"
  # Signals are taken in order: the worker has read the file when it delivers again.
  printf '%s\n' '{"endpoint":"acme","payload":1}' | whenqueue
  wait_until requests_are 2
  [ "$(receiver_log .url | tail -n 1)" = '"/ok?v=2"' ]
  stop "$worker_pid"
  [ "$stopped_status" = 0 ]
}

@test "SIGHUP changes the concurrency, and says what it does not change" {
  receiver_start
  configure_concurrency() {
    jq -n --arg url "$(receiver_url /hang)" --argjson concurrency "$1" --arg lease "$2" '{
      endpoints: [range(1; 9) | {("e\(.)"): {url: $url}}] | add,
      limits: {$concurrency, $lease, grace: "0s"}}' >wh.json
  }
  in_flight_is() {
    [ "$(receiver_count '.behaviour == "/hang"')" = "$1" ]
  }
  noted_in_flight_is() { # what would be suspected of a crash
    [ "$(od -An -v -t d8 -w8 "$WH_DB.worker-1" | grep -c '[1-9]')" = "$1" ]
  }
  configure_concurrency 2 60s
  worker_start --config wh.json
  for n in 1 2 3 4 5 6 7 8; do
    printf '%s\n' '{"endpoint":"e'$n'"}'
  done | whenqueue
  wait_until in_flight_is 2
  configure_concurrency 8 30s
  kill -HUP "$worker_pid"
  wait_until grep -q 'lease: changes with a restart only' "$worker_err"
  wait_until in_flight_is 6
  wait_until noted_in_flight_is 6
  stop "$worker_pid"
}

@test "--max-time ends it as SIGTERM does" {
  receiver_start
  enqueue later "$(receiver_url /delay/200)"
  run -0 whworker --max-time 100ms
  json_is '.event == "completed"'
}

@test "--once tries what is due at the start, each once" {
  receiver_start
  printf '%s\n' '{"types":{"server":{"base_delay_ms":1,"max_delay_ms":1}}}' >policy.json
  for n in 1 2 3; do
    enqueue "$n" "$(receiver_url /status/500)"
  done
  printf '%s\n' '{"id":"later","delay":"1h","url":"'"$(receiver_url /ok)"'"}' | whenqueue
  run -0 whworker --once --policy policy.json
  json_is '.event == "retry" and .attempt == 1'
  [ "$(receiver_count)" = 3 ]
}

@test "--once tries all that was due, while retries come due before it" {
  receiver_start
  printf '%s\n' '{"types":{"server":{"base_delay_ms":1,"max_delay_ms":1}}}' >policy.json
  jq -cn --arg url "$(receiver_url '')" '
    range(300) | {id: "\(.)", url: ($url + if . % 3 == 0 then "/status/500" else "/ok" end)}' | whenqueue
  run -0 whworker --once --policy policy.json --max-time 60s
  json_is '.attempt == 1 and (.event == "completed" or .event == "retry")'
  [ "$(json .id | sort -u | wc -l)" = 300 ]
  [ "$(receiver_count)" = 300 ]
}

@test "--drain does not wait for what is delayed" {
  receiver_start
  printf '%s\n' '{"delay":"1h","url":"'"$(receiver_url /ok)"'"}' | whenqueue
  enqueue now "$(receiver_url /status/503)"
  run -0 whworker --drain
  json_is '.id == "now" and .event == "retry"'
}

@test "--drain and --once wait for an endpoint's rate, and for nothing else" {
  receiver_start
  jq -n --arg url "$(receiver_url /ok)" '{
    limits: {endpoint_rate: "20/s"}, endpoints: {acme: {$url}}}' >wh.json
  for how in --drain --once; do
    for n in 1 2 3 4 5 6 7 8; do
      printf '%s\n' '{"endpoint":"acme"}'
    done | whenqueue
    run -0 whworker "$how" --config wh.json --max-time 60s
    json_is '.event == "completed"'
    [ "$(json .id | wc -l)" = 8 ]
  done
  # A receiver that asks for time, and a job of an hour from now.
  enqueue refused "$(receiver_url '/status/429?retry-after=3600')"
  whworker --drain --config wh.json
  enqueue waits "$(receiver_url /ok)"
  printf '%s\n' '{"delay":"1h","endpoint":"acme"}' | whenqueue
  for how in --drain --once; do
    run -0 whworker "$how" --config wh.json --max-time 60s
    [ "$output" = '' ]
  done
}

@test "NOTIFY_SOCKET hears of readiness, reloading and the end" {
  perl -MSocket -e '
    socket(my $s, PF_UNIX, SOCK_DGRAM, 0) or die; bind($s, sockaddr_un($ARGV[0])) or die;
    $| = 1; while (defined(recv($s, my $m, 4096, 0))) { print "$m\n"; last if $m =~ /STOPPING/ }
  ' notify.sock >told 3>&- &
  listener=$!
  wait_until test -S notify.sock
  export NOTIFY_SOCKET=$PWD/notify.sock
  echo '{"allow_net": ["10.1.2.0/24"]}' >wh.json
  worker_start --config wh.json
  wait_until grep -q '^STATUS=delivering to public addresses and to .*\<10.1.2.0/24' told
  echo '{}' >wh.json
  kill -HUP "$worker_pid"
  wait_until grep -q '^RELOADING=1' told
  stop "$worker_pid"
  wait "$listener"
  grep '^STATUS=' told | tail -n 1 | grep -v 10.1.2.0
  grep -q '^STATUS=.*\<127.0.0.0/8' told
  [ "$(grep -v -e MONOTONIC_USEC -e STATUS= told | tr '\n' ' ')" = 'READY=1 RELOADING=1 READY=1 STOPPING=1 ' ]
}

@test "when nobody reads the lines any more it says so, and ends with 74" {
  receiver_start
  for n in $(seq 300); do
    enqueue "$n" "$(receiver_url /ok)"
  done
  bash -c 'whworker --max-time 60s 2>err; echo $? >status' | head -n 1 >/dev/null
  [ "$(cat status)" = 74 ]
  [ "$(cat err)" = "whworker: stdout: its reader is gone, so nothing more is delivered" ]
  # Whatever was not told is still delivered or still there, once.
  whworker --drain >/dev/null
  [ "$(jq -s 'map(.headers["webhook-id"]) | unique | length' "$receiver_log_file")" = 300 ]
}

# A worker whose lines go to a pipe that is full and that nobody reads, but that may be
# read from by descriptor 8.
stalled_worker_start() {
  receiver_start
  for n in $(seq 20); do
    enqueue "$n" "$(receiver_url /ok)"
  done
  mkfifo lines
  exec 8<>lines
  dd if=/dev/zero of=lines bs=4096 oflag=nonblock 2>/dev/null || :
  background stalled perl -MFcntl -e '
    sysopen(my $lines, "lines", O_WRONLY | eval(shift)) or die;
    open(STDOUT, ">&", $lines) or die;
    exec("whworker", @ARGV)' "${nonblocking:-0}" "$@" 8>&-
  wait_until -t 20 has_delivered_some
}

has_delivered_some() {
  [ "$(whqueue stats | jq -s '.[0].completed')" -gt 0 ]
}

nothing_is_lost_or_repeated() {
  whworker --drain >/dev/null
  [ "$(whqueue stats | jq -s '.[0].completed')" = 20 ]
  [ "$(receiver_count)" = 20 ]
}

@test "a reader that takes nothing keeps nobody longer than the grace" {
  stalled_worker_start --grace 100ms
  kill -TERM "$background_pid"
  wait_until -t 20 has_ended "$background_pid"
  stopped_status=0
  wait "$background_pid" || stopped_status=$?
  [ "$stopped_status" = 74 ]
  [ "$(cat stalled.err)" = 'whworker: stdout: its reader takes nothing, so lines were lost' ]
  exec 8>&-
  nothing_is_lost_or_repeated
}

@test "a second signal does not wait for a reader that takes nothing" {
  stalled_worker_start --grace 1h
  stop_with_two_signals "$background_pid"
  [ "$stopped_status" = 74 ]
  exec 8>&-
  nothing_is_lost_or_repeated
}

@test "a pipe that is full for now and does not block loses no line" {
  nonblocking=O_NONBLOCK stalled_worker_start --drain
  run ! has_ended "$background_pid"
  exec 7<lines 8>&-
  tr -d '\0' <&7 >lines.read
  exec 7<&-
  wait "$background_pid"
  [ "$(jq -r .id lines.read | sort -n | xargs)" = "$(seq 20 | xargs)" ]
}
