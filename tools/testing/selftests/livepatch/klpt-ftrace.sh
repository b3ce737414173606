#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Does a patched function stay patched, and traced, when others hook it as well?

. "$(dirname "$0")/klpt.sh"

trace_functions() {
	put $TRACING/set_ftrace_filter "$1"
	echo "$2" > $TRACING/current_tracer || fail "no tracer $2"
	echo > $TRACING/trace
}

traced() {
	cat $TARGET/value $TARGET/other > /dev/null
	grep -q "$1" $TRACING/trace || fail "$1() is not in the trace"
}

probe() {
	load klpt_probe function="$1" how="$2"
}

hits() {
	cat /sys/module/klpt_probe/parameters/hits
}

is_hit() {
	local before

	before=$(hits)
	cat $TARGET/value > /dev/null
	(($(hits) > before)) || fail "klpt_value() was called behind the back of klpt_probe $1"
}

disabled_while_patched() {
	local out

	patch klpt_p1 spec=klpt_target:klpt_value
	if out=$(sysctl -w kernel.ftrace_enabled=0 2>&1); then
		fail "ftrace could be disabled"
	fi
	matches "$out" "Device or resource busy" "error of disabling ftrace"
	is "$(sysctl -n kernel.ftrace_enabled)" 1 "kernel.ftrace_enabled"
	returns value 1
	disable klpt_p1
	sysctl -q -w kernel.ftrace_enabled=0 || fail "ftrace cannot be disabled without a patch"
	sysctl -q -w kernel.ftrace_enabled=1
}

# Kernels that have no switch for it any more have the file all the same.
never_disabled() {
	local out

	patch klpt_p1 spec=klpt_target:klpt_value
	out=$(sysctl -w kernel.ftrace_enabled=0 2>&1)
	matches "$out" "Operation not supported|Device or resource busy" "error of disabling ftrace"
	is "$(sysctl -n kernel.ftrace_enabled)" 1 "kernel.ftrace_enabled"
	returns value 1
	patch klpt_p2 spec=klpt_target:klpt_other
	returns other 2
}

patched_while_disabled() {
	sysctl -q -w kernel.ftrace_enabled=0
	refused klpt_p1 "Device or resource busy" spec=klpt_target:klpt_value
	message "livepatch: failed to register ftrace handler for function 'klpt_value' \(-16\)\$"
	message "livepatch: failed to patch object 'klpt_target'\$"
	message "livepatch: failed to enable patch 'klpt_p1'\$"
	sysctl -q -w kernel.ftrace_enabled=1
	returns value 0
	patch klpt_p1 spec=klpt_target:klpt_value
	returns value 1
}

module_while_disabled() {
	local out

	patch klpt_p1 spec=klpt_extra:klpt_value
	sysctl -q -w kernel.ftrace_enabled=0 || fail "ftrace is in use, and nothing is patched yet"
	if out=$(insmod "$MODULES/klpt_extra.ko" 2>&1); then
		fail "klpt_extra was not refused"
	fi
	matches "$out" "Device or resource busy" "error of loading klpt_extra"
	refusal klpt_p1 klpt_extra
	sysctl -q -w kernel.ftrace_enabled=1
	load klpt_extra
	extra_returns value 1
}

tracer_first() {
	trace_functions 'klpt_value klpt_other' "$1"
	traced klpt_value
	patch klpt_p1 spec=klpt_target:klpt_value
	returns value 1
	echo > $TRACING/trace
	traced klpt_value
	disable klpt_p1
	returns value 0
	echo > $TRACING/trace
	traced klpt_value
}

patch_first() {
	patch klpt_p1 spec=klpt_target:klpt_value,klpt_other
	trace_functions 'klpt_value klpt_other new_value' "$1"
	returns value 1
	traced klpt_value
	traced new_value
	# Fewer functions, with the tracer on all of them.
	patch klpt_p2 spec=klpt_target:klpt_value replace=1
	returns value 2
	returns other 0
	echo > $TRACING/trace
	traced klpt_value
	traced klpt_other
	echo nop > $TRACING/current_tracer
	returns value 2
	returns other 0
}

function_first() { tracer_first function; }
function_later() { patch_first function; }
graph_first() { tracer_first function_graph; }
graph_later() { patch_first function_graph; }

# Returns are diverted on the stack of a sleeping task: it can be read all the same.
graph_of_sleeper() {
	trace_functions 'klpt_sleep klpt_wait call_write' function_graph
	asleep sleep 1
	patch klpt_p1 spec=klpt_target:klpt_value
	returns value 1
	load klpt_p2 spec=klpt_target:klpt_sleep
	only_left klpt_p2 1 "$pid"
	wake 1
	until_true "the transition to end" settled klpt_p2
}

trace_everything() {
	local tracer i

	for tracer in function function_graph; do
		echo $tracer > $TRACING/current_tracer || fail "no tracer $tracer"
		for i in 1 2; do
			patch klpt_p1 'spec=vmlinux:cmdline_proc_show;klpt_target:klpt_value'
			is "$(cat /proc/cmdline)" klpt_p1 "/proc/cmdline with $tracer"
			remove klpt_p1
			returns value 0 "with $tracer"
		done
		echo nop > $TRACING/current_tracer
	done
}

kprobe_on_original() {
	probe klpt_target:klpt_value kprobe
	is_hit "before"
	patch klpt_p1 spec=klpt_target:klpt_value
	returns value 1
	is_hit "while patched"
	disable klpt_p1
	returns value 0
	is_hit "after"
	rmmod klpt_probe
	unload klpt_p1
	patch klpt_p1 spec=klpt_target:klpt_value
	probe klpt_target:klpt_value kprobe
	returns value 1
	is_hit "that came later"
}

kprobe_on_replacement() {
	patch klpt_p1 spec=klpt_target:klpt_value
	probe klpt_p1:new_value kprobe
	returns value 1
	is_hit "on the replacement"
	rmmod klpt_probe
	remove klpt_p1
}

kprobe_event() {
	echo "p:klpt/old klpt_target:klpt_value" > $TRACING/kprobe_events || fail "no kprobe event"
	echo 1 > $TRACING/events/klpt/old/enable
	patch klpt_p1 spec=klpt_target:klpt_value
	returns value 1
	grep -q 'old: (klpt_value' $TRACING/trace || fail "the event is not in the trace"
	echo 0 > $TRACING/events/klpt/old/enable
	returns value 1
}

# Only one may change the instruction pointer of a function.
conflicting_kprobe() {
	probe klpt_target:klpt_value post
	refused klpt_p1 "Device or resource busy" spec=klpt_target:klpt_other,klpt_value
	names "failed.to.register.ftrace.handler" "klpt_(value|other)" -16
	returns value 0
	returns other 0
	is_hit "after the conflict"
	unhooked klpt_other
	rmmod klpt_probe
	patch klpt_p1 spec=klpt_target:klpt_other,klpt_value
	returns value 1
}

conflicting_patch() {
	patch klpt_p1 spec=klpt_target:klpt_value
	probe_refused klpt_value post
	returns value 1
}

# A conflict while a patch is being replaced must leave that one in force.
conflict_replacing() {
	patch klpt_p1 spec=klpt_target:klpt_value
	probe klpt_target:klpt_other post
	refused klpt_p2 "Device or resource busy" spec=klpt_target:klpt_value,klpt_other replace=1
	returns value 1
	rmmod klpt_probe
	patch klpt_p2 spec=klpt_target:klpt_value,klpt_other replace=1
	returns value 2
}

direct_call() {
	probe klpt_target:klpt_value direct
	is_hit "before"
	refused klpt_p1 "Device or resource busy" spec=klpt_target:klpt_value
	returns value 0
	is_hit "after the conflict"
	rmmod klpt_probe
	patch klpt_p1 spec=klpt_target:klpt_value
	returns value 1
}

shared_direct_call() {
	probe klpt_target:klpt_value shared
	is_hit "before"
	patch klpt_p1 spec=klpt_target:klpt_value,klpt_other
	returns value 1
	is_hit "while patched"
	# The set of patched functions shrinks beside the direct call.
	patch klpt_p2 spec=klpt_target:klpt_value replace=1
	returns value 2
	is_hit "after replacing"
	patch klpt_p3 spec=klpt_target:klpt_other replace=1
	returns value 0
	is_hit "after reverting"
	until_true "klpt_p1 to leave sysfs" gone $LP/klpt_p1
	unload klpt_p1
	patch klpt_p1 spec=klpt_target:klpt_value
	returns value 1
	is_hit "patched again"
	disable klpt_p1
	returns value 0
	is_hit "after"
}

shared_direct_call_later() {
	patch klpt_p1 spec=klpt_target:klpt_value
	probe klpt_target:klpt_value shared
	returns value 1
	is_hit "that came later"
	disable klpt_p1
	returns value 0
	is_hit "after the patch"
}

# What a BPF trampoline says while somebody changes it: for a moment; for longer than anybody waits,
# after which it turns out that no function is in the way; for good.
shared_busy() {
	load klpt_probe function=klpt_target:klpt_value how=shared busy=3
	patch klpt_p1 spec=klpt_target:klpt_other,klpt_value
	is "$(cat /sys/module/klpt_probe/parameters/busy)" 0 "tries that are left"
	returns value 1
	is_hit "while patched"
	no_message "failed to register"
	remove klpt_p1

	put /sys/module/klpt_probe/parameters/busy 251
	patch klpt_p1 spec=klpt_target:klpt_other,klpt_value
	is "$(cat /sys/module/klpt_probe/parameters/busy)" 0 "tries that are left"
	returns value 1
	returns other 1
	no_message "failed to register"
	remove klpt_p1

	put /sys/module/klpt_probe/parameters/busy 1000000
	refused klpt_p1 "Device or resource busy" spec=klpt_target:klpt_other,klpt_value
	names "failed.to.register.ftrace.handler" "klpt_value" -16
	no_message "failed to register ftrace handler.*klpt_other"
	returns value 0
	returns other 0
	unhooked klpt_other
	put /sys/module/klpt_probe/parameters/busy 0
}

touched() {
	patch klpt_p1 spec=klpt_target:klpt_value
	modifies klpt_value || fail "nothing changes the instruction pointer of klpt_value()"
	if [[ -e $TRACING/touched_functions ]]; then
		grep -q '^klpt_value ' $TRACING/touched_functions ||
			fail "klpt_value() is not in touched_functions"
	fi
	disable klpt_p1
	! modifies klpt_value || fail "the instruction pointer of klpt_value() is still changed"
}

if sysctl -q -w kernel.ftrace_enabled=0 2> /dev/null; then
	sysctl -q -w kernel.ftrace_enabled=1
	it disabled_while_patched "kernel.ftrace_enabled=0 is refused while patched"
	it patched_while_disabled "patching is refused while kernel.ftrace_enabled=0"
	it module_while_disabled "a patched module is refused while kernel.ftrace_enabled=0"
else
	it never_disabled "kernel.ftrace_enabled=0 is refused, as by this kernel always"
fi
it function_first "function tracer first, then a patch"
it function_later "a patch first, then the function tracer"
it graph_first "function graph tracer first, then a patch"
it graph_later "a patch first, then the function graph tracer"
it graph_of_sleeper "tasks whose returns are traced move, and block"
# On s390 each of so many places is written through a page table entry of its own, which takes QEMU
# minutes.
[[ $(uname -m) == s390x ]] ||
	it trace_everything "everything is traced while patches come and go"
it kprobe_on_original "a kprobe on the original is hit while patched"
it kprobe_on_replacement "a kprobe on the replacement is hit"
it kprobe_event "a kprobe event on the original"
if kprobes_on_ftrace; then
	it conflicting_kprobe "refused: a function whose instruction pointer a kprobe has claimed"
	it conflicting_patch "a kprobe cannot claim the instruction pointer of a patched function"
	it conflict_replacing "refused when replacing: the old patch stays in force"
fi
if [[ $(uname -m) == x86_64 ]]; then
	it direct_call "refused: a function with a direct call that cannot share it"
	it shared_direct_call "a direct call that shares the function stays attached"
	it shared_direct_call_later "a direct call that comes after the patch"
	it shared_busy "a direct call whose owner asks to try again"
fi
it touched "ftrace shows what is patched, and only that"
klpt_main
