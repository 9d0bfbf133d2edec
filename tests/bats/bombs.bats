# SPDX-License-Identifier: MIT
#
# Lines that are made to cost more than they say: each is taken or refused, the line behind
# it is taken, and neither time nor memory grow faster than the line is long. (The limits
# are far above what is needed and far below what a quadratic reader would take.)

bats_require_minimum_version 1.5.0
load helper

url='"url":"https://a.test/"'

# numbered COUNT FORMAT: the format with each number up to COUNT, commas between.
numbered() {
  seq 1 "$1" | awk -v format="$2" '{ printf "%s" format, (NR > 1 ? "," : ""), $1, $1 }'
}

# run_of COUNT TEXT: the text over and over.
run_of() {
  text=$2 awk -v count="$1" 'BEGIN { while (count-- > 0) printf "%s", ENVIRON["text"] }'
}

# What is on stdin as the first line; both programs, and what is left of it.
defuse() {
  local expected=$1

  { cat && printf '\n{"id":"after",%s}\n' "$url"; } >bomb
  limited whenqueue -o id <bomb >ids 2>said || [ "$?" -eq "$expected" ]
  [ "$(tail -n 1 ids)" = after ] || fail "$(tail -c 1000 said)"
  [ "$(wc -l <ids)" -eq $((expected == 0 ? 2 : 1)) ]
  limited whclassify <bomb >classified 2>said || [ "$?" -eq 65 ]
  [ "$(wc -l <classified)" -eq 2 ]
}

# 20 s of processor time, and 256 MiB where the sanitizers do not need terabytes.
limited() (
  ulimit -t 20
  [ -n "${TEST_SANITIZED:-}" ] || ulimit -v 262144
  exec "$@"
)

@test "a million levels" {
  { printf '{%s,"payload":' "$url" && run_of 1000000 '[' && run_of 1000000 ']' && printf '}'; } | defuse 65
  grep -q 'nested too deeply' <(limited whenqueue <bomb 2>&1)
}

@test "five hundred causes, each in the other, and each with a thousand members" {
  { printf '{%s,"error":' "$url" && run_of 490 "{\"message\":\"m\",$(numbered 1000 '"k%d":%d'),\"cause\":" &&
    printf '{}' && run_of 490 '}' && printf '}'; } | defuse 0
}

@test "a million members" {
  { printf '{%s,' "$url" && numbered 1000000 '"k%d":%d' && printf '}'; } >whole
  { head -c 16000000 whole | sed 's/,[^,]*$/}/'; } | defuse 0
  limited whqueue list -o ndjson | tail -n 1 | jq -e '.k1000 == 1000' >/dev/null
}

@test "a million of one name" {
  { printf '{%s,' "$url" && run_of 500000 '"payload_b64":"QUFBQQ==",' && printf '"x":1}'; } | defuse 0
}

@test "a million headers, and a few hundred" {
  { printf '{%s,"headers":{' "$url" && numbered 600000 '"k%d":"%d"' && printf '}}'; } | defuse 65
  { printf '{%s,"headers":{' "$url" && numbered 257 '"k%d":"%d"' && printf '}}'; } | defuse 65
}

@test "numbers of ten million digits" {
  { printf '{%s,"payload":' "$url" && run_of 10000000 9 && printf '}'; } | defuse 0
}

@test "a priority of ten million digits, and an exponent beyond all bounds" {
  { printf '{%s,"priority":0.' "$url" && run_of 10000000 0 && printf '1}'; } | defuse 65
  printf '{%s,"priority":1e999999999}' "$url" | defuse 65
}

@test "a message that looks like JSON at every byte" {
  { printf '{%s,"error":{"message":"' "$url" && run_of 1000000 '{\"error\":[' && printf '"}}'; } | defuse 0
}
