# SPDX-License-Identifier: MIT
#
# make bench                  all figures, about five minutes; a table, and .build/bench.json
# make bench QUICK=1          smaller and noisier, less than two minutes
# make bench BENCH_ROWS=10000000     the scale rows with ten million jobs
# make bench BENCH_ONLY=delivery     one group: see tests/bench/README.md
# make bench-peers            Bull 4 and BullMQ on Redis beside ours (needs npm and Redis)

BENCH_DIR   = $(BUILD)/bench
BENCH_TOOLS = curl_loop delivery_loop store_loop insert_loop insert_ours events \
              slow_receiver latency spawn_loop exchange_loop scale
BENCH_RUN   = python3 tests/bench/bench.py --bin $(BIN) --tools $(BENCH_DIR) \
              --json $(BUILD)/bench.json $(if $(QUICK),--quick) \
              $(if $(BENCH_ROWS),--rows $(BENCH_ROWS)) \
              $(if $(BENCH_ONLY),--only $(BENCH_ONLY))

curl_loop_NEEDS     = sender
delivery_loop_NEEDS = sender table
store_loop_NEEDS    = table
insert_loop_NEEDS   = table
slow_receiver_NEEDS = receiver
latency_NEEDS       = receiver

define bench_tool
$(BENCH_DIR)/$(1): tests/bench/$(1).c tests/bench/tool.c \
  $$($(1)_NEEDS:%=tests/bench/%.c) $(wildcard tests/bench/*.h) $(LIBRARY)
	@mkdir -p $$(@D)
	$$(CC) $$(ALL_CFLAGS) $$(ALL_LDFLAGS) -o $$@ $$(filter %.c,$$^) $(LIBRARY) \
	  -ljansson -lsqlite3 -lcurl
endef
$(foreach tool,$(BENCH_TOOLS),$(eval $(call bench_tool,$(tool))))

$(BENCH_DIR)/lock_probe.so: tests/bench/lock_probe.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -fPIC -shared -o $@ $<

bench-tools: $(BENCH_TOOLS:%=$(BENCH_DIR)/%) $(BENCH_DIR)/lock_probe.so

# What the machine lacks, nginx or Redis, is installed first.
bench-packages:
	@bin/bootstrap build bench

$(BENCH_TOOLS:%=$(BENCH_DIR)/%): | bench-packages

bench: all bench-tools
	$(BENCH_RUN)

bench-peers: all bench-tools
	@bin/bootstrap build bench peers
	$(BENCH_RUN) --peers

.PHONY: bench bench-packages bench-tools bench-peers
