# SPDX-License-Identifier: MIT
# The configuration and policy files, as every program reads them.

bats_require_minimum_version 1.5.0
load helper

@test "an endpoint of the configuration is a target; another name is a mistake" {
  echo '{"endpoints": {"acme": {"url": "https://a/"}}}' >wh.conf
  run -0 --separate-stderr whenqueue --config wh.conf --endpoint acme -d x
  json_is '.state == "waiting"'
  run -65 --separate-stderr whenqueue --config wh.conf --endpoint acmee -d x
  [ "$stderr" = "whenqueue: endpoint: 'acmee' is not in the configuration" ]
  run -0 --separate-stderr whenqueue --endpoint acmee -d x
}

@test "a mistake is named with file, line and member" {
  printf '{\n "limits": {\n  "leese": "1s"\n }\n}\n' >wh.conf
  run -78 --separate-stderr whenqueue --config wh.conf --url https://a/ -d x
  [[ $stderr == "whenqueue: wh.conf: line 3: limits.leese: unknown member; there are "* ]]
  [ ! -e "$WH_DB" ]
  run -78 --separate-stderr whclassify --config wh.conf <<<'{}'
  [[ $stderr == "whclassify: wh.conf: line 3: limits.leese: "* ]]
}

@test "a mistake in the policy is named with the line of its file" {
  printf '{"policy":\n {"max_attempts": 3,\n  "jitter": 4}}\n' >wh.conf
  run -78 --separate-stderr whenqueue --config wh.conf --url https://a/ -d x
  [[ $stderr == "whenqueue: wh.conf: line 3: "*jitter* ]]
  printf '{"max_attempts": 3,\n  "jitter": 4}\n' >policy
  run -78 --separate-stderr whenqueue --policy policy --url https://a/ -d x
  [[ $stderr == "whenqueue: policy: line 2: "*jitter* ]]
}

@test "a file that is not there, or may not be read, is said so" {
  run -66 --separate-stderr whenqueue --config nowhere --url https://a/ -d x
  [ "$stderr" = "whenqueue: nowhere: No such file or directory" ]
  run -66 whenqueue --policy nowhere --url https://a/ -d x
}

@test "flags beat the environment, which beats the file, which beats the defaults" {
  delay() {
    whenqueue --explain "$@" <<<'{"url":"https://a/","error":{"code":"ECONNRESET"}}' |
      jq -c '[.attempts[0].delay_ms, .attempts[0].jitter_max_ms, .max_attempts]'
  }
  [ "$(delay)" = '[2000,200,10]' ]
  echo '{"policy": {"max_attempts": 4, "jitter_percent": 50,
         "types": {"network": {"base_delay": "3s"}}}}' >wh.conf
  [ "$(delay --config wh.conf)" = '[3000,1500,4]' ]
  [ "$(WH_CONFIG=wh.conf delay)" = '[3000,1500,4]' ]
  echo '{"types": {"network": {"base_delay": "7s"}}}' >policy
  [ "$(WH_CONFIG=wh.conf WH_POLICY=policy delay)" = '[7000,3500,4]' ]
  [ "$(WH_CONFIG=wh.conf WH_POLICY=nowhere delay --policy policy)" = '[7000,3500,4]' ]
  [ "$(WH_CONFIG=wh.conf delay --jitter 0 --max-attempts 3)" = '[3000,0,3]' ]
}

@test "max_line bounds a line" {
  echo '{"limits": {"max_line": "1KiB"}}' >wh.conf
  printf '{"url":"https://a/","payload":"%01024d"}\n{"url":"https://a/"}\n' 0 >in
  run -65 --separate-stderr whenqueue --config wh.conf in
  [ "$stderr" = "whenqueue: in: line 1: longer than 1024 bytes, the limit max_line" ]
  [ "$(json .state)" = waiting ]
}

@test "a file of the configuration that cannot be read is named with its member" {
  printf '{"endpoints": {"acme": {"url": "https://a/",\n "tls": {"ca": "ca.pem"}}}}\n' >tls.conf
  run -78 --separate-stderr whworker --once --config tls.conf
  [ "$stderr" = "whworker: tls.conf: line 2: endpoints.acme.tls.ca: ./ca.pem: No such file or directory" ]
  : >ca.pem
  run -0 whworker --once --config tls.conf
  printf '{"endpoints": {"acme": {"url": "https://a/", "headers":\n {"X-Key": {"file": "key"}}}}}\n' \
    >secret.conf
  run -78 --separate-stderr whworker --once --config secret.conf
  [ "$stderr" = "whworker: secret.conf: line 2: endpoints.acme.headers.X-Key.file: ./key: No such file or directory" ]
  run -0 whenqueue --config secret.conf --endpoint acme -d x
}

@test "a timeout is at least a millisecond" {
  for name in timeout connect-timeout; do
    run -64 --separate-stderr whworker --once "--$name" 0
    [ "$stderr" = "whworker: --$name: must be at least 1ms" ]
    echo "{\"limits\": {\"${name/-/_}\": \"0\"}}" >wh.conf
    run -78 --separate-stderr whworker --once --config wh.conf
    [[ $stderr == "whworker: wh.conf: line 1: limits.${name/-/_}: "* ]]
  done
}

@test "whworker offers the formats it has" {
  run -0 whworker --help
  [[ $output != *ndjson,\ json* && $output != *tsv* ]]
  run -64 --separate-stderr whworker --once -o tsv
  [ "$stderr" = "whworker: -o: 'tsv' is none of auto, table, ndjson" ]
}
