#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# After 15 seconds the core nudges tasks that are in the way: do they move without losing anything?

. "$(dirname "$0")/klpt.sh"

# An interrupted system call is started again, in the new world.
user_task() {
	asleep interruptible 1
	load klpt_p1 spec=klpt_target:klpt_interruptible
	only_left klpt_p1 1 "$pid"
	until_true "the fake signal to end the transition" settled klpt_p1
	message "livepatch: signaling remaining tasks\$"
	[[ -d /proc/$pid ]] || fail "the task did not survive the fake signal"
	until_true "the task to be asleep again" is_waiting 1 1
	wake 1
	ended "$pid"
	log_is "klpt_target interruptible 1" '/ interruptible /!d'
}

user_task_disabling() {
	patch klpt_p1 spec=klpt_target:klpt_interruptible
	asleep interruptible 1
	disable klpt_p1
	[[ -d /proc/$pid ]] || fail "the task did not survive the fake signal"
	until_true "the task to be asleep again" is_waiting 1 1
	wake 1
	ended "$pid"
	log_is "klpt_target interruptible 0" '/ interruptible /!d'
	unload klpt_p1
}

# sleeping THREAD: until somebody wakes it
sleeping() {
	get "/proc/$1/stat"
	[[ "$REPLY" == *") S "* ]]
}

kthread_woken_up() {
	kthread inside
	until_true "the kthread to fall asleep" sleeping "$pid"
	load klpt_p1 spec=klpt_target:klpt_kthread_body
	only_left klpt_p1 1 "$pid"
	until_true "the wake-up to end the transition" settled klpt_p1
	is "$(cat $TARGET/kthread)" "$pid" "the kthread"
	disable klpt_p1
	unload klpt_p1
}

# What cannot be woken up stays in the way; nothing else happens to it.
uninterruptible() {
	local first

	asleep sleep 1
	first=$pid
	asleep interruptible 2
	load klpt_p1 spec=klpt_target:klpt_sleep,klpt_interruptible
	only_left klpt_p1 1 "$first" "$pid"
	until_true "the fake signal to move the second task" left_are klpt_p1 1 "$first"
	only_left klpt_p1 1 "$first"
	is_waiting 1 1 || fail "the first task was woken up"
	wake 1
	until_true "the transition to end" settled klpt_p1
}

it user_task "a fake signal moves a user task, and its system call goes on"
it user_task_disabling "the same when disabling"
! busy_is_seen || it kthread_woken_up "a kthread that sleeps interruptibly is woken up"
it uninterruptible "a task that cannot be woken up stays in the way, alone"
klpt_main
