#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Modules that are patched come and go at any time: is their code right from the first instruction
# to the last?

. "$(dirname "$0")/klpt.sh"

# extra_refused PATCH WORD...: klpt_extra may not come, for the reason that these words tell
extra_refused() {
	local out

	if out=$(insmod "$MODULES/klpt_extra.ko" 2>&1); then
		fail "klpt_extra was not refused"
	fi
	[[ "$out" == *": Invalid parameters" ]] || fail "klpt_extra: $out"
	[[ ! -e /sys/module/klpt_extra ]] || fail "klpt_extra was left behind"
	names "$1" klpt_extra "${@:2}"
	refusal "$1" klpt_extra
}

# lives EXPECTED: values that klpt_extra saw in its init and exit functions
lives() {
	log_is "$1" '/^klpt_extra/!d'
}

patch_first() {
	patch klpt_p1 spec=klpt_extra:klpt_value,klpt_other
	is "$(cat $LP/klpt_p1/klpt_extra/patched)" 0 "patched before the module is there"
	load klpt_extra
	is "$(cat $LP/klpt_p1/klpt_extra/patched)" 1 "patched"
	extra_returns value 1
	extra_returns other 1
	extra_returns third 0
	returns value 0 "of the other module"
	rmmod klpt_extra
	lives "klpt_extra init 1
klpt_extra exit 1"
	unhooked klpt_value
	message "livepatch: applying patch 'klpt_p1' to loading module 'klpt_extra'\$"
	message "livepatch: reverting patch 'klpt_p1' on unloading module 'klpt_extra'\$"
}

module_first() {
	load klpt_extra
	patch klpt_p1 spec=klpt_extra:klpt_value
	rmmod klpt_extra
	is "$(cat $LP/klpt_p1/klpt_extra/patched)" 0 "patched when the module is gone"
	disable klpt_p1
	load klpt_extra
	extra_returns value 0
	lives "klpt_extra init 0
klpt_extra exit 1
klpt_extra init 0"
}

ten_times() {
	local i

	patch klpt_p1 'spec=klpt_target:klpt_value;klpt_extra:klpt_value,klpt_other,klpt_third'
	for i in 1 2 3 4 5 6 7 8 9 10; do
		load klpt_extra
		extra_returns third 1 "round $i"
		rmmod klpt_extra
		returns value 1 "round $i"
	done
}

not_pinned() {
	load klpt_extra
	patch klpt_p1 spec=klpt_extra:klpt_value
	is "$(cat /sys/module/klpt_extra/refcnt)" 0 "references to the patched module"
}

stacked() {
	patch klpt_p1 spec=klpt_extra:klpt_value,klpt_other
	patch klpt_p2 spec=klpt_extra:klpt_value
	load klpt_extra
	extra_returns value 2
	extra_returns other 1
	disable klpt_p1
	extra_returns value 2 "without the older patch"
	extra_returns other 0 "without the older patch"
	rmmod klpt_extra
	load klpt_extra
	extra_returns value 2 "after loading it again"
	remove klpt_p2
	extra_returns value 0
}

replaced_while_absent() {
	patch klpt_p1 spec=klpt_extra:klpt_value,klpt_other
	patch klpt_p2 spec=klpt_extra:klpt_value replace=1
	until_true "the replaced patch to leave sysfs" gone $LP/klpt_p1
	load klpt_extra
	extra_returns value 2
	extra_returns other 0
}

init_fails() {
	local out

	patch klpt_p1 spec=klpt_extra:klpt_value callbacks=1
	if out=$(insmod "$MODULES/klpt_extra.ko" init_ret=-5 2>&1); then
		fail "klpt_extra should have failed"
	fi
	[[ "$out" == *": Input/output error" ]] || fail "klpt_extra: $out"
	is "$(cat $LP/klpt_p1/klpt_extra/patched)" 0 "patched after the failure"
	log_is "klpt_p1 pre_patch klpt_extra coming
klpt_p1 post_patch klpt_extra coming
klpt_extra init 1
klpt_p1 pre_unpatch klpt_extra going
klpt_p1 post_unpatch klpt_extra going" '/^klpt_target/d'
	unhooked klpt_value
	load klpt_extra
	extra_returns value 1
}

comes_while_enabling() {
	asleep sleep 1
	load klpt_p1 'spec=klpt_target:klpt_sleep;klpt_extra:klpt_value,klpt_other'
	only_left klpt_p1 1 "$pid"
	load klpt_extra
	extra_returns value 1 "for a task that has moved"
	is "$(cat $LP/klpt_p1/klpt_extra/patched)" 1 "patched"
	rmmod klpt_extra
	load klpt_extra
	wake 1
	until_true "the transition to end" settled klpt_p1
	extra_returns value 1
	remove klpt_p1
	extra_returns value 0
}

# The blocked task itself calls a function of a module that came during the transition.
old_world_in_new_module() {
	asleep sleep 1
	load klpt_p1 'spec=klpt_target:klpt_sleep,klpt_value;klpt_extra:klpt_value,klpt_other'
	only_left klpt_p1 1 "$pid"
	load klpt_extra
	put $LP/klpt_p1/enabled 0
	until_true "the patch to be withdrawn" gone $LP/klpt_p1
	extra_returns value 0 "withdrawn"
	unhooked klpt_other
}

goes_while_enabling() {
	load klpt_extra
	asleep sleep 1
	load klpt_p1 'spec=klpt_extra:klpt_value,klpt_other;klpt_target:klpt_sleep'
	only_left klpt_p1 1 "$pid"
	rmmod klpt_extra
	unhooked klpt_other
	wake 1
	until_true "the transition to end" settled klpt_p1
	load klpt_extra
	extra_returns value 1
}

comes_and_goes_while_disabling() {
	patch klpt_p1 'spec=klpt_target:klpt_sleep;klpt_extra:klpt_value,klpt_other'
	asleep sleep 1
	put $LP/klpt_p1/enabled 0
	only_left klpt_p1 0 "$pid"
	load klpt_extra
	extra_returns value 0 "for a task that has moved"
	rmmod klpt_extra
	load klpt_extra
	wake 1
	until_true "the patch to be disabled" gone $LP/klpt_p1
	extra_returns value 0
	unhooked klpt_other
}

comes_and_goes_while_reversing() {
	local a i

	asleep sleep 1
	a=$pid
	load klpt_p1 'spec=klpt_target:klpt_sleep;klpt_extra:klpt_value'
	only_left klpt_p1 1 "$a"
	asleep sleep 2
	for i in 1 2 3; do
		load klpt_extra
		extra_returns value 1 "forward, round $i"
		put $LP/klpt_p1/enabled 0
		only_left klpt_p1 0 "$pid"
		extra_returns value 0 "backward, round $i"
		rmmod klpt_extra
		load klpt_extra
		extra_returns value 0 "backward, loaded again, round $i"
		put $LP/klpt_p1/enabled 1
		only_left klpt_p1 1 "$a"
		extra_returns value 1 "forward again, round $i"
		rmmod klpt_extra
	done
	wake 1
	until_true "the transition to end" settled klpt_p1
	load klpt_extra
	extra_returns value 1
}

# Nothing is known about the functions of a module that is not there; the module is refused later.
unknown_function() {
	patch klpt_p1 spec=klpt_extra:klpt_no_such_function=any
	extra_refused klpt_p1 klpt_no_such_function
	disable klpt_p1
	load klpt_extra
}

untraceable_function() {
	patch klpt_p1 spec=klpt_extra:klpt_value,klpt_notrace=any callbacks=1
	log_clear
	extra_refused klpt_p1 klpt_notrace
	unhooked klpt_value
	# Whatever began was ended.
	is "$(grep -c pre_patch /proc/klpt/log)" "$(grep -c post_unpatch /proc/klpt/log)" \
		"post_unpatch callbacks for as many pre_patch callbacks"
	disable klpt_p1
	load klpt_extra
	extra_returns value 0
}

# What is gone when a module is live is not there when it comes, either.
init_function() {
	local func

	for func in klpt_early=any +klpt_early klpt_mixed@2=any; do
		patch klpt_p1 "spec=klpt_extra:klpt_value,$func"
		extra_refused klpt_p1 "'klpt_(early|mixed)'" "not.found|no.position"
		unhooked klpt_value
		remove klpt_p1
		load klpt_extra
		refused klpt_p1 "Invalid parameters" "spec=klpt_extra:klpt_value,$func"
		extra_returns value 0
		rmmod klpt_extra
	done
}

# The only klpt_mixed() of a module that is live, and the second one of its file.
beside_init_function() {
	local at

	for at in "" @1; do
		patch klpt_p1 "spec=klpt_extra:klpt_mixed$at=any"
		load klpt_extra
		extra_returns mixed 1 "patched as it came, '$at'"
		remove klpt_p1
		extra_returns mixed 20 "after, '$at'"
		patch klpt_p1 "spec=klpt_extra:klpt_mixed$at=any"
		extra_returns mixed 1 "patched later, '$at'"
		remove klpt_p1
		rmmod klpt_extra
	done
}

# What a patch has found in a module that came is found again, to be reverted.
replaced_after_coming() {
	patch klpt_p1 spec=klpt_extra:klpt_mixed@1=any,klpt_value
	load klpt_extra
	extra_returns mixed 1
	replaced_by klpt_p1 klpt_p2 spec=klpt_extra:klpt_value
	extra_returns mixed 20 "after the replacement"
	extra_returns value 2 "after the replacement"
	unhooked klpt_mixed
	rmmod klpt_extra
	load klpt_extra
	extra_returns mixed 20 "when the module came again"
}

# A module that calls itself vmlinux would be taken for the kernel.
named_vmlinux() {
	local out

	sed 's/klpt_extra/vmlinux\x00\x00\x00/g' "$MODULES/klpt_extra.ko" > "$tmp/vmlinux.ko"
	if out=$(insmod "$tmp/vmlinux.ko" 2>&1); then
		fail "a module named vmlinux was not refused"
	fi
	[[ "$out" == *": Invalid parameters" ]] || fail "vmlinux.ko: $out"
	names vmlinux "module.*name"
}

it patch_first "the patch first: the module is patched before its init function runs"
it module_first "the module first: it is patched until its exit function has run"
it ten_times "a module of three patched functions comes and goes ten times"
it not_pinned "a patch does not keep the module that it patches"
it stacked "two patches apply to a module that comes"
it replaced_while_absent "replaced while the module is away: only the new patch applies to it"
it init_fails "a module whose init function fails is released, and can be loaded later"
it comes_while_enabling "a module comes while a patch is being enabled"
it old_world_in_new_module "a module comes while a patch is being enabled, which is withdrawn"
it goes_while_enabling "a module goes while a patch is being enabled"
it comes_and_goes_while_disabling "a module comes and goes while a patch is being disabled"
it comes_and_goes_while_reversing "a module comes and goes while a patch is reversed"
it unknown_function "a module that lacks a function of a patch is refused"
it untraceable_function "a module with a function that ftrace cannot reach is refused"
! init_memory || it init_function "an __init function is not found, whoever was there first"
! init_memory || it beside_init_function "a function whose name an __init one has as well"
it replaced_after_coming "a patch whose module came later is replaced"
it named_vmlinux "a module named vmlinux is refused"
klpt_main
