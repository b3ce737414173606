# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What others have to wait for: grace periods, locks, interrupts that are off. Not counted while
# something else is, since the watching costs time. Read by guest.sh.

# address LOCK
address() {
	local found

	found=$(gawk -v lock="$1" '$3 == lock && NF == 3 { print "0x" $1 }' /proc/kallsyms)
	[[ $found == 0x*[1-9a-f]* && $found != *$'\n'* ]] || fail "the address of $1: '$found'"
	echo "$found"
}

measure_grace() {
	local size=$1 count before after

	count=/sys/module/bench_grace/parameters/count
	insmod /bench/bench_more_1.ko
	insmod /bench/bench_grace.ko
	calm_down
	read -r before <$count
	enable "bench_patch_$size"
	calm_down
	read -r after <$count
	result "grace.enable.$size" $((after - before)) grace-periods
	before=$after
	insmod "/bench/bench_other_$size.ko" replace=1
	gone "bench_patch_$size"
	calm_down
	read -r after <$count
	result "grace.replace.$size" $((after - before)) grace-periods
	unload "bench_patch_$size" >/dev/null
	calm_down
	read -r before <$count
	disable "bench_other_$size"
	calm_down
	read -r after <$count
	result "grace.disable.$size" $((after - before)) grace-periods
	unload "bench_other_$size" >/dev/null
	rmmod bench_grace
	rmmod bench_more_1
	calm_down
}

# longest LOCK [FUNCTIONS]: of those that are watched, counted from 0, by functions of this name.
longest() {
	gawk -v lock="$1" -v name="${2-.}" '
		$2 == lock && $3 ~ name && $1 > most { most = $1 }
		END { if (!most) exit 1; print most }' /sys/module/bench_hold/parameters/longest
}

measure_locks() {
	insmod /bench/bench_hold.ko \
		locks="$(address klp_mutex),$(address ftrace_lock),$(address text_mutex)"
	enable bench_patch_1000
	disable bench_patch_1000
	sed 's/^/hold: /' /sys/module/bench_hold/parameters/longest
	result hold.klp_mutex.1000 "$(longest 0)" ns
	result hold.ftrace_lock.1000 "$(longest 1)" ns
	result hold.text_mutex.1000 "$(longest 2)" ns
	unload bench_patch_1000 >/dev/null
	rmmod bench_hold
	calm_down
}

# Messages are written to the serial line without interrupts; they do not count.
measure_irqs() {
	local latest where

	echo N >/sys/module/printk/parameters/ignore_loglevel
	echo 1 >/proc/sys/kernel/printk
	insmod /bench/bench_late.ko
	calm_down
	read -r latest where </sys/module/bench_late/parameters/irq
	echo "irqs: $latest ns, $where, when nothing happens"
	enable bench_patch_1000
	disable bench_patch_1000
	read -r latest where </sys/module/bench_late/parameters/irq
	echo "irqs: $latest ns, $where"
	result irqs.1000 "$latest" ns
	rmmod bench_late
	unload bench_patch_1000 >/dev/null
	echo Y >/sys/module/printk/parameters/ignore_loglevel
	calm_down
}

# How long functions of livepatch hold tasklist_lock at a time, enabling and disabling a patch.
measure_tasklist() {
	local count=$1

	threads "$count"
	insmod /bench/bench_hold.ko locks="$(address tasklist_lock)"
	enable bench_patch_1
	disable bench_patch_1
	sed 's/^/hold: tasklist_lock /' /sys/module/bench_hold/parameters/longest
	result "tasklist.hold.$count" "$(longest 0 ^klp_)" ns
	unload bench_patch_1 >/dev/null
	rmmod bench_hold
	rmmod bench_threads
	calm_down
}

group_watch() {
	local size

	for size in 1 1000; do
		! wanted grace.{enable,disable,replace}."$size" || measure_grace "$size"
	done
	! wanted hold.{klp_mutex,ftrace_lock,text_mutex}.1000 || measure_locks
	! wanted irqs.1000 || measure_irqs
	! wanted tasklist.hold.10000 || measure_tasklist 10000
}
