#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The administrator gives up on consistency: does the transition end, and do modules stay that may
# still be in use?
#
# Modules of patches that lost a forced transition stay until the next boot, so this script uses its
# own, klpt_f1 to klpt_f5, and can run once for each boot.

. "$(dirname "$0")/klpt.sh"

enabling() {
	asleep sleep 1
	load klpt_f1 spec=klpt_target:klpt_value,klpt_sleep
	only_left klpt_f1 1 "$pid"
	put $LP/klpt_f1/force 1
	until_true "the forced transition to end" settled klpt_f1
	has $LP/klpt_f1/forced 0 || fail "forced, of the patch that has won: $REPLY"
	message "livepatch: forcing remaining tasks to the patched state\$"
	is_waiting 1 1 || fail "the sleeper was woken up"
	at_rest
	returns value 1
	wake 1
	ended "$pid"
	log_is "klpt_target sleep 0" '/ sleep /!d'
	# Nobody can be in code of a patch that has won: it may go as usual.
	remove klpt_f1
	returns value 0
}

# Between the end of the transition and that of the patch's directory a callback takes its time.
disabling() {
	local forcing

	patch klpt_f2 spec=klpt_target:klpt_value,klpt_sleep callbacks=1 hold=3
	asleep sleep 1
	put $LP/klpt_f2/enabled 0
	only_left klpt_f2 0 "$pid"
	has $LP/klpt_f2/forced 0 || fail "forced, before it is: $REPLY"
	echo 1 > $LP/klpt_f2/force &
	forcing=$!
	until_true "the callback to run" is_waiting 3 1
	has $LP/klpt_f2/forced 1 || fail "forced, of the patch that has lost: $REPLY"
	is "$(cat $LP/klpt_f2/pending)" 0 "pending, forced"
	wake 3
	wait $forcing || fail "forcing failed"
	until_true "the patch to be disabled" gone $LP/klpt_f2
	returns value 0
	at_rest
	in_use klpt_f2
	wake 1
	ended "$pid"
	log_is "klpt_target sleep 2" '/ sleep /!d'
	in_use klpt_f2
}

replacing() {
	patch klpt_f3 spec=klpt_target:klpt_value,klpt_sleep
	asleep sleep 1
	load klpt_p4 spec=klpt_target:klpt_value replace=1
	only_left klpt_p4 1 "$pid"
	put $LP/klpt_p4/force 1
	until_true "the forced transition to end" settled klpt_p4
	until_true "the replaced patch to leave sysfs" gone $LP/klpt_f3
	returns value 4
	wake 1
	ended "$pid"
	log_is "klpt_target sleep 3" '/ sleep /!d'
	in_use klpt_f3
	remove klpt_p4
	returns value 0
}

reversed_then_forced() {
	asleep sleep 1
	load klpt_f4 spec=klpt_target:klpt_value,klpt_sleep
	only_left klpt_f4 1 "$pid"
	asleep sleep 2
	put $LP/klpt_f4/enabled 0
	only_left klpt_f4 0 "$pid"
	put $LP/klpt_f4/force 1
	until_true "the patch to be withdrawn" gone $LP/klpt_f4
	returns value 0
	in_use klpt_f4
	wake 1
	wake 2
	ended "$pid"
	log_is "klpt_target sleep 0
klpt_target sleep 4" '/ sleep /!d'
}

# Callbacks run as if it had completed; variables stay for those who may still use them.
state_forced_out() {
	patch klpt_f5 states=1 rows=1:7 variables=2
	asleep sleep 1
	log_clear
	put $LP/klpt_f5/enabled 0
	only_left klpt_f5 0 "$pid"
	put $LP/klpt_f5/force 1
	until_true "the patch to be disabled" gone $LP/klpt_f5
	log_is "klpt_f5 pre_unpatch 1 501
klpt_f5 post_unpatch 1 501"
	is "$(cat /sys/kernel/debug/livepatch/shadow)" "7 2 16" "shadow variables"
	put /sys/module/klpt_f5/parameters/clean_up variables
	in_use klpt_f5
	wake 1
	ended "$pid"
}

not_in_transition() {
	patch klpt_p1 spec=klpt_target:klpt_value
	put_fails $LP/klpt_p1/force 1 "Invalid argument"
	put $LP/klpt_p1/force 0
	no_message "forcing remaining tasks"
	remove klpt_p1
}

force_nothing() {
	asleep sleep 1
	load klpt_p1 spec=klpt_target:klpt_sleep
	only_left klpt_p1 1 "$pid"
	put $LP/klpt_p1/force 0
	only_left klpt_p1 1 "$pid"
	no_message "forcing remaining tasks"
}

for f in 1 2 3 4 5; do
	if [[ -e /sys/module/klpt_f$f ]]; then
		ktap_print_header
		ktap_exit_fail_msg "klpt_f$f was left by an earlier run: reboot first"
	fi
done

it not_in_transition "only a transition can be forced"
it force_nothing "writing 0 to force does nothing"
it enabling "enabling is forced, the patch works and can be removed"
it disabling "disabling is forced, the module stays"
it replacing "replacing is forced, the replaced module stays"
it reversed_then_forced "a withdrawn patch is forced out, its module stays"
it state_forced_out "a state is forced out, its callbacks run, its shadow variables stay"
klpt_main
