# SPDX-License-Identifier: MIT
#
# Where a secret must not turn up: command lines, lines of a worker, listings, messages,
# core files. How listings redact is tested with them, in whdlq.bats and whqueue.bats.

bats_require_minimum_version 1.5.0
load helper

url=http://127.0.0.1:9/

@test "a worker's lines show no secret of a URL, in either format" {
  receiver_start
  whenqueue --url "$(receiver_url '/status/400?x=1&access_token=s3cret#sig=s3cret')" -d x
  whenqueue --url "$(receiver_url '/ok?x=1&access_token=s3cret')" -d x
  run -0 whworker --drain -o ndjson
  [[ $output != *s3cret* && $output == *'/status/400?x=1&access_token=REDACTED#sig=REDACTED"'* ]]
  whdlq retry --all --yes -o id
  run -0 whworker --drain -o table
  [[ $output != *s3cret* ]]
}

# The receivers differ in nothing but their ports.
@test "the headers of an endpoint go to its own origin, and to no URL that a record brings" {
  local own other

  receiver_start
  own=$receiver_base own_log=$receiver_log_file
  receiver_start
  other=$receiver_base
  install -m 600 /dev/stdin token <<<'Bearer s3cret'
  jq -n --arg url "$own/hook" '{endpoints: {acme: {$url, headers: {
    "Authorization": {file: "token"}, "X-Api-Key": "k3y", "Content-Type": "text/plain"}}}}' >wh.json
  whenqueue -o id <<END
{"id": "none", "endpoint": "acme", "payload": 1}
{"id": "same", "endpoint": "acme", "url": "$own/ok", "payload": 1}
{"id": "other", "endpoint": "acme", "url": "$other/ok", "payload": 1}
{"id": "moved", "endpoint": "acme", "url": "$own/redirect?to=$other/ok", "payload": 1}
{"id": "died", "endpoint": "acme", "url": "$other/status/404", "payload": 1}
END
  run -0 whworker --drain --config wh.json
  [ "$(jq -c '[.headers | .["webhook-id"], .authorization, .["x-api-key"], .["content-type"]]' \
    "$own_log" | sort)" = '["moved","Bearer s3cret","k3y","text/plain"]
["none","Bearer s3cret","k3y","text/plain"]
["same","Bearer s3cret","k3y","text/plain"]' ]
  [ "$(receiver_count)" = 2 ]
  run ! grep -q -e s3cret -e k3y -e text/plain "$receiver_log_file"
  [ "$(receiver_count '.headers["content-type"] == "application/json"')" = 2 ]
  run -0 whdlq show died --config wh.json --reveal
  json .curl >by-hand
  sh by-hand
  [ "$(receiver_count)" = 3 ]
  run ! grep -q -e s3cret -e k3y -e text/plain "$receiver_log_file"
}

@test "no message repeats a secret" {
  local line

  for line in 'Authorization s3cret' 'Authori zation: s3cret' $'Authorization: s3cret\r\nX: y'; do
    run -64 whenqueue --url $url -d x --header "$line"
    [[ $output != *s3cret* ]] || fail "$output"
  done
  for line in https://me:s3cret@example.com/ 'https://example.com/?token=s3cret x'; do
    run -64 whenqueue -d x --url "$line"
    [[ $output != *s3cret* ]] || fail "$output"
    run -65 whenqueue <<<"{\"url\": \"$line\"}"
    [[ $output != *s3cret* ]] || fail "$output"
    jq -n --arg line "$line" '{endpoints: {acme: {url: $line}}}' >wh.conf
    run -78 whworker --drain --config wh.conf
    [[ $output != *s3cret* ]] || fail "$output"
  done
  run -65 whenqueue <<<'{"url": "https://example.com/", "headers": {"Cookie": "s3cret\n"}}'
  [[ $output != *s3cret* ]] || fail "$output"
  install -m 600 /dev/stdin token <<<$'s3cret\nX: y'
  echo '{"endpoints": {"a": {"url": "https://a/", "headers": {"Cookie": {"file": "token"}}}}}' >wh.conf
  run -78 whworker --drain --config wh.conf
  [[ $output != *s3cret* && $output == *token* ]] || fail "$output"
}

@test "headers of a file are as those of the command line" {
  printf 'Authorization: Bearer s3cret\r\n\nX-One: 1\n' | install -m 600 /dev/stdin headers
  run -0 --separate-stderr whenqueue --url $url -H @headers -H 'X-Two: 2' -d x -o id
  [ -z "$stderr" ]
  run -0 whqueue list --reveal -o ndjson
  json_is '.headers == {"Authorization": "Bearer s3cret", "X-One": "1", "X-Two": "2"}'
  run -0 --separate-stderr whenqueue --url $url -d x -H @<(echo 'Cookie: s3cret')
  [ -z "$stderr" ]
}

@test "a file of headers that is not there, is wrong or is for all to read" {
  run -66 --separate-stderr whenqueue --url $url -d x -H @nowhere
  [ "$stderr" = "whenqueue: --header: nowhere: No such file or directory" ]
  printf 'X-One: 1\nCookie s3cret\n' | install -m 600 /dev/stdin headers
  run -64 --separate-stderr whenqueue --url $url -d x -H @headers
  [ "$stderr" = "whenqueue: --header: headers: line 2: a header reads 'Name: value'" ]
  chmod 644 headers
  run -77 --separate-stderr whenqueue --url $url -d x -H @headers
  [ "$stderr" = "whenqueue: --header: headers: it holds a secret that other users may read (mode 0644): chmod go-rwx headers" ]
}

command_line() {
  tr '\0' ' ' </proc/"$1"/cmdline
}

shows() {
  [[ $(command_line "$1") == *"$2"* ]]
}

@test "a secret in a command line is warned of, and taken out of it" {
  mkfifo records
  background enqueue whenqueue --url $url -H 'X-Api-Key: s3cret' --header 'X-Tenant: 7' records
  exec 8>records
  wait_until shows "$background_pid" 'X-Api-Key: ******'
  run ! shows "$background_pid" s3cret
  shows "$background_pid" 'X-Tenant: 7'
  echo '{"id": "a"}' >&8
  exec 8>&-
  wait "$background_pid"
  [ "$(cat enqueue.err)" = "whenqueue: --header: X-Api-Key: others can read a command line; put it into a file: -H @FILE" ]
  run -0 whqueue list --reveal -o ndjson
  json_is '.headers == {"X-Api-Key": "s3cret", "X-Tenant": "7"}'
}

@test "a secret in a URL of the command line is warned of, and taken out of it" {
  mkfifo records
  background enqueue whenqueue --url 'https://a.test/hook?x=1&%74oken=s3cret' records
  exec 8>records
  wait_until shows "$background_pid" 'https://a.test/hook?*********'
  run ! shows "$background_pid" s3cret
  echo '{"id": "a"}' >&8
  exec 8>&-
  wait "$background_pid"
  [ "$(cat enqueue.err)" = "whenqueue: --url: others can read a command line, and a secret in it; give the URL in a record" ]
  run -0 whqueue list --reveal -o ndjson
  json_is '.url == "https://a.test/hook?x=1&%74oken=s3cret"'
  run -0 --separate-stderr whenqueue --url 'https://a.test/hook?x=1' -d x
  [ -z "$stderr" ]
}

# Each header of a request and of an answer that is known to carry one.
secret_headers='Authorization Proxy-Authorization Cookie Set-Cookie X-Api-Key X-Auth-Token
  X-Signature X-Signature-Ed25519 X-Hub-Signature X-Hub-Signature-256 Stripe-Signature
  svix-signature X-Shopify-Hmac-Sha256 X-Slack-Signature Paypal-Transmission-Sig
  X-Gitlab-Token X-Twilio-Signature X-Amz-Security-Token PRIVATE-TOKEN aUTHORIZATION2'

@test "nothing that lists shows a secret of a request unless it is asked to reveal it" {
  local format command headers

  headers=$(tr -s ' \n' '\n\n' <<<"$secret_headers" | jq -Rn '[inputs | {(.): "s3cret"}] | add')
  jq -n --argjson headers "$headers" '{id: "dead", $headers, payload: 1, attempt: 1,
    url: "https://a.test/?sig=s3cret&to=https%3A%2F%2Fb%2F%3Fa%255fkey%3Ds3cret#%74oken=s3cret",
    http: {status: 404, headers: {"set-cookie": "s3cret"}}, error: {message: "gone"}},
    ({id: "live", $headers, payload: 1, url: "https://a.test/?TOKEN=s3cret"})' |
    jq -c . | whenqueue >receipts 2>complaints
  for format in table ndjson json tsv; do
    for command in 'whdlq list' 'whdlq show dead' 'whqueue list' 'whqueue show live' 'whqueue stats' \
      'whqueue endpoints' 'whdlq stats' 'whdlq retry --all --dry-run --yes' 'whdlq list --error-type client'; do
      # shellcheck disable=SC2086 # a command and its arguments
      run $command -o "$format"
      [[ $output != *s3cret* ]] || fail "$command -o $format: $output"
    done
  done
  run ! grep -q s3cret receipts complaints
  run -0 whdlq show dead --reveal -o ndjson
  [ "$(json '.headers | map(select(. == "s3cret")) | length')" = 20 ]
  run -0 whdlq show dead -o ndjson
  [ "$(json '.headers | map(select(. == "REDACTED")) | length')" = 20 ]
}

# in_process PID: its command line and its environment have the secret in them
in_process() {
  grep -q s3cret "/proc/$1/cmdline" "/proc/$1/environ"
}

@test "a secret of a file or a descriptor is in no command line and no environment" {
  receiver_start
  install -m 600 /dev/stdin token <<<'Bearer s3cret'
  jq -n --arg url "$(receiver_url /ok)" \
    '{endpoints: {acme: {$url, headers: {Authorization: {file: "token"}}}}}' >wh.json
  export WH_CONFIG=$PWD/wh.json
  worker_start
  mkfifo records
  background enqueue whenqueue -H @<(echo 'Cookie: s3cret') records
  exec 8>records
  wait_until grep -q '^Max core file size *0 *0 ' "/proc/$background_pid/limits"
  run ! in_process "$background_pid"
  echo '{"endpoint": "acme"}' >&8
  exec 8>&-
  wait "$background_pid"
  wait_until grep -q '"completed"' "$worker_out"
  run ! in_process "$worker_pid"
  run ! grep -q s3cret "$worker_out" "$worker_err" enqueue.out enqueue.err
  [ "$(receiver_count '.headers.authorization == "Bearer s3cret" and .headers.cookie == "s3cret"')" = 1 ]
}

@test "a program that is aborted leaves no core file" {
  mkdir empty
  mkfifo records
  cd empty
  ulimit -c unlimited || skip "no core files are allowed here anyway"
  background worker whworker
  pids=("$background_pid")
  background enqueue whenqueue --url $url ../records
  pids+=("$background_pid")
  background classify whclassify ../records
  pids+=("$background_pid")
  for pid in "${pids[@]}"; do
    wait_until grep -q '^Max core file size *0 *0 ' "/proc/$pid/limits"
    kill -ABRT "$pid"
    wait_until has_ended "$pid"
  done
  run -0 ls
  [ -z "$output" ]
}

is_owned_by_root() {
  [ "$(stat -c %u "$1")" = 0 ]
}

# /proc/PID belongs to root when the process cannot be dumped, and then neither its memory
# nor its environment can be read by another process of its user.
@test "no other process of the same user reads a program's memory" {
  mkfifo records
  exec 8<>records # as a reader too, so that nobody waits for the other
  if [ "$(id -u)" = 0 ]; then
    setpriv --reuid 65534 --clear-groups whclassify --version ||
      skip "the programs lie where another user cannot run them"
    become='setpriv --reuid 65534 --clear-groups'
  fi
  background classify sh -c "exec ${become:-} whclassify <records"
  wait_until grep -q '^Max core file size *0 *0 ' "/proc/$background_pid/limits"
  wait_until is_owned_by_root "/proc/$background_pid/environ"
  exec 8>&-
}
