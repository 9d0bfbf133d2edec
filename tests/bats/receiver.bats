#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# The other tests stand on the receiver, so it is tested itself.

bats_require_minimum_version 1.5.0
load helper

# Status, curl's exit code and the size of what came.
request() {
  curl -sS -m 5 -o body -w '%{http_code} %{exitcode} %{size_download}' "$@" 2>/dev/null
}

@test "every answer and every failure is what the table says" {
  receiver_start
  while read -r path expected; do
    run request "$(receiver_url "$path")"
    [ "$output" = "$expected" ] || fail "$path: wanted $expected, got $output"
  done <<'END'
/ok 200 0 11
/status/503 503 0 11
/delay/1 200 0 11
/slow-body/1 200 0 100
/big/100000 200 0 100000
/redirect?to=/ok 302 0 0
/close 000 52 0
/reset 000 56 0
/reset-body 200 56 12
/truncate 200 18 12
/invalid 000 1 0
/no-such-behaviour 404 0 11
END
}

@test "query parameters become headers and the body" {
  receiver_start
  run -0 curl -sS -D headers "$(receiver_url '/status/429?Retry-After=7&body=slow+down%21')"
  [ "$output" = 'slow down!' ]
  grep -qi '^retry-after: 7' headers
}

@test "a hanging request is logged before it is answered" {
  receiver_start
  background client curl -sS -m 20 "$(receiver_url /hang)"
  wait_until test -s "$receiver_log_file"
  run ! has_ended "$background_pid"
}

@test "flaky and sequence count for each webhook-id alone" {
  receiver_start
  for id in a b; do
    for expected in 503 503 200 200; do
      run request -H "webhook-id: $id" "$(receiver_url /flaky/2)"
      [ "${output%% *}" = "$expected" ]
    done
    for expected in 503 000 200 200; do
      run request -H "webhook-id: $id" "$(receiver_url /sequence/503,reset,200)"
      [ "${output%% *}" = "$expected" ]
    done
  done
}

@test "a switch does what control last said" {
  receiver_start --switch 'orders=/status/422'
  run request "$(receiver_url /switch/orders)"
  [ "${output%% *}" = 422 ]
  receiver_control orders '/status/429?retry-after=2'
  run -0 curl -sS -o body -w '%{http_code} %header{retry-after}' "$(receiver_url /switch/orders)"
  [ "$output" = '429 2' ]
}

@test "the log holds the exact bytes" {
  receiver_start
  printf '\000\377{"n":1.0}' >bytes
  curl -sS -o /dev/null -H 'X-Twice: 1' -H 'X-Twice: 2' --data-binary @bytes "$(receiver_url '/ok?x=%20')"
  [ "$(receiver_log .url)" = '"/ok?x=%20"' ]
  [ "$(receiver_log '.headers["x-twice"]')" = '"1, 2"' ]
  receiver_log .body_b64 | tr -d '"' | base64 -d | cmp - bytes
  [ "$(receiver_count '.bytes == 11')" = 1 ]
}

@test "one port refuses and one stalls" {
  receiver_start
  run -7 curl -s "$receiver_refusing_url"
  run -28 curl -s --connect-timeout 1 "$receiver_stalled_url"
}

@test "TLS: only the right certificate is taken" {
  certificates
  while read -r name expected; do
    receiver_start --cert "$tls/$name.pem" --key "$tls/$name.key"
    run request --cacert "$tls/ca.pem" "$(receiver_url /ok)"
    [ "$output" = "$expected" ] || fail "$name: wanted $expected, got $output"
  done <<'END'
server 200 0 11
expired 000 60 0
wrong-host 000 60 0
self-signed 000 60 0
END
}

@test "TLS: a client certificate can be demanded" {
  certificates
  receiver_start --cert "$tls/server.pem" --key "$tls/server.key" --client-ca "$tls/ca.pem"
  run request --cacert "$tls/ca.pem" "$(receiver_url /ok)"
  [ "${output%% *}" = 403 ]
  run request --cacert "$tls/ca.pem" --cert "$tls/client.pem" --key "$tls/client.key" \
    "$(receiver_url /ok)"
  [ "${output%% *}" = 200 ]
}

@test "it ends on SIGTERM, at its time and with its parent" {
  receiver_start
  stop "$receiver_pid"
  [ "$stopped_status" = 0 ]
  run -1 "$receiver_program" --max-time 1
  background parent bash -c '"$1" & echo $!; wait' - "$receiver_program"
  wait_until grep -q ' ' parent.out
  stop "$background_pid" KILL
  wait_until has_ended "$(head -n 1 parent.out)"
}

@test "it listens on nothing but loopback" {
  run ! "$receiver_program" --address 0.0.0.0
  [[ $output == *0.0.0.0* ]]
}
