#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Who looks after a system state that several patches have, that patches without callbacks have, or
# that cannot be undone? What becomes of its data, and which tables are refused?

. "$(dirname "$0")/klpt.sh"

BRIEF="replaced_by_one_with_some refused"
. "$(dirname "$0")/klpt_model.sh"

# changes PATCH ID VALUE: somebody writes to the state's data pointer
changes() {
	put "/sys/module/klpt_$1/parameters/data" "$2 $3"
	data[$1.$2]=$3
	data_are "after a change"
}

# ran LINES: all that the patches have written to the log
ran() {
	log_is "$1" '/^klpt_s/!d'
}

# refused_as MESSAGE PARAMETER...: klpt_s2 contradicts itself, or what is there
refused_as() {
	set_mark "refused"
	refused klpt_s2 "Invalid parameters" "${@:2}"
	message "livepatch: $1\$"
	ran ""
}

### Several patches have it

leaves_with_the_last() {
	local order p

	ids=([s1]="1 2" [s2]="2 3" [s3]="1 4")
	for order in "s1 s2 s3" "s1 s3 s2" "s2 s1 s3" "s2 s3 s1" "s3 s1 s2" "s3 s2 s1"; do
		note "$order"
		comes s1
		comes s2
		comes s3
		for p in $order; do
			goes "$p"
		done
		forget
	done
}

# The trap in the proposal of 2025: each of the two replaced patches saw the other.
two_holders_replaced() {
	ids=([s1]="1 2" [s2]="3 1" [s3]="4 2" [s4]="5")
	comes s1
	comes s2
	comes s3
	turns_back s4 replace
	forget
	turns_twice s4 replace
	ran "klpt_s4 pre_patch 5 0
klpt_s3 pre_unpatch 2 102
klpt_s3 pre_unpatch 4 304
klpt_s2 pre_unpatch 1 101
klpt_s2 pre_unpatch 3 203
klpt_s4 post_patch 5 405
klpt_s3 post_unpatch 2 102
klpt_s3 post_unpatch 4 304
klpt_s2 post_unpatch 1 101
klpt_s2 post_unpatch 3 203
klpt_s1 exit
klpt_s2 exit
klpt_s3 exit"
}

replaced_by_one_with_some() {
	ids=([s1]="1 2" [s2]="2 1 3" [s3]="3 2")
	comes s1
	comes s2
	replaces s3
	stays s3
	goes s3
}

### Data

data_follow() {
	ids=([s1]="1" [s2]="1" [s3]="1")
	comes s1
	changes s1 1 7001
	comes s2
	changes s2 1 7002
	comes s3
	changes s3 1 7003
	# Not the newest: nothing moves.
	goes s2
	goes s3
	is "$(cat /sys/module/klpt_s1/parameters/data)" "1:7003 " "data of the last one"
	goes s1
}

data_return() {
	ids=([s1]="1" [s2]="1" [s3]="2 1")
	comes s1
	comes s2
	to_come s3 replace
	between s3
	changes s3 1 7003
	turn s3 0
	wake 2
	until_true "s3 to be withdrawn" gone $LP/klpt_s3
	model_returns
	both_are "after s3 has turned back"
	is "$(cat /sys/module/klpt_s2/parameters/data)" "1:7003 " "data, returned"
	unload klpt_s3
	wake 1
	ended "$a" "$b"
	stays s2
	goes_after_all s2
	goes s1
}

### Patches without a table

# Data are left alone where nobody asked for them: s3 gets the pointer that s2 has, none.
without_table() {
	ids=([s1]="1" [s2]="1" [s3]="1")
	rows=([s2]="")
	replaces s1
	replaces s2
	replaces s3
	ran "klpt_s1 pre_patch 1 0
klpt_s1 post_patch 1 101
klpt_s1 exit
klpt_s2 exit"
	goes s3
	forget
	# It neither sets up nor takes down.
	replaces s2
	goes s2
	ran "klpt_s2 exit"
}

without_table_refused() {
	ids=([s1]="1 2" [s2]="2")
	rows=([s1]="2")
	comes s1
	refused klpt_s2 "Invalid parameters" states=2 replace=1
	refused klpt_s2 "Invalid parameters" states=2 rows=none replace=1
	message "livepatch: Livepatch patch \(klpt_s2\) is not compatible with the already"
	both_are "after refusals"
	forget
	rows[s2]=""
	ids[s2]="1"
	replaces s2
	ran "klpt_s1 pre_unpatch 2 102
klpt_s1 post_unpatch 2 102
klpt_s1 exit"
}

# A newer patch lists the state and has no row for it: from then on nobody is called.
row_is_missing() {
	ids=([s1]="1 2" [s2]="2 1" [s3]="3")
	rows=([s2]="2")
	comes s1
	comes s2
	refused klpt_s3 "Invalid parameters" states=3 replace=1
	goes s1
	forget
	goes s2
	ran "klpt_s2 pre_unpatch 2 102
klpt_s2 post_unpatch 2 102
klpt_s2 exit"
}

### Callbacks that are not there, callbacks of objects, errors

some_callbacks_only() {
	patch klpt_s1 states=1 without=pre_patch
	disable klpt_s1
	ran "klpt_s1 post_patch 1 0
klpt_s1 pre_unpatch 1 0
klpt_s1 post_unpatch 1 0"
	log_clear
	patch klpt_s2 states=1 without=post_patch,pre_unpatch
	disable klpt_s2
	ran "klpt_s2 pre_patch 1 0
klpt_s2 post_unpatch 1 201"
	log_clear
	patch klpt_s3 states=1 without=pre_patch,post_patch,pre_unpatch,post_unpatch
	disable klpt_s3
	ran ""
}

# Built upon objects: after them on the way up, before them on the way down.
objects_and_states() {
	patch klpt_s1 states=1 objects=1
	disable klpt_s1
	ran "klpt_s1 pre_patch klpt_target
klpt_s1 pre_patch 1 0
klpt_s1 post_patch klpt_target
klpt_s1 post_patch 1 101
klpt_s1 pre_unpatch 1 101
klpt_s1 pre_unpatch klpt_target
klpt_s1 post_unpatch 1 101
klpt_s1 post_unpatch klpt_target"
	log_clear
	refused klpt_s2 "No such device" states=1,2 fail=2 objects=1
	ran "klpt_s2 pre_patch klpt_target
klpt_s2 pre_patch 1 0
klpt_s2 pre_patch 2 0
klpt_s2 post_unpatch 1 201
klpt_s2 post_unpatch klpt_target"
}

# All callbacks agree, and then somebody else sits on the second function.
ftrace_refuses() {
	ids=([s1]="1 2" [s2]="3 2")
	comes s1
	forget
	load klpt_probe function=klpt_target:klpt_third how=post
	more[s2]=third=1
	to_come s2 replace
	model_begins
	arguments s2
	# shellcheck disable=SC2086 # a list of parameters
	refused klpt_s2 "Device or resource busy" $REPLY third=1
	model_returns
	both_are "after ftrace has refused s2"
	is "${#want[@]}" 4 "callbacks that have run"
	rmmod klpt_probe
	replaces s2
	returns third 2
}

### What cannot be undone

cannot_be_disabled() {
	ids=([s1]="1 2" [s2]="2")
	text[s1]=1,2!
	comes s1
	put_fails $LP/klpt_s1/enabled 0 "Operation not permitted"
	message "livepatch: patch 'klpt_s1' cannot be disabled: it cannot undo state 2\$"
	has $LP/klpt_s1/enabled 1 || fail "enabled has changed"
	refused klpt_s3 "Invalid parameters" states=1,3 replace=1
	message "livepatch: patch 'klpt_s3' lacks state 2, which patch 'klpt_s1' cannot undo\$"
	both_are "after refusals"
	# Somebody who can, may.
	replaces s2
	goes s2
}

may_turn_back() {
	ids=([s1]="1" [s2]="1 2")
	text=([s1]=1! [s2]="1,2!")
	turns_back s1
	turns_twice s1
	turns_back s2 replace
	replaces s2
	put_fails $LP/klpt_s2/enabled 0 "Operation not permitted"
	# For ever, but for a patch that knows both.
	ids[s3]="2 1"
	replaces s3
	goes s3
}

### Tables that are wrong

wrong_tables() {
	refused_as "patch 'klpt_s2': state 1 is listed twice" states=1,2,1
	refused_as "patch 'klpt_s2': system state 1 has no id" states=1,0:5,2 rows=1
	refused_as "patch 'klpt_s2': state_ops for state 1 occur twice" states=1 rows=1,1
	refused_as "patch 'klpt_s2': state_ops for state 3, which the patch does not list" \
		states=1 rows=1,3
	refused_as "patch 'klpt_s2': entry 1 of state_ops has no id" states=1,2 rows=1,0,2
	refused_as "patch 'klpt_s2': entry 0 of state_ops has no id" states=1 rows=0!
	refused_as "patch 'klpt_s2': shadow type 7 belongs to states 1 and 2" \
		states=1,2 rows=1:7,2:7
	refused_as "patch 'klpt_s2': state 1 is listed twice" states=1,2,1 rows=none
	returns value 0
}

type_of_another_state() {
	local words="shadow type 7 of state 2 belongs to state 1 of patch 'klpt_s1'"

	ids=([s1]="1")
	text=([s1]=1:7)
	comes s1
	forget
	refused_as "patch 'klpt_s2': $words" states=2 rows=2:7
	refused_as "patch 'klpt_s2': $words" states=1,2 rows=2:7 replace=1
	goes s1
	patch klpt_s2 states=2 rows=2:7
}

it leaves_with_the_last "a state of three patches goes with the last of them, in every order"
it two_holders_replaced "one patch replaces three: each state goes once, by the newest that has it"
it replaced_by_one_with_some "one patch replaces two and keeps some of their states"
it data_follow "data are handed over to who comes on top, and back to who remains"
it data_return "data that have changed in a transition that is reversed"
it without_table "a patch without callbacks between two with: nothing runs, data are left alone"
it without_table_refused "refused: to drop a state without a row; with a row it may go"
it row_is_missing "a patch lists a state without a row for it"
it some_callbacks_only "callbacks that are left out"
it objects_and_states "callbacks of objects enclose those of states"
! kprobes_on_ftrace ||
	it ftrace_refuses "what has run is undone once when ftrace refuses a function"
it cannot_be_disabled "block_disable: neither disabled nor replaced by one that lacks the state"
it may_turn_back "block_disable: enabling can be reversed, a patch with the state may follow"
it wrong_tables "refused: tables that contradict themselves"
it type_of_another_state "refused: a shadow type of another state"
klpt_main
