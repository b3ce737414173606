#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Does every task move at a moment when it runs neither the code that goes nor depends on it?

. "$(dirname "$0")/klpt.sh"

sleeper_blocks_enabling() {
	asleep sleep 1
	is "$(world "$pid")" -1 "patch_state at rest"
	load klpt_p1 spec=klpt_target:klpt_value,klpt_sleep
	only_left klpt_p1 1 "$pid"
	is "$(world "$pid")" 0 "patch_state of the sleeper"
	is "$(world self)" 1 "patch_state of a new task"
	is "$(cat /proc/1/task/1/patch_state)" 1 "patch_state of a thread"
	returns value 1 "for a task that has moved"
	wake 1
	until_true "the transition to end" settled klpt_p1
	ended "$pid"
	at_rest
	log_is "klpt_target sleep 0" '/ sleep /!d'
}

sleeper_blocks_disabling() {
	patch klpt_p1 spec=klpt_target:klpt_value,klpt_sleep
	asleep sleep 1
	put $LP/klpt_p1/enabled 0
	only_left klpt_p1 0 "$pid"
	is "$(world "$pid")" 1 "patch_state of the sleeper"
	returns value 0 "for a task that has moved"
	in_use klpt_p1
	wake 1
	until_true "the patch to be disabled" gone $LP/klpt_p1
	ended "$pid"
	at_rest
	unload klpt_p1
	log_is "klpt_target sleep 1" '/ sleep /!d'
}

sleeper_elsewhere_moves() {
	asleep sleep 1
	patch klpt_p1 spec=klpt_target:klpt_value
	is_waiting 1 1 || fail "the sleeper was woken up"
	remove klpt_p1
	is_waiting 1 1 || fail "the sleeper was woken up"
}

killed_sleeper() {
	asleep sleep 1
	load klpt_p1 spec=klpt_target:klpt_sleep
	only_left klpt_p1 1 "$pid"
	kill -9 "$pid"
	until_true "the transition to end" settled klpt_p1
	at_rest
}

many_sleepers() {
	local i list=()

	for ((i = 0; i < 20; i++)); do
		asleep sleep 1
		list+=("$pid")
	done
	load klpt_p1 spec=klpt_target:klpt_sleep
	only_left klpt_p1 1 "${list[@]}"
	wake 1
	until_true "the transition to end" settled klpt_p1
	ended "${list[@]}"
	at_rest
}

several_functions_block() {
	local first second

	asleep sleep 1
	first=$pid
	asleep caller 2
	second=$pid
	load klpt_p1 spec=klpt_target:klpt_sleep,klpt_caller
	only_left klpt_p1 1 "$first" "$second"
	wake 1
	ended "$first"
	only_left klpt_p1 1 "$second"
	wake 2
	until_true "the transition to end" settled klpt_p1
}

kthread_asleep() {
	kthread sleep
	until_true "the kthread to fall asleep" is_waiting 6 1
	load klpt_p1 spec=klpt_target:klpt_sleep
	only_left klpt_p1 1 "$pid"
	wake 6
	until_true "the transition to end" settled klpt_p1
	at_rest
}

kthread_that_never_sleeps() {
	kthread busy
	patch klpt_p1 spec=klpt_target:klpt_value
	is "$(cat $TARGET/kthread)" "$pid" "the kthread"
	remove klpt_p1
	at_rest
}

# Beside one that is inside of what is patched, and as busy, and which nothing moves.
kthread_that_never_gives_way() {
	kthread spin
	patch klpt_p1 spec=klpt_target:klpt_other
	is "$(cat $TARGET/kthread)" "$pid" "the kthread"
	call busy 0
	load klpt_p2 spec='klpt_target:klpt_value,call_busy=any'
	only_left klpt_p2 1 "$pid"
	kill -9 "$pid"
	until_true "the transition to end" settled klpt_p2
	at_rest
}

user_task_that_never_sleeps() {
	(while :; do :; done) &
	echo $! >> "$tmp/pids"
	patch klpt_p1 spec=klpt_target:klpt_value
	at_rest
}

system_call_that_never_ends() {
	call busy 0
	patch klpt_p1 spec=klpt_target:klpt_value
	remove klpt_p1
	[[ -d /proc/$pid ]] || fail "the task has ended"
	at_rest
}

# A in the original and B in the replacement: every target has somebody in the way.
reverse_while_enabling() {
	local a b i

	asleep sleep 1
	a=$pid
	load klpt_p1 spec=klpt_target:klpt_value,klpt_sleep
	only_left klpt_p1 1 "$a"
	asleep sleep 2
	b=$pid
	for ((i = 0; i < 10; i++)); do
		is "$(world "$a") $(world "$b")" "0 1" "worlds of both, round $i"
		put $LP/klpt_p1/enabled 0
		is "$(cat $LP/klpt_p1/enabled)" 0 "enabled, reversed"
		only_left klpt_p1 0 "$b"
		put $LP/klpt_p1/enabled 1
		is "$(cat $LP/klpt_p1/enabled)" 1 "enabled, reversed again"
		only_left klpt_p1 1 "$a"
	done
	wake 1
	until_true "the transition to end" settled klpt_p1
	returns value 1
	wake 2
	ended "$a" "$b"
	log_is "klpt_target sleep 0
klpt_target sleep 1" '/ sleep /!d'
}

reverse_while_disabling() {
	local a b i

	patch klpt_p1 spec=klpt_target:klpt_value,klpt_sleep
	asleep sleep 2
	b=$pid
	put $LP/klpt_p1/enabled 0
	only_left klpt_p1 0 "$b"
	asleep sleep 1
	a=$pid
	for ((i = 0; i < 10; i++)); do
		put $LP/klpt_p1/enabled 1
		only_left klpt_p1 1 "$a"
		put $LP/klpt_p1/enabled 0
		only_left klpt_p1 0 "$b"
	done
	wake 2
	until_true "the patch to be disabled" gone $LP/klpt_p1
	returns value 0
	wake 1
	ended "$a" "$b"
	log_is "klpt_target sleep 1
klpt_target sleep 0" '/ sleep /!d'
}

reverse_at_speed() {
	local a b i

	asleep sleep 1
	a=$pid
	load klpt_p1 spec=klpt_target:klpt_value,klpt_sleep
	only_left klpt_p1 1 "$a"
	asleep sleep 2
	b=$pid
	for ((i = 0; i < 100; i++)); do
		put $LP/klpt_p1/enabled $((i % 2))
	done
	is "$(cat $LP/klpt_p1/enabled)" 1 "enabled after an even number of reversals"
	only_left klpt_p1 1 "$a"
	wake 1
	until_true "the transition to end" settled klpt_p1
	returns value 1
	wake 2
	ended "$a" "$b"
}

withdrawn() {
	asleep sleep 1
	load klpt_p1 spec=klpt_target:klpt_value,klpt_sleep
	only_left klpt_p1 1 "$pid"
	put $LP/klpt_p1/enabled 0
	until_true "the patch to be withdrawn" gone $LP/klpt_p1
	returns value 0
	at_rest
	unload klpt_p1
	is_waiting 1 1 || fail "the sleeper was woken up"
}

# What lives in the old world can only get fewer: children are born in the world of their parents.
no_new_task_in_the_old_world() {
	local i

	asleep sleep 1
	load klpt_p1 spec=klpt_target:klpt_value,klpt_sleep
	only_left klpt_p1 1 "$pid"
	for ((i = 0; i < 30; i++)); do
		is "$(tasks_in 0)" "$pid" "tasks in the old world, round $i"
		is "$(bash -c "bash -c 'cat /proc/self/patch_state'")" 1 "a grandchild's world"
	done
}

children_of_a_blocked_task() {
	kthread fork
	until_true "the kthread to fall asleep" is_waiting 6 1
	load klpt_p1 spec=klpt_target:klpt_fork
	only_left klpt_p1 1 "$pid"
	log_clear
	wake 6
	until_true "the transition to end" settled klpt_p1
	until_true "five children to be born" children_are 5
	is "$(grep -c 'child in world -1$' /proc/klpt/log)" 0 "children in no world"
	grep -q 'child in world 0$' /proc/klpt/log || fail "no child was born in its parent's world"
	at_rest
}

children_are() {
	[[ "$(grep -c 'child in world' /proc/klpt/log)" == "$1" ]]
}

fork_storm() {
	local i

	for i in 1 2 3; do
		(while pause; do (: & :); /bin/true; done) &
		echo $! >> "$tmp/pids"
	done
	for i in 1 2 3 4; do
		patch klpt_p1 'spec=vmlinux:cmdline_proc_show;klpt_target:klpt_value'
		returns value 1 "round $i"
		remove klpt_p1
		returns value 0 "round $i"
	done
}

cpu_goes_offline() {
	put /sys/devices/system/cpu/cpu1/online 0
	patch klpt_p1 spec=klpt_target:klpt_value
	returns value 1
	put /sys/devices/system/cpu/cpu1/online 1
	returns value 1
	put /sys/devices/system/cpu/cpu1/online 0
	remove klpt_p1
	put /sys/devices/system/cpu/cpu1/online 1
	patch klpt_p1 spec=klpt_target:klpt_value
	remove klpt_p1
	at_rest
}

it sleeper_blocks_enabling "a task asleep in the original blocks enabling, the others move"
it sleeper_blocks_disabling "a task asleep in the replacement blocks disabling, the others move"
it sleeper_elsewhere_moves "a task asleep elsewhere moves without being woken up"
it killed_sleeper "a task that is killed does not block any more"
it many_sleepers "twenty tasks asleep in the function block"
it several_functions_block "tasks asleep in different functions of a patch block"
it kthread_asleep "a kthread asleep in the function blocks"
! busy_is_seen || it kthread_that_never_sleeps "a kthread that never sleeps moves"
# Elsewhere nobody can tell the stack of who was interrupted in the kernel.
if preemptible && [[ $(uname -m) == x86_64 ]]; then
	it kthread_that_never_gives_way "a kthread that never gives way moves"
fi
it user_task_that_never_sleeps "a busy user task moves"
! busy_is_seen || it system_call_that_never_ends "a task that never leaves a system call moves"
it reverse_while_enabling "enabling is reversed twenty times, somebody always being in the way"
it reverse_while_disabling "disabling is reversed twenty times, somebody always being in the way"
it reverse_at_speed "a hundred reversals without waiting"
it withdrawn "enabling is withdrawn while a task blocks it"
it no_new_task_in_the_old_world "no task is born in the old world when its parent has moved"
# kernel_thread() of powerpc enters a function behind where it finds its TOC: not for modules.
[[ $(uname -m) == ppc64le ]] ||
	it children_of_a_blocked_task "a child is born in the world of a blocked parent"
it fork_storm "patches come and go while tasks do"
[[ -e /sys/devices/system/cpu/cpu1/online ]] &&
	it cpu_goes_offline "the idle task of an offline CPU does not block"
klpt_main
