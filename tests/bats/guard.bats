#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# Which addresses a worker connects to: by default public ones only, so here none at all,
# and what --allow-net, WH_ALLOW_NET and allow_net open.
#
# The table of URLs is fixtures/ssrf-cases.tsv. It is run here, on loopback, and in a
# network namespace where every address is this machine's: there a packet to anywhere
# would arrive, and the kernel counts what it sends. Names are resolved by lib/resolver.c.

bats_require_minimum_version 1.5.0
load helper

setup() {
  common_setup
  unset WH_ALLOW_NET
  export WH_TEST_HOSTS=$BATS_TEST_TMPDIR/hosts
  cp "$root/tests/fixtures/ssrf-hosts" "$WH_TEST_HOSTS"
  inside=()
}

# enqueue ID URL
enqueue() {
  whenqueue --id "$1" --url "$2" --data '{}'
}

# enqueue_to ID ENDPOINT
enqueue_to() {
  whenqueue --id "$1" --endpoint "$2" --data '{}'
}

# listen NAME ADDRESS PORT: tells of each connection in NAME.out; sets port
listen() {
  background "$1" "${inside[@]}" node "$root/tests/lib/listener.mjs" "$2" "$3"
  wait_until grep -q listening "$1.out" || fail "$(cat "$1.err")"
  port=$(jq -s '.[0].listening' "$1.out")
}

# accepted: how many connections all listeners took
accepted() {
  cat ./*.out | grep -c '"accepted"' || :
}

# resolving COMMAND…: names are those of $WH_TEST_HOSTS, and no others
resolving() {
  LD_PRELOAD=$build/tests/resolver.so ASAN_OPTIONS=$ASAN_OPTIONS:verify_asan_link_order=0 \
    "${inside[@]}" "$@"
}

# cases FILTER: the table as JSON, those that the jq filter selects, as cases.ndjson
cases() {
  jq -Rc --arg port "$port" 'select(startswith("#") | not) | split("\t") |
    {id: "line-\(input_line_number)", verdict: .[0], address: .[1],
     url: (.[2] | gsub("PORT"; $port) | "\"\(.)\"" | fromjson),
     here: (.[2] | test("^http:.*PORT"))} |
    select('"$1"')' "$root/tests/fixtures/ssrf-cases.tsv" >cases.ndjson
}

# attempt_cases: queues them, tries each once, and says which came out otherwise
# than the table has it
attempt_cases() {
  jq -c '{id, url, payload: 1}' cases.ndjson | whenqueue >receipts.ndjson 2>refused.txt || [ $? = 65 ]
  resolving whworker --once -c 20 >attempts.ndjson
  jq -n --slurpfile cases cases.ndjson --slurpfile receipts receipts.ndjson \
    --slurpfile attempts attempts.ndjson '
    ($receipts | map({(.id): true}) | add) as $taken |
    ($attempts | map({(.id): .}) | add) as $attempt |
    [$cases[] | . + ($attempt[.id] // {} | {event, dead_reason, reason}) |
      .got = if $taken[.id] | not then "door"
        elif .event == null then "lost"
        elif .dead_reason == "blocked_address" then "blocked"
        elif .event == "completed" then "public"
        else "unsent" end |
      .address as $address | .reason as $reason |
      select(if .verdict == "never" then .got == "public" or .got == "lost"
        else .got != .verdict or (.got == "blocked" and $address != "-" and
          ($reason | startswith($address + " is ") | not)) end)]' >wrong.json
  jq -e '. == []' wrong.json >/dev/null || fail "$(cat wrong.json)"
}

# a_namespace: commands after "${inside[@]}" see no network but one of their own, in which
# every address is this machine's
a_namespace() {
  background holder unshare --map-root-user --net sleep 300
  inside=(nsenter --target "$background_pid" --user --net --preserve-credentials)
  poll_until 5 is_apart || skip "no network namespaces for us here"
  "${inside[@]}" sh -ec 'ip link set lo up
    ip route add local default dev lo
    ip -6 route add local default dev lo'
}

is_apart() {
  [ "$("${inside[@]}" readlink /proc/self/ns/net)" != "$(readlink /proc/self/ns/net)" ]
}

# tcp_count NAME: a counter of the kernel, in the namespace
tcp_count() {
  "${inside[@]}" awk -v name="$1" '$1 == "Tcp:" && !at { for (at = 2; $at != name; at++); next }
    $1 == "Tcp:" { print $at }' /proc/net/snmp
}

# is_printed FILTER: the worker in the background has printed such a line
is_printed() {
  jq -es "any(.[]; $1)" "$worker_out"
}

@test "the line for eyes has room for the way out, whatever the address" {
  enqueue v4 http://127.0.0.1:9/
  enqueue v6 'http://[fd12:3456:789a:1::1]:9/'
  run -0 whworker --drain -o table
  [[ $output == *'--allow-net 127.0.0.1 opens it'* ]]
  [[ $output == *'--allow-net fd12:3456:789a:1::1 opens it'* ]]
}

@test "who meant localhost is told to open both of its addresses" {
  enqueue both http://localhost:9/
  run -0 whworker --drain -o table
  [[ $output =~ --allow-net\ (::1,127.0.0.1|127.0.0.1,::1)\ opens\ it ]]
}

@test "a loopback address is refused, at once and for good, and says how to open it" {
  receiver_start
  enqueue a "$(receiver_url /ok)"
  run -0 whworker --drain
  schema_valid event
  json_is '.event == "dead" and .dead_reason == "blocked_address"'
  json_is '.error_type == "validation" and .category == "VALIDATION" and .rule == "blocked-address"'
  json_is '.reason | startswith("127.0.0.1 is a loopback address; ")'
  json_is '.reason | contains("--allow-net 127.0.0.1 opens it")'
  json_is 'has("peer") or has("status") | not'
  run -0 whdlq list
  schema_valid dead_letter
  json_is '.dead_reason == "blocked_address" and .attempt == 1 and .status == "unresolved"'
  run -0 whdlq show a -o table
  [[ $output == *'gave up     at once: its address may not be connected to'* ]]
  [ "$(receiver_count)" = 0 ]
}

# Opening the first one only would lead to the next refusal.
@test "of a name with several addresses all that were refused are named, to be opened at once" {
  printf 'localhost.test ::1,127.0.0.1\n' >hosts
  enqueue a http://localhost.test:9/
  run -0 resolving whworker --drain
  json_is '.dead_reason == "blocked_address"'
  json_is '.reason | startswith("::1 is a loopback address; --allow-net ::1,127.0.0.1 opens it, ")'
}

@test "an address that was passed over is named if the others do not answer" {
  receiver_start
  printf 'localhost.test ::1,127.0.0.1\n' >hosts
  enqueue a "http://localhost.test:${receiver_base##*:}/ok"
  run -0 resolving whworker --once --allow-net ::1/128
  json_is '.event == "retry" and .error_type == "network"'
  json_is '.reason | endswith("; 127.0.0.1 was passed over as a loopback address: --allow-net 127.0.0.1 opens it")'
  whqueue expedite --all --yes
  run -0 resolving whworker --once --allow-net ::1,127.0.0.1
  json_is '.event == "completed"'
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
  run -0 whdlq retry three --wait --timeout 60s
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

@test "no spelling of a URL reaches this machine" {
  listen ipv4 127.0.0.1 0
  ! grep -q '^0*1 ' /proc/net/if_inet6 || listen ipv6 ::1 "$port"
  cases '.verdict != "public" and
    (.address | test("^(-|::|::1|::ffff:127[.].*|(0|127)[.].*)$"))'
  attempt_cases
  [ "$(accepted)" = 0 ]

  # They would have come: with all that is this machine open, each does.
  whdlq retry --all --yes >retried.ndjson
  resolving whworker --once -c 20 >attempts.ndjson \
    --allow-net 127.0.0.0/8,0.0.0.0/8,::/127,::ffff:127.0.0.0/104
  jq -n --slurpfile cases cases.ndjson --slurpfile attempts attempts.ndjson '
    ($attempts | map({(.id): .event}) | add) as $event |
    [$cases[] | select(.here and .verdict == "blocked" and .address == "127.0.0.1")] as $here |
    {all: $here | length, otherwise: [$here[] | select($event[.id] != "completed")]}' >here.json
  jq -e '.all >= 40 and .otherwise == []' here.json >/dev/null || fail "$(cat here.json)"
  [ "$(accepted)" -gt 0 ]
}

@test "no spelling of a URL sends a packet to where it must not" {
  a_namespace
  listen all :: 0
  cases '.verdict != "public"'
  attempt_cases
  opened=$(tcp_count ActiveOpens) sent=$(tcp_count OutSegs)
  [ "$opened $sent $(accepted)" = '0 0 0' ]

  # They would have arrived: with everything open all do that the kernel has a route for.
  whdlq retry --all --yes >retried.ndjson
  resolving whworker --once -c 20 --allow-net 0.0.0.0/0,::/0 >attempts.ndjson
  jq -n --slurpfile cases cases.ndjson --slurpfile attempts attempts.ndjson '
    ($attempts | map({(.id): .event}) | add) as $event |
    [$cases[] | select(.here and .verdict == "blocked" and
      (.address | test("^(22[4-9]|2[34][0-9]|255|ff|fe[89ab]|-)") | not))] as $here |
    {all: $here | length, otherwise: [$here[] | select($event[.id] != "completed")]}' >here.json
  jq -e '.all >= 150 and .otherwise == []' here.json >/dev/null || fail "$(cat here.json)"
  [ "$(tcp_count ActiveOpens)" -gt 0 ]
  printf '# figure: %d URLs that lead nowhere public: %d connections, %d packets\n' \
    "$(jq -s length cases.ndjson)" "$opened" "$sent" >&3
  printf '# figure: %d of them arrive once everything is open\n' "$(jq .all here.json)" >&3
}

@test "public addresses are delivered to, whatever stands elsewhere in the URL" {
  a_namespace
  listen all :: 0
  cases '.verdict == "public"'
  attempt_cases
  [ "$(accepted)" -ge 5 ]
  jq -s '[.[] | .accepted // empty | sub("^::ffff:"; "")] | unique' all.out >reached.json
  jq -s '[.[].address] | unique' cases.ndjson | diff - reached.json
}

@test "a redirect is not followed, wherever it leads" {
  listen inner 127.0.0.1 0
  receiver_start
  for status in 300 301 302 303 307 308; do
    for to in "http://127.0.0.1:$port/" "http://[::1]:$port/" file:///etc/passwd //169.254.169.254/; do
      printf '{"url":"%s","payload":1}\n' "$(receiver_url "/status/$status?location=$to")"
    done
  done | whenqueue >receipts
  run -0 whworker --drain --allow-net 127.0.0.1
  json_is '.event == "dead" and .status >= 300 and .status < 400 and .error_type == "client"'
  [ "$(accepted) $(receiver_count)" = '0 24' ]
}

@test "no proxy of the environment is used" {
  listen proxy 127.0.0.1 0
  receiver_start
  for name in http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY; do
    export "$name=http://127.0.0.1:$port"
  done
  export NO_PROXY='' no_proxy=''
  enqueue open "$(receiver_url /ok)"
  enqueue closed http://10.0.0.1/
  enqueue closed-tls https://10.0.0.1/
  ALL_PROXY=socks5h://127.0.0.1:$port all_proxy=socks5h://127.0.0.1:$port \
    run -0 whworker --drain --allow-net 127.0.0.1
  [ "$(jq -r '.id + " " + (.dead_reason // .event)' <<<"$output" | sort | tr '\n' ',')" = \
    'closed blocked_address,closed-tls blocked_address,open completed,' ]
  [ "$(accepted) $(receiver_count '.url == "/ok"')" = '0 1' ]
}

@test "a name that resolves to something else the second time is judged anew" {
  receiver_start
  listen elsewhere 127.0.0.2 "${receiver_base##*:}"
  echo 'rebound.test 127.0.0.1 127.0.0.2' >hosts
  echo '{"types": {"server": {"base_delay": "1ms"}}}' >policy.json
  enqueue a "http://rebound.test:$port/status/503"
  export WH_POLICY=$PWD/policy.json
  run -0 resolving whworker --once --allow-net 127.0.0.1
  json_is '.event == "retry" and .status == 503'
  run -0 resolving whworker --drain --allow-net 127.0.0.1
  json_is '.event == "dead" and .dead_reason == "blocked_address" and .attempt == 2'
  json_is '.reason | startswith("127.0.0.2 is a loopback address")'
  [ "$(cat hosts.log)" = $'rebound.test\nrebound.test' ]
  [ "$(accepted) $(receiver_count)" = '0 1' ]
}

@test "a public name that turns into a private one is judged anew" {
  a_namespace
  listen all :: 0
  echo 'rebound.test 93.184.216.34 10.0.0.1,::1' >hosts
  enqueue a "http://rebound.test:$port/"
  enqueue b "http://rebound.test:$port/"
  run -0 resolving whworker --drain -c 1 --max-time 10s
  json_is '.event == "completed"' # both: libcurl asks once in a minute
  enqueue c "http://rebound.test:$port/"
  run -0 resolving whworker --drain
  json_is '.dead_reason == "blocked_address"'
  jq -se '[.[] | .accepted // empty] == ["::ffff:93.184.216.34"]' all.out
}

@test "of several addresses those that are refused are passed over" {
  receiver_start
  local port=${receiver_base##*:} refusing=${receiver_refusing_url##*:}
  cat >hosts <<END
first.test 127.0.0.2,127.0.0.1,::1
last.test 127.0.0.1,127.0.0.2
six.test ::1,127.0.0.1
none.test 127.0.0.2,::1,10.0.0.1
END
  for name in first last six none; do
    enqueue "$name" "http://$name.test:$port/ok"
    enqueue "$name-refusing" "http://$name.test:$refusing"
  done
  run -0 resolving whworker --once --allow-net 127.0.0.1
  [ "$(jq -r '.id + " " + (.dead_reason // .error_type // .event)' <<<"$output" | sort)" = \
    'first completed
first-refusing network
last completed
last-refusing network
none blocked_address
none-refusing blocked_address
six completed
six-refusing network' ]
}
