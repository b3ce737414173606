#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Are the callbacks of each object called when they should be, in the right order, and only then?

. "$(dirname "$0")/klpt.sh"

# calls EXPECTED: what the callbacks of klpt_p1 and klpt_p2 wrote since the log was cleared
calls() {
	log_is "$1" '/^klpt_p/!d; / exit$/d'
}

# load_failing MODULE: the livepatch core refuses the module with the error of a callback
load_failing() {
	local out

	if out=$(insmod "$MODULES/$1.ko" 2>&1); then
		fail "$1 was not refused"
	fi
	[[ "$out" == *": No such device" ]] || fail "$1: $out"
	[[ ! -e /sys/module/$1 ]] || fail "module $1 was left behind"
}

as_listed() {
	load klpt_extra
	patch klpt_p1 callbacks=1 \
		'spec=klpt_extra:klpt_value;vmlinux:cmdline_proc_show;klpt_target:klpt_value'
	disable klpt_p1
	calls "klpt_p1 pre_patch klpt_extra live
klpt_p1 pre_patch vmlinux
klpt_p1 pre_patch klpt_target live
klpt_p1 post_patch klpt_extra live
klpt_p1 post_patch vmlinux
klpt_p1 post_patch klpt_target live
klpt_p1 pre_unpatch klpt_extra live
klpt_p1 pre_unpatch vmlinux
klpt_p1 pre_unpatch klpt_target live
klpt_p1 post_unpatch klpt_extra live
klpt_p1 post_unpatch vmlinux
klpt_p1 post_unpatch klpt_target live"
}

not_loaded() {
	patch klpt_p1 'spec=klpt_extra:klpt_value;klpt_target:klpt_value' callbacks=1
	disable klpt_p1
	calls "klpt_p1 pre_patch klpt_target live
klpt_p1 post_patch klpt_target live
klpt_p1 pre_unpatch klpt_target live
klpt_p1 post_unpatch klpt_target live"
}

coming_and_going() {
	local i

	patch klpt_p1 'spec=klpt_extra:klpt_value;klpt_target:klpt_value' callbacks=1
	for i in 1 2 3; do
		log_clear
		load klpt_extra
		calls "klpt_p1 pre_patch klpt_extra coming
klpt_p1 post_patch klpt_extra coming"
		log_clear
		rmmod klpt_extra
		calls "klpt_p1 pre_unpatch klpt_extra going
klpt_p1 post_unpatch klpt_extra going"
	done
	log_clear
	disable klpt_p1
	calls "klpt_p1 pre_unpatch klpt_target live
klpt_p1 post_unpatch klpt_target live"
}

# The third of three fails: the two before it are undone, the third and later ones never began.
pre_patch_fails() {
	load klpt_extra
	refused klpt_p1 "No such device" callbacks=1 pre_fail=klpt_target \
		'spec=vmlinux:cmdline_proc_show;klpt_extra:klpt_value;klpt_target:klpt_value'
	calls "klpt_p1 pre_patch vmlinux
klpt_p1 pre_patch klpt_extra live
klpt_p1 pre_patch klpt_target live
klpt_p1 post_unpatch vmlinux
klpt_p1 post_unpatch klpt_extra live"
	message "livepatch: pre-patch callback failed for object 'klpt_target'\$"
	message "livepatch: failed to enable patch 'klpt_p1'\$"
	extra_returns value 0
	unhooked cmdline_proc_show
	at_rest
}

first_pre_patch_fails() {
	refused klpt_p1 "No such device" callbacks=1 pre_fail=vmlinux \
		'spec=vmlinux:cmdline_proc_show;klpt_target:klpt_value'
	calls "klpt_p1 pre_patch vmlinux"
	message "livepatch: pre-patch callback failed for object 'vmlinux'\$"
	returns value 0
}

# A patch that cannot come does not disturb the one that it would have replaced.
pre_patch_fails_replacing() {
	patch klpt_p1 spec=klpt_target:klpt_value,klpt_other callbacks=1
	log_clear
	refused klpt_p2 "No such device" callbacks=1 pre_fail=klpt_target replace=1 \
		'spec=vmlinux:cmdline_proc_show;klpt_target:klpt_value'
	calls "klpt_p2 pre_patch vmlinux
klpt_p2 pre_patch klpt_target live
klpt_p2 post_unpatch vmlinux"
	returns value 1
	returns other 1
	is "$(cat $LP/klpt_p1/enabled)" 1 "enabled of the old patch"
	log_clear
	disable klpt_p1
	calls "klpt_p1 pre_unpatch klpt_target live
klpt_p1 post_unpatch klpt_target live"
}

module_refused() {
	patch klpt_p1 callbacks=1 pre_fail=klpt_extra \
		'spec=klpt_target:klpt_value;klpt_extra:klpt_value'
	log_clear
	load_failing klpt_extra
	calls "klpt_p1 pre_patch klpt_extra coming"
	message "livepatch: pre-patch callback failed for object 'klpt_extra'\$"
	refusal klpt_p1 klpt_extra
	is "$(cat $LP/klpt_p1/klpt_extra/patched)" 0 "klpt_extra/patched"
	returns value 1 "of the other module"
	# It comes in as soon as the callback agrees.
	put /sys/module/klpt_p1/parameters/pre_fail none
	log_clear
	load klpt_extra
	extra_returns value 1
	calls "klpt_p1 pre_patch klpt_extra coming
klpt_p1 post_patch klpt_extra coming"
}

# The second of two patches refuses the module: what the first one did is undone.
module_refused_by_second() {
	patch klpt_p1 'spec=klpt_extra:klpt_value' callbacks=1
	patch klpt_p2 'spec=klpt_extra:klpt_value' callbacks=1 pre_fail=klpt_extra
	log_clear
	load_failing klpt_extra
	calls "klpt_p1 pre_patch klpt_extra coming
klpt_p1 post_patch klpt_extra coming
klpt_p2 pre_patch klpt_extra coming
klpt_p1 pre_unpatch klpt_extra coming
klpt_p1 post_unpatch klpt_extra coming"
	is "$(cat $LP/klpt_p1/klpt_extra/patched)$(cat $LP/klpt_p2/klpt_extra/patched)" 00 "patched"
	unhooked klpt_value
	disable klpt_p2
	load klpt_extra
	extra_returns value 1
}

module_refused_by_first() {
	patch klpt_p1 'spec=klpt_extra:klpt_value' callbacks=1 pre_fail=klpt_extra
	patch klpt_p2 'spec=klpt_extra:klpt_value' callbacks=1
	log_clear
	load_failing klpt_extra
	calls "klpt_p1 pre_patch klpt_extra coming"
	disable klpt_p1
	load klpt_extra
	extra_returns value 2
}

two_patches_one_module() {
	patch klpt_p1 'spec=klpt_extra:klpt_value' callbacks=1
	patch klpt_p2 'spec=klpt_extra:klpt_value' callbacks=1
	log_clear
	load klpt_extra
	extra_returns value 2
	rmmod klpt_extra
	calls "klpt_p1 pre_patch klpt_extra coming
klpt_p1 post_patch klpt_extra coming
klpt_p2 pre_patch klpt_extra coming
klpt_p2 post_patch klpt_extra coming
klpt_p1 pre_unpatch klpt_extra going
klpt_p1 post_unpatch klpt_extra going
klpt_p2 pre_unpatch klpt_extra going
klpt_p2 post_unpatch klpt_extra going"
}

withdrawn() {
	asleep sleep 1
	load klpt_p1 spec=klpt_target:klpt_sleep callbacks=1
	only_left klpt_p1 1 "$pid"
	put $LP/klpt_p1/enabled 0
	until_true "the patch to be withdrawn" gone $LP/klpt_p1
	calls "klpt_p1 pre_patch klpt_target live
klpt_p1 post_unpatch klpt_target live"
}

disabling_withdrawn() {
	patch klpt_p1 spec=klpt_target:klpt_sleep callbacks=1
	asleep sleep 1
	log_clear
	put $LP/klpt_p1/enabled 0
	only_left klpt_p1 0 "$pid"
	put $LP/klpt_p1/enabled 1
	until_true "the patch to be back" settled klpt_p1
	calls "klpt_p1 pre_unpatch klpt_target live
klpt_p1 post_patch klpt_target live"
	wake 1
	ended "$pid"
	log_clear
	disable klpt_p1
	calls "klpt_p1 pre_unpatch klpt_target live
klpt_p1 post_unpatch klpt_target live"
}

coming_while_enabling() {
	asleep sleep 1
	load klpt_p1 'spec=klpt_target:klpt_sleep;klpt_extra:klpt_value' callbacks=1
	only_left klpt_p1 1 "$pid"
	log_clear
	load klpt_extra
	calls "klpt_p1 pre_patch klpt_extra coming"
	wake 1
	until_true "the transition to end" settled klpt_p1
	calls "klpt_p1 pre_patch klpt_extra coming
klpt_p1 post_patch klpt_target live
klpt_p1 post_patch klpt_extra live"
}

going_while_enabling() {
	load klpt_extra
	asleep sleep 1
	load klpt_p1 'spec=klpt_target:klpt_sleep;klpt_extra:klpt_value' callbacks=1
	only_left klpt_p1 1 "$pid"
	log_clear
	rmmod klpt_extra
	calls "klpt_p1 post_unpatch klpt_extra going"
	log_clear
	wake 1
	until_true "the transition to end" settled klpt_p1
	calls "klpt_p1 post_patch klpt_target live"
}

coming_and_going_while_disabling() {
	patch klpt_p1 'spec=klpt_target:klpt_sleep;klpt_extra:klpt_value' callbacks=1
	asleep sleep 1
	put $LP/klpt_p1/enabled 0
	only_left klpt_p1 0 "$pid"
	log_clear
	load klpt_extra
	calls "klpt_p1 pre_patch klpt_extra coming"
	extra_returns value 0 "for a task that has moved"
	rmmod klpt_extra
	calls "klpt_p1 pre_patch klpt_extra coming
klpt_p1 post_unpatch klpt_extra going"
	load klpt_extra
	log_clear
	wake 1
	until_true "the patch to be disabled" gone $LP/klpt_p1
	calls "klpt_p1 post_unpatch klpt_target live
klpt_p1 post_unpatch klpt_extra live"
}

module_refused_while_enabling() {
	asleep sleep 1
	load klpt_p1 callbacks=1 pre_fail=klpt_extra \
		'spec=klpt_target:klpt_sleep;klpt_extra:klpt_value'
	only_left klpt_p1 1 "$pid"
	log_clear
	load_failing klpt_extra
	calls "klpt_p1 pre_patch klpt_extra coming"
	log_clear
	wake 1
	until_true "the transition to end" settled klpt_p1
	calls "klpt_p1 post_patch klpt_target live"
}

it as_listed "all objects are called in the order in which the patch lists them"
it not_loaded "a module that is not there is not called"
it coming_and_going "a module that comes and goes is called each time"
it pre_patch_fails "a failing pre_patch refuses the patch and undoes the objects before it"
it first_pre_patch_fails "a failing pre_patch of the first object"
it pre_patch_fails_replacing "a failing pre_patch leaves the patch to be replaced alone"
it module_refused "a failing pre_patch refuses the module that comes"
it module_refused_by_second "the second patch refuses the module, the first one is undone"
it module_refused_by_first "the first patch refuses the module, the second one never starts"
it two_patches_one_module "one patch is done with the module before the next one starts"
it withdrawn "enabling withdrawn: post_unpatch without pre_unpatch"
it disabling_withdrawn "disabling withdrawn: post_patch without pre_patch"
it coming_while_enabling "a module that comes while a patch is being enabled"
it going_while_enabling "a module that goes while a patch is being enabled"
it coming_and_going_while_disabling "a module that comes and goes while a patch is being disabled"
it module_refused_while_enabling "a module that is refused while a patch is being enabled"
klpt_main
