# SPDX-License-Identifier: MIT
#
# make            the five programs, in bin/
# make check      all tests            make lint    style, layers, man pages, completions
# make soak       half an hour of load, kills and faults
# make asan       the tests under AddressSanitizer and UBSan; likewise make tsan, valgrind,
#                 coverage, analyze: tests/instruments/instruments.mk
# make torture    faults at every call, power cuts at every write
# make fuzz       ten minutes of libFuzzer for each target of tests/fuzz
# make install    PREFIX, DESTDIR      make dist    a source archive
#
# DEVELOPER=1 turns warnings into errors. CFLAGS, CPPFLAGS and LDFLAGS are yours.

VERSION  = 0.1.0
PREFIX   = /usr/local
bindir   = $(PREFIX)/bin
datadir  = $(PREFIX)/share
mandir   = $(datadir)/man
CFLAGS  ?= -O2 -g
BUILD    = .build
BIN      = bin
PROGRAMS = whclassify whenqueue whworker whqueue whdlq

WARNINGS = -Wall -Wextra -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes \
           -Wwrite-strings -Wformat=2 -fno-common
# What every compiler has, and what this one has. make lint looks at the outcome.
knows    = $(shell $(CC) -Werror $(1) -x c -S -o /dev/null /dev/null 2>/dev/null && echo $(1))
HARDEN  := -fPIE -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 \
           $(call knows,-fstack-clash-protection) $(call knows,-fcf-protection)
ALL_CFLAGS = -std=c17 -D_GNU_SOURCE -DWHTOOLS_VERSION='"$(VERSION)"' -Isrc \
             $(WARNINGS) $(HARDEN) $(if $(DEVELOPER),-Werror) $(CPPFLAGS) $(CFLAGS) -pthread
ALL_LDFLAGS = -pie -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed $(LDFLAGS) -pthread

LAYERS   = base model cli store net work
SOURCES := $(foreach layer,$(LAYERS),$(wildcard src/$(layer)/*.c)) $(wildcard src/cmd/*.c)
OBJECTS := $(SOURCES:src/%.c=$(BUILD)/%.o) $(BUILD)/migrations.o
LIBRARY  = $(BUILD)/libwhtools.a

# Each program links what it uses and nothing more: an enqueue from a shell script must not
# pay for loading libcurl.
whclassify_LIBS =
whenqueue_LIBS  = -lsqlite3
whqueue_LIBS    = -lsqlite3
whdlq_LIBS      = -lsqlite3
whworker_LIBS   = -lsqlite3 -lcurl -lseccomp

UNIT_SOURCES := $(wildcard tests/unit/*_test.c)
UNIT_TESTS   := $(UNIT_SOURCES:tests/unit/%.c=$(BUILD)/tests/%)

all: $(PROGRAMS:%=$(BIN)/%)

define program
$(1)_OBJECTS := $$(patsubst src/%.c,$$(BUILD)/%.o,$$(wildcard src/cmd/$(1)/*.c))
$$(BIN)/$(1): $$($(1)_OBJECTS) $$(LIBRARY)
	@mkdir -p $$(@D)
	$$(CC) $$(ALL_LDFLAGS) -o $$@ $$($(1)_OBJECTS) $$(LIBRARY) $$($(1)_LIBS)
endef
$(foreach name,$(PROGRAMS),$(eval $(call program,$(name))))

$(BUILD)/%.o: src/%.c Makefile
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/migrations.c: schema/embed.sh $(wildcard schema/sqlite/*.sql)
	@mkdir -p $(@D)
	sh schema/embed.sh schema/sqlite >$@.tmp && mv $@.tmp $@

$(BUILD)/migrations.o: $(BUILD)/migrations.c Makefile
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(LIBRARY): $(OBJECTS)
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/unit/%.o: tests/unit/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -Itests/unit -MMD -MP -c -o $@ $<

$(BUILD)/tests/%_test: $(BUILD)/unit/%_test.o $(BUILD)/unit/tap.o $(LIBRARY)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ -lsqlite3 -lcurl -lseccomp -lm

unit: $(UNIT_TESTS)

# The HTTP receiver that misbehaves on purpose.
RECEIVER_OBJECTS := $(patsubst tests/receiver/%.c,$(BUILD)/receiver/%.o, \
                      $(wildcard tests/receiver/*.c)) \
                    $(patsubst src/%.c,$(BUILD)/%.o,$(wildcard src/base/*.c))

$(BUILD)/receiver/%.o: tests/receiver/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/tests/receiver: $(RECEIVER_OBJECTS)
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $(RECEIVER_OBJECTS) -lmicrohttpd -lgnutls -ljansson

# Preloaded into programs: names that resolve to what a test says, a clock that
# jumps, jobs that kill workers.
PRELOADED := $(BUILD)/tests/resolver.so $(BUILD)/tests/clock.so $(BUILD)/tests/poison.so
$(BUILD)/tests/resolver.so: tests/lib/resolver.c
$(BUILD)/tests/clock.so: tests/lib/clock.c
$(BUILD)/tests/poison.so: tests/crash/poison.c

$(PRELOADED):
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -fPIC -shared -o $@ $<

receiver: $(BUILD)/tests/receiver $(PRELOADED)

.SECONDARY:

# Every suite; SUITES=tests/bats/whdlq.bats runs one, JOBS=1 one at a time, WITHOUT="soak"
# all but some.
BATS_SUITES := $(wildcard tests/bats/*.bats)
# The longest first, so that nobody waits for one of them alone.
SUITES = tests/crash/soak tests/crash/kill_loop $(TORTURE_TESTS) $(BATS_SUITES) \
         $(UNIT_TESTS) $(BUILD)/tests/fuzz_test

CHOSEN = $(foreach suite,$(SUITES),$(if \
           $(filter $(WITHOUT),$(patsubst %_test,%,$(basename $(notdir $(suite))))),,$(suite)))

check: all unit receiver $(BUILD)/tests/fuzz_test
	@[ -z "$(strip $(WITHOUT))" ] || echo "without the suites: $(strip $(WITHOUT))"
	@TEST_BIN="$(abspath $(BIN))" TEST_BUILD="$(abspath $(BUILD))" tests/run $(CHOSEN)

# Half an hour of everything at once; SOAK_SECONDS for more or less.
SOAK_SECONDS = 1800
soak: all receiver
	@TEST_BIN="$(abspath $(BIN))" TEST_BUILD="$(abspath $(BUILD))" \
	  SOAK_SECONDS=$(SOAK_SECONDS) tests/crash/soak

lint: all
	@TEST_BIN="$(abspath $(BIN))" tests/lint/run

include tests/bench/bench.mk
include tests/instruments/instruments.mk
include tests/torture/torture.mk
include tests/fuzz/fuzz.mk
-include $(OBJECTS:.o=.d) $(wildcard $(BUILD)/cmd/*/*.d $(BUILD)/unit/*.d $(BUILD)/receiver/*.d)

clean:
	rm -rf $(BUILD) $(PROGRAMS:%=$(BIN)/%)

MANUALS := $(wildcard man/*.[1-8])
INSTALL = install
INSTALL_DATA = $(INSTALL) -m 644

# bash and fish look a completion up by the program's name, zsh by what the file says.
bashdir   = $(datadir)/bash-completion/completions
fishdir   = $(datadir)/fish/vendor_completions.d
zshdir    = $(datadir)/zsh/site-functions
schemadir = $(datadir)/whtools/schema

install: all
	$(INSTALL) -d $(DESTDIR)$(bindir) $(DESTDIR)$(bashdir) $(DESTDIR)$(fishdir) \
	  $(DESTDIR)$(zshdir) $(DESTDIR)$(schemadir)/record $(DESTDIR)$(schemadir)/sqlite
	$(INSTALL) $(PROGRAMS:%=$(BIN)/%) $(DESTDIR)$(bindir)
	set -e; for name in $(PROGRAMS); do \
	  $(INSTALL_DATA) completions/whtools.bash $(DESTDIR)$(bashdir)/$$name; \
	  $(INSTALL_DATA) completions/whtools.fish $(DESTDIR)$(fishdir)/$$name.fish; \
	done
	$(INSTALL_DATA) completions/_whtools $(DESTDIR)$(zshdir)
	set -e; for page in $(MANUALS); do \
	  $(INSTALL) -D -m 644 $$page $(DESTDIR)$(mandir)/man$${page##*.}/$${page##*/}; \
	done
	$(INSTALL_DATA) schema/record/*.json $(DESTDIR)$(schemadir)/record
	$(INSTALL_DATA) schema/sqlite/*.sql $(DESTDIR)$(schemadir)/sqlite

uninstall:
	rm -f $(PROGRAMS:%=$(DESTDIR)$(bindir)/%) $(PROGRAMS:%=$(DESTDIR)$(bashdir)/%) \
	  $(PROGRAMS:%=$(DESTDIR)$(fishdir)/%.fish) $(DESTDIR)$(zshdir)/_whtools
	for page in $(MANUALS); do rm -f $(DESTDIR)$(mandir)/man$${page##*.}/$${page##*/}; done
	rm -rf $(DESTDIR)$(datadir)/whtools

DIST = whtools-$(VERSION)
dist:
	git archive --prefix=$(DIST)/ -o $(DIST).tar.gz HEAD

.PHONY: all unit receiver check soak lint install uninstall dist clean
