#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A guard is watched and not patched: is a task inside of it waited for, whichever way the patch
# goes, and does nothing else happen to the function?

. "$(dirname "$0")/klpt.sh"

# Tasks that sleep in klpt_caller() are inside of the guard, those in klpt_sleep() are not.
SPEC="klpt_target:klpt_value,+klpt_caller"

# left_in PATCH WORLD FUNCTION: task $pid is the only one left, and blockers says where it is
left_in() {
	only_left "$1" "$2" "$pid"
	blockers | grep -Eq "^$pid $pid \(.*\) [SDI] on stack: $3\+0x" ||
		fail "task $pid is not said to be in $3(): $(blockers)"
}

blockers() {
	cat /sys/kernel/debug/livepatch/blockers
}

enabling() {
	asleep caller 1
	load klpt_p1 "spec=$SPEC"
	left_in klpt_p1 1 klpt_caller
	returns value 1 "for tasks that have moved"
	wake 1
	until_true "the transition to end" settled klpt_p1
	ended "$pid"
	# klpt_value() before and after: none of the patch.
	log_is "klpt_target caller 0" '/ caller /!d'
}

disabling() {
	patch klpt_p1 "spec=$SPEC"
	asleep caller 1
	put $LP/klpt_p1/enabled 0
	left_in klpt_p1 0 klpt_caller
	wake 1
	until_true "the patch to be disabled" gone $LP/klpt_p1
	ended "$pid"
	log_is "klpt_target caller 11" '/ caller /!d'
}

# The same task is in the way back, if it came into the guard in the new world.
reversed() {
	local old

	asleep caller 1
	old=$pid
	load klpt_p1 "spec=$SPEC"
	left_in klpt_p1 1 klpt_caller
	asleep caller 2
	put $LP/klpt_p1/enabled 0
	left_in klpt_p1 0 klpt_caller
	put $LP/klpt_p1/enabled 1
	only_left klpt_p1 1 "$old"
	wake 1
	until_true "the transition to end" settled klpt_p1
	wake 2
	ended "$old" "$pid"
	log_is "klpt_target caller 0
klpt_target caller 11" '/ caller /!d'
}

elsewhere() {
	asleep sleep 1
	patch klpt_p1 "spec=$SPEC"
	is_waiting 1 1 || fail "the task outside of the guard was woken up"
	remove klpt_p1
}

kthread_inside() {
	kthread sleep
	until_true "the kthread to fall asleep" is_waiting 6 1
	load klpt_p1 spec=klpt_target:klpt_value,+klpt_sleep
	left_in klpt_p1 1 klpt_sleep
	wake 6
	until_true "the transition to end" settled klpt_p1
}

# A part of the function that the compiler has moved elsewhere belongs to it.
cold_part() {
	asleep hot 1
	load klpt_p1 spec=klpt_target:klpt_value,+klpt_hot
	left_in klpt_p1 1 'klpt_hot\.cold'
	wake 1
	until_true "the transition to end" settled klpt_p1
}

only_guards() {
	asleep caller 1
	load klpt_p1 spec=klpt_target:+klpt_caller
	left_in klpt_p1 1 klpt_caller
	wake 1
	until_true "the transition to end" settled klpt_p1
	asleep caller 2
	put $LP/klpt_p1/enabled 0
	left_in klpt_p1 0 klpt_caller
	wake 2
	until_true "the patch to be disabled" gone $LP/klpt_p1
}

shown_not_hooked() {
	patch klpt_p1 "spec=$SPEC,+klpt_dup@2"
	[[ -d $LP/klpt_p1/klpt_target/klpt_caller,1 ]] || fail "the guard is not in sysfs"
	[[ -d $LP/klpt_p1/klpt_target/klpt_dup,2 ]] || fail "the second guard is not in sysfs"
	hooked klpt_value || fail "the replaced function has no handler"
	unhooked klpt_caller
	unhooked klpt_dup
	is "$(cat $TARGET/dup)" "10 20" "functions that are guarded"
	remove klpt_p1
	unhooked klpt_value
}

not_for_ftrace() {
	patch klpt_p1 spec=klpt_target:klpt_value,+klpt_notrace
	returns value 1
	remove klpt_p1
}

# Who is inside of the replacement by another patch is inside of the function.
patched_by_another() {
	patch klpt_p2 spec=klpt_target:klpt_sleep
	asleep sleep 1
	load klpt_p1 spec=klpt_target:klpt_value,+klpt_sleep
	left_in klpt_p1 1 'new_sleep'
	wake 1
	until_true "the transition to end" settled klpt_p1
	asleep sleep 2
	put $LP/klpt_p1/enabled 0
	left_in klpt_p1 0 'new_sleep'
	wake 2
	until_true "klpt_p1 to be disabled" gone $LP/klpt_p1
	ended "$pid"
	log_is "klpt_target sleep 2
klpt_target sleep 2" '/ sleep /!d'
}

# The guards of patches that go count as well.
replaced() {
	patch klpt_p1 "spec=$SPEC"
	asleep caller 1
	load klpt_p2 spec=klpt_target:klpt_value replace=1
	left_in klpt_p2 1 klpt_caller
	wake 1
	until_true "the transition to end" settled klpt_p2
	returns value 2
	ended "$pid"
	log_is "klpt_target caller 11" '/ caller /!d'
}

# At rest a guard is in nobody's way, and does not count in transitions of others.
at_rest_for_others() {
	patch klpt_p1 "spec=$SPEC"
	asleep caller 1
	patch klpt_p2 spec=klpt_target:klpt_other
	remove klpt_p2
	is_waiting 1 1 || fail "the task was woken up"
}

# A patch with a guard in klpt_extra, held up by a task in klpt_sleep() of klpt_target.
module_comes_and_goes() {
	local TARGET=$TARGET first i

	asleep sleep 1
	first=$pid
	load klpt_p1 'spec=klpt_target:klpt_sleep,klpt_value;klpt_extra:+klpt_caller'
	only_left klpt_p1 1 "$first"
	for i in 1 2 3; do
		load klpt_extra
		is "$(cat $LP/klpt_p1/klpt_extra/patched)" 1 "patched, round $i"
		rmmod klpt_extra
		is "$(cat $LP/klpt_p1/klpt_extra/patched)" 0 "patched without the module, round $i"
	done
	load klpt_extra
	TARGET=$EXTRA
	asleep caller 2
	# In the new world: it does not hold up the way forward, but the way back.
	put $LP/klpt_p1/enabled 0
	left_in klpt_p1 0 klpt_caller
	wake 2
	until_true "the patch to be withdrawn" gone $LP/klpt_p1
	wake 1
	ended "$first" "$pid"
}

module_goes_at_rest() {
	load klpt_extra
	patch klpt_p1 'spec=klpt_target:klpt_value;klpt_extra:klpt_other,+klpt_caller'
	rmmod klpt_extra
	returns value 1
	load klpt_extra
	extra_returns other 1
	remove klpt_p1
	extra_returns other 0
}

# invalid SPEC PATTERN...: as in klpt-bad.sh
invalid() {
	refused klpt_p1 "Invalid parameters" "spec=$1"
	names klpt_p1 "${@:2}"
	returns value 0 "after the refusal"
	unhooked klpt_value
	patch klpt_p1 "spec=$SPEC"
	returns value 1
}

with_a_replacement() {
	invalid klpt_target:klpt_value,+klpt_caller=klpt_caller klpt_target klpt_caller \
		"guard.*replacement"
}

without_a_name() {
	invalid klpt_target:klpt_value,+-=0 klpt_target "has.no.name"
}

unknown() {
	invalid klpt_target:klpt_value,+klpt_no_such_function klpt_target klpt_no_such_function
}

twice() {
	invalid klpt_target:klpt_value,+klpt_value klpt_target klpt_value "occurs.twice"
}

it enabling "a task asleep in the guard holds up enabling"
it disabling "a task asleep in the guard holds up disabling"
it reversed "tasks asleep in the guard hold up both directions, each its own"
it elsewhere "a task asleep elsewhere does not"
it kthread_inside "a kthread asleep in the guard holds up enabling"
it cold_part "a task asleep in the .cold part of the guard holds up enabling"
it only_guards "a patch of guards only"
it shown_not_hooked "a guard is in sysfs and has no ftrace handler"
it not_for_ftrace "a guard need not be reachable by ftrace"
it patched_by_another "a replacement of the guard by another patch counts"
it replaced "the guard of a patch that is replaced counts"
it at_rest_for_others "guards of a patch at rest do not count"
it module_comes_and_goes "the guard's module comes and goes in the middle of a transition"
it module_goes_at_rest "the guard's module comes and goes at rest"
it with_a_replacement "a guard with a replacement is refused"
it without_a_name "a guard without a name is refused"
it unknown "a guard that does not exist is refused"
it twice "a function that is guarded and replaced is refused"
klpt_main
