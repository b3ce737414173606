# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What happens beside patches? The steps of klpt-storm in which modules that are patched come and
# go, tasks get in the way of transitions, and others hook functions. Each says what it does with
# did(), and turns what it finds: what is there goes, and what is not comes.

# Where a task that sleeps is in the way, and what it writes to get there.
SLEEPS=(sleep interruptible caller deep hot split)
KTHREADS=(sleep inside busy fork)
HOOKS=(function regs filter kprobe kretprobe fprobe)
[[ $(uname -m) != x86_64 ]] || HOOKS+=(shared)
HOOKED=(klpt_target:klpt_value klpt_target:klpt_other klpt_target:klpt_sleep klpt_work:klpt_work_do)
BURSTS=(fork vfork clone exec kill ptrace sigq switch futex cyclic)
! preemptible || KTHREADS+=(spin)

# The steps, do_STEP, and how often they are drawn.
# shellcheck disable=SC2034 # klpt-storm.sh uses it
OTHERS=(extra 5 work 1 sleeper 6 awake 6 kill_one 2 task 3 exits 1 burst 4 freeze 2 stop 2 cpu 2
	tracer 3 hook 4 kprobe 2 bpf 1 trace 1 count 2 divert 2 look 3)

# Calls get to objects that are there.
declare -A object_there=([vmlinux]=1 [klpt_target]=1 [klpt_mix]=1)
crowd=()	# tasks that call all the time
bursts=()	# and those of stress-ng
sleepers=()
cgroup=""	# of the crowd
extra="" hook="" hooked="" tracer="" kprobe="" bpf="" frozen="" stopped="" kthread="" counted=""

### What they patch

do_extra() {
	if [[ -n $extra ]]; then
		did "rmmod klpt_extra"
		extra=
		rmmod klpt_extra || fail "rmmod klpt_extra"
	else
		did "insmod klpt_extra"
		load klpt_extra
		extra=1
	fi
	object_there[klpt_extra]=$extra
}

# Calls make pauses, for what else happens in a storm takes time as well.
begin_work() {
	load klpt_work period=5000 nap=5000
	put /proc/klpt_work start
	object_there[klpt_work]=1
}

# A module that is called all the time, between two of its lives.
do_work() {
	if [[ -n ${object_there[klpt_work]-} ]]; then
		# ftrace keeps the place in the filter of a direct call, and finds it again in what
		# is loaded there next: who has one makes sure that the module stays, or goes first.
		[[ "$hook $hooked" != "shared klpt_work:"* ]] || do_hook
		did "rmmod klpt_work"
		put /proc/klpt_work stop
		one_world
		object_there[klpt_work]=
		rmmod klpt_work || fail "rmmod klpt_work"
	else
		did "insmod klpt_work"
		begin_work
	fi
}

### Those who call

do_sleeper() {
	draw 5
	set -- "$REPLY"
	one_of "${SLEEPS[@]}"
	did "sleep in $REPLY, channel $(($1 + 1))"
	call "$REPLY" $(($1 + 1)) 2> /dev/null
	sleepers+=("$pid")
}

do_awake() {
	draw 6
	did "wake $((REPLY + 1))"
	wake $((REPLY + 1))
}

do_kill_one() {
	((${#sleepers[@]})) || return 0
	one_of "${sleepers[@]}"
	did "kill $REPLY"
	kill -9 "$REPLY" 2> /dev/null || :
}

# Whoever stops it waits for it, also when it sleeps.
stop_kthread() {
	echo stop > "$TARGET/kthread" &
	until_true "the kthread to stop" awake_and_gone $!
	kthread=
}

awake_and_gone() {
	wake 6
	gone "/proc/$1"
}

do_task() {
	if [[ -n $kthread ]]; then
		did "stop the kthread"
		stop_kthread
	else
		one_of "${KTHREADS[@]}"
		did "kthread $REPLY"
		kthread "$REPLY"
		kthread=1
	fi
}

do_exits() {
	did "200 threads exit"
	put "$TARGET/call" "exits 200"
	wake 7
}

do_burst() {
	local limit

	type stress-ng > /dev/null 2>&1 || return 0
	draw 4
	limit=$((REPLY + 1))
	one_of "${BURSTS[@]}"
	did "stress-ng $REPLY, $limit s"
	# A task with a deadline keeps CPU 1 online, in Linux 6.12 for some time after its end, too.
	nice -n 19 stress-ng "--$REPLY" 1 --cyclic-policy fifo -t "$limit" --temp-path "${tmp:?}" \
		> "${tmp:?}/burst" 2>&1 &
	bursts+=($!)
}

do_freeze() {
	[[ -n $cgroup ]] || return 0
	frozen=$((1 - ${frozen:-0}))
	did "frozen $frozen"
	put "$cgroup/cgroup.freeze" $frozen
}

do_stop() {
	if [[ -n $stopped ]]; then
		did "continue $stopped"
		kill -CONT "$stopped"
		stopped=
	else
		one_of "${crowd[@]}"
		stopped=$REPLY
		did "stop $stopped"
		kill -STOP "$stopped"
	fi
}

do_cpu() {
	local online=/sys/devices/system/cpu/cpu1/online

	[[ -e $online ]] || return 0
	get $online
	did "CPU 1 from $REPLY"
	put $online $((1 - REPLY))
}

### Those who look on

do_tracer() {
	if [[ -n $tracer ]]; then
		did "no tracer"
		tracer=
		put "$TRACING/current_tracer" nop
	else
		one_of function function_graph
		tracer=$REPLY
		did "tracer $tracer"
		put "$TRACING/set_ftrace_filter" 'klpt_value klpt_other klpt_sleep'
		put "$TRACING/current_tracer" "$tracer"
	fi
}

do_hook() {
	if [[ -n $hook ]]; then
		did "no $hook"
		hook=
		rmmod klpt_probe || fail "rmmod klpt_probe"
	else
		one_of "${HOOKED[@]}"
		set -- "$REPLY"
		[[ $1 != klpt_work:* || -n ${object_there[klpt_work]-} ]] || return 0
		one_of "${HOOKS[@]}"
		hook=$REPLY
		hooked=$1
		did "$hook on $1"
		load klpt_probe function="$1" how="$hook"
	fi
}

do_kprobe() {
	if [[ -n $kprobe ]]; then
		did "no kprobe"
		kprobe=
		put "$TRACING/events/klpt/value/enable" 0
		put "$TRACING/kprobe_events" ''
	else
		did "kprobe"
		kprobe=1
		put "$TRACING/kprobe_events" "p:klpt/value klpt_target:klpt_value"
		put "$TRACING/events/klpt/value/enable" 1
	fi
}

do_bpf() {
	local input line

	if [[ -n $bpf ]]; then
		did "no BPF"
		input=${BPF[1]}
		exec {input}>&-
		wait "$bpf" || fail "klpt_bpf failed"
		bpf=
	elif [[ -e /sys/kernel/btf/vmlinux ]]; then
		did "BPF on fscaps_show()"
		coproc BPF { exec ./klpt_bpf fscaps_show 2>&1; }
		bpf=$BPF_PID
		echo "$bpf" >> "$tmp/pids"
		read -r line <&"${BPF[0]}"
		is "$line" attached "klpt_bpf"
	fi
}

do_trace() {
	get "$TRACING/events/livepatch/enable"
	did "trace events, from $REPLY"
	[[ $REPLY != 0 ]] && REPLY=0 || REPLY=1
	put "$TRACING/events/livepatch/enable" "$REPLY"
}

do_count() {
	counted=$((1 - ${counted:-0}))
	did "count calls: $counted"
	put "$DEBUG/hits" $counted
}

# The other way to divert calls, for patches that come from here on.
do_divert() {
	[[ -e $TRAMPOLINE ]] || return 0
	get "$TRAMPOLINE"
	did "trampoline, from $REPLY"
	[[ $REPLY == N ]] && REPLY=Y || REPLY=N
	put "$TRAMPOLINE" "$REPLY"
}

# Everything that can be read, while it changes.
do_look() {
	did "read all files"
	(
		cat "$LP"/*/* "$LP"/*/*/* "$DEBUG"/* "$TRACING/enabled_functions"
		cat /proc/[0-9]*/patch_state
		klp list
		klp blockers
	) > "$tmp/look" 2>&1
}

### All of them

# Whatever may hold up a transition ends, or goes on.
clear_the_way() {
	[[ -z $frozen ]] || put "$cgroup/cgroup.freeze" 0
	[[ -z $stopped ]] || kill -CONT "$stopped"
	[[ -z $kthread ]] || stop_kthread
	frozen="" stopped=""
}
