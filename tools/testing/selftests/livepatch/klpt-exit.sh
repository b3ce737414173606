#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Can a task that is past exit_notify(), off the list of tasks, run code of a module that has gone?

. "$(dirname "$0")/klpt.sh"

SPEC=vmlinux:exit_task_stack_account
EXITS=1000

# exiting: for each patch how many tasks are in its version, then how many have been there in all
exiting() {
	read -ra exiting < /proc/klpt/exiting
}

# nobody_in NUMBER: of the patch
nobody_in() {
	exiting
	((exiting[$1 - 1] == 0))
}

# crowd: a thousand threads that wait to exit
crowd() {
	put $TARGET/call "exits $EXITS"
	until_true "$EXITS threads to be there" is_waiting 7 $EXITS
}

# left NUMBER: threads of ours that the list of tasks has
left() {
	[[ "$(grep -lsx klpt_exit /proc/[0-9]*/comm | wc -l)" == "$1" ]]
}

# replace OLD NEW: while tasks exit; nobody may be in the old one when it can be removed
replace() {
	load "klpt_p$2" spec=$SPEC replace=1
	until_true "klpt_p$2 to be enabled" settled "klpt_p$2"
	until_true "klpt_p$1 to leave sysfs" gone "$LP/klpt_p$1"
	until_true "module klpt_p$1 to be unused" unused "klpt_p$1"
	nobody_in "$1" || fail "${exiting[$1 - 1]} tasks are in klpt_p$1, which can be removed"
	rmmod "klpt_p$1" || fail "rmmod klpt_p$1"
}

# How long a crowd takes to exit depends on the machine: there are crowds until some were met.
# Without preemption all may have exited before this shell runs again.
replaced_while_tasks_exit() {
	local before crowds=0 old=1 seen=0

	patch klpt_p1 spec=$SPEC
	while ((seen < 3 && crowds++ < 8)); do
		crowd
		exiting
		before=${exiting[4]}
		wake 7
		# From one patch to the other and back for as long as it takes.
		while exiting && ((exiting[4] < before + EXITS)); do
			replace $old $((3 - old))
			old=$((3 - old))
			seen=$((seen + 1))
		done
		until_true "all to have exited" left 0
	done
	note "replaced $seen times, with $crowds crowds"
	((seen)) || ! preemptible || fail "not replaced once while tasks exited"
	remove klpt_p$old
	exiting
	is "${exiting[*]:0:4}" "0 0 0 0" "tasks that are still exiting"
}

disabled_while_tasks_exit() {
	local before crowds=0 seen=0

	while ((seen < 3 && crowds++ < 8)); do
		crowd
		exiting
		before=${exiting[4]}
		patch klpt_p1 spec=$SPEC
		wake 7
		exiting
		((exiting[4] >= before + EXITS)) || seen=$((seen + 1))
		disable klpt_p1
		until_true "module klpt_p1 to be unused" unused klpt_p1
		nobody_in 1 || fail "${exiting[0]} tasks are in klpt_p1, which can be removed"
		rmmod klpt_p1 || fail "rmmod klpt_p1"
		until_true "all to have exited" left 0
	done
	note "disabled $seen times, with $crowds crowds"
	((seen)) || ! preemptible || fail "not disabled once while tasks exited"
}

# Ten tasks stay there until they are let go: off the list, so that no transition waits for them.
hold_ten() {
	put /proc/klpt/hold 1
	put $TARGET/call "exits 10"
	until_true "the threads to be there" is_waiting 7 10
	wake 7
	until_true "them to be inside" ten_in_the_first
	until_true "them to be off the list" left 0
}

held_back() {
	patch klpt_p1 spec=$SPEC
	hold_ten
	load klpt_p2 spec=$SPEC replace=1
	until_true "klpt_p2 to be enabled" settled klpt_p2
	for _ in {1..20}; do
		pause
		in_use klpt_p1
		[[ -d $LP/klpt_p1 ]] || fail "klpt_p1 is gone, with tasks inside"
	done
	ten_in_the_first || fail "the tasks are not where they were: ${exiting[*]}"
	put /proc/klpt/hold 0
	until_true "klpt_p1 to leave sysfs" gone $LP/klpt_p1
	nobody_in 1 || fail "klpt_p1 is gone, with tasks inside"
	unload klpt_p1
}

# What the patch has set up is not taken down while they are inside.
not_taken_down() {
	patch klpt_p1 spec=$SPEC callbacks=1
	hold_ten
	log_clear
	echo 0 > $LP/klpt_p1/enabled &
	until_true "klpt_p1 to be on its way" has $LP/klpt_p1/enabled 0
	until_true "all tasks to have moved" at_rest_again
	for _ in {1..20}; do
		pause
		! grep -q post_unpatch /proc/klpt/log || fail "post_unpatch with tasks inside"
	done
	ten_in_the_first || fail "the tasks are not where they were: ${exiting[*]}"
	put /proc/klpt/hold 0
	wait $!
	until_true "klpt_p1 to leave sysfs" gone $LP/klpt_p1
	grep -q post_unpatch /proc/klpt/log || fail "no post_unpatch"
	unload klpt_p1
}

at_rest_again() {
	[[ -z "$(tasks_in '[01]')" ]]
}

ten_in_the_first() {
	exiting
	((exiting[0] >= 10))
}

it replaced_while_tasks_exit "a thousand tasks exit while patches replace each other and go"
it disabled_while_tasks_exit "a thousand tasks exit while a patch comes and goes"
preemptible && it held_back "a module stays as long as tasks that are off the list run its code"
preemptible && it not_taken_down "so does what the patch has set up"
klpt_main
