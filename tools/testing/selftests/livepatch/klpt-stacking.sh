#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Patches of one function on top of each other: is the newest one in force, whatever the order of
# disabling?

. "$(dirname "$0")/klpt.sh"

# in_order A B C: disable three patches in this order, the newest left is in force after each
in_order() {
	local left="1 2 3" i top

	for i in $left; do
		patch "klpt_p$i" spec=klpt_target:klpt_value
		returns value "$i" "with $i patches"
	done
	for i in "$@"; do
		disable "klpt_p$i"
		unload "klpt_p$i"
		left=${left/$i/}
		top=${left//[[:space:]]/}
		top=${top: -1}
		returns value "${top:-0}" "disabled $i of $*"
	done
	unhooked klpt_value
}

order_123() { in_order 1 2 3; }
order_132() { in_order 1 3 2; }
order_213() { in_order 2 1 3; }
order_231() { in_order 2 3 1; }
order_312() { in_order 3 1 2; }
order_321() { in_order 3 2 1; }

different_functions() {
	patch klpt_p1 spec=klpt_target:klpt_value,klpt_other
	patch klpt_p2 spec=klpt_target:klpt_other,klpt_third
	three_values "1 2 2" "two patches"
	disable klpt_p1
	three_values "0 2 2" "the newer one"
	unhooked klpt_value
	hooked klpt_other || fail "no handler is attached to klpt_other()"
	unload klpt_p1
	patch klpt_p1 spec=klpt_target:klpt_value,klpt_other
	three_values "1 1 2" "the older one on top"
}

back_on_top() {
	patch klpt_p1 spec=klpt_target:klpt_value
	patch klpt_p2 spec=klpt_target:klpt_value
	remove klpt_p1
	returns value 2
	patch klpt_p1 spec=klpt_target:klpt_value
	returns value 1 "loaded again, it is the newest"
	remove klpt_p1
	returns value 2
}

# A task asleep in the middle one of three: only disabling that one has to wait.
sleeper_in_the_middle() {
	patch klpt_p1 spec=klpt_target:klpt_sleep
	patch klpt_p2 spec=klpt_target:klpt_sleep
	asleep sleep 1
	patch klpt_p3 spec=klpt_target:klpt_value
	disable klpt_p3
	disable klpt_p1
	put $LP/klpt_p2/enabled 0
	only_left klpt_p2 0 "$pid"
	wake 1
	until_true "klpt_p2 to be disabled" gone $LP/klpt_p2
	ended "$pid"
	log_is "klpt_target sleep 2" '/ sleep /!d'
}

same_function_of_other_object() {
	load klpt_extra
	patch klpt_p1 spec=klpt_target:klpt_value
	patch klpt_p2 spec=klpt_extra:klpt_value
	returns value 1
	extra_returns value 2
	disable klpt_p1
	returns value 0
	extra_returns value 2
}

for order in 123 132 213 231 312 321; do
	it order_$order "three patches of one function, disabled in the order $order"
done
it different_functions "patches that share some functions"
it back_on_top "a patch that is loaded again is the newest"
it sleeper_in_the_middle "a task asleep in the middle patch blocks disabling that one only"
it same_function_of_other_object "functions of the same name in two modules are two functions"
klpt_main
