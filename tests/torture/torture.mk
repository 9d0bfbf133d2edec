# SPDX-License-Identifier: MIT
#
# make torture     all faults at every call, and every power cut: minutes; `make check` runs
#                  the same suites with larger strides

TORTURE_DIR    = $(BUILD)/torture
TORTURE_TESTS  = $(BUILD)/tests/faults_test $(BUILD)/tests/powercut_test
TORTURE_NEEDS  = $(TORTURE_DIR)/fault.so $(TORTURE_DIR)/record.so

# Not sanitized, whatever the programs are, and without the inline functions that
# _FORTIFY_SOURCE puts in the place of what is wrapped.
$(TORTURE_DIR)/%.so: tests/torture/%.c
	@mkdir -p $(@D)
	$(CC) -std=c17 -D_GNU_SOURCE $(WARNINGS) $(if $(DEVELOPER),-Werror) -O2 -g -fPIC \
	  -shared -o $@ $< -pthread

$(TORTURE_DIR)/%.o: tests/torture/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -Itests/torture -MMD -MP -c -o $@ $<

$(BUILD)/tests/powercut_test: $(TORTURE_DIR)/disk.o

$(TORTURE_TESTS): $(BUILD)/tests/%_test: $(TORTURE_DIR)/%_test.o $(TORTURE_DIR)/lab.o \
  $(LIBRARY) $(TORTURE_NEEDS)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o %.a,$^) -lsqlite3

unit: $(TORTURE_TESTS)

torture: all unit receiver
	@TORTURE=full TORTURE_JOBS=$$((2 * $$(nproc))) TORTURE_WAL_MB=1024 TEST_BIN="$(abspath $(BIN))" TEST_BUILD="$(abspath $(BUILD))" \
	  TIME_LIMIT_S=14000 tests/run $(TORTURE_TESTS) tests/bats/store_faults.bats

.PHONY: torture
-include $(wildcard $(TORTURE_DIR)/*.d)
