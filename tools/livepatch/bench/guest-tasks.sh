# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What a transition costs with many threads that sleep, of the kernel and of user mode, and with a
# user task in the function. Read by guest.sh.

: "${sys:?}"

# room_for COUNT: threads, beside those that there are
room_for() {
	echo $(($1 + 1000)) >/proc/sys/kernel/threads-max
	((($1 + 1000) <= $(</proc/sys/kernel/pid_max))) ||
		echo $(($1 + 1000)) >/proc/sys/kernel/pid_max
}

# threads COUNT [DEPTH]
threads() {
	room_for "$1"
	insmod /bench/bench_threads.ko count="$1" depth="${2-0}"
}

# Until the transition of SIZE functions has ended, with COUNT threads; the time is in $moved.
measure_tasks() {
	local size=$1 count=$2 depth=${3-} patch=bench_patch_$1

	threads "$count" "${depth:-0}"
	calm_down
	after_tick
	enable "$patch"
	moved=$(settling "$patch")
	result "enable.$size.tasks.$count${depth:+.depth.$depth}" "$moved" ns
	# There is no need to look at them again.
	rmmod bench_threads
	drop "$patch"
}

group_tasks() {
	local size count depth moved few none needs

	for size in 10 1000; do
		few=
		for count in 100 1000 10000 50000; do
			needs=("enable.$size.tasks.$count")
			[[ $count != 100 && $count != 10000 ]] || needs+=("stackcheck.$size")
			wanted "${needs[@]}" || continue
			measure_tasks "$size" "$count"
			[[ $count != 100 ]] || few=$moved
			[[ $count != 10000 || -z $few ]] ||
				result "stackcheck.$size" "$(quotient "$moved - $few" 9900)" ns
		done
	done

	none=
	for depth in 40 80; do
		wanted {enable.1000.tasks.1000,stackcheck.1000}".depth.$depth" || continue
		if [[ -z $none ]]; then
			measure_tasks 1000 100
			none=$moved
		fi
		measure_tasks 1000 1000 "$depth"
		# The hundred that are not that deep count as nothing.
		result "stackcheck.1000.depth.$depth" "$(quotient "$moved - $none" 900)" ns
	done
	measure_user stackcheck.1000.user
}

# ---- tasks of user mode

# measure_sleepers COUNT: the call that enables 1000 functions, which looks at all tasks once, with
# so many user threads; the time is in $looked. How long the transition takes depends on who else is
# awake.
measure_sleepers() {
	local word

	room_for "$1"
	coproc /bench/sleepers "$1"
	read -r word <&"${COPROC[0]}"
	[[ $word == asleep ]] || fail "sleepers $1 said '$word'"
	calm_down
	after_tick
	enable bench_patch_1000
	read -r looked </sys/module/bench_patch_1000/parameters/took
	kill "$COPROC_PID"
	wait "$COPROC_PID" || true
	drop bench_patch_1000
}

# measure_user WORK: stacks begin where system calls have entered the kernel.
measure_user() {
	local few looked

	wanted "$1" || return 0
	# The first patch of a guest pays for what is done once.
	measure_sleepers 100
	measure_sleepers 100
	few=$looked
	measure_sleepers 3100
	result "$1" "$(quotient "$looked - $few" 3000)" instructions
}

# In a guest where each system call begins somewhere else on the stack.
group_random() {
	grep -qw randomize_kstack_offset=on /proc/cmdline || fail "stacks are not randomized"
	measure_user stackcheck.1000.user.random
}

# ---- a task that is busy

# held_at_first: was the task inside of the function when tasks were looked at for the first time?
# Then the transition has not ended when klp_enable_patch() returns; or it has, but took two looks.
held_at_first() {
	local rounds

	((settled > returned)) && return
	[[ -e /sys/kernel/debug/livepatch/statistics ]] || return
	rounds=$(sed -n 's/^rounds: //p;/^$/q' /sys/kernel/debug/livepatch/statistics)
	((rounds > 1))
}

# From klp_enable_patch() to the end of the transition, when a user task is inside of the function
# at the first look; over 20 times that this was so. The task calls the function all the time.
group_busy() {
	local dir=/sys/module/bench_calm/parameters began returned settled busy tries=0 times=()

	insmod /bench/bench_busy.ko
	while ((${#times[@]} < 20)); do
		((++tries <= 100)) || fail "the task was hardly ever inside of the function"
		(while :; do echo >/proc/bench_busy; done) &
		busy=$!
		# Somewhere else in its loop each time.
		sleep "0.01$tries"
		insmod /bench/bench_calm.ko
		while read -r settled <"$dir/settled" && ((!settled)); do
			pause
		done
		kill $busy
		wait $busy || true
		read -r began <"$dir/began"
		read -r returned <"$dir/returned"
		! held_at_first || times+=($((settled - began)))
		echo 0 >"$sys/bench_calm/enabled"
		until rmmod bench_calm 2>/dev/null; do
			pause
		done
	done
	rmmod bench_busy
	echo "transition.busy: ${times[*]}, of $tries times"
	mapfile -t times < <(printf '%s\n' "${times[@]}" | sort -n)
	result transition.busy.median $(((times[9] + times[10]) / 2)) ns
	result transition.busy.worst "${times[19]}" ns
}
