#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Whatever livepatch itself runs on may be watched or patched, and transitions still end.
#
# The function tracer tells which functions of the kernel are called while a patch is enabled,
# replaced and disabled. Each of them is then watched as a guard, and replaced by itself. A kthread
# that sleeps in such a function for good is in the way by right, so functions are told apart first:
# nobody rests in them (free), or kthreads do (rest). What tasks call in order to sleep does not
# show in /proc/PID/stack; all functions in the text of the scheduler count as the second kind.
#
# Nothing is measured by the clock. A transition has to end within so many looks at all tasks, or
# else those who are left need a reason: whenever they are looked at they sleep in functions of the
# patch, and not because they work for livepatch.

. "$(dirname "$0")/klpt.sh"

BRIEF="what_is_called own_watched"

NO_TARGET=1

BATCH=${KLPT_BATCH:-80}	# functions in a patch; 1 for one by one, which takes long
ROUNDS=10	# looks at all tasks until somebody who is left needs a reason
LOOKS=3		# looks at those until they have one
TRIES=8		# times that it may be left open

# Each in a patch of its own: what rounds run in, what they look at tasks with, who sends them on.
NAMED="arch_stack_walk_reliable __unwind_start unwind_next_frame task_call_func
	queue_work_on __queue_work queue_delayed_work_on mod_delayed_work_on delayed_work_timer_fn
	try_to_wake_up wake_up_process add_timer mod_timer call_timer_fn irq_work_queue
	irq_work_run kobject_put kobject_del kernfs_remove synchronize_rcu_tasks
	schedule_on_each_cpu mutex_lock schedule_timeout schedule worker_thread assign_work
	process_one_work"

# ---- what a transition calls, and who rests in it

# Functions on the stacks of kthreads.
stacks() {
	local dir

	for dir in /proc/[0-9]*; do
		[[ -e $dir/exe ]] || sed -n 's/^\[<0>\] \([^+]*\)+.*/\1/p' "$dir/stack"
	done 2>/dev/null | sort -u
}

# Enable, replace and disable, and trace from the first request on.
trace_transitions() {
	put $TRACING/buffer_size_kb 20000
	put $TRACING/set_ftrace_notrace_pid $BASHPID
	put $TRACING/tracing_on 0
	put $TRACING/current_tracer function
	put $TRACING/set_ftrace_filter klp_enable_patch:traceon
	patch klpt_p1 spec=vmlinux:cmdline_proc_show
	patch klpt_p2 spec=vmlinux:cmdline_proc_show replace=1
	until_true "klpt_p1 to leave sysfs" gone $LP/klpt_p1
	disable klpt_p2
	put $TRACING/tracing_on 0
	put $TRACING/set_ftrace_filter '!klp_enable_patch:traceon'
	# Another tracer would empty the buffer.
	put $TRACING/set_ftrace_filter klp_enable_patch
}

# Names of functions. Of what user tasks call, only what livepatch does for them: from the request
# on, until whoever has called livepatch goes on.
called() {
	awk '
		/^#/ { next }
		{ name = $(NF - 1) }
		$1 in until && until[$1] == $NF { delete until[$1] }
		name == "klp_enable_patch" { until[$1] = "<-do_one_initcall" }
		name == "enabled_store" { until[$1] = "<-kernfs_fop_write_iter" }
		$1 in until || $1 ~ /^(kworker|rcu|ksoftirqd|kthreadd|migration|<idle>|klp[^t])/ ||
			name ~ /^klp_/ { seen[name] }
		END { for (name in seen) print name }' $TRACING/trace
}

# "KIND NAME ADDRESS", the place of the call of ftrace, for all functions that the files name. Those
# whose name is not unique are left out; those of NAMED that ftrace does not know can be watched.
sort_out() {
	awk '
		FILENAME ~ /called$/ { called[$1]; next }
		FILENAME ~ /resting$/ { resting[$1]; next }
		FILENAME ~ /kallsyms$/ {
			number[$3] += $4 == ""
			if ($3 == "__sched_text_start")
				from = "at " $1
			if ($3 == "__sched_text_end")
				to = "at " $1
			next
		}
		$3 != "" || !($2 in called || $2 in resting) { next }
		{ traced[$2] }
		number[$2] > 1 { kind = "ambiguous" }
		number[$2] == 1 { kind = "free" }
		number[$2] == 1 && ($2 in resting || ("at " $1 >= from && "at " $1 < to)) {
			kind = "rest"
		}
		{ print kind, $2, $1 }
		END {
			for (name in called) {
				if (!(name in traced) && number[name] == 1)
					print "untraced", name, "-"
			}
		}' "$tmp/called" "$tmp/resting" /proc/kallsyms \
		$TRACING/available_filter_functions_addrs
}

# Once for all sub-tests.
learn() {
	[[ ! -e $tmp/kinds ]] || return 0
	stacks > "$tmp/resting"
	trace_transitions
	{
		called
		tr -s '[:space:]' '\n' <<< "$NAMED"
	} > "$tmp/called"
	put $TRACING/current_tracer nop
	put $TRACING/set_ftrace_filter ''
	put $TRACING/set_ftrace_notrace_pid ''
	put $TRACING/tracing_on 1
	# The default.
	put $TRACING/buffer_size_kb 1408
	unload klpt_p1
	unload klpt_p2
	sort_out > "$tmp/kinds"
	{
		cat "$tmp/resting"
		sed -n 's/^rest \([^ ]*\) .*/\1/p' "$tmp/kinds"
	} > "$tmp/rest"
}

# choose KIND PATTERN: functions into ${chosen[@]}, as guards; and ${places[@]}, as replacements.
# Those that are tried one by one are not among them.
choose() {
	local kind name place alone=" ${NAMED//[[:space:]]/ } "

	learn
	nudge_soon
	chosen=()
	places=()
	while read -r kind name place; do
		# shellcheck disable=SC2053
		[[ $kind == $1 && $name == $2 && $alone != *" $name "* ]] || continue
		chosen+=("$name")
		places+=("$name=$place")
	done < "$tmp/kinds"
}

# ---- does a transition end?

# joined FUNCTION...: as the modules take them
joined() {
	local IFS=,

	echo "$*"
}

# reason TID NAME STATE VERDICT: why a task is still there, from a line of blockers, into $REPLY: a
# function that it sleeps in, or what is wrong. A function that kthreads rest in is a reason
# whatever the task does at the moment: the kthread of RCU wakes up all the time, and whoever works
# for livepatch will return to it.
reason() {
	local tid=$1 comm=$2 state=$3 verdict=$4 place=${4#on stack: }

	REPLY=$verdict
	place=${place%%+*}
	[[ $verdict == "on stack: "* && ! -e /proc/$tid/exe ]] || return 0
	if grep -qx "$place" "$tmp/rest"; then
		REPLY=$place
	elif [[ $state != [SDI] ]]; then
		return
	elif [[ $comm == kworker/* ]] && grep -q '\] klp_' "/proc/$tid/stack"; then
		REPLY="works for livepatch"
	else
		REPLY=$place
	fi
}

# look PATCH: after one more look at all tasks, who is left, and for which reasons?
look() {
	local line tid

	statistic "$1" rounds
	until_true "more rounds of $1" rounds_are_more_than "$1" "$REPLY"
	while read -r line; do
		[[ $line =~ ^([0-9]+)\ [0-9]+\ \((.*)\)\ (.)\ (.*)$ ]] || continue
		tid=${BASH_REMATCH[1]}
		reason "${BASH_REMATCH[@]:1}"
		: $((++looks[$tid]))
		[[ "|${reasons[$tid]-}|" == *"|$REPLY|"* ]] ||
			reasons[$tid]+="${reasons[$tid]:+|}$REPLY"
	done < $DEBUG/blockers
}

# excused PATCH: each task that is there in all of some looks was in functions of the patch each
# time, if not always in the same. Fails for one that never had a reason to be there; 2 when it is
# left open, and $REPLY says for whom.
excused() {
	local -A looks=() reasons=()
	local tid excused='' unclear=''

	for ((i = 0; i < LOOKS; i++)); do
		look "$1"
	done
	for tid in "${!looks[@]}"; do
		((looks[$tid] == LOOKS)) || continue
		case ${reasons[$tid]} in
		"about to change over" | "works for livepatch")
			fail "task $tid is left: ${reasons[$tid]}: $(cat $DEBUG/blockers)"
			;;
		*\ *)
			unclear+="${unclear:+; }task $tid: ${reasons[$tid]}"
			;;
		*)
			note "task $tid is in ${reasons[$tid]}"
			excused=1
			;;
		esac
	done
	REPLY=${unclear:-nobody is there for long}
	[[ -z $unclear && -n $excused ]] || return 2
}

# ends PATCH COMMAND...: succeeds when the transition has ended, and the command says so; else
# those who are left are excused
ends() {
	local patch=$1 first tries=0 n=0

	shift
	statistic "$patch" rounds
	first=$REPLY
	until "$@"; do
		pause
		((++n % 25 == 0)) || continue
		statistic "$patch" rounds
		((REPLY - first >= ROUNDS)) || continue
		! excused "$patch" || return 1
		((++tries < TRIES)) || fail "$patch does not end: $(cat $DEBUG/blockers): $REPLY"
	done
	statistic "$patch" rounds
	((REPLY - first < 3)) || note "$((REPLY - first)) rounds"
}

# ---- patches

# leaves PATCH
leaves() {
	put "$LP/$1/enabled" 0
	ends "$1" gone "$LP/$1" || fail "$1 cannot leave: $(cat $DEBUG/blockers)"
	unload "$1"
}

# watched NAME...: a patch with these guards comes and goes
watched() {
	load klpt_i1 "functions=$(joined "$@")"
	if ! ends klpt_i1 settled klpt_i1; then
		leaves klpt_i1
		return 1
	fi
	leaves klpt_i1
}

# replaced NAME=PLACE...: a patch comes, is replaced by its like, and goes; or cannot come, for
# tasks that are excused, and goes
replaced() {
	load klpt_i1 "functions=$(joined "$@")"
	if ! ends klpt_i1 settled klpt_i1; then
		leaves klpt_i1
		return 1
	fi
	load klpt_i2 "functions=$(joined "$@")" replace=1
	ends klpt_i2 settled klpt_i2 || fail "klpt_i1 is not replaced: $(cat $DEBUG/blockers)"
	until_true "klpt_i1 to leave sysfs" gone $LP/klpt_i1
	unload klpt_i1
	leaves klpt_i2
}

# in_batches COMMAND WORD...
in_batches() {
	local command=$1 i

	shift
	for ((i = 1; i <= $#; i += BATCH)); do
		"$command" "${@:i:BATCH}" || fail "somebody rests where nobody did"
	done
}

# ---- sub-tests

# Replacements are written for one architecture, see klpt_inside.h.
[[ $(uname -m) == x86_64 ]] && REPLACING=1

what_is_called() {
	local kind NAMED=$NAMED

	learn
	NAMED=
	for kind in free rest ambiguous untraced; do
		choose $kind '*'
		note "$kind: ${#chosen[@]}"
		printf '%s\n' "${chosen[@]}" | sort | fmt -w 90 | sed 's/^/#  /'
	done
	choose free '*'
	((${#chosen[@]} > 200)) || fail "that is too few"
	choose free 'klp_*'
	((${#chosen[@]} > 50)) || fail "of livepatch itself that is too few"
	[[ -n ${REPLACING-} ]] || note "on $(uname -m), functions are only watched, not replaced"
}

others_watched() {
	choose free '!(klp_*)'
	in_batches watched "${chosen[@]}"
}

others_replaced() {
	choose free '!(klp_*)'
	in_batches replaced "${places[@]}"
}

own_watched() {
	choose free 'klp_*'
	in_batches watched "${chosen[@]}"
}

own_replaced() {
	choose free 'klp_*'
	in_batches replaced "${places[@]}"
}

# These are not watched: a kthread that has changed over and comes to rest again would be in the way
# back for good.
resting_replaced() {
	choose rest '*'
	replaced "${places[@]}" || :
}

# one NAME: by itself
one() {
	local NAMED=$NAMED

	learn
	NAMED=
	if [[ -z ${REPLACING-} ]] && grep -q "^rest $1 " "$tmp/kinds"; then
		note "kthreads rest in it, and it is not replaced on $(uname -m)"
		return
	fi
	choose '*' "$1"
	if ((!${#chosen[@]})); then
		! grep -q " $1\$" /proc/kallsyms || fail "nothing is known about it"
		note "this kernel has no such function"
		return
	fi
	if [[ -n ${REPLACING-} && ${places[0]} != *=- ]]; then
		replaced "${places[@]}" || return 0
	fi
	in_batches watched "${chosen[@]}"
}

# all_in_one COMMAND
all_in_one() {
	local NAMED=$NAMED

	learn
	NAMED=
	choose free '*'
	BATCH=${#chosen[@]}
	case $1 in
	watched) in_batches watched "${chosen[@]}" ;;
	replaced) in_batches replaced "${places[@]}" ;;
	esac
}

all_watched() {
	all_in_one watched
}

all_replaced() {
	all_in_one replaced
}

it what_is_called "what a transition calls"
it others_watched "functions that livepatch runs on, watched"
[[ -z ${REPLACING-} ]] || it others_replaced "functions that livepatch runs on, replaced"
it own_watched "functions of livepatch, watched"
[[ -z ${REPLACING-} ]] || it own_replaced "functions of livepatch, replaced"
[[ -z ${REPLACING-} ]] || it resting_replaced "functions that kthreads rest in, replaced"
for name in $NAMED; do
	eval "one_$name() { one $name; }"
	it "one_$name" "$name()"
done
it all_watched "all of them watched, in one patch"
[[ -z ${REPLACING-} ]] || it all_replaced "all of them replaced, in one patch"
klpt_main
