#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Does it all hold when everything happens at once? A storm: each step does something that is drawn
# from a table, to patches, to what they patch, to others who hook it, or to the tasks in the middle
# of it. After each step, and in full when a transition has ended, what can be seen is compared with
# the model of klpt_stack.sh:
#
#	worlds		no call of klpt_work_pair() and of klpt_mix_foo() sees two (guards)
#	functions	return what the newest patch has, in a transition that of one of the worlds
#	text		nobody calls what is gone: the modules' exit functions wait for that
#	callbacks	come in a legal order, and none is missing in the end
#	sysfs		has the patches of the model, and ftrace their functions
#	transitions	end once nobody is in the way
#	latency		of a real-time thread, beside the same without livepatches: told, not judged
#	leaks		modules, hooks and files are gone in the end
#
#	KLPT_SEED=N	what is drawn depends on nothing else; another one each time, if not given
#	KLPT_SECONDS=N	how long it takes
#
# With stress-ng, more kinds of tasks take part. A failure ends with the seed and the last steps.

. "$(dirname "$0")/klpt.sh"
. "$(dirname "$0")/klpt_stack.sh"
. "$(dirname "$0")/klpt_steps.sh"

BRIEF="storm"
SEED=${KLPT_SEED:-$((RANDOM * 32768 + RANDOM))}
DURATION=${KLPT_SECONDS:-${KLPT_BRIEF:+10}}
DURATION=${DURATION:-60}
LAST=20		# steps that a failure shows
CGROUPS=/sys/fs/cgroup
PATCHES=(klpt_p1 klpt_p2 klpt_p3 klpt_p4)

# What can be in a patch, in one piece: OBJECT:FUNCTION as in klpt_patch.h.
declare -A functions=(
	[value]="klpt_target:klpt_value"
	[other]="klpt_target:klpt_other"
	[third]="klpt_target:klpt_third"
	[args]="klpt_target:klpt_args"
	[sleep]="klpt_target:klpt_sleep klpt_target:klpt_interruptible"
	[caller]="klpt_target:klpt_caller"
	[hot]="klpt_target:klpt_hot"
	[body]="klpt_target:klpt_kthread_body"
	[extra]="klpt_extra:klpt_value klpt_extra:klpt_other"
	[work]="klpt_work:klpt_work_do klpt_work:+klpt_work_pair"
	[mix]="klpt_mix:klpt_mix_bar=klpt_bar klpt_mix:+klpt_mix_foo"
	[cmdline]="vmlinux:cmdline_proc_show"
	[fscaps]="vmlinux:fscaps_show"
	[exit]="vmlinux:exit_task_stack_account"
)
# In this order, for the order of an associative array depends on bash.
PIECES=(value other third args sleep caller hot body extra work mix cmdline fscaps exit)
OBJECTS=(vmlinux klpt_target klpt_extra klpt_work klpt_mix)

# The steps of patches, do_STEP, and how often they are drawn; those of others are in klpt_steps.sh.
PATCHING=(load 8 replace 8 turn 8 disable 6 wrong 2 force 1 keep 2 unload 3 rest 5)

### Drawing

# draw NUMBER: less than that, into $REPLY
draw() {
	REPLY=$((RANDOM % $1))
}

# one_of WORD...
one_of() {
	draw $#
	shift "$REPLY"
	REPLY=$1
}

# chance PERCENT
chance() {
	draw 100
	((REPLY < $1))
}

### What is there; everything that a step may find

step=0
past=()		# steps
heard=0		# lines of the log

# did WHAT...: for who wants to know what it was
did() {
	past+=("$step: $*")
	echo "klpt: step $step: $*" > /dev/kmsg
}

# try FILE VALUE: write; false with the error in $REPLY
try() {
	REPLY=$({ echo "$2" > "$1"; } 2>&1) && return
	REPLY=${REPLY##*: }
	return 1
}

# The words of the log that have been added.
hear() {
	local lines line words

	mapfile -t lines < /proc/klpt/log
	for line in "${lines[@]:heard}"; do
		read -ra words <<< "$line"
		case $line in
		klpt_p?" exit")
			! owes "${words[0]}" || fail "${words[0]} has gone with $REPLY"
			silence "${words[0]}"
			;;
		klpt_p?" p"*)
			may_say "${words[@]:0:3}" ||
				fail "'$line' after ${said[${words[0]} ${words[2]}]-nothing}"
			;;
		"klpt_extra init "* | "klpt_extra exit "*)
			legal extra "${words[2]}"
			;;
		esac
	done
	heard=${#lines[@]}
}

# The log is empty again, when nobody can have written to it.
forget() {
	hear
	log_clear
	heard=0
}

# legal PIECE NUMBER: who has answered?
legal() {
	answers "$1"
	# shellcheck disable=SC2086 # a list of words
	among "$2" $REPLY || fail "$1: answer of $2 instead of ${REPLY/ / or }"
}

# asked PIECE: who answers, into $REPLY; false when it does not tell
asked() {
	case $1 in
	value | other | third)
		get "$TARGET/$1"
		;;
	args)
		get $TARGET/args
		REPLY=$(((REPLY - 385) / 1000))
		;;
	extra)
		[[ -n $extra ]] && get $EXTRA/other
		;;
	cmdline)
		get /proc/cmdline
		[[ $REPLY == klpt_p? ]] && REPLY=${REPLY#klpt_p} || REPLY=0
		;;
	fscaps)
		get /sys/kernel/fscaps
		((${#REPLY} == 1)) && REPLY=0 || REPLY=$((10#$REPLY))
		;;
	*)
		return 1
		;;
	esac
}

# The transition may have ended by now.
notice() {
	[[ -n $moving ]] || return 0
	get "$LP/$moving/transition"
	[[ $REPLY == 1 ]] || ended_meanwhile
}

ended_meanwhile() {
	hear
	arrives
}

one_world() {
	local wrong mixed calls

	if [[ -n ${object_there[klpt_work]-} ]]; then
		read -r _ wrong mixed _ < /proc/klpt_work
		is "$wrong" 0 "calls that were wrong"
		is "$mixed" 0 "pairs of calls that saw two worlds"
	fi
	read -r _ mixed calls < /proc/klpt_mix/count
	is "$mixed" 0 "calls of klpt_mix_foo() that saw two worlds"
	((!leave_kernel)) || is "$calls" 0 "system calls that saw two worlds"
}

# What must hold all the time.
check() {
	local piece

	hear
	notice
	for piece in "${PIECES[@]}"; do
		! asked "$piece" || legal "$piece" "$REPLY"
	done
	one_world
	get /proc/sys/kernel/tainted
	(((REPLY & (1 << 7 | 1 << 9)) == tainted)) || fail "the kernel has warned: tainted $REPLY"
}

### Patches

# spec PIECE...: as klpt_patch.h wants it, into $REPLY
spec() {
	local object piece function list spec=

	for object in "${OBJECTS[@]}"; do
		list=
		for piece; do
			for function in ${functions[$piece]}; do
				[[ $function != "$object:"* ]] || list+=",${function#*:}"
			done
		done
		[[ -z $list ]] || spec+=";$object:${list#,}"
	done
	REPLY=${spec#;}
}

# free_patch: one whose module can be loaded, into $patch
free_patch() {
	local p free=()

	for p in "${PATCHES[@]}"; do
		! among "$p" "${stack[@]}" || continue
		[[ ! -e /sys/module/$p ]] || ! unused "$p" || rmmod "$p" || fail "rmmod $p"
		[[ -e /sys/module/$p ]] || free+=("$p")
	done
	((${#free[@]})) || return 1
	one_of "${free[@]}"
	patch=$REPLY
}

# some_pieces: into the array $some; what is slow seldom
some_pieces() {
	local piece

	some=()
	for piece in "${PIECES[@]}"; do
		if [[ $piece == exit ]]; then
			! chance 5 || some+=("$piece")
		else
			! chance 35 || some+=("$piece")
		fi
	done
	((${#some[@]})) || some=(value)
}

# insert PATCH PARAMETER...: into $REPLY "" or the error
insert() {
	REPLY=$(insmod "$MODULES/$1.ko" callbacks=1 linger=30 "${@:2}" 2>&1) || :
	REPLY=${REPLY##*: }
}

# bring HOW: a patch that is drawn comes, to load or to replace, and the core has to answer as the
# model does
bring() {
	local patch some set=0 over="" parameters error old=()

	free_patch || return 0
	some_pieces
	! chance 30 || set=$((RANDOM % 3))
	spec "${some[@]}"
	parameters=("spec=$REPLY" "set=$set" "leave_kernel=$leave_kernel")
	if [[ $1 == replace ]]; then
		parameters+=(replace=1)
		! chance 20 || over=$((1 + RANDOM % 2))
		[[ -z $over ]] || parameters+=("supersedes=$over")
	fi
	did "$1 $patch, set $set${over:+ over $over}: ${some[*]}"
	insert "$patch" "${parameters[@]}"
	error=$REPLY
	if [[ $error == "Device or resource busy" && -n $moving ]]; then
		no_trace "$patch"
		return
	fi
	[[ -z $moving ]] || ended_meanwhile
	if [[ $1 == replace ]]; then
		# shellcheck disable=SC2086 # may be none
		in_sets "$set" $over
		read -ra old <<< "$REPLY"
	fi
	came "$patch" "$set" "${some[*]}" "$error" "${old[@]}"
}

# came PATCH SET "PIECES" ERROR [REPLACED...]
came() {
	if shares "$2" "$3" "${@:5}"; then
		is "$4" "Invalid parameters" "error of $1, which shares something with another set"
		no_trace "$1"
		return
	fi
	is "$4" "" "error of $1"
	pieces[$1]=$3
	set_of[$1]=$2
	comes "$1" "${@:5}"
}

do_load() { bring load; }
do_replace() { bring replace; }

# The transition is turned back; when it has ended meanwhile, that is something else.
do_turn() {
	local p=$moving

	[[ -n $p ]] || return 0
	did "turn $p to $((1 - towards))"
	if try "$LP/$p/enabled" $((1 - towards)); then
		statistic "$p" reversed
		if ((REPLY > 0)); then
			turns
		else
			is "$towards" 1 "world that a patch is brought back from that has gone"
			ended_meanwhile
			goes "$p"
		fi
		return
	fi
	((!towards)) || fail "$p could not be turned back: $REPLY"
	ended_meanwhile
	until_true "$p to have gone after '$REPLY'" gone "$LP/$p"
}

do_disable() {
	local p still=()

	for p in "${stack[@]}"; do
		among "$p" "$moving" "${leaving[@]}" || still+=("$p")
	done
	((${#still[@]})) || return 0
	one_of "${still[@]}"
	p=$REPLY
	did "disable $p"
	if try "$LP/$p/enabled" 0; then
		[[ -z $moving ]] || ended_meanwhile
		goes "$p"
	else
		is "$REPLY" "Device or resource busy" "error of disabling $p"
		[[ -n $moving ]] || fail "$p: busy without a transition"
	fi
}

# Patches that have to be refused, and leave nothing behind.
do_wrong() {
	local patch error="No such device" how="pre_fail=klpt_target"

	how+=" spec=klpt_target:klpt_value,klpt_other"
	free_patch || return 0
	shares 0 "value other" && error="Invalid parameters"
	if chance 50; then
		how="spec=klpt_target:klpt_value,klpt_nowhere=any"
		error="Invalid parameters"
	fi
	did "wrong $patch: $how"
	# shellcheck disable=SC2086 # a list of words
	insert "$patch" $how
	[[ -n $REPLY ]] || fail "$patch was not refused"
	if [[ $REPLY != "Device or resource busy" || -z $moving ]]; then
		[[ -z $moving ]] || ended_meanwhile
		is "$REPLY" "$error" "error of $patch"
	fi
	no_trace "$patch"
	hear
	silence "$patch"
}

# Who has won may go as ever. Calls may see two worlds then, so not for what is checked for that.
do_force() {
	local has

	[[ -n $moving && $towards == 1 && ${#leaving[@]} == 0 ]] || return 0
	has=" ${pieces[$moving]} "
	[[ $has != *" work "* && $has != *" mix "* && $has != *" exit "* ]] || return 0
	did "force $moving"
	try "$LP/$moving/force" 1 || is "$REPLY" "Invalid argument" "error of forcing $moving"
	until_true "the forced transition to end" settled "$moving"
	ended_meanwhile
}

# Nobody takes the module of a patch that is in use.
do_keep() {
	((${#stack[@]})) || return 0
	one_of "${stack[@]}"
	did "keep $REPLY"
	among "$REPLY" "$moving" "${leaving[@]}" || in_use "$REPLY"
}

do_unload() {
	local p

	for p in "${PATCHES[@]}"; do
		if ! among "$p" "${stack[@]}" && [[ -e /sys/module/$p ]]; then
			did "unload $p"
			rmmod "$p" 2> /dev/null || :
		fi
	done
}

### At rest

# Those who sleep are woken, and those who have gone to sleep meanwhile.
arrived() {
	wake all
	notice
	[[ -z $moving ]]
}

# same "WORD..." "WORD...": in any order
same() {
	local word first second

	read -ra first <<< "$1"
	read -ra second <<< "$2"
	((${#first[@]} == ${#second[@]})) || return 1
	for word in "${first[@]}"; do
		among "$word" "${second[@]}" || return 1
	done
}

sysfs_is_right() {
	patches
	same "$REPLY" "${stack[*]-}"
}

# as_patched PATCH PLACE: its files, at rest
as_patched() {
	local file

	for file in enabled:1 transition:0 pending:0 forced:0 "stack_order:$2" \
		"replace_set:${set_of[$1]}"; do
		has "$LP/$1/${file%:*}" "${file#*:}" ||
			fail "$1: ${file%:*} is '$REPLY' and not ${file#*:}"
	done
}

# Functions whose calls are diverted, as ftrace tells, into $REPLY.
diverted() {
	local found

	mapfile -t found < <(awk '/ I / {
		print ($2 ~ /^\[/ ? substr($2, 2, length($2) - 2) : "vmlinux") ":" $1
	}' $TRACING/enabled_functions)
	REPLY=${found[*]-}
}

# Those that are in a patch, whose object is there, into $REPLY.
to_be_diverted() {
	local piece function wanted=()

	for piece in "${PIECES[@]}"; do
		answer "$piece"
		((REPLY)) || continue
		for function in ${functions[$piece]}; do
			function=${function%=*}
			[[ $function == *:+* || -z ${object_there[${function%:*}]-} ]] ||
				wanted+=("$function")
		done
	done
	REPLY=${wanted[*]-}
}

ftrace_is_right() {
	local wanted

	to_be_diverted
	wanted=$REPLY
	diverted
	same "$REPLY" "$wanted"
}

# has_called_back PATCH: all that it has to, for objects that are there
has_called_back() {
	local piece object want

	for piece in ${pieces[$1]}; do
		object=${functions[$piece]%%:*}
		want=post_patch
		[[ -n ${object_there[$object]-} ]] || want="(nothing|post_unpatch)"
		matches "${said[$1 $object]-nothing}" "^$want\$" "last callback of $1 for $object"
	done
}

# Calls get to one function, and to no other.
work_is_settled() {
	local -a before after
	local i

	[[ -n ${object_there[klpt_work]-} ]] || return 0
	{ read -r _; read -ra before; } < /proc/klpt_work
	pause
	{ read -r _; read -ra after; } < /proc/klpt_work
	answer work
	for i in "${!after[@]}"; do
		((i == REPLY)) ||
			is "${after[i]}" "${before[i]}" "calls that got to $i instead of $REPLY"
	done
}

do_rest() {
	local p place=0

	did "rest"
	clear_the_way
	if ! poll arrived; then
		klp blockers | sed 's/^/# /'
		fail "the transition of $moving does not end in $LIMIT s"
	fi
	check
	until_true "sysfs to have nothing but ${stack[*]-}" sysfs_is_right
	for p in "${stack[@]}"; do
		as_patched "$p" $((++place))
	done
	# To tell the order of patches, the core had to be through with the transition.
	hear
	for p in "${stack[@]}"; do
		has_called_back "$p"
	done
	# Before modules go: each that does has idle sites looked for.
	to_be_diverted
	until_true "ftrace to divert nothing but $REPLY" ftrace_is_right
	for p in "${PATCHES[@]}"; do
		among "$p" "${stack[@]}" || ! owes "$p" || fail "$p is not in force, and $REPLY"
		among "$p" "${stack[@]}" || [[ ! -e /sys/module/$p ]] || unload "$p"
	done
	at_rest
	work_is_settled
	forget
}

### All of it

# in_crowd COMMAND...: again and again
in_crowd() {
	(
		renice -n 19 $BASHPID > /dev/null
		while :; do
			"$@"
		done
	) 2> /dev/null &
	crowd+=($!)
	echo $! >> "$tmp/pids"
	[[ -z $cgroup ]] || put "$cgroup/cgroup.procs" $!
}

call_mix() {
	echo "mix 0" > /proc/klpt_mix/call
}

call_values() {
	get $TARGET/value
	get /proc/cmdline
	pause
}

begin() {
	local storm=$CGROUPS/klpt_storm

	mountpoint -q $CGROUPS || mount -t cgroup2 cgroup2 $CGROUPS 2> /dev/null
	cgroup=
	[[ ! -e $CGROUPS/cgroup.procs ]] || { mkdir -p $storm && cgroup=$storm; }
	get /proc/sys/kernel/tainted
	tainted=$((REPLY & (1 << 7 | 1 << 9)))
	put /proc/sys/kernel/printk_devkmsg on
	# Who is killed by number is not to be somebody else, however many there have been.
	put /proc/sys/kernel/pid_max 4194304
	nudge_soon
	RANDOM=$SEED
	leave_kernel=$((RANDOM % 4 == 0))
	note "seed $SEED, $DURATION s, leave_kernel=$leave_kernel"
	load klpt_mix
	begin_work
	in_crowd call_mix
	in_crowd call_values
	our_modules
	modules=$REPLY
	log_clear
}

# Also when something has failed, so that the machine can go on.
end() {
	local p online=/sys/devices/system/cpu/cpu1/online

	clear_the_way
	for p in "${bursts[@]}" "${crowd[@]}"; do
		kill "$p"
	done
	wait "${bursts[@]}" "${crowd[@]}"
	[[ ! -e $online ]] || echo 1 > $online
	[[ -z $cgroup ]] || rmdir "$cgroup"
	echo ratelimit > /proc/sys/kernel/printk_devkmsg
} 2> /dev/null

last_steps() {
	note "seed $SEED, step $step; the last ones:"
	printf '#   %s\n' "${past[@]: -(LAST < ${#past[@]} ? LAST : ${#past[@]})}"
	note "again: KLPT_SEED=$SEED KLPT_SECONDS=$DURATION KLPT_ONLY=$1 $0"
	note "model: stack '${stack[*]}', moving '$moving' to '$towards', leaving '${leaving[*]}'"
}

# weather SECONDS STEP WEIGHT...: what this step does depends on the seed and its number only
weather() {
	local end=$((SECONDS + $1)) deck=() i

	shift
	while (($#)); do
		for ((i = 0; i < $2; i++)); do
			deck+=("$1")
		done
		shift 2
	done
	while ((SECONDS < end)); do
		step=$((step + 1))
		RANDOM=$(((SEED * 7919 + step * 104729) % 2147483647))
		: $RANDOM $RANDOM
		one_of "${deck[@]}"
		"do_$REPLY"
		check
	done
}

# How late a thread of SCHED_FIFO is that sleeps for 10 ms again and again, into $tmp/late.
late_begin() {
	late=
	type stress-ng > /dev/null 2>&1 || return 0
	stress-ng --cyclic 1 --cyclic-policy fifo --cyclic-prio 50 --cyclic-method clock_ns \
		--cyclic-sleep 10000000 --cyclic-samples 1000000 -t "$1" > "$tmp/late" 2>&1 &
	late=$!
}

late_end() {
	[[ -n $late ]] || return 0
	wait "$late"
	note "a real-time thread was late by, $1: $(
		sed -n 's/.*cyclic: *\(mean\|min\|99.00%\|99.90%\)/\1/p' "$tmp/late" |
			paste -sd' ')"
}

# Without patches: what the others do to a real-time thread, and whether this test can be trusted.
others() {
	begin
	trap 'last_steps others; end' EXIT
	late_begin $((DURATION / 4))
	weather $((DURATION / 4)) "${OTHERS[@]}"
	late_end "without livepatches"
	finish
}

storm() {
	begin
	trap 'last_steps storm; end' EXIT
	late_begin "$DURATION"
	weather "$DURATION" "${OTHERS[@]}" "${PATCHING[@]}"
	late_end "with them"
	finish
}

# Everybody goes, and nothing stays.
finish() {
	local p

	do_rest
	[[ -z $extra ]] || do_extra
	[[ -z $hook ]] || do_hook
	[[ -z $tracer ]] || do_tracer
	[[ -z $kprobe ]] || do_kprobe
	[[ -z $bpf ]] || do_bpf
	[[ -n ${object_there[klpt_work]-} ]] || do_work
	while ((${#stack[@]})); do
		p=${stack[0]}
		did "disable $p, in the end"
		put "$LP/$p/enabled" 0
		goes "$p"
		do_rest
	done
	our_modules
	is "$REPLY" "$modules" "modules in the end"
	diverted
	is "$REPLY" "" "functions that are still diverted"
	note "$step steps"
	trap end EXIT
}

it others "the same without livepatches"
it storm "patches, what they patch, tracers and tasks of all kinds, as they come"
klpt_main
