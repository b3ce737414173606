#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Does it harm anybody when files of livepatching are used in ways that make no sense?
#
# klpt_fuzz does so while patches and modules come and go; nothing must be left that cannot be taken
# back. KLPT_RUNS says how many operations (100000, or 20000 when it is to be brief), KLPT_SEED
# which.

. "$(dirname "$0")/klpt.sh"

RUNS=${KLPT_RUNS:-${KLPT_BRIEF:+20000}}
RUNS=${RUNS:-100000}
SEED=${KLPT_SEED:-$RANDOM}

# A patch or a module comes, or goes; each may fail, since somebody writes to the patches' files.
churn() {
	local module=klpt_p$((RANDOM % 3 + 1)) spec=klpt_target:klpt_value

	((RANDOM % 2)) || spec+=';klpt_extra:klpt_other;vmlinux:cmdline_proc_show'
	case $((RANDOM % 6)) in
	0 | 1) insmod "$MODULES/$module.ko" "spec=$spec" replace=$((RANDOM % 2)) ;;
	2) echo 0 > $LP/$module/enabled ;;
	3) rmmod $module ;;
	4) insmod "$MODULES/klpt_extra.ko" ;;
	5) rmmod klpt_extra ;;
	esac
} > /dev/null 2>&1

# fuzzed COMMAND...: it runs to its end while patches come and go
fuzzed() {
	local job

	note "seed $SEED"
	"$@" ./klpt_fuzz "$SEED" "$RUNS" > "$tmp/fuzz" 2>&1 &
	job=$!
	echo $job >> "$tmp/pids"
	while [[ -e /proc/$job/fd/1 ]]; do
		churn
	done
	wait $job || fail "klpt_fuzz: $(tail -n 3 "$tmp/fuzz")"
	note "$(cat "$tmp/fuzz")"
	matches "$(cat "$tmp/fuzz")" "^$RUNS operations" "what klpt_fuzz has done"
}

settled_or_gone() {
	gone $LP/"$1" || settled "$1"
}

# What is there can be taken back as ever, and a patch works.
all_is_well() {
	local module

	for module in klpt_p1 klpt_p2 klpt_p3; do
		until_true "$module to be at rest" settled_or_gone $module
		# It may have been disabled just before.
		! has $LP/$module/enabled 1 || put $LP/$module/enabled 0
		until_true "$module to be disabled" gone $LP/$module
		[[ ! -e /sys/module/$module ]] || unload $module
	done
	patches
	is "$REPLY" "" "patches that are left"
	returns value 0 "without a patch"
	at_rest
	patch klpt_p1 spec=klpt_target:klpt_value
	returns value 1 "with a patch"
	remove klpt_p1
	unhooked klpt_value
}

as_root() {
	fuzzed env
	all_is_well
}

as_somebody() {
	fuzzed as_nobody
	all_is_well
}

# While a callback has the lock that some files need.
as_somebody_while_locked() {
	patch klpt_p4 spec=klpt_target:klpt_other callbacks=1 hold=3
	echo 0 > $LP/klpt_p4/enabled &
	disown $!
	until_true "the callback to run" is_waiting 3 1
	as_nobody timeout 2 ./klpt_fuzz "$SEED" 1000000 > "$tmp/fuzz" 2>&1
	# Waiting for the lock, and by that ended: nobody is left behind that cannot be killed.
	is $? 124 "status of who was ended: $(tail -n 3 "$tmp/fuzz")"
	wake 3
	until_true "klpt_p4 to be disabled" gone $LP/klpt_p4
	all_is_well
}

it as_root "root writes and reads what makes no sense"
it as_somebody "somebody else does, to whom nothing is allowed"
it as_somebody_while_locked "somebody else does while a callback holds the lock, and can be ended"
klpt_main
