#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Runs in a guest whose time stamp counter counts instructions. Prints "result: WORK VALUE UNIT".
# /job/bench says what to measure: $works, patterns of their names; $sizes, numbers of functions to
# patch; $counts, numbers of shadow variables.

# The patterns are not for files.
set -ef

target=/sys/module/bench_target/parameters
sys=/sys/kernel/livepatch

works='' sizes='' counts=''
# shellcheck source=/dev/null
. /job/bench

# wanted WORK...: is any of them to be measured?
wanted() {
	local work pattern
	for work; do
		for pattern in $works; do
			# shellcheck disable=SC2053 # a pattern
			[[ $work != $pattern ]] || return 0
		done
	done
	return 1
}

result() {
	! wanted "$1" || echo "result: $1 $2 $3"
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

# Enables and disables a patch of SIZE functions.
measure_patch() {
	local size=$1 patch=bench_patch_$1 state began took end

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
}

# The module measures while it is loaded.
measure_shadow() {
	local count=$1 dir=/sys/module/bench_shadow/parameters work total calls

	insmod /bench/bench_shadow.ko count="$count"
	for work in get miss alloc free free_all fill; do
		read -r total calls <"$dir/$work"
		result "shadow.$work.$count" \
			"$(gawk "BEGIN { printf \"%.2f\", $total / $calls }")" instructions
	done
	rmmod bench_shadow
	sleep 2
}

insmod /bench/bench_target.ko
! wanted call.plain || measure_call call.plain

for size in $sizes; do
	patched=
	[[ $size != 1 ]] || patched=call.patched
	! wanted "enable.$size" "enable.$size.settled" "disable.$size" $patched ||
		measure_patch "$size"
done

for count in $counts; do
	! wanted "shadow."{get,miss,alloc,free,fill,free_all}".$count" || measure_shadow "$count"
done
