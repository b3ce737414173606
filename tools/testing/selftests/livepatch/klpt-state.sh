#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# System states: may this patch come after those that are there, and what does it learn about them?

. "$(dirname "$0")/klpt.sh"

# incompatible MODULE PARAMETER...
incompatible() {
	refused "$1" "Invalid parameters" "${@:2}"
	message "livepatch: Livepatch patch \($1\) is not compatible with the already installed"
}

# knows PATCH LINES: what the pre_patch callback of a patch found out
knows() {
	log_is "$2" "/^$1 state/!d"
}

F=spec=klpt_target:klpt_value

first_patch() {
	patch klpt_p1 $F callbacks=1 states=1:3,7:0
	knows klpt_p1 "klpt_p1 state 1 own 3 prev -1
klpt_p1 state 7 own 0 prev -1"
}

same_version() {
	patch klpt_p1 $F states=1:1
	patch klpt_p2 $F states=1:1 replace=1 callbacks=1
	knows klpt_p2 "klpt_p2 state 1 own 1 prev 1"
	returns value 2
}

newer_version() {
	patch klpt_p1 $F states=1:1
	patch klpt_p2 $F states=1:2,2:5 replace=1 callbacks=1
	knows klpt_p2 "klpt_p2 state 1 own 2 prev 1
klpt_p2 state 2 own 5 prev -1"
	returns value 2
}

older_version() {
	patch klpt_p1 $F states=1:2
	incompatible klpt_p2 $F states=1:1 replace=1
	returns value 1
	incompatible klpt_p2 $F states=1:1
	returns value 1
}

missing_state() {
	patch klpt_p1 $F states=1:1
	incompatible klpt_p2 $F replace=1
	incompatible klpt_p2 $F states=2:1 replace=1
	returns value 1
}

not_replacing() {
	patch klpt_p1 $F states=1:1
	patch klpt_p2 $F
	patch klpt_p3 $F states=2:1
	patch klpt_p4 $F states=1:1
	returns value 4
}

newest_of_several() {
	patch klpt_p1 $F states=1:1
	patch klpt_p2 $F states=1:4
	patch klpt_p3 $F states=2:1
	patch klpt_p4 $F states=1:5,2:1 replace=1 callbacks=1
	knows klpt_p4 "klpt_p4 state 1 own 5 prev 4
klpt_p4 state 2 own 1 prev 1"
}

one_of_several_is_newer() {
	patch klpt_p1 $F states=1:1
	patch klpt_p2 $F states=1:4
	incompatible klpt_p3 $F states=1:3 replace=1
	disable klpt_p2
	patch klpt_p3 $F states=1:3 replace=1
	returns value 3
}

gone_with_its_patch() {
	patch klpt_p1 $F states=1:9
	disable klpt_p1
	patch klpt_p2 $F states=1:1 replace=1 callbacks=1
	knows klpt_p2 "klpt_p2 state 1 own 1 prev -1"
}

of_replaced_patch() {
	patch klpt_p1 $F states=1:1
	replaced_by klpt_p1 klpt_p2 $F states=1:2
	incompatible klpt_p1 $F states=1:1 replace=1
	returns value 2
	patch klpt_p3 $F states=1:3 replace=1 callbacks=1
	knows klpt_p3 "klpt_p3 state 1 own 3 prev 2"
}

first_patch_of_all() {
	# A patch without states on top of nothing.
	patch klpt_p1 $F replace=1
	patch klpt_p2 $F replace=1 states=1:1
	returns value 2
}

it first_patch "the first patch finds its own states and no earlier ones"
it same_version "the same version may replace"
it newer_version "a newer version may replace and learns of the old one"
it older_version "refused: an older version"
it missing_state "refused: a replacing patch that does not know a state"
it not_replacing "a patch that does not replace need not know other states"
it newest_of_several "the newest of several earlier patches counts"
it one_of_several_is_newer "refused: older than one of several"
it gone_with_its_patch "a disabled patch takes its states with it"
it of_replaced_patch "the states of the replacing patch count, not those of the replaced one"
it first_patch_of_all "a patch without states, then one with"
klpt_main
