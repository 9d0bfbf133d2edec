#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# whdlq: every verb, filter and exit code over a store, without a worker.

bats_require_minimum_version 1.5.0
load helper

# dead ID [STATUS [TYPE [URL]]]: a dead letter; its number is the order of the calls.
dead() {
  jq -nc --arg id "$1" --argjson status "${2:-404}" --arg type "${3:-invoice.paid}" \
    --arg url "${4:-https://api.acme.io/hook}" \
    '{$id, $url, event_type: $type, payload: {n: 1}, http: {$status}}' | whenqueue -o id
}

# dead_bytes ID URL: a dead letter with the bytes of stdin as its body.
dead_bytes() {
  jq -nc --arg id "$1" --arg url "$2" --arg body "$(base64 -w 0)" \
    '{$id, $url, payload_b64: $body, http: {status: 404}}' | whenqueue -o id
}

# on_terminal COMMAND: runs it with a terminal as its stdin, stdout and stderr.
on_terminal() {
  script -qec "stty cols ${columns:-80} rows 24; $1" /dev/null
}

@test "list shows unresolved dead letters, newest first, as NDJSON in a pipe" {
  dead a
  dead b 400
  run -0 whdlq list
  [ "$(json .id)" = $'b\na' ]
  json_is '.status == "unresolved" and .error_type == "client" and .payload == {"n":1}'
  [ "$(json .job_id)" = $'2\n1' ]
}

@test "list exits with 1 and says so when there is nothing" {
  dead a
  whdlq resolve a --by me
  run -1 --separate-stderr whdlq list -o table
  [ "$output" = "No dead letters." ]
  run -1 whdlq list --event-type none -o table
  [ "$output" = "no dead letter matches" ]
  run -1 whdlq list
  [ -z "$output" ]
}

@test "a sender's members cannot name another job to the verb behind a pipe" {
  dead victim
  jq -nc '{id: "evil", url: "http://a.test", attempt: 1, http: {status: 410}}' |
    sed 's/}$/,"job\\u005fid":1,"stat\\u0065":"completed"}/' | whenqueue >/dev/null
  whdlq list --limit 1 | whdlq resolve --by me --yes - >resolved
  [ "$(jq -r .id resolved)" = evil ]
  run -0 whdlq list
  [ "$(json .id)" = victim ]
}

@test "list filters by status, type, category, error type, endpoint and time" {
  dead a 404 invoice.paid
  dead b 404 user.gone https://other.example/hook
  dead c 410 invoice.void
  jq -nc '{id: "d", url: "https://api.acme.io/hook", event_type: "sig",
    classification: {error_type: "signature"}}' | whenqueue -o id
  whdlq resolve c --by me
  ids() { whdlq list "$@" -o ndjson | jq -r .id | paste -sd ' '; }

  [ "$(ids --event-type 'invoice.*')" = a ]
  [ "$(ids --event-type user.gone)" = b ]
  [ "$(ids --status resolved)" = c ]
  [ "$(ids --status all)" = "d c b a" ]
  [ "$(ids --status resolved,unresolved)" = "d c b a" ]
  [ "$(ids --error-type signature)" = d ]
  [ "$(ids --category NON_RETRYABLE)" = "d b a" ]
  [ "$(ids --endpoint https://other.example)" = b ]
  [ "$(ids --since 1h)" = "d b a" ]
  [ -z "$(ids --until 1h)" ]
  [ "$(ids --limit 1)" = d ]
}

@test "list pages by cursor through all without a gap or a double" {
  for i in 1 2 3 4 5; do dead "e$i"; done
  run -0 whdlq list --limit 2 -o table
  [[ $output == *--after* ]]
  after=$(sed -n 's/.*--after \([^,]*\),.*/\1/p' <<<"$output")
  run -0 --separate-stderr whdlq list --limit 2 --after "$after" -o id
  [ "$output" = $'3\n2' ]
}

@test "list and export go on past a page" {
  seq 450 | jq -c '{id: "e\(.)", url: "http://a.test/x", http: {status: 404}}' |
    whenqueue >/dev/null
  run -0 whdlq list --limit 0 -o id
  [ "$output" = "$(seq 450 -1 1)" ]
  run -0 --separate-stderr whdlq list --limit 430 -o id
  [ "$output" = "$(seq 450 -1 21)" ]
  run -0 whdlq export --all
  [ "${#lines[@]}" -eq 450 ]
}

@test "list warns in a pipe that the default page is not all" {
  for i in {1..51}; do printf '{"id":"e%d","url":"http://a.example/","http":{"status":404}}\n' "$i"; done |
    whenqueue >/dev/null
  run -0 --separate-stderr whdlq list -o id
  [ "${#lines[@]}" -eq 50 ]
  [[ $stderr == *"--limit 0"* ]]
  cursor=$(sed -n 's/.*newest [0-9]*: --after \([^ ,]*\),.*/\1/p' <<<"$stderr")
  [ "$(whdlq list -o id --after "$cursor")" = 1 ]
  run -0 --separate-stderr whdlq list --limit 20 -o ndjson
  [[ $stderr == *"there are more than the newest 20: --after "* ]]
  run -0 --separate-stderr whdlq list --limit 20 -o table
  [ -z "$stderr" ]
  run -0 --separate-stderr whdlq list -o id --limit 0
  [ "${#lines[@]}" -eq 51 ]
  [ -z "$stderr" ]
}

@test "list takes every output format" {
  dead a
  run -0 whdlq list -o json
  jq -e 'length == 1 and .[0].id == "a"' <<<"$output"
  run -0 whdlq list -o tsv
  [[ ${lines[0]} == id$'\t'age$'\t'endpoint* ]]
  run -0 whdlq list -o id
  [ "$output" = 1 ]
  run -64 whdlq list -o yaml
}

@test "what is in a record cannot move a terminal" {
  jq -nc '{id: "a", url: "https://api.acme.io/hook", event_type: "x",
    payload: "\u001b[2J\u0007 \u202e", headers: {"x-note": "caf\u00e9"},
    http: {status: 404, body: "\u001b]0;owned\u0007"}}' | whenqueue -o id
  printf 'a\033[31mb\302\233c' | dead_bytes b https://api.acme.io/hook
  for command in "whdlq list" "whdlq list -o ndjson" "whdlq show a" "whdlq show --body a" \
    "whdlq show a -o json" "whdlq show b" "whdlq show --body b" "whdlq stats"; do
    on_terminal "$command --color never 2>/dev/null || $command" >seen || :
    run grep -c -e $'\033' -e $'\007' -e $'\302\233' -e $'\342\200\256' seen
    [ "$output" = 0 ] || fail "$command" "$(cat -v seen)"
  done
}

@test "show tells the request, the cause, every attempt and what to do" {
  dead a 404
  run -0 whdlq show a -o table
  [[ $output == *"Dead letter 1  unresolved"* ]]
  [[ $output == *"POST https://api.acme.io/hook"* ]]
  [[ $output == *"client, NON_RETRYABLE, by rule"* ]]
  [[ $output == *"at once: trying again cannot help"* ]]
  [[ $output == *'{"n":1}'* ]]
  [[ $output == *"HTTP 404"* ]]
  [[ $output == *"whdlq retry 1"* ]]
}

@test "show names who resolved, when and why" {
  dead a
  whdlq resolve a --by admin@example.com -m 'Manually fixed'
  run -0 whdlq show a -o table
  [[ $output == *"resolved by admin@example.com: Manually fixed"* ]]
  run -0 whdlq show a
  json_is '.resolved_by == "admin@example.com" and .note == "Manually fixed" and
    (.attempts | length) == 1'
}

@test "show and list hide secrets unless they are asked for" {
  jq -nc '{id: "a", url: "https://api.acme.io/hook?token=tok3n&page=2", headers: {
    "Authorization": "Bearer s3cret", "Cookie": "sid=s3cret", "X-Api-Key": "s3cret",
    "X-Hub-Signature-256": "s3cret", "X-Trace": "visible", "Idempotency-Key": "visible2"},
    http: {status: 404}}' | whenqueue -o id
  for command in "list" "show a -o table" "show a -o json" "list -o json"; do
    # shellcheck disable=SC2086 # words on purpose
    run -0 whdlq $command
    [[ $output != *s3cret* && $output != *tok3n* && $output == *REDACTED* ]] ||
      fail "$command" "$output"
  done
  [[ $output == *visible* && $output == *visible2* && $output == *"page=2"* ]]
  run -0 whdlq show a --reveal
  [ "$(json '.headers.Authorization')" = "Bearer s3cret" ]
  [[ $output == *tok3n* ]]
  run -0 whdlq list --reveal
  [[ $output == *s3cret* ]]
}

@test "the curl command of show sends exactly the stored request" {
  receiver_start
  body='{"a": "it'\''s $HOME `id` \\ \"q\" é", "b":1.0}'
  jq -nc --arg url "$(receiver_url '/ok?a=[1]&b=$x')" '{id: "a", $url, method: "PUT",
    headers: {"X-Quote": "it'\''s \"$x\"", "X-Empty": ""}, http: {status: 404}}' |
    jq -c --argjson p "$body" '. + {payload: 0}' |
    sed "s|\"payload\":0|\"payload\":$(sed 's/[\\&|]/\\&/g' <<<"$body")|" | whenqueue -o id
  whdlq show a -o json | jq -r '.[0].curl' >by-hand
  run -0 sh by-hand
  [[ $output == *"200 OK"* ]]
  [ "$(receiver_count)" = 1 ]
  [ "$(receiver_log .method)" = '"PUT"' ]
  receiver_log .body_b64 | jq -r '.' | base64 -d >sent
  printf '%s' "$body" | cmp - sent
  receiver_log | jq -e '.headers["webhook-id"] == "a" and
    .headers["x-quote"] == "it'\''s \"$x\"" and .headers["x-empty"] == "" and
    .headers["content-type"] == "application/json" and .headers["webhook-attempt"] == "2"'
}

@test "the curl command sends bodies that no argument can hold" {
  receiver_start
  { head -c 3000 /dev/zero && printf 'a\nb\r\n\033@'; } >body
  dead_bytes a "$(receiver_url /ok)" <body
  run -0 whdlq show a -o json
  jq -r '.[0].curl' <<<"$output" >by-hand
  grep -q 'whdlq show --body' by-hand
  run -0 sh by-hand
  receiver_log .body_b64 | jq -r . | base64 -d | cmp - body
  whdlq show --body a | cmp - body
}

@test "show completes the curl command of a named endpoint from the configuration" {
  receiver_start
  echo 'Bearer s3cret' >token
  echo two >"it's \$two"
  mkdir path
  printf '#!/bin/sh\nprintf "%%s\\n" "$@" >arguments\nexec %s "$@"\n' "$(type -P curl)" >path/curl
  chmod +x path/curl
  jq -n --arg url "$(receiver_url /ok)" '{endpoints: {acme: {$url, headers:
    {"Authorization": {file: "token"}, "$x`y": {file: "it\u0027s $two"}, "X-Api-Key": "k3y",
    "X-Tenant": "7"}}}}' >conf
  echo '{"id":"a","endpoint":"acme","payload":[1],"headers":{"x-tenant":"8"},"http":{"status":404}}' |
    whenqueue --config conf -o id
  run -0 whdlq show a --config conf
  json .curl >by-hand
  run -1 grep -e s3cret -e k3y by-hand
  for shell in sh bash zsh; do
    run -0 env PATH="$PWD/path:$PATH" $shell by-hand
    run -1 grep s3cret arguments
  done
  receiver_log .headers >sent
  [ "$(wc -l <sent)" = 3 ]
  jq -es 'all(.[]; .authorization == "Bearer s3cret" and .["x-api-key"] == "REDACTED" and
    .["$x`y"] == "two" and .["x-tenant"] == "8")' sent
  run -0 whdlq show a --config conf --reveal
  [[ $output == *k3y* ]]
  run -0 whdlq show a
  json .curl >by-hand
  run ! sh by-hand
  run -66 whdlq show a --config nowhere
}

@test "show wants one that exists" {
  dead a
  run -64 whdlq show
  run -66 --separate-stderr whdlq show nosuch
  [[ $stderr == *nosuch* ]]
  run -1 --separate-stderr whdlq show nosuch a
  [ "$(json .id)" = a ]
  run -64 whdlq show --body a a
}

@test "show takes the filter of the other verbs: the unresolved, newest first" {
  dead a
  dead b
  dead c
  whdlq resolve b -o id
  run -0 whdlq show -n 5
  [ "$(json '.id, (.curl | length > 0)' | paste -sd ' ')" = 'c true a true' ]
  run -0 whdlq show --status all -o table
  [ "$(grep -c '^Dead letter ' <<<"$output")" = 3 ]
  run -0 --separate-stderr whdlq show -n 1 -o table
  [[ $output == 'Dead letter 3 '* ]]
  [ -z "$stderr" ]
  run -0 --separate-stderr whdlq show --status all -n 2 -o table
  [[ $stderr == *'there are more than the newest 2: --after '* ]]
  run -0 --separate-stderr whdlq show -n 1 --body
  [ -z "$stderr" ]
  [ "$output" = "$(whdlq show c --body)" ]
  run -64 whdlq show --body --status all
  run -1 --separate-stderr whdlq show --error-type signature
  [ -z "$output" ]
  [ "$stderr" = 'whdlq: no dead letter matches' ]
  run -64 --separate-stderr whdlq show a --since 1h
  [ "$stderr" = 'whdlq: either ids or a filter, not both' ]
  run -64 --separate-stderr whdlq show
  [ "$stderr" = 'whdlq: which ones? give ids, a filter like --endpoint, or -n 1 for the newest' ]
  run -1 whdlq show - </dev/null
  [ -z "$output" ]
}

@test "without a store there is nothing to show" {
  for verb in list stats "show a" export "retry a" "resolve a" "reopen a" "delete a" \
    "cleanup --older-than 1d"; do
    # shellcheck disable=SC2086 # words on purpose
    run -66 --separate-stderr whdlq $verb
    [[ $stderr == *"no store yet"* ]] || fail "$verb" "$stderr"
  done
  [ ! -e "$WH_DB" ]
}

@test "retry, resolve, reopen and delete each do their one step" {
  dead a
  run -0 whdlq resolve a --by me
  json_is '.id == "a" and .job_id == 1 and .result == "resolved"'
  run -1 --separate-stderr whdlq resolve a --by me
  [[ $stderr == *"is resolved"* ]]
  run -1 whdlq retry a
  run -0 whdlq reopen 1
  [ "$(json .result)" = reopened ]
  run -1 whdlq reopen a
  run -0 whdlq retry a
  [ "$(json .result)" = retrying ]
  [ "$(whdlq list --status retrying -o id)" = 1 ]
  [ "$(whqueue list --status waiting -o id)" = 1 ]
  run -1 whdlq delete a
  run -1 whdlq retry a
  dead b
  run -0 whdlq delete b
  [ "$(json .result)" = deleted ]
  run -66 whdlq show b
}

@test "a retry starts with a fresh budget" {
  jq -nc '{id: "a", url: "https://api.acme.io/hook", attempt: 10, http: {status: 503}}' |
    whenqueue -o id
  [ "$(whdlq list | jq -c '[.attempt, .dead_reason]')" = '[10,"retries_exhausted"]' ] ||
    [ "$(whdlq list | jq -c '[.attempt, .dead_reason]')" = '[10,"max_attempts"]' ]
  whdlq retry a
  [ "$(whqueue show a | jq -c '[.state, .attempt]')" = '["waiting",0]' ]
}

@test "resolve knows who it was" {
  dead a
  dead b
  USER=alice run -0 whdlq resolve a
  USER=root SUDO_USER=bob run -0 whdlq resolve b -m 'is done'
  [ "$(whdlq list --status resolved | jq -r .resolved_by)" = $'bob\nalice' ]
  dead c
  run -0 env -u USER -u LOGNAME -u SUDO_USER whdlq resolve c
  [ "$(whdlq show c | jq -r .resolved_by)" = "$(id -un)" ]
  run -64 --separate-stderr whdlq resolve a --by ''
  [[ $stderr == *--by* ]]
}

@test "a changing verb refuses to guess which ones" {
  dead a
  for verb in retry "resolve --by me" reopen delete; do
    # shellcheck disable=SC2086 # words on purpose
    run -64 --separate-stderr whdlq $verb
    [[ $stderr == *"--all"* ]]
    # shellcheck disable=SC2086
    run -64 whdlq $verb a --all
  done
  [ "$(whdlq list -o id)" = 1 ]
}

@test "a changing verb acts on all that a filter finds" {
  dead a 404 x
  dead b 404 y
  dead c 404 x
  run -0 whdlq resolve --event-type x --by me
  [ "$(json .id | sort | paste -sd ' ')" = "a c" ]
  [ "$(whdlq list | jq -r .id)" = b ]
  run -0 whdlq retry --all
  [ "$(json .id)" = b ]
  run -1 whdlq retry --event-type nothing
}

@test "a rehearsal changes nothing and says the same" {
  dead a
  dead b
  run -0 whdlq delete --all --dry-run
  json_is '.dry_run and .result == "deleted"'
  [ "${#lines[@]}" -eq 2 ]
  run -0 whdlq retry a --dry-run
  run -0 whdlq resolve --all --by me --dry-run
  [ "$(whdlq list -o id | paste -sd ' ')" = "2 1" ]
}

@test "ids come from a pipe, bare or as records, and a bad line is skipped" {
  for id in a b c d; do dead $id; done
  whdlq list -o ndjson | jq -c 'select(.id == "a" or .id == "b")' >picked
  run -0 whdlq resolve - --by me <picked
  run -0 whdlq resolve - --by me <<<c
  run -65 --separate-stderr whdlq resolve - --by me <<<$'{"broken\nd'
  [[ $stderr == *"line 1"* ]]
  [ "$(whdlq list --status resolved -o id | paste -sd ' ')" = "4 3 2 1" ]
}

@test "the command of the manual picks by what is in the payload" {
  for i in 50 150 250; do
    jq -nc --argjson i $i '{id: "e\($i)", url: "https://api.acme.io/hook",
      payload: {amount: $i}, classification: {error_type: "signature"}}'
  done | whenqueue -o id
  whdlq list --error-type signature -o ndjson | jq -r 'select(.payload.amount>100).id' |
    whdlq retry - | jq -r .id | sort >retried
  [ "$(cat retried)" = $'e150\ne250' ]
}

@test "unknown ids: all of them is 66, some of them is 1" {
  dead a
  run -66 --separate-stderr whdlq retry x y
  [[ $stderr == *"x: no such dead letter"* ]]
  run -1 whdlq retry x a
  [ "$(whdlq list --status retrying -o id)" = 1 ]
}

@test "event ids that are other letters' numbers: only what is meant is deleted" {
  dead 2
  dead 1
  for verb in show delete 'retry --wait' export; do
    # shellcheck disable=SC2086 # verb and option
    run -65 --separate-stderr whdlq $verb 2
    [ "$stderr" = "whdlq: 2: is a job's number and another job's event id; say job:2 or event:2" ]
  done
  run -65 whdlq delete - <<<2
  run -0 whdlq delete - <<<"$(whdlq list -o ndjson | jq -c 'select(.id == "2")')"
  json_is '.id == "2" and .job_id == 1'
  [ "$(whdlq list | jq -r .id)" = 1 ]
  run -64 --separate-stderr whdlq list --after foo
  [[ $stderr == "whdlq: --after: "* ]]
}

@test "a missing letter is called so by every verb; an empty id is refused" {
  dead a
  for verb in show export retry resolve reopen delete; do
    run -66 --separate-stderr whdlq "$verb" x
    [[ $stderr == "whdlq: x: no such dead letter" ]]
    run -64 --separate-stderr whdlq "$verb" ""
    [ "$stderr" = 'whdlq: an id is empty: nothing has that name' ]
  done
  [ "$(whdlq list -o id)" = 1 ]
}

@test "a terminal is asked before things are changed in bulk or deleted" {
  dead a
  dead b
  run -1 answer n whdlq delete --all
  [[ $output == *'2 dead letters to be deleted'* ]]
  run -1 answer n whdlq delete a
  [[ $output == *'for good?'* ]]
  [ "$(whdlq list -o id | paste -sd ' ')" = "2 1" ]
  run -0 answer y whdlq delete a
  [ "$(whdlq list -o id)" = 2 ]
  on_terminal "whdlq delete --all --yes" </dev/null >seen
  run -1 grep '?' seen
  run -1 whdlq list
}

@test "cleanup forgets what was resolved 30 days ago, and nothing else" {
  export WH_TEST_CLOCK=2026-01-01T00:00:00Z
  dead old
  dead open
  dead late
  whdlq resolve old --by me
  WH_TEST_CLOCK=2026-01-20T00:00:00Z whdlq resolve late --by me

  WH_TEST_CLOCK=2026-01-30T23:59:59.999Z run -0 whdlq cleanup --older-than 30d
  json_is '.deleted == 0'
  WH_TEST_CLOCK=2026-01-31T00:00:00.001Z run -0 whdlq cleanup --older-than 30d --dry-run
  json_is '.deleted == 1 and .dry_run'
  WH_TEST_CLOCK=2026-01-31T00:00:00.001Z run -0 whdlq cleanup --older-than 30d
  json_is '.deleted == 1 and (.dry_run | not)'
  [ "$(whdlq list --status all | jq -r .id)" = $'late\nopen' ]
  WH_TEST_CLOCK=2027-01-01T00:00:00Z run -0 whdlq cleanup --all
  json_is '.deleted == 1'
  [ "$(whdlq list --status all | jq -r .id)" = open ]

  whdlq resolve open --by me
  run -1 answer n whdlq cleanup --all
  [[ $output == *'delete 1 resolved dead letter? [y/N]'*'nothing was done'* ]]
  run -0 answer y whdlq cleanup --all
  run -1 whdlq list --status all
}

@test "cleanup wants an age, and works in chunks" {
  dead a
  run -64 --separate-stderr whdlq cleanup
  [[ $stderr == *--older-than* ]]
  run -64 whdlq cleanup --older-than soon
  run -64 --separate-stderr whdlq cleanup --older-than 30
  [[ $stderr == *'30 needs a unit: 30d is days, 30s is seconds'* ]]
  for status in unresolved all resolved,retrying; do
    run -64 --separate-stderr whdlq cleanup --older-than 1d --status "$status"
    [[ $stderr == *'cleanup deletes resolved dead letters only'* ]]
  done
  run -0 whdlq cleanup --older-than 1d --status resolved
  run -0 whdlq cleanup --help
  [[ $output =~ --status\ STATUS\ +with\ this\ status:\ resolved$'\n' ]]
  for i in {1..2500}; do
    printf '{"id":"e%d","url":"http://a.example/","http":{"status":404}}\n' "$i"
  done | whenqueue >/dev/null
  whdlq resolve --all --by me >/dev/null
  run -0 whdlq cleanup --older-than 0s -o table
  [ "$output" = "2501 resolved dead letters deleted" ]
}

@test "stats counts by everything there is" {
  WH_TEST_CLOCK=2026-01-01T12:00:00Z dead a 404 x
  WH_TEST_CLOCK=2026-01-02T12:00:00Z dead b 410 y https://other.example/
  whdlq resolve a --by me
  run -0 whdlq stats
  jq -se '.[0] == {by: "total", unresolved: 1, retrying: 0, resolved: 1,
      oldest_at: "2026-01-01T12:00:00.000Z", newest_at: "2026-01-02T12:00:00.000Z"} and
    any(.[]; .by == "error_type" and .error_type == "client" and .unresolved == 1)' <<<"$output"
  [ "$(jq -r .by <<<"$output" | uniq | paste -sd ' ')" = \
    "total category error_type event_type endpoint day dead_reason reason" ]
  run -0 whdlq stats -o tsv
  [ "${lines[0]}" = $'by\tvalue\tunresolved\tretrying\tresolved\toldest\tnewest' ]
  run -0 awk -F '\t' 'NF != 7 { exit 1 } $1 == "event_type" { print $2, $3, $5 }' <<<"$output"
  [ "$(sort <<<"$output")" = $'x 0 1\ny 1 0' ]
  run -0 --separate-stderr whdlq stats --event-type none -o ndjson
  [ "$output" = '{"by":"total","unresolved":0,"retrying":0,"resolved":0}' ]
  counts() { whdlq stats --by "$1" | jq -r ".$2" | sort | paste -sd ' '; }
  [ "$(counts category category)" = NON_RETRYABLE ]
  [ "$(counts event-type event_type)" = "x y" ]
  [ "$(counts endpoint endpoint)" = "https://api.acme.io https://other.example" ]
  [ "$(counts day day)" = "2026-01-01 2026-01-02" ]
  [ "$(counts reason dead_reason)" = "gone non_retryable" ]
  [ "$(counts cause reason)" = "the receiver answered 404 Not Found the receiver answered 410 Gone" ]
  [ "$(whdlq stats --by event-type --event-type x | jq -c '[.resolved, .unresolved]')" = "[1,0]" ]
  run -64 whdlq stats --by color
  run -0 whdlq stats -o table
  [[ $output == *"1 unresolved, 0 retrying, 1 resolved"* ]]
  [[ $output =~ CAUSE\ .*answered\ 410\ Gone\ +1\ +0\ +0\ .*ENDPOINT ]]
}

@test "export is taken back by whenqueue: new in another store, known in this one" {
  jq -nc '{id: "a", url: "https://api.acme.io/hook?k=1", event_type: "x", method: "PUT",
    headers: {"Authorization": "s3cret"}, priority: 7, max_attempts: 4, tenant: {"t": 1},
    payload: {z: 1, a: 2}, http: {status: 404}}' | whenqueue -o id
  printf 'not\njson' | whenqueue --raw -u https://api.acme.io/hook --id b -o id
  run -0 whdlq export
  [ "$output" = '{"id":"a","event_type":"x","priority":7,"max_attempts":4,"url":"https://api.acme.io/hook?k=1","method":"PUT","headers":{"Authorization":"s3cret"},"payload":{"z":1,"a":2},"tenant":{"t":1}}' ]
  [ "$(whenqueue <<<"$output" | jq -r .state)" = duplicate ]
  [ "$(whenqueue --db other.db <<<"$output" | jq -r .state)" = waiting ]
  run -66 whdlq export nosuch
  run -1 whdlq export --event-type nothing
}

@test "export writes the oldest first, and --all of every status" {
  for id in a b c d; do dead "$id"; done
  whdlq resolve b --by me
  ids() { whdlq export "$@" | jq -r .id | paste -sd ' '; }
  [ "$(ids)" = "a c d" ]
  [ "$(ids --all)" = "a b c d" ]
  [ "$(ids --all --status resolved)" = b ]
  [ "$(ids --limit 2)" = "c d" ]
  [ "$(ids --all --event-type 'invoice.*')" = "a b c d" ]
  run -64 --separate-stderr whdlq export a --status resolved
  [ "$stderr" = 'whdlq: either ids or a filter, not both' ]
  run -64 --separate-stderr whdlq export a --all
  [[ $stderr == *"either ids or --all, not both"* ]]
}

@test "every verb has a help that begins with its use, and no abbreviations" {
  for verb in list show retry resolve reopen stats cleanup delete export; do
    run -0 whdlq "$verb" --help
    [[ ${lines[0]} == *"whdlq $verb"* ]]
  done
  run -64 --separate-stderr whdlq lst
  [[ $stderr == *list* ]]
  run -64 whdlq list --stat all
}
