#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Are livepatch relocations written when the object that they refer to is there, and only then?
#
# All variants of klpt_reloc are the same module with different names in its relocations; see
# test_modules/Makefile.

. "$(dirname "$0")/klpt.sh"

PLACES=12	# that a target is at

# reloc_refused VARIANT WORD...: by the loader of modules
reloc_refused() {
	local out

	if out=$(insmod "$MODULES/klpt_reloc_$1.ko" 2>&1); then
		fail "klpt_reloc_$1 was not refused"
	fi
	[[ "$out" == *": Invalid parameters" ]] || fail "klpt_reloc_$1: $out"
	names klpt_reloc "${@:2}"
	no_trace klpt_reloc
	returns value 0 "after all"
}

# target_refused VARIANT WORD...: the livepatch may come, the module that it patches may not
target_refused() {
	local out

	rmmod klpt_target
	load "klpt_reloc_$1"
	until_true "the transition to end" settled klpt_reloc
	if out=$(insmod "$MODULES/klpt_target.ko" 2>&1); then
		fail "klpt_target was not refused"
	fi
	[[ "$out" == *": Invalid parameters" ]] || fail "klpt_target: $out"
	names klpt_reloc "${@:2}"
	refusal klpt_reloc klpt_target
	[[ ! -e /sys/module/klpt_target ]] || fail "klpt_target was left behind"
	is "$(cat $LP/klpt_reloc/klpt_target/patched)" 0 "klpt_target/patched"
	remove klpt_reloc
	load klpt_target
	returns value 0 "without the livepatch"
}

all_resolved() {
	is "$(cat /proc/cmdline)" "relocated $cmdline" "/proc/cmdline"
	returns value 42 "${1:-}"
	returns other 445 "${1:-}"
	returns third 31 "${1:-}"
}

target_is_there() {
	load klpt_reloc_good
	until_true "the transition to end" settled klpt_reloc
	all_resolved
	remove klpt_reloc
	is "$(cat /proc/cmdline)" "$cmdline" "/proc/cmdline after the patch"
	returns value 0 "after the patch"
}

target_comes_later() {
	rmmod klpt_target
	load klpt_reloc_good
	until_true "the transition to end" settled klpt_reloc
	is "$(cat /proc/cmdline)" "relocated $cmdline" "/proc/cmdline"
	load klpt_target
	all_resolved
}

# Relocations are cleared when the target goes, or they could not be written again.
target_comes_and_goes() {
	local i

	load klpt_reloc_good
	until_true "the transition to end" settled klpt_reloc
	for i in 1 2 3 4 5; do
		rmmod klpt_target
		is "$(cat $LP/klpt_reloc/klpt_target/patched)" 0 "klpt_target/patched"
		# Take another place in memory.
		[[ $i == 2 ]] && load klpt_extra
		[[ $i == 4 ]] && rmmod klpt_extra
		load klpt_target
		all_resolved "round $i"
	done
}

# What stands for a far place, a stub or an entry of the GOT, is found anew for each, and does not
# run out. So that the target moves, a module of its size takes the place where it was, or a gap
# in front of it, and stays: klpt_extra under another name, whose functions return something else.
target_moves() {
	local copy copies=() places=0 seen=" "

	load klpt_reloc_good
	until_true "the transition to end" settled klpt_reloc
	for copy in klpt_ext{10..45}; do
		get /sys/module/klpt_target/sections/.text
		[[ $seen == *" $REPLY "* ]] || places=$((places + 1))
		seen+="$REPLY "
		all_resolved "at place $places"
		((places < PLACES)) || break
		rmmod klpt_target
		sed "s/klpt_extra/$copy/g" "$MODULES/klpt_extra.ko" > "$tmp/$copy.ko"
		insmod "$tmp/$copy.ko" zero=100 || fail "insmod $copy"
		copies+=("$copy")
		load klpt_target
	done
	is "$places" $PLACES "places that the target has been at"
	rmmod "${copies[@]}"
}

target_fails() {
	rmmod klpt_target
	load klpt_reloc_good
	until_true "the transition to end" settled klpt_reloc
	! insmod "$MODULES/klpt_target.ko" init_ret=-5 2>/dev/null || fail "init should have failed"
	load klpt_target
	all_resolved
}

patch_comes_and_goes() {
	local i

	for i in 1 2 3; do
		load klpt_reloc_good
		until_true "the transition to end" settled klpt_reloc
		all_resolved "round $i"
		remove klpt_reloc
		returns value 0 "round $i"
	done
}

# Relocations in init code are written while it is there. Later the memory is somebody else's.
init_code() {
	load klpt_reloc_good early=3
	until_true "the transition to end" settled klpt_reloc
	log_is "klpt_reloc early 43" '/early/!d'
	rmmod klpt_target
	load klpt_target
	all_resolved
}

# Of the two symbols of this name, one is for init only: it is not there, in either order.
beside_init_symbol() {
	load klpt_reloc_mixed
	until_true "the transition to end" settled klpt_reloc
	returns value 20 "with the target there first"
	rmmod klpt_target
	load klpt_target
	returns value 20 "with the target coming later"
}

third_module() {
	reloc_refused third klpt_hidden klpt_extra "not.loaded"
	load klpt_extra
	load klpt_reloc_third
	until_true "the transition to end" settled klpt_reloc
	all_resolved
	rmmod klpt_target
	load klpt_target
	all_resolved "when the target came again"
	is "$(cat /sys/module/klpt_extra/refcnt)" 0 "references to klpt_extra"
}

# It waits for its kthread in its exit function.
third_module_goes() {
	load klpt_extra
	put $EXTRA/kthread sleep
	until_true "the kthread to fall asleep" is_waiting 6 1
	rmmod klpt_extra &
	until_true "klpt_extra to be on its way out" has /sys/module/klpt_extra/initstate going
	reloc_refused third klpt_hidden klpt_extra "not.loaded"
	wake 6
	until_true "klpt_extra to go" gone /sys/module/klpt_extra
}

no_section() { reloc_refused no_section "[.]klp[.]rela[.]"; }
no_name() { reloc_refused no_name "[.]klp[.]sym[.]"; }
not_marked() { reloc_refused not_marked klpt_hidden "not.*livepatch.symbol"; }
vmlinux_symbol() { reloc_refused vmlinux_symbol vmlinux saved_command_line klpt_target; }
unknown_vmlinux() { reloc_refused unknown_vmlinux vmlinux klpt_no_such_symbol; }
unknown() { reloc_refused unknown klpt_target klpt_no_such_symbol; }
ambiguous() { reloc_refused ambiguous klpt_target klpt_dup ambig; }
init_symbol() { reloc_refused init_symbol klpt_target klpt_early "not.found"; }
position() { reloc_refused position klpt_target klpt_dup position 3; }

unloaded() { reloc_refused unloaded "[.]klp[.]rela[.]klpt_target[.]" "not.kept.in.memory"; }
outside() { reloc_refused outside klpt_target "outside.of.its.section"; }

later_outside() { target_refused outside klpt_target "outside.of.its.section"; }

# What has been written by then is taken back: the next try fails for the same reason.
later_half() {
	local i

	rmmod klpt_target
	load klpt_reloc_half
	until_true "the transition to end" settled klpt_reloc
	for i in 1 2; do
		set_mark later_half$i
		refused klpt_target "Invalid module format"
		message 'klpt_reloc: Unknown rela relocation: 9$'
		no_message 'Invalid relocation target'
	done
	remove klpt_reloc
	load klpt_target
	returns value 0 "without the livepatch"
}

later_no_name() { target_refused no_name "[.]klp[.]sym[.]"; }
later_not_marked() { target_refused not_marked klpt_hidden "not.*livepatch.symbol"; }
later_unknown() { target_refused unknown klpt_target klpt_no_such_symbol; }
later_ambiguous() { target_refused ambiguous klpt_target klpt_dup ambig; }
later_init_symbol() { target_refused init_symbol klpt_target klpt_early "not.found"; }
later_third() { target_refused third klpt_hidden klpt_extra "not.loaded"; }
later_position() { target_refused position klpt_target klpt_dup position 3; }

cmdline=$(cat /proc/cmdline)

it target_is_there "symbols of vmlinux and of a module are resolved, many entries for one of them"
it target_comes_later "a module that comes later is resolved then"
it target_comes_and_goes "relocations are written again when the module comes back"
it target_moves "a module that comes back at a dozen places"
it target_fails "relocations are written again after the module has failed to load"
it patch_comes_and_goes "the livepatch comes and goes"
it init_code "relocations in init code of the livepatch"
! init_memory ||
	it beside_init_symbol "a symbol whose name an __init one has as well, in both orders"
it third_module "a symbol of a module that is not patched"
it third_module_goes "refused: a symbol of a module that is on its way out"
it no_section "refused: a section that does not name an object"
it no_name "refused: a symbol that does not name a symbol"
it not_marked "refused: a symbol that is not marked"
it vmlinux_symbol "refused: a symbol of vmlinux in a section of a module"
it unknown_vmlinux "refused: a symbol that vmlinux does not have"
it unknown "refused: a symbol that the module does not have"
it ambiguous "refused: a symbol that the module has twice"
! init_memory || it init_symbol "refused: a symbol of init memory"
it position "refused: a position that the symbol does not have"
it unloaded "refused: a section that is in the file only"
it outside "refused: a place outside of the section that is relocated"
it later_outside "module refused: a place outside of the section that is relocated"
[[ $(uname -m) != x86_64 ]] ||
	it later_half "module refused: a relocation of a type that the kernel does not know, twice"
it later_no_name "module refused: a symbol that does not name a symbol"
it later_not_marked "module refused: a symbol that is not marked"
it later_unknown "module refused: a symbol that it does not have"
it later_ambiguous "module refused: a symbol that it has twice"
! init_memory || it later_init_symbol "module refused: a symbol of its init memory"
it later_third "module refused: a symbol of a module that is not there"
it later_position "module refused: a position that the symbol does not have"
klpt_main
