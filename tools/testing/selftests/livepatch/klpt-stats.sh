#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Are the statistics of transitions right? Each is compared with what was traced meanwhile.

. "$(dirname "$0")/klpt.sh"

WAYS="stack exit idle resched forced"

# stat_is PATCH KEY VALUE
stat_is() {
	statistic "$1" "$2"
	is "$REPLY" "$3" "$2 of $1"
}

# moves_add_up PATCH: each way against the events
moves_add_up() {
	local way sum=0

	for way in $WAYS; do
		statistic "$1" "moved_$way"
		sum=$((sum + REPLY))
		is "$REPLY" "$(events "^klp_task_switch: .* how=$way\$" | wc -l)" \
			"moved_$way of $1, and events"
	done
	is "$sum" "$(events '^klp_task_switch: ' | wc -l)" "tasks moved, and events"
	# This shell is one of them.
	((sum > 0)) || fail "no task has moved"
}

enabling_and_disabling() {
	local before after

	before=$EPOCHSECONDS
	traced klp_task_switch klp_transition_settle
	patch klpt_p1 spec=klpt_target:klpt_value
	after=$EPOCHSECONDS
	moves_add_up klpt_p1
	stat_is klpt_p1 target patched
	stat_is klpt_p1 state complete
	stat_is klpt_p1 reversed 0
	stat_is klpt_p1 forced 0
	statistic klpt_p1 started
	matches "$REPLY" '^[0-9]+\.[0-9]{3}$' started
	((before <= ${REPLY%.*} && ${REPLY%.*} <= after)) ||
		fail "started at $REPLY, which is not between $before and $after"
	traced klp_task_switch klp_transition_settle
	disable klpt_p1
	moves_add_up klpt_p1
	stat_is klpt_p1 target unpatched
	stat_is klpt_p1 state complete
	settle_agrees klpt_p1
}

# settle_agrees PATCH: the event says the same as the statistics
settle_agrees() {
	local event duration rounds

	event=$(events "^klp_transition_settle: patch=$1 ")
	duration=$(sed -n 's/.* duration=\([0-9]*\) ns.*/\1/p' <<< "$event")
	statistic "$1" duration_us
	is "$REPLY" $((duration / 1000)) "duration of $1"
	((REPLY > 0)) || fail "no time has passed"
	rounds=${event##*rounds=}
	statistic "$1" rounds
	is "$REPLY" "$rounds" "rounds of $1"
	((rounds > 0)) || fail "no rounds"
}

# Also while it is going on, and when tasks have moved several times.
reversed() {
	local first

	asleep sleep 1
	first=$pid
	traced klp_task_switch klp_transition_settle
	load klpt_p1 spec=klpt_target:klpt_value,klpt_sleep
	only_left klpt_p1 1 "$first"
	moves_add_up klpt_p1
	stat_is klpt_p1 state "going on"
	stat_is klpt_p1 target patched
	asleep sleep 2
	put $LP/klpt_p1/enabled 0
	only_left klpt_p1 0 "$pid"
	stat_is klpt_p1 reversed 1
	stat_is klpt_p1 target unpatched
	put $LP/klpt_p1/enabled 1
	only_left klpt_p1 1 "$first"
	moves_add_up klpt_p1
	stat_is klpt_p1 reversed 2
	stat_is klpt_p1 target patched
	wake 1
	until_true "the transition to end" settled klpt_p1
	moves_add_up klpt_p1
	stat_is klpt_p1 reversed 2
	stat_is klpt_p1 state complete
	settle_agrees klpt_p1
	wake 2
}

# duration_is_more_than PATCH MICROSECONDS
duration_is_more_than() {
	statistic "$1" duration_us
	((REPLY > $2))
}

duration_goes_on() {
	local seen

	asleep sleep 1
	load klpt_p1 spec=klpt_target:klpt_sleep
	only_left klpt_p1 1 "$pid"
	statistic klpt_p1 duration_us
	seen=$REPLY
	until_true "the duration to grow" duration_is_more_than klpt_p1 "$seen"
	wake 1
	until_true "the transition to end" settled klpt_p1
	statistic klpt_p1 duration_us
	seen=$REPLY
	pause
	stat_is klpt_p1 duration_us "$seen"
}

slowest() {
	local first

	asleep sleep 1
	first=$pid
	asleep sleep 2
	load klpt_p1 spec=klpt_target:klpt_sleep
	only_left klpt_p1 1 "$first" "$pid"
	wake 1
	ended "$first"
	# The next look finds who is left.
	statistic klpt_p1 rounds
	until_true "another round" rounds_are_more_than klpt_p1 "$REPLY"
	stat_is klpt_p1 slowest "$COMM/$pid"
	wake 2
	until_true "the transition to end" settled klpt_p1
	ended "$pid"
	stat_is klpt_p1 slowest "$COMM/$pid"
}

# It can neither end a line nor do anything to a terminal, in no file of ours.
forged() {
	local program

	# A program has the name of its file.
	program=$tmp/$'a\npatch: zz\033['
	ln -s "$BASH" "$program"
	"$program" -c "echo sleep 1 > $TARGET/call" &
	pid=$!
	disown "$pid"
	echo "$pid" >> "$tmp/pids"
	until_true "the task to fall asleep" is_waiting 1 1
	load klpt_p1 spec=klpt_target:klpt_sleep
	only_left klpt_p1 1 "$pid"
	is "$(grep -ac '^patch: ' $DEBUG/blockers)" 1 "patches that blockers names"
	matches "$(grep -a "^$pid " $DEBUG/blockers)" '\(a\\012patch: zz\\033\[\) [DS] ' \
		"the blocker"
	wake 1
	until_true "the transition to end" settled klpt_p1
	stat_is klpt_p1 slowest 'a\012patch: zz\033[/'"$pid"
	is "$(grep -ac 'patch: zz$' $DEBUG/statistics)" 0 "transitions of no patch at all"
}

forced() {
	asleep sleep 1
	traced klp_task_switch
	load klpt_p1 spec=klpt_target:klpt_sleep
	only_left klpt_p1 1 "$pid"
	stat_is klpt_p1 forced 0
	stat_is klpt_p1 moved_forced 0
	put $LP/klpt_p1/force 1
	until_true "the forced transition to end" settled klpt_p1
	stat_is klpt_p1 forced 1
	moves_add_up klpt_p1
	is "$(events "^klp_task_switch: .* how=forced\$")" \
		"klp_task_switch: comm=$COMM pid=$pid target=patched how=forced" "event"
	wake 1
	ended "$pid"
	stat_is klpt_p1 moved_forced 1
}

# A transition that was given up before it began: everybody is where everybody was.
refused() {
	local out

	if out=$(insmod "$MODULES/klpt_p1.ko" spec=klpt_target:klpt_value callbacks=1 \
			pre_fail=klpt_target 2>&1); then
		fail "the patch was not refused"
	fi
	[[ -n "$out" ]] || fail "no message from insmod"
	stat_is klpt_p1 target unpatched
	stat_is klpt_p1 state complete
	stat_is klpt_p1 rounds 0
	stat_is klpt_p1 slowest -
}

# The last 32 transitions, newest first, whether the patches are still there or not.
kept() {
	local i

	patch klpt_p2 spec=klpt_target:klpt_other
	remove klpt_p2
	for ((i = 0; i < 16; i++)); do
		grep -qx 'patch: klpt_p2' $DEBUG/statistics || fail "klpt_p2 is forgotten after $i"
		patch klpt_p1 spec=klpt_target:klpt_value
		((i == 15)) || remove klpt_p1
	done
	is "$(grep -c '^patch: ' $DEBUG/statistics)" 32 "transitions that are kept"
	is "$(sed -n 's/^patch: //p' $DEBUG/statistics | tail -1)" klpt_p2 "the oldest that is kept"
	is "$(sed -n '1p' $DEBUG/statistics)" "patch: klpt_p1" "the newest"
	is "$(sed -n '2p' $DEBUG/statistics)" "target: patched" "its target"
	remove klpt_p1
	is "$(grep -c '^patch: ' $DEBUG/statistics)" 32 "transitions that are kept"
	! grep -qx 'patch: klpt_p2' $DEBUG/statistics || fail "klpt_p2 is kept too long"
	is "$(stat -c %a $DEBUG/statistics)" 400 "mode of statistics"
}

it enabling_and_disabling "moves, duration, rounds and start, enabling and disabling"
it reversed "reversals are counted, and tasks as often as they move"
it duration_goes_on "the duration goes on as long as the transition"
it slowest "the task that was waited for last is named"
it forged "a task can choose its name, but not what the files say"
it forced "a forced transition, and who was forced"
it refused "a patch that is refused"
it kept "the last 32 transitions are kept, their patches being there or not"
klpt_main
