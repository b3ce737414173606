#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# BPF programs at the entry and at the exit of a function that is patched, before them or after:
# each call is seen once at both ends, and the exit sees what was really returned.
#
# They are attached by a BPF trampoline, which calls the function itself, and which agrees with
# livepatch on how to share it. The kernel's type information has functions of the kernel only, not
# of modules, so it is fscaps_show() that is patched: it returns the length of /sys/kernel/fscaps.

. "$(dirname "$0")/klpt.sh"

NO_TARGET=1
READS=20
FSCAPS=/sys/kernel/fscaps
spec=spec=vmlinux:fscaps_show

# attach_bpf: from here on, bpf answers; ended by detach_bpf, or with the sub-test
attach_bpf() {
	local line

	coproc BPF { exec ./klpt_bpf fscaps_show 2>&1; }
	echo "$BPF_PID" >> "$tmp/pids"
	read -r line <&"${BPF[0]}"
	is "$line" attached "klpt_bpf"
}

detach_bpf() {
	local pid=$BPF_PID input=${BPF[1]}

	exec {input}>&-
	wait "$pid" || fail "klpt_bpf failed"
}

counts() {
	echo >&"${BPF[1]}"
	read -r REPLY <&"${BPF[0]}"
}

# Who answers, by its number: the original has 1 character in that file.
reads() {
	local i wanted=1

	(($1 == 0)) || printf -v wanted '%0*d' $(($1 + 2)) "$1"
	for ((i = 0; i < READS; i++)); do
		get $FSCAPS
		is "$REPLY" "$wanted" "$FSCAPS $2"
	done
}

# sees NUMBER WHEN: each call is seen at entry and exit, and who answered
sees() {
	local length=2 before after i
	local -A count=()

	(($1 == 0)) || length=$(($1 + 3))
	counts
	before=$REPLY
	reads "$@"
	counts
	after=$REPLY
	note "$2: $before, then $after"
	read -ra before <<< "$before"
	read -ra after <<< "$after"
	is $((after[1] - before[1])) $READS "calls that fentry saw $2"
	for i in "${before[@]:3}"; do
		count[${i%:*}]=$((-${i#*:}))
	done
	for i in "${after[@]:3}"; do
		count[${i%:*}]=$((${count[${i%:*}]:-0} + ${i#*:}))
	done
	for i in "${!count[@]}"; do
		is "${count[$i]}" $((i == length ? READS : 0)) "returns of $i that fexit saw $2"
	done
	is "${count[$length]:-0}" $READS "returns that fexit saw $2"
}

before_patch() {
	attach_bpf
	sees 0 "before"
	patch klpt_p1 $spec
	sees 1 "while patched"
	replaced_by klpt_p1 klpt_p2 $spec
	sees 2 "after replacing"
	disable klpt_p2
	sees 0 "after the patch"
	patch klpt_p1 $spec
	sees 1 "patched again"
	detach_bpf
	reads 1 "without BPF"
	remove klpt_p1
	reads 0 "without anybody"
	unhooked fscaps_show
}

after_patch() {
	patch klpt_p1 $spec
	attach_bpf
	sees 1 "that came later"
	detach_bpf
	reads 1 "without BPF"
	attach_bpf
	sees 1 "that came again"
	replaced_by klpt_p1 klpt_p2 $spec
	sees 2 "after replacing"
	patch klpt_p1 'spec=vmlinux:cmdline_proc_show' replace=1
	sees 0 "after a patch of something else has replaced it"
	detach_bpf
	reads 0 "without BPF"
}

# The set of patched functions shrinks beside BPF.
shrinking() {
	patch klpt_p1 'spec=vmlinux:cmdline_proc_show,fscaps_show'
	attach_bpf
	sees 1 "with two functions"
	patch klpt_p2 $spec replace=1
	sees 2 "with one"
	detach_bpf
	reads 2 "without BPF"
}

stacked() {
	patch klpt_p1 $spec
	attach_bpf
	patch klpt_p2 $spec
	sees 2 "with two patches"
	disable klpt_p2
	sees 1 "with the first alone"
	detach_bpf
	reads 1 "without BPF"
}

# With tracers in the way, nobody is alone at the function.
with_tracer() {
	local tracer

	for tracer in function function_graph; do
		put $TRACING/set_ftrace_filter fscaps_show
		attach_bpf
		echo $tracer > $TRACING/current_tracer
		patch klpt_p1 $spec
		sees 1 "with $tracer"
		echo nop > $TRACING/current_tracer
		sees 1 "without $tracer"
		echo $tracer > $TRACING/current_tracer
		detach_bpf
		reads 1 "with $tracer"
		attach_bpf
		sees 1 "again with $tracer"
		disable klpt_p1
		sees 0 "with $tracer, after the patch"
		echo nop > $TRACING/current_tracer
		sees 0 "without $tracer, after the patch"
		detach_bpf
		unload klpt_p1
		unhooked fscaps_show
	done
}

cycles() {
	local i

	patch klpt_p1 $spec
	for ((i = 0; i < 50; i++)); do
		attach_bpf
		get $FSCAPS
		is "$REPLY" 001 "$FSCAPS with BPF"
		counts
		is "$REPLY" "entry 1 exit 4:1" "what BPF saw"
		detach_bpf
		get $FSCAPS
		is "$REPLY" 001 "$FSCAPS without BPF"
	done
}

# sleeps_at_entry: a task in a program that sleeps, $pid
sleeps_at_entry() {
	falls_asleep 1 run_sleeper
}

run_sleeper() {
	./klpt_bpf sleep 1 > "$tmp/sleeper" 2>&1 &
	pid=$!
	disown "$pid"
	echo "$pid" >> "$tmp/pids"
}

# on_its_way PATCH WORLD WHO: the task is in the way of the patch, and gets to where it was going
on_its_way() {
	only_left "$1" "$2" "$pid"
	wake 1
	ended "$pid"
	is "$(< "$tmp/sleeper")" "$3" "function that a call from before got to"
}

# Where a call goes is decided before a program at the entry runs, which may sleep. The task is in
# no patched function then, and will be. klpt_p2 returns what the original does.
asleep_on_the_way() {
	local there=spec=vmlinux:bpf_fentry_test1=any

	sleeps_at_entry
	load klpt_p1 $there
	on_its_way klpt_p1 1 original
	until_true "klpt_p1 to be enabled" settled klpt_p1
	sleeps_at_entry
	load klpt_p2 $there replace=1
	on_its_way klpt_p2 1 other
	until_true "klpt_p2 to be enabled" settled klpt_p2
	unload klpt_p1
	sleeps_at_entry
	put $LP/klpt_p2/enabled 0
	on_its_way klpt_p2 0 original
	until_true "klpt_p2 to go" gone $LP/klpt_p2
	unload klpt_p2
	unhooked bpf_fentry_test1
}

[[ -e /sys/kernel/btf/vmlinux ]] || skip_all "the kernel has no CONFIG_DEBUG_INFO_BTF"
both_ways before_patch "BPF programs are there first"
both_ways after_patch "BPF programs come to a patched function"
both_ways shrinking "a replacing patch drops functions beside BPF programs"
both_ways stacked "BPF programs and two patches"
both_ways with_tracer "BPF programs, a tracer and a patch"
both_ways cycles "BPF programs come and go"
both_ways asleep_on_the_way "a program at the entry sleeps while patches come and go"
klpt_main
