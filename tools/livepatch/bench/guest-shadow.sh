# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What shadow variables cost. Read by guest.sh.

# The module measures while it is loaded.
measure_shadow() {
	local count=$1 dir=/sys/module/bench_shadow/parameters work total calls

	insmod /bench/bench_shadow.ko count="$count"
	for work in get miss alloc free free_all fill; do
		read -r total calls <"$dir/$work"
		result "shadow.$work.$count" "$(quotient "$total" "$calls")" instructions
	done
	rmmod bench_shadow
	calm_down
}

group_shadow() {
	local count

	for count in 1000 100000 1000000; do
		! wanted "shadow."{get,miss,alloc,free,fill,free_all}".$count" ||
			measure_shadow "$count"
	done
}

measure_cpus() {
	local work total calls

	insmod /bench/bench_cpus.ko
	for work in get alloc free; do
		read -r total calls <"/sys/module/bench_cpus/parameters/$work"
		result "shadow.cpus.$work" "$(quotient "$total" "$calls")" ns
	done
	rmmod bench_cpus
}

# In a guest with several CPUs, which take turns.
group_cpus() {
	again measure_cpus
}
