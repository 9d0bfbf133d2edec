# SPDX-License-Identifier: MIT
#
# whworker in its sandbox: that it is in it, that it works there, and how one leaves it.
# What the sandbox forbids is tested from within by tests/unit/sandbox_test.c.

bats_require_minimum_version 1.5.0
load helper

in_sandbox() {
  [ -z "${TEST_SANDBOX:-}" ] || skip "the workers are kept out of it (TEST_SANDBOX=$TEST_SANDBOX)"
}

needs_landlock() {
  in_sandbox
  whworker --sandbox require --drain || skip "this kernel has no Landlock"
}

status_of() {
  sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"
}

@test "a worker runs filtered, without capabilities, and so do its threads" {
  in_sandbox
  worker_start
  for task in /proc/"$worker_pid"/task/*; do
    grep -qx 'Seccomp:.2' "$task/status"
    grep -qx 'NoNewPrivs:.1' "$task/status"
    grep -qx 'CapEff:.0*' "$task/status"
  done
  run -0 ls /proc/"$worker_pid"/task
  [ "${#lines[@]}" -ge 2 ]
}

@test "it delivers there, over TLS, to a name, and reads its configuration again" {
  in_sandbox
  certificates
  receiver_start --cert "$tls/server.pem" --key "$tls/server.key" --client-ca "$tls/ca.pem"
  mkdir etc secrets
  install -m 600 /dev/stdin secrets/token <<<first
  cat >etc/wh.conf <<END
{"endpoints": {"acme": {"url": "https://localhost:${receiver_base##*:}/ok",
  "headers": {"X-Token": {"file": "../secrets/token"}}, "tls":
  {"ca": "$tls/ca.pem", "cert": "$tls/client.pem", "key": "$tls/client.key"}}}}
END
  worker_start --config etc/wh.conf --sandbox auto
  whenqueue --config etc/wh.conf --endpoint acme -d x
  wait_until delivered first
  # Replaced, as an editor or a deployment does it.
  install -m 600 /dev/stdin secrets/new <<<second
  mv secrets/new secrets/token
  cp etc/wh.conf etc/new && mv etc/new etc/wh.conf
  kill -HUP "$worker_pid"
  wait_until enqueued_with second
  stop "$worker_pid"
  [ "$stopped_status" = 0 ]
  [ ! -s "$worker_err" ] || fail "$(cat "$worker_err")"
}

delivered() {
  [ "$(receiver_count ".headers[\"x-token\"] == \"$1\"")" -ge 1 ]
}

enqueued_with() {
  whenqueue --config etc/wh.conf --endpoint acme -d x >/dev/null
  delivered "$1"
}

@test "after it has started it reads settings only where they were" {
  needs_landlock
  mkdir etc elsewhere
  install -m 600 /dev/stdin elsewhere/token <<<sesame
  echo '{}' >etc/wh.conf
  mkdir state
  export WH_DB="$PWD/state/wh.db"
  worker_start --config etc/wh.conf
  echo '{"endpoints": {"acme": {"url": "https://a/", "headers":
    {"X-Token": {"file": "../elsewhere/token"}}}}}' >etc/wh.conf
  kill -HUP "$worker_pid"
  wait_until grep -q 'etc/../elsewhere/token: Permission denied; still working' "$worker_err"
}

@test "--sandbox off, and WH_SANDBOX, leave it out" {
  for off in '--sandbox off' ''; do
    [ -n "$off" ] || export WH_SANDBOX=off
    # shellcheck disable=SC2086 # an option and its argument, or nothing
    worker_start $off
    [ "$(status_of "$worker_pid" Seccomp)" = "$(status_of $$ Seccomp)" ]
    [ "$(status_of "$worker_pid" NoNewPrivs)" = "$(status_of $$ NoNewPrivs)" ]
    stop "$worker_pid"
  done
  run -64 whworker --drain --sandbox maybe
  [ "$output" = "whworker: --sandbox: 'maybe' is none of auto, require, off" ]
}
