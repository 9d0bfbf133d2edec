#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# HTTP/2 where the server has it: against nghttpd, which speaks nothing else.

bats_require_minimum_version 1.5.0
load helper

# At $port, for it does not tell which one it was given.
nghttpd_start() {
  spare_port
  mkdir htdocs
  echo taken >htdocs/hook
  background nghttpd nghttpd -a 127.0.0.1 -d htdocs -v --echo-upload "$port" \
    "$tls/server.key" "$tls/server.pem"
  wait_until curl -sf --cacert "$tls/ca.pem" "https://127.0.0.1:$port/hook"
}

@test "a server that has HTTP/2 gets it, with the bytes as they were given" {
  certificates
  nghttpd_start
  cat >config <<END
{"endpoints": {"modern": {"url": "https://127.0.0.1:$port/hook", "tls": {"ca": "$tls/ca.pem"}}}}
END
  echo '{"id":"h2","endpoint":"modern","payload":{"n":1.0}}' | whenqueue --config config
  run -0 whworker --config config --drain -o ndjson
  json_is '.outcome == "completed" and .status == 200 and .http_version == "2"'
  json_is '.snippet == "{\"n\":1.0}"' # nghttpd echoes what it was sent
  grep -q 'webhook-id: h2' nghttpd.out
}

@test "on a connection that several share, only those may speak that may connect to it" {
  certificates
  nghttpd_start
  cat >config <<END
{"endpoints": {
  "ours": {"url": "https://127.0.0.1:$port/hook", "tls": {"ca": "$tls/ca.pem"},
           "allow_net": ["127.0.0.1"]},
  "theirs": {"url": "https://127.0.0.1:$port/hook", "tls": {"ca": "$tls/ca.pem"}}}}
END
  for n in {1..40}; do
    printf '{"endpoint":"%s","payload":%d}\n' ours "$n" theirs "$n"
  done | whenqueue --config config >receipts
  unset WH_ALLOW_NET
  run -0 whworker --config config --drain -c 20 -o ndjson
  [ "$(jq -r '.endpoint + " " + (.dead_reason // .http_version)' <<<"$output" | sort | uniq -c |
    tr -s ' ' | tr '\n' ',')" = ' 40 ours 2, 40 theirs blocked_address,' ]
}
