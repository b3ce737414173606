# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What it costs to enable, disable, replace and reverse, and what it costs others that so many
# functions are patched. Read by guest.sh.

: "${target:?}" "${sys:?}"

# Bytes in use of all that a patched function may take: slabs, mappings, per-CPU memory.
memory() {
	gawk '/^(Slab|VmallocUsed|Percpu):/ { sum += $2 } END { print sum * 1024 }' /proc/meminfo
}

# The module without the patch is not counted.
measure_memory() {
	local size=$1 patch=bench_patch_$1 before enabled

	insmod "/bench/$patch.ko" enable=0
	calm_down
	before=$(memory)
	rmmod "$patch"
	calm_down
	enable "$patch"
	calm_down
	enabled=$(memory)
	result "memory.$size" "$(quotient "$enabled - $before" "$size")" bytes
	drop "$patch"
}

# measure_module WHAT: of the two works about it
measure_module() {
	wanted "module."{load,unload}".$1" || return 0
	result "module.load.$1" "$(/bench/clock load /bench/bench_more_1.ko '')" ns
	calm_down
	any_time
	result "module.unload.$1" "$(/bench/clock unload bench_more_1)" ns
	calm_down
}

# What others see while SIZE functions are patched.
measure_others() {
	local size=$1 total calls

	again measure_module "$size"
	if wanted "call.other.traced.$size" "unwind.$size"; then
		insmod /bench/bench_tracer.ko function=bench_f9999
		read -r total calls <"$target/other"
		result "call.other.traced.$size" "$(quotient "$total" "$calls")" instructions
		rmmod bench_tracer
		insmod /bench/bench_tracer.ko function=bench_f9999 unwind=1
		cat "$target/other" >/dev/null
		read -r total calls </sys/module/bench_tracer/parameters/unwound
		result "unwind.$size" "$(quotient "$total" "$calls")" instructions
		rmmod bench_tracer
	fi
}

# measure_replace WORK OLD PATCH: until the old patch has left sysfs.
measure_replace() {
	local work=$1 old=$2 patch=$3 began end

	wanted "$work" || return 0
	insmod /bench/bench_more_1.ko
	enable "$old"
	calm_down
	any_time
	insmod "/bench/$patch.ko" replace=1
	gone "$old"
	now end
	read -r began <"/sys/module/$patch/parameters/began"
	result "$work" $((end - began)) ns
	unload "$old" >/dev/null
	drop "$patch"
	rmmod bench_more_1
}

measure_disable() {
	local name=$1 patch=$2 took

	any_time
	disable "$patch"
	result "disable.$name" "$took" ns
	calm_down
	any_time
	result "rmmod.$name" "$(unload "$patch")" ns
	calm_down
}

# NAME says how many functions, and of what.
measure_enable() {
	local name=$1 patch=bench_patch_${1//./_} took

	any_time
	enable "$patch"
	read -r took <"/sys/module/$patch/parameters/took"
	result "enable.$name" "$took" instructions
	result "enable.$name.settled" "$(settling "$patch")" ns
}

measure_reverse() {
	local size=$1 patch=bench_patch_$1 took

	echo 1 >"$target/hold"
	enable_blocked "$patch"
	disable "$patch"
	result "reverse.$size" "$took" ns
	unload "$patch" >/dev/null
	echo 0 >"$target/hold"
	calm_down
}

# A target module of which SIZE functions are patched as it is loaded.
measure_own() {
	local size=$1

	insmod "/bench/bench_other_$size.ko"
	settled "bench_other_$size"
	calm_down
	any_time
	result "module.load.own.$size" "$(/bench/clock load /bench/bench_more_1.ko '')" ns
	[[ $(<"$sys/bench_other_$size/bench_more_1/patched") == 1 ]] ||
		fail "the module that was loaded is not patched"
	calm_down
	any_time
	result "module.unload.own.$size" "$(/bench/clock unload bench_more_1)" ns
	drop "bench_other_$size"
}

# A large target module, with relocations against it in the patch.
measure_relocs() {
	local patch=bench_relocs_$1

	wanted "module.load.relocs.$1" || return 0
	insmod "/bench/$patch.ko"
	settled "$patch"
	calm_down
	result "module.load.relocs.$1" "$(/bench/clock load /bench/bench_large.ko '')" ns
	[[ $(<"$sys/$patch/bench_large/patched") == 1 ]] ||
		fail "the module that was loaded is not patched"
	calm_down
	rmmod bench_large
	drop "$patch"
}

# measure_round SIZE [COMMAND...]: run while the patch is enabled
measure_round() {
	local size=$1

	shift
	measure_enable "$size"
	"$@"
	measure_disable "$size" "bench_patch_$size"
}

measure_size() {
	local size=$1

	if wanted {enable,disable,rmmod,module.load,module.unload,unwind}".$size" \
			"enable.$size.settled" "call.other.traced.$size"; then
		measure_round "$size" measure_others "$size"
		measure_round "$size" calm_down
		measure_round "$size" calm_down
	fi
	again measure_replace "replace.$size" "bench_patch_$size" "bench_other_$size"
	! wanted "memory.$size" || measure_memory "$size"
	! wanted "reverse.$size" || measure_reverse "$size"
	! wanted "module."{load,unload}".own.$size" || again measure_own "$size"
}

# Patches of other modules than bench_target.
measure_objects() {
	local name=$1 object

	wanted "enable.$name" "enable.$name.settled" "disable.$name" || return 0
	shift
	for object; do
		insmod "/bench/$object.ko"
	done
	calm_down
	measure_enable "$name"
	measure_disable "$name" "bench_patch_${name//./_}"
	for object; do
		rmmod "$object"
	done
}

# One patch after the other, each in a set of its own where there are sets.
measure_side() {
	local count=$1 i took patch

	wanted enable.side.1 "enable.side.$count" || return 0
	for ((i = 0; i < count; i++)); do
		patch=bench_side_$i
		enable "$patch" set="$((i + 1))"
		read -r took <"/sys/module/$patch/parameters/took"
		! ((i == 0 || i == count - 1)) ||
			result "enable.side.$((i + 1))" "$took" instructions
	done
	for ((i = count - 1; i >= 0; i--)); do
		disable "bench_side_$i"
		unload "bench_side_$i" >/dev/null
	done
	calm_down
}

# A patch of 30 modules that come when it is there already.
enable_before() {
	local i

	enable bench_patch_30_later
	for i in {0..29}; do
		insmod "/bench/bench_of_50_$i.ko"
		[[ $(<"$sys/bench_patch_30_later/bench_of_50_$i/patched") == 1 ]] ||
			fail "bench_of_50_$i is not patched"
	done
	calm_down
}

drop_before() {
	local i

	unload bench_patch_30_later >/dev/null
	for i in {0..29}; do
		rmmod "bench_of_50_$i"
	done
	calm_down
}

# underway PATCH: wait until disabling it has begun, which whoever asks for it may not see.
underway() {
	local state

	while read -r state <"$sys/$1/enabled" && [[ $state != 0 ]]; do
		pause
	done
} 2>/dev/null

measure_later() {
	local took patch=bench_patch_30_later

	if wanted disable.30.later; then
		enable_before
		disable $patch
		result disable.30.later "$took" ns
		drop_before
	fi
	if wanted module.load.meanwhile; then
		enable_before
		echo 0 >"$sys/$patch/enabled" &
		underway $patch
		result module.load.meanwhile "$(/bench/clock load /bench/bench_more_1.ko '')" ns
		wait $!
		gone $patch
		drop_before
		rmmod bench_more_1
	fi
}

group_patch() {
	local size

	measure_others 0
	for size in 1 10 100 1000; do
		measure_size "$size"
	done

	again measure_relocs 100
	measure_replace replace.1000.by.same bench_patch_1000 bench_same_1000
	measure_replace replace.1000.by.500 bench_patch_1000 bench_patch_500
	measure_replace replace.1000.by.0 bench_patch_1000 bench_patch_0

	measure_objects 300.vmlinux
	measure_objects 1000.modules.10 bench_of_10_{0..9}
	measure_objects 1000.modules.50 bench_of_50_{0..49}
	measure_objects 4000 bench_more_{1..3}
	measure_side 100
	measure_later
}
