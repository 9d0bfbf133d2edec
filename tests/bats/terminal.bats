# SPDX-License-Identifier: MIT
#
# Nothing that came from elsewhere moves the operator's terminal: not from a payload, an
# error text, a header, an answer, a file's name or content, or a word of the command line,
# in no output of no program. What the terminal was sent is judged byte by byte.

bats_require_minimum_version 1.5.0
load helper

# A table of tricks. Those of the second list are no UTF-8: they come in as bodies, as lines
# that are no record, as names of files, and as rows that another program wrote.
tricks=(
  $'\e[41mcolour'
  $'\e[2J\e[Hclear'
  $'\e]0;title\a'
  $'\e]8;;http://evil.test\e\\link\e]8;;\e\\'
  $'\e]52;c;ZXZpbA==\a'
  $'\eP+q544e\e\\'
  $'\rspoofed line'
  $'\b\b\b\x7f'
  $'two\nlines\v\f'
  $'\u009b31mC1 \u0085\u009d0;t\u009c'
  $'\u202egpj.exe\u202c'
  $'\u2066left\u2067right\u2068\u2069'
  $'\u200e\u200f\u061c marks'
  $'zero\u200b\u200c\u200d\ufeffwidth'
  $'line\u2028para\u2029'
  $'z\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301algo'
  $'tags\U000e0041\U000e0042\U000e007f'
  $'soft\u00adhyphen\u3164\u180e\u2060\u206a'
)
raw_tricks=(
  $'raw \x9b31mC1\x9d0;t\x9c\x85'
  $'overlong \xc0\x9b[31m\xe0\x80\x9b'
  $'broken \xe2\x80 \xed\xa0\x80 \xf4\x90\x80\x80 \xff'
)

setup() {
  common_setup
  export NO_COLOR=1 SHELL=/bin/bash
  commands='' asked=0
}

# at_terminal COMMAND…: runs it with a terminal as stdin, stdout and stderr, and leaves in
# `seen` what that was sent. The terminal itself shows our end of file as ^D and two
# backspaces. stdin is <file in the last word where the command reads one.
at_terminal() {
  local command

  printf -v command '%q ' "$@"
  at_terminal_sh "$command"
}

at_terminal_sh() {
  timeout 20 script -qec "stty -echo cols ${columns:-200} rows 50; $1" /dev/null </dev/null >seen || :
  sed -i 's/\^D\x08\x08//g' seen
}

# Whether what was seen has nothing in it that a terminal would act on, or that shows
# something else than it is. Said here in other words than those of the programs.
is_harmless() {
  local shown

  # iconv takes the U+DC9B of a lone \x9b for an error, as a terminal does.
  if ! iconv -f UTF-8 -t UTF-8 seen >/dev/null 2>&1; then
    shown='not UTF-8'
  elif LC_ALL=C.UTF-8 grep -aqP '(?!\t)[\x{1}-\x{9}\x{b}\x{c}\x{e}-\x{1f}\x{7f}-\x{9f}]' seen; then
    shown='a control character'
  elif sed 's/\r$//' seen | grep -aq $'\r'; then
    shown='a carriage return'
  elif [ "$(tr -d '\0' <seen | wc -c)" -ne "$(wc -c <seen)" ]; then
    shown='NUL'
  elif LC_ALL=C.UTF-8 grep -aqP '[\x{ad}\x{61c}\x{180e}\x{200b}-\x{200f}\x{2028}-\x{202e}\x{2060}-\x{206f}\x{3164}\x{feff}\x{e0000}-\x{e0fff}]' seen; then
    shown='a character that cannot be seen'
  elif LC_ALL=C.UTF-8 grep -aqP '\x{301}{10}' seen; then
    shown='a flood of combining marks'
  else
    return 0
  fi
  fail "$shown: $1" "$(head -c 3000 seen | cat -v)"
}

# later COMMAND…: to be run by the next `checked`, all at one terminal.
later() {
  local command

  printf -v command '%q ' "$@"
  commands+="$command; "
  asked=$((asked + 1))
}

# Runs them, and says whether the terminal is safe and each of them said something.
checked() {
  at_terminal_sh "$commands"
  [ "$(wc -l <seen)" -ge "$asked" ] || fail 'somebody was silent' "$commands" "$(cat -v seen)"
  is_harmless "$commands"
  commands='' asked=0
}

# The text as JSON, or bytes as SQL.
quoted() {
  jq -Rsc . < <(printf '%s' "$1")
}

sql_bytes() {
  printf "CAST(x'%s' AS TEXT)" "$(printf '%s' "$1" | od -An -v -tx1 | tr -d ' \n')"
}

# A dead letter and a waiting job for each trick, with it in every place that takes it.
fill_store() {
  local trick text

  for trick in "${tricks[@]}"; do
    text=$(quoted "$trick")
    printf '{"url":"https://a.test/h","headers":{"X-A":"%s"},"payload":{"a":%s},"x":%s,%s}\n' \
      "$(LC_ALL=C.UTF-8 tr -d '[:cntrl:]' <<<"$trick" | jq -Rr '@json[1:-1]')" "$text" "$text" \
      "\"http\":{\"status\":404,\"body\":$text},\"error\":{\"message\":$text}"
    printf '{"url":"https://a.test/h","payload":{"a":%s}}\n' "$text"
  done >records
  for trick in "${raw_tricks[@]}"; do
    printf '{"url":"https://a.test/h","payload_b64":"%s","http":{"status":404}}\n' \
      "$(printf '%s' "$trick" | base64 -w 0)"
    printf '{"url":"https://a.test/h","payload_b64":"%s"}\n' \
      "$(printf '%s' "$trick" | base64 -w 0)"
  done >>records
  whenqueue <records >receipts
}

# The same tricks in every text of the store, as if another program had written them.
spoil_store() {
  local job=1 trick text

  for trick in "${tricks[@]}" "${raw_tricks[@]}"; do
    text=$(sql_bytes "$trick")
    cat <<END
UPDATE request SET event_id = $text || job_id, url = $text, method = $text,
  extra = '"x":"' || $text || '"' WHERE job_id IN ($job, $job + 1);
UPDATE job_key SET event_id = $text || job_id WHERE job_id IN ($job, $job + 1);
INSERT INTO endpoint (queue_id, name, named, held_at) VALUES (1, $text, $((job / 2 % 2)), 1);
UPDATE retry_queue SET endpoint_id = last_insert_rowid(), event_type = $text
  WHERE id IN ($job, $job + 1);
UPDATE dead_letter_queue SET endpoint_id = last_insert_rowid(), event_type = $text,
  rule = $text, reason = $text, resolved_by = $text, note = $text, death = $text
  WHERE id IN ($job, $job + 1);
UPDATE attempt SET rule = $text, reason = $text, snippet = $text, peer = $text
  WHERE job_id IN ($job, $job + 1);
INSERT OR IGNORE INTO hold (queue_id, event_type, held_at) VALUES (1, $text, 1);
END
    job=$((job + 2))
  done | sqlite3 "$WH_DB"
  jobs=$((job - 1))
}

look_at_store() {
  local format id

  for format in table ndjson json tsv id; do
    later whdlq list --limit 0 -o $format
    later whqueue list --limit 0 -o $format
    later whdlq stats -o $format
    later whqueue stats -o $format
    later whdlq delete --all --dry-run -o $format
    later whqueue cancel --all --dry-run -o $format
    checked
  done
  for id in $(seq 1 2 "$1"); do
    later whdlq show --reveal "$id"
    later whdlq show --body "$id"
    later whqueue show "$id" $((id + 1))
    checked
  done
  later whdlq show -o ndjson 1 3 5 7 9
  later whqueue show -o ndjson 2 4 6 8
  later whdlq export --all
  later whdlq stats --by event-type
  later whdlq stats --by endpoint
  later whqueue endpoints
  later whqueue doctor
  checked
  columns=40
  later whdlq list --limit 0
  checked
  columns=200
}

@test "what events, failures and answers say cannot move a terminal" {
  fill_store
  [ "$(wc -l <receipts)" -eq "$(wc -l <records)" ]
  look_at_store "$(wc -l <receipts)"
}

@test "nor can what another program wrote into the store" {
  fill_store
  spoil_store
  look_at_store "$jobs"
  later whdlq resolve --all --yes --by me -o table
  later whqueue cancel --all --yes -o ndjson
  checked
}

@test "with colours there is nothing in a listing but our own colours" {
  local found

  unset NO_COLOR
  export TERM=xterm
  fill_store
  spoil_store
  for command in 'list --limit 0' 'show 1 3 5 7' 'stats'; do
    # shellcheck disable=SC2086 # the command's words
    at_terminal whdlq $command
    [ "$(grep -c -a $'\e' seen)" -gt 0 ]
    sed -i -E 's/\x1b\[(0|1|2|31|32|33)m//g' seen
    is_harmless "whdlq $command"
  done
}

@test "words of the command line, echoed in a complaint" {
  local trick verb program

  whenqueue --url https://a.test/ --data 1 >/dev/null
  for trick in "${tricks[@]}" "${raw_tricks[@]}"; do
    for program in whclassify whenqueue whworker whqueue whdlq; do
      later "$program" --"$trick"
      later "$program" -"$trick"
      later "$program" --config "$trick"
    done
    later whdlq "$trick"
    later whdlq help "$trick"
    later whdlq list "list$trick"
    later whdlq show "$trick"
    later whqueue show "$trick"
    later whqueue cancel "$trick"
    later whqueue list --error-type "serve$trick"
    later whqueue list --status "$trick"
    later whqueue list --since "$trick" --after "$trick"
    later whqueue list --limit "$trick"
    later whdlq cleanup --older-than "$trick"
    later whqueue list --db "$trick"
    later whclassify --policy "$trick"
    later whclassify "$trick"
    later whenqueue --url "$trick" --data 1
    later whenqueue --url https://a.test/ --event-type "$trick" --data "$trick"
    later whenqueue --url https://a.test/ --header "$trick" --data 1
    later whenqueue --url https://a.test/ --header "X-$trick: 1" --data 1
    checked
  done
}

@test "lines of input, echoed in a complaint or in a receipt" {
  local trick text format

  for trick in "${tricks[@]}" "${raw_tricks[@]}"; do
    printf '%s\n' "$trick"
    printf '"%s"\n{"%s":1}\n{"id":"%s"}\n' "$trick" "$trick" "$trick"
    printf '{"url":"%s"}\n{"url":"https://a.test/","event_type":"%s"}\n' "$trick" "$trick"
    printf '{"url":"https://a.test/","headers":{"%s":"1"}}\n' "$trick"
    printf '{"endpoint":"%s"}\n{"url":"%s://"}\n' "$trick" "$trick"
    text=$(quoted "$trick")
    printf '{"url":"https://a.test/","headers":{%s:"1","A":%s}}\n' "$text" "$text"
    printf '{"endpoint":%s}\n{"url":%s,"method":%s}\n' "$text" "$text" "$text"
    printf '{"url":"https://a.test/","run_at":%s}\n' "$text"
    printf '{"url":"https://a.test/","delay":%s}\n' "$text"
    printf '{"id":%s,"url":"https://a.test/"}\n' "$text"
    printf '{"id":%s,"url":"https://a.test/","http":{"status":404},"error":%s}\n' "$text" "$text"
    printf '%s\n' "$text"
    printf '{"classification":{"error_type":"server","rule":%s,"reason":%s}}\n' "$text" "$text"
    printf '{"url":"https://a.test/","classification":{"error_type":"server","reason":%s}}\n' "$text"
  done >lines
  for format in table ndjson json tsv id; do
    at_terminal_sh "whenqueue -o $format <lines"
    is_harmless "whenqueue -o $format"
  done
  [ "$(whqueue list -o ndjson --limit 0 | wc -l)" -gt 0 ]
  at_terminal_sh 'whclassify <lines'
  is_harmless whclassify
  at_terminal_sh 'whclassify -o table <lines'
  is_harmless 'whclassify -o table'
  at_terminal_sh 'whqueue cancel --yes - <lines'
  is_harmless 'whqueue cancel -'
}

@test "configuration, policy, and the names of files" {
  local trick text

  for trick in "${tricks[@]}"; do
    text=$(quoted "$trick")
    for document in "{$text:1}" "{\"endpoints\":{$text:{\"url\":1}}}" \
      "{\"endpoints\":{\"a\":{\"url\":$text}}}" \
      "{\"endpoints\":{\"a\":{\"url\":\"https://a.test/\",\"headers\":{$text:\"1\"}}}}" \
      "{\"endpoints\":{\"a\":{\"url\":\"https://a.test/\",\"headers\":{\"A\":{\"file\":$text}}}}}" \
      "{\"endpoints\":{\"a\":{\"url\":\"https://a.test/\",\"tls\":{\"ca\":$text}}}}" \
      "{\"limits\":{\"timeout\":$text}}" "{\"limits\":{\"endpoint_rate\":$text}}"; do
      asked=$((asked + 1))
      printf '%s' "$document" >config$asked.json
      commands+="whworker --drain --config config$asked.json; "
    done
    checked
    printf '{"rules":[{"name":%s,"match":{"status":503},"error_type":"server"}]}' "$text" >policy.json
    printf '{"http":{"status":503}}\n' >report
    at_terminal_sh 'whclassify -o table --policy policy.json report'
    is_harmless 'the name of a rule'
    printf '{"types":{%s:{}}}' "$text" >policy.json
    at_terminal whclassify --policy policy.json report
    is_harmless 'the name of a type'
  done
  for trick in "${tricks[@]}" "${raw_tricks[@]}"; do
    printf 'not JSON' >"file${trick//\//}"
    later whclassify "file${trick//\//}"
    later whworker --drain --config "file${trick//\//}"
    later whqueue list --db "file${trick//\//}"
    checked
  done
}

@test "what a receiver answers, as the worker tells it" {
  local trick format

  receiver_start
  for trick in "${tricks[@]}" "${raw_tricks[@]}"; do
    jq -nc --arg url "$(receiver_url /status/404)" --arg body "$(printf '%s' "$trick" | od -An -v -tx1 | tr -d ' \n' | sed 's/../%&/g')" \
      --arg x "$trick" '{url: ($url + "?body=" + $body), payload: $x, x: $x}'
  done >records
  jq -c 'del(.payload)' records >again
  whenqueue <records >/dev/null
  at_terminal whworker --drain
  [ "$(grep -c -a dead seen)" -eq "$(wc -l <records)" ]
  is_harmless whworker
  whenqueue <again >/dev/null
  at_terminal whworker --drain -o ndjson
  [ "$(grep -c -a '"event":"dead"' seen)" -eq "$(wc -l <records)" ]
  is_harmless 'whworker -o ndjson'
  later whdlq show 1 5 9 13 17 19 20 21
  checked
}

@test "questions" {
  local trick

  fill_store
  spoil_store
  for trick in "${tricks[@]}" "${raw_tricks[@]}"; do
    at_terminal whdlq delete --event-type "$trick"
    grep -aq 'y/N' seen || fail "not asked" "$(cat -v seen)"
    is_harmless "delete --event-type $trick"
    at_terminal whqueue hold --event-type "$trick"
    grep -aq 'y/N' seen || fail "not asked" "$(cat -v seen)"
    is_harmless "hold --event-type $trick"
  done
}

@test "a pipe gets the bytes that were given, a terminal the same JSON in harmless spelling" {
  local record=$'{"id":"\u202eid","url":"https://a.test/","payload":{"a":"\u202e\u200b"},"http":{"status":404}}'

  printf '%s\n' "$record" >line
  run -0 whenqueue -o id <line
  [ "$output" = $'\u202eid' ]
  run -0 whdlq list -o ndjson
  [[ $output == *$'"payload":{"a":"\u202e\u200b"}'* ]]
  printf '%s\n' "$output" >piped
  at_terminal whdlq list -o ndjson
  grep -aq '"payload":{"a":"\\u202e\\u200b"}' seen
  [ "$(jq -S . seen)" = "$(jq -S . piped)" ]
  run -0 whclassify line
  [[ $output == *$'"payload":{"a":"\u202e\u200b"}'* ]]
}

@test "wide characters keep a table's columns in line" {
  printf '%s\n' '{"id":"中文","url":"https://a.test/","event_type":"类型","http":{"status":404}}' \
    '{"id":"ascii","url":"https://a.test/","event_type":"plain","http":{"status":404}}' | whenqueue >/dev/null
  at_terminal whdlq list
  # Each wide one takes the place of two: as many columns before ERROR in every row.
  run -0 sed -E 's/[^ -~]/xx/g; s/\r//' seen
  [ "$(awk '{ print index($0, "client") }' <<<"${lines[1]}")" -eq "$(awk '{ print index($0, "client") }' <<<"${lines[2]}")" ]
}
