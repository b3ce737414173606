#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Runs in a guest with our kernel and modules that were built against the stock header: the stock
# samples in /abi, and the modules of the stock selftests in their place. Prints TAP.

sys=/sys/kernel/livepatch
number=0
failed=0

result() {
	number=$((number + 1))
	if [[ $1 == 0 ]]; then
		echo "ok $number - $2"
	else
		echo "not ok $number - $2"
		failed=$((failed + 1))
	fi
}

# Waits until a command succeeds, for a minute at most.
wait_for() {
	local i
	for ((i = 0; i < 600; i++)); do
		"$@" 2>/dev/null && return 0
		sleep 0.1
	done
	echo "# did not come true: $*"
	return 1
}

settled() {
	[[ $(cat "$sys/$1/transition") == 0 ]]
}

gone() {
	[[ ! -e $sys/$1 ]]
}

says() {
	local text
	text=$(cat "$1")
	[[ $text == *"$2"* ]] || { echo "# $1 says: $text" && false; }
}

load() {
	insmod "/abi/$1.ko" && wait_for settled "${1//-/_}"
}

disable() {
	echo 0 >"$sys/$1/enabled" && wait_for gone "$1"
}

sample() {
	local original
	original=$(cat /proc/cmdline)
	load livepatch-sample &&
		says /proc/cmdline 'this has been live patched' &&
		disable livepatch_sample &&
		says /proc/cmdline "$original" &&
		rmmod livepatch-sample
}

# A patch takes over from another one, which can be removed then.
replace() {
	local original
	original=$(cat /proc/cmdline)
	load livepatch-sample &&
		insmod "$selftests/test_modules/test_klp_atomic_replace.ko" replace=1 &&
		wait_for settled test_klp_atomic_replace &&
		wait_for gone livepatch_sample &&
		says /proc/meminfo 'this has been live patched' &&
		says /proc/cmdline "$original" &&
		wait_for rmmod livepatch-sample &&
		disable test_klp_atomic_replace &&
		rmmod test_klp_atomic_replace
}

# Callbacks for a module that comes and goes while the patch is there.
callbacks() {
	dmesg --clear
	load livepatch-callbacks-demo &&
		insmod /abi/livepatch-callbacks-mod.ko &&
		rmmod livepatch-callbacks-mod &&
		disable livepatch_callbacks_demo &&
		rmmod livepatch-callbacks-demo || return 1
	local object=livepatch_callbacks_mod
	diff - <(dmesg --notime |
		sed -n 's/.*\(\(pre\|post\)_\(un\)\?patch_callback: [^ ]*\).*/\1/p') <<-EOF
		pre_patch_callback: vmlinux
		post_patch_callback: vmlinux
		pre_patch_callback: $object
		post_patch_callback: $object
		pre_unpatch_callback: $object
		post_unpatch_callback: $object
		pre_unpatch_callback: vmlinux
		post_unpatch_callback: vmlinux
	EOF
}

# Shadow variables, allocated and freed by different patches.
shadow() {
	dmesg --clear
	insmod /abi/livepatch-shadow-mod.ko &&
		load livepatch-shadow-fix1 &&
		load livepatch-shadow-fix2 &&
		sleep 20 &&
		disable livepatch_shadow_fix2 &&
		disable livepatch_shadow_fix1 &&
		rmmod livepatch-shadow-fix2 &&
		rmmod livepatch-shadow-fix1 &&
		rmmod livepatch-shadow-mod &&
		dmesg | grep -q 'livepatch_fix2_dummy_free: dummy @ .*, check counter =' &&
		dmesg | grep -q 'livepatch_fix2_dummy_leak_dtor: dummy @ .*, prevented leak'
}

selftests=$1
shift
for name in sample replace callbacks shadow; do
	"$name" 2>&1 | sed 's/^/# /'
	result "${PIPESTATUS[0]}" "stock-header module: $name"
done
for name in "$@"; do
	(cd "$selftests" && timeout 300 "./$name") >/tmp/log 2>&1
	status=$?
	[[ $status == 0 ]] || sed 's/^/# /' /tmp/log
	result "$status" "stock-header selftest: $name"
done
echo "1..$number"
((failed == 0))
