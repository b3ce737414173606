# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# How long a transition takes on a machine with many CPUs, and how long it keeps others waiting
# there. Time is that of all CPUs together, one after the other. Read by guest.sh.

# How late timers and threads are on all idle CPUs, while the patch is enabled and disabled, too.
measure_many_idle() {
	local what dir=/sys/module/bench_late/parameters latest where

	what=$(nproc).idle
	wanted "enable.cpus.$what" "late.irq.$what" "late.thread.$what" || return 0
	insmod /bench/bench_late.ko threads=1 period=2000000
	calm_down
	read -r latest where <$dir/irq
	echo "many: $latest ns, $where, and $(<$dir/thread) ns when nothing happens"
	enable bench_patch_100
	result "enable.cpus.$what" "$(settling bench_patch_100)" ns
	disable bench_patch_100
	read -r latest where <$dir/irq
	echo "many: $latest ns, $where"
	result "late.irq.$what" "$latest" ns
	result "late.thread.$what" "$(<$dir/thread)" ns
	unload bench_patch_100 >/dev/null
	rmmod bench_late
	calm_down
}

# Each CPU does something else, which it does not leave but for interrupts. Their timers end the
# turns that the emulator gives to one CPU after the other.
measure_many_busy() {
	local cpus what cpu busy=()

	cpus=$(nproc)
	what=$cpus.busy
	wanted "enable.cpus.$what" || return 0
	for ((cpu = 0; cpu < cpus; cpu++)); do
		taskset -c "$cpu" bash -c 'while :; do :; done' &
		busy+=($!)
	done
	insmod /bench/bench_late.ko period=1000000
	calm_down
	enable bench_patch_10
	result "enable.cpus.$what" "$(settling bench_patch_10)" ns
	kill "${busy[@]}"
	wait "${busy[@]}" || true
	rmmod bench_late
	drop bench_patch_10
}

group_many() {
	local cpu

	echo 1 >/proc/sys/kernel/printk
	measure_many_idle
	for ((cpu = $(nproc) - 1; cpu >= 8; cpu--)); do
		echo 0 >"/sys/devices/system/cpu/cpu$cpu/online"
	done
	measure_many_idle
	measure_many_busy
}
