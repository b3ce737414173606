#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the consistency check of Linux 6.12 does not see; see Documentation/livepatch/compat.rst.

. "$(dirname "$0")/klpt.sh"

# A compiler may move parts of a function away, under a name of their own: klpt_hot.cold.
cold_part_blocks() {
	asleep hot 1
	load klpt_p1 spec=klpt_target:klpt_hot
	only_left klpt_p1 1 "$pid"
	wake 1
	until_true "the transition to end" settled klpt_p1
	ended "$pid"
	log_is "klpt_target hot 0" '/ hot /!d'
}

# The part is called after one of the names of the function, and the patch knows the other one.
cold_part_of_alias() {
	asleep hot 1
	load klpt_p1 spec=klpt_target:klpt_hot_alias=klpt_hot
	only_left klpt_p1 1 "$pid"
	wake 1
	until_true "the transition to end" settled klpt_p1
	ended "$pid"
	log_is "klpt_target hot 0" '/ hot /!d'
}

# One that is no work of ours: jumped to, in a section of its own, and not known to ftrace.
cold_part_of_compiler() {
	grep -q '\<klpt_split\.cold\>.*\[klpt_target\]' /proc/kallsyms ||
		fail "the compiler has left klpt_split() in one piece"
	asleep split 1
	load klpt_p1 spec=klpt_target:klpt_split=klpt_hot
	only_left klpt_p1 1 "$pid"
	wake 1
	until_true "the transition to end" settled klpt_p1
	ended "$pid"
	log_is "klpt_target split 0" '/ split /!d'
}

# The first symbol at the place of a function may be that of its section, which has no name.
cold_part_of_replacement() {
	patch klpt_p1 spec=klpt_target:klpt_hot=cold
	asleep hot 1
	load klpt_p2 spec=klpt_target:klpt_hot
	only_left klpt_p2 1 "$pid"
	put $LP/klpt_p2/enabled 0
	until_true "the second patch to be withdrawn" gone $LP/klpt_p2
	put $LP/klpt_p1/enabled 0
	only_left klpt_p1 0 "$pid"
	in_use klpt_p1
	wake 1
	until_true "the patch to be disabled" gone $LP/klpt_p1
	ended "$pid"
	log_is "klpt_target hot 1" '/ hot /!d'
}

# A replacement that ends in a tail call is not on the stack of who sleeps in what it called.
tail_call_blocks_disabling() {
	patch klpt_p1 spec=klpt_target:klpt_sleep=tail
	asleep sleep 1
	put $LP/klpt_p1/enabled 0
	only_left klpt_p1 0 "$pid"
	in_use klpt_p1
	wake 1
	until_true "the patch to be disabled" gone $LP/klpt_p1
	ended "$pid"
	log_is "klpt_target sleep 1" '/ sleep /!d'
	unload klpt_p1
}

tail_call_blocks_replacing() {
	patch klpt_p1 spec=klpt_target:klpt_sleep=tail
	asleep sleep 1
	load klpt_p2 spec=klpt_target:klpt_value replace=1
	only_left klpt_p2 1 "$pid"
	in_use klpt_p1
	wake 1
	until_true "the transition to end" settled klpt_p2
	ended "$pid"
	log_is "klpt_target sleep 1" '/ sleep /!d'
	unload klpt_p1
}

deep_stack_moves() {
	asleep deep 1
	patch klpt_p1 spec=klpt_target:klpt_value
	is_waiting 1 1 || fail "the task was woken up"
	returns value 1
	remove klpt_p1
	is_waiting 1 1 || fail "the task was woken up"
}

deep_stack_blocks() {
	asleep deep 1
	load klpt_p1 spec=klpt_target:klpt_deep=any
	only_left klpt_p1 1 "$pid"
	put $LP/klpt_p1/enabled 0
	until_true "the patch to be withdrawn" gone $LP/klpt_p1
}

# After a forced transition older layers may still be in use; a later patch must see them.
older_layer_after_force() {
	patch klpt_p1 spec=klpt_target:klpt_sleep
	asleep sleep 1
	load klpt_f1 spec=klpt_target:klpt_sleep
	only_left klpt_f1 1 "$pid"
	put $LP/klpt_f1/force 1
	until_true "the forced transition to end" settled klpt_f1
	load klpt_p3 spec=klpt_target:klpt_sleep replace=1
	only_left klpt_p3 1 "$pid"
	in_use klpt_p1
	wake 1
	until_true "the transition to end" settled klpt_p3
	ended "$pid"
	log_is "klpt_target sleep 1" '/ sleep /!d'
}

# A handler of somebody else who holds all of ftrace's protection against recursion.
diverted_in_recursion() {
	patch klpt_p1 spec=klpt_target:klpt_value
	load klpt_probe function=klpt_target:klpt_other how=handler
	returns other 0
	is "$(cat /sys/module/klpt_probe/parameters/seen)" 1 "klpt_value() for the handler"
}

# Modules with several patched functions go while a task in the way checks its stack all the time.
module_goes_while_task_checks() {
	local i

	call busy 0
	for i in 1 2 3 4; do
		load klpt_extra
		load klpt_p1 \
			'spec=klpt_extra:klpt_value,klpt_other,klpt_third;klpt_target:call_busy=any'
		only_left klpt_p1 1 "$pid"
		rmmod klpt_extra
		put $LP/klpt_p1/enabled 0
		until_true "the patch to be withdrawn" gone $LP/klpt_p1
		unload klpt_p1
	done
}

# The function is called without a pause while it is patched and its replacements are unloaded.
called_all_the_time() {
	local i

	kthread busy
	call busy 0
	for i in 1 2; do
		patch klpt_p1 spec=klpt_target:klpt_value
		replaced_by klpt_p1 klpt_p2 spec=klpt_target:klpt_value
		remove klpt_p2
	done
	returns value 0
}

it cold_part_blocks "a task in the cold part of a function blocks"
# Not every compiler makes one.
[[ $(uname -m) != x86_64 ]] ||
	it cold_part_of_compiler "the same when the compiler has made the cold part"
it cold_part_of_alias "the same when the patch knows the function by another name"
it cold_part_of_replacement "a task in the cold part of a replacement blocks"
it tail_call_blocks_disabling "a task that left its replacement by a tail call blocks disabling"
it tail_call_blocks_replacing "a task that left its replacement by a tail call blocks replacing"
it deep_stack_moves "a task with more than a hundred frames moves"
it deep_stack_blocks "a task with more than a hundred frames blocks where it should"
it older_layer_after_force "a task in a layer that a forced patch left behind blocks"
it diverted_in_recursion "a call from inside ftrace's own protection is diverted"
it module_goes_while_task_checks "a module goes while a task checks its own stack"
! busy_is_seen ||
	it called_all_the_time "a function that is always being called is patched and unpatched"
klpt_main
