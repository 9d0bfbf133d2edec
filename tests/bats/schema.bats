# SPDX-License-Identifier: MIT
# What the programs really print is valid by the schemas of schema/record.

bats_require_minimum_version 1.5.0
load helper

setup() {
  common_setup
  whenqueue --jitter 0 -o id >/dev/null <<'END'
{"id":"dead","url":"https://a/","http":{"status":404,"body":"no such hook"},"mine":1}
{"id":"retry","url":"https://a/","error":{"code":"ECONNRESET"},"payload_b64":"AAE="}
{"id":"new","endpoint":"acme","event_type":"x","headers":{"X-A":"b"},"payload":[1]}
END
}

@test "a schema refuses what is not in it" {
  run -0 printf '%s\n' '{"id":"x","job_id":1,"state":"waiting","run_at":"soon","attempt":0}'
  run -1 schema_valid receipt
  [[ $output == *run_at* ]]
}

@test "whqueue list, show, stats and doctor" {
  run -0 --separate-stderr whqueue list -o ndjson
  [ "${#lines[@]}" -eq 2 ]
  schema_valid job
  run -0 --separate-stderr whqueue show retry -o ndjson
  json_is '.attempts[0].reported and .error_type == "network"'
  schema_valid job
  run -0 --separate-stderr whqueue stats -o ndjson
  schema_valid stats
  run --separate-stderr whqueue doctor -o ndjson
  schema_valid health
}

@test "whqueue cancel and hold" {
  run -0 --separate-stderr whqueue cancel new -o ndjson
  schema_valid action
}

@test "whdlq list, show, resolve and export" {
  run -0 --separate-stderr whdlq list -o ndjson
  json_is '.id == "dead" and .dead_reason == "non_retryable" and .last_status == 404'
  schema_valid dead_letter
  run -0 --separate-stderr whdlq show dead -o ndjson
  json_is '.attempts[0].snippet == "no such hook"'
  schema_valid dead_letter
  run -0 --separate-stderr whdlq export dead
  json_is '.mine == 1'
  schema_valid record
  run -0 --separate-stderr whdlq resolve dead --by me -m fixed -o ndjson
  schema_valid action
  run -0 --separate-stderr whdlq list --status resolved -o ndjson
  json_is '.resolved_by == "me" and .delivered == false'
  schema_valid dead_letter
}

@test "whclassify" {
  run -0 --separate-stderr bash -c \
    "whclassify <<<'{\"http\":{\"status\":429,\"headers\":{\"retry-after\":\"7\"}}}' |
       jq -c .classification"
  schema_valid classification
}

@test "whworker" {
  receiver_start
  whqueue cancel retry new
  printf '{"url":"%s","payload":1}\n' "$(receiver_url /ok)" "$(receiver_url /status/404)" \
    "$(receiver_url /status/503)" "$receiver_refusing_url" | whenqueue
  run -0 --separate-stderr whworker --drain --jitter 0
  [ "$(json .event | sort)" = $'completed\ndead\nretry\nretry' ]
  schema_valid event
  run -0 --separate-stderr whqueue list -o ndjson
  schema_valid job
}
