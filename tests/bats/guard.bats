#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# Which addresses a worker connects to: by default public ones only, so here none at all,
# and what --allow-net, WH_ALLOW_NET and allow_net open.

bats_require_minimum_version 1.5.0
load helper

setup() {
  common_setup
  unset WH_ALLOW_NET
}

# enqueue ID URL
enqueue() {
  whenqueue --id "$1" --url "$2" --data '{}'
}

# enqueue_to ID ENDPOINT
enqueue_to() {
  whenqueue --id "$1" --endpoint "$2" --data '{}'
}

# is_printed FILTER: the worker in the background has printed such a line
is_printed() {
  jq -es "any(.[]; $1)" "$worker_out"
}

@test "a loopback address is refused, at once and for good, and says how to open it" {
  receiver_start
  enqueue a "$(receiver_url /ok)"
  run -0 whworker --drain
  schema_valid event
  json_is '.event == "dead" and .dead_reason == "blocked_address"'
  json_is '.error_type == "validation" and .category == "VALIDATION" and .rule == "blocked-address"'
  json_is '.reason | startswith("127.0.0.1 is a loopback address; ")'
  json_is '.reason | contains("--allow-net 127.0.0.1 (whworker(8))")'
  json_is 'has("peer") or has("status") | not'
  run -0 whdlq list
  schema_valid dead_letter
  json_is '.dead_reason == "blocked_address" and .attempt == 1 and .status == "unresolved"'
  run -0 whdlq show a -o table
  [[ $output == *'gave up     at once: its address may not be connected to'* ]]
  [ "$(receiver_count)" = 0 ]
}

@test "what was refused is delivered after it was opened and sent again" {
  receiver_start
  enqueue a "$(receiver_url /ok)"
  whworker --drain
  run -0 whdlq retry --all --yes
  run -0 whworker --drain --allow-net 127.0.0.1
  json_is '.event == "completed" and .attempt == 2'
  run -0 whdlq list --status resolved
  json_is '.delivered'
}

@test "a policy cannot make it be tried again" {
  receiver_start
  enqueue a "$(receiver_url /ok)"
  cat >policy.json <<END
{"types": {"validation": {"retryable": true, "max_retries": 5, "base_delay": "1s"}},
 "rules": [{"name": "all", "match": {"message": "connect"}, "error_type": "network"}]}
END
  run -0 whworker --drain --policy policy.json
  json_is '.event == "dead" and .dead_reason == "blocked_address"'
}

@test "it is no sign of ill health: no breaker opens" {
  receiver_start
  for n in {1..30}; do
    printf '{"url":"%s","payload":%d}\n' "$(receiver_url /ok)" "$n"
  done | whenqueue >receipts
  run -0 whworker --drain
  [ "$(json .dead_reason | sort | uniq -c | tr -s ' ')" = ' 30 blocked_address' ]
  run -0 whqueue endpoints
  json_is '.breaker == "closed"'
}

@test "--allow-net, WH_ALLOW_NET and allow_net add to each other" {
  receiver_start
  for host in 127.0.0.1 127.0.0.2 127.0.0.3 127.0.0.4; do
    enqueue "$host" "http://$host:${receiver_base##*:}/ok"
  done
  echo '{"allow_net": ["127.0.0.2"]}' >wh.json
  WH_ALLOW_NET=127.0.0.3 run -0 whworker --drain --config wh.json \
    --allow-net 10.0.0.0/8,127.0.0.1 --allow-net ::1
  # The receiver listens on 127.0.0.1 only: elsewhere it is refused by the kernel.
  [ "$(jq -r '.id + " " + (.error_type // .event)' <<<"$output" | sort | tr '\n' ',')" = \
    '127.0.0.1 completed,127.0.0.2 network,127.0.0.3 network,127.0.0.4 validation,' ]
}

@test "a network that is none is named, with where it stands" {
  run -64 --separate-stderr whworker --drain --allow-net 10.0.0.0/8,lan
  [ "$stderr" = "whworker: --allow-net: 'lan' is not a network like 10.0.0.0/8 or fd00::/8" ]
  WH_ALLOW_NET=10.1.2.3/8 run -64 --separate-stderr whworker --drain
  [[ $stderr == "whworker: WH_ALLOW_NET: '10.1.2.3/8' has bits set behind its first 8"* ]]
  printf '{"allow_net": ["10.0.0.0/8",\n"fd00::/129"]}' >wh.json
  run -78 --separate-stderr whworker --drain --config wh.json
  [[ $stderr == "whworker: wh.json: line 2: allow_net[1]: 'fd00::/129': behind the / comes"* ]]
  [ ! -e "$WH_DB" ]
}

@test "SIGHUP closes a network, also to a connection that was kept, and opens it again" {
  receiver_start
  url=$(receiver_url /ok)
  echo '{"allow_net": ["127.0.0.0/8"]}' >wh.json
  worker_start --config wh.json
  enqueue one "$url"
  wait_until is_printed '.id == "one" and .event == "completed"'
  enqueue two "$url"
  wait_until is_printed '.id == "two" and .event == "completed" and .phases.connect_ms == null'
  echo '{"allow_net": []}' >wh.json
  kill -HUP "$worker_pid"
  enqueue three "$url"
  wait_until is_printed '.id == "three" and .dead_reason == "blocked_address"'
  echo '{"allow_net": ["127.0.0.1/32"]}' >wh.json
  kill -HUP "$worker_pid"
  run -0 whdlq retry three --wait --timeout 10s
  json_is '.result == "retrying" or .result == "delivered"'
  wait_until is_printed '.id == "three" and .event == "completed"'
  stop "$worker_pid"
  [ "$(receiver_log '.headers["webhook-id"]' | sort -u | tr '\n' ' ')" = '"one" "three" "two" ' ]
}

@test "what is open to one endpoint is open to its own url alone" {
  receiver_start
  cat >wh.json <<END
{"endpoints": {
  "ours": {"url": "$(receiver_url /ok)", "allow_net": ["127.0.0.1"]},
  "theirs": {"url": "$(receiver_url '/ok?theirs')"}}}
END
  export WH_CONFIG=$PWD/wh.json
  enqueue_to a ours
  enqueue_to b theirs
  enqueue c "$(receiver_url '/ok?url')"
  whenqueue --id d --endpoint ours --url "$(receiver_url '/ok?both')" --data '{}'
  enqueue_to e ours
  run -0 whworker --drain -c 1
  [ "$(jq -r '.id + " " + (.dead_reason // .event)' <<<"$output" | sort | tr '\n' ',')" = \
    'a completed,b blocked_address,c blocked_address,d blocked_address,e completed,' ]
  [ "$(receiver_count)" = 2 ]
}
