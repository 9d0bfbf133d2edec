# SPDX-License-Identifier: MIT

bats_require_minimum_version 1.5.0
load helper

classified() {
  jq -r '[.classification.error_type, .classification.rule] | join(" ")'
}

@test "a record goes out as it came in, with its classification behind it" {
  run -0 --separate-stderr whclassify <<<'{ "n":1.0e2 , "http":{"status":503},"b":"\u00e9" }'
  [[ $output == '{ "n":1.0e2 , "http":{"status":503},"b":"\u00e9" ,"classification":{'*'}}' ]]
  json_is '.classification.error_type == "server" and .classification.rule == "http-5xx"'
}

@test "an earlier classification is replaced, wherever it stands" {
  for record in '{"classification":1,"a":2}' '{"a":2,"classification":{"x":[1]}}' \
    '{"a":2}' '{"classification":1,"a":2,"classification":3}' \
    '{"a":2,"classific\u0061tion":3}'; do
    run -0 whclassify <<<"$record"
    [[ $output == '{"a":2,"classification":{'*'}}' ]]
    json_is '.classification.error_type == "unknown"'
  done
  run -0 whclassify <<<'{"classification":1}'
  [[ $output == '{"classification":{'*'}}' ]]
}

@test "a bare string is a message" {
  run -0 whclassify <<<'"connect ECONNREFUSED 127.0.0.1:80"'
  json_is '.error.message == "connect ECONNREFUSED 127.0.0.1:80"'
  json_is '.classification.error_type == "network"'
}

@test "what curl prints is a report" {
  run -0 whclassify <<<'{"exitcode":7,"errormsg":"Failed to connect","http_code":0}'
  json_is '.classification.error_type == "network" and .exitcode == 7'
}

@test "null, numbers and arrays are unknown, and still a line each" {
  run -0 whclassify <<<$'null\n42\n[1,2]\ntrue'
  [ "${#lines[@]}" -eq 4 ]
  json_is '.classification.error_type == "unknown"'
  [ "$(jq -c .value <<<"$output" | paste -sd ' ')" = 'null 42 [1,2] true' ]
}

@test "a line that is not JSON is a message, a complaint and exit 65" {
  run -65 --separate-stderr whclassify <<<$'{"http":{"status":500}}\n\nread ECONNRESET\n{"a":'
  [ "${#lines[@]}" -eq 3 ]
  [ "$(classified <<<"${lines[0]}")" = 'server http-5xx' ]
  json_is '.classification != null'
  [ "$(jq -r .error.message <<<"${lines[1]}")" = 'read ECONNRESET' ]
  [ "$(jq -r .classification.error_type <<<"${lines[1]}")" = network ]
  [[ ${stderr_lines[0]} == 'whclassify: line 3: not JSON'*': byte 1: '* ]]
  [[ ${stderr_lines[1]} == 'whclassify: line 4: not JSON'*': byte 6: '* ]]
}

@test "invalid UTF-8 makes a line out all the same" {
  run -65 --separate-stderr whclassify <<<$'"\xff\xfe"'
  json_is '.error.message | length > 0'
}

@test "a line that is too long makes a line out and does not fill memory" {
  make_long() {
    echo '{"http":{"status":503}}'
    head -c 100000000 /dev/zero | tr '\0' x
    echo
    echo '{"http":{"status":404}}'
  }
  [ -n "${TEST_SANITIZED-}" ] || ulimit -v 300000
  run -65 --separate-stderr whclassify < <(make_long)
  [ "${#lines[@]}" -eq 3 ]
  [ "$(jq -r .classification.error_type <<<"$output" | paste -sd ' ')" = 'server unknown client' ]
  [[ $stderr == 'whclassify: line 2: longer than 16777216 bytes' ]]
}

@test "several files in order, one that is missing is named" {
  echo '{"n":1}' >a
  echo '{"n":2}' >b
  run -66 --separate-stderr whclassify a missing b - <<<'{"n":3}'
  [ "$(jq .n <<<"$output" | paste -sd ' ')" = '1 2 3' ]
  [ "$stderr" = 'whclassify: missing: No such file or directory' ]
}

@test "a broken line in a file is placed by file and line" {
  printf '{}\nx\n' >bad
  run -65 --separate-stderr whclassify bad
  [[ $stderr == 'whclassify: bad: line 2: not JSON'* ]]
}

@test "whoever feeds it by hand sees each answer at once" {
  local answer
  coproc classify { whclassify; }
  echo '{"http":{"status":503}}' >&"${classify[1]}"
  read -r -t 10 answer <&"${classify[0]}"
  [[ $answer == *'"http-5xx"'* ]]
  echo '{"http":{"status":404}}' >&"${classify[1]}"
  read -r -t 10 answer <&"${classify[0]}"
  [[ $answer == *'"client"'* ]]
}

@test "--explain names the rule, and when the retries would come" {
  run -0 whclassify --explain <<<'{"http":{"status":503}}'
  json_is '.explain.rule == "http-5xx"'
  json_is '[.explain.retries[].delay_ms] == [5000,10000,20000,40000,80000]'
  json_is '[.explain.retries[].after_ms] == [5000,15000,35000,75000,155000]'
  json_is '.explain.attempts == 6 and .explain.dead == "retries_exhausted"'

  run -0 whclassify --explain -o text <<<'{"http":{"status":503}}'
  [[ $output == *'rule      http-5xx'* ]]
  [[ $output == *'retried after 5s, 10s, 20s, 40s, 1m 20s; dead after 6 attempts'* ]]

  run -0 whclassify --explain -o text <<<'{"http":{"status":410}}'
  [[ $output == *'never retried'*'(gone)'* ]]
}

@test "what the server asks for counts once" {
  run -0 whclassify --explain <<<'{"http":{"status":503,"headers":{"Retry-After":"120"}}}'
  json_is '.classification.retry_after_ms == 120000'
  json_is '[.explain.retries[].delay_ms] == [120000,10000,20000,40000,80000]'
}

@test "a policy: flag beats environment, and its errors are placed" {
  echo '{"types":{"server":{"base_delay":"7s"}}}' >seven
  echo '{"types":{"server":{"base_delay":"9s"}}}' >nine
  echo '{"types":{"sever":{}}}' >bad
  run -0 whclassify --policy seven <<<'{"http":{"status":503}}'
  json_is '.classification.base_delay_ms == 7000'
  WH_POLICY=nine run -0 whclassify <<<'{"http":{"status":503}}'
  json_is '.classification.base_delay_ms == 9000'
  WH_POLICY=nine run -0 whclassify --policy seven <<<'{"http":{"status":503}}'
  json_is '.classification.base_delay_ms == 7000'
  run -78 --separate-stderr whclassify --policy bad <<<'{}'
  [[ $stderr == 'whclassify: bad: line 1: '*sever* ]]
  run -66 --separate-stderr whclassify --policy nowhere <<<'{}'
  [[ $stderr == 'whclassify: nowhere: '* ]]
}

@test "a policy inside the configuration holds too" {
  echo '{"policy":{"types":{"server":{"max_retries":1}}}}' >conf
  run -0 whclassify --config conf <<<'{"http":{"status":503}}'
  json_is '.classification.max_retries == 1'
}

@test "a directory is no input" {
  mkdir folder
  run -66 --separate-stderr whclassify folder
  [ "$stderr" = "whclassify: folder: is a directory" ]
}
