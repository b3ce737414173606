# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What a call of a function costs. Read by guest.sh.

: "${target:?}"

# calls FILE: instructions of one call, with two places behind the point.
calls() {
	local total calls

	read -r total calls <"$1"
	quotient "$total" "$calls"
}

# The function's calls when it is patched, or is being patched and one thread stays behind.
measure_transition() {
	echo 1 >"$target/hold"
	enable_blocked bench_patch_1
	# It takes a while to get to this task.
	sleep 2
	result call.transition.old "$(calls "$target/held")" instructions
	result call.transition.new "$(calls "$target/call")" instructions
	echo 0 >"$target/hold"
	settled bench_patch_1
	drop bench_patch_1

	enable bench_patch_1
	echo 1 >"$target/hold"
	enable_blocked bench_patch_0 replace=1
	sleep 2
	result call.transition.nop "$(calls "$target/call")" instructions
	echo 0 >"$target/hold"
	gone bench_patch_1
	unload bench_patch_1 >/dev/null
	settled bench_patch_0
	drop bench_patch_0
}

measure_traced() {
	insmod /bench/bench_tracer.ko function=bench_f0
	result "$1" "$(calls "$target/call")" instructions
	rmmod bench_tracer
}

# measure_handler PLAIN: what patching adds
measure_handler() {
	enable bench_patch_1
	result call.overhead.handler "$(quotient "$(calls "$target/call") - $1" 1)" instructions
	drop bench_patch_1
}

group_call() {
	local plain patched

	plain=$(calls "$target/call")
	result call.plain "$plain" instructions
	! wanted call.traced.plain || measure_traced call.traced.plain

	enable bench_patch_1
	patched=$(calls "$target/call")
	result call.patched "$patched" instructions
	result call.overhead "$(quotient "$patched - $plain" 1)" instructions
	! wanted call.traced.1 || measure_traced call.traced.1
	drop bench_patch_1
	! wanted call.overhead.handler || by_handler measure_handler "$plain"

	! wanted call.transition.{old,new,nop} || measure_transition

	if wanted call.traced.1000; then
		enable bench_patch_1000
		measure_traced call.traced.1000
	fi
}
