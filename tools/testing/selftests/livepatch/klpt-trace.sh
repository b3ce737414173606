#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Does each trace event fire when it should, with fields that are right?

. "$(dirname "$0")/klpt.sh"

ALL="klp_transition_begin klp_transition_reverse klp_transition_force klp_transition_settle
	klp_task_switch klp_task_blocked klp_hook_batch klp_state_callback klp_shadow_collect"

# story: what was traced but for tasks, without numbers that nobody knows before
story() {
	events . | grep -v '^klp_task_' |
		sed 's/duration=[1-9][0-9]* ns rounds=[1-9][0-9]*$/duration=N ns rounds=N/'
}

formats() {
	local event

	is "$(cd $TRACING/events/livepatch && printf '%s\n' klp_*)" \
		"$(tr -s ' \t' '\n' <<< "$ALL" | sort)" "events"
	# Scripts of others depend on these.
	fields_are klp_transition_begin "patch target"
	fields_are klp_transition_reverse "patch target"
	fields_are klp_transition_force "patch target"
	fields_are klp_transition_settle "patch target duration rounds"
	fields_are klp_task_switch "comm pid target how"
	fields_are klp_task_blocked "comm pid verdict func"
	fields_are klp_hook_batch "functions ret"
	fields_are klp_state_callback "patch state callback ret"
	fields_are klp_shadow_collect "id count"
}

# fields_are EVENT NAMES: but for those that all events have
fields_are() {
	is "$(sed -n '/^$/,/^$/s/.*[ *]\([a-z]*\)\(\[[^]]*\]\)\?;\toffset.*/\1/p' \
		"$TRACING/events/livepatch/$1/format" | tr '\n' ' ')" "$2 " "fields of $1"
}

# shellcheck disable=SC2086 # a list of words
life_of_a_patch() {
	local me=$BASHPID

	traced $ALL
	patch klpt_p1 'spec=vmlinux:cmdline_proc_show;klpt_target:klpt_value,klpt_other'
	disable klpt_p1
	is "$(story)" "klp_hook_batch: functions=3 ret=0
klp_transition_begin: patch=klpt_p1 target=patched
klp_transition_settle: patch=klpt_p1 target=patched duration=N ns rounds=N
klp_transition_begin: patch=klpt_p1 target=unpatched
klp_transition_settle: patch=klpt_p1 target=unpatched duration=N ns rounds=N" events
	# Every task that there is moves, between those two lines, this shell for one.
	is "$(events '^klp_task_switch: .* target=patched how=' | grep -c " pid=$me ")" 1 \
		"times that this shell has moved to the patch"
	is "$(events "^klp_t" | sed -n '1s/: .*//p;$s/: .*//p' | tr '\n' ' ')" \
		"klp_transition_begin klp_transition_settle " "first and last event"
}

# shellcheck disable=SC2086
module_comes() {
	patch klpt_p1 'spec=klpt_extra:klpt_value,klpt_other;vmlinux:cmdline_proc_show'
	traced $ALL
	load klpt_extra
	is "$(story)" "klp_hook_batch: functions=2 ret=0" events
}

# shellcheck disable=SC2086
ftrace_refuses() {
	traced $ALL
	load klpt_probe function=klpt_target:klpt_other how=direct
	refused klpt_p1 "Device or resource busy" spec=klpt_target:klpt_value,klpt_other
	is "$(story | sed 's/duration=[0-9]* ns/duration=N ns/')" \
		"klp_hook_batch: functions=2 ret=-16
klp_transition_settle: patch=klpt_p1 target=unpatched duration=N ns rounds=0" events
}

# shellcheck disable=SC2086
reversed() {
	local me=$BASHPID

	traced $ALL
	asleep sleep 1
	load klpt_p1 spec=klpt_target:klpt_value,klpt_sleep
	only_left klpt_p1 1 "$pid"
	put $LP/klpt_p1/enabled 0
	until_true "the patch to be withdrawn" gone $LP/klpt_p1
	is "$(story)" "klp_hook_batch: functions=2 ret=0
klp_transition_begin: patch=klpt_p1 target=patched
klp_transition_reverse: patch=klpt_p1 target=unpatched
klp_transition_settle: patch=klpt_p1 target=unpatched duration=N ns rounds=N" events
	count_events "^klp_task_switch: .* pid=$pid "
	is "$REPLY" 0 "moves of a task that has stayed"
	count_events "^klp_task_switch: .* pid=$me target=unpatched "
	is "$REPLY" 1 "moves of this shell back to the original"
}

# Once for each task and reason, however often it is looked at.
blocked() {
	local first second func='klpt_sleep\+0x[0-9a-f]+/0x[0-9a-f]+ \[klpt_target\]'

	asleep sleep 1
	first=$pid
	asleep sleep 2
	second=$pid
	traced klp_task_blocked klp_task_switch
	load klpt_p1 spec=klpt_target:klpt_value,klpt_sleep
	only_left klpt_p1 1 "$first" "$second"
	until_true "some rounds" rounds_are_more_than klpt_p1 4
	for pid in $first $second; do
		matches "$(events "^klp_task_blocked: .* pid=$pid ")" \
			"^klp_task_blocked: comm=$COMM pid=$pid verdict=on stack func=$func\$" \
			"events of task $pid"
	done
	wake 1
	ended "$first"
	only_left klpt_p1 1 "$second"
	is "$(events "^klp_task_switch: .* pid=$first ")" \
		"klp_task_switch: comm=$COMM pid=$first target=patched how=exit" "the first task"
	count_events "^klp_task_switch: .* pid=$second "
	is "$REPLY" 0 "moves of the second task"
	# In another transition it is news again.
	put $LP/klpt_p1/enabled 0
	until_true "the patch to be withdrawn" gone $LP/klpt_p1
	unload klpt_p1
	traced klp_task_blocked
	load klpt_p1 spec=klpt_target:klpt_value,klpt_sleep
	only_left klpt_p1 1 "$second"
	until_true "the task to be traced" has_event "^klp_task_blocked: .* pid=$second "
}

# Asleep, busy in the kernel, in the idle loop, on the way to user mode.
ways_to_move() {
	local sleeper worker me=$BASHPID

	asleep sleep 1
	sleeper=$pid
	kthread inside
	worker=$pid
	traced klp_task_switch
	put $PARAMS/signal_after 1
	patch klpt_p1 spec=klpt_target:klpt_kthread_body
	is "$(events "^klp_task_switch: .* pid=$sleeper ")" \
		"klp_task_switch: comm=$COMM pid=$sleeper target=patched how=stack" "who sleeps"
	matches "$(events "^klp_task_switch: .* pid=$worker ")" \
		"^klp_task_switch: comm=klpt_kthread pid=$worker target=patched how=(resched|stack)\$" \
		"who is woken up"
	matches "$(events "^klp_task_switch: comm=swapper/0 ")" \
		"^klp_task_switch: comm=swapper/0 pid=0 target=patched how=(idle|stack)\$" "the idle task"
	matches "$(events "^klp_task_switch: .* pid=$me ")" \
		"^klp_task_switch: comm=$COMM pid=$me target=patched how=(stack|exit)\$" \
		"this shell"
}

# Between a function and its replacement there is a way to go, and some are preempted on it: of those
# who call it all the time, sooner or later one when it is looked at. The trampoline is short, and who
# is there is mostly seen in itself; the way to the C handler is seen by who called it.
on_the_way() {
	local i seen='^klp_task_blocked: .* verdict=diverted, not yet arrived '

	seen+='func=(klpt_value\+.*\]|klp_trampoline\+.*)$'

	traced klp_task_blocked
	for i in 1 2 3 4; do
		while :; do
			echo values 50000 > $TARGET/call
		done &
		echo $! >> "$tmp/pids"
	done
	until_true "a caller to be on its way" met_on_the_way "$seen"
}

# met_on_the_way PATTERN: a patch comes and goes, with such an event
met_on_the_way() {
	patch klpt_p1 spec=klpt_target:klpt_value
	remove klpt_p1
	has_event "$1"
}

busy_in_the_kernel() {
	call busy 0
	traced klp_task_switch
	patch klpt_p1 spec=klpt_target:klpt_value
	matches "$(events "^klp_task_switch: .* pid=$pid ")" \
		"^klp_task_switch: comm=$COMM pid=$pid target=patched how=(resched|stack)\$" \
		"who never leaves the kernel"
}

forced() {
	asleep sleep 1
	traced klp_transition_force klp_task_switch klp_transition_settle
	load klpt_p1 spec=klpt_target:klpt_sleep
	only_left klpt_p1 1 "$pid"
	put $LP/klpt_p1/force 1
	until_true "the forced transition to end" settled klpt_p1
	is "$(events . | tail -3 | sed 's/duration=.*//')" \
		"klp_transition_force: patch=klpt_p1 target=patched
klp_task_switch: comm=$COMM pid=$pid target=patched how=forced
klp_transition_settle: patch=klpt_p1 target=patched " events
}

# State 1 has a shadow type, 7; state 2 has none.
states() {
	traced klp_state_callback klp_shadow_collect
	patch klpt_s1 states=1:0,2:0 rows=1:7,2 variables=3
	is "$(events .)" "klp_state_callback: patch=klpt_s1 state=1 callback=pre_patch ret=0
klp_state_callback: patch=klpt_s1 state=2 callback=pre_patch ret=0
klp_state_callback: patch=klpt_s1 state=1 callback=post_patch ret=0
klp_state_callback: patch=klpt_s1 state=2 callback=post_patch ret=0" "events, enabling"
	echo > $TRACING/trace
	disable klpt_s1
	is "$(events .)" "klp_state_callback: patch=klpt_s1 state=2 callback=pre_unpatch ret=0
klp_state_callback: patch=klpt_s1 state=1 callback=pre_unpatch ret=0
klp_state_callback: patch=klpt_s1 state=2 callback=post_unpatch ret=0
klp_state_callback: patch=klpt_s1 state=1 callback=post_unpatch ret=0
klp_shadow_collect: id=7 count=3" "events, disabling"
	unload klpt_s1
	echo > $TRACING/trace
	refused klpt_s1 "No such device" states=1:0,2:0 fail=2
	is "$(events . | head -2)" "klp_state_callback: patch=klpt_s1 state=1 callback=pre_patch ret=0
klp_state_callback: patch=klpt_s1 state=2 callback=pre_patch ret=-19" "events, refused"
}

# The transition does not depend on anybody listening, nor on when.
switched_on_late() {
	# None at first, whatever the test before has left on.
	traced
	asleep sleep 1
	load klpt_p1 spec=klpt_target:klpt_sleep
	only_left klpt_p1 1 "$pid"
	traced klp_task_blocked klp_transition_settle
	until_true "the task to be traced" has_event "^klp_task_blocked: .* pid=$pid "
	wake 1
	until_true "the transition to end" settled klpt_p1
	until_true "the end to be traced" has_event "^klp_transition_settle: patch=klpt_p1 "
}

it formats "names of events and fields are what they were"
it life_of_a_patch "a patch that comes and goes"
it module_comes "a module that comes"
[[ $(uname -m) != x86_64 ]] || it ftrace_refuses "ftrace refuses a function"
it reversed "a transition is reversed"
it blocked "a task that is in the way, once for each reason"
it ways_to_move "tasks that sleep, are idle, are woken up"
! busy_is_seen || it busy_in_the_kernel "a task that never leaves the kernel"
preemptible && both_ways on_the_way "a task that is on its way to a replacement"
it forced "a forced transition"
it states "callbacks of system states, and shadow variables that are collected"
it switched_on_late "events that are switched on in the middle"
klpt_main
