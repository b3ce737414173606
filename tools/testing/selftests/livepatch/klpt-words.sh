#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Most tasks change over because no word of their memory leads to code that they have to leave.
# Where a task returns to such code although no word of its stack does, is it held back? Where a
# word does although the task never returns there, is it moved?

. "$(dirname "$0")/klpt.sh"

OPTIMIZE=/proc/sys/debug/kprobes-optimization
FILL_OFFSET=/sys/module/klpt_target/parameters/fill_offset
PLANTERS=20

# What returns to call_write() waits in a list of the tracer; nothing else of it is on the stack.
held_back() {
	load klpt_p1 spec=klpt_target:klpt_value,+call_write
	only_left klpt_p1 1 "$pid"
	wake 1
	until_true "the transition to end" settled klpt_p1
	ended "$pid"
	remove klpt_p1
}

probed_below() {
	load klpt_probe function=klpt_target:klpt_sleep how="$1"
	asleep sleep 1
	held_back
	rmmod klpt_probe
}

kretprobe_below() { probed_below kretprobe; }
fprobe_below() { probed_below fprobe; }

trace_sleep() {
	put $TRACING/set_ftrace_filter klpt_sleep
	echo function_graph > $TRACING/current_tracer || fail "no tracer function_graph"
}

graph_below() {
	trace_sleep
	asleep sleep 1
	held_back
}

# The tracer has gone and has left in its list what it has taken.
graph_gone() {
	trace_sleep
	asleep sleep 1
	echo nop > $TRACING/current_tracer
	held_back
}

optimized() {
	grep -q "^${1#0x} .*\[OPTIMIZED\]" /sys/kernel/debug/kprobes/list
}

# Wherever it is interrupted, the task runs a copy that kprobes have made of an instruction of
# klpt_fill(), which it has entered by a jump.
in_detour() {
	local place

	place=$(address_of klpt_fill klpt_target)
	printf -v place %x $((place + $(< $FILL_OFFSET)))
	put $OPTIMIZE 1
	load klpt_probe address="0x$place" how=kprobe
	until_true "the kprobe to be optimised" optimized "$place"
	call fill
	until_true "the task to pass the kprobe" passed
	load klpt_p1 spec=klpt_target:klpt_value,+klpt_fill
	only_left klpt_p1 1 "$pid"
	kill -KILL "$pid"
	until_true "the transition to end" settled klpt_p1
	ended "$pid"
	remove klpt_p1
	rmmod klpt_probe
}

passed() {
	probed hits
	((REPLY > 0))
}

asleep_in_select() {
	local name state rest

	read -r _ name state rest < "/proc/$1/stat" && [[ $name == '(klpt_plant)' && $state == S ]]
}

# Any user can do that, and hold nobody up: it takes the unwinder to find out, that is all.
planted() {
	local place planter i

	place=$(address_of klpt_value klpt_target)
	for ((i = 0; i < PLANTERS; i++)); do
		./klpt_plant "$place" > "$tmp/planted" &
		planter=$!
		disown $planter
		echo $planter >> "$tmp/pids"
		until_true "the word to be on a stack" asleep_in_select $planter
	done
	patch klpt_p1 spec=klpt_target:klpt_value
	statistic klpt_p1 unwound
	((REPLY >= PLANTERS)) || fail "$REPLY stacks were unwound, and $PLANTERS have the word"
	remove klpt_p1
}

# No unwinder gets past its stack, but wherever it may return to, that is not in the function.
strange_elsewhere() {
	local TARGET=/proc/klpt_mix

	load klpt_mix
	asleep strange 1
	patch klpt_p1 spec=klpt_target:klpt_value
	is_waiting 1 1 || fail "looking has woken the task up"
	wake 1
	ended "$pid"
	remove klpt_p1
}

it kretprobe_below "where a kretprobe has taken a return address from the stack"
it fprobe_below "where an fprobe has"
it graph_below "where function_graph has"
it graph_gone "where it has and is gone"
if [[ $(uname -m) == x86_64 ]] && preemptible && [[ -e $OPTIMIZE ]]; then
	it in_detour "a task in code that kprobes have made of the function"
fi
[[ $(uname -m) != x86_64 ]] ||
	it strange_elsewhere "a stack that cannot be unwound, and no word of it leads there"
it planted "words that users have put on their stacks hold nobody up"
klpt_main
