# SPDX-License-Identifier: MIT
#
# No text of a record, of a configuration or of the store becomes a line of a request that
# is not its own. What was sent is looked at as the bytes that were on the wire.

bats_require_minimum_version 1.5.0
load helper

# The wiretap's port in `tapped`, what it was sent in the file `wire`.
wiretap_start() {
  wire=$BATS_TEST_TMPDIR/wire
  background wiretap "$root/tests/lib/wiretap" "$wire"
  wait_until test -s "$BATS_TEST_TMPDIR/wiretap.out"
  tapped=http://127.0.0.1:$(cat "$BATS_TEST_TMPDIR/wiretap.out")
}

# Records that are refused, each with a word of the reason.
refused_records() {
  local ok='"url":"https://a.test/"'

  cat <<END
{"url":"https://a.test/\r\nX: y"}|white space
{"url":"https://a.test/\u0000"}|white space
{"url":"https://a.test/ HTTP/1.1"}|white space
{"url":"https://a.test/\u007f"}|white space
{"url":"https://a.test/\u0085"}|not ASCII
{"url":"https://a.test\r\n.b/"}|white space
{"url":"https://u:p@a.test/"}|user:password
{$ok,"method":"GET / HTTP/1.1\r\nX: y\r\n\r\nPOST"}|method
{$ok,"method":"PO ST"}|method
{$ok,"method":"POST\n"}|method
{$ok,"method":"POST\u0000"}|method
{$ok,"method":""}|method
{$ok,"method":"CONNECT"}|cannot carry
{$ok,"method":"trace"}|cannot carry
{$ok,"headers":{"X\r\nY":"z"}}|not a header name
{$ok,"headers":{"X: y\r\nZ":"z"}}|not a header name
{$ok,"headers":{"X ":"z"}}|not a header name
{$ok,"headers":{" X":"z"}}|not a header name
{$ok,"headers":{"X:":"z"}}|not a header name
{$ok,"headers":{"":"z"}}|not a header name
{$ok,"headers":{"X\u0000":"z"}}|not a header name
{$ok,"headers":{"\u00dc":"z"}}|not a header name
{$ok,"headers":{":authority":"z"}}|not a header name
{$ok,"headers":{"X":"a\r\nY: z"}}|forge
{$ok,"headers":{"X":"a\nY: z"}}|forge
{$ok,"headers":{"X":"a\rY: z"}}|forge
{$ok,"headers":{"X":"a\r\n folded"}}|forge
{$ok,"headers":{"X":"a\u0000b"}}|forge
{$ok,"headers":{"X":"a\u001bb"}}|control character
{$ok,"headers":{"X":"a\u007fb"}}|control character
{$ok,"headers":{"Content-Length":"5"}}|set by the delivery
{$ok,"headers":{"content-length":"0"}}|set by the delivery
{$ok,"headers":{"Transfer-Encoding":"chunked"}}|set by the delivery
{$ok,"headers":{"transfer-ENCODING":"identity"}}|set by the delivery
{$ok,"headers":{"TE":"trailers"}}|set by the delivery
{$ok,"headers":{"Trailer":"X"}}|set by the delivery
{$ok,"headers":{"Connection":"close, X"}}|set by the delivery
{$ok,"headers":{"Upgrade":"h2c"}}|set by the delivery
{$ok,"headers":{"Expect":"100-continue"}}|set by the delivery
{$ok,"headers":{"Webhook-Signature":"v1,x"}}|set by the delivery
{$ok,"headers":{"webhook-id":"other"}}|set by the delivery
{$ok,"headers":{"Host":"a","host":"b"}}|given twice
{$ok,"headers":{"X":1}}|not a string
{$ok,"event_type":"a\r\nb"}|printable
{$ok,"event_type":"a\u0000b"}|printable
{$ok,"event_type":"a\u009bb"}|printable
{$ok,"id":"a\r\nX: y"}|printable
{$ok,"id":"a\u0000"}|printable
{$ok,"ordering_key":"a\nb"}|printable
{"endpoint":"a\r\nb"}|a name has
{"endpoint":"https://a.test\r\n/"}|url belongs
END
}

@test "whenqueue refuses each with its line number, and takes the rest" {
  local number=0 record reason

  refused_records | cut -d '|' -f 1 >records
  echo '{"id":"last","url":"https://a.test/"}' >>records
  run -65 --separate-stderr whenqueue -o id <records
  [ "$output" = last ]
  while IFS='|' read -r record reason; do
    number=$((number + 1))
    [[ ${stderr_lines[number - 1]} == "whenqueue: line $number: "*"$reason"* ]] ||
      fail "$record" "${stderr_lines[number - 1]}"
  done < <(refused_records)
  [ "${#stderr_lines[@]}" -eq "$number" ]
  [ "$(whqueue list -o ndjson | wc -l)" -eq 1 ]
}

@test "the command line is held to the same" {
  for header in $'X: a\r\nY: b' $'X\n: b' 'Content-Length: 5' 'Transfer-Encoding: chunked' \
    $'X: a\x1bb' 'no colon'; do
    run ! whenqueue --url https://a.test/ --header "$header" --data 1
    [ "$status" -eq 64 ] || [ "$status" -eq 65 ] || fail "$status for $header"
  done
  for arguments in $'--url|https://a.test/\r\nX: y' $'--method|GET / HTTP/1.1\r\n' \
    $'--event-type|a\r\nb' $'--id|a\nb' $'--ordering-key|a\rb' $'--endpoint|a\nb'; do
    run ! whenqueue --url https://a.test/ --data 1 "${arguments%%|*}" "${arguments#*|}"
    [ "$status" -eq 64 ] || [ "$status" -eq 65 ] || fail "$status for $arguments"
  done
  [ "$(whqueue list -o ndjson 2>/dev/null | wc -l)" -eq 0 ]
}

@test "so is the configuration, 78 with the line, and the file of a secret" {
  local endpoint='"url":"https://a.test/"'

  for headers in '"X":"a\r\nY: b"' '"X\r\nY":"b"' '"Content-Length":"5"' \
    '"Transfer-Encoding":"chunked"' '"X":"a\u0000"' '"webhook-id":"x"' '"X":"1","x":"2"'; do
    printf '{"endpoints":\n{"a":{%s,"headers":{%s}}}}' "$endpoint" "$headers" >config.json
    run -78 --separate-stderr whworker --drain --config config.json
    [[ $stderr == *'config.json: line 2: endpoints.a.headers.'* ]]
  done
  printf '{"endpoints":{"a":{"url":"https://a.test/\\r\\nX: y"}}}' >config.json
  run -78 --separate-stderr whworker --drain --config config.json
  [[ $stderr == *'endpoints.a.url: '* ]]
  for secret in 'a\r\nX: y' 'a\nX: y\n' 'a\0b'; do
    printf '%b' "$secret" >secret
    chmod 600 secret
    printf '{"endpoints":{"a":{%s,"headers":{"A":{"file":"secret"}}}}}' "$endpoint" >config.json
    run -78 --separate-stderr whworker --drain --config config.json
    [[ $stderr == *secret*forge* ]]
  done
}

@test "what is sent has the lines that were asked for, one length, and no other framing" {
  wiretap_start
  jq -nc --arg url "$tapped/hook?a=b" '{id: "one", $url, method: "PUT", payload: {n: 1},
    headers: {"X-Empty": "", "X-Colon": ": :", "X-Tab": "a\tb", "X-Umlaut": "ü", Host: "other.test",
      "Content-Type": "text/plain"}}' | whenqueue >/dev/null
  jq -nc --arg url "$tapped/" '{id: "two", $url, headers: {"X-Next": "1"}}' | whenqueue >/dev/null
  run -0 whworker --drain --concurrency 1
  tr -d '\r' <"$wire" | sed -E 's/^(webhook-timestamp|User-Agent): .*/\1/' >lines
  cat >expected <<'END'
PUT /hook?a=b HTTP/1.1
Host: other.test
Accept: */*
webhook-id: one
webhook-timestamp
webhook-attempt: 1
X-Empty:
X-Colon: : :
X-Tab: a	b
X-Umlaut: ü
Content-Type: text/plain
User-Agent
Content-Length: 7

{"n":1}POST / HTTP/1.1
END
  head -n 15 lines | diff expected - || fail "$(cat -A "$wire")"
  [ "$(grep -c '^Content-Length: ' lines)" -eq 2 ]
  [ "$(grep -c -a -v $'\r$' "$wire")" -eq 0 ] # every line feed has its carriage return
  run ! grep -i -E '^(transfer-encoding|connection|expect|upgrade|te):' lines
}

# Changes a text of the one job's request behind our back, to what jq makes of the JSON
# string; runs the worker; and leaves its line in $output.
deliver_edited() {
  local column=$1 text=$2

  rm -f "$WH_DB"*
  jq -nc --arg url "$tapped/" '{id: "one", $url, headers: {"X-A": "b"}, payload: 1}' |
    whenqueue >/dev/null
  sqlite3 "$WH_DB" "UPDATE request SET $column = CAST(x'$(jq -jn "$text" | od -An -v -tx1 |
    tr -d ' \n')' AS TEXT)"
  [ "$(sqlite3 "$WH_DB" 'SELECT changes()')" = 0 ] # the statement was well-formed
  run -0 whworker --drain
}

@test "the worker sends nothing of a row that was edited into a forgery" {
  wiretap_start
  for edit in 'url|"'"$tapped"'/\r\nX-Forged: y"' 'url|"'"$tapped"'/ HTTP/1.1\r\nX-Forged: y"' \
    'url|"'"$tapped"'/\u0000X-Forged"' 'method|"GET / HTTP/1.1\r\nX-Forged: y\r\n\r\nPOST"' \
    'method|"POST\u0000"' 'method|"CONNECT"' 'event_id|"one\r\nX-Forged: y"' 'event_id|"one\u0000"' \
    'headers|{"X":"a\r\nX-Forged: y"}|tojson' 'headers|{"X\r\nX-Forged: y":"a"}|tojson' \
    'headers|{"Content-Length":"5"}|tojson' 'headers|{"Transfer-Encoding":"chunked"}|tojson' \
    'headers|{"Host":"a","host":"b"}|tojson' 'headers|{"webhook-id":"other"}|tojson' \
    'headers|"not JSON"' 'headers|"[]"' 'headers|{"X":1}|tojson'; do
    deliver_edited "${edit%%|*}" "${edit#*|}"
    json_is '.event == "dead" and .error_type == "validation" and .dead_reason == "non_retryable"'
    [ ! -s "$wire" ] || fail "$edit" "$(cat -A "$wire")"
  done
}

@test "a dead letter is exported and sent again with the bytes it had" {
  wiretap_start
  jq -nc --arg url "$tapped/" '{id: "one", $url, headers: {"X-A": "b"}, payload: 1,
    http: {status: 400}}' | whenqueue >/dev/null
  whdlq export one >exported
  for edit in '.headers["X-B"] = "a\r\nX-Forged: y"' '.url += "\r\nX-Forged: y"' \
    '.method = "GET\r\n"' '.headers["Content-Length"] = "5"'; do
    run -65 --separate-stderr whenqueue -o id < <(jq -c "$edit | .id = \"two\"" exported)
    [ -z "$output" ]
  done
  whdlq retry one >/dev/null
  run -0 whworker --drain
  grep -aq $'^X-A: b\r$' "$wire"
  run ! grep -aq Forged "$wire"
}
