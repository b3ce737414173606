#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Runs in a guest whose time stamp counter counts instructions. Prints "result: WORK VALUE UNIT".
# Arguments: the numbers of functions to patch.

set -e

target=/sys/module/bench_target/parameters
sys=/sys/kernel/livepatch

result() {
	echo "result: $1 $2 $3"
}

# A millisecond without a process: bash waits for input that never comes.
exec {never}<> <(:)
pause() {
	read -rt 0.001 -u "$never" || true
}

# measure_call WORK: instructions of one call, with two places behind the point.
measure_call() {
	local total calls
	read -r total calls <"$target/call"
	result "$1" "$(gawk "BEGIN { printf \"%.2f\", $total / $calls }")" instructions
}

insmod /bench/bench_target.ko
measure_call call.plain

for size in "$@"; do
	patch=bench_patch_$size
	insmod "/bench/$patch.ko"
	while read -r state <"$sys/$patch/transition" && [[ $state != 0 ]]; do
		pause
	done
	read -r end <"$target/now"
	read -r began <"/sys/module/$patch/parameters/began"
	read -r took <"/sys/module/$patch/parameters/took"
	result "enable.$size" "$took" instructions
	result "enable.$size.settled" $((end - began)) ns

	[[ $size != 1 ]] || measure_call call.patched

	read -r began <"$target/now"
	echo 0 >"$sys/$patch/enabled"
	while [[ -e $sys/$patch ]]; do
		pause
	done
	read -r end <"$target/now"
	result "disable.$size" $((end - began)) ns
	# The directory goes before the module's reference does.
	until rmmod "$patch" 2>/dev/null; do
		pause
	done
	# What is left over from this round must not count in the next.
	sleep 2
done
