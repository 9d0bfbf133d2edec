# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# What every bats file loads. Each test gets a directory, a store and a home of its own, a
# clean environment, and an end to everything it started in the background.
#
#   background NAME COMMAND…      runs it; $NAME.out and $NAME.err in $BATS_TEST_TMPDIR,
#                                 its id in $background_pid; ended by teardown
#   stop PID [SIGNAL]             ends one and waits for it; its status in $stopped_status
#   wait_until [-t SECONDS] CMD…  polls until CMD succeeds (60 s unless told), else fails
#   receiver_start [OPTION…]      starts tests/receiver; with --cert it speaks HTTPS
#   receiver_url /PATH            its URL; receiver_refusing_url, receiver_stalled_url too
#   receiver_log [FILTER]         what it received, through jq -c
#   receiver_count [FILTER]       how many requests (that the jq filter selects)
#   receiver_control NAME TARGET  what /switch/NAME does from now on
#   spare_port                    sets port: one that no outgoing connection is ever given
#   certificates                  makes $tls/{ca,server,expired,…}.pem
#   enqueue ID URL                one event with that id
#   worker_start [OPTION…]        a whworker in the background, ready; its id in $worker_pid
#   on_terminal COLUMNS WORDS…    a shell runs the words with a terminal of that width
#   answer TYPED WORDS…           the same, and types that once it is asked a question
#   json FILTER                   jq -r over $output (NDJSON); json_is FILTER: jq -e, for
#                                 every line
#   schema_valid NAME             every line of $output is valid by schema/record/NAME
#
# $root is the source tree, $build the build directory; TEST_SANITIZED is set when the
# programs run under a sanitizer or valgrind, whose memory cannot be limited. TEST_SANDBOX=off keeps the
# workers out of their sandbox, where a sanitizer, valgrind or gcov could not do its work.
#
# A test with a setup or teardown of its own calls common_setup and common_teardown.

root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
build=${TEST_BUILD:-$root/.build}
receiver_program=$build/tests/receiver

setup() {
  common_setup
}

teardown() {
  common_teardown
}

common_setup() {
  local name

  for name in $(compgen -e); do
    case $name in
    WH_* | XDG_* | *_proxy | *_PROXY | NO_COLOR | CLICOLOR* | NOTIFY_SOCKET | CURL_* | SSL_CERT_*)
      unset "$name"
      ;;
    esac
  done
  [ -z "${TEST_SANDBOX:-}" ] || export WH_SANDBOX=$TEST_SANDBOX
  export TZ=UTC LC_ALL=C.UTF-8 TERM=dumb
  export HOME="$BATS_TEST_TMPDIR/home"
  export WH_DB="$BATS_TEST_TMPDIR/wh.db"
  export WH_ALLOW_NET=127.0.0.0/8,::1/128 # where the receivers are
  export PATH="${TEST_BIN:-$root/bin}:$PATH"
  export ASAN_OPTIONS="log_path=$BATS_TEST_TMPDIR/sanitizer:exitcode=199:verify_asan_link_order=0"
  export TSAN_OPTIONS="log_path=$BATS_TEST_TMPDIR/sanitizer:exitcode=199:second_deadlock_stack=1"
  export TEST_REPORTS="$BATS_TEST_TMPDIR" # of tests/instruments/memcheck
  export UBSAN_OPTIONS="log_path=$BATS_TEST_TMPDIR/sanitizer:print_stacktrace=1"
  mkdir -p "$HOME"
  cd "$BATS_TEST_TMPDIR" || return 1
  background_pids=()
  background_count=0
}

common_teardown() {
  local pid report failed=0

  for pid in "${background_pids[@]}"; do
    kill -TERM "$pid" 2>/dev/null || :
  done
  for pid in "${background_pids[@]}"; do
    poll_until 5 has_ended "$pid" || kill -KILL "$pid" 2>/dev/null || :
    wait "$pid" 2>/dev/null || :
  done
  for report in "$BATS_TEST_TMPDIR"/sanitizer.*; do
    # Lines between dashes are valgrind's, of a system call that it does not know.
    grep -qv '^--[0-9]*-- ' "$report" || continue
    cat "$report"
    failed=1
  done
  return "$failed"
}

fail() {
  printf '%s\n' "$@" >&2
  return 1
}

background() {
  local name=$1

  shift
  "$@" >"$BATS_TEST_TMPDIR/$name.out" 2>"$BATS_TEST_TMPDIR/$name.err" 3>&- 4>&- &
  background_pid=$!
  background_pids+=("$background_pid")
}

has_ended() {
  local stat

  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
  [[ ${stat##*) } == Z* ]] # a zombie, until it is waited for
}

# shellcheck disable=SC2034 # stopped_status is for the test
stop() {
  kill "-${2:-TERM}" "$1" || return 1
  wait_until has_ended "$1" || return 1
  stopped_status=0
  wait "$1" || stopped_status=$?
}

# poll_until SECONDS COMMAND…
poll_until() {
  local deadline=$((${EPOCHREALTIME/./} + $1 * 1000000))

  shift
  until "$@" >/dev/null 2>&1; do
    [ "${EPOCHREALTIME/./}" -lt "$deadline" ] || return 1
    sleep 0.02
  done
}

wait_until() {
  local seconds=60 # a busy machine's; who succeeds is done sooner

  if [ "$1" = -t ]; then
    seconds=$2
    shift 2
  fi
  poll_until "$seconds" "$@" || fail "still not after $seconds s: $*"
}

# shellcheck disable=SC2034 # the URLs are for the test
receiver_start() {
  local scheme=http name option port refusing stalled

  for option; do
    [ "$option" != --cert ] || scheme=https
  done
  name=receiver$((background_count += 1))
  receiver_log_file=$BATS_TEST_TMPDIR/$name.ndjson
  background "$name" "$receiver_program" \
    --log "$receiver_log_file" --max-time 300 "$@"
  receiver_pid=$background_pid
  wait_until test -s "$BATS_TEST_TMPDIR/$name.out" || return 1
  read -r port refusing stalled <"$BATS_TEST_TMPDIR/$name.out"
  receiver_base=$scheme://127.0.0.1:$port
  receiver_refusing_url=$scheme://127.0.0.1:$refusing/
  receiver_stalled_url=$scheme://127.0.0.1:$stalled/
}

receiver_url() {
  printf '%s%s\n' "$receiver_base" "$1"
}

receiver_log() {
  jq -c "${1:-.}" "$receiver_log_file"
}

receiver_count() {
  jq -n "[inputs | select(${1:-true})] | length" "$receiver_log_file"
}

receiver_control() {
  curl -sSfkG --data-urlencode "$1=$2" -o /dev/null "$receiver_base/control"
}

# Below those that the kernel gives, so nobody is given it between two servers of a test. The
# suites beside us, that might listen there, are in networks of their own (tests/run).
# shellcheck disable=SC2034 # port is for the test
spare_port() {
  local first

  read -r first _ </proc/sys/net/ipv4/ip_local_port_range
  port=$((first - 1 - RANDOM % (first / 2)))
  ! (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || spare_port
}

certificates() {
  tls=$BATS_FILE_TMPDIR/tls
  [ -e "$tls/client.pem" ] || "$root/tests/receiver/certificates" "$tls"
}

enqueue() {
  printf '{"id":"%s","url":"%s","payload":{"n":1}}\n' "$1" "$2" | whenqueue >/dev/null
}

worker_start() {
  local name ready

  name=worker$((background_count += 1))
  ready=$BATS_TEST_TMPDIR/$name.ready
  background "$name" whworker --ready-fd 9 "$@" 9>"$ready"
  worker_pid=$background_pid
  worker_out=$BATS_TEST_TMPDIR/$name.out
  worker_err=$BATS_TEST_TMPDIR/$name.err
  wait_until test -s "$ready" || fail "$(cat "$worker_err")"
}

# The terminal's own echo of our end of file is taken away.
on_terminal() {
  local columns=$1 status=0

  shift
  script -qec "stty -echo cols $columns rows 24; $*" "$BATS_TEST_TMPDIR/typescript" </dev/null >/dev/null ||
    status=$?
  sed -e '1d;$d' -e 's/\^D\x08\x08//g' "$BATS_TEST_TMPDIR/typescript" | tr -d '\r'
  return "$status"
}

# What is typed before the question stands there would be thrown away.
answer() {
  local typed=$1 dialogue=$BATS_TEST_TMPDIR/dialogue pid status=0

  shift
  rm -f "$dialogue" "$dialogue.keys"
  mkfifo "$dialogue.keys"
  exec 7<>"$dialogue.keys" # whoever reads it may have ended
  script -qefc "stty -echo; $*" "$dialogue" <&7 >/dev/null 3>&- 4>&- 7>&- &
  pid=$!
  wait_until has_asked_or_ended "$dialogue" "$pid"
  printf '%s\n' "$typed" >&7
  wait "$pid" || status=$?
  exec 7>&-
  sed '1d;$d' "$dialogue" | tr -d '\r'
  return "$status"
}

has_asked_or_ended() {
  grep -q '\[y/N\]' "$1" || has_ended "$2"
}

json() {
  jq -r "$1" <<<"$output"
}

json_is() {
  jq -es "length > 0 and all(.[]; $1)" <<<"$output" >/dev/null ||
    fail "does not hold: $1" "$output"
}

schema_valid() {
  [ -d "$root/tests/node_modules/ajv" ] || skip "the npm packages of tests/ are not installed"
  node "$root/tests/validate.mjs" "$root/schema/record/$1.schema.json" <<<"$output"
}
