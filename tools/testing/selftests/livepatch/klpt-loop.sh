#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The question of 2014 (kpatch against kGraft): foo() sleeps and calls bar(), again and again. What
# does a task inside foo() see when bar() is patched?
#
# The hybrid model moves a task when no function of the patch is on its stack. So with bar() alone
# in the patch, a task asleep in foo() moves, and one call of foo() sees the old bar() first and the
# new one later. An author who cannot live with that puts foo() into the patch as well: then the
# task stays in its world until it has left foo(), and no call of foo() ever sees both.

. "$(dirname "$0")/klpt.sh"

# rounds N: let the loop of task $pid, on channel 1, go on N times
rounds() {
	local i before

	for ((i = 0; i < $1; i++)); do
		slept 1
		before=$REPLY
		wake 1
		until_true "the next round" round_over $((before + 1))
	done
}

round_over() {
	gone "/proc/$pid" || has_slept 1 "$1"
}

bar_alone() {
	asleep loop 1
	rounds 2
	patch klpt_p1 spec=klpt_target:klpt_bar
	rounds 4
	ended "$pid"
	log_is "klpt_target seen 000111" '/ seen /!d'
}

bar_alone_disabled() {
	patch klpt_p1 spec=klpt_target:klpt_bar
	asleep loop 1
	rounds 1
	disable klpt_p1
	rounds 5
	ended "$pid"
	log_is "klpt_target seen 110000" '/ seen /!d'
}

with_foo() {
	asleep loop 1
	rounds 2
	load klpt_p1 spec=klpt_target:klpt_bar,klpt_loop
	only_left klpt_p1 1 "$pid"
	rounds 3
	only_left klpt_p1 1 "$pid"
	rounds 1
	ended "$pid"
	until_true "the transition to end" settled klpt_p1
	log_is "klpt_target seen 000000" '/ seen /!d'
}

with_foo_disabled() {
	patch klpt_p1 spec=klpt_target:klpt_bar,klpt_loop
	asleep loop 1
	rounds 2
	put $LP/klpt_p1/enabled 0
	only_left klpt_p1 0 "$pid"
	rounds 4
	ended "$pid"
	until_true "the patch to be disabled" gone $LP/klpt_p1
	log_is "klpt_target seen 111111" '/ seen /!d'
}

with_foo_replaced() {
	patch klpt_p1 spec=klpt_target:klpt_bar,klpt_loop
	asleep loop 1
	rounds 2
	load klpt_p2 spec=klpt_target:klpt_bar,klpt_loop replace=1
	only_left klpt_p2 1 "$pid"
	rounds 4
	ended "$pid"
	until_true "the transition to end" settled klpt_p2
	log_is "klpt_target seen 111111" '/ seen /!d'
}

# A second task enters foo() while the first one blocks, in both directions.
with_foo_reversed() {
	local first second

	asleep loop 1
	first=$pid
	rounds 2
	load klpt_p1 spec=klpt_target:klpt_bar,klpt_loop
	only_left klpt_p1 1 "$first"
	asleep loop 2
	put $LP/klpt_p1/enabled 0
	only_left klpt_p1 0 "$pid"
	put $LP/klpt_p1/enabled 1
	only_left klpt_p1 1 "$first"
	second=$pid
	pid=$first
	rounds 4
	ended "$first"
	until_true "the transition to end" settled klpt_p1
	log_is "klpt_target seen 000000" '/ seen /!d'
	while [[ -d /proc/$second ]]; do
		wake 2
	done
	log_is "klpt_target seen 000000
klpt_target seen 111111" '/ seen /!d'
}

it bar_alone "bar() alone: one call of foo() sees the old bar() first, then the new one"
it bar_alone_disabled "bar() alone, disabled: one call of foo() sees the new bar() first"
it with_foo "foo() and bar(): one call of foo() sees one bar()"
it with_foo_disabled "foo() and bar(), disabled: one call of foo() sees one bar()"
it with_foo_replaced "foo() and bar(), replaced: one call of foo() sees one bar()"
it with_foo_reversed "foo() and bar(), reversed: neither of two calls sees both"
klpt_main
