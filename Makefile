# SPDX-License-Identifier: GPL-2.0-only
#
# Front door of the project. Each command is a script under tools/livepatch/; what it needs to
# know stands in the environment, set here and nowhere else.

# For looking at it, a kernel that is built in less time.
PROFILE ?= $(if $(filter-out demo shell,$(MAKECMDGOALS)),test,demo)
JOBS    ?= $(shell nproc)
BUILD   ?= $(CURDIR)/build
TESTS   ?=

# make test-all: in the guests of these profiles, all of the tests, and nothing else.
PROFILES ?=

# The kernel that ours stands on, and a file with its source, when it is not to come from Debian. Trees
# and kernels of another base than the first stand in a folder of their own.
BASE    ?= 6.12
LINUX_SOURCE ?=

# make upstream-tests: whose stock selftests.
TESTS_OF ?= $(BASE)

# Whose kernel and guests. What is built for another than the first stands in a folder of its own, but
# for the trees.
ARCH    ?= x86_64

# Who runs the guests: a program, or "newer" for that of newer-tools.
QEMU    ?= $(call about_arch,qemu)

# make klp-build-debian: the kernel is of the first, patches lead to the others.
RELEASES ?= 6.12.111 6.12.113 6.12.115
PATCHES ?=
MOST    ?= 200

# make kernel-deb
FLAVOUR ?= guest
DEBUG   ?= 0
SIGNING_KEY ?=

tools := tools/livepatch

# What the user says, in quotes for a shell.
quoted = '$(subst ','\'',$(if $(filter file,$(origin $(1))),$($(1)),$(value $(1))))'
wrong := $(shell $(tools)/build-dir check BUILD=$(call quoted,BUILD))
$(if $(wrong),$(error $(wrong)))

override BUILD := $(abspath $(BUILD))
export BASES := $(shell awk '/^[0-9]/ { print $$1 }' $(tools)/bases)
$(foreach base,$(BASE) $(TESTS_OF),$(if $(filter $(base),$(BASES)),,\
	$(error no base $(base); there are $(BASES))))

# What there is for the others: what builds, shows and tests the core.
everywhere := help setup tree stock-tree kernel stock-kernel stage image demo shell test test-all selftest-runner \
	kunit selftests upstream-tests stress abi clean distclean
elsewhere := $(filter-out x86_64,$(ARCH))
archs := $(notdir $(wildcard $(tools)/arch/*))
$(if $(filter $(ARCH),$(archs)),,$(error no architecture $(ARCH); there are $(archs)))
$(if $(elsewhere),$(if $(filter-out $(everywhere),$(MAKECMDGOALS)),\
	$(error make $(filter-out $(everywhere),$(MAKECMDGOALS)) is for x86_64 only, not for $(ARCH))))
about_arch = $(shell sed -n 's/^$(1)=//p' $(tools)/arch/$(ARCH))
bases_of := $(call about_arch,bases)
$(if $(bases_of),$(if $(filter $(BASE),$(bases_of)),,\
	$(error Linux $(BASE) has no livepatching on $(ARCH): make $(MAKECMDGOALS) ARCH=$(ARCH) BASE=$(bases_of))))

# What does not depend on the base stands in the first one's folder; this may be a make of one of
# ours, which have BUILD from here.
first := $(patsubst %/base-$(BASE),%,$(patsubst %/arch-$(ARCH),%,$(BUILD)))
export IMAGES  := $(first)/images
export NEWER   := $(first)/newer-tools
folder = $(first)$(if $(filter $(1),$(firstword $(BASES))),,/base-$(1))
export TREE := $(call folder,$(BASE))
override BUILD := $(TREE)$(if $(elsewhere),/arch-$(ARCH))

# With those makes that run guests.
emulator := $(if $(filter newer,$(QEMU)),newer-tools)
$(if $(emulator),$(if $(elsewhere),\
	$(error QEMU=newer: newer-tools has no $(call about_arch,qemu))))
override QEMU := $(if $(emulator),$(NEWER)/bin/qemu-system-x86_64,$(QEMU))

export SRC     := $(CURDIR)
export RELEASES PATCHES MOST
export ARCH BUILD BASE LINUX_SOURCE TESTS_OF QEMU PROFILE PROFILES JOBS TESTS FLAVOUR DEBUG SIGNING_KEY
export LINUX    = $(TREE)/linux
export STOCK    = $(TREE)/stock
export UPSTREAM = $(TREE)/upstream
export SELFTESTS = $(call folder,$(TESTS_OF))/upstream/tools/testing/selftests/livepatch
export KOUT     = $(BUILD)/kernel-$(PROFILE)
export STOCK_KOUT = $(BUILD)/kernel-stock

# The options and variables of this make are not for the makes that the scripts run.
unexport MAKEFLAGS MFLAGS MAKEOVERRIDES

.PHONY: help
help:
	@sed 1d $(tools)/help

# ---- building

.PHONY: setup tree stock-tree kernel stock-kernel stage image newer-tools

setup:
	@$(foreach dir,$(sort $(TREE) $(BUILD)),BUILD=$(dir) $(tools)/build-dir make;)
	@$(tools)/setup

tree: setup
	@BUILD=$(TREE) $(tools)/tree
	@$(if $(filter-out $(BASE),$(TESTS_OF)),$(MAKE) --no-print-directory BUILD=$(first) \
		BASE=$(TESTS_OF) LINUX_SOURCE= tree)

stock-tree: tree
	@BUILD=$(TREE) $(tools)/stock-tree

kernel: tree
	@$(tools)/kernel

stock-kernel: kernel stock-tree
	@$(tools)/stock-kernel

stage: kernel
	@$(tools)/vm/stage

image: setup $(emulator)
	@$(tools)/vm/image

newer-tools: setup
	@$(tools)/newer-tools

.PHONY: klp deb kernel-deb

klp: setup
	@$(MAKE) --no-print-directory -s -C $(tools) O=$(BUILD)/klp all klp-build
	@echo "klp: $(BUILD)/klp/klp, and klp-build beside it"

deb: setup
	@$(tools)/deb

kernel-deb: tree
	@$(tools)/kernel-deb

# ---- looking at it

.PHONY: demo shell

demo shell: setup $(emulator)
	@$(tools)/vm/look $@

# ---- testing

.PHONY: test test-all test-deep selftest-runner kunit selftests upstream-tests

first_base := $(filter $(BASE),$(firstword $(BASES)))
deep_klp_build := klp-build-test klp-build-mutants klp-build-oracle klp-build-everything klp-build-debian

# What is asked for by name is another thing than all; and there is one core, whatever the base.
quick_model := $(if $(TESTS)$(GUESTS)$(elsewhere)$(filter-out $(BASE),$(firstword $(BASES))),,\
	$(tools)/model/run quick)

test: tree image
	@$(quick_model)
	@$(tools)/vm/test quick

# A livepatch of many patches, one of a module, versions, callbacks, and what has to be refused.
few_cases := many module-data version-1 version-2 callbacks layout-hole another-kernel runtime-constant

test-all: tree image $(if $(PROFILES)$(elsewhere),,test-all-else)
	@$(tools)/vm/test all

.PHONY: test-all-else
test-all-else: boot-test
	@$(quick_model)
	@$(if $(first_base),$(MAKE) --no-print-directory BUILD=$(BUILD) klp-build-test TESTS="$(few_cases)")
	@$(MAKE) --no-print-directory BUILD=$(BUILD) demo
	@$(if $(first_base),$(tools)/mutate/run sample)

test-deep: tree image model litmus
	@$(tools)/vm/test deep
	@$(if $(first_base),$(MAKE) --no-print-directory BUILD=$(BUILD) $(deep_klp_build))

selftest-runner: tree image
	@$(tools)/vm/test runner

kunit: tree image
	@$(tools)/vm/test kunit

selftests: tree image
	@$(tools)/vm/test selftests

upstream-tests: tree image
	@$(tools)/vm/test upstream

.PHONY: stress

# A storm; without SEED, another one each time. To the scripts of the others, SECONDS is something else.
SECONDS ?= 60
SEED    ?=
unexport SECONDS
stress: GUESTS ?= full-2 full-1
stress: tree image
	@$(tools)/stress/run $(call quoted,SECONDS) $(call quoted,SEED) $(call quoted,GUESTS)

.PHONY: boot-test try-install

# The samples of that profile are what it installs.
boot-test: override PROFILE := test
boot-test: stage deb $(emulator)
	@$(tools)/machine/boot-image
	@$(tools)/machine/boot-test

try-install: kernel-deb deb $(emulator)
	@$(tools)/machine/disk
	@$(tools)/machine/try-install

# ---- keeping the house in order

.PHONY: check model litmus mutate fuzz abi klp-stock upstream-klp-build bench coverage htmldocs
.PHONY: klp-build-test klp-build-mutants klp-build-oracle klp-build-everything klp-build-noise klp-build-debian

check: tree
	@$(tools)/check/run

model: tree
	@$(tools)/model/run

litmus: tree
	@$(tools)/model/litmus

fuzz: stage image
	@$(tools)/fuzz/run

mutate: tree image
	@$(tools)/mutate/run all

klp-build-test: klp stage image
	@$(tools)/klp-build/test $(TESTS)

klp-build-noise: klp kernel
	@$(tools)/klp-build/sweep noise

klp-build-mutants: klp kernel
	@$(tools)/klp-build/mutants

klp-build-everything: klp stage image
	@$(tools)/klp-build/sweep everything

klp-build-oracle: klp kernel image
	@$(tools)/klp-build/oracle

klp-build-debian: klp image
	@$(tools)/klp-build/debian

abi: stage image
	@$(tools)/abi/run

klp-stock: stock-kernel stage image
	@$(tools)/klp/check-stock

upstream-klp-build: tree image
	@$(tools)/upstream-klp-build/build
	@$(tools)/upstream-klp-build/test

bench: stock-kernel image
	@$(tools)/bench/run

coverage: tree image
	@$(tools)/coverage/run

htmldocs: tree
	@$(tools)/docs/run

# ---- cleaning

.PHONY: clean distclean

# The unpacked trees and the guest's userland stay.
clean distclean:
	@$(tools)/build-dir $@
