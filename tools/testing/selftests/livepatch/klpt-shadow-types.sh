#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Shadow variables with a type: who destroys them, when, and what debugfs says about them.
#
# The variables have 12 bytes each. Every sub-test ends without any.

. "$(dirname "$0")/klpt.sh"

SHADOW=/sys/kernel/debug/livepatch/shadow
TYPE=6b6c7473
PARAMS=/sys/module

# numbers "VARIABLES BYTES" [WHEN]: what debugfs says; "" when there is no line
numbers() {
	is "$(awk -v id=$TYPE '$1 == id { print $2, $3 }' $SHADOW)" "$1" "numbers ${2:-}"
}

# add PATCH NUMBER
add() {
	put "$PARAMS/$1/parameters/add" "$2"
}

# destroyed PATCH NUMBER...: those and no others, in this order, since the log was cleared
destroyed() {
	local name=$1 want

	shift
	want=$(for number; do echo "$name destroys $number"; done)
	log_is "$want" "/destroys/!d"
	log_clear
}

count() {
	numbers "" "before"
	patch klpt_t1
	numbers "" "without a variable"
	add klpt_t1 10
	numbers "10 120"
	put $PARAMS/klpt_t1/parameters/free 3
	destroyed klpt_t1 3
	numbers "9 108" "with one less"
	put_fails $PARAMS/klpt_t1/parameters/free 3 "No such file or directory"
	add klpt_t1 5
	numbers "14 168" "with five more"
	remove klpt_t1
	numbers "" "afterwards"
}

# Newest first; no number twice.
state_leaves() {
	patch klpt_t1
	add klpt_t1 4
	remove klpt_t1
	destroyed klpt_t1 3 2 1 0
	numbers ""
}

# More than are taken at a time.
many() {
	patch klpt_t1
	add klpt_t1 300
	remove klpt_t1
	is "$(sed '/destroys/!d' /proc/klpt/log | sort -u | wc -l)" 300 "destructors called"
	numbers ""
}

# While a destructor sleeps, nothing else waits for it.
destructor_sleeps() {
	patch klpt_t1 nap=2
	add klpt_t1 3
	put $LP/klpt_t1/enabled 0
	until_true "the destructor to fall asleep" is_waiting 2 1
	numbers "" "while the destructor sleeps"
	get $LP/klpt_t1/enabled
	is "$REPLY" 0 "enabled of the patch that goes"
	in_use klpt_t1
	patch klpt_p1 spec=klpt_target:klpt_value
	returns value 1
	add klpt_t1 1
	numbers "1 12" "of a variable that came too late"
	put $PARAMS/klpt_t1/parameters/free 3
	log_clear
	wake 2
	until_true "klpt_t1 to be disabled" gone $LP/klpt_t1
	destroyed klpt_t1 2 1 0
	unload klpt_t1
	remove klpt_p1
	numbers ""
}

# The new holder's destructor, when the module of the old one is gone.
survives() {
	patch klpt_t1
	add klpt_t1 3
	patch klpt_t2
	unload klpt_t1
	numbers "3 36" "after the replacement"
	destroyed klpt_t1
	add klpt_t2 1
	remove klpt_t2
	destroyed klpt_t2 0 2 1 0
	numbers ""
}

# And back, to a patch that was there before.
survives_downgrade() {
	patch klpt_t2
	add klpt_t2 2
	patch klpt_t1
	unload klpt_t2
	patch klpt_t2
	unload klpt_t1
	numbers "2 24" "after both"
	destroyed klpt_t1
	remove klpt_t2
	destroyed klpt_t2 1 0
	numbers ""
}

# Variables of a module's objects go with the module; others do not.
module_goes() {
	load klpt_extra
	patch klpt_t1
	add klpt_t1 2
	numbers "7 84" "with the module"
	unload klpt_extra
	destroyed klpt_t1 1004 1003 1002 1001 1000
	numbers "2 24" "without the module"
	load klpt_extra
	numbers "7 84" "with the module again"
	remove klpt_t1
	numbers ""
}

# Those of other ids are none of its business.
other_ids() {
	local line

	patch klpt_t1
	add klpt_t1 100
	load klpt_shadow what=keep
	line=$(awk '$1 == "6b6c7074"' $SHADOW)
	is "$line" "6b6c7074 3 12" "line of the other id"
	remove klpt_t1
	numbers ""
	is "$(awk '$1 == "6b6c7074"' $SHADOW)" "$line" "line of the other id afterwards"
	rmmod klpt_shadow
	is "$(awk '$1 == "6b6c7074"' $SHADOW)" "" "line of the other id in the end"
}

nothing_left() {
	is "$(cat $SHADOW)" "" "all ids"
}

it count "debugfs counts variables and bytes"
it state_leaves "variables are destroyed when their state leaves"
it many "three hundred of them"
it destructor_sleeps "a destructor sleeps, and nobody waits for it"
it survives "a patch that takes over destroys what the older one left, after its rmmod"
it survives_downgrade "the same there and back again"
it module_goes "variables of a module's objects are dropped when it is unloaded"
it other_ids "variables of another id stay"
it nothing_left "no variable is left by all of this"

klpt_main
