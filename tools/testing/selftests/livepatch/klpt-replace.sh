#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Does a patch with .replace take the place of all others at once, and leave nothing of them?

. "$(dirname "$0")/klpt.sh"

upgrade_and_revert() {
	patch klpt_p1 spec=klpt_target:klpt_value,klpt_other
	three_values "1 1 0" "of the first patch"
	patch klpt_p2 spec=klpt_target:klpt_value,klpt_third replace=1
	three_values "2 0 2" "of the second patch"
	until_true "the replaced patch to leave sysfs" gone $LP/klpt_p1
	unhooked klpt_other
	hooked klpt_value || fail "no handler is attached to klpt_value()"
	unload klpt_p1
	log_is "klpt_p1 exit" /init/d
	remove klpt_p2
	three_values "0 0 0" "of the original"
	unhooked klpt_value
}

# While a task blocks, functions that only the old patch has are shown as the new one's.
nops_in_sysfs() {
	patch klpt_p1 spec=klpt_target:klpt_value,klpt_other,klpt_dup@2
	asleep sleep 1
	load klpt_p2 spec=klpt_target:klpt_value,klpt_sleep replace=1
	only_left klpt_p2 1 "$pid"
	[[ -d $LP/klpt_p2/klpt_target/klpt_other,1 ]] || fail "klpt_other() is not shown"
	[[ -d $LP/klpt_p2/klpt_target/klpt_dup,2 ]] || fail "the second klpt_dup() is not shown"
	[[ -d $LP/klpt_p1 ]] || fail "the patch being replaced is not shown"
	is "$(cat $LP/klpt_p1/enabled)" 1 "enabled of the patch being replaced"
	three_values "2 0 0" "for a task in the new world"
	is "$(cat $TARGET/dup)" "10 20" "dup for a task in the new world"
	wake 1
	until_true "the transition to end" settled klpt_p2
	gone $LP/klpt_p2/klpt_target/klpt_other,1 || fail "klpt_other() is still shown"
	gone $LP/klpt_p2/klpt_target/klpt_dup,2 || fail "the second klpt_dup() is still shown"
	[[ -d $LP/klpt_p2/klpt_target/klpt_value,1 ]] || fail "klpt_value() is not shown any more"
	until_true "the replaced patch to leave sysfs" gone $LP/klpt_p1
}

# The old patch changes a module that the new one does not even name.
object_of_old_patch_only() {
	load klpt_extra
	patch klpt_p1 'spec=klpt_target:klpt_value;klpt_extra:klpt_value,klpt_other'
	asleep sleep 1
	load klpt_p2 spec=klpt_target:klpt_value,klpt_sleep replace=1
	only_left klpt_p2 1 "$pid"
	is "$(cat $LP/klpt_p2/klpt_extra/patched)" 1 "patched of the old object"
	[[ -d $LP/klpt_p2/klpt_extra/klpt_value,1 ]] || fail "klpt_value() is not shown"
	extra_returns value 0 "in the new world"
	wake 1
	until_true "the transition to end" settled klpt_p2
	gone $LP/klpt_p2/klpt_extra || fail "klpt_extra is still shown"
	extra_returns value 0 "after"
	unhooked klpt_other
	rmmod klpt_extra || fail "klpt_extra cannot be removed"
}

# The same, and the module comes and goes while the transition hangs.
object_comes_and_goes() {
	local i

	patch klpt_p1 'spec=klpt_target:klpt_value;klpt_extra:klpt_value'
	asleep sleep 1
	load klpt_p2 spec=klpt_target:klpt_value,klpt_sleep replace=1
	only_left klpt_p2 1 "$pid"
	for i in 1 2 3; do
		load klpt_extra
		extra_returns value 0 "in the new world, round $i"
		is "$(cat $LP/klpt_p2/klpt_extra/patched)" 1 "patched, round $i"
		rmmod klpt_extra || fail "klpt_extra cannot be removed"
		is "$(cat $LP/klpt_p2/klpt_extra/patched)" 0 "patched without the module, round $i"
	done
	load klpt_extra
	put $LP/klpt_p2/enabled 0
	until_true "the new patch to be withdrawn" gone $LP/klpt_p2
	extra_returns value 1 "of the old patch"
}

only_the_new_callbacks() {
	patch klpt_p1 spec=klpt_target:klpt_value callbacks=1
	log_clear
	replaced_by klpt_p1 klpt_p2 spec=klpt_target:klpt_value callbacks=1
	remove klpt_p2
	log_is "klpt_p2 pre_patch klpt_target live
klpt_p2 post_patch klpt_target live
klpt_p1 exit
klpt_p2 pre_unpatch klpt_target live
klpt_p2 post_unpatch klpt_target live
klpt_p2 exit"
}

several_at_once() {
	local i

	patch klpt_p1 spec=klpt_target:klpt_value,klpt_other
	patch klpt_p2 spec=klpt_target:klpt_value
	patch klpt_p3 'spec=vmlinux:cmdline_proc_show;klpt_target:klpt_value,klpt_third'
	three_values "3 1 3" "of three patches"
	patch klpt_p4 spec=klpt_target:klpt_other replace=1
	three_values "0 4 0" "of the patch that replaced them"
	for i in 1 2 3; do
		until_true "klpt_p$i to leave sysfs" gone $LP/klpt_p$i
		unload "klpt_p$i"
	done
	unhooked cmdline_proc_show
	unhooked klpt_value
	[[ "$(cat /proc/cmdline)" != klpt_p3 ]] || fail "/proc/cmdline is still that of klpt_p3"
}

chain_and_back() {
	local i before=

	for i in 1 2 3 4 3 2 1; do
		patch "klpt_p$i" spec=klpt_target:klpt_value replace=1
		returns value "$i" "of klpt_p$i"
		if [[ -n $before ]]; then
			until_true "klpt_p$before to leave sysfs" gone $LP/klpt_p$before
			unload klpt_p$before
		fi
		before=$i
	done
	remove klpt_p1
	returns value 0 "of the original"
}

replaced_is_gone_for_good() {
	patch klpt_p1 spec=klpt_target:klpt_value
	patch klpt_p2 spec=klpt_target:klpt_value replace=1
	until_true "the replaced patch to leave sysfs" gone $LP/klpt_p1
	until_true "the replaced module to be unused" unused klpt_p1
	disable klpt_p2
	returns value 0 "after disabling the new patch"
	[[ -e /sys/module/klpt_p1 ]] || fail "the replaced module unloaded itself"
	unload klpt_p1
}

reversed() {
	local i

	patch klpt_p1 spec=klpt_target:klpt_value,klpt_other
	asleep sleep 1
	load klpt_p2 spec=klpt_target:klpt_value,klpt_sleep replace=1
	only_left klpt_p2 1 "$pid"
	three_values "2 0 0" "in the new world"
	put $LP/klpt_p2/enabled 0
	until_true "the new patch to be withdrawn" gone $LP/klpt_p2
	three_values "1 1 0" "of the old patch"
	unload klpt_p2
	is "$(cat $LP/klpt_p1/enabled)" 1 "enabled of the old patch"
	remove klpt_p1
	three_values "0 0 0" "of the original"
}

asleep_in_replaced_code() {
	patch klpt_p1 spec=klpt_target:klpt_sleep
	asleep sleep 1
	load klpt_p2 spec=klpt_target:klpt_value replace=1
	only_left klpt_p2 1 "$pid"
	in_use klpt_p1
	wake 1
	until_true "the transition to end" settled klpt_p2
	ended "$pid"
	unload klpt_p1
	log_is "klpt_target sleep 1
klpt_p1 exit" /init/d
}

revert_everything() {
	patch klpt_p1 'spec=vmlinux:cmdline_proc_show;klpt_target:klpt_value'
	patch klpt_p2 spec=klpt_target: replace=1
	until_true "the replaced patch to leave sysfs" gone $LP/klpt_p1
	returns value 0
	[[ "$(cat /proc/cmdline)" != klpt_p1 ]] || fail "/proc/cmdline is still that of klpt_p1"
	unhooked klpt_value
	unhooked cmdline_proc_show
}

nothing_to_replace() {
	patch klpt_p1 spec=klpt_target:klpt_value replace=1
	returns value 1
	remove klpt_p1
	returns value 0
}

same_function_by_other_position() {
	# 0 means the only one of the name, which is the first.
	patch klpt_p1 spec=klpt_target:klpt_value@0,klpt_other@1,klpt_dup@1
	patch klpt_p2 spec=klpt_target:klpt_value@1,klpt_other@0,klpt_dup@2 replace=1
	three_values "2 2 0" "of the second patch"
	is "$(cat $TARGET/dup)" "10 2" "dup: only the second is patched now"
	until_true "the replaced patch to leave sysfs" gone $LP/klpt_p1
}

# To guard a function is not to replace it: it goes back to the original.
guarded_from_now_on() {
	patch klpt_p1 spec=klpt_target:klpt_value,klpt_other
	asleep sleep 1
	load klpt_p2 spec=klpt_target:+klpt_value,klpt_other,klpt_sleep replace=1
	only_left klpt_p2 1 "$pid"
	three_values "0 2 0" "in the new world"
	[[ -d $LP/klpt_p2/klpt_target/klpt_value,1 ]] || fail "the guard is not shown"
	put $LP/klpt_p2/enabled 0
	until_true "the new patch to be withdrawn" gone $LP/klpt_p2
	unload klpt_p2
	three_values "1 1 0" "of the old patch"
	load klpt_p2 spec=klpt_target:+klpt_value,klpt_other,klpt_sleep replace=1
	only_left klpt_p2 1 "$pid"
	wake 1
	until_true "the transition to end" settled klpt_p2
	three_values "0 2 0" "of the new patch"
	[[ -d $LP/klpt_p2/klpt_target/klpt_value,1 ]] || fail "the guard is not shown any more"
	unhooked klpt_value
	until_true "the replaced patch to leave sysfs" gone $LP/klpt_p1
	unload klpt_p1
}

# There is nothing to take back of a guard.
guarded_until_now() {
	patch klpt_p1 spec=klpt_target:+klpt_value,klpt_other
	asleep sleep 1
	load klpt_p2 spec=klpt_target:klpt_third,klpt_sleep replace=1
	only_left klpt_p2 1 "$pid"
	[[ -d $LP/klpt_p2/klpt_target/klpt_other,1 ]] || fail "klpt_other() is not shown"
	gone $LP/klpt_p2/klpt_target/klpt_value,1 || fail "the old patch's guard is shown"
	three_values "0 0 2" "in the new world"
	wake 1
	until_true "the transition to end" settled klpt_p2
	until_true "the replaced patch to leave sysfs" gone $LP/klpt_p1
}

not_replacing_on_top() {
	patch klpt_p1 spec=klpt_target:klpt_value,klpt_other replace=1
	patch klpt_p2 spec=klpt_target:klpt_value
	three_values "2 1 0" "of both"
	patch klpt_p3 spec=klpt_target:klpt_third replace=1
	three_values "0 0 3" "of the patch that replaced both"
}

it upgrade_and_revert "one function upgraded, one reverted, one new, in one transition"
it nops_in_sysfs "functions that only the old patch has are in sysfs until the transition ends"
it object_of_old_patch_only "the same for a module that the new patch does not name"
it object_comes_and_goes "the same while that module comes and goes"
it only_the_new_callbacks "callbacks of the replaced patch are not called"
it several_at_once "three patches are replaced at once and their modules can be removed"
it chain_and_back "patches replace one another, up and down"
it replaced_is_gone_for_good "a replaced patch does not come back when the new one goes"
it reversed "a replacement that is reversed leaves the old patch in force"
it asleep_in_replaced_code "a task asleep in replaced code blocks"
it revert_everything "a patch without functions reverts everything"
it nothing_to_replace "replacing nothing"
it same_function_by_other_position "position 0 and 1 are the same function"
it guarded_from_now_on "a function that the new patch guards goes back to the original"
it guarded_until_now "a guard of the old patch leaves nothing to be taken back"
it not_replacing_on_top "a patch without .replace comes on top of one with it"
klpt_main
