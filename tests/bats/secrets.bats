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
