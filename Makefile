# globus-agent: make help

VERSION := 0.1.0
PREFIX ?= /usr/local
BUILD ?= build
BINDIR = $(PREFIX)/bin
MANDIR = $(PREFIX)/share/man
# Where a user manager looks: below a home only share/ is.
USERUNITDIR = $(PREFIX)/$(if $(filter $(HOME)/%,$(PREFIX)),share,lib)/systemd/user
SANITIZE ?=
WERROR ?=
FUZZ_SECONDS ?= 30
PYTHON := /usr/bin/python3

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDEXPANSION:

# What the build needs, named in one sentence when it is not there or too old.
REQUIRED := libcurl:7.87.0 openssl:3.0.0 libsystemd:252 json-c:0.15
NO_BUILD := bench bench-check check check-debian13 clean demo deps fuzz help lint soak uninstall
ifneq ($(filter-out $(NO_BUILD),$(or $(MAKECMDGOALS),all)),)
MISSING := $(strip $(foreach p,$(REQUIRED),$(shell set -- $(subst :, ,$p); pkg-config --atleast-version=$$2 $$1 2>/dev/null || \
	echo "$$1 >= $$2 (found: $$(pkg-config --modversion $$1 2>/dev/null || echo none));")))
ifneq ($(MISSING),)
$(error globus-agent needs $(MISSING) on Debian: sudo make deps)
endif
endif

COMMON_CFLAGS = -std=gnu17 -g -O2 -I. -I$(BUILD) -D_GNU_SOURCE -DPROJECT_VERSION='"$(VERSION)"' \
	-Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wswitch-enum -Wvla -Wconversion \
	-Wformat=2 -Wno-unused-parameter -fno-strict-aliasing $(if $(WERROR),-Werror)
ifeq ($(SANITIZE),)
HARDENING_CFLAGS = -fPIE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection \
	$(if $(filter x86_64,$(shell uname -m)),-fcf-protection)
HARDENING_LDFLAGS = -pie -Wl,-z,relro,-z,now,-z,noexecstack,--as-needed
else
HARDENING_CFLAGS = -fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=all
HARDENING_LDFLAGS = -fsanitize=$(SANITIZE)
endif
ALL_CFLAGS = $(COMMON_CFLAGS) $(HARDENING_CFLAGS) $(CFLAGS) -MMD -MP
ALL_LDFLAGS = $(HARDENING_LDFLAGS) $(LDFLAGS)

CLIENT_LIBS = $(shell pkg-config --libs json-c)
DAEMON_LIBS = $(shell pkg-config --libs libcurl openssl libsystemd json-c) -pthread
TEST_LIBS = $(DAEMON_LIBS) -lcmocka

PROGRAMS := globus-agent globus-agentctl
PROTO_SRC := $(wildcard proto/*.c)
CLIENT_SRC := $(wildcard client/*.c)
# The program's free() wipes; a sanitizer has its own.
DAEMON_MAIN := daemon/main.c $(if $(SANITIZE),,daemon/free.c)
DAEMON_SRC := $(filter-out daemon/main.c daemon/free.c,$(wildcard daemon/*.c daemon/*/*.c))
TEST_SRC := $(wildcard tests/unit/test-*.c)
TESTS := $(TEST_SRC:tests/unit/%.c=$(BUILD)/tests/unit/%)
BENCH := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/bench/*.c))
TORTURE := $(addprefix $(BUILD)/tests/torture/,trace-kill keeper fill-store bad-disk.so fast-clock.so loop-watch.so)
objects = $(1:%.c=$(BUILD)/obj/%.o)
INTERFACE_OBJ := $(BUILD)/obj/proto/interface-text.o

.PHONY: all
all: $(PROGRAMS:%=$(BUILD)/%)

$(BUILD)/globus-agent: $(call objects,$(DAEMON_MAIN) $(DAEMON_SRC)) $(BUILD)/libproto.a $(INTERFACE_OBJ)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(DAEMON_LIBS)

$(BUILD)/globus-agentctl: $(call objects,$(CLIENT_SRC)) $(BUILD)/libproto.a
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(CLIENT_LIBS)

$(BUILD)/libproto.a: $(call objects,$(PROTO_SRC))
	rm -f $@ && $(AR) rcs $@ $^

# Everything but main(), for the unit tests: the linker takes what a test does not replace.
$(BUILD)/libdaemon.a: $(call objects,$(DAEMON_SRC))
	rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/libclient.a: $(call objects,$(filter-out client/main.c,$(CLIENT_SRC)))
	rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/obj/%.o: %.c Makefile | $$(@D)/.dir
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

# The interface description as the string interface_text.
$(INTERFACE_OBJ): $(BUILD)/obj/proto/interface-text.c
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(BUILD)/obj/proto/interface-text.c: proto/org.globus.Agent.varlink Makefile | $$(@D)/.dir
	{ echo 'extern const char interface_text[]; const char interface_text[] ='; \
	  sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/.*/"&\\n"/' $<; echo ';'; } >$@

$(BUILD)/tests/unit/%: tests/unit/%.c $(BUILD)/libclient.a $(BUILD)/libdaemon.a $(BUILD)/libproto.a $(INTERFACE_OBJ) | $$(@D)/.dir
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -Wno-missing-prototypes -o $@ $< $(BUILD)/libclient.a $(BUILD)/libdaemon.a \
		$(BUILD)/libproto.a $(INTERFACE_OBJ) $(TEST_LIBS)

$(BUILD)/tests/torture/%: tests/torture/%.c Makefile | $$(@D)/.dir
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $<

$(addprefix $(BUILD)/tests/torture/,keeper fill-store): $(BUILD)/tests/torture/%: tests/torture/%.c $(BUILD)/libdaemon.a \
		$(BUILD)/libproto.a $(INTERFACE_OBJ) | $$(@D)/.dir
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $(filter %.c %.a %.o,$^) $(DAEMON_LIBS)

# The linker leaves out what a program does not use: the floors are to be bare.
$(BUILD)/tests/bench/%: tests/bench/%.c $(BUILD)/libdaemon.a $(BUILD)/libproto.a Makefile | $$(@D)/.dir
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $(filter %.c %.a,$^) $(DAEMON_LIBS)

# Preloaded into what may be built with a sanitizer, and without one itself.
$(BUILD)/tests/torture/%.so: tests/torture/%.c Makefile | $$(@D)/.dir
	$(CC) $(COMMON_CFLAGS) $(CFLAGS) -fPIC -shared -Wno-missing-prototypes -MMD -MP -o $@ $<

# json-c is the one that tests/fuzz/json-c built: without instrumentation the fuzzers would be blind in it.
FUZZERS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/fuzz/fuzz-*.c))
FUZZ_LIBS = $(shell pkg-config --libs libcurl openssl libsystemd) -pthread
$(BUILD)/tests/fuzz/fuzz-%: tests/fuzz/fuzz-%.c $(call objects,tests/fuzz/fuzz.c) $(BUILD)/libdaemon.a $(BUILD)/libproto.a \
		$(INTERFACE_OBJ) $(BUILD)/json-c/libjson-c.a | $$(@D)/.dir
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -fsanitize=fuzzer $(WRAPPED:%=-Wl,--wrap=%) -o $@ $(filter %.c %.o %.a,$^) $(FUZZ_LIBS)

$(BUILD)/tests/fuzz/fuzz-frame: WRAPPED := read send
$(BUILD)/tests/fuzz/fuzz-store: WRAPPED := crypto_scrypt
$(BUILD)/tests/fuzz/fuzz-vault: WRAPPED := clock_gettime

%/.dir:
	mkdir -p $(@D) && touch $@
.PRECIOUS: %/.dir

-include $(shell find $(BUILD)/obj $(BUILD)/tests -name '*.d' 2>/dev/null)

.PHONY: install uninstall
install: all
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(USERUNITDIR) $(foreach n,1 5 7,$(DESTDIR)$(MANDIR)/man$n)
	install -m 755 $(PROGRAMS:%=$(BUILD)/%) $(DESTDIR)$(BINDIR)
	install -m 644 systemd/globus-agent.socket $(DESTDIR)$(USERUNITDIR)
	sed 's|@BINDIR@|$(BINDIR)|' systemd/globus-agent.service.in >$(DESTDIR)$(USERUNITDIR)/globus-agent.service
	chmod 644 $(DESTDIR)$(USERUNITDIR)/globus-agent.service
	$(foreach n,1 5 7,install -m 644 $(wildcard man/*.$n) $(DESTDIR)$(MANDIR)/man$n &&) true

uninstall:
	rm -f $(PROGRAMS:%=$(DESTDIR)$(BINDIR)/%)
	rm -f $(addprefix $(DESTDIR)$(USERUNITDIR)/,globus-agent.socket globus-agent.service)
	rm -f $(foreach page,$(notdir $(wildcard man/*)),$(DESTDIR)$(MANDIR)/man$(subst .,,$(suffix $(page)))/$(page))

# check and demo bring what they need; the version check above is for the make that they run then.
.PHONY: bench bench-check bench-programs check check-debian13 demo deps fuzz lint soak unit-programs fuzzers clean help
check:
	@tests/deps check
	@$(PYTHON) tests/check.py

check-debian13:
	@$(PYTHON) tests/check.py debian13

demo:
	@tests/deps demo
	@echo 'Building globus-agent and globus-agentctl in build/'
	@$(MAKE) --no-print-directory -s -j2 all
	@$(PYTHON) tests/demo.py

# Under valgrind a fiftieth of it.
CALLS ?= 1000000
REFRESHES ?= 10000
soak:
	@tests/deps check
	@$(MAKE) --no-print-directory -s -j2 all $(BUILD)/tests/torture/fast-clock.so
	@SOAK_CALLS=$(CALLS) SOAK_REFRESHES=$(REFRESHES) GLOBUS_AGENT_BUILD=$(BUILD) \
		$(PYTHON) -m pytest -q -s -p no:cacheprovider tests/integration/test_soak.py

bench:
	@tests/deps bench
	@$(MAKE) --no-print-directory -s -j2 all bench-programs
	@GLOBUS_AGENT_BUILD=$(BUILD) $(PYTHON) tests/bench $(CHAPTERS)

bench-check:
	@tests/deps check
	@$(MAKE) --no-print-directory -s -j2 all bench-programs
	@GLOBUS_AGENT_BUILD=$(BUILD) $(PYTHON) tests/bench --check

deps:
	@tests/deps build

lint:
	@tests/deps check
	@$(MAKE) --no-print-directory -s -j2 BUILD=build/gcc CC=gcc WERROR=1 all
	@$(MAKE) --no-print-directory -s -j2 BUILD=build/clang CC=clang WERROR=1 all
	@$(PYTHON) tests/lint --build build/gcc

fuzz:
	@tests/deps fuzz
	@tests/fuzz/json-c build/fuzz/json-c
	@$(MAKE) --no-print-directory -s -j2 BUILD=build/fuzz CC=clang SANITIZE=fuzzer-no-link,address,undefined fuzzers
	@$(PYTHON) tests/fuzzers.py build/fuzz $(FUZZ_SECONDS)

unit-programs: $(TESTS) $(TORTURE)

fuzzers: $(FUZZERS)

bench-programs: $(BENCH)

clean:
	rm -rf build

help:
	@echo 'make                 build both programs in build/'
	@echo 'make demo            see it work, with a stand-in of Globus on this machine'
	@echo 'make install         to PREFIX ($(PREFIX)); DESTDIR and USERUNITDIR are honoured'
	@echo 'make uninstall       remove what install put there'
	@echo 'make check           all tests and lint, then the tests once more under the sanitizers, and a short make fuzz'
	@echo 'make check-debian13  build and test on Debian 13, in a container: from Debian 12 or 13, as root'
	@echo 'make lint            only what can be checked without running anything, gcc and clang -Werror included'
	@echo 'make fuzz            fuzz what reads the bytes of others, each fuzzer for FUZZ_SECONDS ($(FUZZ_SECONDS))'
	@echo 'make soak            $(CALLS) calls and $(REFRESHES) refreshes: what grows, what leaks; CALLS= and REFRESHES= for fewer'
	@echo 'make bench           how fast and how small, against floors and other agents; to build/bench.json; CHAPTERS= for some'
	@echo 'make bench-check     whether a call of GetToken takes more instructions than it did'
	@echo 'make deps            install the Debian packages that the build needs'
	@echo 'make clean           remove build/'
