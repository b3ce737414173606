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

# held_at_first: was the task inside of the function when tasks were looked at for the first time?
# Then the transition has not ended when klp_enable_patch() returns; or it has, but took two looks.
held_at_first() {
	local rounds

	((settled > returned)) && return
	rounds=$(sed -n 's/^rounds: //p;/^$/q' /sys/kernel/debug/livepatch/statistics 2>/dev/null)
	((rounds > 1))
}

# From klp_enable_patch() to the end of the transition, when a user task is inside of the function
# at the first look; over 20 times that this was so. The task calls the function all the time.
measure_busy() {
	local dir=/sys/module/bench_calm/parameters began returned settled busy tries=0 times=()

	insmod /bench/bench_busy.ko
	while ((${#times[@]} < 20)); do
		if ((++tries > 100)); then
			echo "the task was hardly ever inside of the function" >&2
			exit 1
		fi
		(while :; do echo >/proc/bench_busy; done) &
		busy=$!
		# Somewhere else in its loop each time.
		sleep "0.01$tries"
		insmod /bench/bench_calm.ko
		while read -r settled <"$dir/settled" && ((!settled)); do
			pause
		done
		kill $busy
		wait $busy || true
		read -r began <"$dir/began"
		read -r returned <"$dir/returned"
		! held_at_first || times+=($((settled - began)))
		echo 0 >"$sys/bench_calm/enabled"
		until rmmod bench_calm 2>/dev/null; do
			pause
		done
	done
	rmmod bench_busy
	echo "transition.busy: ${times[*]}, of $tries times"
	mapfile -t times < <(printf '%s\n' "${times[@]}" | sort -n)
	result transition.busy.median $(((times[9] + times[10]) / 2)) ns
	result transition.busy.worst "${times[19]}" ns
}

# How long functions of livepatch hold tasklist_lock at a time, enabling and disabling a patch.
measure_hold() {
	local threads=$1 lock longest

	echo $((threads + 1000)) >/proc/sys/kernel/threads-max
	lock=$(gawk '$3 == "tasklist_lock" { print $1 }' /proc/kallsyms)
	insmod /bench/bench_hold.ko lock="0x$lock" threads="$threads"
	insmod /bench/bench_patch_1.ko
	while read -r state <"$sys/bench_patch_1/transition" && [[ $state != 0 ]]; do
		pause
	done
	echo 0 >"$sys/bench_patch_1/enabled"
	until rmmod bench_patch_1 2>/dev/null; do
		pause
	done
	mapfile -t longest </sys/module/bench_hold/parameters/longest
	printf 'tasklist_lock: %s\n' "${longest[@]}"
	result "tasklist.hold.$threads" "$(printf '%s\n' "${longest[@]}" |
		gawk '$2 ~ /^klp_/ && $1 > most { most = $1 } END { print most }')" ns
	rmmod bench_hold
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

! wanted transition.busy.{median,worst} || measure_busy
! wanted tasklist.hold.10000 || measure_hold 10000
