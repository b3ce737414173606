#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A module goes away although its patch is in use, because its init fails late, or by "rmmod -f": is
# the patch taken back first, and does the module stay until nobody runs its code?
#
# klpt_f6 is forced, and nothing but "rmmod -f" gets rid of it then.

. "$(dirname "$0")/klpt.sh"

TAKEN_BACK="its module goes away while it is in use; taking it back first\$"

# fails_late MODULE PARAMETER...: init fails after it has enabled the patch
fails_late() {
	refused "$1" "No such device" "${@:2}" late_ret=-19
	message "livepatch: patch '$1': $TAKEN_BACK"
}

# by_force MODULE: remove it, whoever uses it
by_force() {
	local out

	out=$(rmmod -f "$1" 2>&1) || fail "rmmod -f $1: $out"
	message "livepatch: patch '$1': $TAKEN_BACK"
	no_trace "$1"
}

# removing MODULE: the same in the background, in task $remover
removing() {
	rmmod -f "$1" &
	remover=$!
	disown "$remover"
	until_true "somebody to take $1 back" has "$LP/$1/enabled" 0
}

# stays MODULE: it is not gone while a task is in its code
stays() {
	local i

	only_left "$1" 0 "$pid"
	for i in {1..10}; do
		pause
		[[ -d /sys/module/$1 ]] || fail "module $1 is gone, with a task inside"
		[[ -d /proc/$remover ]] || fail "rmmod did not wait"
	done
}

unpatched() {
	three_values "0 0 0" "$1"
	unhooked klpt_value
	at_rest
}

init_fails() {
	fails_late klpt_p1 spec=klpt_target:klpt_value
	unpatched "after init has failed"
	patch klpt_p1 spec=klpt_target:klpt_value
	returns value 1
}

init_fails_with_callbacks() {
	fails_late klpt_p1 spec=klpt_target:klpt_value callbacks=1
	log_is "klpt_p1 pre_patch klpt_target live
klpt_p1 post_patch klpt_target live
klpt_p1 pre_unpatch klpt_target live
klpt_p1 post_unpatch klpt_target live" '/^klpt_p1/!d'
	unpatched "after init has failed"
}

# Tasks are on their way to the patch when it turns out that it goes.
init_fails_in_transition() {
	asleep sleep 1
	fails_late klpt_p1 spec=klpt_target:klpt_value,klpt_sleep callbacks=1
	log_is "klpt_p1 pre_patch klpt_target live
klpt_p1 post_unpatch klpt_target live" '/^klpt_p1/!d'
	unpatched "after init has failed"
	is_waiting 1 1 || fail "the sleeper was woken up"
}

# The older patch has not lost yet.
init_fails_while_replacing() {
	patch klpt_p1 spec=klpt_target:klpt_value,klpt_sleep
	asleep sleep 1
	fails_late klpt_p2 spec=klpt_target:klpt_value replace=1
	returns value 1
	[[ "$(cat $LP/klpt_p1/enabled)" == 1 ]] || fail "klpt_p1 is not enabled any more"
	at_rest
	wake 1
	ended "$pid"
	remove klpt_p1
}

# Who loads the module is a user task in the kernel, and waits there.
init_fails_when_all_have_to_leave_the_kernel() {
	fails_late klpt_p1 spec=klpt_target:klpt_value leave_kernel=1
	unpatched "after init has failed"
}

init_fails_with_a_task_inside() {
	local loader

	insmod "$MODULES/klpt_p1.ko" spec=klpt_target:klpt_value,klpt_sleep late_wait=2 \
		late_ret=-19 2>/dev/null &
	loader=$!
	disown "$loader"
	until_true "init to wait" is_waiting 2 1
	until_true "klpt_p1 to be enabled" settled klpt_p1
	asleep sleep 1
	wake 2
	until_true "somebody to take klpt_p1 back" has $LP/klpt_p1/enabled 0
	remover=$loader
	stays klpt_p1
	returns value 0
	wake 1
	ended "$pid" "$loader"
	log_is "klpt_target sleep 1" '/ sleep /!d'
	no_trace klpt_p1
	unpatched "after init has failed"
}

removed() {
	patch klpt_p1 spec=klpt_target:klpt_value
	returns value 1
	by_force klpt_p1
	unpatched "after rmmod -f"
	patch klpt_p1 spec=klpt_target:klpt_value
	returns value 1
}

# Who removes it is a user task in the kernel, and waits there.
removed_when_all_have_to_leave_the_kernel() {
	patch klpt_p1 spec=klpt_target:klpt_value leave_kernel=1
	returns value 1
	by_force klpt_p1
	unpatched "after rmmod -f"
}

removed_with_a_task_inside() {
	patch klpt_p1 spec=klpt_target:klpt_value,klpt_sleep
	asleep sleep 1
	removing klpt_p1
	stays klpt_p1
	# Somebody changes his mind, in vain.
	put $LP/klpt_p1/enabled 1
	until_true "it to be taken back again" has $LP/klpt_p1/enabled 0
	stays klpt_p1
	wake 1
	ended "$pid" "$remover"
	log_is "klpt_target sleep 1" '/ sleep /!d'
	no_trace klpt_p1
	unpatched "after rmmod -f"
}

# Another patch is on its way, for which user tasks leave the kernel: rmmod does not.
removed_in_the_transition_of_another() {
	patch klpt_p1 spec=klpt_target:klpt_value
	asleep sleep 1
	load klpt_p2 spec=klpt_target:klpt_sleep leave_kernel=1
	only_left klpt_p2 1 "$pid"
	rmmod -f klpt_p1 &
	remover=$!
	disown $remover
	until_true "rmmod to wait" has_message "patch 'klpt_p1': $TAKEN_BACK"
	returns value 1 "while another transition is on"
	wake 1
	ended "$pid" "$remover"
	no_trace klpt_p1
	unpatched "after rmmod -f"
	until_true "klpt_p2 to be enabled" settled klpt_p2
	has $LP/klpt_p2/enabled 1 || fail "klpt_p2 is not enabled"
}

has_message() {
	kernel_log | grep -Eq -e "$1"
}

removed_in_spite_of_block_disable() {
	patch klpt_s1 states=1 rows=1!
	put_fails $LP/klpt_s1/enabled 0 "Operation not permitted"
	by_force klpt_s1
	log_is "klpt_s1 pre_patch 1 0
klpt_s1 post_patch 1 101
klpt_s1 exit
klpt_s1 pre_unpatch 1 101
klpt_s1 post_unpatch 1 101" '/^klpt_s1/!d'
	unpatched "after rmmod -f"
}

removed_with_variables() {
	patch klpt_s1 states=1 rows=1:5 variables=3
	by_force klpt_s1
	is "$(sed '/destroys/!d' /proc/klpt/log)" "klpt_s1 destroys 5
klpt_s1 destroys 5
klpt_s1 destroys 5" "variables that were destroyed"
}

# Nobody is inside any more, which only this script knows.
removed_after_force() {
	patch klpt_f6 spec=klpt_target:klpt_sleep
	asleep sleep 1
	put $LP/klpt_f6/enabled 0
	only_left klpt_f6 0 "$pid"
	put $LP/klpt_f6/force 1
	until_true "klpt_f6 to leave sysfs" gone $LP/klpt_f6
	wake 1
	ended "$pid"
	rmmod -f klpt_f6 || fail "rmmod -f klpt_f6"
	message "patch 'klpt_f6': its module goes away although tasks were forced out"
	no_trace klpt_f6
	# The next one of this name has done nothing wrong.
	set_mark again
	patch klpt_f6 spec=klpt_target:klpt_sleep
	remove klpt_f6
	no_message "goes away"
}

nothing_is_said_otherwise() {
	patch klpt_p1 spec=klpt_target:klpt_value
	patch klpt_p2 spec=klpt_target:klpt_value replace=1
	until_true "klpt_p1 to leave sysfs" gone $LP/klpt_p1
	unload klpt_p1
	remove klpt_p2
	refused klpt_p1 "Invalid parameters" spec=klpt_target:klpt_no_such_function=any
	no_message "goes away"
}

it init_fails "init fails after it has enabled the patch"
it init_fails_with_callbacks "callbacks are called as if the patch had been disabled"
it init_fails_in_transition "init fails while tasks change over"
it init_fails_while_replacing "init fails while the patch replaces another: that one stays"
it init_fails_when_all_have_to_leave_the_kernel "init fails, user tasks have to leave the kernel"
it init_fails_with_a_task_inside "init fails with a task in the new code: the module stays for it"
it removed "rmmod -f of an enabled patch"
it removed_when_all_have_to_leave_the_kernel "the same where user tasks have to leave the kernel"
it removed_with_a_task_inside "rmmod -f waits for a task in the new code"
it removed_in_the_transition_of_another "rmmod -f waits for the transition of another patch"
it removed_in_spite_of_block_disable "rmmod -f does not care for block_disable"
it removed_with_variables "rmmod -f destroys the shadow variables of the patch's states"
it removed_after_force "rmmod -f after a forced transition says that it is not safe"
it nothing_is_said_otherwise "nothing is said about modules that go as they should"
klpt_main
