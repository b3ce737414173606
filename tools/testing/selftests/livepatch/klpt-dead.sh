#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What if ftrace switches itself off while functions are patched?
#
# It does that for good when it finds an error of its own: what is diverted stays so, and nothing
# else can be. This test ruins ftrace until the next boot, so nobody runs it but by name.
# klpt_target cannot be loaded any more afterwards; klpt_weak and klpt_plain can.

. "$(dirname "$0")/klpt.sh"

NO_TARGET=1

# kill_ftrace: again is no worse
kill_ftrace() {
	load klpt_kill
	rmmod klpt_kill
}

# f_returns MODULE VALUES [WHEN]
f_returns() {
	get "/sys/module/$1/parameters/f"
	is "$REPLY" "$2" "klpt_f1() to klpt_f8() of $1 ${3:-}"
}

cmdline_is() {
	get /proc/cmdline
	is "$REPLY" "$1" "/proc/cmdline ${2:-}"
}

# no_module MODULE: a patch keeps it out, since ftrace is dead
no_module() {
	local out

	if out=$(insmod "$MODULES/$1.ko" 2>&1); then
		fail "$1 was not refused"
	fi
	[[ "$out" == *": No such device" ]] || fail "$1: expected 'No such device', got '$out'"
	[[ ! -e /sys/module/$1 ]] || fail "module $1 was left behind"
	names "patch" "'$1'" "ftrace has switched itself off"
	refusal klpt_p1 "$1"
	is "$(cat "$LP/klpt_p1/$1/patched")" 0 "patched, with $1 refused"
}

# not_enabled PATCH PARAMETER...: refused, since ftrace is dead
not_enabled() {
	refused "$1" "No such device" "${@:2}"
	names "'$1'" "ftrace has switched itself off"
}

# All that can be in force when ftrace dies.
dies() {
	local original a

	get /proc/cmdline
	original=$REPLY
	load klpt_target
	load klpt_weak
	load klpt_plain
	patch klpt_p1 'spec=vmlinux:cmdline_proc_show;klpt_weak:klpt_f1=any;klpt_plain:klpt_f1=any'
	asleep sleep 1
	a=$pid
	load klpt_p2 spec=klpt_target:klpt_sleep,klpt_value
	only_left klpt_p2 1 "$a"
	kill_ftrace

	# What is diverted stays so; a transition goes its way, or back.
	cmdline_is klpt_p1
	f_returns klpt_weak "1 0 0 0 0 0 0 0"
	returns value 2
	put $LP/klpt_p2/enabled 0
	until_true "klpt_p2 to be withdrawn" gone $LP/klpt_p2
	unload klpt_p2
	returns value 0 "withdrawn"

	# No more patches, whether ftrace would have something to do for them or not.
	not_enabled klpt_p2 spec=klpt_weak:klpt_f2=any
	not_enabled klpt_p2 spec=vmlinux:cmdline_proc_show
	not_enabled klpt_p2 spec=vmlinux:cmdline_proc_show replace=1
	f_returns klpt_weak "1 0 0 0 0 0 0 0"
	cmdline_is klpt_p1

	# A module that is patched leaves; what comes in its place is not taken for it.
	rmmod klpt_weak
	is "$(cat $LP/klpt_p1/klpt_weak/patched)" 0 "patched when the module is gone"
	no_message "no memory to let go"
	no_module klpt_weak
	no_module klpt_weak
	cmdline_is klpt_p1 "without klpt_weak"
	f_returns klpt_plain "1 0 0 0 0 0 0 0" "without klpt_weak"

	disable klpt_p1
	unload klpt_p1
	cmdline_is "$original" "after"
	f_returns klpt_plain "0 0 0 0 0 0 0 0" "after"
	load klpt_weak
	f_returns klpt_weak "0 0 0 0 0 0 0 0" "when no patch names it"
	not_enabled klpt_p1 spec=vmlinux:cmdline_proc_show
}

# What needs no ftrace now may be enabled, and keeps a module out that it cannot patch.
nothing_to_divert() {
	kill_ftrace
	patch klpt_p1 'spec=vmlinux:+cmdline_proc_show;klpt_weak:klpt_f1=any;klpt_plain:+klpt_f1'
	no_module klpt_weak
	load klpt_plain
	f_returns klpt_plain "0 0 0 0 0 0 0 0" "guarded"
	remove klpt_p1
	load klpt_weak
	f_returns klpt_weak "0 0 0 0 0 0 0 0" "when no patch names it"
}

it dies "ftrace dies: what is in force stays and can be disabled, nothing else comes"
it nothing_to_divert "ftrace is dead: a patch that diverts nothing yet"
klpt_main
