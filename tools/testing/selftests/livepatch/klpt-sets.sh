#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Do patches of different sets live side by side, each set replaced by itself, with nothing in
# common?

. "$(dirname "$0")/klpt.sh"

V=spec=klpt_target:klpt_value
O=spec=klpt_target:klpt_other

# A set number that fits into no signed int.
LARGE=4000000000

# replaced PATCH...: they have left sysfs, and their modules can go
replaced() {
	local p

	for p in "$@"; do
		until_true "$p to leave sysfs" gone "$LP/$p"
		unload "$p"
	done
}

# enabled PATCH...: they are there and in force
enabled() {
	local p

	for p in "$@"; do
		has "$LP/$p/enabled" 1 || fail "$p is not enabled"
	done
}

# clash PATCH MESSAGE PARAMETER...: refused with a message
clash() {
	refused "$1" "Invalid parameters" "${@:3}"
	message "livepatch: $2\$"
}

# Two streams, each with up- and downgrades of its own.
two_streams() {
	patch klpt_p1 $V set=1 replace=1
	patch klpt_p2 $O set=$LARGE replace=1
	three_values "1 2 0" "of both streams"
	enabled klpt_p1 klpt_p2

	patch klpt_p3 $V,klpt_third set=1 replace=1
	three_values "3 2 3" "with the first stream upgraded"
	replaced klpt_p1
	enabled klpt_p2 klpt_p3

	patch klpt_p4 $O set=$LARGE replace=1
	three_values "3 4 3" "with the second stream upgraded"
	replaced klpt_p2

	patch klpt_p1 $V set=1 replace=1
	three_values "1 4 0" "with the first stream downgraded"
	replaced klpt_p3
	unhooked klpt_third
	hooked klpt_other || fail "the second stream lost its handler"
}

# A task holds up the upgrade of one stream: the other one is the same in both worlds.
upgrade_while_blocked() {
	patch klpt_p1 $V,klpt_sleep set=1 replace=1
	patch klpt_p2 $O set=2 replace=1
	asleep sleep 1
	load klpt_p3 $V,klpt_sleep set=1 replace=1
	only_left klpt_p3 1 "$pid"
	three_values "3 2 0" "in the new world"
	[[ ! -e $LP/klpt_p3/klpt_target/klpt_other,1 ]] || fail "klpt_other() is being reverted"
	in_use klpt_p1
	put $LP/klpt_p3/enabled 0
	until_true "the upgrade to be withdrawn" gone $LP/klpt_p3
	unload klpt_p3
	three_values "1 2 0" "after the reversal"
	load klpt_p3 $V,klpt_sleep set=1 replace=1
	only_left klpt_p3 1 "$pid"
	wake 1
	until_true "the upgrade to end" settled klpt_p3
	replaced klpt_p1
	enabled klpt_p2 klpt_p3
	three_values "3 2 0" "after the upgrade"
}

# Modules that know nothing of sets are in set 0.
set_0_and_others() {
	patch klpt_p1 $V set=1
	patch klpt_p2 $O replace=1
	three_values "1 2 0" "of set 0 beside set 1"
	patch klpt_p3 $O replace=1
	replaced klpt_p2
	three_values "1 3 0" "after set 0 was upgraded"
	enabled klpt_p1 klpt_p3
	patch klpt_p2 $V set=1 replace=1
	replaced klpt_p1
	three_values "2 3 0" "after set 1 was upgraded"
	enabled klpt_p2 klpt_p3
}

# Within a set everything is as it has always been: patches stack, and a cumulative one takes all.
stack_within_a_set() {
	patch klpt_p1 $V,klpt_other set=5
	patch klpt_p2 $V set=5
	three_values "2 1 0" "of a stack"
	disable klpt_p2
	unload klpt_p2
	three_values "1 1 0" "without the top of the stack"
	patch klpt_p2 $V set=5
	patch klpt_p3 spec=klpt_target:klpt_third
	patch klpt_p4 $V set=5 replace=1
	replaced klpt_p1 klpt_p2
	three_values "4 0 3" "of the patch that took the place of the stack"
}

disable_one() {
	patch klpt_p1 $V set=1
	patch klpt_p2 $O,klpt_sleep set=2
	asleep sleep 1
	put $LP/klpt_p2/enabled 0
	only_left klpt_p2 0 "$pid"
	three_values "1 0 0" "while one set is being disabled"
	wake 1
	until_true "klpt_p2 to be disabled" gone $LP/klpt_p2
	unload klpt_p2
	enabled klpt_p1
	three_values "1 0 0" "with one set disabled"
	patch klpt_p2 $O set=2
	remove klpt_p1
	three_values "0 2 0" "with the other set disabled"
}

order_counts_all() {
	local i

	for i in 1 2 3; do
		patch "klpt_p$i" "spec=klpt_target:klpt_$(cut -d' ' -f$i <<< "value other third")" \
			set=$((7 - i))
	done
	for i in 1 2 3; do
		is "$(cat $LP/klpt_p$i/stack_order)" $i "stack_order of klpt_p$i"
	done
	patch klpt_p4 $V set=6 replace=1
	replaced klpt_p1
	is "$(cat $LP/klpt_p2/stack_order)" 1 "stack_order of klpt_p2 after the replacement"
	is "$(cat $LP/klpt_p3/stack_order)" 2 "stack_order of klpt_p3 after the replacement"
	is "$(cat $LP/klpt_p4/stack_order)" 3 "stack_order of klpt_p4 after the replacement"
}

in_sysfs() {
	patch klpt_p1 $V
	patch klpt_p2 $O set=$LARGE
	is "$(cat $LP/klpt_p1/replace_set)" 0 "replace_set by default"
	is "$(cat $LP/klpt_p2/replace_set)" $LARGE "replace_set"
}

function_in_common() {
	patch klpt_p1 $V set=1
	clash klpt_p2 "patch 'klpt_p2' of set 0 and patch 'klpt_p1' of set 1 both have \
function 'klpt_value' in object 'klpt_target'" $O,klpt_value
	clash klpt_p3 "patch 'klpt_p3' of set 2 and patch 'klpt_p1' of set 1 both have \
function 'klpt_value' in object 'klpt_target'" $O,klpt_value@1 set=2 replace=1
	three_values "1 0 0" "after two were refused"
	unhooked klpt_other
	disable klpt_p1
	patch klpt_p2 $O,klpt_value
	clash klpt_p4 "patch 'klpt_p4' of set 1 and patch 'klpt_p2' of set 0 both have \
function 'klpt_other' in object 'klpt_target'" $O@1 set=1
	three_values "2 2 0" "of the patch that was refused before"
}

# The second of two names of one set, not the newest patch, an object that is not loaded.
function_in_common_anywhere() {
	patch klpt_p1 "$V;vmlinux:cmdline_proc_show" set=1
	patch klpt_p2 "spec=klpt_extra:klpt_value,klpt_dup@2" set=2
	patch klpt_p3 $O set=3
	clash klpt_p4 "patch 'klpt_p4' of set 0 and patch 'klpt_p2' of set 2 both have \
function 'klpt_dup' in object 'klpt_extra'" "spec=klpt_extra:klpt_dup@1,klpt_dup@2"
	clash klpt_p4 "patch 'klpt_p4' of set 0 and patch 'klpt_p1' of set 1 both have \
function 'cmdline_proc_show' in object 'vmlinux'" spec=vmlinux:cmdline_proc_show
	patch klpt_p4 spec=klpt_extra:klpt_other,klpt_dup@1
	load klpt_extra
	extra_returns value 2 "of set 2"
	extra_returns other 4 "of set 0"
	extra_returns dup "4 2" "of both"
}

# Several sets may watch a function that one of them replaces.
guards_in_common() {
	patch klpt_p1 spec=klpt_target:klpt_value,+klpt_named set=1
	patch klpt_p2 spec=klpt_target:+klpt_value,klpt_other,+klpt_alias set=2
	patch klpt_p3 spec=klpt_target:+klpt_value,+klpt_other,klpt_alias=any
	three_values "1 2 0" "of sets that guard each other's functions"
	returns named 3
	clash klpt_p4 "patch 'klpt_p4' of set 4 and patch 'klpt_p2' of set 2 both have \
function 'klpt_other' in object 'klpt_target'" $O,+klpt_value set=4
}

state_in_common() {
	patch klpt_p1 $V states=3:2,7:2 set=1
	clash klpt_p2 "patch 'klpt_p2' of set 0 and patch 'klpt_p1' of set 1 both have state 7" \
		$O states=4:1,7:2
	clash klpt_p2 "patch 'klpt_p2' of set 2 and patch 'klpt_p1' of set 1 both have state 3" \
		$O states=3:1 set=2 replace=1
	three_values "1 0 0" "after two were refused"
	patch klpt_p2 $O states=4:1 replace=1
	three_values "1 2 0" "of a patch that need not know the states of another set"
	clash klpt_p3 "patch 'klpt_p3' of set 1 and patch 'klpt_p2' of set 0 both have state 4" \
		$V states=7:2,3:2,4:1 set=1 replace=1
	patch klpt_p3 $V states=7:3,3:2 set=1 replace=1
	replaced klpt_p1
}

# klpt_named() and klpt_alias() are one function.
alias_when_enabling() {
	patch klpt_p1 spec=klpt_target:klpt_named=any set=1
	log_clear
	clash klpt_p2 "patch 'klpt_p2' of set 2: function 'klpt_alias' in object 'klpt_target' \
is 'klpt_named' of patch 'klpt_p1' of set 1" $O,klpt_alias=any set=2 callbacks=1
	log_is ""
	unhooked klpt_other
	returns named 1
	disable klpt_p1
	unload klpt_p1
	patch klpt_p2 $O,klpt_alias=any set=2
	returns named 2
	clash klpt_p1 "patch 'klpt_p1' of set 0: function 'klpt_named' in object 'klpt_target' \
is 'klpt_alias' of patch 'klpt_p2' of set 2" spec=klpt_target:klpt_named=any
	returns named 2
}

# kept_out MESSAGE: klpt_extra cannot be loaded
kept_out() {
	refused klpt_extra "Invalid parameters"
	refusal klpt_p2 klpt_extra
	message "livepatch: $1\$"
	unhooked klpt_value klpt_extra
}

P2_HAS_ALIAS="patch 'klpt_p2' of set 2: function 'klpt_alias' in object 'klpt_extra' \
is 'klpt_named' of patch 'klpt_p1' of set 1"

alias_when_module_comes() {
	patch klpt_p1 spec=klpt_extra:klpt_value,klpt_named=any set=1
	patch klpt_p2 spec=klpt_extra:klpt_other,klpt_alias=any set=2
	kept_out "$P2_HAS_ALIAS"
	is "$(cat $LP/klpt_p1/klpt_extra/patched)" 0 "patched of the first patch"
	is "$(cat $LP/klpt_p2/klpt_extra/patched)" 0 "patched of the second patch"
	enabled klpt_p1 klpt_p2
	remove klpt_p1
	load klpt_extra
	extra_returns named 2 "of the patch that is left"
}

# The same while a task keeps the second patch from coming, or the first one from going.
alias_when_module_comes_in_between() {
	patch klpt_p1 spec=klpt_extra:klpt_value,klpt_named=any set=1
	asleep sleep 1
	load klpt_p2 'spec=klpt_extra:klpt_alias=any;klpt_target:klpt_sleep' set=2
	only_left klpt_p2 1 "$pid"
	kept_out "$P2_HAS_ALIAS"
	has $LP/klpt_p2/transition 1 || fail "the transition ended although a task is in the way"
	put $LP/klpt_p2/enabled 0
	until_true "klpt_p2 to be withdrawn" gone $LP/klpt_p2
	unload klpt_p2
	load klpt_extra
	extra_returns named 1 "of the patch that is left"
	rmmod klpt_extra || fail "klpt_extra cannot be removed"
	wake 1
	ended "$pid"

	patch klpt_p2 'spec=klpt_extra:klpt_alias=any;klpt_target:klpt_sleep' set=2
	asleep sleep 2
	put $LP/klpt_p2/enabled 0
	only_left klpt_p2 0 "$pid"
	kept_out "$P2_HAS_ALIAS"
	wake 2
	until_true "klpt_p2 to be disabled" gone $LP/klpt_p2
	load klpt_extra
	extra_returns named 1 "of the patch that is left, again"
}

# Who replaces another patch may know its functions by other names.
alias_replaced() {
	patch klpt_p1 spec=klpt_target:klpt_named=any set=1 replace=1
	asleep sleep 1
	load klpt_p2 spec=klpt_target:klpt_alias=any,klpt_sleep set=1 replace=1
	only_left klpt_p2 1 "$pid"
	returns named 2 "in the new world"
	wake 1
	until_true "klpt_p2 to be enabled" settled klpt_p2
	replaced klpt_p1
	returns named 2 "of the second patch"
	patch klpt_p3 spec=klpt_target:klpt_named=any set=2 supersedes=1 replace=1
	replaced klpt_p2
	returns named 3 "of the patch of another set that supersedes it"
	remove klpt_p3
	returns named 0 "of the original"
}

# As before, in a module that comes during the transition.
alias_replaced_in_between() {
	patch klpt_p1 spec=klpt_extra:klpt_named=any set=1
	asleep sleep 1
	load klpt_p2 'spec=klpt_extra:klpt_alias=any;klpt_target:klpt_sleep' set=2 supersedes=1 \
		replace=1
	only_left klpt_p2 1 "$pid"
	load klpt_extra
	extra_returns named 2 "in the new world"
	put $LP/klpt_p2/enabled 0
	until_true "klpt_p2 to be withdrawn" gone $LP/klpt_p2
	extra_returns named 1 "of the old patch"
}

supersede_one() {
	patch klpt_p1 $V set=1
	patch klpt_p2 $O set=2
	patch klpt_p3 spec=klpt_target:klpt_third replace=1
	patch klpt_p4 $V replace=1 supersedes=1
	replaced klpt_p1 klpt_p3
	three_values "4 2 0" "of set 0 and what is left"
	enabled klpt_p2 klpt_p4
	# The set is free again, the function is not.
	clash klpt_p1 "patch 'klpt_p1' of set 1 and patch 'klpt_p4' of set 0 both have \
function 'klpt_value' in object 'klpt_target'" $V set=1
	patch klpt_p1 spec=klpt_target:klpt_third set=1
	three_values "4 2 1" "with set 1 back"
}

# klpt_p3 takes over a function from each of two streams, and drops one.
supersede_two_and_reverse() {
	local i

	patch klpt_p1 $V set=1
	patch klpt_p2 $O,klpt_third set=$LARGE
	patch klpt_p4 spec=klpt_target:klpt_dup@1 set=4
	asleep sleep 1
	load klpt_p3 $V,klpt_other,klpt_sleep replace=1 supersedes=1,$LARGE
	only_left klpt_p3 1 "$pid"
	three_values "3 3 0" "in the new world"
	in_use klpt_p1
	in_use klpt_p2
	put $LP/klpt_p3/enabled 0
	until_true "klpt_p3 to be withdrawn" gone $LP/klpt_p3
	unload klpt_p3
	enabled klpt_p1 klpt_p2
	three_values "1 2 2" "after the reversal"
	for i in 1 2; do
		has $LP/klpt_p$i/transition 0 || fail "klpt_p$i is still in transition"
	done

	load klpt_p3 $V,klpt_other,klpt_sleep replace=1 supersedes=1,$LARGE
	only_left klpt_p3 1 "$pid"
	# In the new world: the way back has to wait, too.
	asleep sleep 2
	put $LP/klpt_p3/enabled 0
	put $LP/klpt_p3/enabled 1
	wake 1
	until_true "klpt_p3 to be enabled" settled klpt_p3
	wake 2
	replaced klpt_p1 klpt_p2
	three_values "3 3 0" "of the patch that took over"
	enabled klpt_p4
	is "$(cat $TARGET/dup)" "4 20" "dup of a set that is not concerned"
	remove klpt_p3
	three_values "0 0 0" "of the original"
}

# Only the sets that are listed, up to the 0 at the end, and only those that replace may list any.
supersede_limits() {
	patch klpt_p1 $V set=1
	patch klpt_p2 $O set=2
	clash klpt_p3 "patch 'klpt_p3' of set 0 and patch 'klpt_p2' of set 2 both have \
function 'klpt_other' in object 'klpt_target'" $V,klpt_other replace=1 supersedes=1,3
	clash klpt_p3 "patch 'klpt_p3' of set 0 and patch 'klpt_p2' of set 2 both have \
function 'klpt_other' in object 'klpt_target'" $V,klpt_other replace=1 supersedes=1,0,2
	clash klpt_p3 "patch 'klpt_p3': supersedes other sets without replacing its own" \
		spec=klpt_target:klpt_third supersedes=1
	enabled klpt_p1 klpt_p2
	three_values "1 2 0" "of the patches that stayed"
}

it two_streams "two streams are upgraded and downgraded side by side"
it upgrade_while_blocked "while one stream changes over the other is the same for all tasks"
it set_0_and_others "set 0 leaves other sets alone, and they leave it alone"
it stack_within_a_set "within a set patches stack and are replaced together"
it disable_one "disabling one set leaves the other"
it order_counts_all "stack_order counts the patches of all sets"
it in_sysfs "replace_set shows the set"
it function_in_common "refused: a function that another set has"
it function_in_common_anywhere "refused: the same among several sets and objects"
it guards_in_common "guards are no functions of a set"
it state_in_common "refused: a system state that another set has"
it alias_when_enabling "refused: a function that another set has by another name"
it alias_when_module_comes "the same in a module that comes keeps the module out"
it alias_when_module_comes_in_between "the same in the middle of a transition"
it alias_replaced "a patch that is replaced may have the function by another name"
it alias_replaced_in_between "the same in a module that comes during the transition"
it supersede_one "a patch supersedes another set"
it supersede_two_and_reverse "a patch supersedes two sets, reversed in the middle"
it supersede_limits "supersedes: the listed sets only, and only with replace"
klpt_main
