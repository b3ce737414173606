#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Are calls of patched functions counted exactly, wherever they go, and only when somebody asks?

. "$(dirname "$0")/klpt.sh"

HITS=$DEBUG/hits

# values NUMBER [CPU]: so many calls of klpt_value() in this task
values() {
	[[ -z ${2:-} ]] || taskset -cp "$2" $BASHPID > "$tmp/taskset" || fail "taskset $2"
	put $TARGET/call "values $1"
}

# hits_are DIVERTED ORIGINAL PATCH FUNCTION: its only line
hits_are() {
	is "$(grep -E " $4 \[klpt_target\]\$" $HITS)" "$1 $2 $3 $4 [klpt_target]" "hits of $4"
}

cpus() {
	local dir

	for dir in /sys/devices/system/cpu/cpu[0-9]*; do
		echo "${dir##*cpu}"
	done
}

off() {
	is "$(stat -c %a $HITS)" 600 "mode of hits"
	is "$(cat $HITS)" "not counting: write 1 to count" "hits without a patch"
	patch klpt_p1 spec=klpt_target:klpt_value
	values 10
	is "$(cat $HITS)" "not counting: write 1 to count" "hits that nobody has asked for"
	put_fails $HITS x "Invalid argument"
}

exact() {
	local cpu want=0

	patch klpt_p1 spec=klpt_target:klpt_value,klpt_other
	put $HITS 1
	hits_are 0 0 klpt_p1 klpt_value
	for cpu in $(cpus); do
		values $((1000 + cpu)) "$cpu"
		want=$((want + 1000 + cpu))
		hits_are $want 0 klpt_p1 klpt_value
	done
	hits_are 0 0 klpt_p1 klpt_other
	is "$(wc -l < $HITS)" 2 "lines of hits"
}

# On all CPUs at a time, preempted at any place.
at_once() {
	local i p all=()

	patch klpt_p1 spec=klpt_target:klpt_value
	put $HITS 1
	for i in 1 2 3 4 5 6; do
		echo values 20000 > $TARGET/call &
		all+=($!)
	done
	for p in "${all[@]}"; do
		wait "$p" || fail "a caller failed"
	done
	hits_are 120000 0 klpt_p1 klpt_value
}

both_worlds() {
	asleep caller 1
	patch klpt_p2 spec=klpt_target:klpt_other
	load klpt_p1 spec=klpt_target:klpt_value,klpt_caller
	only_left klpt_p1 1 "$pid"
	put $HITS 1
	values 7
	hits_are 7 0 klpt_p1 klpt_value
	wake 1
	until_true "the transition to end" settled klpt_p1
	ended "$pid"
	# It has called klpt_value() on its way out.
	hits_are 7 1 klpt_p1 klpt_value
	hits_are 0 0 klpt_p1 klpt_caller
	hits_are 0 0 klpt_p2 klpt_other
}

# In the new world klpt_value() is the original again.
nop() {
	patch klpt_p1 spec=klpt_target:klpt_value,klpt_sleep
	asleep sleep 1
	put $HITS 1
	values 3
	hits_are 3 0 klpt_p1 klpt_value
	load klpt_p2 spec=klpt_target:klpt_other replace=1
	only_left klpt_p2 1 "$pid"
	values 5
	hits_are 3 5 klpt_p2 klpt_value
	wake 1
	until_true "the transition to end" settled klpt_p2
	values 5
	is "$(grep -c klpt_value $HITS)" 0 "lines about a function that is not patched any more"
	hits_are 0 0 klpt_p2 klpt_other
}

stacked() {
	patch klpt_p1 spec=klpt_target:klpt_value
	put $HITS 1
	values 3
	patch klpt_p2 spec=klpt_target:klpt_value
	values 4
	hits_are 7 0 klpt_p2 klpt_value
	remove klpt_p2
	values 5
	hits_are 12 0 klpt_p1 klpt_value
}

on_and_off() {
	patch klpt_p1 spec=klpt_target:klpt_value
	put $HITS 1
	values 3
	put $HITS 0
	values 100
	is "$(cat $HITS)" "not counting: write 1 to count
3 0 klpt_p1 klpt_value [klpt_target]" "hits, switched off"
	put $HITS 1
	hits_are 0 0 klpt_p1 klpt_value
	values 2
	put $HITS 1
	values 1
	hits_are 1 0 klpt_p1 klpt_value
}

loaded_while_counting() {
	put $HITS 1
	is "$(cat $HITS)" "" "hits without a patch"
	patch klpt_p1 'spec=klpt_target:klpt_value;klpt_extra:klpt_value'
	values 6
	hits_are 6 0 klpt_p1 klpt_value
	load klpt_extra
	echo values 8 > $EXTRA/call
	# And one from its init function.
	is "$(grep klpt_extra $HITS)" "9 0 klpt_p1 klpt_value [klpt_extra]" \
		"hits of a module that has come"
	rmmod klpt_extra || fail rmmod
	is "$(grep -c klpt_extra $HITS)" 0 "lines about a module that has gone"
	put $HITS 0
	patch klpt_p2 spec=klpt_target:klpt_third
	is "$(grep -c klpt_third $HITS)" 0 "lines about a function that was never counted"
	put $HITS 1
	put $TARGET/call "values 1"
	hits_are 1 0 klpt_p1 klpt_value
	hits_are 0 0 klpt_p2 klpt_third
}

# Whatever the core allocates for each CPU is freed when the patches go: as the allocator tells it.
memory() {
	local event i

	for event in alloc free; do
		put $TRACING/events/percpu/percpu_${event}_percpu/enable 1
	done
	echo > $TRACING/trace
	for i in 1 2 3; do
		put $HITS 1
		patch klpt_p1 spec=klpt_target:klpt_value,klpt_other
		patch klpt_p2 spec=klpt_target:klpt_value,klpt_third
		put $HITS 0
		remove klpt_p1
		put $HITS 1
		remove klpt_p2
	done
	is "$(awk '/percpu_alloc_percpu: .*call_site=klp_/ { n++ } END { print n + 0 }' \
		$TRACING/trace)" 9 "allocations for each CPU"
	is "$(awk '/percpu_alloc_percpu: .*call_site=klp_/ { match($0, / ptr=[^ ]*/)
			live[substr($0, RSTART, RLENGTH)] = 1 }
		/percpu_free_percpu: / { match($0, / ptr=[^ ]*/)
			delete live[substr($0, RSTART, RLENGTH)] }
		END { for (p in live) n++; print n + 0 }' $TRACING/trace)" 0 "allocations that are left"
}

it off "nothing is counted that nobody has asked for"
it exact "calls on each CPU are counted exactly"
it at_once "calls on all CPUs at once are counted exactly"
it both_worlds "original and replacement, in the middle of a transition"
it nop "a function that goes back to the original"
it stacked "a function that two patches replace"
it on_and_off "counting stops, and starts from 0"
it loaded_while_counting "functions that come and go while calls are counted"
it memory "counters go with the patches"
klpt_main
