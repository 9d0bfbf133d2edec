# SPDX-License-Identifier: MIT
# whenqueue: records in, receipts out; what a receipt promises is in the store.

bats_require_minimum_version 1.5.0
load helper

url=https://api.acme.io/hook

@test "an event is queued and receipted" {
  run -0 --separate-stderr whenqueue <<<'{"url":"https://a/","id":"evt_1","payload":{"n":1.0}}'
  [ "$stderr" = "" ]
  json_is '.id == "evt_1" and .state == "waiting" and .delay_ms == 0 and .attempt == 0'
  schema_valid receipt
}

@test "one bad record is reported with its line, and the others are queued" {
  run -65 --separate-stderr whenqueue <<'END'
{"url":"https://a/","id":"one"}
{"url":
{"payload":1}

{"url":"ftp://a/"}
[1]
{"url":"https://a/","id":"two"}
END
  [ "$(json .id)" = $'one\ntwo' ]
  [ "${#stderr_lines[@]}" -eq 4 ]
  [ "${stderr_lines[0]}" = "whenqueue: line 2: not JSON: byte 8: the text ends here" ]
  [ "${stderr_lines[1]}" = "whenqueue: line 3: record has no url or endpoint" ]
  [[ ${stderr_lines[2]} == "whenqueue: line 5: url: scheme 'ftp'"* ]]
  [ "${stderr_lines[3]}" = "whenqueue: line 6: not a JSON object" ]
}

@test "an event id is queued once; the receipt names the job that is there" {
  run -0 --separate-stderr whenqueue <<'END'
{"url":"https://a/","id":"evt_1","delay":"1h"}
{"url":"https://b/","id":"evt_1"}
END
  [ "$(json .state)" = $'delayed\nduplicate' ]
  [ "$(json .job_id | sort -u | wc -l)" -eq 1 ]
  [ "$(json 'select(.state == "duplicate").job_state')" = delayed ]
  schema_valid receipt
  run -0 --separate-stderr whenqueue --id evt_1 --url "$url" -d x
  [ "$(json .state)" = duplicate ]
  run -0 --separate-stderr whenqueue --queue other --id evt_1 --url "$url" -d x
  [ "$(json .state)" = waiting ]
}

@test "ids are made where there are none, and differ" {
  run -0 --separate-stderr bash -c \
    "for i in {1..1500}; do echo '{\"url\":\"https://a/\"}'; done | whenqueue -o id"
  [ "${#lines[@]}" -eq 1500 ]
  [ "$(printf '%s\n' "${lines[@]}" | sort -u | wc -l)" -eq 1500 ]
  [[ ${lines[0]} =~ ^evt_[0-9A-HJKMNP-TV-Z]{26}$ ]]
}

@test "times: delay, run_at, --delay and --at; a record's own wins" {
  export WH_TEST_CLOCK=2026-01-02T00:00:00Z
  run -0 --separate-stderr whenqueue --url "$url" --delay 90s <<'END'
{}
{"delay":"2h"}
{"run_at":"2026-01-03T01:00:00+01:00"}
{"run_at":"2020-01-01"}
END
  [ "$(json .run_at)" = "2026-01-02T00:01:30.000Z
2026-01-02T02:00:00.000Z
2026-01-03T00:00:00.000Z
2026-01-02T00:00:00.000Z" ]
  [ "$(json .state)" = $'delayed\ndelayed\ndelayed\nwaiting' ]
  run -0 --separate-stderr whenqueue --url "$url" --at 2026-02-01T00:00:00Z -d x
  [ "$(json .run_at)" = 2026-02-01T00:00:00.000Z ]
  run -64 --separate-stderr whenqueue --url "$url" --at tomorrow -d x
  [[ $stderr == "whenqueue: --at: 'tomorrow' is not a time"* ]]
  run -64 whenqueue --url "$url" --at 2026-02-01 --delay 1s -d x
}

@test "a failure is scheduled by the policy, to the millisecond without jitter" {
  export WH_TEST_CLOCK=2026-01-02T00:00:00Z
  run -0 --separate-stderr whenqueue --jitter 0 --url "$url" <<'END'
{"error":{"code":"ECONNRESET"}}
{"error":{"code":"ECONNRESET"},"attempt":4}
{"http":{"status":503}}
{"http":{"status":429,"headers":{"retry-after":"120"}}}
{"http":{"status":503},"delay":"10m"}
{"http":{"status":503},"delay":"1s"}
END
  [ "$(json .delay_ms)" = $'2000\n16000\n5000\n120000\n600000\n5000' ]
  [ "$(json .state | sort -u)" = delayed ]
  [ "$(json .attempt)" = $'1\n4\n1\n1\n1\n1' ]
  [ "$(json .run_at | head -n 1)" = 2026-01-02T00:00:02.000Z ]
  schema_valid receipt
}

@test "what cannot succeed goes to the dead letters at once, with its reason" {
  run -0 --separate-stderr whenqueue --url "$url" <<'END'
{"http":{"status":404}}
{"http":{"status":410}}
{"error":{"code":"ECONNRESET"},"attempt":6}
{"error":{"code":"ECONNRESET"},"attempt":2,"max_attempts":2}
END
  [ "$(json .state | sort -u)" = dead ]
  [ "$(json .dead_reason)" = $'non_retryable\ngone\nretries_exhausted\nmax_attempts' ]
  schema_valid receipt
}

@test "a classification that the record carries is believed" {
  run -0 --separate-stderr whenqueue --jitter 0 --url "$url" <<<\
'{"http":{"status":404},"classification":{"error_type":"rate_limit"}}'
  json_is '.error_type == "rate_limit" and .delay_ms == 60000'
  run -65 --separate-stderr whenqueue --url "$url" <<<'{"classification":{"error_type":"x"}}'
  [[ $stderr == "whenqueue: line 1: classification: "* ]]
}

@test "what curl reports joins the queue when it failed, and not when it did not" {
  receiver_start
  report() {
    curl -sS -o /dev/null -w '%{json}\n' -d x "$1" 2>/dev/null || :
  }
  run -0 --separate-stderr bash -c 'whclassify | whenqueue --jitter 0' \
    <<<"$(report "$receiver_refusing_url")"
  json_is '.state == "delayed" and .error_type == "network" and .attempt == 1'
  run -65 --separate-stderr whenqueue <<<"$(report "$(receiver_url /ok)")"
  [[ $stderr == "whenqueue: line 1: nothing to retry"* ]]
  [ "$output" = "" ]
}

@test "a report of curl without the body that was sent is refused; with it, it is taken" {
  receiver_start
  printf '{"a":1}' >body.json
  curl -sS -o /dev/null -w '%{json}' -d @body.json "$(receiver_url /status/503)" >report
  run -65 --separate-stderr bash -c 'whclassify <report | whenqueue'
  [[ $stderr == "whenqueue: line 1: curl sent 7 bytes that its report does not hold: "* ]]
  [ "$output" = "" ]
  run -0 --separate-stderr bash -c "jq -c --slurpfile body body.json '.payload = \$body[0]' \
    report | whclassify | whenqueue"
  json_is '.state == "delayed" and .attempt == 1'
  [ "$(whqueue show 1 -o ndjson | jq -c .payload)" = '{"a":1}' ]
  curl -sS -o /dev/null -w '%{json}' "$(receiver_url /status/503)" >report
  run -0 --separate-stderr whenqueue report
  json_is '.state == "delayed"'
}

@test "of a report of curl the sender's members are kept, and curl's own are not" {
  run -0 --separate-stderr whenqueue <<<\
'{"url_effective":"https://a/","mine":1,"exitcode":7,"time_total":0.1,"scheme":null}'
  run -0 whqueue show 1 -o ndjson
  json_is '.mine == 1 and (has("time_total") or has("exitcode") or has("scheme") | not)'
  run -0 --separate-stderr whenqueue <<<'{"url":"https://a/","scheme":"mine"}'
  run -0 whqueue show 2 -o ndjson
  json_is '.scheme == "mine"'
}

@test "an input that is missing or a directory is all that is complained of" {
  run -66 --separate-stderr whenqueue --url "$url" -d @nowhere
  [ "$stderr" = "whenqueue: nowhere: No such file or directory" ]
  mkdir folder
  run -66 --separate-stderr whenqueue --url "$url" -d @folder
  [ "$stderr" = "whenqueue: folder: is a directory" ]
  run -66 --separate-stderr whenqueue folder
  [ "$stderr" = "whenqueue: folder: is a directory" ]
}

@test "--raw and --data take one payload, byte for byte" {
  printf 'a\0b\n\377' >body
  run -0 --separate-stderr whenqueue --raw --url "$url" --id raw <body
  run -0 --separate-stderr whenqueue --raw --url "$url" --id file body
  run -0 --separate-stderr whenqueue --url "$url" --id data -d @body
  run -0 --separate-stderr whenqueue --url "$url" --id json -d '{"n": 1.0}'
  run -0 --separate-stderr whenqueue --url "$url" --id none -d ''
  for id in raw file data; do
    whqueue show "$id" -o ndjson | jq -r .payload_b64 | base64 -d | cmp - body
  done
  whqueue show json -o ndjson | grep -qF '"payload":{"n": 1.0}'
  [ "$(whqueue show none -o ndjson | jq 'has("payload") or has("payload_b64")')" = false ]
  run -64 --separate-stderr whenqueue --raw <body
  [ "$stderr" = "whenqueue: --raw: no target; give --url or --endpoint" ]
}

@test "members it does not know come back" {
  run -0 whenqueue <<<'{"url":"https://a/","id":"x","tenant":{"a":[1.50]},"state":"mine"}'
  run -0 --separate-stderr whqueue show x -o ndjson
  json_is '.tenant.a == [1.5] and .state == "waiting"'
  schema_valid job
}

@test "options are checked, and named when wrong" {
  local wrong

  while read -r wrong; do
    run -64 --separate-stderr bash -c "whenqueue $wrong </dev/null"
    [[ $stderr == "whenqueue: --"* ]] || fail "$wrong: $stderr"
  done <<'END'
--url ftp://a/
--url
--endpoint 'a b'
--event-type ''
--id ''
--method 'GET /'
--header 'A'
--header $'A: b\r\nC: d'
--header 'Content-Length: 3'
--delay soon
--priority 101
--max-attempts 0
--jitter 101
--urll x
END
}

@test "--id names one record only" {
  run -65 --separate-stderr whenqueue --url "$url" --id one <<<$'{}\n{"id":"two"}\n{}'
  [ "$(json .id)" = $'one\ntwo' ]
  [ "$stderr" = "whenqueue: line 3: id: missing, and --id already names another record" ]
}

@test "files are read in turn; one that is not there is reported" {
  echo '{"url":"https://a/","id":"a"}' >a
  printf '%s' 'x' >b
  run -66 --separate-stderr whenqueue nowhere a b - <<<'{"url":"https://a/","id":"c"}'
  [ "$(json .id)" = $'a\nc' ]
  [ "${stderr_lines[0]}" = "whenqueue: nowhere: No such file or directory" ]
  [[ ${stderr_lines[1]} == "whenqueue: b: line 1: not JSON"* ]]
}

@test "a line of 100 MB is skipped in bounded memory" {
  [ -z "$TEST_SANITIZED" ] || skip "memory cannot be limited under ASan"
  { head -c 100000000 /dev/zero | tr '\0' a; echo; echo '{"url":"https://a/"}'; } >big
  run -65 --separate-stderr bash -c 'ulimit -v 131072; whenqueue <big'
  [ "$stderr" = "whenqueue: line 1: longer than 16777216 bytes, the limit max_line" ]
  [ "$(json .state)" = waiting ]
}

@test "a slow writer has each receipt before it writes the next record" {
  mkfifo in out
  background queue bash -c 'whenqueue <in >out'
  exec 8>in 9<out
  for id in one two three; do
    echo "{\"url\":\"https://a/\",\"id\":\"$id\"}" >&8
    read -r -t 10 line <&9
    [ "$(jq -r .id <<<"$line")" = "$id" ]
  done
  exec 8>&- 9<&-
}

@test "a reader of receipts that leaves takes nothing from the queue" {
  run -0 bash -c \
    "for i in {1..5000}; do echo '{\"url\":\"https://a/\"}'; done | whenqueue | head -n 1"
  [ "$(whqueue stats -o ndjson | jq -s '.[0].waiting')" -eq 5000 ]
}

@test "a full standard output is an I/O error" {
  run -74 --separate-stderr bash -c 'whenqueue --url https://a/ -d x >/dev/full'
}

@test "a store that is not ours is refused, and nothing is read" {
  sqlite3 other.db 'CREATE TABLE t (a)'
  run -78 --separate-stderr whenqueue --db other.db --url "$url" -d x
  echo nonsense that is longer than a header >text.db
  run -74 whenqueue --db text.db --url "$url" -d x
  run -73 --separate-stderr whenqueue --db "$BATS_TEST_TMPDIR/text.db/wh.db" --url "$url" -d x
}

@test "a full disk: no receipt without a commit" {
  whenqueue --url "$url" -d x
  run -74 --separate-stderr bash -c '
    trap "" XFSZ; ulimit -f 400
    for i in {1..3000}; do
      printf "{\"url\":\"https://a/\",\"id\":\"e%d\",\"payload\":\"%01000d\"}\n" "$i" 0
    done | whenqueue'
  [[ ${stderr_lines[0]} =~ ^whenqueue:\ lines\ [0-9]+\ to\ [0-9]+\ were\ not\ queued ]]
  printf '%s\n' "${lines[@]}" >receipts
  jq -r 'select(.id != null).id' receipts | while read -r id; do
    whqueue show "$id" -o id >/dev/null || fail "$id has a receipt and is not there"
  done
}

@test "--explain prints the timetable of section 3 and queues nothing" {
  run -0 --separate-stderr whenqueue --explain --jitter 0 </dev/null
  [ "$(json 'select(.error_type == "network").attempts | map(.delay_ms) | @csv')" = \
    0,2000,4000,8000,16000,32000 ]
  [ "$(json 'select(.error_type == "rate_limit").attempts | map(.after_ms) | @csv')" = \
    0,60000,180000,420000 ]
  [ "$(json 'select(.error_type == "client") | .attempts | length')" -eq 1 ]
  [ "$(json 'select(.error_type == "server").then')" = retries_exhausted ]
  schema_valid timetable
  [ ! -e "$WH_DB" ]
  run -0 --separate-stderr whenqueue --explain --jitter 0 <<<\
'{"url":"https://a/","id":"e","http":{"status":500},"attempt":4}'
  [ "$(json '[.attempts[].attempt, .attempts[].delay_ms] | @csv')" = 5,6,40000,80000 ]
  schema_valid timetable
  [ ! -e "$WH_DB" ]
}

@test "every way of printing receipts" {
  run -0 --separate-stderr whenqueue --url "$url" --id t -d x -o table
  [[ $output == "queued t for $url (job "*"), runs now" ]]
  run -0 --separate-stderr whenqueue -o json <<<$'{"url":"https://a/"}\n{"url":"https://a/"}'
  [ "$(jq length <<<"$output")" -eq 2 ]
  run -0 --separate-stderr whenqueue -o json </dev/null
  [ "$output" = "[]" ]
  run -0 --separate-stderr whenqueue --url "$url" --id v -d x -o tsv
  [ "$(cut -f 1,3 <<<"${lines[1]}")" = $'v\twaiting' ]
  run -0 --separate-stderr whenqueue --url "$url" --id w -d x -o id
  [ "$output" = w ]
}

@test "records without an input are hinted at" {
  run -0 --separate-stderr whenqueue --url "$url" </dev/null
  [[ $stderr == "whenqueue: no records came in"* ]]
}

@test "neither libcurl nor libcrypto is loaded" {
  run -0 ldd "$(command -v whenqueue)"
  [[ $output != *libcurl* && $output != *libcrypto* ]]
}
