# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# How late a real-time thread is, beside one that calls a function all the time. Read by guest.sh.

: "${target:?}"

# wakeup WORK
measure_wakeup() {
	result "$1" "$(<"$target/wakeup")" ns
	calm_down
}

# measure_patched_wakeup WORK
measure_patched_wakeup() {
	wanted "$1" || return 0
	enable bench_patch_1
	measure_wakeup "$1"
	drop bench_patch_1
}

group_wakeup() {
	[[ $(</proc/cmdline) == *preempt=full* ]] || fail "the kernel does not preempt"
	calm_down
	again measure_wakeup wakeup.plain
	again measure_patched_wakeup wakeup.patched
	by_handler again measure_patched_wakeup wakeup.handler
}
