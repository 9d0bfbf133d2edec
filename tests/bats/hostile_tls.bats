#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# Whom a worker takes for the receiver: servers (tests/hostile/verified.mjs) of which all but
# one must be refused, for good and with a reason, before they were told anything.

bats_require_minimum_version 1.5.0
load helper

setup() {
  common_setup
  certificates
  background verified node "$root/tests/hostile/verified.mjs" --log "$PWD/heard" --tls "$tls"
  : >heard
  wait_until grep -q '"ready"' verified.out
}

# configure TLS: wh.json with each server as an endpoint that has these members of "tls".
configure() {
  jq -nc --argjson tls "$1" '[inputs | select(.url != null) |
    {key: .name, value: {url, tls: $tls}}] | {endpoints: from_entries}' <verified.out >wh.json
}

# deliver NAME…: one attempt for each; the lines in $output.
deliver() {
  printf '{"endpoint":"%s","method":"'"${method:-POST}"'"}\n' "$@" | whenqueue --config wh.json >/dev/null
  run -0 whworker --once --config wh.json
}

# refused PATTERN: each was, for good, and its reason is like that.
refused() {
  json_is '.event == "dead" and .dead_reason == "non_retryable" and (has("status") | not) and
    .error_type == "network" and (.reason | test("'"$1"'"))'
}

with_ca() {
  jq -nc --arg ca "$tls/ca.pem" --arg cert "${1:+$tls/$1}" --arg key "${2:+$tls/$2}" \
    '{$ca, $cert, $key} | with_entries(select(.value != ""))'
}

@test "a server that proves who it is is delivered to" {
  configure "$(with_ca)"
  deliver right
  json_is '.event == "completed"'
  [ "$(cat heard)" = right ]
}

@test "a server that does not is told nothing" {
  configure "$(with_ca)"
  deliver expired not-yet wrong-host self-signed other-server weak-key weak-digest
  refused 'certificate'
  diff <(json '.endpoint + ": " + .reason' | sort) - <<'END'
expired: certificate has expired (60)
not-yet: certificate is not yet valid (60)
other-server: certificate authority is unknown (60)
self-signed: self-signed certificate (60)
weak-digest: certificate is too weak (60)
weak-key: certificate is too weak (60)
wrong-host: certificate is for another host (60)
END
  [ ! -s heard ]
}

@test "TLS 1.0 and 1.1 are not spoken" {
  configure "$(with_ca)"
  deliver tls-1.0 tls-1.1
  [ "$(json .endpoint | wc -l)" = 2 ]
  refused '^TLS handshake refused'
  [ ! -s heard ]
}

@test "a private authority is trusted by the endpoint that names it, and by no other" {
  jq -nc --arg ca "$tls/ca.pem" --arg other "$tls/other-ca.pem" '
    [inputs | select(.name == "right").url] | first as $url | {endpoints: {
      "of-ca": {$url, tls: {$ca}}, "of-other": {$url, tls: {ca: $other}}, "of-system": {$url}}}' \
    <verified.out >wh.json
  # One after the other over the same handle, with a connection of the first to take.
  for name in of-ca of-other of-system; do
    printf '{"id":"%s","endpoint":"%s","payload":1}\n' "$name" "$name"
  done | whenqueue --config wh.json >/dev/null
  run -0 whworker --once -c 1 --config wh.json
  [ "$(json '[.endpoint, .event] | join(" ")' | sort | xargs)" = \
    'of-ca completed of-other dead of-system dead' ]
  [ "$(cat heard)" = right ]
}

@test "a server that wants a certificate gets the right one" {
  configure "$(with_ca client.pem client.key)"
  deliver mutual-1.2 mutual-1.3
  json_is '.event == "completed"'
  [ "$(sort heard | xargs)" = 'mutual-1.2 mutual-1.3' ]
}

@test "without a certificate it refuses us for good" {
  configure "$(with_ca)"
  deliver mutual-1.2 mutual-1.3
  refused '^TLS handshake refused|^our client certificate was refused'
  diff <(json '.endpoint + ": " + .reason' | sort) - <<'END'
mutual-1.2: TLS handshake refused (35)
mutual-1.3: our client certificate was refused (56)
END
  [ ! -s heard ]
}

# strict TLS: wh.json with the endpoint "strict", a server that sends an alert to a client
# whose certificate it does not take, and a web page to others who GET it.
strict() {
  : >strict.out # of the one before
  background strict openssl s_server -accept 127.0.0.1:0 -www -cert "$tls/server.pem" \
    -key "$tls/server.key" -CAfile "$tls/ca.pem" -Verify 1 -verify_return_error
  wait_until grep -q '^ACCEPT .*:[0-9]' strict.out
  jq -nc --arg url "https://127.0.0.1:$(sed -n 's/^ACCEPT .*://p' strict.out)/" --argjson tls "$1" \
    '{endpoints: {strict: {$url, $tls}}}' >wh.json
}

@test "with a certificate of another authority too, if it says so" {
  local method=GET

  strict "$(with_ca client.pem client.key)"
  deliver strict
  json_is '.event == "completed"'
  strict "$(with_ca other-client.pem other-client.key)"
  deliver strict
  refused '^our client certificate was refused'
}

@test "a server that hangs up on our certificate without a word is tried again" {
  configure "$(with_ca other-client.pem other-client.key)"
  deliver mutual-1.2 mutual-1.3
  json_is '.event == "retry" and .error_type == "network" and (has("status") | not)'
  [ ! -s heard ]
}

@test "a key that does not fit or is locked is said to be unusable, and nobody is asked" {
  for key in client-locked.key server.key; do
    configure "$(with_ca client.pem "$key")"
    deliver mutual-1.2
    refused '^the client certificate is unusable'
    [[ $output != *'pass phrase'* ]]
  done
  [ ! -s heard ]
}
