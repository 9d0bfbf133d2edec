# SPDX-License-Identifier: MIT
#
# The manners that all programs share.

bats_require_minimum_version 1.5.0
load helper

programs='whclassify whenqueue whworker whqueue whdlq'

@test "--version names program, package and version" {
  for program in $programs; do
    run -0 --separate-stderr "$program" --version
    [[ $output =~ ^$program\ \(whtools\)\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
  done
}

@test "--help goes to stdout, has examples first, and fits 80 columns" {
  for program in $programs; do
    run -0 --separate-stderr "$program" --help
    [[ ${lines[0]} == "usage: $program "* ]]
    [[ $output == *examples:*verbs:* || $output == *examples:*options:* ]]
    for verb in '' $("$program" --help=json | jq -r '.verbs[].name // empty'); do
      # shellcheck disable=SC2086 # no word where there is no verb
      run -0 --separate-stderr "$program" $verb --help
      for line in "${lines[@]}"; do
        [ "${#line}" -le 80 ] || fail "$program $verb: $line"
      done
    done
  done
}

@test "the help of a verb tells its own options from those of all verbs" {
  run -0 whdlq retry --help
  [[ $output == *$'\noptions:\n'*--wait*--all*--dry-run*$'\nfilter options'*--status*--limit*$'\ncommon options:\n'*--output*--help* ]]
  run -0 whqueue doctor --help # which has none of its own
  [[ $output == *$'\noptions:\n'*--output* && $output != *' options:'* ]]
}

@test "the examples of --help work as they are" {
  receiver_start
  url=$(receiver_url /ok)
  export url WH_CONFIG="$BATS_TEST_TMPDIR/whtools.conf"
  echo '{"endpoints": {"acme": {"url": "'"$url"'"}}}' >"$WH_CONFIG"
  seq 50 | jq -c '{id: "evt_\(.)", url: env.url, event_type: "invoice.paid", payload: {amount: .}}
    + if . < 42 then {} else {http: {status: 404}} end' >events.ndjson
  tail -n 1 events.ndjson | tee failures.ndjson >body.json
  whenqueue --db seed.db <events.ndjson >/dev/null
  for program in $programs; do
    while read -r example; do
      rm -f "$WH_DB"*
      sqlite3 seed.db ".backup $WH_DB"
      # A worker goes on until it is told to stop.
      run timeout 1 bash -o pipefail -c "$example" <failures.ndjson
      [[ ' 0 1 124 ' == *" $status "* || $output == *' /etc/whtools/'*': No such file'* ]] ||
        fail "$example" "$status" "$output"
    done < <("$program" --help=json | jq -r '.verbs[].examples[]')
  done
}

@test "help VERB is VERB --help" {
  run -0 whqueue help list
  [ "$output" = "$(whqueue list --help)" ]
  run -64 --separate-stderr whqueue help lst
  [ "$stderr" = 'whqueue: lst: unknown verb; did you mean list?' ]
}

@test "no verb: usage on stderr, 64" {
  run -64 --separate-stderr whqueue
  [ -z "$output" ]
  [[ $stderr == 'usage: whqueue VERB'* ]]
}

@test "unknown options, verbs and choices are named in one line" {
  run -64 --separate-stderr whqueue lits
  [ "$stderr" = 'whqueue: lits: unknown verb; did you mean list?' ]
  run -64 --separate-stderr whqueue list --limt 3
  [ "$stderr" = 'whqueue: --limt: unknown option; did you mean --limit?' ]
  run -64 --separate-stderr whqueue list -Z
  [ "$stderr" = "whqueue: -Z: unknown option; see 'whqueue list --help'" ]
  run -64 --separate-stderr whqueue list -o tabel
  [ "$stderr" = "whqueue: -o: 'tabel' is unknown; did you mean table?" ]
  run -64 --separate-stderr whqueue list --limit
  [ "$stderr" = 'whqueue: --limit: N is missing behind it' ]
  run -64 --separate-stderr whqueue list --limit -1
  [ "$stderr" = 'whqueue: --limit: -1 is less than 0' ]
  run -64 --separate-stderr whqueue list --since yesterday
  [[ $stderr == "whqueue: --since: 'yesterday' is neither a time"* ]]
  run -64 --separate-stderr whqueue list stray
  [ "$stderr" = "whqueue: 'stray': list takes options only" ]
  run -64 --separate-stderr whworker stray
  [ "$stderr" = "whworker: 'stray': whworker takes options only" ]
  run -64 --separate-stderr whqueue help list stray
  [ "$stderr" = "whqueue: 'stray': help takes one verb only" ]
  run -64 --separate-stderr whqueue help --all
  [ "$stderr" = "whqueue: --all: unknown verb; 'whqueue help' lists them" ]
  run -64 --separate-stderr whqueue list --queue ''
  [ "$stderr" = 'whqueue: --queue: an empty name' ]
  run -64 --separate-stderr whdlq list --event-type ''
  [ "$stderr" = 'whdlq: --event-type: an empty name' ]
  run -64 --separate-stderr whqueue list --status=delayed,wating
  [ "$stderr" = "whqueue: --status: 'wating' is unknown; did you mean waiting?" ]
  run -64 --separate-stderr whdlq list --status lost
  [ "$stderr" = "whdlq: --status: 'lost' is none of unresolved, retrying, resolved, all" ]
  run -64 --separate-stderr whqueue list --since 2026
  [ "$stderr" = 'whqueue: --since: 2026 needs a unit: 2026d is days, 2026s is seconds' ]
  run -64 --separate-stderr whqueue --queue a
  [ "$stderr" = "whqueue: a verb is missing; 'whqueue help' lists them" ]
}

@test "a verb of the sister program is known where it is" {
  for program in whqueue whdlq; do
    "$program" --help=json | jq -r '.verbs[].name' | sort >"$program.verbs"
  done
  while read -r verb; do
    run -64 --separate-stderr whqueue "$verb" 42
    [ "$stderr" = "whqueue: $verb: unknown verb; did you mean whdlq $verb?" ]
  done < <(comm -13 whqueue.verbs whdlq.verbs)
  while read -r verb; do
    run -64 --separate-stderr whdlq "$verb" 42
    [ "$stderr" = "whdlq: $verb: unknown verb; did you mean whqueue $verb?" ]
  done < <(comm -23 whqueue.verbs whdlq.verbs)
}

@test "a letter means the same in every program and verb" {
  for program in whclassify whenqueue whworker whqueue whdlq; do
    "$program" --help=json
  done >tables
  run -0 jq -rs '[.. | objects | select(has("letter")) | {letter, name}] | unique
    | group_by(.letter) | map(select(length > 1)) | .[][] | "-\(.letter) --\(.name)"' tables
  [ -z "$output" ]
  jq -es '[.. | objects | select(.letter? == "E").name] | length > 9 and all(. == "endpoint")' tables
}

@test "no abbreviations" {
  run -64 --separate-stderr whqueue list --lim 3
  [[ $stderr == 'whqueue: --lim: unknown option'* ]]
}

@test "a hostile option cannot move the terminal" {
  run -64 --separate-stderr whqueue list $'--\033[31mx'
  [[ $stderr != *$'\033'* ]]
  [[ $stderr == *'\u{1b}[31mx'* ]]
}

@test "a bad test clock is reported by its name" {
  WH_TEST_CLOCK=noon run -64 --separate-stderr whqueue stats
  [[ $stderr == 'whqueue: WH_TEST_CLOCK: '* ]]
}

@test "the store: --db beats WH_DB beats XDG_STATE_HOME beats HOME" {
  run -66 --separate-stderr whqueue stats --db ./flag.db
  [ "$stderr" = 'whqueue: ./flag.db: no store yet; whenqueue makes it, --db names another' ]
  WH_DB=./variable.db run -66 --separate-stderr whqueue stats
  [[ $stderr == 'whqueue: ./variable.db: '* ]]
  unset WH_DB
  XDG_STATE_HOME=/nowhere/state run -66 --separate-stderr whqueue stats
  [[ $stderr == 'whqueue: /nowhere/state/whtools/wh.db: '* ]]
  run -66 --separate-stderr whqueue stats
  [[ $stderr == "whqueue: $HOME/.local/state/whtools/wh.db: "* ]]
}

@test "a closed pipe ends quietly, a full disk does not" {
  yes '"x"' | head -100000 >many
  run -0 --separate-stderr bash -o pipefail -c '{ whclassify many; echo $? >code; } | head -1'
  [ -z "$stderr" ]
  [ "$(cat code)" = 0 ]
  run -74 --separate-stderr bash -c 'whclassify many >/dev/full'
  [ "$stderr" = 'whclassify: stdout: No space left on device' ]
  run -74 --separate-stderr bash -c 'whqueue --version >/dev/full'
  run -74 --separate-stderr bash -c 'whclassify many >&-'
}

@test "a table on a terminal, NDJSON in a pipe, colour by the rules" {
  echo '{"id":"e","url":"http://127.0.0.1:9/x","payload":1}' | whenqueue >/dev/null
  run -0 whqueue list
  json_is '.id == "e"'
  command -v script >/dev/null || skip 'no script(1) to make a terminal with'
  run -0 on_terminal 80 whqueue list
  [[ ${lines[0]} == 'ID  STATE '* ]]
  [[ $output != *$'\033'* ]]
  TERM=xterm run -0 on_terminal 80 whqueue list
  [[ $output == *$'\033[1mID'* ]]
  TERM=xterm NO_COLOR=1 run -0 on_terminal 80 whqueue list
  [[ $output != *$'\033'* ]]
  run -0 whqueue list -o table --color always
  [[ $output == *$'\033[1mID'* ]]
}

@test "no table is wider than its window" {
  for i in 1 2 3; do
    echo "{\"id\":\"event-with-a-long-name-$i\",\"event_type\":\"invoice.payment.failed\",
      \"url\":\"https://very-long-host-name.example.com/hook\",\"payload\":$i}" | tr -d '\n'
    echo
  done | whenqueue >/dev/null
  jq -nc '{id: "dead", url: "https://very-long-host-name.example.com/hook",
    error: {code: "ERR_INVALID_URL", message: ("a cause that goes on and on " * 5)}}' |
    whenqueue >/dev/null
  for columns in 20 40 60 80 100 200; do
    for verb in "whqueue list" "whqueue stats" "whqueue endpoints" "whdlq list" "whdlq stats"; do
      # shellcheck disable=SC2086 # a program and its verb
      COLUMNS=$columns run -0 $verb -o table --color never
      for line in "${lines[@]}"; do
        [[ $line =~ ^'no worker'|^1\ unresolved ]] && continue # sentences: the window breaks them
        [ "${#line}" -le "$columns" ] || fail "$verb at $columns: $line"
      done
    done
  done
}

@test "completions fit the option tables" {
  run -0 "$root/completions/generate" --check
}

# Completes the words of a bash command line; what is offered, on one line.
complete_bash() {
  bash -c '
    source "$1/completions/whtools.bash"
    COMP_LINE=$2 COMP_POINT=${#2}
    read -ra COMP_WORDS <<<"${2//=/ = }"
    [[ $2 == *" " ]] && COMP_WORDS+=("")
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    _whtools_complete
    echo "${COMPREPLY[*]}"' - "$root" "$1"
}

@test "completions offer nothing that a shell runs or a terminal obeys" {
  local id

  for id in 'plain' '$(touch ran)' '`touch ran`' $'\u202ereversed' $'\u009bc1' ';touch ran;'; do
    jq -nc --arg id "$id" '{$id, url: "https://a.test/", event_type: $id}' | whenqueue || :
  done >/dev/null 2>&1
  run -0 complete_bash 'whqueue list --event-type '
  [ "$output" = '\$\(touch\ ran\) \;touch\ ran\; \`touch\ ran\` plain' ] || fail "$output"
  [ ! -e ran ]
  run -0 zsh -fc 'found=(plain $'"'\\u202ereversed'"'); print -rl -- "${(@)found:#*[^ -~]*}"'
  [ "$output" = plain ]
  grep -qF '"${(@)found:#*[^ -~]*}"' "$root/completions/_whtools"
  run -0 fish -c "printf 'plain\n\u202ereversed\n' | string match -r '^[ -~]*\$'"
  [ "$output" = plain ]
}

@test "bash completes verbs, options, values, and ids live" {
  echo '{"id":"e","event_type":"a.b","url":"http://127.0.0.1:9/x","payload":1}' |
    whenqueue >/dev/null
  [ "$(complete_bash 'whqueue sh')" = show ]
  [ "$(complete_bash 'whqueue list --lim')" = --limit ]
  [ "$(complete_bash 'whqueue list -o nd')" = ndjson ]
  [ "$(complete_bash 'whqueue list --output=ta')" = table ]
  [ "$(complete_bash 'whqueue list --status wai')" = waiting ]
  [ "$(complete_bash 'whdlq list --status un')" = unresolved ]
  [ "$(complete_bash 'whqueue show ')" = 1 ]
  [ "$(complete_bash 'whqueue list --event-type ')" = a.b ]
  [ "$(complete_bash 'whqueue hold --endpoint http://127')" = '//127.0.0.1:9' ]
}

@test "zsh completes ids and endpoints from the store, at its own line editor" {
  command -v zsh >/dev/null || skip 'zsh is not installed'
  echo '{"url":"http://a.test/hook","http":{"status":404}}' | whenqueue >/dev/null
  export completions="$root/completions"
  cat >type_to_zsh <<'END'
zmodload zsh/zpty
zpty -b shell zsh -f -i
zpty -w shell 'fpath=($completions $fpath); autoload -U compinit; compinit -u -D; PS1=; print rea""dy'
zpty -r -m shell seen '*ready*'
zpty -w shell $'whdlq show \t -o table'
zpty -r -m shell seen '*Dead letter 1*'
zpty -w shell $'whdlq list --endpoint \t -o id && print f""ound'
zpty -r -m shell seen '*found*'
END
  run -0 timeout 20 zsh -f type_to_zsh
}

@test "zsh and fish take their completions" {
  if command -v zsh >/dev/null; then
    run -0 zsh -n "$root/completions/_whtools"
  fi
  if command -v fish >/dev/null; then
    run -0 fish --no-execute "$root/completions/whtools.fish"
  fi
}
