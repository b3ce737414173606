#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Who else may hook a patched function, and what do they see? Everybody, in any order, sees each
# call once, and what it really returned; refused is what stock livepatch refuses, too: whoever
# wants to change the instruction pointer, and direct calls that cannot share the function.
#
# All of this holds for calls that livepatch's own trampoline diverts, and for those that it leaves
# to ftrace's and a handler in C.

. "$(dirname "$0")/klpt.sh"

CALLS=50

# Those who may hook a function beside a livepatch.
hooks='function regs kprobe kretprobe fprobe'
# On a replacement, on which there is no patch, even these.
more_hooks='post'
if [[ $(uname -m) == x86_64 ]]; then
	hooks+=' shared'
	more_hooks+=' direct'
fi

probe() {
	how=$2
	load klpt_probe function="$1" how="$how"
}

# make_calls RESULT: all calls of klpt_value() return RESULT
make_calls() {
	log_clear
	put $TARGET/call "values $CALLS"
	log_is "klpt_target values $(($1 * CALLS))"
}

# calls_seen RESULT CALLS WHEN: klpt_value() returns RESULT, and so many calls of CALLS are seen
calls_seen() {
	local entries returns

	probed hits
	entries=$REPLY
	probed returns
	returns=$REPLY
	make_calls "$1"
	probed hits
	is $((REPLY - entries)) "$2" "calls that $how saw $3"
	if [[ $how == kretprobe || $how == fprobe ]]; then
		probed returns
		is $((REPLY - returns)) "$2" "returns that $how saw $3"
		probed seen
		(($2 == 0)) || is "$REPLY" "$1" "what $how saw klpt_value() return $3"
	fi
	returns value "$1" "with $how $3"
}

# sees RESULT WHEN
sees() {
	calls_seen "$1" $CALLS "$2"
}

before_patch() {
	local hook

	for hook in $hooks; do
		probe klpt_target:klpt_value "$hook"
		sees 0 "before"
		patch klpt_p1 spec=klpt_target:klpt_value
		sees 1 "while patched"
		replaced_by klpt_p1 klpt_p2 spec=klpt_target:klpt_value
		sees 2 "after replacing"
		remove klpt_p2
		sees 0 "after the patch"
		patch klpt_p1 spec=klpt_target:klpt_value
		sees 1 "patched again"
		rmmod klpt_probe
		returns value 1 "without $hook"
		remove klpt_p1
		returns value 0 "without $hook"
		unhooked klpt_value
	done
}

after_patch() {
	local hook

	for hook in $hooks; do
		patch klpt_p1 spec=klpt_target:klpt_value
		returns value 1 "before $hook"
		probe klpt_target:klpt_value "$hook"
		sees 1 "that came later"
		rmmod klpt_probe
		returns value 1 "without $hook"
		probe klpt_target:klpt_value "$hook"
		sees 1 "that came again"
		replaced_by klpt_p1 klpt_p2 spec=klpt_target:klpt_value
		sees 2 "after replacing"
		remove klpt_p2
		sees 0 "after the patch"
		rmmod klpt_probe
		unhooked klpt_value
	done
}

on_replacement() {
	local hook

	for hook in $hooks $more_hooks; do
		patch klpt_p1 spec=klpt_target:klpt_value
		probe klpt_p1:new_value "$hook"
		sees 1 "on the replacement"
		# Another world, another function: the old replacement is not called any more.
		patch klpt_p2 spec=klpt_target:klpt_value replace=1
		calls_seen 2 0 "on what has been replaced"
		rmmod klpt_probe
		until_true "klpt_p1 to leave sysfs" gone $LP/klpt_p1
		unload klpt_p1
		remove klpt_p2
		returns value 0
	done
}

# traced_by TRACER FUNCTION RESULT: all calls are in the trace, once
traced_by() {
	local pattern="$2( \[[a-z0-9_]+\])? <-" found

	[[ $1 == function ]] || pattern="[ |]$2( \[[a-z0-9_]+\])?\(\)"
	echo > $TRACING/trace
	make_calls "$3"
	found=$(grep -Ec "$pattern" $TRACING/trace)
	is "$found" "$CALLS" "calls of $2() in the trace of $1"
}

start_tracer() {
	put $TRACING/set_ftrace_filter "$2"
	echo "$1" > $TRACING/current_tracer || fail "no tracer $1"
}

tracer_first() {
	local tracer

	for tracer in function function_graph; do
		start_tracer $tracer 'klpt_value klpt_other'
		traced_by $tracer klpt_value 0
		patch klpt_p1 spec=klpt_target:klpt_value
		traced_by $tracer klpt_value 1
		returns value 1 "with $tracer"
		replaced_by klpt_p1 klpt_p2 spec=klpt_target:klpt_value
		traced_by $tracer klpt_value 2
		returns value 2 "with $tracer"
		remove klpt_p2
		traced_by $tracer klpt_value 0
		returns value 0 "with $tracer"
		echo nop > $TRACING/current_tracer
	done
}

tracer_later() {
	local tracer where

	for tracer in function function_graph; do
		patch klpt_p1 spec=klpt_target:klpt_value
		for where in klpt_value new_value; do
			start_tracer $tracer $where
			traced_by $tracer $where 1
			returns value 1 "with $tracer on $where()"
			echo nop > $TRACING/current_tracer
			returns value 1 "without $tracer"
		done
		start_tracer $tracer klpt_value
		remove klpt_p1
		traced_by $tracer klpt_value 0
		echo nop > $TRACING/current_tracer
		returns value 0 "without $tracer"
	done
}

# A tracer, returns diverted twice, a kprobe and a patch, all on one function.
everybody() {
	local hook

	for hook in $hooks; do
		start_tracer function_graph klpt_value
		echo "p:klpt/old klpt_target:klpt_value" > $TRACING/kprobe_events ||
			fail "no kprobe event"
		echo 1 > $TRACING/events/klpt/old/enable
		probe klpt_target:klpt_value "$hook"
		patch klpt_p1 spec=klpt_target:klpt_value
		echo > $TRACING/trace
		sees 1 "among others"
		is "$(grep -c 'old: (klpt_value' $TRACING/trace)" $((CALLS + 1)) "kprobe events"
		traced_by function_graph klpt_value 1
		remove klpt_p1
		sees 0 "among others, after the patch"
		rmmod klpt_probe
		echo 0 > $TRACING/events/klpt/old/enable
		echo > $TRACING/kprobe_events
		echo nop > $TRACING/current_tracer
		unhooked klpt_value
	done
}

# More than registers hold: nobody disturbs the arguments, alone or among others.
arguments() {
	local want hook

	get $TARGET/args
	want=$REPLY
	patch klpt_p1 spec=klpt_target:klpt_args
	returns args $((want + 1000)) "patched"
	for hook in $hooks; do
		probe klpt_target:klpt_args "$hook"
		returns args $((want + 1000)) "with $hook"
		rmmod klpt_probe
		returns args $((want + 1000)) "without $hook"
	done
}

refusals() {
	local hook

	for hook in post ${more_hooks/post/}; do
		patch klpt_p1 spec=klpt_target:klpt_value
		probe_refused klpt_target:klpt_value "$hook"
		returns value 1 "after refusing $hook"
		remove klpt_p1
		probe klpt_target:klpt_value "$hook"
		refused klpt_p1 "Device or resource busy" spec=klpt_target:klpt_value
		sees 0 "after the refusal"
		rmmod klpt_probe
	done
}

# Whoever is told to come and go is in the middle of it when its module is removed.
unloading() {
	local writer i

	patch klpt_p1 spec=klpt_target:klpt_value
	for i in {1..10}; do
		probe klpt_target:klpt_value function
		echo 300 > /sys/module/klpt_probe/parameters/cycles 2> "$tmp/error" &
		writer=$!
		sleep 0.3
		rmmod klpt_probe || fail "klpt_probe was not removed, round $i"
		wait "$writer" && fail "klpt_probe came and went 300 times in 0.3 s, round $i"
		make_calls 1
	done
}

# path_is PATTERN: how ftrace leads calls of klpt_value() on, without blanks
path_is() {
	local path

	path=$(grep '^klpt_value ' $TRACING/enabled_functions | tr -d ' \t')
	matches "$path" "$1" "calls of klpt_value() as enabled_functions has them"
}

# One symbol of livepatch's is the trampoline, or ftrace has made one that has no name; elsewhere
# ftrace has one for all, and does not tell.
path() {
	local alone='tramp:0x[0-9a-f]+\(klp_' both='\(2\)R?IM?->[a-z_]*ops_list_func'

	if [[ $(uname -m) != x86_64 ]]; then
		alone='\(1\)R?IM?$'
		both='\(2\)R?IM?$'
	fi
	if has $TRAMPOLINE Y; then
		alone='tramp:klp_[a-z_]+\+0x0/0x[0-9a-f]+\(klp_'
	fi
	patch klpt_p1 spec=klpt_target:klpt_value
	path_is "$alone"
	probe klpt_target:klpt_value function
	path_is "$both"
	sees 1 "beside the patch"
	rmmod klpt_probe
	path_is "$alone"
	returns value 1
}

# Who has hooked a function stays behind when the module goes, patched as it is. (A direct call
# would be found again in what comes to the same place: its owner makes sure that the module stays.)
module_goes() {
	local hook

	patch klpt_p1 spec=klpt_extra:klpt_value
	load klpt_extra
	for hook in filter ${hooks/shared/}; do
		is "$(cat $EXTRA/value)" 1 "klpt_value() of klpt_extra, before $hook"
		probe klpt_extra:klpt_value "$hook"
		rmmod klpt_extra
		rmmod klpt_probe
		load klpt_extra
	done
	is "$(cat $EXTRA/value)" 1 "klpt_value() of klpt_extra in the end"
}

both_ways path "ftrace leads calls straight on while there is nobody else"
both_ways before_patch "each kind of hook is there first"
both_ways after_patch "each kind of hook comes to a patched function"
both_ways on_replacement "each kind of hook on the replacement"
both_ways tracer_first "function and function_graph tracer are there first"
both_ways tracer_later "function and function_graph tracer come to a patched function"
both_ways everybody "a tracer, a kprobe and each kind of hook on one patched function"
both_ways arguments "arguments arrive"
it unloading "a hook that comes and goes all the time is unloaded"
both_ways module_goes "the module goes before its hook, in each way"
both_ways refusals "refused: kprobes with a post handler, direct calls that cannot share"
klpt_main
