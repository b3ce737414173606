#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What can a call see that is under way while bar() is patched? A system call calls bar(), foo() and
# bar(), and foo() calls bar() twice; all of them sleep in between.
#
#			one foo() sees both	one system call sees both
#	by default	yes			yes
#	foo() guarded	no			yes
#	leave_kernel	no			no
#
# One task sleeps where a mix happens if it can, so that "yes" does not depend on luck. For "no",
# four more tasks make thousands of calls while the patch is enabled, disabled and turned back.

. "$(dirname "$0")/klpt.sh"

CALLS=3000

# The three forms: parameters of the patch.
default="spec=klpt_mix:klpt_mix_bar=klpt_bar"
guarded="$default,+klpt_mix_foo"

# slow CHANNEL: a system call that sleeps twice, in foo() and behind it; its task is $pid
slow() {
	local TARGET=/proc/klpt_mix

	asleep mix "$1"
}

# on_to_next CHANNEL: from the first sleep to the second
on_to_next() {
	local before

	slept "$1"
	before=$REPLY
	wake "$1"
	until_true "the call to get behind foo()" has_slept "$1" $((before + 1))
}

# mixes "CALLS FOO SYSCALLS": patterns
mixes() {
	get /proc/klpt_mix/count
	note "calls of foo(), mixed ones, mixed system calls: $REPLY"
	matches "$REPLY" "^$1\$" "calls, mixed foo(), mixed system calls"
}

storm() {
	local i

	for i in 1 2 3 4; do
		(while :; do echo "mix 0" > /proc/klpt_mix/call; done) 2>/dev/null &
		echo $! >> "$tmp/pids"
	done
}

calls_are_more_than() {
	local calls rest

	read -r calls rest < /proc/klpt_mix/count
	((calls > $1))
}

# More calls than there have been.
calls_go_on() {
	local calls rest

	read -r calls rest < /proc/klpt_mix/count
	until_true "calls to go on" calls_are_more_than $((calls + 100))
}

# in_the_way PID WORLD: it is waited for in the transition to WORLD
in_the_way() {
	is "$(world "$1")" $((1 - $2)) "world of task $1"
	has $LP/klpt_p1/transition 1 || fail "the transition ended although task $1 was in the way"
}

# finish CHANNEL PID: a call of slow()
finish() {
	on_to_next "$1"
	wake "$1"
	ended "$2"
}

# turns WORLD: the transition to WORLD, and turned back twice. It has just begun, and task $pid on
# channel 1 is in the way; a second task sees to it that turning back takes time, too.
turns() {
	local first=$pid

	calls_go_on
	in_the_way "$first" "$1"
	slow 2
	put $LP/klpt_p1/enabled $((1 - $1))
	calls_go_on
	in_the_way "$pid" $((1 - $1))
	put $LP/klpt_p1/enabled "$1"
	calls_go_on
	in_the_way "$first" "$1"
	finish 1 "$first"
}

# back_and_forth FOO SYSCALLS PARAMETER...: patterns for the number of mixes of both kinds
back_and_forth() {
	load klpt_mix
	storm
	calls_go_on

	slow 1
	load klpt_p1 "${@:3}"
	turns 1
	until_true "the patch to be enabled" settled klpt_p1
	finish 2 "$pid"
	calls_go_on

	slow 1
	put $LP/klpt_p1/enabled 0
	turns 0
	until_true "the patch to be disabled" gone $LP/klpt_p1
	finish 2 "$pid"

	until_true "$CALLS calls" calls_are_more_than $CALLS
	mixes "[0-9]+ $1 $2"
}

default_enable() {
	load klpt_mix
	slow 1
	patch klpt_p1 "$default"
	on_to_next 1
	wake 1
	ended "$pid"
	mixes "1 1 1"
}

default_disable() {
	load klpt_mix
	patch klpt_p1 "$default"
	slow 1
	disable klpt_p1
	on_to_next 1
	wake 1
	ended "$pid"
	mixes "1 1 1"
}

# The task moves behind foo(): the system call sees both, foo() does not.
guard_enable() {
	load klpt_mix
	slow 1
	load klpt_p1 "$guarded"
	only_left klpt_p1 1 "$pid"
	on_to_next 1
	until_true "the transition to end" settled klpt_p1
	wake 1
	ended "$pid"
	mixes "1 0 1"
}

guard_disable() {
	load klpt_mix
	patch klpt_p1 "$guarded"
	slow 1
	put $LP/klpt_p1/enabled 0
	only_left klpt_p1 0 "$pid"
	on_to_next 1
	until_true "the patch to be disabled" gone $LP/klpt_p1
	wake 1
	ended "$pid"
	mixes "1 0 1"
}

guard_storm() {
	back_and_forth 0 '[0-9]+' "$guarded"
}

leave_enable() {
	nudge_soon
	load klpt_mix
	slow 1
	load klpt_p1 "$default" leave_kernel=1
	only_left klpt_p1 1 "$pid"
	on_to_next 1
	only_left klpt_p1 1 "$pid"
	wake 1
	ended "$pid"
	until_true "the transition to end" settled klpt_p1
	mixes "1 0 0"
}

leave_disable() {
	nudge_soon
	load klpt_mix
	patch klpt_p1 "$default" leave_kernel=1
	slow 1
	put $LP/klpt_p1/enabled 0
	only_left klpt_p1 0 "$pid"
	on_to_next 1
	only_left klpt_p1 0 "$pid"
	wake 1
	ended "$pid"
	until_true "the patch to be disabled" gone $LP/klpt_p1
	mixes "1 0 0"
}

leave_storm() {
	nudge_soon
	back_and_forth 0 0 "$default" leave_kernel=1
}

it default_enable "by default, enabling: one foo() sees both"
it default_disable "by default, disabling: one foo() sees both"
it guard_enable "foo() guarded, enabling: foo() sees one, its caller both"
it guard_disable "foo() guarded, disabling: foo() sees one, its caller both"
it guard_storm "foo() guarded: no foo() of thousands sees both, in both directions and reversed"
it leave_enable "leave_kernel, enabling: a system call sees one"
it leave_disable "leave_kernel, disabling: a system call sees one"
it leave_storm "leave_kernel: no system call of thousands sees both, in both directions, reversed"
klpt_main
