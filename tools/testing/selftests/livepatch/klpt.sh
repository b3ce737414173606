# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Read by all scripts: one function for each sub-test, which ends with "exit 1" as soon as a check
# fails, and a cleanup after each, which leaves a machine without any patch or module of ours.
#
#	. "$(dirname "$0")/klpt.sh"
#	upgrade() { ... }
#	it upgrade "a patch can be upgraded"
#	klpt_main

cd "$(dirname "$0")" || exit 1
# shellcheck source=/dev/null
. ../kselftest/ktap_helpers.sh

MODULES=$PWD/test_modules
LP=/sys/kernel/livepatch
TRACING=/sys/kernel/tracing
NUDGE_AFTER=/sys/module/livepatch/parameters/signal_after
TARGET=/proc/klpt_target
EXTRA=/proc/klpt_extra
DEBUG=/sys/kernel/debug/livepatch
PARAMS=/sys/module/livepatch/parameters
TRAMPOLINE=$PARAMS/trampoline
LIMIT=${KLPT_LIMIT:-60}		# seconds until something that should happen counts as missing
SCRIPT=$(basename "$0" .sh)
# shellcheck disable=SC2034 # some scripts use it
read -r COMM < /proc/self/comm	# as the kernel calls this shell and its background tasks

tmp=$(mktemp -d)
tests=()

# Emulated machines run these scripts, too, and start a program slowly. What is called often uses
# what bash has itself: nobody writes to this pipe, so reading it is a way to sleep.
mkfifo "$tmp/never"
exec {never}<> "$tmp/never"

### What a sub-test calls

# get FILE: first line into $REPLY, empty when there is none
get() {
	REPLY=
	read -r REPLY < "$1"
} 2>/dev/null

# has FILE VALUE
has() {
	get "$1"
	[[ "$REPLY" == "$2" ]]
}

# fail MESSAGE...: end the sub-test
fail() {
	echo "# $*"
	exit 1
}

note() {
	echo "# $*"
}

# is GOT WANTED WHAT
is() {
	[[ "$1" == "$2" ]] || fail "$3: expected '$2', got '$1'"
}

# matches GOT PATTERN WHAT: as is, with an extended regular expression
matches() {
	[[ "$1" =~ $2 ]] || fail "$3: expected something like '$2', got '$1'"
}

# A short sleep.
pause() {
	read -rt 0.02 -u "$never"
	return 0
}

# poll COMMAND...: repeat it until it succeeds
poll() {
	local end=$((SECONDS + LIMIT))

	until "$@"; do
		((SECONDS < end)) || return 1
		pause
	done
}

# until_true WHAT COMMAND...
until_true() {
	local what=$1

	shift
	poll "$@" || fail "waited $LIMIT s in vain: $what"
}

gone() {
	[[ ! -e $1 ]]
}

settled() {
	has "$LP/$1/transition" 0
}

# load MODULE PARAMETER...: insert a module that is no livepatch, or whose transition may hang
load() {
	local out

	out=$(insmod "$MODULES/$1.ko" "${@:2}" 2>&1) || fail "insmod $*: $out"
}

# patch MODULE PARAMETER...: load a livepatch and wait until it is in force
patch() {
	load "$@"
	until_true "$1 to be enabled" settled "$1"
}

# refused MODULE ERROR PARAMETER...: loading fails with this text of the error, leaving no trace
refused() {
	local module=$1 error=$2 out

	shift 2
	if out=$(insmod "$MODULES/$module.ko" "$@" 2>&1); then
		fail "$module $*: was not refused"
	fi
	[[ "$out" == *": $error" ]] || fail "$module $*: expected '$error', got '$out'"
	no_trace "$module"
}

no_trace() {
	[[ ! -e $LP/$1 ]] || fail "$LP/$1 was left behind"
	[[ ! -e /sys/module/$1 ]] || fail "module $1 was left behind"
}

# put FILE VALUE: write, or fail with the error
put() {
	local out

	out=$({ echo "$2" > "$1"; } 2>&1) || fail "writing '$2' to $1: ${out##*: }"
}

# put_fails FILE VALUE ERROR
put_fails() {
	local out

	if out=$({ echo "$2" > "$1"; } 2>&1); then
		fail "writing '$2' to $1 was not refused"
	fi
	is "${out##*: }" "$3" "error of writing '$2' to $1"
}

disable() {
	put "$LP/$1/enabled" 0
	until_true "$1 to be disabled" gone "$LP/$1"
}

unload() {
	until_true "module $1 to be unused" unused "$1"
	rmmod "$1" || fail "rmmod $1 failed"
}

# in_use MODULE: it cannot be removed
in_use() {
	! rmmod "$1" 2>/dev/null || fail "module $1 could be removed while it was in use"
}

unused() {
	has "/sys/module/$1/refcnt" 0
}

remove() {
	disable "$1"
	unload "$1"
}

# replaced_by OLD NEW PARAMETER...: the module of the old one is gone afterwards
replaced_by() {
	patch "${@:2}" replace=1
	until_true "$1 to leave sysfs" gone "$LP/$1"
	unload "$1"
}

# returns FILE VALUE [WHEN]: what a function of the target module returns
returns() {
	get "$TARGET/$1"
	is "$REPLY" "$2" "$1 ${3:-}"
}

# three_values "A B C" [WHEN]: of value, other and third
three_values() {
	local file all=()

	for file in value other third; do
		get $TARGET/$file
		all+=("$REPLY")
	done
	is "${all[*]}" "$1" "values ${2:-}"
}

extra_returns() {
	get "$EXTRA/$1"
	is "$REPLY" "$2" "$1 of klpt_extra ${3:-}"
}

# write_to FILE TEXT: in the background, by task $pid
write_to() {
	echo "$2" > "$1" &
	pid=$!
	disown "$pid"
	echo "$pid" >> "$tmp/pids"
}

# call NAME ARGUMENT: in the background, in the context of task $pid
call() {
	write_to $TARGET/call "$*"
}

# falls_asleep CHANNEL COMMAND...: the command has somebody sleep there
falls_asleep() {
	local before

	slept "$1"
	before=$REPLY
	"${@:2}"
	until_true "${*:2} to fall asleep" has_slept "$1" $((before + 1))
}

# asleep NAME CHANNEL: call it and wait until it sleeps there
asleep() {
	falls_asleep "$2" call "$@"
}

# slept CHANNEL: how often somebody has, into $REPLY
slept() {
	local counters

	read -ra counters < /proc/klpt/slept
	REPLY=${counters[$1]}
}

has_slept() {
	slept "$1"
	[[ "$REPLY" == "$2" ]]
}

# is_waiting CHANNEL TASKS
is_waiting() {
	local counters

	read -ra counters < /proc/klpt/waiting
	[[ "${counters[$1]}" == "$2" ]]
}

# Nudge tasks that are in the way after a second instead of 15, until the sub-test is cleaned up.
nudge_soon() {
	put $NUDGE_AFTER 1
}

nudge_as_usual() {
	echo 15 > $NUDGE_AFTER
} 2>/dev/null

wake() {
	put /proc/klpt/wake "$1"
}

# ended PID...: wait for background calls
ended() {
	local p

	for p in "$@"; do
		until_true "task $p to end" gone "/proc/$p"
	done
}

kthread() {
	put $TARGET/kthread "$1"
	get $TARGET/kthread
	pid=$REPLY
}

world() {
	cat "/proc/$1/patch_state"
}

# Tasks of world $1, a pattern; all tasks are in -1 when nothing is in transition.
tasks_in() {
	grep -lsx -e "$1" /proc/[0-9]*/task/[0-9]*/patch_state | cut -d/ -f5 | sort
}

# only_left PATCH WORLD PID...: all tasks but these have moved to WORLD, and the transition is on
only_left() {
	local patch=$1 to=$2 want

	shift 2
	want=$(printf '%s\n' "$@" | sort)
	until_true "all but $* to move to world $to of $patch" left_are "$patch" "$to" "$want"
	has "$LP/$patch/transition" 1 ||
		fail "the transition of $patch ended although task $* was in the way"
}

left_are() {
	# Not in transition any more: nothing to wait for, only_left() tells.
	has "$LP/$1/transition" 1 || return 0
	[[ "$(tasks_in $((1 - $2)))" == "$3" ]]
}

at_rest() {
	is "$(tasks_in '[01]')" "" "tasks with a patch_state other than -1"
}

# hooked FUNCTION [MODULE]: does anything trace or patch it?
hooked() {
	awk -v f="$1" -v m="${2:+[$2]}" '$1 == f && (m == "" || $2 == m) { found = 1 }
		END { exit !found }' $TRACING/enabled_functions
}

unhooked() {
	! hooked "$@" || fail "a handler is still attached to $1()"
}

# modifies FUNCTION [MODULE]: does a handler change its instruction pointer?
modifies() {
	awk -v f="$1" -v m="${2:+[$2]}" '$1 == f && (m == "" || $2 == m) && / I / { found = 1 }
		END { exit !found }' $TRACING/enabled_functions
}

# probe_refused FUNCTION HOW: a klpt_probe that wants to change where calls of a patched function go
probe_refused() {
	local out

	if out=$(insmod "$MODULES/klpt_probe.ko" function="$1" how="$2" 2>&1); then
		# Linux 7.3 takes a kprobe, and does not tell that it could not be armed.
		[[ $2 == post ]] || fail "klpt_probe how=$2 was not refused on $1"
		cat $TARGET/value > /dev/null
		is "$(cat /sys/module/klpt_probe/parameters/hits)" 0 "hits of klpt_probe how=$2"
		rmmod klpt_probe
	else
		matches "$out" "Device or resource busy" "error of klpt_probe how=$2"
	fi
}

# Modules have memory that is given back after init. On powerpc all of it stays.
init_memory() {
	[[ $(uname -m) != ppc64le ]]
}

# Tasks are preempted in the kernel: those that do not leave it leave the CPU to others.
preemptible() {
	[[ "$(uname -v)" == *PREEMPT* ]] && ! grep -Eq 'preempt=(none|voluntary)' /proc/cmdline
}

# A task that is always busy in the kernel is looked at: in Linux 6.12 whenever it could give way,
# later when it loses the CPU. Where it is preempted for that, the unwinder of x86 alone can tell
# its stack.
busy_is_seen() {
	[[ $(uname -m) == x86_64 || $(uname -r) == 6.12.* ]] || ! preemptible
}

# Kprobes at the entry of a function get hold of it by ftrace.
kprobes_on_ftrace() {
	[[ $(uname -m) != aarch64 ]]
}

# traced EVENT...: from here on, exactly these trace events are recorded
traced() {
	local event

	echo 0 > $TRACING/events/enable
	echo > $TRACING/trace
	for event; do
		put "$TRACING/events/livepatch/$event/enable" 1
	done
}

# events [PATTERN]: what was recorded, from the name of the event on; PATTERN as for grep -E
events() {
	sed -n 's/^.*: \(klp_[a-z_]*: \)/\1/p' $TRACING/trace | grep -E -e "${1:-}"
	return 0
}

# has_event PATTERN
has_event() {
	[[ -n "$(events "$1")" ]]
}

# count_events PATTERN: into $REPLY
count_events() {
	REPLY=$(events "$1" | wc -l)
}

# statistic PATCH KEY: of the newest transition of this patch, into $REPLY
statistic() {
	REPLY=$(awk -v patch="$1" -v key="$2:" '
		$1 == "patch:" { on = $2 == patch }
		on && $1 == key { sub(key " ", ""); print; exit }' $DEBUG/statistics)
}

# rounds_are_more_than PATCH NUMBER: that often all tasks were looked at
rounds_are_more_than() {
	statistic "$1" rounds
	((REPLY > $2))
}

# address_of FUNCTION [MODULE]: where it is, as 0x...
address_of() {
	awk -v f="$1" -v m="${2:+[$2]}" '$3 == f && $4 == m { print "0x" $1; exit }' /proc/kallsyms
}

# probed WHAT: hits or returns that klpt_probe has counted, or what it has seen, into $REPLY
probed() {
	get "/sys/module/klpt_probe/parameters/$1"
}

# work_goes_on: all of klpt_work has been called quite often since
work_goes_on() {
	local calls rest

	read -r calls rest < /proc/klpt_work
	until_true "calls to go on" work_is_more_than $((calls + 500))
}

work_is_more_than() {
	local calls rest

	read -r calls rest < /proc/klpt_work
	((calls > $1))
}

# No call was wrong, lost or made twice, and no pair of calls saw two worlds.
work_is_sound() {
	local calls wrong mixed interrupts ran

	{
		read -r calls wrong mixed interrupts
		read -ra ran
	} < /proc/klpt_work
	note "calls $calls, $interrupts of them from interrupts; by who ran: ${ran[*]}"
	is "$wrong" 0 "calls that were wrong"
	is "$mixed" 0 "pairs of calls that saw two worlds"
	((interrupts > 0)) || fail "no call came from an interrupt"
}

log_is() {
	is "$(sed "${2:-}" /proc/klpt/log)" "$1" "log of the test modules"
}

log_clear() {
	put /proc/klpt/log x
}

# message PATTERN: is in the kernel log since the sub-test began
message() {
	kernel_log | grep -Eq -e "$1" || fail "no message like '$1' in the kernel log"
}

# refusal PATCH MODULE: of a module that comes, in the words that scripts wait for
refusal() {
	message "livepatch: patch '$1' failed for module '$2', refusing to load module '$2'\$"
}

# names WORD...: one message of livepatch has all of them, as extended regular expressions
names() {
	kernel_log | awk -v words="$*" '
		BEGIN { n = split(words, word, " ") }
		/livepatch: / {
			for (i = 1; i <= n && $0 ~ word[i]; i++)
				;
			found += i > n
		}
		END { exit !found }' || fail "no message of livepatch has all of: $*"
}

no_message() {
	! kernel_log | grep -Eq -e "$1" || fail "unexpected message like '$1' in the kernel log"
}

kernel_log() {
	dmesg | sed "1,/klpt: $mark\$/d"
}

# expect_warning COMMAND...: the kernel is to print a warning with a backtrace
expect_warning() {
	echo "klpt: expected warning begins" > /dev/kmsg
	"$@"
	echo "klpt: expected warning ends" > /dev/kmsg
}

# as_nobody COMMAND...: as a user without privileges
as_nobody() {
	setpriv --reuid 65534 --clear-groups "$@"
}

### Around the sub-tests

# it FUNCTION DESCRIPTION: a sub-test. KLPT_ONLY is a pattern for the functions that are to run;
# with KLPT_BRIEF=1, a script that takes minutes runs those that its BRIEF names.
it() {
	# shellcheck disable=SC2053
	[[ ${1%:*} == ${KLPT_ONLY:-*} ]] || return 0
	[[ -z ${KLPT_BRIEF:-} || -z ${BRIEF:-} ||
		" ${BRIEF//[[:space:]]/ } " == *" ${1%:*} "* ]] || return 0
	tests+=("$1" "$2")
}

# both_ways FUNCTION DESCRIPTION: a sub-test for each way in which calls are diverted; when it is to
# be brief, for the way of this machine
both_ways() {
	if [[ $(uname -m) == x86_64 && -z ${KLPT_BRIEF:-} ]]; then
		it "$1:Y" "$2, own trampoline"
		it "$1:N" "$2, C handler"
	else
		it "$1" "$2"
	fi
}

# Where in the kernel log a sub-test begins.
set_mark() {
	mark=$SCRIPT.$1.$RANDOM$RANDOM
	echo "klpt: $mark" > /dev/kmsg
}

splats() {
	dmesg | awk -v mark="klpt: $mark$" '
		$0 ~ mark { on = 1 }
		/klpt: expected warning begins/ { on = 0 }
		/klpt: expected warning ends/ { on = 1 }
		on && /WARNING:|BUG:|Oops:|INFO: |general protection|possible recursive locking/'
}

# Into $REPLY, as are the modules.
patches() {
	local p

	REPLY=
	for p in "$LP"/klpt_*; do
		[[ -d $p ]] && REPLY+=" ${p##*/}"
	done
}

our_modules() {
	local m rest

	REPLY=
	while read -r m rest; do
		[[ $m == klpt_* ]] && REPLY+=" $m"
	done < /proc/modules
}

# True when nothing of ours is left; tries to get there.
all_clean() {
	local p m left=

	[[ -e /proc/klpt/wake ]] && echo all > /proc/klpt/wake
	for m in $TARGET $EXTRA; do
		[[ -e $m/kthread ]] && echo stop > "$m/kthread"
	done
	if [[ -s $tmp/pids ]]; then
		# Ours by number; those that have ended are no longer there.
		while read -r p; do
			kill -9 "$p"
		done < "$tmp/pids"
		: > "$tmp/pids"
	fi
	patches
	for p in $REPLY; do
		echo rows > "/sys/module/$p/parameters/clean_up"
		has "$LP/$p/enabled" 1 && echo 0 > "$LP/$p/enabled"
	done
	our_modules
	# shellcheck disable=SC2086 # a list of names
	[[ -z $REPLY ]] || rmmod $REPLY
	our_modules
	for m in $REPLY; do
		# A forced module stays until the next boot, and klpt_lib with it.
		[[ $m == klpt_f? || ($REPLY == *klpt_f* && $m == klpt_lib) ]] || left=1
	done
	patches
	[[ -z $REPLY && -z $left ]] || return 1
	# Without a patch, there is no callback that waits with the lock that this takes.
	echo 0 > "$DEBUG/hits" || :
} 2>/dev/null

cleanup() {
	local p

	{
		echo nop > $TRACING/current_tracer
		echo > $TRACING/set_ftrace_filter
		echo > $TRACING/kprobe_events
		echo 0 > $TRACING/events/enable
		echo 0 > /proc/klpt/hold
		# Whoever has to leave the kernel before a patch can go is not to take his time.
		echo 1 > $NUDGE_AFTER
		echo 60 > $PARAMS/stall_warning
		[[ -z $way_at_boot ]] || echo "$way_at_boot" > $TRAMPOLINE
		echo 1 > /proc/sys/kernel/ftrace_enabled
	} 2>/dev/null
	poll all_clean && return 0

	patches
	note "cleanup: forcing$REPLY"
	for p in $REPLY; do
		has "$LP/$p/transition" 1 && echo 1 > "$LP/$p/force"
	done
	poll all_clean && return 1
	patches
	p=$REPLY
	our_modules
	note "cleanup: left behind:$p$REPLY"
	return 1
}

run_one() {
	local fn=${1%:*} what=$2 way="" bad=0 found

	[[ $1 != *:* ]] || way=${1#*:}

	set_mark "$fn"
	(
		set -u
		[[ -e /sys/module/klpt_lib ]] || insmod "$MODULES/klpt_lib.ko" ||
			fail "klpt_lib does not load"
		log_clear
		[[ -z $way ]] || put $TRAMPOLINE "$way"
		[[ -n "${NO_TARGET:-}" ]] || insmod "$MODULES/klpt_target.ko" ||
			fail "klpt_target does not load"
		"$fn"
	) || bad=1
	cleanup || bad=1
	if get /sys/kernel/debug/livepatch/shadow && [[ -n $REPLY ]]; then
		note "shadow variables left behind: $REPLY"
		bad=1
	fi
	nudge_as_usual
	found=$(splats)
	if [[ -n "$found" ]]; then
		note "kernel log: $found"
		bad=1
	fi
	if ((bad)); then
		kernel_log | tail -40 | sed 's/^/#  /'
		ktap_test_fail "$what"
	else
		ktap_test_pass "$what"
	fi
}

skip_all() {
	ktap_skip_all "$*"
	exit "$KSFT_SKIP"
}

klpt_main() {
	local i

	ktap_print_header
	[[ $EUID == 0 ]] || skip_all "must be run as root"
	[[ -d $LP ]] || skip_all "the kernel has no CONFIG_LIVEPATCH"
	[[ -e $MODULES/klpt_lib.ko ]] || ktap_exit_fail_msg "no $MODULES/klpt_lib.ko: run make"
	[[ -e $TRACING/enabled_functions ]] || mount -t tracefs tracefs $TRACING
	mountpoint -q /sys/kernel/debug || mount -t debugfs debugfs /sys/kernel/debug
	((${#tests[@]})) || ktap_exit_fail_msg "no sub-test of $SCRIPT matches KLPT_ONLY=$KLPT_ONLY"
	ktap_set_plan $((${#tests[@]} / 2))
	get $TRAMPOLINE
	way_at_boot=$REPLY
	set_mark start
	trap 'cleanup; nudge_as_usual; rm -rf "$tmp"' EXIT
	trap 'exit 1' INT TERM HUP
	cleanup || ktap_exit_fail_msg "an earlier run left patches behind: reboot"
	nudge_as_usual
	for ((i = 0; i < ${#tests[@]}; i += 2)); do
		run_one "${tests[i]}" "${tests[i + 1]}"
	done
	ktap_finished
}
