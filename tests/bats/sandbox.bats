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

# worker_with_etc COMMANDS: a worker that sees $PWD/etc as /etc, and what else the shell
# commands mount, in a mount namespace of its own
worker_with_etc() {
  background confined unshare --mount sh -ec "mount --bind '$PWD/etc' /etc; $1; exec whworker --config conf/wh.json --ready-fd 9" 9>ready
  worker_pid=$background_pid worker_out=$PWD/confined.out worker_err=$PWD/confined.err
  wait_until test -s ready || fail "$(cat "$worker_err")"
}

# an_etc_of_its_own: a copy of /etc that the test can change
an_etc_of_its_own() {
  needs_landlock
  [ "$(id -u)" = 0 ] || skip "only root can mount, and answer at port 53"
  mkdir etc conf state
  cp -a /etc/. etc/
  rm -f etc/resolv.conf
  mkdir -p etc/ssl/private
  : >etc/ssl/private/key.pem
  echo 'hosts: files dns' >etc/nsswitch.conf
  unshare --mount mount --bind etc /etc || skip "no mount namespaces for us here"
  echo '{}' >conf/wh.json
  export WH_DB="$PWD/state/wh.db"
}

# does_not_read FILE: a configuration that names it is not taken
does_not_read() {
  printf '{"endpoints": {"a": {"url": "https://a/", "tls": {"ca": "%s"}}}}\n' "$1" >conf/wh.json
  kill -HUP "$worker_pid"
  wait_until grep -q "$1: Permission denied; still working with the old" "$worker_err"
}

# resolves_after REPLACE…: names resolve once that command has put `answering` in its place
resolves_after() {
  local url

  background names node "$root/tests/lib/nameserver.mjs" 127.77.0.1 127.0.0.1
  wait_until grep -q listening names.out || fail "$(cat names.err)"
  receiver_start
  url=http://hook.test:${receiver_base##*:}/ok
  whenqueue --url "$url" -d before -o id
  wait_until grep -q '"error_type":"network"' "$worker_out"
  echo 'nameserver 127.77.0.1' >answering
  "$@"
  wait_until queued_and_delivered "$url"
}

queued_and_delivered() {
  whenqueue --url "$1" -d after -o id >/dev/null
  [ "$(receiver_count)" -ge 1 ]
}

@test "where systemd-resolved has the name servers, little of /etc can be read" {
  an_etc_of_its_own
  mkdir resolve
  echo 'nameserver 127.77.0.9' >resolve/stub-resolv.conf
  ln -s ../run/systemd/resolve/stub-resolv.conf etc/resolv.conf
  worker_with_etc "mount -t tmpfs none /run; mkdir -p /run/systemd/resolve; mount --bind '$PWD/resolve' /run/systemd/resolve"
  resolves_after mv answering resolve/stub-resolv.conf
  does_not_read /etc/passwd
  does_not_read /etc/ssl/private/key.pem
}

@test "where the files of /etc are mounted one by one, little of it can be read" {
  an_etc_of_its_own
  echo 'nameserver 127.77.0.9' >resolv
  : >etc/resolv.conf
  cp /etc/hosts hosts
  worker_with_etc "mount --bind resolv /etc/resolv.conf; mount --bind hosts /etc/hosts"
  resolves_after dd if=answering of=resolv conv=notrunc
  does_not_read /etc/passwd
}

@test "where resolv.conf is a file that others may replace, names resolve after that" {
  an_etc_of_its_own
  echo 'nameserver 127.77.0.9' >etc/resolv.conf
  worker_with_etc :
  resolves_after mv answering etc/resolv.conf
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
