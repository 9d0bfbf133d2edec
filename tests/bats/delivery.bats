#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# What arrives at the receiver, and what never leaves.

bats_require_minimum_version 1.5.0
load helper

clock=2026-03-01T12:00:00.000Z

@test "a JSON payload arrives byte for byte" {
  receiver_start
  printf '%s\n' '{"url":"'"$(receiver_url /ok)"'","payload":{ "b" : 1.50,"a":1e2, "u":"\u00e9é" }}' |
    whenqueue
  run -0 whworker --drain
  json_is '.event == "completed" and .status == 200 and .attempt == 1'
  [ "$(jq -r .body "$receiver_log_file")" = '{ "b" : 1.50,"a":1e2, "u":"\u00e9é" }' ]
}

@test "a raw body arrives byte for byte, whatever is in it" {
  receiver_start
  head -c 300000 /dev/urandom >body
  whenqueue --raw --url "$(receiver_url /ok)" --header 'Content-Type: application/x-thing' <body
  run -0 whworker --drain
  json_is '.event == "completed"'
  jq -r .body_b64 "$receiver_log_file" | base64 -d | cmp - body
  [ "$(receiver_count '.headers["content-type"] == "application/x-thing"')" = 1 ]
  [ "$(receiver_count '.headers | has("expect") or has("accept-encoding")')" = 0 ]
}

@test "every delivery says which event, when, and which attempt" {
  receiver_start
  export WH_TEST_CLOCK=$clock
  printf '%s\n' '{"id":"evt_a","url":"'"$(receiver_url /flaky/1)"'","payload":{}}' | whenqueue
  whworker --drain --jitter 0
  WH_TEST_CLOCK=2026-03-01T12:00:05.000Z whworker --drain --jitter 0
  run -0 jq -c '.headers | [.["webhook-id"],.["webhook-timestamp"],.["webhook-attempt"],
    .["content-type"]]' "$receiver_log_file"
  [ "${lines[0]}" = '["evt_a","1772366400","1","application/json"]' ]
  [ "${lines[1]}" = '["evt_a","1772366405","2","application/json"]' ]
  [ "$(receiver_count '.headers["user-agent"] | test("^whtools/[0-9]")')" = 2 ]
}

@test "the record's headers beat the endpoint's, which beat the defaults" {
  receiver_start
  install -m 600 /dev/stdin token <<<sesame
  cat >wh.json <<END
{"endpoints": {"acme": {"url": "$(receiver_url /ok)", "headers":
  {"X-One": "endpoint", "X-Two": "endpoint", "Content-Type": "text/plain",
   "Authorization": {"file": "token"}}}}}
END
  printf '%s\n' '{"endpoint":"acme","payload":1,"headers":{"x-one":"record","X-Empty":""}}' |
    whenqueue --config wh.json
  run -0 whworker --drain --config wh.json
  json_is '.event == "completed" and .endpoint == "acme"'
  run -0 receiver_log '.headers | [.["x-one"],.["x-two"],.["content-type"],.authorization,.["x-empty"]]'
  [ "$output" = '["record","endpoint","text/plain","sesame",""]' ]
}

@test "methods are sent as given, and without a body nothing is sent" {
  receiver_start
  for method in GET HEAD DELETE OPTIONS PUT PATCH POST PURGE; do
    printf '%s\n' '{"method":"'"$method"'","url":"'"$(receiver_url /ok)"'"}' | whenqueue
  done
  printf '%s\n' '{"method":"DELETE","url":"'"$(receiver_url /ok)"'","payload":{"n":1}}' | whenqueue
  run -0 whworker --drain -c 1
  json_is '.event == "completed"'
  run -0 receiver_log '[.method,.bytes,.headers["content-length"]]'
  diff <(printf '%s\n' "$output") - <<'END'
["GET",0,null]
["HEAD",0,null]
["DELETE",0,null]
["OPTIONS",0,null]
["PUT",0,"0"]
["PATCH",0,"0"]
["POST",0,"0"]
["PURGE",0,null]
["DELETE",7,"7"]
END
}

@test "a path is sent as it is written" {
  receiver_start
  printf '%s\n' '{"url":"'"$receiver_base"'/ok/../ok?a=%2F&b=","payload":1}' | whenqueue
  run -0 whworker --drain
  [ "$(jq -r .url "$receiver_log_file")" = '/ok/../ok?a=%2F&b=' ]
}

@test "each request goes where its record says, whatever the one before it was" {
  receiver_start
  # More than are remembered, some of them again and again, in turn.
  jq -nc --arg url "$receiver_base/ok?" 'range(600) |
    {id: "evt_\(.)", url: "\($url)\(if . % 2 == 0 then . else . % 7 end)", payload: .}' |
    whenqueue >/dev/null
  run -0 --separate-stderr whworker --drain -c 3
  [ "$(grep -c '"event":"completed"' <<<"$output")" -eq 600 ]
  receiver_log 'select(.url != "/ok?\(.headers["webhook-id"][4:] | tonumber |
    if . % 2 == 0 then . else . % 7 end)")' >astray
  [ ! -s astray ]
  [ "$(receiver_count)" -eq 600 ]
}

@test "who we are is said once, by the record if it does" {
  receiver_start
  printf '%s\n' '{"url":"'"$(receiver_url /ok)"'","headers":{"user-agent":"mine/1"}}' \
    '{"url":"'"$(receiver_url /ok)"'"}' '{"url":"'"$(receiver_url /ok)"'","headers":{"User-Agent":""}}' |
    whenqueue
  whworker --drain -c 1
  run -0 receiver_log '.headers["user-agent"] | sub("(?<name>whtools/).*"; .name)'
  diff <(printf '%s\n' "$output") - <<'END'
"mine/1"
"whtools/"
""
END
}

@test "a redirect is an answer, not an instruction" {
  receiver_start
  printf '%s\n' '{"url":"'"$(receiver_url "/redirect?to=$receiver_base/ok")"'","payload":1}' | whenqueue
  run -0 whworker --drain
  json_is '.status == 302 and .event != "completed"'
  [ "$(receiver_count)" = 1 ]
}

@test "proxies of the environment are not used" {
  receiver_start
  printf '%s\n' '{"url":"'"$(receiver_url /ok)"'","payload":1}' | whenqueue
  http_proxy=$receiver_refusing_url all_proxy=$receiver_refusing_url run -0 whworker --drain
  json_is '.event == "completed"'
}

@test "of a response only the first bytes are kept, and not all are read" {
  receiver_start
  for path in /big/100000 /endless '/status/200?body=short'; do
    printf '%s\n' '{"url":"'"$(receiver_url "$path")"'","payload":1}' | whenqueue
  done
  run -0 whworker --drain -c 1 --timeout 20s
  json_is '.event == "completed" and .phases.total_ms < 20000'
  [ "$(json '.snippet | length' | tr '\n' ' ')" = '1024 1024 5 ' ]
}

@test "a 2xx whose body breaks off is a transport failure" {
  receiver_start
  for path in /truncate /reset-body; do
    printf '%s\n' '{"url":"'"$(receiver_url "$path")"'","payload":1}' | whenqueue
  done
  run -0 whworker --drain
  json_is '.event == "retry" and .status == 200 and .error_type == "network"'
}

@test "TLS: a private authority works, with a client certificate too" {
  certificates
  receiver_start --cert "$tls/server.pem" --key "$tls/server.key" --client-ca "$tls/ca.pem"
  cat >wh.json <<END
{"endpoints": {"acme": {"url": "$(receiver_url /ok)", "tls":
  {"ca": "$tls/ca.pem", "cert": "$tls/client.pem", "key": "$tls/client.key"}}}}
END
  printf '%s\n' '{"endpoint":"acme","payload":1}' | whenqueue --config wh.json
  run -0 whworker --drain --config wh.json
  json_is '.event == "completed" and .phases.tls_ms > 0'
}

# The receiver answers whom it does not know with 403. One delivery at a time, so that the
# connection of the one before is there to be used again.
@test "TLS: the client certificate of one endpoint serves no other, on the same host and port" {
  certificates
  receiver_start --cert "$tls/server.pem" --key "$tls/server.key" --client-ca "$tls/ca.pem"
  jq -n --arg url "$(receiver_url /ok)" --arg ca "$tls/ca.pem" --arg cert "$tls/client.pem" \
    --arg key "$tls/client.key" '{endpoints: {
      known: {$url, tls: {$ca, $cert, $key}}, unknown: {$url, tls: {$ca}}}}' >wh.json
  for n in 1 2 3; do
    printf '{"id":"%s-%d","endpoint":"%s","payload":1}\n' known $n known unknown $n unknown
  done | whenqueue --config wh.json
  run -0 whworker --drain -c 1 --config wh.json
  json_is '(.event == "completed") == (.id | startswith("known"))'
  [ "$(receiver_count)" -ge 3 ]
  [ "$(json 'select(.id | startswith("unknown")).status' | sort -u)" = 403 ]
}

@test "TLS: the client certificate and authority of an endpoint go to its own origin only" {
  certificates
  receiver_start --cert "$tls/server.pem" --key "$tls/server.key" --client-ca "$tls/ca.pem"
  jq -n --arg ca "$tls/ca.pem" --arg cert "$tls/client.pem" --arg key "$tls/client.key" \
    '{endpoints: {acme: {url: "https://acme.invalid/", tls: {$ca, $cert, $key}}}}' >wh.json
  printf '{"endpoint":"acme","url":"%s","payload":1}\n' "$(receiver_url /ok)" | whenqueue
  run -0 whworker --drain --config wh.json
  json_is '.event != "completed" and .status == null'
  [ "$(receiver_count)" = 0 ]
  sed "s,https://acme.invalid/,$receiver_base/," wh.json >own.json
  printf '{"endpoint":"acme","url":"%s","payload":1}\n' "$(receiver_url /ok)" | whenqueue
  run -0 whworker --drain --config own.json
  json_is '.event == "completed"'
}

# What was judged is what is used: nobody opens the names again behind our back.
@test "TLS: the files that were read at the start are used, whatever their names mean by now" {
  certificates
  spare_port
  receiver_start --cert "$tls/server.pem" --key "$tls/server.key" --client-ca "$tls/ca.pem" \
    --port "$port"
  mkdir own
  cp "$tls"/{ca.pem,client.pem,client.key} own
  cat >wh.json <<END
{"endpoints": {"acme": {"url": "$(receiver_url /ok)", "tls":
  {"ca": "own/ca.pem", "cert": "own/client.pem", "key": "own/client.key"}}}}
END
  worker_start --config wh.json
  rm own/*
  printf '%s\n' '{"endpoint":"acme","payload":1}' | whenqueue --config wh.json
  wait_until test -s "$worker_out"
  run -0 cat "$worker_out"
  json_is '.event == "completed"'
  kill -HUP "$worker_pid"
  wait_until grep -q 'own/.*: No such file or directory; still working with the old' "$worker_err"
  stop "$receiver_pid" # and with it the connection
  receiver_start --cert "$tls/server.pem" --key "$tls/server.key" --client-ca "$tls/ca.pem" \
    --port "$port"
  printf '%s\n' '{"endpoint":"acme","payload":2}' | whenqueue --config wh.json
  wait_until delivered_again
}

delivered_again() {
  [ "$(jq -s 'map(select(.event == "completed")) | length' "$worker_out")" = 2 ]
}

# deliver N: job N, of one attempt, and its line in $output
deliver() {
  printf '{"id":"job%s","endpoint":"acme","payload":1,"max_attempts":1}\n' "$1" |
    whenqueue --config wh.json >/dev/null
  wait_until grep -q "\"id\":\"job$1\"" "$worker_out"
  output=$(grep "\"id\":\"job$1\"" "$worker_out")
}

@test "TLS: after a HUP the new authority and the new certificate count, on a kept connection too" {
  certificates
  receiver_start --cert "$tls/server.pem" --key "$tls/server.key" --client-ca "$tls/ca.pem"
  cp "$tls"/{ca.pem,client.pem,client.key} .
  cat >wh.json <<END
{"endpoints": {"acme": {"url": "$(receiver_url /ok)", "tls":
  {"ca": "ca.pem", "cert": "client.pem", "key": "client.key"}}}}
END
  worker_start --config wh.json -c 1
  deliver 1
  json_is '.event == "completed" and .phases.tls_ms > 0'
  deliver 2
  json_is '.event == "completed" and (.phases | has("tls_ms") | not)' # kept
  cp "$tls/other-ca.pem" ca.pem
  kill -HUP "$worker_pid"
  deliver 3
  json_is '.event == "dead" and .rule == "curl-60"'
  cp "$tls/ca.pem" ca.pem
  kill -HUP "$worker_pid"
  deliver 4
  json_is '.event == "completed"'
  cp "$tls/other-client.pem" client.pem
  cp "$tls/other-client.key" client.key
  kill -HUP "$worker_pid"
  deliver 5
  json_is '.status == 403 and .phases.tls_ms > 0' # what the receiver says to whom it does not know
  [ "$(receiver_log 'select(.headers["webhook-id"] == "job3")')" = '' ]
}

@test "TLS: what cannot be verified is refused before anything is sent" {
  certificates
  for name in expired wrong-host self-signed; do
    receiver_start --cert "$tls/$name.pem" --key "$tls/$name.key"
    cat >wh.json <<END
{"endpoints": {"acme": {"url": "$(receiver_url /ok)", "tls": {"ca": "$tls/ca.pem"}}}}
END
    printf '%s\n' '{"endpoint":"acme","payload":1}' | whenqueue --config wh.json
    run -0 whworker --once --config wh.json
    json_is '.event != "completed" and (has("status") | not) and .error_type == "network"'
    [ "$(receiver_count)" = 0 ]
  done
}

# acme_configured: wh.json has the endpoint, and a job for it is in the queue
acme_configured() {
  printf '%s\n' '{"endpoints":{"acme":{"url":"'"$(receiver_url /ok)"'"}}}' >wh.json
  printf '%s\n' '{"id":"a1","endpoint":"acme","payload":1}' | whenqueue --config wh.json
}

@test "jobs of an endpoint that is not in the configuration wait, and it is said once" {
  receiver_start
  acme_configured
  printf '%s\n' '{"endpoint":"acme","payload":2}' '{"endpoint":"acme","payload":3}' \
    '{"url":"'"$(receiver_url /ok)"'"}' | whenqueue
  run -1 --separate-stderr whworker --drain
  [ "$stderr" = 'whworker: endpoint "acme" is not in the configuration: its jobs wait' ]
  [ "$(json .event | sort | tr '\n' ' ')" = "completed unconfigured " ]
  schema_valid event
  [ "$(json 'select(.event == "unconfigured").endpoint')" = acme ]
  run -1 --separate-stderr whworker --once
  [[ $stderr == *'"acme" is not in the configuration'* ]]
  run -0 whqueue list --endpoint acme -o ndjson
  json_is '.state == "waiting" and .attempts_made == 0'
  run -0 whworker --drain --config wh.json
  json_is '.event == "completed" and .attempt == 1'
  [ "$(receiver_count)" = 4 ]
}

@test "endpoints, stats and doctor say that an endpoint is not in the configuration" {
  receiver_start
  acme_configured
  run -0 whqueue doctor -o ndjson
  whworker --drain || :
  run -0 whqueue endpoints -o ndjson
  schema_valid endpoint
  json_is 'has("unconfigured_since")'
  run -0 whqueue stats -o ndjson
  schema_valid stats
  [ "$(json 'select(has("unconfigured_since")).endpoint')" = acme ]
  run -0 whqueue stats -o table
  [[ $output == *"not in the worker's configuration"* ]]
  run -1 whqueue doctor -o ndjson
  [[ $(json 'select(.check == "endpoints").finding') == *'jobs wait for "acme"'* ]]
  whworker --drain --config wh.json
  run -0 whqueue endpoints -o ndjson
  json_is 'has("unconfigured_since") | not'
}

# idles PID: it spends no processor time for a while
idles() {
  local before after

  before=$(cut -d ' ' -f 14-15 "/proc/$1/stat")
  sleep 0.3
  after=$(cut -d ' ' -f 14-15 "/proc/$1/stat")
  [ "$before" = "$after" ]
}

@test "a HUP with the endpoint in the configuration sends its jobs, without a busy wait" {
  receiver_start
  acme_configured
  mv wh.json full.json
  echo '{}' >wh.json
  worker_start --config wh.json
  wait_until grep -q unconfigured "$worker_out"
  printf '%s\n' '{"endpoint":"acme","payload":2}' | whenqueue
  whqueue expedite --all --yes
  wait_until idles "$worker_pid"
  mv full.json wh.json
  kill -HUP "$worker_pid"
  wait_until grep -q completed "$worker_out"
  wait_until eval '[ "$(receiver_count)" = 2 ]'
  [ "$(grep -c unconfigured "$worker_out")" = 1 ]
}

@test "a worker that knows the endpoint takes what another had to leave" {
  receiver_start
  acme_configured
  worker_start
  wait_until grep -q unconfigured "$worker_out"
  run -0 whworker --drain --config wh.json
  json_is '.event == "completed"'
  stop "$worker_pid"
}

@test "connections are kept and used again" {
  receiver_start
  for n in 1 2 3 4 5; do
    printf '%s\n' '{"url":"'"$(receiver_url /ok)"'","payload":'$n'}'
  done | whenqueue
  run -0 whworker --drain -c 1
  [ "$(jq -s 'map(.client_port) | unique | length' "$receiver_log_file")" = 1 ]
  json_is '.peer | startswith("127.0.0.1:")'
}

@test "never more deliveries at a time than asked for" {
  receiver_start
  for n in 1 2 3 4 5 6 7 8 9 10 11 12; do
    printf '%s\n' '{"url":"'"$(receiver_url /delay/100)"'","payload":'$n'}'
  done | whenqueue
  run -0 whworker --drain -c 3
  json_is '.event == "completed"'
  # Sweeping over the starts and ends of all attempts: how many were open at once.
  run -0 jq -sr 'map((.started_at | sub("\\.[0-9]+Z$"; "Z") | fromdate) * 1000 +
      (.started_at[20:23] | tonumber)) as $starts | [., $starts] | transpose |
      map([[.[1], 1], [.[1] + (.[0].phases.total_ms | floor), -1]]) | add | sort |
      reduce .[] as $e ([0, 0]; [.[0] + $e[1], ([.[1], .[0] + $e[1]] | max)]) | .[1]' <<<"$output"
  [ "$output" = 3 ]
}

@test "two workers share the work and deliver each event once" {
  receiver_start
  for n in $(seq 400); do
    printf '%s\n' '{"id":"e'"$n"'","url":"'"$(receiver_url /delay/5)"'","payload":1}'
  done | whenqueue >/dev/null
  background one whworker --drain -c 20
  one=$background_pid
  background two whworker --drain -c 20
  wait "$one" "$background_pid"
  [ "$(receiver_count)" = 400 ]
  [ "$(jq -s 'map(.headers["webhook-id"]) | unique | length' "$receiver_log_file")" = 400 ]
  [ -s one.out ] && [ -s two.out ]
}

@test "a black hole does not take the slots of the others" {
  receiver_start
  for n in $(seq 50); do
    printf '%s\n' '{"url":"'"${receiver_stalled_url}"'","payload":1}'
  done | whenqueue >/dev/null
  worker_start -c 4 --grace 0s --connect-timeout 10m --timeout 10m
  printf '%s\n' '{"id":"good","url":"'"$(receiver_url /ok)"'","payload":1}' | whenqueue
  wait_until grep -q '"id":"good"' "$worker_out"
}
