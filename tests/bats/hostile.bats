#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# Servers that mean harm (tests/hostile), all at once against one worker: each attempt ends
# within its time-outs and comes to what tests/hostile/expected*.tsv says, each request on the
# wire is one attempt, memory and descriptors stay flat, and who is well is not delayed.

bats_require_minimum_version 1.5.0
load helper

connect_timeout_ms=10000 # ample to deliver to whoever is well, on a busy machine
timeout_ms=15000
slack_ms=10000 # of a busy machine, to run a timer
healthy=100

# The receiver, and a configuration whose endpoints are its behaviours.
hostile_start() {
  certificates
  receiver_start
  background hostile node "$root/tests/hostile/receiver.mjs" --log "$PWD/requests" \
    --tls "$tls"
  hostile_pid=$background_pid
  : >requests
  wait_until grep -q '"ready"' hostile.out
  jq -nc --arg url "$receiver_stalled_url" '{name: "never-accepts", $url}' >>hostile.out
  jq -nc --arg ca "$tls/ca.pem" '[inputs | select(.url != null) | {key: .name,
      value: {url, tls: {$ca}}}] | {endpoints: from_entries}' <hostile.out >wh.json
  head -c 3000000 /dev/zero | tr '\0' a >upload
}

# The table's rows, without its comments.
expected() {
  grep -hv -e '^#' -e '^$' "$root"/tests/hostile/expected*.tsv
}

# enqueue_all ROUND: one job for each behaviour of the table, and $healthy for healthy.
enqueue_all() {
  local name n

  expected | cut -f1 | while read -r name; do
    case $name in
    upload-*)
      jq -nc --arg id "$name/$1" --arg endpoint "$name" --rawfile payload upload \
        '{$id, $endpoint, $payload}'
      ;;
    *) jq -nc --arg id "$name/$1" --arg endpoint "$name" '{$id, $endpoint, payload: 1}' ;;
    esac
  done
  for ((n = 2; n <= healthy; n++)); do
    printf '{"id":"healthy/%s.%s","endpoint":"healthy","payload":1}\n' "$1" "$n"
  done
}

# The first attempts of a round, as the worker printed them.
attempts() {
  jq -c --arg round "/$1" 'select((.id // "" | endswith($round)) and .attempt == 1)' "$worker_out"
}

round_done() {
  [ "$(attempts "$1" | wc -l)" = "$(expected | wc -l)" ]
}

memory_kib() {
  awk -v field="$1:" '$1 == field { print $2 }' "/proc/$worker_pid/status"
}

descriptors() {
  find "/proc/$worker_pid/fd" -mindepth 1 | wc -l
}

# Compares each attempt of a round with the table; prints what does not hold.
compare() {
  attempts "$1" | jq -r '[(.endpoint), .outcome, .error_type // "-", .status // "-",
    .rule // "-", .phases.total_ms, .reason // ""] | @tsv' | sort >found
  expected | sort >wanted
  join -t $'\t' -j 1 -a 1 wanted found | awk -F '\t' -v connect_ms="$connect_timeout_ms" \
    -v total_ms="$timeout_ms" -v slack_ms="$slack_ms" '
    function wrong(what) { print $1 ": " what ": " $0; failed = 1 }
    NF < 11 { wrong("no attempt"); next }
    $7 !~ "^(" $2 ")$" { wrong("outcome") }
    $3 != $8 { wrong("error type") }
    $9 !~ "^(" $4 ")$" { wrong("status") }
    $10 !~ "^(" $5 ")$" { wrong("rule") }
    $11 > total_ms + slack_ms { wrong("too late") }
    $6 == "itself" && $11 >= total_ms { wrong("only by the time-out") }
    $6 == "total" && $11 < total_ms - 100 { wrong("too early") }
    $6 == "connect" && ($11 < connect_ms || $11 >= total_ms) { wrong("not the time to connect") }
    END { exit failed }'
}

# How many lines for healthy jobs of a round came behind the first time-out of it.
delayed() {
  jq -n --arg round "/$1" '[inputs | select((.id // "") | test("^[^/]*" + $round))] |
    (map(.rule == "curl-28") | index(true)) as $first |
    [.[$first:][] | select(.endpoint == "healthy")] | length' "$worker_out"
}

# run_round ROUND: all of the table and all that is well, until each had its first attempt.
run_round() {
  enqueue_all "$1" >events
  whenqueue --config wh.json <events >/dev/null
  wait_until round_done "$1"
}

# Requests of one attempt, beyond the first. Over HTTP/2, where ids are packed: what was asked
# for more often than it was attempted.
resent() {
  jq -sr --slurpfile lines "$worker_out" '
    ($lines | map(select(.attempt != null)) | group_by(.endpoint) |
      map({(.[0].endpoint): length}) | add) as $attempts |
    (group_by([.id, .attempt])[] | select(.[0].id != null and length > 1) | .[0].id),
    (map(select(.id == null and .said == null)) | group_by(.name)[] |
      select(length > $attempts[.[0].name]) | .[0].name)' requests
}

# Requests that no line of the worker accounts for.
unaccounted() {
  jq -rs --slurpfile lines "$worker_out" '
    (reduce $lines[] as $l ({}; .["\($l.id) \($l.attempt)"] = true)) as $attempts |
    .[] | select(.id != null) | "\(.id) \(.attempt)" | select($attempts[.] | not)' requests
}

figure() {
  printf '# figure: %s\n' "$*" >&3
}

@test "whatever a server does: the right failure in time, nobody else delayed" {
  hostile_start
  worker_start --config wh.json -c 300 --connect-timeout "${connect_timeout_ms}ms" \
    --timeout "${timeout_ms}ms"
  run_round one
  # A sanitizer looks at what the worker reads; it makes it too slow for the table's times.
  if [ -z "${TEST_SANITIZED:-}" ]; then
    compare one
    [ "$(delayed one)" = 0 ]
  fi
  figure "$(expected | wc -l) behaviours, $(jq -s length "$worker_out") attempts," \
    "peak $(memory_kib VmHWM) KiB, $(descriptors) descriptors"
  stop "$worker_pid"
  [ "$stopped_status" = 0 ]
  figure "requests sent again within an attempt: $(resent | wc -l)" "$(resent | xargs)"
  [ -z "$(resent)" ]
  [ -z "$(unaccounted)" ]
}

# One attempt for each of the table, of jobs that have no second one, so that nothing of a
# round is in flight when it is over.
run_single_round() {
  enqueue_all "$1" | jq -c '. + {max_attempts: 1}' >events
  whenqueue --config wh.json <events >/dev/null
  wait_until round_done "$1"
}

descriptors_back_to() {
  [ "$(descriptors)" -le "$1" ]
}

@test "round after round: memory and descriptors stay what they were" {
  local before warm

  hostile_start
  echo little >upload # what a request takes while it is in flight is not the subject
  worker_start --config wh.json -c 300 --connect-timeout 500ms --timeout 1500ms
  send healthy
  before=$(descriptors)
  for round in one two; do run_single_round "$round"; done
  warm=$(memory_kib VmRSS)
  for round in three four five; do run_single_round "$round"; done
  figure "resident $warm KiB after two rounds, $(memory_kib VmRSS) KiB after five"
  # A leak of 7 KiB in an attempt would show; a handle keeps its last few TLS sessions.
  [ "$(memory_kib VmRSS)" -lt $((warm + 5000)) ] || [ -n "${TEST_SANITIZED:-}" ]
  # What was kept is closed, though there is nothing to send any more.
  wait_until descriptors_back_to "$before"
}

# attempt_of ID [N]: what the worker printed for it.
attempt_of() {
  jq -c --arg id "$1" --argjson n "${2:-1}" 'select(.id == $id and .attempt == $n)' "$worker_out"
}

has_attempt() {
  [ -n "$(attempt_of "$@")" ]
}

# send NAME: the next job for a behaviour, until its attempt is over.
send() {
  sent=$((${sent:-0} + 1))
  printf '{"id":"%s/%s","endpoint":"%s","payload":1}\n' "$1" "$sent" "$1" |
    whenqueue --config wh.json >/dev/null
  wait_until has_attempt "$1/$sent" || return 1
  attempt_of "$1/$sent" | tee attempt
}

@test "a kept connection that was closed costs nothing" {
  hostile_start
  worker_start --config wh.json -c 1 --timeout 5s
  for name in kept-closed kept-said-close; do
    for n in 1 2 3; do
      send "$name"
      jq -e '.outcome == "completed"' attempt
    done
  done
  [ -z "$(resent)" ]
}

@test "a request that a kept connection took along is sent again as an attempt that counts" {
  hostile_start
  worker_start --config wh.json -c 1 --timeout 5s --jitter 0
  for name in kept-closed-on-request kept-reset-on-request; do
    send "$name"
    jq -e '.outcome == "completed"' attempt
    send "$name"
    jq -e '.outcome == "retry" and .error_type == "network" and .rule == "curl-52" and
      .delay_ms == 2000' attempt
    wait_until has_attempt "$name/$sent" 2
    attempt_of "$name/$sent" 2 | jq -e '.outcome == "completed"'
    [ "$(jq -c --arg id "$name/$sent" 'select(.id == $id).attempt' requests | xargs)" = '1 2' ]
  done
}

@test "that a request was refused unread says nothing about the handle's next ones" {
  local name

  hostile_start
  worker_start --config wh.json -c 1 --timeout 5s
  for name in h2-refused h2-refused close-after-request upload-close; do send "$name"; done
  [ -z "$(resent)" ]
}

@test "what a server says unasked is never the answer to the next request" {
  hostile_start
  worker_start --config wh.json -c 1 --timeout 5s
  for name in kept-second-answer kept-timeout-notice; do
    send "$name"
    jq -e '.outcome == "completed"' attempt
    wait_until grep -q "\"said\":\"$name\"" requests
    send "$name"
    jq -e '.outcome == "completed" and .snippet == "fine"' attempt
  done
  for name in kept-second-answer-at-once kept-second-answer-behind-much; do
    send "$name"
    jq -e '.outcome == "completed"' attempt
    send "$name"
    jq -e '.outcome == "completed" and .snippet == "fine"' attempt
  done
}

# named NAME: a job for that name at the receiver's port
named() {
  jq -nc --arg id "$1" --arg url "http://$1:${receiver_base##*:}/ok" '{$id, $url, payload: 1}'
}

@test "a name server that does not answer delays nobody, and not the end either" {
  local n

  receiver_start
  printf 'silent%s.test never\n' {1..20} >hosts
  printf 'well.test 127.0.0.1\n' >>hosts
  WH_TEST_HOSTS=$PWD/hosts LD_PRELOAD=$build/tests/resolver.so \
    ASAN_OPTIONS=$ASAN_OPTIONS:verify_asan_link_order=0 worker_start -c 50 \
    --connect-timeout 10s --timeout 40s --grace 1s
  for n in {1..20}; do named "silent$n.test"; done | whenqueue >/dev/null
  wait_until grep -q silent hosts.log
  named well.test | whenqueue >/dev/null
  wait_until has_attempt silent1.test
  jq -e '.event == "completed"' <<<"$(attempt_of well.test)"
  [ "$(jq -r .id "$worker_out" | head -n 1)" = well.test ]
  attempt_of silent1.test | jq -e '.error_type == "network" and .rule == "curl-28" and
    .phases.total_ms >= 9900 and .phases.total_ms < 30000'
  # They are looked up again by now, or will be, and the first look-ups are still under way.
  stop "$worker_pid"
}

threads() {
  awk '$1 == "Threads:" { print $2 }' "/proc/$worker_pid/status"
}

all_attempted() {
  [ "$(jq -r 'select(.attempt == 1).id' "$worker_out" | wc -l)" = "$1" ]
}

@test "look-ups that nobody answers do not pile up" {
  local n slots=20 names=200

  receiver_start
  for ((n = 1; n <= names; n++)); do echo "silent$n.test never"; done >hosts
  echo 'well.test 127.0.0.1' >>hosts
  WH_TEST_HOSTS=$PWD/hosts LD_PRELOAD=$build/tests/resolver.so \
    ASAN_OPTIONS=$ASAN_OPTIONS:verify_asan_link_order=0 worker_start -c "$slots" \
    --connect-timeout 200ms --timeout 20s --grace 1s
  for ((n = 1; n <= names; n++)); do named "silent$n.test"; done | whenqueue >/dev/null
  wait_until all_attempted "$names"
  figure "$names names without an answer, $(wc -l <hosts.log) looked up, $(threads) threads"
  # Sixty-four left behind, those of the slots, and a few that a worker has anyway.
  [ "$(threads)" -le $((64 + slots + 8)) ]
  [ "$(wc -l <hosts.log)" -le $((64 + slots + 8)) ]
  # Who was not looked up has waited as long as who was.
  jq -se 'map(select(.attempt == 1)) | all(.[]; .rule == "curl-28" and
    .phases.total_ms >= 190 and .phases.total_ms < 20000)' "$worker_out"
  stop "$worker_pid"
}

# The soft limit that most systems have: less than those look-ups take.
@test "look-ups that nobody answers do not use up the descriptors of others" {
  local n names=500

  [ "$(ulimit -Hn)" = unlimited ] || [ "$(ulimit -Hn)" -ge 3000 ] ||
    skip "the limit on open files is too low"
  ulimit -Sn 1024
  receiver_start
  for ((n = 1; n <= names; n++)); do echo "silent$n.test never"; done >hosts
  WH_TEST_HOSTS=$PWD/hosts LD_PRELOAD=$build/tests/resolver.so \
    ASAN_OPTIONS=$ASAN_OPTIONS:verify_asan_link_order=0 worker_start -c 900 \
    --connect-timeout 10m --timeout 10m --grace 1ms
  enqueue first "$(receiver_url /ok)"
  wait_until has_attempt first
  for ((n = 1; n <= names; n++)); do named "silent$n.test"; done | whenqueue >/dev/null
  wait_until looked_up "$names"
  figure "$(descriptors) descriptors while $names names are looked up"
  [ "$(descriptors)" -gt $((3 * names)) ]
  jq -nc --arg url "$(receiver_url /delay/500)" \
    'range(100) | {id: "well\(.)", $url, payload: .}' | whenqueue >/dev/null
  wait_until has_attempts 101
  jq -se 'map(select(.rule != "curl-28")) | all(.[]; .event == "completed")' "$worker_out"
  stop "$worker_pid"
}

looked_up() {
  [ "$(wc -l <hosts.log)" -ge "$1" ]
}

has_attempts() {
  [ "$(jq -r 'select(.id | startswith("silent") | not).id' "$worker_out" | sort -u | wc -l)" -ge "$1" ]
}
