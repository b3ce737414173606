#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# With leave_kernel, does every user task change over at the end of a system call and nowhere else,
# and does everybody else change over as usual? Most patches here replace a function that nobody is
# in, so that by default nothing would have to be waited for.

. "$(dirname "$0")/klpt.sh"

BRIEF="disabling replaced"

SPEC=klpt_target:klpt_value

# left_waiting PATCH WORLD PID: the only one left, and blockers says why
left_waiting() {
	only_left "$@"
	verdict "$3" "waits for kernel exit"
}

# verdict PID WORDS
verdict() {
	blockers | grep -Eq "^$1 [0-9]+ \(.*\) [A-Z] $2\$" ||
		fail "no verdict '$2' for task $1: $(blockers)"
}

blockers() {
	cat /sys/kernel/debug/livepatch/blockers
}

sysfs() {
	nudge_soon
	patch klpt_p2 spec=klpt_target:klpt_other
	is "$(cat $LP/klpt_p2/leave_kernel)" 0 "leave_kernel of a patch without it"
	patch klpt_p1 spec=$SPEC leave_kernel=1
	is "$(cat $LP/klpt_p1/leave_kernel)" 1 leave_kernel
	is "$(stat -c %a $LP/klpt_p1/leave_kernel)" 444 "mode of leave_kernel"
	put_fails $LP/klpt_p1/leave_kernel 0 "Permission denied"
}

enabling() {
	nudge_soon
	asleep sleep 1
	load klpt_p1 spec=$SPEC leave_kernel=1
	left_waiting klpt_p1 1 "$pid"
	returns value 1 "for tasks that have moved"
	wake 1
	until_true "the transition to end" settled klpt_p1
	ended "$pid"
	at_rest
}

disabling() {
	nudge_soon
	patch klpt_p1 spec=$SPEC leave_kernel=1
	asleep sleep 1
	put $LP/klpt_p1/enabled 0
	left_waiting klpt_p1 0 "$pid"
	wake 1
	until_true "the patch to be disabled" gone $LP/klpt_p1
	at_rest
}

reversed() {
	local old

	nudge_soon
	asleep sleep 1
	old=$pid
	load klpt_p1 spec=$SPEC leave_kernel=1
	left_waiting klpt_p1 1 "$old"
	asleep sleep 2
	put $LP/klpt_p1/enabled 0
	left_waiting klpt_p1 0 "$pid"
	put $LP/klpt_p1/enabled 1
	left_waiting klpt_p1 1 "$old"
	wake 1
	until_true "the transition to end" settled klpt_p1
}

# The patch that goes has it, the one that comes has not.
replaced() {
	nudge_soon
	patch klpt_p1 spec=$SPEC leave_kernel=1
	asleep sleep 1
	load klpt_p2 spec=$SPEC replace=1
	left_waiting klpt_p2 1 "$pid"
	wake 1
	until_true "the transition to end" settled klpt_p2
	# And does not count any more.
	asleep sleep 1
	patch klpt_p3 spec=$SPEC
	is_waiting 1 1 || fail "the task was woken up"
}

nudged() {
	nudge_soon
	asleep interruptible 1
	load klpt_p1 spec=$SPEC leave_kernel=1
	until_true "the fake signal to end the transition" settled klpt_p1
	message "livepatch: signaling remaining tasks\$"
	[[ -d /proc/$pid ]] || fail "the task did not survive the fake signal"
	until_true "the task to be asleep again" is_waiting 1 1
	wake 1
	ended "$pid"
	log_is "klpt_target interruptible 0" '/ interruptible /!d'
}

kthread_asleep() {
	nudge_soon
	kthread sleep
	until_true "the kthread to fall asleep" is_waiting 6 1
	patch klpt_p1 spec=$SPEC leave_kernel=1
	is_waiting 6 1 || fail "the kthread was woken up"
}

kthread_inside() {
	nudge_soon
	kthread sleep
	until_true "the kthread to fall asleep" is_waiting 6 1
	load klpt_p1 spec=klpt_target:klpt_sleep leave_kernel=1
	only_left klpt_p1 1 "$pid"
	verdict "$pid" "on stack: klpt_sleep\+0x.*\[klpt_target\]"
	wake 6
	until_true "the transition to end" settled klpt_p1
}

kthread_busy() {
	nudge_soon
	kthread busy
	patch klpt_p1 spec=$SPEC leave_kernel=1
	is "$(cat $TARGET/kthread)" "$pid" "the kthread"
}

# By default it would change over in there.
system_call_that_never_ends() {
	nudge_soon
	call busy 0
	load klpt_p1 spec=$SPEC leave_kernel=1
	only_left klpt_p1 1 "$pid"
	kill -9 "$pid"
	until_true "the transition to end" settled klpt_p1
}

busy_in_user_mode() {
	nudge_soon
	(while :; do :; done) &
	echo $! >> "$tmp/pids"
	patch klpt_p1 spec=$SPEC leave_kernel=1
}

stopped() {
	nudge_soon
	sleep 1000 &
	pid=$!
	disown "$pid"
	echo "$pid" >> "$tmp/pids"
	kill -STOP "$pid"
	until_true "the task to stop" stopped_is "$pid"
	load klpt_p1 spec=$SPEC leave_kernel=1
	left_waiting klpt_p1 1 "$pid"
	kill -CONT "$pid"
	until_true "the transition to end" settled klpt_p1
}

stopped_is() {
	grep -q '^State:.T' "/proc/$1/status"
}

# In the freezer of its cgroup. A nudge wakes it, and it goes back without having left the kernel.
frozen() {
	nudge_soon
	sleep 1000 &
	pid=$!
	disown "$pid"
	group=$tmp/cgroup/klpt
	mkdir "$tmp/cgroup"
	trap ungroup EXIT
	mount -t cgroup2 none "$tmp/cgroup" || fail "no cgroup2"
	mkdir "$group"
	put "$group/cgroup.procs" "$pid"
	freeze
	load klpt_p1 spec=$SPEC leave_kernel=1
	left_waiting klpt_p1 1 "$pid"
	until_true "the nudge" nudge_is_reported
	left_waiting klpt_p1 1 "$pid"
	put "$group/cgroup.freeze" 0
	until_true "the transition to end" settled klpt_p1
	freeze
	# By default nobody has to wait for it.
	patch klpt_p2 spec=$SPEC
	grep -qx 'frozen 1' "$group/cgroup.events" || fail "the task is not frozen any more"
	[[ -d /proc/$pid ]] || fail "the task is gone"
}

freeze() {
	put "$group/cgroup.freeze" 1
	until_true "the task to be frozen" grep -qx 'frozen 1' "$group/cgroup.events"
}

ungroup() {
	kill -9 "$pid"
	ended "$pid"
	rmdir "$group"
	umount "$tmp/cgroup"
}

nudge_is_reported() {
	kernel_log | grep -q 'signaling remaining tasks'
}

# A task in its last system call never gets to user mode.
exiting() {
	nudge_soon
	load klpt_mix
	(exec 5> /proc/klpt_mix/last; echo "last 1" >&5; exit 0) &
	pid=$!
	disown "$pid"
	until_true "the task to sleep in its exit" is_waiting 1 1
	load klpt_p1 spec=$SPEC leave_kernel=1
	left_waiting klpt_p1 1 "$pid"
	wake 1
	until_true "the transition to end" settled klpt_p1
	ended "$pid"
}

# Nobody reads the exit code of this one, so it stays on the list of tasks.
zombie() {
	local parent

	nudge_soon
	bash -c 'sleep 0 & echo $! > '"$tmp/zombie"'; exec sleep 1000' &
	parent=$!
	disown "$parent"
	echo "$parent" >> "$tmp/pids"
	until_true "the zombie to be born" test -s "$tmp/zombie"
	read -r pid < "$tmp/zombie"
	until_true "the zombie to die" zombie_is "$pid"
	patch klpt_p1 spec=$SPEC leave_kernel=1
	zombie_is "$pid" || fail "the zombie is gone"
}

zombie_is() {
	grep -q '^State:.Z' "/proc/$1/status"
}

it sysfs "leave_kernel is shown in sysfs"
it enabling "a task asleep in a system call holds up enabling, wherever it sleeps"
it disabling "the same for disabling"
it reversed "the same in both directions of a reversal"
it replaced "a patch that is replaced may ask for it"
it nudged "a fake signal takes a task out of its system call, which goes on"
it kthread_asleep "a kthread moves in its sleep"
it kthread_inside "a kthread asleep in the function holds up enabling"
! busy_is_seen || it kthread_busy "a kthread that never sleeps moves"
it system_call_that_never_ends "a user task does not move in cond_resched()"
it busy_in_user_mode "a busy user task moves"
it stopped "a stopped task holds up enabling until it goes on"
it frozen "a frozen task holds up enabling until it is thawed, and by default does not"
it exiting "a task asleep in its exit holds up enabling until it is dead"
it zombie "a dead task does not"
klpt_main
