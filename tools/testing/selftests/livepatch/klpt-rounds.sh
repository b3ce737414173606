#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Do transitions end when they can, whom do they disturb, and what do they say while they last?

. "$(dirname "$0")/klpt.sh"

BRIEF="last_task_ends_it signalled_again stall_is_reported"

# lines PATTERN: how many of the kernel log since the sub-test began
lines() {
	kernel_log | grep -Ec -e "$1"
}

pending_is() {
	has "$LP/$1/pending" "$2"
}

# The last task that moves says so. Nobody has to look for it: by the time it moves, tasks are
# looked at once in a second, and the function that asks for a round is called before the next one.
last_task_ends_it() {
	local before kicked

	asleep sleep 1
	load klpt_p1 spec=klpt_target:klpt_sleep
	only_left klpt_p1 1 "$pid"
	until_true "the pauses to have grown" rounds_are_more_than klpt_p1 7
	traced klp_task_switch klp_transition_settle
	put $TRACING/set_ftrace_filter klp_transition_kick
	put $TRACING/current_tracer function
	statistic klpt_p1 rounds
	before=$REPLY
	wake 1
	until_true "the transition to end" settled klpt_p1
	is "$(events . | head -1)" \
		"klp_task_switch: comm=$COMM pid=$pid target=patched how=exit" "first event"
	is "$(events . | sed 1d | cut -d' ' -f1-2)" "klp_transition_settle: patch=klpt_p1" \
		"events after that"
	kicked=$(grep -c ' klp_transition_kick <-' $TRACING/trace)
	is "$kicked" 1 "calls that ask for a round"
	statistic klpt_p1 rounds
	# One more may have come just before the task was woken.
	((REPLY - before <= 2)) || fail "$REPLY rounds instead of $before and one more"
}

# With one task of several the transition waits on.
others_are_waited_for() {
	local first

	asleep sleep 1
	first=$pid
	asleep sleep 2
	load klpt_p1 spec=klpt_target:klpt_sleep
	only_left klpt_p1 1 "$first" "$pid"
	wake 1
	ended "$first"
	only_left klpt_p1 1 "$pid"
	wake 2
	until_true "the transition to end" settled klpt_p1
}

# Who has changed over is not looked at again: of all tasks there are, one in each round.
others_are_let_be() {
	local before rounds looks

	asleep sleep 1
	load klpt_p1 spec=klpt_target:klpt_sleep
	only_left klpt_p1 1 "$pid"
	put $TRACING/set_ftrace_filter klp_task_check
	put $TRACING/current_tracer function
	statistic klpt_p1 rounds
	before=$REPLY
	until_true "some rounds" rounds_are_more_than klpt_p1 $((before + 3))
	looks=$(grep -c ' klp_task_check <-' $TRACING/trace)
	statistic klpt_p1 rounds
	rounds=$((REPLY - before))
	# One may have come in between when these numbers were read, at either end.
	((rounds - 2 <= looks && looks <= rounds + 2)) || fail "$looks looks in $rounds rounds"
}

# Also a number of seconds that is more than the clock can count does not come at once.
not_signalled_early() {
	local seconds

	for seconds in 100000 17179870 4294967295; do
		put $PARAMS/signal_after $seconds
		asleep interruptible 1
		load klpt_p1 spec=klpt_target:klpt_interruptible
		only_left klpt_p1 1 "$pid"
		until_true "many rounds" rounds_are_more_than klpt_p1 8
		only_left klpt_p1 1 "$pid"
		no_message "signaling remaining tasks"
		wake 1
		until_true "the transition to end" settled klpt_p1
		ended "$pid"
		remove klpt_p1
	done
}

signal_after_is_lowered() {
	put $PARAMS/signal_after 100000
	asleep interruptible 1
	load klpt_p1 spec=klpt_target:klpt_interruptible
	only_left klpt_p1 1 "$pid"
	until_true "some rounds" rounds_are_more_than klpt_p1 4
	no_message "signaling remaining tasks"
	put $PARAMS/signal_after 1
	until_true "the fake signal to end the transition" settled klpt_p1
	is "$(lines 'livepatch: signaling remaining tasks$')" 1 "messages about signals"
	until_true "the task to be asleep again" is_waiting 1 1
}

# Again and again, but the log says so once.
signalled_again() {
	put $PARAMS/signal_after 1
	asleep sleep 1
	load klpt_p1 spec=klpt_target:klpt_sleep
	only_left klpt_p1 1 "$pid"
	put $TRACING/set_ftrace_filter klp_tasks_nudge
	put $TRACING/current_tracer function
	until_true "three nudges" nudged 3
	is "$(lines 'livepatch: signaling remaining tasks$')" 1 "messages about signals"
	only_left klpt_p1 1 "$pid"
}

# nudged TIMES, or more
nudged() {
	(($(grep -c ' klp_tasks_nudge <-' $TRACING/trace) >= $1))
}

STALLED="livepatch: 'klpt_p1': transition stalled for"

warned() {
	[[ "$(lines "$STALLED")" != 0 ]]
}

stall_is_reported() {
	local i p place all=()

	put $PARAMS/stall_warning 1
	for i in 1 2 3 4 5 6 7; do
		asleep sleep 1
		all+=("$pid")
	done
	load klpt_p1 spec=klpt_target:klpt_sleep
	only_left klpt_p1 1 "${all[@]}"
	until_true "the warning" warned
	statistic klpt_p1 rounds
	until_true "more rounds" rounds_are_more_than klpt_p1 $((REPLY + 2))
	is "$(lines "$STALLED 1 seconds, tasks left: 7\$")" 1 "warnings"
	is "$(lines "livepatch: 'klpt_p1': blocked by task ")" 5 "tasks named"
	place='klpt_sleep\+0x[0-9a-f]+/0x[0-9a-f]+ \[klpt_target\]'
	for p in $(printf '%s\n' "${all[@]}" | sort -n | head -5); do
		message "livepatch: 'klpt_p1': blocked by task $COMM/$p: on stack: $place\$"
	done
	# Stalled or not, it can be withdrawn.
	put $LP/klpt_p1/enabled 0
	until_true "the patch to be withdrawn" gone $LP/klpt_p1
}

# Not before its time: that has come when tasks are nudged.
stall_is_not_reported() {
	put $PARAMS/signal_after 2
	put $PARAMS/stall_warning 0
	asleep sleep 1
	load klpt_p1 spec=klpt_target:klpt_sleep
	only_left klpt_p1 1 "$pid"
	until_true "the nudge" nudge_is_reported
	no_message "$STALLED"
	put $PARAMS/stall_warning 1
	until_true "the warning, switched on late" warned
}

nudge_is_reported() {
	[[ "$(lines 'signaling remaining tasks')" != 0 ]]
}

# Whatever is on its stack, there is no place that would be in the way.
stall_without_a_place() {
	nudge_soon
	asleep sleep 1
	load klpt_p1 spec=klpt_target:klpt_value leave_kernel=1
	only_left klpt_p1 1 "$pid"
	put $PARAMS/stall_warning 1
	until_true "the warning" warned
	message "livepatch: 'klpt_p1': blocked by task $COMM/$pid: waits for kernel exit\$"
}

stall_by_a_kthread() {
	put $PARAMS/stall_warning 1
	kthread sleep
	until_true "the kthread to fall asleep" is_waiting 6 1
	load klpt_p1 spec=klpt_target:klpt_sleep
	until_true "the warning" warned
	message "livepatch: 'klpt_p1': blocked by task klpt_kthread/$pid: on stack: klpt_sleep\\+"
	wake 6
	until_true "the transition to end" settled klpt_p1
}

pending_counts_down() {
	local all=() i

	patch klpt_p2 spec=klpt_target:klpt_value
	is "$(stat -c %a $LP/klpt_p2/pending)" 444 "mode of pending"
	for i in 1 2 3; do
		asleep sleep $i
		all+=("$pid")
	done
	load klpt_p1 spec=klpt_target:klpt_sleep
	only_left klpt_p1 1 "${all[@]}"
	for i in 3 2 1; do
		pending_is klpt_p1 $i || fail "pending with $i tasks left: $REPLY"
		pending_is klpt_p2 0 || fail "pending of a patch at rest: $REPLY"
		wake $i
		ended "${all[i - 1]}"
	done
	until_true "the transition to end" settled klpt_p1
	pending_is klpt_p1 0 || fail "pending at rest: $REPLY"
}

# readable PATCH: all its files; nothing that the core holds for long may be in the way
readable() {
	local file

	for file in enabled transition pending forced replace; do
		get "$LP/$1/$file"
		[[ "$REPLY" =~ ^[0-9]+$ ]] || fail "$file of $1 reads '$REPLY'"
	done
}

# A callback may take as long as it likes, with the core's lock held.
readable_in_a_callback() {
	patch klpt_p1 spec=klpt_target:klpt_value callbacks=1 hold=3
	echo 0 > $LP/klpt_p1/enabled &
	pid=$!
	until_true "the callback to run" is_waiting 3 1
	readable klpt_p1
	has $LP/klpt_p1/transition 1 || fail "transition in a callback: $REPLY"
	has $LP/klpt_p1/enabled 0 || fail "enabled in a callback: $REPLY"
	has $LP/klpt_p1/forced 0 || fail "forced in a callback: $REPLY"
	wake 3
	wait "$pid" || fail "disabling failed"
	until_true "the patch to be disabled" gone $LP/klpt_p1
}

# Tasks that are born while the list of tasks is gone through do not hold the transition up, and
# the transition does not keep tasks from being born: the counters of the storms go up.
storm_of_tasks() {
	local i n p sleeper born storms=()

	for i in 1 2; do
		(
			n=0
			while pause; do
				(: & :)
				echo $((++n)) > "$tmp/storm.$i"
			done
		) &
		storms+=($!)
		echo $! >> "$tmp/pids"
	done
	asleep sleep 1
	sleeper=$pid
	for n in 1 2 3; do
		load klpt_p1 'spec=vmlinux:cmdline_proc_show;klpt_target:klpt_value,klpt_sleep'
		until_true "all but $sleeper to move" pending_is klpt_p1 1
		for i in 1 2; do
			get "$tmp/storm.$i"
			born=${REPLY:-0}
			until_true "storm $i to go on" storm_is_at "$i" $((born + 3))
			readable klpt_p1
			has $LP/klpt_p1/transition 1 || fail "the transition has ended"
		done
		put $LP/klpt_p1/enabled 0
		until_true "the patch to be withdrawn" gone $LP/klpt_p1
		unload klpt_p1
	done
	load klpt_p1 spec=klpt_target:klpt_value,klpt_sleep
	wake 1
	until_true "the transition to end" settled klpt_p1
	returns value 1
	remove klpt_p1
	for p in "${storms[@]}"; do
		[[ -d /proc/$p ]] || fail "storm $p has ended"
	done
}

# storm_is_at NUMBER BORN, or further
storm_is_at() {
	get "$tmp/storm.$1"
	((${REPLY:-0} >= $2))
}

it last_task_ends_it "the last task that moves ends the transition itself"
it others_are_waited_for "the first of two does not"
it others_are_let_be "tasks that have changed over are not looked at again"
it not_signalled_early "tasks are not signalled before it is time"
it signal_after_is_lowered "signal_after takes effect while a transition is going on"
it signalled_again "tasks are nudged again and again, and the log says so once"
it stall_is_reported "a stall is reported once, with the first five tasks by name"
it stall_is_not_reported "stall_warning 0 switches the report off, and on again at any time"
it stall_without_a_place "a task that has to leave the kernel is named without a place"
it stall_by_a_kthread "a kthread that stalls is named"
it pending_counts_down "pending counts down, for the patch in transition alone"
it readable_in_a_callback "sysfs can be read while a callback takes its time"
it storm_of_tasks "a storm of short-lived tasks: transitions end, sysfs can be read, tasks are born"
klpt_main
