#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Do calls come through that need more than a few registers? An architecture may keep something of a
# diverted call beside the stack, or move what stands on it: functions with twelve arguments, with
# arguments without a prototype, with structures as arguments and results, and one that is called
# again from within, twenty calls deep; and who calls them is in a patch as well.

# shellcheck disable=SC2034 # read by klpt.sh
NO_TARGET=1
. "$(dirname "$0")/klpt.sh"

WIDE=/proc/klpt_wide
# By the original functions, and by the replacements: in this order.
FUNCTIONS=(twelve many struct down)
OLD=(364 -105 47476 20)
NEW=(1364 895 125476 20020)
ROUNDS=10	# of a patch that comes and goes

# result_is WHEN VALUE...
result_is() {
	get $WIDE
	is "$REPLY" "${*:2}" "results $1"
}

each_alone() {
	local i results

	load klpt_wide
	result_is "without a patch" "${OLD[@]}"
	for i in "${!FUNCTIONS[@]}"; do
		patch klpt_wide_patch functions="${FUNCTIONS[i]}"
		results=("${OLD[@]}")
		results[i]=${NEW[i]}
		result_is "with ${FUNCTIONS[i]} patched" "${results[@]}"
		remove klpt_wide_patch
		result_is "with ${FUNCTIONS[i]} as it was" "${OLD[@]}"
	done
}

all_together() {
	load klpt_wide
	patch klpt_wide_patch caller=1
	result_is "with all of them patched" "${NEW[@]}"
	remove klpt_wide_patch
	result_is "afterwards" "${OLD[@]}"
}

# asleep_below: a task sleeps at the bottom of all calls; its number is $pid
asleep_below() {
	falls_asleep 1 write_to $WIDE 1
}

# Twenty originals on the stack: the patch waits for the task, and calls that begin are new.
under_originals() {
	load klpt_wide
	asleep_below
	load klpt_wide_patch
	only_left klpt_wide_patch 1 "$pid"
	result_is "of another task" "${NEW[@]}"
	wake 1
	ended "$pid"
	until_true "the transition to end" settled klpt_wide_patch
	log_is "klpt_wide ${OLD[3]}"
}

under_replacements() {
	load klpt_wide
	patch klpt_wide_patch
	asleep_below
	put $LP/klpt_wide_patch/enabled 0
	only_left klpt_wide_patch 0 "$pid"
	result_is "of another task" "${OLD[@]}"
	wake 1
	ended "$pid"
	until_true "the patch to go" gone $LP/klpt_wide_patch
	log_is "klpt_wide ${NEW[3]}"
	unload klpt_wide_patch
}

# Who has called a function that is patched is on the stack of the task, and in the way of a patch.
caller_in_the_way() {
	load klpt_target
	patch klpt_p1 spec=klpt_target:klpt_sleep
	asleep sleep 1
	load klpt_p2 spec=klpt_target:+call_write
	only_left klpt_p2 1 "$pid"
	wake 1
	ended "$pid"
	until_true "the transition to end" settled klpt_p2
	log_is "klpt_target sleep 1" '/ sleep /!d'
}

# read_on FILE: look at the results for ever; what was in no world goes to the file
read_on() {
	local -a seen
	local i

	trap : USR1
	while :; do
		read -ra seen < $WIDE || continue
		for i in "${!seen[@]}"; do
			((seen[i] == OLD[i] || seen[i] == NEW[i])) || echo "${seen[*]}" >> "$1"
		done
		echo "${seen[0]}" >> "$1.seen"
	done
} 2> /dev/null

saw() {
	grep -qsx -e "$1" "$tmp/strange.seen"
}

# Patches come and go in the middle of calls, whose tasks get signals and give way to each other.
in_the_middle() {
	local i p readers=()

	load klpt_wide
	for i in 1 2 3; do
		read_on "$tmp/strange" &
		readers+=($!)
		echo $! >> "$tmp/pids"
	done
	for ((i = 0; i < ROUNDS; i++)); do
		patch klpt_wide_patch caller=1
		for p in "${readers[@]}"; do
			kill -USR1 "$p"
		done
		: > "$tmp/strange.seen"
		until_true "a task to use the patch" saw "${NEW[0]}"
		remove klpt_wide_patch
		: > "$tmp/strange.seen"
		until_true "a task to do without" saw "${OLD[0]}"
	done
	[[ ! -e $tmp/strange ]] || fail "results of neither world: $(head -n 1 "$tmp/strange")"
}

both_ways each_alone "each kind of function, patched alone"
both_ways all_together "all of them, and who calls them"
it under_originals "a task twenty calls deep in a function that gets patched"
it under_replacements "a task twenty calls deep in a function that is no longer patched"
it caller_in_the_way "who has called a patched function is in the way of a patch"
both_ways in_the_middle "patches come and go in the middle of calls, signals and preemption"
klpt_main
