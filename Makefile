# SPDX-License-Identifier: BSD-2-Clause
# `make help` explains every target. Sources are found by wildcard: drop a file where it belongs and it is built.

MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:
.SUFFIXES:
SHELL := /bin/sh
.DEFAULT_GOAL := all

# --- What a user may set -------------------------------------------------------------------------------------------
BUILD ?= build
ifeq ($(origin CC),default)
CC := gcc
endif
ifeq ($(origin AR),default)
AR := ar
endif
FUZZ_CC ?= clang
CFLAGS ?= -O2 -g
LDFLAGS ?=
SAN ?=
TIME ?= 60
HOURS ?= 1
ENGINE ?= libfuzzer
TARGET ?=
ROLE ?= both
REPEAT ?= 5
TIMED ?= 20
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
PREFIX ?= /usr/local
DESTDIR ?=
PYTHON ?= python3
CLANG_FORMAT ?= clang-format
OBJCOPY ?= objcopy
V ?=
VERSION := 0.1.0

# A build with sanitizers never shares a folder with one without.
comma := ,
ifneq ($(SAN),)
OUT := $(BUILD)/san-$(subst $(comma),-,$(SAN))
SAN_FLAGS := -fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer
else
OUT := $(BUILD)
SAN_FLAGS :=
endif

# --- Flags ---------------------------------------------------------------------------------------------------------
WARN := -Wall -Wextra -Wpedantic -Werror
BASE := -std=c17 -D_POSIX_C_SOURCE=200809L $(WARN) -fPIC -fvisibility=default -pthread -MMD -MP
INC_reference := -Ireference/include -Ireference/src -Ireference/tools
INC_conformance := -Ireference/include -Iconformance -Ireference/tools
INC_fuzz := -Ireference/include -Ireference/src -Ireference/tools -Ireference/tests -Iconformance -Ifuzz
include_flags = $(or $(INC_$(firstword $(subst /, ,$<))),$(INC_conformance))

TEST_SAN := -O1 -g -fsanitize=address,undefined,float-cast-overflow -fno-sanitize-recover=all -fno-omit-frame-pointer
TSAN := -O1 -g -fsanitize=thread -fno-omit-frame-pointer
COV := -O0 -g --coverage -fprofile-update=atomic
FUZZ_SAN := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
MSAN := -O1 -g -fsanitize=memory,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
M32 := -O1 -g -m32 -D_FILE_OFFSET_BITS=64 -fsanitize=undefined -fsanitize-undefined-trap-on-error
AFL_CC := AFL_QUIET=1 afl-clang-fast
AFL_SAN := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

WIRE_LIBS := -lunistring -lgmp
LIBS := -luv $(WIRE_LIBS)
TOOL_LIBS := -ljansson -lpcap -lm
TEST_LIBS := -lcmocka

# --- Sources -------------------------------------------------------------------------------------------------------
WIRE_SRC := $(sort $(wildcard reference/src/wire/*.c))
LIB_SRC := $(sort $(wildcard reference/src/*/*.c))
TOOL_SRC := $(sort $(wildcard reference/tools/*.c))
SPEC_SRC := $(sort $(filter-out conformance/peers/% conformance/mutants/% conformance/tests/%, \
	$(wildcard conformance/*.c conformance/*/*.c)))
GEN_SCRIPT := conformance/tools/gen_requirements.py
GEN_EVIDENCE := conformance/tools/gen_evidence.py
EVIDENCE := conformance/findings.md $(sort $(wildcard conformance/mutants/*.patch conformance/mutants/*/*.patch))
GEN_SRC := $(BUILD)/gen/requirements.c $(BUILD)/gen/evidence.c
HEADERS := $(sort $(wildcard reference/include/yoton/*.h))
EXPORTS := $(BUILD)/gen/libyoton.map $(BUILD)/gen/libyoton.names

# How captures are read is no matter of judgement: the harness does it as `yoton dump` does.
CAPTURE_SRC := $(sort $(wildcard reference/tools/capture_*.c) reference/tools/json_value.c \
	$(patsubst %,reference/tools/dump_%.c,half stream slots text content))
REF_TESTS := $(sort $(wildcard reference/tests/test_*.c))
SPEC_TESTS := $(sort $(wildcard conformance/tests/test_*.c))
TSAN_TESTS := $(filter reference/tests/test_context%,$(REF_TESTS))
# What sockets and threads happen to do covers nothing: floors 1 to 3 are tested without them.
COV_TESTS := $(filter-out $(TSAN_TESTS),$(REF_TESTS))
PLAIN_TESTS := reference/tests/test_simulation_channels.c
REF_TEST_HELP := $(filter-out $(REF_TESTS),$(wildcard reference/tests/*.c))
SPEC_TEST_HELP := $(filter-out $(SPEC_TESTS),$(wildcard conformance/tests/*.c))
REC_SRC := $(sort $(wildcard captures/*.c))
FUZZ_TARGETS := $(sort $(wildcard fuzz/fuzz_*.c))
FUZZ_SIM := $(sort $(wildcard reference/tests/sim_*.c reference/tests/alloc.c reference/tools/literal_read.c))
FUZZ_ALONE := fuzz/runner.c fuzz/mutate_afl.c fuzz/calibrate.c
FUZZ_HELP := $(filter-out $(FUZZ_TARGETS) $(FUZZ_ALONE),$(wildcard fuzz/*.c))
SCRIPT_TESTS := $(sort $(foreach d,reference/tests conformance/tests captures/tests spec/tests fuzz/tests .ci/tests, \
	$(wildcard $(d)/*.sh $(d)/*.py)))
SCRIPT_TESTS += .ci/check-house.py
ALL_C = $(ALL_SRC) $(sort $(wildcard reference/include/yoton/*.h reference/*/*.h reference/src/*/*.h conformance/*.h \
	conformance/*/*.h fuzz/*.h captures/*.h))
ALL_SRC := $(LIB_SRC) $(TOOL_SRC) $(SPEC_SRC) $(REC_SRC) $(REF_TESTS) $(REF_TEST_HELP) $(SPEC_TESTS) $(SPEC_TEST_HELP) \
	$(FUZZ_TARGETS) $(FUZZ_HELP) $(wildcard $(FUZZ_ALONE))

# --- Objects of each variant: plain, asan (tests, replayed corpora), tsan (context tests), fuzz, the other compiler -----
gen_obj = $(patsubst $(BUILD)/gen/%.c,$(1)/gen/%.o,$(GEN_SRC))
obj = $(patsubst %.c,$(1)/%.o,$(2))
PLAIN := $(OUT)/obj
ASAN := $(OUT)/asan
TSAN_DIR := $(OUT)/tsan
FUZZ_DIR := $(OUT)/fuzz/obj
MSAN_DIR := $(OUT)/fuzz/msan
M32_DIR := $(OUT)/fuzz/m32
AFL_DIR := $(OUT)/fuzz/afl/obj
CMPLOG_DIR := $(OUT)/fuzz/cmplog/obj
CLANG_DIR := $(OUT)/clang
COV_DIR := $(OUT)/coverage
FUZZ_COV_DIR := $(OUT)/fuzz/cov/obj

REF_TEST_BIN := $(patsubst reference/tests/%.c,$(OUT)/tests/%,$(REF_TESTS))
SPEC_TEST_BIN := $(patsubst conformance/tests/%.c,$(OUT)/tests/conformance/%,$(SPEC_TESTS))
PLAIN_TEST_BIN := $(patsubst reference/tests/%.c,$(OUT)/tests/plain/%,$(PLAIN_TESTS))
TSAN_TEST_BIN := $(patsubst reference/tests/%.c,$(OUT)/tests/tsan/%,$(TSAN_TESTS))
COV_BIN := $(patsubst reference/tests/%.c,$(OUT)/tests/coverage/%,$(COV_TESTS))
FUZZ_BIN := $(patsubst fuzz/%.c,$(OUT)/fuzz/%,$(FUZZ_TARGETS))
FUZZ_PLAIN := $(addsuffix .plain,$(FUZZ_BIN))
# The corpora are replayed by gcc with ASan and UBSan, by clang too, and, of the rooms that use no library, by clang with
# MSan and, where the machine can, in 32 bits.
BARE := frame handshake link
FUZZ_OTHER := $(addsuffix .clang,$(FUZZ_BIN)) $(foreach t,$(BARE),$(OUT)/fuzz/fuzz_$(t).msan \
	$(if $(filter x86_64,$(shell uname -m)),$(OUT)/fuzz/fuzz_$(t).m32))
AFL_BIN := $(patsubst fuzz/%.c,$(OUT)/fuzz/afl/%,$(FUZZ_TARGETS))
FUZZ_COV := $(patsubst fuzz/%.c,$(OUT)/fuzz/cov/%,$(FUZZ_TARGETS))
CMPLOG_BIN := $(patsubst fuzz/%.c,$(OUT)/fuzz/cmplog/%,$(FUZZ_TARGETS))


##@ Build
.PHONY: all
all: lib tools harness ## Build the library, `yoton` and `yotonspec` (the default)

.PHONY: lib tools recorder harness
lib: $(OUT)/libyoton.a $(OUT)/libyoton.so ## Build libyoton.a and libyoton.so
tools: $(OUT)/yoton ## Build the `yoton` command
recorder: $(OUT)/recorder ## Build the recorder of captures
harness: $(OUT)/yotonspec ## Build `yotonspec`, the conformance harness

# Rebuild everything when compiler or flags change; rebuild archives and programs when the set of sources does.
.PHONY: FORCE
FORCE:
stamp = mkdir -p $(@D); printf '%s\n' "$(1)" > $@.$$$$; cmp -s $@.$$$$ $@ && rm -f $@.$$$$ || mv -f $@.$$$$ $@
$(OUT)/.flags: FORCE
	@$(call stamp,$(CC) $(FUZZ_CC) $(BASE) $(CFLAGS) $(CPPFLAGS) $(LDFLAGS) $(SAN_FLAGS) $(TEST_SAN) $(TSAN) $(FUZZ_SAN) $(MSAN) $(M32) $(COV))
$(OUT)/.sources: FORCE
	@$(call stamp,$(ALL_SRC))
$(OUT)/.evidence: FORCE
	@$(call stamp,$(EVIDENCE))

compile = @mkdir -p $(@D) && $(if $(V),set -x;,printf '  %-5s %s\n' '$(1)' '$<';)

$(BUILD)/gen/requirements.c: spec/wire.md conformance/ADAPTER.md $(GEN_SCRIPT)
	@mkdir -p $(@D) && printf '  %-5s %s\n' GEN '$@'
	@$(PYTHON) $(GEN_SCRIPT) spec/wire.md conformance/ADAPTER.md > $@.tmp && mv -f $@.tmp $@
$(BUILD)/gen/evidence.c: $(GEN_EVIDENCE) $(GEN_SCRIPT) $(EVIDENCE) $(OUT)/.evidence
	@mkdir -p $(@D) && printf '  %-5s %s\n' GEN '$@'
	@$(PYTHON) $(GEN_EVIDENCE) conformance/mutants conformance/findings.md > $@.tmp && mv -f $@.tmp $@

# One rule per variant, for the sources of the tree and for the generated ones.
define variant # name, folder, compiler, flags
$(2)/%.o: %.c $(OUT)/.flags
	$$(call compile,$(1)) $(3) $(BASE) $$(include_flags) $$(CPPFLAGS) $(4) -c -o $$@ $$<
$(2)/gen/%.o: $(BUILD)/gen/%.c $(OUT)/.flags
	$$(call compile,$(1)) $(3) $(BASE) $$(include_flags) $$(CPPFLAGS) $(4) -c -o $$@ $$<
endef
$(eval $(call variant,CC,$(PLAIN),$$(CC),$$(CFLAGS) $$(SAN_FLAGS)))
$(eval $(call variant,ASAN,$(ASAN),$$(CC),$$(TEST_SAN)))
$(eval $(call variant,TSAN,$(TSAN_DIR),$$(CC),$$(TSAN)))
$(eval $(call variant,FUZZ,$(FUZZ_DIR),$$(FUZZ_CC),$$(FUZZ_SAN)))
$(eval $(call variant,MSAN,$(MSAN_DIR),$$(FUZZ_CC),$$(MSAN)))
$(eval $(call variant,M32,$(M32_DIR),$$(CC),$$(M32)))
$(eval $(call variant,AFL,$(AFL_DIR),$$(AFL_CC),$$(AFL_SAN)))
$(eval $(call variant,CMPLOG,$(CMPLOG_DIR),AFL_LLVM_CMPLOG=1 $$(AFL_CC),$$(AFL_SAN)))
$(eval $(call variant,CLANG,$(CLANG_DIR),clang,-O1))
$(eval $(call variant,COV,$(COV_DIR),gcc,$$(COV)))
$(eval $(call variant,COV,$(FUZZ_COV_DIR),gcc,$$(COV) -fsanitize=address))

archive = @mkdir -p $(@D) && printf '  %-5s %s\n' AR '$@' && rm -f $@ && $(AR) rcsD $@ $(filter %.o,$^)
link = @mkdir -p $(@D) && $(if $(V),set -x;,printf '  %-5s %s\n' LINK '$@';)
inputs = $(filter %.o,$^) $(filter %.a,$^)

# --- Library and programs ------------------------------------------------------------------------------------------
# What the library exports is what its public headers declare, of the shared one as of the static one: that is a single
# object, in which all other names are local and cannot meet a program's own.
$(BUILD)/gen/libyoton.map: export = --map
$(BUILD)/gen/libyoton.names: export = --list
$(EXPORTS): reference/exports.py $(HEADERS) $(OUT)/.sources
	@mkdir -p $(@D) && printf '  %-5s %s\n' GEN '$@'
	@$(PYTHON) $< $(export) $(HEADERS) > $@.tmp && mv -f $@.tmp $@
$(PLAIN)/yoton.o: $(call obj,$(PLAIN),$(LIB_SRC)) $(OUT)/.sources $(BUILD)/gen/libyoton.names
	$(link) $(CC) -r -nostdlib -o $@ $(inputs) && $(OBJCOPY) --keep-global-symbols=$(BUILD)/gen/libyoton.names $@
$(OUT)/libyoton.a: $(PLAIN)/yoton.o
	$(archive)
# The same with every name, for the tools, which use some that are not public.
$(PLAIN)/libyoton.a: $(call obj,$(PLAIN),$(LIB_SRC)) $(OUT)/.sources
	$(archive)
$(OUT)/libyoton-wire.a: $(call obj,$(PLAIN),$(WIRE_SRC)) $(OUT)/.sources
	$(archive)
$(OUT)/libyoton.so: $(call obj,$(PLAIN),$(LIB_SRC)) $(OUT)/.sources $(BUILD)/gen/libyoton.map
	$(link) $(CC) -shared -Wl,-soname,libyoton.so.0 -Wl,--version-script=$(BUILD)/gen/libyoton.map -pthread $(CFLAGS) $(SAN_FLAGS) $(LDFLAGS) -o $@ $(inputs) $(LIBS)
$(OUT)/yoton: $(call obj,$(PLAIN),$(TOOL_SRC)) $(PLAIN)/libyoton.a $(OUT)/.sources
	$(link) $(CC) -pthread $(CFLAGS) $(SAN_FLAGS) $(LDFLAGS) -o $@ $(inputs) $(LIBS) $(TOOL_LIBS)
$(OUT)/yotonspec: $(call obj,$(PLAIN),$(SPEC_SRC) $(CAPTURE_SRC)) $(call gen_obj,$(PLAIN)) $(OUT)/libyoton-wire.a $(OUT)/.sources
	$(link) $(CC) -pthread $(CFLAGS) $(SAN_FLAGS) $(LDFLAGS) -o $@ $(inputs) $(WIRE_LIBS) $(TOOL_LIBS)

$(OUT)/recorder: $(call obj,$(PLAIN),$(REC_SRC)) $(OUT)/.sources
	$(link) $(CC) $(CFLAGS) $(SAN_FLAGS) $(LDFLAGS) -o $@ $(inputs) -lpcap

# --- Tests: everything under ASan and UBSan; archives, so that a test takes only what it uses --------------------------
$(ASAN)/libyoton.a: $(call obj,$(ASAN),$(LIB_SRC) $(TOOL_SRC)) $(OUT)/.sources
	$(archive)
# The command with sanitizers, for the scripts that feed it broken files.
$(ASAN)/yoton: $(call obj,$(ASAN),$(TOOL_SRC)) $(ASAN)/libyoton.a
	$(link) $(CC) -pthread $(TEST_SAN) $(LDFLAGS) -o $@ $(inputs) $(LIBS) $(TOOL_LIBS)
$(ASAN)/libyoton-wire.a: $(call obj,$(ASAN),$(WIRE_SRC)) $(OUT)/.sources
	$(archive)
$(ASAN)/libyotonspec.a: $(call obj,$(ASAN),$(SPEC_SRC) $(CAPTURE_SRC)) $(call gen_obj,$(ASAN)) $(OUT)/.sources
	$(archive)
$(TSAN_DIR)/libyoton.a: $(call obj,$(TSAN_DIR),$(LIB_SRC)) $(OUT)/.sources
	$(archive)

# Calls of malloc and its like pass through reference/tests/alloc.c, which can count them and let them fail.
WRAP_MALLOC := -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free
# A test that needs more of the linker sets LDFLAGS_test_name here.
LDFLAGS_test_runner := -Wl,--wrap=clock_gettime
LDFLAGS_test_context_faults := -Wl,--wrap=recv,--wrap=send,--wrap=accept
$(REF_TEST_BIN): $(OUT)/tests/%: $(ASAN)/reference/tests/%.o $(call obj,$(ASAN),$(REF_TEST_HELP)) $(ASAN)/libyoton.a
	$(link) $(CC) -pthread $(TEST_SAN) $(LDFLAGS) $(WRAP_MALLOC) $(LDFLAGS_$(@F)) -o $@ $(inputs) $(LIBS) $(TOOL_LIBS) \
		$(TEST_LIBS)
$(SPEC_TEST_BIN): $(OUT)/tests/conformance/%: $(ASAN)/conformance/tests/%.o $(call obj,$(ASAN),$(SPEC_TEST_HELP)) \
		$(ASAN)/libyotonspec.a $(ASAN)/libyoton-wire.a
	$(link) $(CC) -pthread $(TEST_SAN) $(LDFLAGS) $(LDFLAGS_$(@F)) -o $@ $(inputs) $(WIRE_LIBS) $(TOOL_LIBS) $(TEST_LIBS)
# Without sanitizers too, where it is the number of runs that counts.
$(PLAIN_TEST_BIN): $(OUT)/tests/plain/%: $(PLAIN)/reference/tests/%.o $(call obj,$(PLAIN),$(REF_TEST_HELP)) \
		$(PLAIN)/libyoton.a
	$(link) $(CC) -pthread $(CFLAGS) $(SAN_FLAGS) $(LDFLAGS) -o $@ $(inputs) $(LIBS) $(TOOL_LIBS) $(TEST_LIBS)
$(TSAN_TEST_BIN): $(OUT)/tests/tsan/%: $(TSAN_DIR)/reference/tests/%.o $(call obj,$(TSAN_DIR),$(REF_TEST_HELP)) \
		$(TSAN_DIR)/libyoton.a
	$(link) $(CC) -pthread $(TSAN) $(LDFLAGS) $(LDFLAGS_$(@F)) -o $@ $(inputs) $(LIBS) $(TOOL_LIBS) $(TEST_LIBS)

$(COV_DIR)/libyoton.a: $(call obj,$(COV_DIR),$(LIB_SRC) $(TOOL_SRC)) $(OUT)/.sources
	$(archive)
$(COV_BIN): $(OUT)/tests/coverage/%: $(COV_DIR)/reference/tests/%.o $(call obj,$(COV_DIR),$(REF_TEST_HELP)) \
		$(COV_DIR)/libyoton.a
	$(link) gcc -pthread $(COV) $(LDFLAGS) $(WRAP_MALLOC) $(LDFLAGS_$(@F)) -o $@ $(inputs) $(LIBS) $(TOOL_LIBS) \
		$(TEST_LIBS)

.PHONY: tests fuzzers clang-check
tests: $(REF_TEST_BIN) $(SPEC_TEST_BIN) $(TSAN_TEST_BIN) $(PLAIN_TEST_BIN) $(ASAN)/yoton ## Build the unit tests (ASan and UBSan; the context tests under TSan too)
fuzzers: $(FUZZ_BIN) $(FUZZ_PLAIN) $(FUZZ_OTHER) $(OUT)/fuzz/mutate_afl.so $(OUT)/fuzz/calibrate ## Build the fuzz targets and their plain runners
clang-check: $(call obj,$(CLANG_DIR),$(ALL_SRC)) ## Compile every source with clang, warnings as errors

# --- Fuzz targets: libFuzzer, and the same code behind a plain main that replays files ----------------------------------
$(OUT)/fuzz/libyoton.a: $(call obj,$(FUZZ_DIR),$(LIB_SRC)) $(OUT)/.sources
	$(archive)
$(OUT)/fuzz/libcapture.a: $(call obj,$(FUZZ_DIR),$(CAPTURE_SRC)) $(OUT)/.sources
	$(archive)
$(ASAN)/libcapture.a: $(call obj,$(ASAN),$(CAPTURE_SRC)) $(OUT)/.sources
	$(archive)
# The simulated networks of the tests, which fuzz_network drives, and what else targets look with.
$(OUT)/fuzz/libsim.a: $(call obj,$(FUZZ_DIR),$(FUZZ_SIM)) $(OUT)/.sources
	$(archive)
$(ASAN)/libsim.a: $(call obj,$(ASAN),$(FUZZ_SIM)) $(OUT)/.sources
	$(archive)
FUZZ_ARCHIVES := $(addprefix $(OUT)/fuzz/,libharness.a libcapture.a libsim.a libyoton.a) fuzz/within.opt
# The harness, which fuzz_adapter and fuzz_reports look at.
FUZZ_HARNESS := $(filter-out conformance/main.c $(CAPTURE_SRC),$(SPEC_SRC))
$(OUT)/fuzz/libharness.a: $(call obj,$(FUZZ_DIR),$(FUZZ_HARNESS)) $(call gen_obj,$(FUZZ_DIR)) $(OUT)/.sources
	$(archive)
# What makes inputs, and what judges pages, is not what is looked at.
$(addprefix $(FUZZ_DIR)/fuzz/,mutate.o markup.o within.o): FUZZ_SAN := $(filter-out -fsanitize=fuzzer%,$(FUZZ_SAN)) -fsanitize=address,undefined
FUZZ_LIBS := @fuzz/within.opt -Wl,--as-needed $(LIBS) $(TOOL_LIBS) -lcmocka
$(FUZZ_BIN): $(OUT)/fuzz/%: $(FUZZ_DIR)/fuzz/%.o $(call obj,$(FUZZ_DIR),$(FUZZ_HELP)) $(FUZZ_ARCHIVES)
	$(link) $(FUZZ_CC) -pthread -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all $(LDFLAGS) -o $@ \
		$(inputs) $(FUZZ_LIBS)
$(FUZZ_PLAIN): $(OUT)/fuzz/%.plain: $(ASAN)/fuzz/%.o $(call obj,$(ASAN),$(FUZZ_HELP) fuzz/runner.c) $(ASAN)/libyotonspec.a \
		$(ASAN)/libcapture.a $(ASAN)/libsim.a $(ASAN)/libyoton.a fuzz/within.opt
	$(link) $(CC) -pthread $(TEST_SAN) $(LDFLAGS) -o $@ $(inputs) $(FUZZ_LIBS)
$(OUT)/fuzz/%.clang: $(FUZZ_DIR)/fuzz/%.o $(call obj,$(FUZZ_DIR),$(FUZZ_HELP) fuzz/runner.c) $(FUZZ_ARCHIVES)
	$(link) $(FUZZ_CC) -pthread -fsanitize=address,undefined -fno-sanitize-recover=all $(LDFLAGS) -o $@ $(inputs) $(FUZZ_LIBS)
BARE_SRC := $(wildcard reference/src/wire/frame.c reference/src/wire/handshake.c reference/src/link/*.c \
	fuzz/line.c fuzz/link_model.c fuzz/mutate.c fuzz/runner.c)
$(OUT)/fuzz/%.msan: $(MSAN_DIR)/fuzz/%.o $(call obj,$(MSAN_DIR),$(BARE_SRC))
	$(link) $(FUZZ_CC) $(MSAN) $(LDFLAGS) -o $@ $(inputs)
$(OUT)/fuzz/%.m32: $(M32_DIR)/fuzz/%.o $(call obj,$(M32_DIR),$(BARE_SRC))
	$(link) $(CC) $(M32) $(LDFLAGS) -o $@ $(inputs)

# How fast the machine is, built as the targets are.
$(OUT)/fuzz/calibrate: $(FUZZ_DIR)/fuzz/calibrate.o
	$(link) $(FUZZ_CC) -fsanitize=address,undefined $(LDFLAGS) -o $@ $(inputs)

# With counters at every branch, to see what the corpora take.
$(OUT)/fuzz/cov/liball.a: $(call obj,$(FUZZ_COV_DIR),$(LIB_SRC) $(CAPTURE_SRC) $(FUZZ_SIM) $(FUZZ_HARNESS) $(FUZZ_HELP) \
		fuzz/runner.c) $(call gen_obj,$(FUZZ_COV_DIR)) $(OUT)/.sources
	$(archive)
$(FUZZ_COV): $(OUT)/fuzz/cov/%: $(FUZZ_COV_DIR)/fuzz/%.o $(OUT)/fuzz/cov/liball.a fuzz/within.opt
	$(link) gcc -pthread $(COV) -fsanitize=address $(LDFLAGS) -o $@ $(inputs) $(FUZZ_LIBS)

# How AFL++ mutates streams of packages.
$(OUT)/fuzz/mutate_afl.so: $(PLAIN)/fuzz/mutate_afl.o $(PLAIN)/fuzz/mutate.o
	$(link) $(CC) -shared $(CFLAGS) $(LDFLAGS) -o $@ $(inputs)

# The same for AFL++, once more with what a secondary needs to solve comparisons.
define afl_targets # folder of objects, of programs, the compiler's environment
$(2)/liball.a: $$(call obj,$(1),$$(LIB_SRC) $$(CAPTURE_SRC) $$(FUZZ_SIM) $$(FUZZ_HARNESS) $$(FUZZ_HELP)) $$(call gen_obj,$(1)) $$(OUT)/.sources
	$$(archive)
$(2)/fuzz_%: $(1)/fuzz/fuzz_%.o $(2)/liball.a
	$$(link) $(3) $$(AFL_CC) -pthread $$(AFL_SAN) -fsanitize=fuzzer $$(LDFLAGS) -o $$@ $$(inputs) $$(FUZZ_LIBS)
endef
$(eval $(call afl_targets,$(AFL_DIR),$(OUT)/fuzz/afl,))
$(eval $(call afl_targets,$(CMPLOG_DIR),$(OUT)/fuzz/cmplog,AFL_LLVM_CMPLOG=1))

# --- Jobs ----------------------------------------------------------------------------------------------------------
# The set-up may bring compilers and headers, so what needs them is made by a second make, after it.
setup = BUILD='$(BUILD)' CC='$(CC)' PYTHON='$(PYTHON)' .ci/setup.sh
original = $(or $(YOTON_PATH),$(abspath $(BUILD)/peer/pyzo/usr/share/pyzo/pyzo))
parallel = --no-print-directory $(if $(findstring --jobserver,$(MAKEFLAGS)),,-j$(JOBS))
replayed = $(foreach p,$(FUZZ_PLAIN) $(FUZZ_OTHER),replay:$(p)@fuzz/corpus/$(patsubst fuzz_%,%,$(basename $(notdir $(p)))))
# One page of what was hardened; the exit status is that of the job.
hardened = status=$$?; $(PYTHON) fuzz/hardening.py --build $(OUT) && echo 'page: $(OUT)/report/hardening.html'; exit $$status

##@ Judge and test
.PHONY: conformance test test-build
conformance: ## The main job: set up, build, judge the reference and the original, replay the captures, write the report
	@$(setup)
	@$(MAKE) $(parallel) all
	@$(PYTHON) .ci/conformance.py --build $(OUT) --peers $(BUILD)/peer --role $(ROLE)

test: ## Set up, build, run every test; the last line is `N passed, N failed`
	@$(setup)
	@$(MAKE) $(parallel) test-build || { echo '0 passed, 1 failed'; exit 1; }
	@$(PYTHON) .ci/run-tests.py --build $(OUT) --peers $(BUILD)/peer --jobs $(JOBS) --summary $(BUILD)/test-summary.txt \
		$(addprefix unit:,$(REF_TEST_BIN) $(SPEC_TEST_BIN) $(TSAN_TEST_BIN) $(PLAIN_TEST_BIN)) $(replayed) $(addprefix script:,$(SCRIPT_TESTS))

test-build: all recorder tests fuzzers clang-check ## Build all that `make test` runs, with gcc, and compile everything with clang

.PHONY: mutants
mutants: ## Prove cases and tests: every planted fault is failed by the case that names it, 95 % of automatic ones by something
	@$(setup)
	@$(MAKE) $(parallel) all
	@$(PYTHON) conformance/mutants/run.py --build $(OUT) --jobs $(JOBS)
	@$(PYTHON) conformance/mutants/auto.py --build $(OUT) --jobs $(JOBS)

.PHONY: model
model: ## Visit every state of the models of the protocol (spin), and see their faults found
	@$(setup)
	@$(PYTHON) spec/model/check.py --json $(OUT)/report/model.json; $(hardened)

.PHONY: prove
define PROVE_NEEDS
frama-c-base command frama-c proves what the sources promise
why3 command why3 asks the provers
cvc4 command cvc4 proves
z3 command z3 proves
endef
export PROVE_NEEDS
prove: ## Prove frame and handshake (Frama-C, z3), and see each proof fail on code that is wrong
	@ALSO="$$PROVE_NEEDS" $(setup)
	@why3 config detect > $(BUILD)/why3.log 2>&1 || { cat $(BUILD)/why3.log; exit 1; }
	@$(PYTHON) reference/proof/prove.py --json $(OUT)/report/prove.json; $(hardened)

.PHONY: coverage coverage-build
coverage: ## Measure the branches that unit tests take of floors 1 to 3 (all), and fuzz corpora of their targets' files (95 %)
	@$(setup)
	@$(MAKE) $(parallel) coverage-build
	@find $(COV_DIR) -name '*.gcda' -delete
	@SEEDS=2000 $(PYTHON) .ci/run-tests.py --build $(OUT) --jobs $(JOBS) $(addprefix unit:,$(COV_BIN))
	@mkdir -p $(BUILD)/report/coverage
	@gcovr --root . --object-directory $(COV_DIR) --filter 'reference/src/(wire|link|channels)/' --branches --txt \
		--html-details $(BUILD)/report/coverage/index.html --fail-under-branch 100 $(COV_DIR)
	@$(PYTHON) fuzz/floors.py --coverage --build $(OUT) --json $(OUT)/report/fuzz-coverage.json; $(hardened)
coverage-build: $(COV_BIN) $(FUZZ_COV) ## Build those tests and the fuzz targets with counters at every branch

.PHONY: experiments
experiments: ## Do the manual's experiments with sockets again: processes killed, a cable pulled; the table is the answer
	@$(setup)
	@$(MAKE) $(parallel) tools
	@YOTON=$(abspath $(OUT)/yoton) $(PYTHON) reference/experiments/run.py --json $(OUT)/experiments.json

.PHONY: vectors-check captures
vectors-check: ## Make spec/vectors anew from the original, and say where the files differ
	@$(setup)
	@YOTON_PATH='$(original)' $(PYTHON) spec/vectors/generate.py --check
captures: ## Record the captures of the original anew (needs the right to capture, as root has)
	@$(setup)
	@$(MAKE) $(parallel) tools recorder
	@YOTON_PATH='$(original)' $(PYTHON) captures/record.py --build $(OUT)

.PHONY: bench
bench: ## Measure how fast captures are read, as ratios to cat and to tshark (needs 2 GB of disk)
	@$(setup)
	@$(MAKE) $(parallel) tools
	@$(PYTHON) captures/bench.py --build $(OUT) --json $(OUT)/report/bench.json

.PHONY: kaitai
kaitai: ## Fetch the compiler of Kaitai Struct (npm) and see spec/yoton.ksy read the vectors
	@npm install --silent --no-save --prefix $(OUT)/kaitai kaitai-struct-compiler@0.11 kaitai-struct@0.11 js-yaml@4
	@KAITAI=$(OUT)/kaitai $(PYTHON) spec/tests/test_kaitai.py

.PHONY: soak-conformance
soak-conformance: ## With every core kept busy, judge the reference REPEAT times, what judges times TIMED times: no verdict may change
	@$(setup)
	@$(MAKE) $(parallel) all
	@trap 'kill $$loads' EXIT; trap 'exit 130' INT TERM; loads=; \
	for i in $$(seq $$(nproc)); do timeout 20000 sh -c 'while :; do :; done' & loads="$$loads $$!"; done; \
	soak() { $(OUT)/yotonspec run --peer reference --role $(ROLE) --slow "$$@"; }; \
	soak --timed --jobs 32 --repeat $(TIMED) --report-dir $(OUT)/report/soak-timed && \
	soak --repeat $(REPEAT) --report-dir $(OUT)/report/soak

.PHONY: format-check format
format-check: ## Say which C sources are not in the style of .clang-format
	@$(CLANG_FORMAT) --dry-run -Werror $(ALL_C)
format: ## Bring every C source into the style of .clang-format
	@$(CLANG_FORMAT) -i $(ALL_C)

##@ Fuzz
.PHONY: fuzz fuzz-campaign fuzzers-afl
fuzz: ## Run each fuzz target for TIME seconds, or TARGET alone, with ENGINE; what it finds is kept in build/fuzz/found
	@$(if $(filter afl,$(ENGINE)),ALSO='$(AFL_NEEDS)') $(setup)
	@$(MAKE) $(parallel) fuzzers $(if $(filter afl,$(ENGINE)),fuzzers-afl)
	@$(PYTHON) fuzz/run.py --build $(OUT) --jobs $(JOBS) --time $(TIME) --engine $(ENGINE) $(addprefix --target ,$(TARGET)) --json $(OUT)/report/fuzz.json; $(hardened)
fuzz-campaign: ## Both engines on every target in turn, for HOURS, over one corpus that grows
	@ALSO='$(AFL_NEEDS)' $(setup)
	@$(MAKE) $(parallel) fuzzers fuzzers-afl
	@$(PYTHON) fuzz/run.py --build $(OUT) --hours $(HOURS) $(addprefix --target ,$(TARGET)) --json $(OUT)/report/fuzz-campaign.json; $(hardened)
AFL_NEEDS := afl++ command afl-fuzz fuzzes with another engine than libFuzzer
fuzzers-afl: $(AFL_BIN) $(CMPLOG_BIN) ## Build the fuzz targets for AFL++

.PHONY: fuzz-floors
fuzz-floors: ## See that the targets are fast enough, and that without seeds they reach in TIME seconds what the corpora reach
	@$(setup)
	@$(MAKE) $(parallel) fuzzers
	@$(PYTHON) fuzz/floors.py --speed --unseeded --build $(OUT) --jobs $(JOBS) --time $(TIME) --json $(OUT)/report/fuzz-floors.json; $(hardened)

.PHONY: fuzz-selftest
fuzz-selftest: ## Plant each bug of fuzz/planted.py and see that its target finds it, within TIME seconds of one core
	@$(setup)
	@$(MAKE) $(parallel) fuzzers
	@$(PYTHON) fuzz/selftest.py --build $(OUT) --jobs $(JOBS) --time $(TIME) --json $(OUT)/report/fuzz-selftest.json; $(hardened)

##@ Install
.PHONY: install uninstall
install: all ## Install the programs, the library, its headers and yoton.pc under DESTDIR/PREFIX
	install -d $(addprefix $(DESTDIR)$(PREFIX)/,bin lib/pkgconfig include/yoton)
	install -m 755 $(OUT)/yoton $(OUT)/yotonspec $(DESTDIR)$(PREFIX)/bin
	install -m 644 $(OUT)/libyoton.a $(DESTDIR)$(PREFIX)/lib
	install -m 755 $(OUT)/libyoton.so $(DESTDIR)$(PREFIX)/lib/libyoton.so.$(VERSION)
	ln -sf libyoton.so.$(VERSION) $(DESTDIR)$(PREFIX)/lib/libyoton.so.0
	ln -sf libyoton.so.0 $(DESTDIR)$(PREFIX)/lib/libyoton.so
	install -m 644 $(HEADERS) $(DESTDIR)$(PREFIX)/include/yoton
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' -e 's|@LIBS@|$(LIBS) -lm -pthread|' \
		reference/yoton.pc.in > $(DESTDIR)$(PREFIX)/lib/pkgconfig/yoton.pc
	chmod 644 $(DESTDIR)$(PREFIX)/lib/pkgconfig/yoton.pc
uninstall: ## Remove what `make install` installed, with the same DESTDIR and PREFIX
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/,bin/yoton bin/yotonspec lib/pkgconfig/yoton.pc \
		lib/libyoton.a lib/libyoton.so lib/libyoton.so.0 lib/libyoton.so.$(VERSION))
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/include/yoton/,$(notdir $(HEADERS)))
	-rmdir $(DESTDIR)$(PREFIX)/include/yoton

##@ House
.PHONY: html
html: ## Make the documentation as pages, with one for each capture: build/html/index.html
	@ALSO='pandoc command pandoc turns the documents into pages' $(setup)
	@$(MAKE) $(parallel) harness
	@$(PYTHON) .ci/pages.py --build $(OUT)

.PHONY: setup clean help
setup: ## Install what is missing and fetch the original (the two main jobs do this themselves)
	@$(setup)
clean: ## Remove all that was built, reports and the fetched original too
	rm -rf $(BUILD)
help: ## Say what every target does
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z][a-z-]*:.*## / {printf "  %-18s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))
	@printf '\n%s\n' 'Settings, after the target as NAME=value (here with their present values)'
	@printf '  %-18s %s\n' BUILD '$(BUILD): where everything that is built goes' CC '$(CC): compiler, gcc or clang' \
		CFLAGS '$(CFLAGS): added to the flags that the code needs' \
		SAN '$(or $(SAN),none): address,undefined or thread, built in a folder of its own' \
		JOBS '$(JOBS): how many jobs run at once' ROLE '$(ROLE): what the judged peer does, host, client or both' \
		REPEAT '$(REPEAT): runs of soak-conformance' TIMED '$(TIMED): those of cases that judge times' TIME '$(TIME): seconds for each fuzz target' \
		TARGET '$(or $(TARGET),all): the fuzz target' ENGINE '$(ENGINE): libfuzzer or afl' HOURS '$(HOURS): length of fuzz-campaign' \
		PREFIX '$(PREFIX): where to install, below DESTDIR' V '$(or $(V),off): 1 shows every command'

ifeq ($(filter clean help setup,$(MAKECMDGOALS)),)
-include $(shell test -d $(OUT) && find $(OUT) \( -name peer -o -name mutants \) -prune -o -type f -name '*.d' -print)
endif
