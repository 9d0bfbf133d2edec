# SPDX-License-Identifier: MIT

bats_require_minimum_version 1.5.0
load helper

now=2026-03-01T12:00:00.000Z

# enqueue ID [MEMBERS]: one event to http://a.test unless the members say otherwise
enqueue() {
  local members=${2:-'"url":"http://a.test/hook"'}
  echo "{\"id\":\"$1\",\"payload\":{\"n\":1},$members}" |
    WH_TEST_CLOCK=${WH_TEST_CLOCK-$now} whenqueue >/dev/null
}

# three jobs: two for a.test (one delayed), one for b.test
three_jobs() {
  export WH_TEST_CLOCK=$now
  enqueue one '"url":"http://a.test/hook","event_type":"invoice.paid"'
  enqueue two '"url":"http://a.test/hook","event_type":"invoice.void","delay":"2h"'
  enqueue three '"url":"http://b.test/hook","event_type":"user.new"'
}

state_of() {
  whqueue show "$1" -o ndjson | jq -r .state
}

@test "no store yet: every verb says so, 66" {
  for verb in stats list 'show 1' 'cancel 1' 'hold --all' 'release 1' 'expedite 1' doctor; do
    # shellcheck disable=SC2086 # verb and operand
    run -66 --separate-stderr whqueue $verb
    [ "$stderr" = "whqueue: $WH_DB: no store yet; whenqueue makes it, --db names another" ]
  done
  [ ! -e "$WH_DB" ]
}

@test "stats: each state, in all and per endpoint" {
  three_jobs
  run -0 whqueue stats
  schema_valid stats
  [ "${#lines[@]}" -eq 3 ]
  run -0 jq -c '[.queue // .endpoint, .waiting, .delayed, .active, .completed, .failed,
    .paused, .cancelled]' <<<"$output"
  [ "${lines[0]}" = '["webhook-retry",2,1,0,0,0,0,0]' ]
  [[ $output == *'["http://a.test",1,1,0,0,0,0,0]'* ]]
  [[ $output == *'["http://b.test",1,0,0,0,0,0,0]'* ]]
  run -0 whqueue stats -o json
  [ "$(jq '.[0].oldest_due_at' <<<"$output")" = "\"$now\"" ]
  run -0 whqueue stats -o id
  [ "${#lines[@]}" -eq 2 ]
  run -0 whqueue stats -o table
  [[ ${lines[1]} =~ ^total\ +2\ +0\ +1\ +0 ]]
  [[ $output == *'no worker is running'* ]]
}

@test "list: newest first, filtered, and nothing found is 1" {
  three_jobs
  run -0 whqueue list
  schema_valid job
  [ "$(jq -r .id <<<"$output" | paste -sd ' ')" = 'three two one' ]
  run -0 whqueue list --status delayed
  [ "$(jq -r .id <<<"$output")" = two ]
  run -0 whqueue list --status delayed,waiting --endpoint http://a.test
  [ "$(jq -r .id <<<"$output" | paste -sd ' ')" = 'two one' ]
  run -0 whqueue list --event-type 'invoice.*' -o id
  [ "$output" = $'2\n1' ]
  run -1 --separate-stderr whqueue list --status completed
  [ -z "$output" ]
  run -1 whqueue list --status completed -o table
  [ "$output" = 'no job matches' ]
  run -1 whqueue list --status completed -o json
  [ "$output" = '[]' ]
  run -1 whqueue list --until "$now"
  run -0 whqueue list --since "$now"
  [ "${#lines[@]}" -eq 3 ]
  run -64 --separate-stderr whqueue list --since 1h --until 2h
  [[ $stderr == 'whqueue: --since: '* ]]
}

@test "list tells how long a job is overdue, or when it is due" {
  WH_TEST_CLOCK=2026-01-01T00:00:00Z whenqueue --id late --url http://a.test -d 1
  WH_TEST_CLOCK=2026-01-01T00:00:00Z whenqueue --id soon --url http://a.test -d 1 --delay 1h
  WH_TEST_CLOCK=2026-01-01T00:05:00Z run -0 whqueue list -o table
  [[ ${lines[1]} =~ delayed\ +in\ 55m ]]
  [[ ${lines[2]} =~ waiting\ +5m\ ago ]]
}

@test "list: as many pages as the limit takes, and no job twice" {
  seq 450 | jq -c '{id: "e\(.)", url: "http://a.test/x"}' | whenqueue >/dev/null
  run -0 whqueue list --limit 0 -o id
  [ "$output" = "$(seq 450 -1 1)" ]
  run -0 --separate-stderr whqueue list --limit 430 -o id
  [ "$output" = "$(seq 450 -1 21)" ]
  [[ $stderr == *'newest 430: --after '* ]]
}

@test "list: 50 unless told, a cursor to go on with, and no silent end in a pipe" {
  export WH_TEST_CLOCK=$now
  for i in $(seq 120); do
    echo "{\"id\":\"e$i\",\"url\":\"http://a.test/x\",\"payload\":$i}"
  done | whenqueue >/dev/null
  run -0 --separate-stderr whqueue list -o id
  [ "${#lines[@]}" -eq 50 ]
  [[ $stderr == *'there are more'* ]]
  run -0 --separate-stderr whqueue list -o id --limit 0
  [ "${#lines[@]}" -eq 120 ]
  [ -z "$stderr" ]
  run -0 --separate-stderr whqueue list --limit 7 -o id
  [ "${#lines[@]}" -eq 7 ]
  local cursor seen=''
  cursor=$(sed -n 's/.*newest [0-9]*: --after \([^ ,]*\),.*/\1/p' <<<"$stderr")
  [ "$(whqueue list --limit 1 -o id --after "$cursor" 2>/dev/null)" = 113 ]

  cursor=''
  for _ in 1 2 3; do
    run -0 whqueue list --limit 40 -o table ${cursor:+--after "$cursor"}
    seen+=$(printf '%s\n' "${lines[@]}" | awk '$2 == "waiting" { print $1 }')$'\n'
    cursor=$(sed -n 's/.*next page: --after \([^ ,]*\).*/\1/p' <<<"$output")
  done
  [ -z "$cursor" ]
  [ "$(sort -n <<<"$seen" | grep . | paste -sd ' ')" = "$(seq -s ' ' 120)" ]
}

@test "show: by job id and by event id, what is missing is named" {
  three_jobs
  run -0 whqueue show 2
  json_is '.id == "two" and .job_id == 2 and .attempts == [] and .payload == {"n":1}'
  run -0 whqueue show two -o json
  [ "$(jq -r '.[0].job_id' <<<"$output")" = 2 ]
  run -0 whqueue show two -o table
  [[ ${lines[0]} == 'Job 2  delayed' ]]
  [[ $output == *'(in 2h)'* ]]
  [[ $output == *'POST http://a.test/hook'* ]]
  [[ $output == *'{"n":1}'* ]]
  run -1 --separate-stderr whqueue show two nope
  [ "$(jq -r .id <<<"$output")" = two ]
  [ "$stderr" = 'whqueue: nope: no such job' ]
  run -66 --separate-stderr whqueue show nope 99
  run -64 --separate-stderr whqueue show
}

@test "show takes the filter of the other verbs: newest first, ten unless told" {
  three_jobs
  run -0 whqueue show --event-type invoice.paid
  [ "$(json .id)" = "$(whqueue list --event-type invoice.paid | jq -r .id)" ]
  run -0 whqueue show -n 2
  [ "$(json '.id, .attempts' | paste -sd ' ')" = 'three [] two []' ]
  run -0 --separate-stderr whqueue show -n 2 -o table
  [ "$(grep -c '^Job ' <<<"$output")" = 2 ]
  [[ $output == 'Job 3 '*$'\n\nJob 2 '* ]]
  [[ $stderr == 'whqueue: there are more than the newest 2: --after '*', all: --limit 0' ]]
  cursor=${stderr#*--after }
  run -0 --separate-stderr whqueue show --after "${cursor%,*}"
  [ -z "$stderr" ]
  [ "$(json .id)" = one ]
  seq -f '{"id":"more-%g","url":"http://a.test/","payload":1}' 10 | whenqueue -o id
  run -0 --separate-stderr whqueue show --endpoint http://a.test
  [ "$(json .id | wc -l)" = 10 ]
  [[ $stderr == *'more than the newest 10: '* ]]
  run -0 whqueue show -n 0
  [ "$(json .id | wc -l)" = 13 ]
  run -1 --separate-stderr whqueue show --status active
  [ -z "$output" ]
  [ "$stderr" = 'whqueue: no job matches' ]
}

@test "show wants to be told what, in one way" {
  three_jobs
  run -64 --separate-stderr whqueue show
  [ "$stderr" = 'whqueue: which ones? give ids, a filter like --endpoint, or -n 1 for the newest' ]
  for filter in '--status waiting' '-n 1' '--since 1h'; do
    # shellcheck disable=SC2086 # option and value
    run -64 --separate-stderr whqueue show two $filter
    [ "$stderr" = 'whqueue: either ids or a filter, not both' ]
  done
}

@test "show and list hide secrets unless they are asked for" {
  jq -nc '{id: "a", url: "http://a.test/hook?token=tok3n&page=2", payload: 1, headers: {
    "Authorization": "Bearer s3cret", "Cookie": "sid=s3cret", "X-Api-Key": "s3cret",
    "X-Trace": "visible"}}' | whenqueue
  for command in 'list' 'list -o json' 'show a' 'show a -o json' 'show a -o table'; do
    # shellcheck disable=SC2086 # verb and operands
    run -0 whqueue $command
    [[ $output != *s3cret* && $output != *tok3n* && $output == *REDACTED* ]] ||
      fail "$command" "$output"
    [[ $output == *visible* && $output == *'page=2'* ]]
    # shellcheck disable=SC2086 # verb and operands
    run -0 whqueue $command --reveal
    [[ $output == *'Bearer s3cret'* && $output == *'sid=s3cret'* && $output == *tok3n* ]]
    [[ $output != *REDACTED* ]]
  done
}

@test "show: a reported failure is an attempt" {
  echo '{"id":"f","url":"http://a.test/x","payload":1,"attempt":1,"http":{"status":503}}' |
    WH_TEST_CLOCK=$now whenqueue >/dev/null
  WH_TEST_CLOCK=$now run -0 whqueue show f
  json_is '.attempts | length == 1'
  json_is '.attempts[0].status == 503 and .attempts[0].error_type == "server"'
  WH_TEST_CLOCK=$now run -0 whqueue show f -o table
  [[ $output == *'HTTP 503'* ]]
  [[ $output == *'http-5xx'* ]]
}

@test "hostile bytes are shown, not obeyed" {
  printf '%s\n' '{"id":"x","url":"http://a.test/x","payload":1,"event_type":"a\u202eb"}' |
    whenqueue >/dev/null
  for command in 'list' 'show x'; do
    # shellcheck disable=SC2086 # verb and operand
    run -0 whqueue $command -o table
    [[ $output == *'a\u{202e}b'* ]]
    [[ $output != *$'\u202e'* ]]
  done
}

@test "cancel: ids, and what cannot be done is said" {
  three_jobs
  run -0 whqueue cancel 1 two
  schema_valid action
  [ "$(jq -c '[.job_id, .result, .was]' <<<"$output" | paste -sd ' ')" = \
    '[1,"cancelled","waiting"] [2,"cancelled","delayed"]' ]
  [ "$(state_of one)" = cancelled ]
  [ "$(state_of three)" = waiting ]
  run -1 --separate-stderr whqueue cancel 1
  [ "$stderr" = 'whqueue: 1: is cancelled already' ]
  run -1 --separate-stderr whqueue cancel 3 99
  [ "$stderr" = 'whqueue: 99: no such job' ]
  [ "$(state_of three)" = cancelled ]
  run -66 --separate-stderr whqueue cancel 99
}

@test "ids from a pipe: bare, numbers, strings, records; broken lines are placed" {
  three_jobs
  run -65 --separate-stderr whqueue cancel - <<<$'{"job_id":1}\n[]\n"two"\n\n3'
  [ "$(jq .job_id <<<"$output" | paste -sd ' ')" = '1 2 3' ]
  [[ $stderr == 'whqueue: line 2: '* ]]
}

@test "a number that may mean two jobs is refused; records and prefixes are exact" {
  enqueue 2
  enqueue 1
  for verb in show cancel hold; do
    run -65 --separate-stderr whqueue "$verb" 2
    [ -z "$output" ]
    [ "$stderr" = "whqueue: 2: is a job's number and another job's event id; say job:2 or event:2" ]
  done
  run -0 whqueue cancel - <<<'{"id":"2"}'
  schema_valid action
  json_is '.job_id == 1 and .id == "2"'
  run -0 whqueue hold - <<<'{"id":"2","job_id":2}'
  json_is '.job_id == 2 and .id == "1"'
  run -65 --separate-stderr whqueue release - <<<'{"id":"1","job_id":"x"}'
  [[ $stderr == 'whqueue: line 1: neither an id nor a record'* ]]
  run -66 --separate-stderr whqueue cancel - <<<'{"id":"nope"}'
  [ "$stderr" = 'whqueue: event:nope: no such job' ]
  [ "$(whqueue show event:1 job:1 -o ndjson | jq -c '[.job_id, .id]' | paste -sd ' ')" = \
    '[2,"1"] [1,"2"]' ]
}

@test "what a verb did is told with the event id and the number" {
  three_jobs
  run -0 whqueue hold 2 event:three
  [ "$(jq -c '[.job_id, .id]' <<<"$output" | paste -sd ' ')" = '[2,"two"] [3,"three"]' ]
  run -0 whqueue release 2 -o table
  [[ ${lines[1]} =~ ^\ *2\ +two\ +released$ ]]
  [ "$(whqueue hold two -o id)" = 2 ]
  run -66 --separate-stderr whqueue hold 99
  json_is '.id == "99" and .result == "not_found" and (has("job_id") | not)'
}

@test "an empty id is nobody's" {
  three_jobs
  for verb in show cancel; do
    run -64 --separate-stderr whqueue "$verb" ""
    [ "$stderr" = 'whqueue: an id is empty: nothing has that name' ]
  done
}

@test "any category and any error type is no filter" {
  three_jobs
  [ "$(whqueue list --error-type any --category any)" = "$(whqueue list)" ]
  run -64 --separate-stderr whqueue cancel --error-type any
  [[ $stderr == 'whqueue: which ones?'* ]]
}

@test "--after wants a cursor" {
  three_jobs
  for cursor in foo '' 1 1. .1 1.x; do
    run -64 --separate-stderr whqueue list --after "$cursor"
    [[ $stderr == "whqueue: --after: '$cursor' is not a cursor"* ]]
    run -64 --separate-stderr whqueue cancel --all --after "$cursor"
    [[ $stderr == "whqueue: --after: '$cursor' is not a cursor"* ]]
  done
  [ "$(whqueue list --status waiting,delayed | wc -l)" -eq 3 ]
}

@test "list -o id | cancel -" {
  three_jobs
  whqueue list --endpoint http://a.test -o id | whqueue cancel -
  [ "$(state_of one)" = cancelled ]
  [ "$(state_of three)" = waiting ]
}

@test "a changing verb wants to know which" {
  three_jobs
  for verb in cancel expedite hold release; do
    run -64 --separate-stderr whqueue "$verb"
    [[ $stderr == 'whqueue: which ones?'* ]]
    run -64 --separate-stderr whqueue "$verb" 1 --status waiting
    [ "$stderr" = 'whqueue: either ids or a filter, not both' ]
  done
  run -64 --separate-stderr whqueue cancel --limit 1
  run -1 --separate-stderr whqueue cancel --status paused
}

@test "--dry-run tells and does nothing" {
  three_jobs
  run -0 whqueue cancel --dry-run --endpoint http://a.test
  [ "${#lines[@]}" -eq 2 ]
  json_is '.result == "cancelled" and .dry_run'
  [ "$(state_of one)" = waiting ]
  run -0 whqueue cancel --dry-run --all -o table
  [[ ${lines[1]} == *'would be cancelled' ]]
  [ "$(whqueue stats | jq -s '.[0].cancelled')" = 0 ]
  run -0 whqueue cancel --all --limit 2
  [ "${#lines[@]}" -eq 2 ]
  [ "$(whqueue stats | jq -s '.[0].cancelled')" = 2 ]
}

@test "on a terminal a filter is confirmed" {
  three_jobs
  run -1 answer n whqueue cancel --endpoint http://a.test
  [[ $output == *'whqueue: 2 jobs to be cancelled? [y/N]'* ]]
  [[ $output == *'nothing was done'* ]]
  [ "$(state_of one)" = waiting ]
  run -0 answer y whqueue cancel --endpoint http://a.test
  [ "$(state_of one)" = cancelled ]
  run -0 answer n whqueue cancel --all --yes
  [ "$(state_of three)" = cancelled ]
}

@test "what was typed ahead of a question is no answer to it" {
  three_jobs
  (
    echo y
    wait_until grep -q '^y' seen && touch go
    wait_until grep -qF '[y/N]' seen && echo n
  ) | script -qefc "until [ -e go ]; do sleep 0.02; done; whqueue cancel --all" seen || :
  grep -q 'nothing was done' seen
  [ "$(state_of one)" = waiting ]
}

@test "hold and release: one job" {
  three_jobs
  run -0 whqueue hold one two
  [ "$(state_of one)" = paused ]
  [ "$(whqueue stats | jq -s '.[0].paused')" = 2 ]
  run -0 whqueue release one two
  [ "$(state_of one)" = waiting ]
  [ "$(state_of two)" = delayed ]
}

@test "hold and release: an endpoint, now and for what comes" {
  three_jobs
  run -0 whqueue hold --endpoint http://a.test
  schema_valid hold
  json_is '.endpoint == "http://a.test" and .result == "held"'
  enqueue four
  run -0 whqueue stats
  [ "$(jq -c 'select(.endpoint == "http://a.test") |
    [.held, .paused, .waiting + .delayed]' <<<"$output")" = '[true,0,3]' ]
  run -1 whqueue list --status paused -o id
  run -0 whqueue list -o table
  [[ $output == *held* ]]
  run -1 --separate-stderr whqueue hold --endpoint http://a.test
  [ "$stderr" = 'whqueue: http://a.test: is on hold already' ]
  run -0 whqueue release --endpoint http://a.test
  [ "$(whqueue stats | jq -s '.[1].held')" = false ]
  run -1 --separate-stderr whqueue release --endpoint http://a.test
}

@test "a hold for what comes is on no pattern, and says what to do instead" {
  three_jobs
  run -64 --separate-stderr whqueue hold --event-type 'invoice.*' --yes
  [[ $stderr == *"not on 'invoice.*'; to hold the jobs there are, add --status"* ]]
  run -0 whqueue hold --event-type 'invoice.*' --status waiting,delayed --yes
  json_is '.result == "held"'
}

@test "stats of a filter count what list would show" {
  three_jobs
  for filter in "--endpoint http://a.test" "--status delayed" "--event-type invoice.*" \
    "--since 1h" "--until 1h"; do
    read -ra options <<<"$filter"
    run -0 whqueue stats "${options[@]}"
    schema_valid stats
    [ "$(jq -s '.[0] | .waiting + .delayed' <<<"$output")" = \
      "$(whqueue list --limit 0 -o id "${options[@]}" | wc -l)" ]
  done
  run -64 --separate-stderr whqueue stats --limit 3
  [[ $stderr == 'whqueue: --limit: unknown option'* ]]
  run -64 whqueue stats --status nonsense
}

@test "hold and release: an event type, and everything" {
  three_jobs
  run -0 whqueue hold --event-type invoice.paid
  json_is '.event_type == "invoice.paid"'
  enqueue five '"url":"http://b.test/x","event_type":"invoice.paid"'
  [ "$(state_of five)" = paused ]
  run -0 whqueue release --event-type invoice.paid
  [[ $(state_of five) =~ ^(delayed|waiting)$ ]] # a worker makes waiting what is due
  run -0 whqueue hold --all
  json_is '.queue == "webhook-retry"'
  [ "$(whqueue stats | jq -s '.[0].held')" = true ]
  run -0 whqueue release --all
  [ "$(whqueue stats | jq -s '.[0].held')" = false ]
}

@test "hold with a further filter is on the jobs that match" {
  three_jobs
  run -0 whqueue hold --endpoint http://a.test --status delayed
  json_is '.job_id == 2 and .result == "held"'
  [ "$(state_of one)" = waiting ]
  [ "$(whqueue stats | jq -s '.[1].held or .[2].held')" = false ]
}

@test "a job under another hold: which one it is, and what releases it" {
  three_jobs
  whqueue hold --endpoint http://a.test
  run -1 --separate-stderr whqueue release one
  [ "$stderr" = 'whqueue: one: is waiting, so it cannot be released; endpoint http://a.test is on hold: whqueue release --endpoint http://a.test' ]
  json_is '.result == "refused"'
  run -0 whqueue show one -o table
  [[ ${lines[0]} == 'Job 1  waiting, held' ]]
  [[ ${lines[-1]} == 'Not sent: endpoint http://a.test is on hold: whqueue release --endpoint http://a.test' ]]
  run -1 --separate-stderr whqueue release three
  [ "$stderr" = 'whqueue: three: is waiting, so it cannot be released' ]

  enqueue six '"url":"http://[::1]:80/hook"'
  whqueue hold --endpoint 'http://[::1]'
  run -1 --separate-stderr whqueue release six
  [[ $stderr == *"whqueue release --endpoint 'http://[::1]'" ]]

  whqueue hold --event-type user.new
  run -1 --separate-stderr whqueue release three
  [[ $stderr == *'; event type user.new is on hold: whqueue release --event-type user.new' ]]
  echo '{"id":"elsewhere","url":"http://a.test/"}' | whenqueue --queue 'other one' >/dev/null
  whqueue hold --endpoint http://a.test --queue 'other one'
  run -1 --separate-stderr whqueue release elsewhere --queue 'other one'
  [[ $stderr == *": whqueue release --endpoint http://a.test --queue 'other one'" ]]
  whqueue cancel three
  run -1 --separate-stderr whqueue release three
  [ "$stderr" = 'whqueue: three: is cancelled, so it cannot be released' ]
  run -1 --separate-stderr whqueue cancel three
  [ "$stderr" = 'whqueue: three: is cancelled already' ]
  whqueue hold --all --yes
  run -1 --separate-stderr whqueue release one
  [[ $stderr == *'; the whole queue is on hold: whqueue release --all' ]]
}

@test "holds of event types are seen" {
  three_jobs
  run -0 whqueue stats
  schema_valid stats
  [ "$(json 'select(.queue).held_event_types | length')" = 0 ]
  whqueue hold --event-type user.new
  whqueue hold --event-type invoice.paid
  whqueue release --event-type invoice.paid
  run -0 whqueue stats
  schema_valid stats
  [ "$(json 'select(.queue).held_event_types | join(" ")')" = user.new ]
  for verb in stats endpoints 'stats --endpoint http://b.test'; do
    # shellcheck disable=SC2086 # verb and options
    run -0 whqueue $verb -o table
    [[ $output == *'event type user.new is on hold: whqueue release --event-type user.new'* ]]
    [[ $output != *invoice.paid* ]]
  done
}

@test "what was released, expedited or retried and is not sent yet is told at a terminal" {
  local told='whqueue: not sent yet: event type user.new is on hold: whqueue release --event-type user.new'
  three_jobs
  whqueue hold three
  whqueue hold --event-type user.new
  run -0 on_terminal 200 whqueue release three
  [[ $output == *"$told"* ]]
  run -0 on_terminal 200 whqueue expedite three
  [[ $output == *"$told"* ]]
  run -0 on_terminal 200 whqueue expedite one
  [[ $output != *'not sent yet'* ]]
  run -0 --separate-stderr whqueue expedite three
  [ -z "$stderr" ]

  for i in {1..9}; do
    enqueue "dead$i" "\"url\":\"http://c$((i % 7)).test/hook\",\"http\":{\"status\":404}"
    whqueue hold --endpoint "http://c$((i % 7)).test" || :
  done
  run -0 on_terminal 200 whdlq retry --all --yes
  [ "$(grep -c 'not sent yet: endpoint http://c..test is on hold' <<<"$output")" = 5 ]
  whqueue hold --all --yes
  run -0 on_terminal 200 whqueue expedite one three
  [ "$(grep -c 'not sent yet: the whole queue is on hold: whqueue release --all' <<<"$output")" = 1 ]
  run -1 --separate-stderr on_terminal 200 whdlq retry --all --yes
  [[ $output != *'not sent yet'* ]]
}

@test "hold --dry-run holds nothing" {
  three_jobs
  run -0 whqueue hold --all --dry-run
  json_is '.dry_run'
  [ "$(whqueue stats | jq -s '.[0].held')" = false ]
}

@test "expedite: due now" {
  three_jobs
  run -0 whqueue expedite two
  [ "$(state_of two)" = waiting ]
  [ "$(whqueue show two | jq -r .run_at)" = "$now" ]
}

@test "doctor: a healthy store" {
  three_jobs
  run -0 whqueue doctor
  schema_valid health
  # Of the machine there may be a warning (of SQLite: store_faults.bats), but no more.
  json_is '.result == "ok" or (.result == "warning" and (.check == "sqlite" or .check == "sandbox"))'
  for check in file sqlite schema integrity counters wal disk leases workers clock networks sandbox; do
    [ "$(jq -r "select(.check == \"$check\").check" <<<"$output")" = "$check" ]
  done
}

# networks_are FINDING
networks_are() {
  [ "$(jq -r 'select(.check == "networks").finding' <<<"$output")" = "$1" ] || fail "$output"
}

@test "doctor: which networks a worker would deliver to, started like this" {
  three_jobs
  unset WH_ALLOW_NET
  run -0 whqueue doctor
  networks_are 'deliveries go to public addresses only'
  WH_ALLOW_NET=127.0.0.0/8 run -0 whqueue doctor
  networks_are 'deliveries go to public addresses and 127.0.0.0/8'
  echo '{"allow_net": ["10.1.2.3"], "endpoints": {
    "ours": {"url": "http://a/", "allow_net": ["::1"]}, "theirs": {"url": "http://b/"}}}' >wh.json
  run -0 whqueue doctor --config wh.json --allow-net fd00::/8
  networks_are 'deliveries go to public addresses and fd00::/8,10.1.2.3/32; more to 1 endpoint of their own'
  json_is '.check != "networks" or .result == "ok"'
  WH_CONFIG=wh.json run -0 whqueue doctor --allow-net 0.0.0.0/0
  json_is '.check != "networks" or (.result == "warning" and (.advice | contains("no more than is needed")))'
  schema_valid health
  run -64 whqueue doctor --allow-net lan
  echo '{"allow_net": ["lan"]}' >wh.json
  run -78 whqueue doctor --config wh.json
}

@test "doctor: what the kernel has for the sandbox of a worker" {
  [ -z "${TEST_SANITIZED:-}" ] || skip "a sanitizer does not work inside the sandbox"
  three_jobs
  run -0 whqueue doctor
  finding=$(jq -r 'select(.check == "sandbox").finding' <<<"$output")
  [[ $finding =~ ^(no )?seccomp,\ (no\ Landlock|Landlock\ version\ [1-9][0-9]*)$ ]]
  if whworker --sandbox require --drain; then
    [[ $finding != *no* ]]
  else
    [[ $finding == *no* ]]
  fi
}

@test "doctor: others can read it, nobody delivers, the clock went back" {
  three_jobs
  chmod 644 "$WH_DB"
  run -1 whqueue doctor
  [[ $(jq -r 'select(.check == "file").advice' <<<"$output") == *'chmod 600'* ]]
  chmod 600 "$WH_DB"
  WH_TEST_CLOCK=2026-03-01T12:10:00Z run -1 whqueue doctor -o table
  [[ $output == *'warning  workers    none is running, and the oldest job has been due for 10m'* ]]
  [[ $output == *'-> start whworker'* ]]
  WH_TEST_CLOCK=2026-03-01T11:00:00Z run -1 whqueue doctor
  [[ $(jq -r 'select(.check == "clock").finding' <<<"$output") == *'1h in the future' ]]
}

@test "doctor: of a damaged store it says so, and nothing that it could not look at" {
  three_jobs
  sqlite3 "$WH_DB" 'PRAGMA wal_checkpoint(TRUNCATE)' >/dev/null || skip 'no sqlite3'
  pages=$(sqlite3 "$WH_DB" 'PRAGMA page_count')
  root=$(sqlite3 "$WH_DB" "SELECT rootpage FROM sqlite_schema WHERE name = 'attempt'")
  [ "$root" -le "$pages" ]
  head -c 4096 /dev/zero | tr '\0' '\377' |
    dd of="$WH_DB" bs=4096 seek=$((root - 1)) conv=notrunc 2>/dev/null
  run -74 whqueue doctor
  [[ $(jq -r 'select(.check == "integrity").finding' <<<"$output") == 'corrupt: '* ]]
  [ "$(jq -r 'select(.check == "schema").check' <<<"$output")" = "" ]
  head -c 20000 "$WH_DB" >short
  run -74 --separate-stderr whqueue doctor --db short
  [[ $stderr == 'whqueue: short: is damaged: '* ]]
  [[ $stderr != *doctor* ]]
}

@test "stores that cannot be used: not ours, newer, corrupt, forbidden" {
  echo 'this is no database' >text
  run -74 --separate-stderr whqueue stats --db text || [ "$status" -eq 78 ]
  [[ $stderr == 'whqueue: '*text* ]]

  sqlite3 other 'CREATE TABLE t(x)' 2>/dev/null || skip 'no sqlite3 to make stores with'
  run -78 --separate-stderr whqueue stats --db other
  [[ $stderr == 'whqueue: '*other* ]]
}
