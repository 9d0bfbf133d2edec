# SPDX-License-Identifier: MIT
#
# make fuzz       every target under libFuzzer, FUZZ_SECONDS each, FUZZ_JOBS at a time;
#                 FUZZ_TARGETS="url header" only these
# make fuzzer     builds what runs them
#
# The replay of the corpus is one of the suites of `make check`.

FUZZ_SECONDS = 600
FUZZ_JOBS    = 2
FUZZ_TARGETS =

FUZZ_DRIVERS := tests/fuzz/fuzz_test.c tests/fuzz/libfuzzer.c
FUZZ_OBJECTS := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%.o, \
                  $(filter-out $(FUZZ_DRIVERS),$(wildcard tests/fuzz/*.c))) \
                $(filter-out %/main.o,$(whdlq_OBJECTS))
FUZZ_LIBS    := -lsqlite3 -lcurl -ljansson -lm

$(BUILD)/fuzz/%.o: tests/fuzz/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/tests/fuzz_test: $(BUILD)/fuzz/fuzz_test.o $(FUZZ_OBJECTS) $(LIBRARY)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(FUZZ_LIBS)

$(BUILD)/fuzzer: $(BUILD)/fuzz/libfuzzer.o $(FUZZ_OBJECTS) $(LIBRARY)
	$(CC) $(ALL_LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(FUZZ_LIBS)

FUZZ_SANITIZE = -fsanitize=address,undefined -fno-sanitize-recover=undefined
fuzzer:
	@$(MAKE) --no-print-directory BUILD=.build/fuzz CC=clang HARDEN= DEVELOPER= \
	  CFLAGS="-O1 -g -fno-omit-frame-pointer -Wno-missing-field-initializers -fsanitize=fuzzer-no-link $(FUZZ_SANITIZE)" \
	  LDFLAGS="$(FUZZ_SANITIZE)" .build/fuzz/fuzzer

fuzz: fuzzer
	@FUZZ_SECONDS=$(FUZZ_SECONDS) JOBS=$(FUZZ_JOBS) tests/fuzz/run $(FUZZ_TARGETS)

-include $(wildcard $(BUILD)/fuzz/*.d)

.PHONY: fuzz fuzzer
