#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A patched function is called on all CPUs, by tasks and by interrupts, while others hook it and let
# go of it again, so that calls change between two paths all the time, or while NMIs come in the
# middle. Is any call lost, made twice, made with wrong arguments, or in the wrong world?
#
# klpt_work checks each of its calls, and with klpt_work_pair() as a guard no pair of calls may see
# two worlds, patches come and go as they may.

. "$(dirname "$0")/klpt.sh"

BRIEF="tracer_cycles"

NO_TARGET=1
CYCLES=1000
SLOW_CYCLES=20	# of what waits for grace periods
NMI_HITS=100
NMI_SLOW=/sys/kernel/debug/x86/nmi_longest_ns
spec=spec=klpt_work:klpt_work_do,klpt_work_nmi,+klpt_work_pair

# start_work [PARAMETER...]
start_work() {
	load klpt_work "$@"
	put /proc/klpt_work start
	work_goes_on
}

# ran ID: calls that got there, into $REPLY
ran() {
	local ran

	{
		read -r _
		read -ra ran
	} < /proc/klpt_work
	REPLY=${ran[$1]}
}

cycle() {
	load klpt_probe function=klpt_work:klpt_work_do how="$1"
	put /sys/module/klpt_probe/parameters/cycles "$2"
	work_goes_on
	probed hits
	note "$1: seen $REPLY calls"
	((REPLY > 0)) || fail "$1 has not seen any call"
	rmmod klpt_probe
}

# While a patch is in force, each call gets to it.
hooks_come_and_go() {
	local original

	start_work
	patch klpt_p1 $spec
	ran 0
	original=$REPLY
	cycle "$@"
	ran 0
	is "$REPLY" "$original" "calls that got to the original while it was patched"
	put /proc/klpt_work stop
	work_is_sound
}

filter_cycles() { hooks_come_and_go filter $CYCLES; }

others_cycle() {
	local how others='function regs kprobe kretprobe fprobe'

	[[ $(uname -m) != x86_64 ]] || others+=' shared'
	start_work
	patch klpt_p1 $spec
	for how in $others; do
		cycle "$how" $SLOW_CYCLES
	done
	put /proc/klpt_work stop
	work_is_sound
}

tracer_cycles() {
	local i

	start_work
	patch klpt_p1 $spec
	put $TRACING/set_ftrace_filter klpt_work_do
	for ((i = 0; i < SLOW_CYCLES; i++)); do
		echo function > $TRACING/current_tracer
		echo nop > $TRACING/current_tracer
	done
	put /proc/klpt_work stop
	work_is_sound
}

# patches_until COMMAND...: enable, replace, turn back and disable patches until it succeeds
patches_until() {
	local rounds=0

	until ((rounds >= 5)) && "$@"; do
		patch klpt_p1 $spec replace=1
		replaced_by klpt_p1 klpt_p2 $spec
		load klpt_p1 $spec replace=1
		# It may have settled by now.
		echo 0 2> /dev/null > $LP/klpt_p1/enabled
		until_true "klpt_p1 to be disabled" gone $LP/klpt_p1
		unload klpt_p1
		[[ ! -d $LP/klpt_p2 ]] || disable klpt_p2
		unload klpt_p2
		rounds=$((rounds + 1))
	done
	note "$rounds rounds of patches"
}

# Nobody but the one who works on its parameter.
cycles_done() {
	gone "/proc/$cycles_pid"
}

patches_meanwhile() {
	start_work
	load klpt_probe function=klpt_work:klpt_work_do how=filter
	put /sys/module/klpt_probe/parameters/cycles $CYCLES &
	cycles_pid=$!
	echo "$cycles_pid" >> "$tmp/pids"
	patches_until cycles_done
	wait "$cycles_pid" || fail "klpt_probe could not be stopped and started"
	work_goes_on
	put /proc/klpt_work stop
	work_is_sound
}

# Somebody who is there all the time sees each call, whatever the patches do.
exact() {
	local how calls

	load klpt_work
	for how in function regs; do
		load klpt_probe function=klpt_work:klpt_work_do how=$how
		put /proc/klpt_work start
		patches_until true
		put /proc/klpt_work stop
		work_is_sound
		read -r calls _ < /proc/klpt_work
		probed hits
		is "$REPLY" "$calls" "calls that $how has seen"
		rmmod klpt_probe
	done
}

# diverter: from where to where calls are diverted in this sub-test
diverter() {
	local way=klp_hook_handler

	[[ $(< $TRAMPOLINE) == N ]] || way=klp_trampoline
	sort /proc/kallsyms | awk -v way=$way '
		from && $1 > from { print "nmi_from=0x" from, "nmi_to=0x" $1; exit }
		$3 == way { from = $1 }'
}

hits() {
	{
		read -r _
		read -r _
		read -r nmis hits
	} < /proc/klpt_work
}

nmis_have_hit() {
	hits
	((hits >= NMI_HITS))
}

# NMIs call another function than what they interrupt the call of.
nmis_meanwhile() {
	local nmis hits range slow

	# An emulated CPU may make a pause in an NMI: that is no news for the kernel log.
	get $NMI_SLOW
	slow=$REPLY
	put $NMI_SLOW 100000000000
	range=$(diverter)
	# shellcheck disable=SC2086 # two words
	start_work nmi=1 $range
	patches_until nmis_have_hit
	put /proc/klpt_work stop
	hits
	note "$nmis calls from NMIs, of which $hits came at $range"
	((hits >= NMI_HITS)) || fail "too few NMIs came at $range"
	work_is_sound
	put $NMI_SLOW "$slow"
}

both_ways filter_cycles "an ftrace handler comes and goes $CYCLES times"
both_ways tracer_cycles "the function tracer comes and goes $SLOW_CYCLES times"
both_ways others_cycle "others are registered and unregistered $SLOW_CYCLES times each"
both_ways patches_meanwhile "an ftrace handler comes and goes while patches do"
both_ways exact "who stays sees each call while patches come and go"
# One CPU cannot send itself an NMI while it is in the middle of a call.
[[ $(uname -m) != x86_64 ]] || (($(nproc) < 2)) ||
	both_ways nmis_meanwhile "NMIs come while calls are diverted and patches come and go"
klpt_main
