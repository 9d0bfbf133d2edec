#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
#
# Installing, packing, setting up a machine, and whether the test runner can tell a failure.

bats_require_minimum_version 1.5.0
load helper

# In a build directory of its own where something is to be compiled.
run_make() {
  make -s -C "$root" BUILD="$build" BIN="${TEST_BIN:-bin}" DESTDIR="$BATS_TEST_TMPDIR/dest" \
    PREFIX=/usr "$@"
}

@test "install puts everything in its place, uninstall takes it away" {
  run -0 run_make install
  for program in whclassify whenqueue whworker whqueue whdlq; do
    run -0 "dest/usr/bin/$program" --version
    [[ $output == "$program "* ]]
    [ -n "$(find dest/usr/share/man/man[18] -name "$program.[18]" -size +0)" ]
    [ -s "dest/usr/share/bash-completion/completions/$program" ]
    [ -s "dest/usr/share/fish/vendor_completions.d/$program.fish" ]
  done
  [ -s dest/usr/share/zsh/site-functions/_whtools ]
  [ -s dest/usr/share/man/man7/whtools.7 ]
  [ -s dest/usr/share/man/man5/whrecord.5 ]
  [ -n "$(find dest/usr/share/whtools/schema -name '*.schema.json')" ]
  run -0 run_make uninstall
  run -0 find dest ! -type d
  [ -z "$output" ]
}

@test "the source archive builds without git" {
  [ -e "$root/.git" ] || skip "not a git checkout"
  [ -z "$TEST_SANITIZED" ] || skip "once is enough"
  git -C "$root" archive --prefix=whtools/ HEAD | tar -x
  run -0 env -u MAKEFLAGS make -s -j2 -C whtools CFLAGS=-O0 CPPFLAGS=-U_FORTIFY_SOURCE
  run -0 whtools/bin/whdlq --version
}

suite() {
  printf '#!/bin/sh\n%s\n' "$2" >"$1"
  chmod +x "$1"
}

@test "the runner adds up what passed, failed and was skipped" {
  suite good 'echo "ok 1 - a"; echo "ok 2 - b # SKIP no"; echo 1..2'
  suite bad 'echo "ok 1 - a"; echo "not ok 2 - b"; echo 1..2; exit 1'
  run -0 "$root/tests/run" "$PWD/good"
  [ "${lines[-1]}" = '1 passed, 0 failed, 1 skipped' ]
  run ! "$root/tests/run" "$PWD/good" "$PWD/bad"
  [ "${lines[-1]}" = '2 passed, 1 failed, 1 skipped' ]
}

@test "a suite that crashes, stops early or is not there has failed" {
  suite crashed 'echo "ok 1 - a"; echo 1..1; kill -SEGV $$'
  suite early 'echo 1..2; echo "ok 1 - a"'
  suite silent 'exit 0'
  for name in crashed early silent missing; do
    run ! "$root/tests/run" "$PWD/$name"
    [[ ${lines[-1]} == *' 1 failed, '* ]] || fail "$name: ${lines[-1]}"
  done
  run ! "$root/tests/run"
  [ "${lines[-1]}" = '0 passed, 0 failed, 0 skipped' ]
}

@test "the runner gives each suite a network of its own, or says that it has not" {
  local name own

  for name in here there; do
    suite "$name" 'readlink /proc/self/ns/net >>networks; ip -o link show up | wc -l >>links
      echo "ok 1 - a"; echo 1..1'
  done
  own=$(readlink /proc/self/ns/net)
  run -0 "$root/tests/run" "$PWD/here" "$PWD/there"
  if [ "${lines[0]}" = 'each suite in a network of its own' ]; then
    [ "$(grep -cvxF "$own" networks)" = 2 ]
    [ "$(sort -u links)" = 1 ] # the loopback
  else
    [ "${lines[0]}" = "all suites in this machine's network" ]
    [ "$(sort -u networks)" = "$own" ]
  fi
}

# source FILE TEXT: a file of a tree that a lint check looks at
source_file() {
  mkdir -p "$(dirname "$1")" src/{base,model,store,net,work} tests/{unit,receiver,fuzz} completions
  printf '%s\n' "$2" >"$1"
}

# Without the file's text the check is clean, with it it is not.
lint_finds() {
  source_file "$2" "$3"
  run ! "$root/tests/lint/$1"
  [[ $output == "$2"* ]] || fail "$1 said: $output"
  source_file "$2" '/* nothing */'
  run -0 "$root/tests/lint/$1"
}

@test "each lint check can fail" {
  source_file src/work/good.c '#include "net/loop.h"'
  source_file tests/unit/good_test.c '#include "tap.h"'
  source_file tests/receiver/good.c '#include "target.h"'
  source_file completions/good.c '/* nothing */'
  lint_finds layers src/base/up.c '#include "model/json.h"'
  lint_finds layers src/net/across.c '#include "store/store.h"'
  lint_finds layers src/cmd/a/other.c '#include "cmd/b/verb.h"'
  lint_finds layers src/model/library.c '#include <sqlite3.h>'
  lint_finds banned src/cmd/a/copy.c $'\tstrcpy(to, from);'
  lint_finds banned src/model/print.c $'\tprintf("x");'
  lint_finds length src/base/long.c "$(printf 'void\nlong(void)\n{\n'; yes ';' | head -60; echo '}')"
}

@test "the lint sees a program that was not hardened" {
  mkdir plain
  echo 'int main(void) { return 0; }' >main.c
  for name in whclassify whenqueue whworker whqueue whdlq; do
    cc -g -no-pie -fno-stack-protector -Wl,-z,norelro,-z,lazy,-z,execstack -o "plain/$name" main.c
  done
  run ! env TEST_BIN="$PWD/plain" "$root/tests/lint/hardening"
  for missing in 'no position-independent executable' 'no read-only relocations' \
    'no binding at start' 'no stack that cannot be executed' 'no stack protector' \
    'no checks of _FORTIFY_SOURCE' 'no debug information'; do
    [[ $output == *"whdlq: $missing"* ]] || fail "$missing" "$output"
  done
}

# A directory for PATH with nothing but what bootstrap itself stands on.
bare_path() {
  local name

  mkdir -p path
  for name in sh cat cc sort tr dirname mktemp tail rm env cmp cp true; do
    ln -sf "$(type -P "$name")" "path/$name"
  done
}

@test "bootstrap leaves a machine alone that lacks nothing" {
  suite apt-get 'exit 99'
  run -0 env PATH="$PWD:$PATH" "$root/bin/bootstrap" build
  [ -z "$output" ]
}

@test "bootstrap says what it cannot install" {
  bare_path
  printf '#!/bin/sh\necho 1000\n' >path/id
  chmod +x path/id
  run -69 env PATH="$PWD/path" "$root/bin/bootstrap" lint
  [[ $output == *'not Debian'*clang-tidy* ]]
  suite path/apt-get 'exit 99'
  run -77 env PATH="$PWD/path" "$root/bin/bootstrap" lint
  [[ $output == *'neither root nor sudo'*clang-tidy* ]]
  suite path/sudo 'exec "$@"'
  run -69 env PATH="$PWD/path" "$root/bin/bootstrap" lint
  [[ $output == *'apt-get failed'* ]]
  run -64 "$root/bin/bootstrap" everything
}
