#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# Who may have a hand in the files of a store and of the configuration. Another user's files
# can be made by root only; where the tests run as somebody else those are skipped by name.

bats_require_minimum_version 1.5.0

load helper

url=http://127.0.0.1:9/

modes() {
  stat -c '%a %n' "$@"
}

enqueue() {
  whenqueue --url $url -d x -o id
}

foreign() {
  [ "$(id -u)" = 0 ] || skip "only root can make another user's files"
  chown 65534 "$@"
}

# refused MESSAGE: by every program that opens the store, whether it reads or writes
refused() {
  local command

  for command in 'whenqueue --url http://127.0.0.1:9/ -d x' 'whworker --drain' \
    'whqueue list' 'whqueue hold --all --yes' 'whdlq stats' 'whqueue doctor'; do
    # shellcheck disable=SC2086 # a command and its arguments
    run -77 --separate-stderr timeout 10 $command
    [ "$stderr" = "${command%% *}: $1" ] || fail "$command: $stderr" "expected: $1"
  done
}

@test "all files are 0600 and all directories 0700, whatever the umask" {
  local mask

  for mask in 0 0077 0277 0777; do
    export WH_DB="$PWD/$mask/state/wh.db"
    (umask "$mask" && enqueue)
    (umask "$mask" && exec whworker --drain --timeout 1s >/dev/null)
    run -0 modes "$mask" "$mask/state" "$mask"/state/*
    [ "$(grep -vc "^700 $mask\(/state\)\?$\|^600 " <<<"$output")" = 0 ] || fail "$output"
    [[ $output == *"600 $mask/state/wh.db.lock"* ]]
  done
}

@test "so are the WAL and its index while a worker has them open" {
  umask 0
  worker_start
  enqueue
  run -0 modes "$WH_DB-wal" "$WH_DB-shm" "$WH_DB.lock" "$WH_DB"
  [ "$(grep -c '^600 ' <<<"$output")" = 4 ]
}

@test "a store, and what lies beside it, that others may write to is refused" {
  local file

  enqueue
  worker_start # so that there is a WAL
  for file in "$WH_DB" "$WH_DB-wal" "$WH_DB-shm" "$WH_DB.lock"; do
    for mode in 0660 0606; do
      chmod "$mode" "$file"
      refused "$file: other users may write to it (mode $mode): chmod go-w $file"
    done
    chmod 600 "$file"
  done
  run -0 whqueue list
}

@test "a directory that others may write to is refused, unless it is sticky" {
  enqueue
  chmod 0777 "$PWD"
  refused "$PWD: other users may write to it (mode 0777): chmod go-w $PWD"
  chmod 0770 "$PWD"
  refused "$PWD: other users may write to it (mode 0770): chmod go-w $PWD"
  chmod 1777 "$PWD"
  run -0 whqueue list
  chmod 0700 "$PWD"
}

replaceable='and so put something else in the place of what is below'

# refused_both MESSAGE: the store, whether it is there or yet to be made
refused_both() {
  refused "$1"
  WH_DB=${WH_DB%/*}/new/wh.db run -77 --separate-stderr whenqueue --url $url -d x
  [ "$stderr" = "whenqueue: $1" ] && [ ! -e "${WH_DB%/*}/new" ]
}

@test "a directory further up that others may write to is refused, unless it is sticky" {
  local mode

  mkdir -p up/middle/state
  export WH_DB="$PWD/up/middle/state/wh.db"
  enqueue
  for mode in 0777 0757 2777; do
    chmod "$mode" up
    refused_both "$PWD/up: other users may write to it (mode $mode), $replaceable: chmod go-w $PWD/up"
    (cd up/middle/state && WH_DB=wh.db run -77 whqueue list)
    (cd up/middle && WH_DB=state/wh.db run -77 whqueue list)
    (cd up/middle && WH_DB=../..//up/./middle/state/wh.db run -77 whqueue list)
  done
  chmod 0755 up # 0755 alone leaves a directory's set-group-id bit
  chmod 1777 up
  run -0 whqueue list
  chmod 1770 up
  run -0 whqueue list
}

@test "another user's directory further up is refused" {
  mkdir -p up/middle/state
  export WH_DB="$PWD/up/middle/state/wh.db"
  enqueue
  foreign up/middle
  refused_both "$PWD/up/middle: belongs to another user (uid 65534; yours is 0), who may put something else in the place of what is below: use a directory of your own"
}

@test "symbolic links on the way are gone along, and judged as what they lead through" {
  mkdir -p real/state open/hop trusted
  ln -s "$PWD/real" trusted/absolute
  ln -s ../real trusted/relative
  ln -s ../open/hop/../../real trusted/through
  ln -s loop trusted/loop
  WH_DB=$PWD/real/state/wh.db enqueue
  for link in absolute relative through; do
    WH_DB=$PWD/trusted/$link/state/wh.db run -0 whqueue list -o id
    [ "${#lines[@]}" = 1 ]
  done
  WH_DB=$PWD/trusted/loop/state/wh.db run ! whqueue list
  chmod 0777 open
  export WH_DB=$PWD/trusted/through/state/wh.db
  refused "$PWD/open: other users may write to it (mode 0777), $replaceable: chmod go-w $PWD/open"
  chmod 0777 real
  export WH_DB=$PWD/trusted/relative/state/wh.db
  refused "$PWD/real: other users may write to it (mode 0777), $replaceable: chmod go-w $PWD/real"
  chmod 0755 real
  chmod 0777 trusted
  refused "$PWD/trusted: other users may write to it (mode 0777), $replaceable: chmod go-w $PWD/trusted"
  chmod 1777 trusted
  foreign -h trusted/relative
  refused "$PWD/trusted/relative: is a symbolic link that another user made (uid 65534): name what it leads to"
}

@test "a link to the store is judged by where it stands, too" {
  mkdir real open
  WH_DB=$PWD/real/wh.db enqueue
  ln -s "$PWD/real/wh.db" open/link.db
  export WH_DB=$PWD/open/link.db
  run -0 whqueue list
  chmod 0777 open
  refused "$PWD/open: other users may write to it (mode 0777), $replaceable: chmod go-w $PWD/open"
}

# as USER GROUP GROUPS COMMAND…
as() {
  local user=$1 group=$2 groups=$3

  shift 3
  setpriv --reuid "$user" --regid "$group" --groups "$groups" "$@"
}

# The ids are Debian's own: staff is a group without a member, games a user with a private
# group; nothing has the numbers 23456 and 34567.
@test "a group may write to a directory further up if nobody else is in it" {
  [ "$(id -u)" = 0 ] || skip "only root can work as other users"
  mkdir up
  (cd up && while [ "$PWD" != "${BATS_RUN_TMPDIR%/*}" ]; do chmod go+rx . && cd ..; done)
  as games games games whqueue --version || skip "another user cannot run the programs here"
  group_may 0 games games games     # root's, whoever we are
  group_may games games games games # a private group
  group_may 23456 34567 23456 23456 # a container's, without names
  group_may 23456 34567 34567 34567,23456
  group_may_not 23456 34567 34567 34567 # somebody else's
  group_may_not staff games games games,staff
  group_may_not games mail games games   # not this user's private group
  group_may_not games 34567 games games
}

# may GROUP USER GROUP GROUPS: whether that user puts up with a directory of that group
may() {
  rm -rf up/state
  install -d -m 0700 -o "$2" -g "$3" up/state
  chgrp "$1" up
  chmod 2775 up
  as "$2" "$3" "$4" whenqueue --db "$PWD/up/state/wh.db" --url $url -d x
}

group_may() {
  run -0 may "$@"
}

group_may_not() {
  run -77 may "$@"
  [[ $output == *"$PWD/up: other users may write to it (mode 2775), "* ]] || fail "$output"
}

# The group bits of such a directory are those of the list's mask.
@test "a group that may write stands for nobody else by an access control list" {
  mkdir -p up/state
  export WH_DB="$PWD/up/state/wh.db"
  enqueue
  python3 - up <<'END' || skip "no access control lists on this file system"
import os, struct, sys
entries = (1, 7, -1), (2, 7, 65534), (4, 5, -1), (16, 7, -1), (32, 5, -1)
acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *entry) for entry in entries)
os.setxattr(sys.argv[1], "system.posix_acl_access", acl)
END
  refused "$PWD/up: other users may write to it (mode 0775), $replaceable: chmod go-w $PWD/up"
}

@test "another user's store, side files and directory are refused" {
  local file

  enqueue
  worker_start
  for file in "$WH_DB" "$WH_DB-wal" "$WH_DB-shm" "$WH_DB.lock" "$PWD"; do
    foreign "$file"
    refused "$file: belongs to another user (uid 65534; yours is 0): work as that user, or chown it"
    chown 0 "$file"
  done
  run -0 whqueue list
}

@test "a planted WAL, index or lock is refused before a byte of it is read" {
  [ "$(id -u)" = 0 ] || skip "only root can make another user's files"
  mkdir -m 1777 shared
  export WH_DB="$PWD/shared/wh.db"
  for ending in -wal -shm -journal .lock; do
    echo hostile >"$WH_DB$ending"
    chown 65534 "$WH_DB$ending"
    run -77 --separate-stderr whenqueue --url $url -d x
    [[ $stderr == "whenqueue: $WH_DB$ending: belongs to another user (uid 65534; yours is 0)"* ]]
    rm "$WH_DB$ending"
  done
  ln -s /dev/null "$WH_DB-wal"
  run -78 --separate-stderr whenqueue --url $url -d x
  [ "$stderr" = "whenqueue: $WH_DB-wal: is not a regular file" ]
}

@test "a symbolic link of ours leads to the store and to its lock, another user's nowhere" {
  mkdir real
  ln -s "$PWD/real/wh.db" link.db
  WH_DB=real/wh.db enqueue
  export WH_DB=link.db
  run -0 whqueue list -o id
  [ "${#lines[@]}" = 1 ]
  enqueue
  [ ! -e link.db.lock ] && [ -e real/wh.db.lock ]
  [ "$(id -u)" = 0 ] || skip "only root can make another user's files"
  chown -h 65534 link.db
  refused "link.db: is a symbolic link that another user made (uid 65534): name the store itself"
}

@test "a symbolic link to nothing is said to be one" {
  ln -s nowhere.db link.db
  for command in 'whenqueue --url https://a.test/ -d x' 'whqueue list'; do
    # shellcheck disable=SC2086 # a command and its arguments
    run -66 --separate-stderr $command --db link.db
    [[ $stderr == *': link.db: is a symbolic link to nothing: '* ]]
  done
}

@test "a store with two names is refused: each would have a WAL of its own" {
  enqueue
  ln "$WH_DB" second.db
  run -78 --separate-stderr whqueue list --db second.db
  [ "$stderr" = "whqueue: second.db: has another name: remove the hard link (find / -samefile tells which)" ]
  run -78 --separate-stderr whenqueue --url $url -d x
  rm second.db
  run -0 whqueue list
}

@test "pipes, devices and directories are no stores, and nothing hangs on them" {
  mkfifo pipe
  mkdir directory
  for path in pipe /dev/null directory; do
    for command in 'whqueue list' 'whenqueue --url http://127.0.0.1:9/ -d x'; do
      # shellcheck disable=SC2086 # a command and its arguments
      run --separate-stderr timeout 10 $command --db "$path"
      [ "$status" = 78 ] || [ "$status" = 77 ] || fail "$path: $status $stderr"
    done
  done
  run -78 --separate-stderr timeout 10 whqueue list --db pipe
  [ "$stderr" = "whqueue: pipe: is not a regular file" ]
  enqueue
  rm -f "$WH_DB.lock"
  mkfifo "$WH_DB.lock"
  run -78 --separate-stderr timeout 10 whqueue list
  [ "$stderr" = "whqueue: $WH_DB.lock: is not a regular file" ]
}

@test "a configuration or policy that others may write to is refused" {
  echo '{}' >wh.conf
  chmod 0666 wh.conf
  for command in 'whenqueue --url http://127.0.0.1:9/ -d x' whclassify 'whworker --drain'; do
    for option in --config --policy; do
      # shellcheck disable=SC2086 # a command and its arguments
      run -77 --separate-stderr $command $option wh.conf
      [ "$stderr" = "${command%% *}: wh.conf: other users may write to it (mode 0666): chmod go-w wh.conf" ]
    done
  done
  foreign wh.conf
  run -77 --separate-stderr whworker --drain --config wh.conf
  [ "$stderr" = "whworker: wh.conf: belongs to another user (uid 65534; yours is 0): work as that user, or chown it" ]
}

@test "a configuration may come from a pipe or be nothing" {
  run -0 whworker --drain --config <(echo '{"limits": {"concurrency": 2}}')
  run -78 --separate-stderr whworker --drain --config <(echo '{"limit": 2}')
  echo '{}' >policy
  run -78 --separate-stderr whworker --drain --policy /dev/null
  [[ $stderr == 'whworker: /dev/null: '* ]]
}

secret_conf() {
  cat >wh.conf <<'END'
{"endpoints": {"acme": {"url": "https://127.0.0.1:9/",
 "headers": {"Authorization": {"file": "token"}},
 "tls": {"cert": "me.pem", "key": "me.key"}}}}
END
  install -m 600 /dev/null token
  install -m 600 /dev/null me.key
  install -m 644 /dev/null me.pem
}

@test "a secret that others may read is refused, a certificate is not" {
  local file mode

  secret_conf
  run -0 whworker --drain --config wh.conf
  for file in token me.key; do
    for mode in 0644 0604; do
      chmod "$mode" "$file"
      run -77 --separate-stderr whworker --drain --config wh.conf
      [[ $stderr == "whworker: wh.conf: line "*": ./$file: it holds a secret that other users may read (mode $mode): chmod go-rwx ./$file" ]] || fail "$stderr"
    done
    chmod 600 "$file"
  done
  chmod 0666 me.pem
  run -77 --separate-stderr whworker --drain --config wh.conf
  [[ $stderr == *"me.pem: other users may write to it (mode 0666): chmod go-w ./me.pem" ]]
}

@test "root hands a secret to a service through the group of the file" {
  [ "$(id -u)" = 0 ] || skip "only root can make root's files"
  secret_conf
  chmod 0440 token me.key
  run -0 whworker --drain --config wh.conf
  chmod 0600 token
  chown 65534 token
  run -77 --separate-stderr whworker --drain --config wh.conf
  [[ $stderr == *"token: belongs to another user"* ]]
}

@test "a configuration that others may write to by now does not replace the old one" {
  echo '{}' >wh.conf
  worker_start --config wh.conf
  chmod 0666 wh.conf
  kill -HUP "$worker_pid"
  wait_until grep -q 'wh.conf: other users may write to it .*; still working with the old' "$worker_err"
  stop "$worker_pid"
  [ "$stopped_status" = 0 ]
}
