#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Do shadow variables keep their promises? The cases are in test_modules/klpt_shadow.c.

. "$(dirname "$0")/klpt.sh"

run_case() {
	local out

	if ! out=$(insmod "$MODULES/klpt_shadow.ko" what="$1" 2>&1); then
		kernel_log | grep klpt_shadow: | sed 's/^/# /'
		fail "$1: $out"
	fi
	rmmod klpt_shadow
}

missing() { run_case missing; }
alloc() { run_case alloc; }
zeroed() { run_case zeroed; }
constructor() { run_case constructor; }
constructor_fails() {
	run_case constructor_fails
	names "shadow.variable" 6b6c7074 -22
}
duplicate() {
	expect_warning run_case duplicate
	message "Duplicate shadow variable <[^>]*>"
}
keys() { run_case keys; }
free_all() { run_case free_all; }
many() { run_case many; }
types() { run_case types; }
atomic() { run_case atomic; }
race() { run_case race; }

it missing "what is not there is not found and can be freed"
it alloc "allocate, get and free"
it zeroed "memory is zeroed for every size"
it constructor "the constructor runs once, with the right arguments"
it constructor_fails "a failing constructor leaves nothing behind"
it duplicate "allocating a variable that exists warns and returns NULL"
it keys "object and id together make the key"
it free_all "freeing all of an id calls the destructor for each, and leaves other ids"
it many "three thousand variables"
it types "typed calls: constructor and destructor of the type, with no lock held"
it atomic "everything with interrupts off, and in an interrupt"
it race "several tasks construct the same variables at the same time"
klpt_main
