# SPDX-License-Identifier: MIT
#
# What somebody meets who works with the programs by hand, at a terminal: that nothing is
# silent for no reason, nothing floods the screen, and no text is cut where it says why.

bats_require_minimum_version 1.5.0
load helper

# dead_letters COUNT: so many, numbered from 1
dead_letters() {
  seq "$1" | jq -c '{id: "evt_\(.)", url: "https://api.acme.example/hooks/billing",
    event_type: "invoice.paid", payload: {amount: .}, http: {status: 404}}' |
    whenqueue >/dev/null
}

@test "a worker at a terminal says that it works, and in the end what it did" {
  receiver_start
  for id in a b c; do
    whenqueue --url "$(receiver_url /ok)" --id "$id" -d '{}'
  done
  whenqueue --url "$(receiver_url /status/404)" -d '{}'
  whenqueue --url "$(receiver_url /status/503)" -d '{}'
  run -0 on_terminal 200 whworker --drain
  [[ ${lines[-1]} == 'whworker: 3 delivered, 1 retry scheduled, 1 given up (whdlq list); 1 job is in the queue (whqueue list)' ]]
  run -0 on_terminal 200 whworker --max-time 1ms --allow-net 10.0.0.0/8 -c 7
  [[ ${lines[0]} == "whworker: $WH_DB: delivering to public addresses and to "*10.0.0.0/8*', 7 at once; Ctrl-C ends it' ]]
  [[ ${lines[-1]} == 'whworker: nothing was delivered; 1 job is in the queue (whqueue list)' ]]
}

@test "to a service manager, a pipe and a log it says nothing of that" {
  run -0 --separate-stderr whworker --max-time 1ms
  [ -z "$output$stderr" ]
  run -0 --separate-stderr whworker --max-time 1ms -o table
  [ -z "$output$stderr" ]
  run -0 on_terminal 200 whworker --max-time 1ms -o ndjson
  [ -z "$output" ]
}

@test "who queues something while no worker runs is told so" {
  dead_letters 3
  run -0 on_terminal 200 whenqueue --url http://127.0.0.1:9/ --delay 1h -d "'{}'"
  [[ ${lines[-1]} == 'whenqueue: no worker is running: start one with whworker' ]]
  run -0 on_terminal 200 whdlq retry 1
  [[ ${lines[-1]} == 'whdlq: no worker is running: start one with whworker' ]]
  run -0 on_terminal 200 whqueue expedite 4
  [[ ${lines[-1]} == 'whqueue: no worker is running: start one with whworker' ]]
  run -0 on_terminal 200 whdlq retry --all --yes --dry-run
  [[ $output != *'no worker'* ]]
  run -0 --separate-stderr whdlq retry 2
  [ -z "$stderr" ]
  worker_start
  run -0 on_terminal 200 whdlq retry 3
  [[ $output != *'no worker'* ]]
}

@test "who looks at what is due while no worker runs is told so" {
  local told='no worker is running: start one with whworker'

  enqueue one http://127.0.0.1:9/
  printf '{"id":"two","url":"http://127.0.0.1:9/","delay":"1h"}' | whenqueue
  for command in 'whqueue list' 'whqueue show one'; do
    run -0 on_terminal 200 "$command"
    [[ $output == *"$told"* ]]
    # shellcheck disable=SC2086 # program, verb and operand
    run -0 --separate-stderr $command
    [ -z "$stderr" ]
  done
  run -0 on_terminal 200 whqueue show two
  [[ $output != *"$told"* ]]
  whqueue hold --endpoint http://127.0.0.1:9
  run -0 on_terminal 200 whqueue list
  [[ $output != *"$told"* ]]
}

@test "a delay that is over is not to be cut short" {
  export WH_TEST_CLOCK=2026-03-01T12:00:00Z
  printf '{"id":"one","url":"http://127.0.0.1:9/","delay":"1h"}' | whenqueue
  run -0 whqueue show one -o table
  [ "${lines[-1]}" = 'Not to wait? whqueue expedite 1' ]
  WH_TEST_CLOCK=2026-03-01T13:00:00Z run -0 whqueue show one -o table
  [[ $output != *'Not to wait?'* ]]
}

@test "a change to many is counted, and does not flood the screen" {
  dead_letters 60
  run -0 whdlq resolve --all --dry-run -o table
  [ "${#lines[@]}" -eq 52 ]
  [ "${lines[-1]}" = '… and 10 more: 60 would be resolved in all' ]
  run -0 whdlq resolve --all --yes -o table
  [ "${#lines[@]}" -eq 52 ]
  [ "${lines[-1]}" = '… and 10 more: 60 resolved in all' ]
  run -0 whdlq reopen --all --yes
  [ "${#lines[@]}" -eq 60 ]
  run -0 whdlq retry --all --yes --limit 50 -o table
  [ "${#lines[@]}" -eq 51 ]
  [[ ${lines[-1]} == *retrying ]]
}

@test "an endpoint that is none is refused; to one that is not known another is proposed" {
  enqueue one http://127.0.0.1:9/hook
  printf '{"id":"two","url":"https://api.acme.io/h","http":{"status":404}}' | whenqueue
  for verb in 'whqueue list' 'whqueue show' 'whqueue cancel' 'whqueue hold' 'whdlq retry' \
    'whdlq show' 'whdlq stats' 'whdlq export' 'whqueue stats' 'whdlq cleanup'; do
    # shellcheck disable=SC2086 # program and verb
    run -64 --separate-stderr $verb --endpoint HTTPS://api.acme.io:443/hook
    [ "$stderr" = "${verb% *}: --endpoint: 'HTTPS://api.acme.io:443/hook' is no endpoint; did you mean https://api.acme.io?" ]
    [ -z "$output" ]
    # shellcheck disable=SC2086
    run -64 --separate-stderr $verb --endpoint ''
    [ "$stderr" = "${verb% *}: --endpoint: '' is neither a name of the configuration nor like https://api.acme.io" ]
  done
  for verb in 'whqueue list' 'whqueue show' 'whqueue cancel' 'whdlq list' 'whdlq show' 'whdlq retry' 'whdlq export'; do
    # shellcheck disable=SC2086
    run -1 --separate-stderr $verb --endpoint api.acme.io
    [ "${stderr_lines[0]}" = "${verb% *}: no endpoint api.acme.io is known here; did you mean https://api.acme.io?" ]
    # shellcheck disable=SC2086
    run -1 --separate-stderr $verb --endpoint http://api.acme.io
    [[ $stderr == *'did you mean https://api.acme.io?'* ]]
    # shellcheck disable=SC2086
    run -1 --separate-stderr $verb --endpoint 127.0.0.1
    [[ $stderr == *'did you mean http://127.0.0.1:9?'* ]]
    # shellcheck disable=SC2086
    run -1 --separate-stderr $verb --endpoint api
    [[ $stderr == *'did you mean https://api.acme.io?'* ]]
    # shellcheck disable=SC2086
    run -1 --separate-stderr $verb --endpoint elsewhere
    [[ $stderr == *'no endpoint elsewhere is known here: whqueue endpoints lists them'* ]]
  done
  for verb in 'whqueue stats' 'whdlq stats' 'whdlq cleanup'; do
    # shellcheck disable=SC2086
    run -0 --separate-stderr $verb --endpoint api.acme.io
    [[ $stderr == *'did you mean https://api.acme.io?' ]]
  done
  for _ in 1 2; do
    run -1 --separate-stderr whqueue release --endpoint api.acme.io
    [ "${stderr_lines[0]}" = 'whqueue: no endpoint api.acme.io is known here; did you mean https://api.acme.io?' ]
  done
  run -0 --separate-stderr whqueue hold --endpoint api.acme.io
  [[ $stderr == *'did you mean https://api.acme.io?' ]]
  run -0 --separate-stderr whqueue release --endpoint api.acme.io
  [ -z "$stderr" ]
  run -1 --separate-stderr whdlq list --endpoint https://api.acme.io --event-type x
  [ -z "$stderr" ]
}

@test "a listing of dead letters in 80 columns says where to and why" {
  dead_letters 1
  run -0 on_terminal 80 whdlq list
  [[ ${lines[1]} == *https://api.acme.example*'404 client'* ]]
  run -0 on_terminal 120 whdlq list
  [[ ${lines[1]} == *'404 client'*'the receiver answered 404'* ]]
}

@test "a line below a table is broken between words" {
  dead_letters 2
  run -0 on_terminal 40 whdlq list -n 1 -o table
  [ "${lines[-2]}" = '1 shown; next page: --after' ]
  [[ ${lines[-1]} =~ ^[0-9.]+,\ all:\ --limit\ 0$ ]]
}

@test "what was delivered in the end is not listed as failed with a 200" {
  receiver_start
  whenqueue --url "$(receiver_url /sequence/404,200)" -d '{}'
  whworker --drain
  whdlq retry 1
  whworker --drain
  run -0 whdlq list --status resolved -o table
  [[ ${lines[1]} == *' client '* && ${lines[1]} != *200* ]]
  run -0 whqueue list --status completed -o table
  [[ ${lines[1]} == *' 200 '* && ${lines[1]} != *client* ]]
}

@test "who asks for just one is not told how to turn pages" {
  dead_letters 3
  run -0 --separate-stderr whdlq list --limit 1 -o id
  [ "$output$stderr" = 3 ]
  run -0 --separate-stderr whdlq list --limit 2 -o id
  [[ $stderr == 'whdlq: there are more than the newest 2: --after '* ]]
  run -0 --separate-stderr whdlq show --limit 1 -o table
  [ -z "$stderr" ]
  run -0 --separate-stderr whdlq show --limit 2 -o table
  [[ $stderr == 'whdlq: there are more than the newest 2: --after '* ]]
}

# The session of the README, but for its port and for what it runs in the background.
@test "the five minutes of the README come out as it says" {
  receiver_start --switch billing=/status/503
  sed -n '/^## Five minutes/,/^## /s/^\$ //p' "$root/README.md" |
    grep -v '&$\|^kill\|^export' | sed "s|http://127.0.0.1:8080|$receiver_base|g" >session
  [ "$(wc -l <session)" -eq 9 ]
  sed -i 's|^whdlq retry 1 --wait$|{ whworker >/dev/null \& }; & ; kill $!|' session
  run -0 on_terminal 150 "sh -e session"
  [[ $output == *'queued evt_1 for '*'retry     503 evt_1'*' 1  delayed '*'1  evt_1  expedited'* ]]
  [[ $output == *'dead      422 evt_1'*'Dead letter 1  unresolved'*' 1  delivered      3  '* ]]
}

@test "sentences are broken between words, whatever the window" {
  whenqueue --url http://127.0.0.1:9/ --id a -d '{}'
  WH_ALLOW_NET='' run -0 whworker --drain
  for command in 'whdlq show a' 'whqueue show a' 'whqueue doctor'; do
    for columns in 70 80; do
      run on_terminal "$columns" "$command"
      [[ $output == *$'\n      '* ]]
      for line in "${lines[@]}"; do
        [ "${#line}" -le "$columns" ] || [[ $line == *-H* ]] || fail "$command" "$line"
      done
    done
  done
  run -0 on_terminal 50 whdlq show a
  [ "$(tr -s ' \n' ' ' <<<"$output" | grep -c -- '--allow-net 127.0.0.1 opens it, or allow_net')" -eq 1 ]
}
