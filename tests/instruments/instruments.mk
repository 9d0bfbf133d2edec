# SPDX-License-Identifier: MIT
#
# make asan       all suites but tests/torture, under AddressSanitizer and UBSan
# make tsan       what has threads, under ThreadSanitizer
# make valgrind   each program once, under memcheck
# make coverage   all suites, and a table of the lines and branches that they ran
# make analyze    the static analyzers of clang (in clang-tidy) and gcc; part of `make lint`
#
# Each has a build directory of its own: nothing is rebuilt when you go back and forth.
# WITHOUT="kill_loop soak" leaves suites out, as for `make check`. The workers are kept out
# of their sandbox, where none of these could write what it has found.

# For make: a build with a compiler's instrumentation, $(call instrumented,NAME,OPTIONS). Without
# hardening, for the checks of _FORTIFY_SOURCE would come before a sanitizer's.
instrumented = --no-print-directory BUILD=.build/$(1) BIN=.build/$(1)/bin HARDEN= \
  CFLAGS="-g -fno-omit-frame-pointer $(2)" LDFLAGS="$(2)"

ADDRESS = -O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined
# The torture suites start thousands of processes, which a sanitizer makes too slow.
asan:
	@TEST_SANITIZED=1 TEST_SANDBOX=off \
	  $(MAKE) $(call instrumented,asan,$(ADDRESS)) WITHOUT="faults powercut $(WITHOUT)" check

# The worker is the only program with threads.
THREADED = $(BUILD)/tests/store_thread_test $(BUILD)/tests/store_test \
           $(patsubst %,tests/bats/%.bats,delivery retry signals worker fairness ordering \
             crash_budget http2 whdlq_retry journey)
# Kernels may place programs more randomly than ThreadSanitizer can bear.
NO_ASLR := $(shell setarch -R true 2>/dev/null && echo setarch -R)
tsan:
	@TEST_SANITIZED=1 TEST_SANDBOX=off $(NO_ASLR) \
	  $(MAKE) $(call instrumented,tsan,-O1 -fsanitize=thread) SUITES='$$(THREADED)' check

# The plain programs, each behind a script that starts it in valgrind.
valgrind: all receiver
	@rm -rf $(BUILD)/valgrind && mkdir -p $(BUILD)/valgrind
	@for name in $(PROGRAMS); do \
	  ln -s $(abspath tests/instruments/memcheck) $(BUILD)/valgrind/$$name; \
	done
	@TEST_SANITIZED=1 TEST_SANDBOX=off TEST_MEMCHECKED="$(abspath $(BIN))" \
	  TEST_BIN="$(abspath $(BUILD))/valgrind" TEST_BUILD="$(abspath $(BUILD))" \
	  tests/run tests/bats/journey.bats

# A process that is killed, as in tests/crash, takes its counts with it.
coverage:
	@[ ! -d .build/coverage ] || find .build/coverage -name '*.gcda' -delete
	@TEST_SANDBOX=off GCOV_ERROR_FILE=/dev/null TEST_COUNTS=$(abspath .build/coverage)/counts \
	  $(MAKE) $(call instrumented,coverage,-O0 --coverage -fprofile-update=atomic) check; \
	  status=$$?; tests/instruments/coverage .build/coverage $(LAYERS) cmd; exit $$status

analyze:
	@tests/lint/run tidy analyzer

.PHONY: asan tsan valgrind coverage analyze
