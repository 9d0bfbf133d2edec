# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# bash completion of whtools. Made by completions/generate from the programs' option tables:
# do not edit.

_whtools_verbs() {
  case $1 in
    whqueue) echo 'stats endpoints list show cancel hold release expedite doctor help' ;;
    whdlq) echo 'list show retry resolve reopen stats cleanup delete export help' ;;
  esac
}

_whtools_options() {
  case "$1 $2" in
    'whclassify ') echo '--explain --output -o --line-buffered --policy --config --help -h --version' ;;
    'whenqueue ') echo '--url -u --endpoint -E --event-type -t --id --method -X --header -H --data -d --raw --delay --at --priority --ordered --ordering-key --max-attempts --jitter --explain --policy --config --db --queue --output -o --color --help -h --version' ;;
    'whworker ') echo '--db --queue --config --policy --allow-net --concurrency -c --timeout --connect-timeout --jitter --drain --once --max-time --grace --lease --ready-fd --sandbox --output -o --color --help -h --version' ;;
    'whqueue stats') echo '--status -s --event-type -t --category --error-type -e --endpoint -E --since --until --output -o --color --db --queue --help -h --version' ;;
    'whqueue endpoints') echo '--output -o --color --db --queue --help -h --version' ;;
    'whqueue list') echo '--reveal --status -s --event-type -t --category --error-type -e --endpoint -E --since --until --limit -n --after --output -o --color --db --queue --help -h --version' ;;
    'whqueue show') echo '--reveal --status -s --event-type -t --category --error-type -e --endpoint -E --since --until --limit -n --after --output -o --color --db --queue --help -h --version' ;;
    'whqueue cancel') echo '--all --dry-run --yes -y --status -s --event-type -t --category --error-type -e --endpoint -E --since --until --limit -n --after --output -o --color --db --queue --help -h --version' ;;
    'whqueue hold') echo '--all --dry-run --yes -y --status -s --event-type -t --category --error-type -e --endpoint -E --since --until --limit -n --after --output -o --color --db --queue --help -h --version' ;;
    'whqueue release') echo '--all --dry-run --yes -y --status -s --event-type -t --category --error-type -e --endpoint -E --since --until --limit -n --after --output -o --color --db --queue --help -h --version' ;;
    'whqueue expedite') echo '--all --dry-run --yes -y --status -s --event-type -t --category --error-type -e --endpoint -E --since --until --limit -n --after --output -o --color --db --queue --help -h --version' ;;
    'whqueue doctor') echo '--allow-net --config --output -o --color --db --queue --help -h --version' ;;
    'whdlq list') echo '--reveal --status -s --event-type -t --category --error-type -e --endpoint -E --since --until --limit -n --after --output -o --color --db --queue --help -h --version' ;;
    'whdlq show') echo '--reveal --body --status -s --event-type -t --category --error-type -e --endpoint -E --since --until --limit -n --after --output -o --color --config --db --queue --help -h --version' ;;
    'whdlq retry') echo '--wait --timeout --all --dry-run --yes -y --status -s --event-type -t --category --error-type -e --endpoint -E --since --until --limit -n --after --output -o --color --db --queue --help -h --version' ;;
    'whdlq resolve') echo '--by --message -m --all --dry-run --yes -y --status -s --event-type -t --category --error-type -e --endpoint -E --since --until --limit -n --after --output -o --color --db --queue --help -h --version' ;;
    'whdlq reopen') echo '--all --dry-run --yes -y --status -s --event-type -t --category --error-type -e --endpoint -E --since --until --limit -n --after --output -o --color --db --queue --help -h --version' ;;
    'whdlq stats') echo '--by --status -s --event-type -t --category --error-type -e --endpoint -E --since --until --limit -n --after --output -o --color --db --queue --help -h --version' ;;
    'whdlq cleanup') echo '--older-than --all --dry-run --yes -y --status -s --event-type -t --category --error-type -e --endpoint -E --since --until --limit -n --after --output -o --color --db --queue --help -h --version' ;;
    'whdlq delete') echo '--all --dry-run --yes -y --status -s --event-type -t --category --error-type -e --endpoint -E --since --until --limit -n --after --output -o --color --db --queue --help -h --version' ;;
    'whdlq export') echo '--all --status -s --event-type -t --category --error-type -e --endpoint -E --since --until --limit -n --after --db --queue --help -h --version' ;;
  esac
}

_whtools_kind() {
  case "$1 $2 $3" in
    'whclassify  ') echo 'file' ;;
    'whclassify  --output' | 'whclassify  -o') echo 'choice auto text ndjson' ;;
    'whclassify  --policy') echo 'file' ;;
    'whclassify  --config') echo 'file' ;;
    'whenqueue  ') echo 'file' ;;
    'whenqueue  --url' | 'whenqueue  -u') echo 'nothing' ;;
    'whenqueue  --endpoint' | 'whenqueue  -E') echo 'endpoint' ;;
    'whenqueue  --event-type' | 'whenqueue  -t') echo 'event_type' ;;
    'whenqueue  --id') echo 'nothing' ;;
    'whenqueue  --method' | 'whenqueue  -X') echo 'nothing' ;;
    'whenqueue  --header' | 'whenqueue  -H') echo 'file' ;;
    'whenqueue  --data' | 'whenqueue  -d') echo 'file' ;;
    'whenqueue  --delay') echo 'nothing' ;;
    'whenqueue  --at') echo 'nothing' ;;
    'whenqueue  --priority') echo 'nothing' ;;
    'whenqueue  --ordering-key') echo 'nothing' ;;
    'whenqueue  --max-attempts') echo 'nothing' ;;
    'whenqueue  --jitter') echo 'nothing' ;;
    'whenqueue  --policy') echo 'file' ;;
    'whenqueue  --config') echo 'file' ;;
    'whenqueue  --db') echo 'file' ;;
    'whenqueue  --queue') echo 'nothing' ;;
    'whenqueue  --output' | 'whenqueue  -o') echo 'choice auto table ndjson json tsv id' ;;
    'whenqueue  --color') echo 'choice auto always never' ;;
    'whworker  ') echo 'nothing' ;;
    'whworker  --db') echo 'file' ;;
    'whworker  --queue') echo 'nothing' ;;
    'whworker  --config') echo 'file' ;;
    'whworker  --policy') echo 'file' ;;
    'whworker  --allow-net') echo 'nothing' ;;
    'whworker  --concurrency' | 'whworker  -c') echo 'nothing' ;;
    'whworker  --timeout') echo 'nothing' ;;
    'whworker  --connect-timeout') echo 'nothing' ;;
    'whworker  --jitter') echo 'nothing' ;;
    'whworker  --max-time') echo 'nothing' ;;
    'whworker  --grace') echo 'nothing' ;;
    'whworker  --lease') echo 'nothing' ;;
    'whworker  --ready-fd') echo 'nothing' ;;
    'whworker  --sandbox') echo 'choice auto require off' ;;
    'whworker  --output' | 'whworker  -o') echo 'choice auto table ndjson' ;;
    'whworker  --color') echo 'choice auto always never' ;;
    'whqueue stats ') echo 'nothing' ;;
    'whqueue stats --status' | 'whqueue stats -s') echo 'choice waiting delayed active paused blocked completed cancelled dead all' ;;
    'whqueue stats --event-type' | 'whqueue stats -t') echo 'event_type' ;;
    'whqueue stats --category') echo 'choice any RETRYABLE RATE_LIMIT NON_RETRYABLE VALIDATION' ;;
    'whqueue stats --error-type' | 'whqueue stats -e') echo 'choice any network rate_limit server database client signature validation unknown' ;;
    'whqueue stats --endpoint' | 'whqueue stats -E') echo 'endpoint' ;;
    'whqueue stats --since') echo 'nothing' ;;
    'whqueue stats --until') echo 'nothing' ;;
    'whqueue stats --output' | 'whqueue stats -o') echo 'choice auto table ndjson json tsv id' ;;
    'whqueue stats --color') echo 'choice auto always never' ;;
    'whqueue stats --db') echo 'file' ;;
    'whqueue stats --queue') echo 'nothing' ;;
    'whqueue endpoints ') echo 'nothing' ;;
    'whqueue endpoints --output' | 'whqueue endpoints -o') echo 'choice auto table ndjson json tsv id' ;;
    'whqueue endpoints --color') echo 'choice auto always never' ;;
    'whqueue endpoints --db') echo 'file' ;;
    'whqueue endpoints --queue') echo 'nothing' ;;
    'whqueue list ') echo 'nothing' ;;
    'whqueue list --status' | 'whqueue list -s') echo 'choice waiting delayed active paused blocked completed cancelled dead all' ;;
    'whqueue list --event-type' | 'whqueue list -t') echo 'event_type' ;;
    'whqueue list --category') echo 'choice any RETRYABLE RATE_LIMIT NON_RETRYABLE VALIDATION' ;;
    'whqueue list --error-type' | 'whqueue list -e') echo 'choice any network rate_limit server database client signature validation unknown' ;;
    'whqueue list --endpoint' | 'whqueue list -E') echo 'endpoint' ;;
    'whqueue list --since') echo 'nothing' ;;
    'whqueue list --until') echo 'nothing' ;;
    'whqueue list --limit' | 'whqueue list -n') echo 'nothing' ;;
    'whqueue list --after') echo 'nothing' ;;
    'whqueue list --output' | 'whqueue list -o') echo 'choice auto table ndjson json tsv id' ;;
    'whqueue list --color') echo 'choice auto always never' ;;
    'whqueue list --db') echo 'file' ;;
    'whqueue list --queue') echo 'nothing' ;;
    'whqueue show ') echo 'job' ;;
    'whqueue show --status' | 'whqueue show -s') echo 'choice waiting delayed active paused blocked completed cancelled dead all' ;;
    'whqueue show --event-type' | 'whqueue show -t') echo 'event_type' ;;
    'whqueue show --category') echo 'choice any RETRYABLE RATE_LIMIT NON_RETRYABLE VALIDATION' ;;
    'whqueue show --error-type' | 'whqueue show -e') echo 'choice any network rate_limit server database client signature validation unknown' ;;
    'whqueue show --endpoint' | 'whqueue show -E') echo 'endpoint' ;;
    'whqueue show --since') echo 'nothing' ;;
    'whqueue show --until') echo 'nothing' ;;
    'whqueue show --limit' | 'whqueue show -n') echo 'nothing' ;;
    'whqueue show --after') echo 'nothing' ;;
    'whqueue show --output' | 'whqueue show -o') echo 'choice auto table ndjson json tsv id' ;;
    'whqueue show --color') echo 'choice auto always never' ;;
    'whqueue show --db') echo 'file' ;;
    'whqueue show --queue') echo 'nothing' ;;
    'whqueue cancel ') echo 'job' ;;
    'whqueue cancel --status' | 'whqueue cancel -s') echo 'choice waiting delayed active paused blocked completed cancelled dead all' ;;
    'whqueue cancel --event-type' | 'whqueue cancel -t') echo 'event_type' ;;
    'whqueue cancel --category') echo 'choice any RETRYABLE RATE_LIMIT NON_RETRYABLE VALIDATION' ;;
    'whqueue cancel --error-type' | 'whqueue cancel -e') echo 'choice any network rate_limit server database client signature validation unknown' ;;
    'whqueue cancel --endpoint' | 'whqueue cancel -E') echo 'endpoint' ;;
    'whqueue cancel --since') echo 'nothing' ;;
    'whqueue cancel --until') echo 'nothing' ;;
    'whqueue cancel --limit' | 'whqueue cancel -n') echo 'nothing' ;;
    'whqueue cancel --after') echo 'nothing' ;;
    'whqueue cancel --output' | 'whqueue cancel -o') echo 'choice auto table ndjson json tsv id' ;;
    'whqueue cancel --color') echo 'choice auto always never' ;;
    'whqueue cancel --db') echo 'file' ;;
    'whqueue cancel --queue') echo 'nothing' ;;
    'whqueue hold ') echo 'job' ;;
    'whqueue hold --status' | 'whqueue hold -s') echo 'choice waiting delayed active paused blocked completed cancelled dead all' ;;
    'whqueue hold --event-type' | 'whqueue hold -t') echo 'event_type' ;;
    'whqueue hold --category') echo 'choice any RETRYABLE RATE_LIMIT NON_RETRYABLE VALIDATION' ;;
    'whqueue hold --error-type' | 'whqueue hold -e') echo 'choice any network rate_limit server database client signature validation unknown' ;;
    'whqueue hold --endpoint' | 'whqueue hold -E') echo 'endpoint' ;;
    'whqueue hold --since') echo 'nothing' ;;
    'whqueue hold --until') echo 'nothing' ;;
    'whqueue hold --limit' | 'whqueue hold -n') echo 'nothing' ;;
    'whqueue hold --after') echo 'nothing' ;;
    'whqueue hold --output' | 'whqueue hold -o') echo 'choice auto table ndjson json tsv id' ;;
    'whqueue hold --color') echo 'choice auto always never' ;;
    'whqueue hold --db') echo 'file' ;;
    'whqueue hold --queue') echo 'nothing' ;;
    'whqueue release ') echo 'job' ;;
    'whqueue release --status' | 'whqueue release -s') echo 'choice waiting delayed active paused blocked completed cancelled dead all' ;;
    'whqueue release --event-type' | 'whqueue release -t') echo 'event_type' ;;
    'whqueue release --category') echo 'choice any RETRYABLE RATE_LIMIT NON_RETRYABLE VALIDATION' ;;
    'whqueue release --error-type' | 'whqueue release -e') echo 'choice any network rate_limit server database client signature validation unknown' ;;
    'whqueue release --endpoint' | 'whqueue release -E') echo 'endpoint' ;;
    'whqueue release --since') echo 'nothing' ;;
    'whqueue release --until') echo 'nothing' ;;
    'whqueue release --limit' | 'whqueue release -n') echo 'nothing' ;;
    'whqueue release --after') echo 'nothing' ;;
    'whqueue release --output' | 'whqueue release -o') echo 'choice auto table ndjson json tsv id' ;;
    'whqueue release --color') echo 'choice auto always never' ;;
    'whqueue release --db') echo 'file' ;;
    'whqueue release --queue') echo 'nothing' ;;
    'whqueue expedite ') echo 'job' ;;
    'whqueue expedite --status' | 'whqueue expedite -s') echo 'choice waiting delayed active paused blocked completed cancelled dead all' ;;
    'whqueue expedite --event-type' | 'whqueue expedite -t') echo 'event_type' ;;
    'whqueue expedite --category') echo 'choice any RETRYABLE RATE_LIMIT NON_RETRYABLE VALIDATION' ;;
    'whqueue expedite --error-type' | 'whqueue expedite -e') echo 'choice any network rate_limit server database client signature validation unknown' ;;
    'whqueue expedite --endpoint' | 'whqueue expedite -E') echo 'endpoint' ;;
    'whqueue expedite --since') echo 'nothing' ;;
    'whqueue expedite --until') echo 'nothing' ;;
    'whqueue expedite --limit' | 'whqueue expedite -n') echo 'nothing' ;;
    'whqueue expedite --after') echo 'nothing' ;;
    'whqueue expedite --output' | 'whqueue expedite -o') echo 'choice auto table ndjson json tsv id' ;;
    'whqueue expedite --color') echo 'choice auto always never' ;;
    'whqueue expedite --db') echo 'file' ;;
    'whqueue expedite --queue') echo 'nothing' ;;
    'whqueue doctor ') echo 'nothing' ;;
    'whqueue doctor --allow-net') echo 'nothing' ;;
    'whqueue doctor --config') echo 'file' ;;
    'whqueue doctor --output' | 'whqueue doctor -o') echo 'choice auto table ndjson json tsv id' ;;
    'whqueue doctor --color') echo 'choice auto always never' ;;
    'whqueue doctor --db') echo 'file' ;;
    'whqueue doctor --queue') echo 'nothing' ;;
    'whdlq list ') echo 'nothing' ;;
    'whdlq list --status' | 'whdlq list -s') echo 'choice unresolved retrying resolved all' ;;
    'whdlq list --event-type' | 'whdlq list -t') echo 'event_type' ;;
    'whdlq list --category') echo 'choice any RETRYABLE RATE_LIMIT NON_RETRYABLE VALIDATION' ;;
    'whdlq list --error-type' | 'whdlq list -e') echo 'choice any network rate_limit server database client signature validation unknown' ;;
    'whdlq list --endpoint' | 'whdlq list -E') echo 'endpoint' ;;
    'whdlq list --since') echo 'nothing' ;;
    'whdlq list --until') echo 'nothing' ;;
    'whdlq list --limit' | 'whdlq list -n') echo 'nothing' ;;
    'whdlq list --after') echo 'nothing' ;;
    'whdlq list --output' | 'whdlq list -o') echo 'choice auto table ndjson json tsv id' ;;
    'whdlq list --color') echo 'choice auto always never' ;;
    'whdlq list --db') echo 'file' ;;
    'whdlq list --queue') echo 'nothing' ;;
    'whdlq show ') echo 'dead_letter' ;;
    'whdlq show --status' | 'whdlq show -s') echo 'choice unresolved retrying resolved all' ;;
    'whdlq show --event-type' | 'whdlq show -t') echo 'event_type' ;;
    'whdlq show --category') echo 'choice any RETRYABLE RATE_LIMIT NON_RETRYABLE VALIDATION' ;;
    'whdlq show --error-type' | 'whdlq show -e') echo 'choice any network rate_limit server database client signature validation unknown' ;;
    'whdlq show --endpoint' | 'whdlq show -E') echo 'endpoint' ;;
    'whdlq show --since') echo 'nothing' ;;
    'whdlq show --until') echo 'nothing' ;;
    'whdlq show --limit' | 'whdlq show -n') echo 'nothing' ;;
    'whdlq show --after') echo 'nothing' ;;
    'whdlq show --output' | 'whdlq show -o') echo 'choice auto table ndjson json tsv id' ;;
    'whdlq show --color') echo 'choice auto always never' ;;
    'whdlq show --config') echo 'file' ;;
    'whdlq show --db') echo 'file' ;;
    'whdlq show --queue') echo 'nothing' ;;
    'whdlq retry ') echo 'dead_letter' ;;
    'whdlq retry --timeout') echo 'nothing' ;;
    'whdlq retry --status' | 'whdlq retry -s') echo 'choice unresolved retrying resolved all' ;;
    'whdlq retry --event-type' | 'whdlq retry -t') echo 'event_type' ;;
    'whdlq retry --category') echo 'choice any RETRYABLE RATE_LIMIT NON_RETRYABLE VALIDATION' ;;
    'whdlq retry --error-type' | 'whdlq retry -e') echo 'choice any network rate_limit server database client signature validation unknown' ;;
    'whdlq retry --endpoint' | 'whdlq retry -E') echo 'endpoint' ;;
    'whdlq retry --since') echo 'nothing' ;;
    'whdlq retry --until') echo 'nothing' ;;
    'whdlq retry --limit' | 'whdlq retry -n') echo 'nothing' ;;
    'whdlq retry --after') echo 'nothing' ;;
    'whdlq retry --output' | 'whdlq retry -o') echo 'choice auto table ndjson json tsv id' ;;
    'whdlq retry --color') echo 'choice auto always never' ;;
    'whdlq retry --db') echo 'file' ;;
    'whdlq retry --queue') echo 'nothing' ;;
    'whdlq resolve ') echo 'dead_letter' ;;
    'whdlq resolve --by') echo 'nothing' ;;
    'whdlq resolve --message' | 'whdlq resolve -m') echo 'nothing' ;;
    'whdlq resolve --status' | 'whdlq resolve -s') echo 'choice unresolved retrying resolved all' ;;
    'whdlq resolve --event-type' | 'whdlq resolve -t') echo 'event_type' ;;
    'whdlq resolve --category') echo 'choice any RETRYABLE RATE_LIMIT NON_RETRYABLE VALIDATION' ;;
    'whdlq resolve --error-type' | 'whdlq resolve -e') echo 'choice any network rate_limit server database client signature validation unknown' ;;
    'whdlq resolve --endpoint' | 'whdlq resolve -E') echo 'endpoint' ;;
    'whdlq resolve --since') echo 'nothing' ;;
    'whdlq resolve --until') echo 'nothing' ;;
    'whdlq resolve --limit' | 'whdlq resolve -n') echo 'nothing' ;;
    'whdlq resolve --after') echo 'nothing' ;;
    'whdlq resolve --output' | 'whdlq resolve -o') echo 'choice auto table ndjson json tsv id' ;;
    'whdlq resolve --color') echo 'choice auto always never' ;;
    'whdlq resolve --db') echo 'file' ;;
    'whdlq resolve --queue') echo 'nothing' ;;
    'whdlq reopen ') echo 'dead_letter' ;;
    'whdlq reopen --status' | 'whdlq reopen -s') echo 'choice unresolved retrying resolved all' ;;
    'whdlq reopen --event-type' | 'whdlq reopen -t') echo 'event_type' ;;
    'whdlq reopen --category') echo 'choice any RETRYABLE RATE_LIMIT NON_RETRYABLE VALIDATION' ;;
    'whdlq reopen --error-type' | 'whdlq reopen -e') echo 'choice any network rate_limit server database client signature validation unknown' ;;
    'whdlq reopen --endpoint' | 'whdlq reopen -E') echo 'endpoint' ;;
    'whdlq reopen --since') echo 'nothing' ;;
    'whdlq reopen --until') echo 'nothing' ;;
    'whdlq reopen --limit' | 'whdlq reopen -n') echo 'nothing' ;;
    'whdlq reopen --after') echo 'nothing' ;;
    'whdlq reopen --output' | 'whdlq reopen -o') echo 'choice auto table ndjson json tsv id' ;;
    'whdlq reopen --color') echo 'choice auto always never' ;;
    'whdlq reopen --db') echo 'file' ;;
    'whdlq reopen --queue') echo 'nothing' ;;
    'whdlq stats ') echo 'nothing' ;;
    'whdlq stats --by') echo 'choice overview category error-type event-type endpoint day reason cause' ;;
    'whdlq stats --status' | 'whdlq stats -s') echo 'choice unresolved retrying resolved all' ;;
    'whdlq stats --event-type' | 'whdlq stats -t') echo 'event_type' ;;
    'whdlq stats --category') echo 'choice any RETRYABLE RATE_LIMIT NON_RETRYABLE VALIDATION' ;;
    'whdlq stats --error-type' | 'whdlq stats -e') echo 'choice any network rate_limit server database client signature validation unknown' ;;
    'whdlq stats --endpoint' | 'whdlq stats -E') echo 'endpoint' ;;
    'whdlq stats --since') echo 'nothing' ;;
    'whdlq stats --until') echo 'nothing' ;;
    'whdlq stats --limit' | 'whdlq stats -n') echo 'nothing' ;;
    'whdlq stats --after') echo 'nothing' ;;
    'whdlq stats --output' | 'whdlq stats -o') echo 'choice auto table ndjson json tsv id' ;;
    'whdlq stats --color') echo 'choice auto always never' ;;
    'whdlq stats --db') echo 'file' ;;
    'whdlq stats --queue') echo 'nothing' ;;
    'whdlq cleanup ') echo 'nothing' ;;
    'whdlq cleanup --older-than') echo 'nothing' ;;
    'whdlq cleanup --status' | 'whdlq cleanup -s') echo 'choice resolved' ;;
    'whdlq cleanup --event-type' | 'whdlq cleanup -t') echo 'event_type' ;;
    'whdlq cleanup --category') echo 'choice any RETRYABLE RATE_LIMIT NON_RETRYABLE VALIDATION' ;;
    'whdlq cleanup --error-type' | 'whdlq cleanup -e') echo 'choice any network rate_limit server database client signature validation unknown' ;;
    'whdlq cleanup --endpoint' | 'whdlq cleanup -E') echo 'endpoint' ;;
    'whdlq cleanup --since') echo 'nothing' ;;
    'whdlq cleanup --until') echo 'nothing' ;;
    'whdlq cleanup --limit' | 'whdlq cleanup -n') echo 'nothing' ;;
    'whdlq cleanup --after') echo 'nothing' ;;
    'whdlq cleanup --output' | 'whdlq cleanup -o') echo 'choice auto table ndjson json tsv id' ;;
    'whdlq cleanup --color') echo 'choice auto always never' ;;
    'whdlq cleanup --db') echo 'file' ;;
    'whdlq cleanup --queue') echo 'nothing' ;;
    'whdlq delete ') echo 'dead_letter' ;;
    'whdlq delete --status' | 'whdlq delete -s') echo 'choice unresolved retrying resolved all' ;;
    'whdlq delete --event-type' | 'whdlq delete -t') echo 'event_type' ;;
    'whdlq delete --category') echo 'choice any RETRYABLE RATE_LIMIT NON_RETRYABLE VALIDATION' ;;
    'whdlq delete --error-type' | 'whdlq delete -e') echo 'choice any network rate_limit server database client signature validation unknown' ;;
    'whdlq delete --endpoint' | 'whdlq delete -E') echo 'endpoint' ;;
    'whdlq delete --since') echo 'nothing' ;;
    'whdlq delete --until') echo 'nothing' ;;
    'whdlq delete --limit' | 'whdlq delete -n') echo 'nothing' ;;
    'whdlq delete --after') echo 'nothing' ;;
    'whdlq delete --output' | 'whdlq delete -o') echo 'choice auto table ndjson json tsv id' ;;
    'whdlq delete --color') echo 'choice auto always never' ;;
    'whdlq delete --db') echo 'file' ;;
    'whdlq delete --queue') echo 'nothing' ;;
    'whdlq export ') echo 'dead_letter' ;;
    'whdlq export --status' | 'whdlq export -s') echo 'choice unresolved retrying resolved all' ;;
    'whdlq export --event-type' | 'whdlq export -t') echo 'event_type' ;;
    'whdlq export --category') echo 'choice any RETRYABLE RATE_LIMIT NON_RETRYABLE VALIDATION' ;;
    'whdlq export --error-type' | 'whdlq export -e') echo 'choice any network rate_limit server database client signature validation unknown' ;;
    'whdlq export --endpoint' | 'whdlq export -E') echo 'endpoint' ;;
    'whdlq export --since') echo 'nothing' ;;
    'whdlq export --until') echo 'nothing' ;;
    'whdlq export --limit' | 'whdlq export -n') echo 'nothing' ;;
    'whdlq export --after') echo 'nothing' ;;
    'whdlq export --db') echo 'file' ;;
    'whdlq export --queue') echo 'nothing' ;;
  esac
}

# The store that the command line names, for what is looked up live.
_whtools_store() {
  local i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${COMP_WORDS[i]} in
      --db | --queue)
        if [[ ${COMP_WORDS[i + 1]} == '=' ]]; then
          echo "${COMP_WORDS[i]}=${COMP_WORDS[i + 2]}"
        else
          echo "${COMP_WORDS[i]}=${COMP_WORDS[i + 1]}"
        fi
        ;;
    esac
  done
}

# _whtools_words KIND: one candidate a line; of what is in a store only what a terminal
# shows as it is
_whtools_words() {
  local -a store
  mapfile -t store < <(_whtools_store)
  case $1 in
    choice*) tr ' ' '\n' <<<"${1#choice }" ;;
    job) whqueue list "${store[@]}" --limit 200 -o id ;;
    dead_letter) whdlq list "${store[@]}" --limit 200 -o id ;;
    endpoint) whqueue stats "${store[@]}" -o id ;;
    event_type)
      whqueue list "${store[@]}" --status all --limit 200 -o tsv | cut -f 4 | sed 1d | sort -u
      ;;
  esac 2>/dev/null | LC_ALL=C grep -x '[ -~]*'
}

# Offers those lines of stdin that begin with the current word. Readline breaks words at
# colons too, so what stands before the last one is not to be repeated.
_whtools_offer() {
  local candidate typed=''
  [[ $COMP_WORDBREAKS == *:* && $current == *:* ]] && typed=${current%"${current##*:}"}
  while IFS= read -r candidate; do
    [[ -n $candidate && $candidate == "$current"* ]] || continue
    printf -v candidate '%q' "${candidate#"$typed"}"
    COMPREPLY+=("$candidate")
  done
}

_whtools_complete() {
  local program=${COMP_WORDS[0]##*/} before current verb='' option='' kind word previous i
  COMPREPLY=()
  # The words as they were typed, whatever readline broke them at.
  before=${COMP_LINE:0:COMP_POINT}
  current=${before##*[[:space:]]}
  before=${before%"$current"}
  if [[ -n $(_whtools_verbs "$program") ]]; then
    for ((i = 1; i < COMP_CWORD; i++)); do
      word=${COMP_WORDS[i]}
      [[ " $(_whtools_verbs "$program") " == *" $word "* ]] && verb=$word && break
    done
    if [[ -z $verb || $verb == help ]]; then
      _whtools_offer < <(_whtools_verbs "$program" | tr ' ' '\n')
      return
    fi
  fi
  if [[ $current == --*=* ]]; then
    option=${current%%=*}
    current=${current#*=}
  elif [[ $current != -* ]]; then
    previous=${before%"${before##*[![:space:]]}"}
    previous=${previous##*[[:space:]]}
    [[ -n $(_whtools_kind "$program" "$verb" "$previous") ]] && option=$previous
  else
    _whtools_offer < <(_whtools_options "$program" "$verb" | tr ' ' '\n')
    return
  fi
  kind=$(_whtools_kind "$program" "$verb" "$option")
  case $kind in
    file | directory) compopt -o default 2>/dev/null ;;
    *) _whtools_offer < <(_whtools_words "$kind") ;;
  esac
}

complete -F _whtools_complete whclassify whenqueue whworker whqueue whdlq
