#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Does /sys/kernel/debug/livepatch/blockers tell who holds the transition up, and why?

. "$(dirname "$0")/klpt.sh"

BLOCKERS=/sys/kernel/debug/livepatch/blockers
OFFSET='0x[0-9a-f]+/0x[0-9a-f]+'

# head_is PATCH TARGET LEFT
head_is() {
	matches "$(head -4 $BLOCKERS | tr '\n' ';')" \
		"^patch: $1;target: $2;age: [0-9]+ s;tasks left: $3;\$" "head of blockers"
}

# has_line PATTERN
has_line() {
	grep -Eq "$1" $BLOCKERS
}

# line_is PATTERN: the only one about a task
line_is() {
	matches "$(tail -n +5 $BLOCKERS)" "^$1\$" "line of blockers"
}

nobody() {
	is "$(cat $BLOCKERS)" "no transition" blockers
	is "$(stat -c %a $BLOCKERS)" 400 "mode of blockers"
	patch klpt_p1 spec=klpt_target:klpt_value
	is "$(cat $BLOCKERS)" "no transition" "blockers with a patch at rest"
	remove klpt_p1
	is "$(cat $BLOCKERS)" "no transition" "blockers without a patch"
}

on_stack() {
	asleep sleep 1
	load klpt_p1 spec=klpt_target:klpt_sleep
	only_left klpt_p1 1 "$pid"
	head_is klpt_p1 patched 1
	get "/proc/$pid/comm"
	line_is "$pid $pid \($REPLY\) D on stack: klpt_sleep\+$OFFSET \[klpt_target\]"
	is_waiting 1 1 || fail "looking has woken the task up"
	is "$(world "$pid")" 0 "world of the task after looking"
	wake 1
	until_true "the transition to end" settled klpt_p1
	asleep sleep 1
	put $LP/klpt_p1/enabled 0
	only_left klpt_p1 0 "$pid"
	head_is klpt_p1 unpatched 1
	line_is "$pid $pid \(.*\) D on stack: new_sleep\+$OFFSET \[klpt_p1\]"
}

reversed() {
	local old

	asleep sleep 1
	old=$pid
	load klpt_p1 spec=klpt_target:klpt_sleep
	only_left klpt_p1 1 "$old"
	asleep sleep 2
	line_is "$old .* on stack: klpt_sleep\+.*"
	put $LP/klpt_p1/enabled 0
	only_left klpt_p1 0 "$pid"
	head_is klpt_p1 unpatched 1
	line_is "$pid .* on stack: new_sleep\+.*"
}

several() {
	local i all=()

	for i in 1 2 3 4 5; do
		asleep sleep 1
		all+=("$pid")
	done
	load klpt_p1 spec=klpt_target:klpt_sleep
	only_left klpt_p1 1 "${all[@]}"
	head_is klpt_p1 patched 5
	is "$(tail -n +5 $BLOCKERS | cut -d' ' -f1 | sort)" "$(printf '%s\n' "${all[@]}" | sort)" \
		"tasks listed"
}

a_kthread() {
	kthread sleep
	until_true "the kthread to fall asleep" is_waiting 6 1
	load klpt_p1 spec=klpt_target:klpt_sleep
	only_left klpt_p1 1 "$pid"
	line_is "$pid $pid \(klpt_kthread\) D on stack: klpt_sleep\+.*"
}

in_kernel() {
	nudge_soon
	asleep sleep 1
	load klpt_p1 spec=klpt_target:klpt_value leave_kernel=1
	only_left klpt_p1 1 "$pid"
	head_is klpt_p1 patched 1
	line_is "$pid $pid \(.*\) D waits for kernel exit"
}

# It is going to return to call_write(), but the unwinder does not get there.
unreliable() {
	local TARGET=/proc/klpt_mix

	load klpt_mix
	asleep strange 1
	load klpt_p1 spec=klpt_target:klpt_value\;klpt_mix:+call_write
	only_left klpt_p1 1 "$pid"
	line_is "$pid $pid \(.*\) D unreliable stack"
	wake 1
	until_true "the transition to end" settled klpt_p1
}

# On the other CPU than the reader. Its system call never ends, so that it has to be waited for.
running() {
	nudge_soon
	call busy 0
	taskset -p 2 "$pid" > /dev/null || fail "taskset"
	load klpt_p1 spec=klpt_target:klpt_value leave_kernel=1
	only_left klpt_p1 1 "$pid"
	taskset -p 1 "$BASHPID" > /dev/null || fail "taskset"
	until_true "the task to be seen running" has_line "^$pid $pid \(.*\) R running\$"
}

# age_is_more_than SECONDS
age_is_more_than() {
	local key age

	while read -r key age _; do
		[[ $key == age: ]] && ((age > $1)) && return
	done < $BLOCKERS
	return 1
}

# As long as the transition lasts, turned or not.
age() {
	asleep sleep 1
	load klpt_p1 spec=klpt_target:klpt_sleep
	only_left klpt_p1 1 "$pid"
	until_true "the transition to get older" age_is_more_than 1
	asleep sleep 2
	put $LP/klpt_p1/enabled 0
	age_is_more_than 1 || fail "age after turning back: $(cat $BLOCKERS)"
}

# A name may contain anything.
odd_name() {
	local name=$'a) S\nb\\'

	ln -s /bin/bash "$tmp/$name"
	"$tmp/$name" -c "echo sleep 1 > $TARGET/call" &
	pid=$!
	disown "$pid"
	echo "$pid" >> "$tmp/pids"
	until_true "the task to fall asleep" is_waiting 1 1
	load klpt_p1 spec=klpt_target:klpt_sleep
	only_left klpt_p1 1 "$pid"
	line_is "$pid $pid \(a\) S.012b.134\) D on stack: .*"
}

# Many lines, read while tasks move on.
in_small_pieces() {
	local i all=()

	for ((i = 0; i < 40; i++)); do
		call sleep 1
		all+=("$pid")
	done
	until_true "40 tasks to fall asleep" is_waiting 1 40
	load klpt_p1 spec=klpt_target:klpt_sleep
	only_left klpt_p1 1 "${all[@]}"
	exec 5< $BLOCKERS
	wake 1
	until_true "the transition to end" settled klpt_p1
	is "$(dd bs=7 status=none <&5 | grep -c ' on stack: klpt_sleep+')" 40 "tasks in an old look"
	exec 5<&-
	is "$(cat $BLOCKERS)" "no transition" blockers
}

# So many get a line, the others are counted.
crowd() {
	put $TARGET/call "exits 1003"
	until_true "the threads to be there" is_waiting 7 1003
	load klpt_p1 spec=klpt_target:klpt_value,+exiting_thread
	until_true "all others to move" has $LP/klpt_p1/pending 1003
	head_is klpt_p1 patched 1003
	is "$(grep -c '(klpt_exit) [DI] on stack: exiting_thread+' $BLOCKERS)" 1000 "tasks listed"
	is "$(tail -n 1 $BLOCKERS)" "and 3 more" "the last line"
	is "$(wc -l < $BLOCKERS)" 1005 "lines"
	wake 7
	until_true "the transition to end" settled klpt_p1
}

it nobody "no transition: it says so"
it on_stack "a task inside of the function, with the function's name, in both directions"
it reversed "after a reversal it is about the other direction"
it several "all tasks that are left are listed"
it a_kthread "a kthread"
it in_kernel "a task that has to leave the kernel"
# Elsewhere nobody says of a function that its stack cannot be walked.
[[ $(uname -m) != x86_64 ]] || it unreliable "a task whose stack cannot be walked"
[[ -e /sys/devices/system/cpu/cpu1/online ]] &&
	it running "a task that runs on another CPU"
it age "the age goes on when the transition is turned back"
it odd_name "a name with a line feed in it"
it crowd "more tasks than get a line"
it in_small_pieces "one look, read in small pieces, shows one moment"
klpt_main
