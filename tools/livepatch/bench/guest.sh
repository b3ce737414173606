#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# guest.sh GROUP: measures what /job/asked names, in a guest whose time stamp counter counts
# instructions. Prints "result: WORK VALUE UNIT", for some works several times. The parts beside
# this one know how.

set -eEu -o pipefail
trap 'echo "bench: line $LINENO of $BASH_SOURCE failed: $BASH_COMMAND" >&2' ERR

target=/sys/module/bench_target/parameters
sys=/sys/kernel/livepatch

# The works that are asked for, and those of which there is a result.
declare -A asked=() told=()
while read -r work; do
	asked[$work]=1
done </job/asked

# wanted WORK...: is any of them to be measured?
wanted() {
	local work

	for work; do
		[[ -z ${asked[$work]-} ]] || return 0
	done
	return 1
}

result() {
	[[ -n ${asked[$1]-} ]] || return 0
	[[ $2 =~ ^[0-9.]+$ ]] || fail "$1 has no result"
	told[$1]=1
	echo "result: $1 $2 $3"
}

fail() {
	echo "bench: $*" >&2
	exit 1
}

quotient() {
	gawk "BEGIN { printf \"%.2f\", ($1) / ($2) }"
}

# A millisecond without a process: bash waits for input that never comes.
exec {never}<> <(:)
pause() {
	read -rt 0.001 -u "$never" || true
}

# What is left over from one round must not count in the next.
calm_down() {
	sleep 2
}

# Much of what is measured ends with a tick. Where two times are subtracted, both are to begin with
# one; where rounds are to show how far apart times are, each begins anywhere between two.
after_tick() {
	read -r <"$target/tick"
}

RANDOM=1
any_time() {
	printf -v REPLY '0.%04d' $((RANDOM % 40))
	sleep "$REPLY"
}

# again COMMAND...: three times, as what it measures varies.
again() {
	"$@"
	"$@"
	"$@"
}

now() {
	read -r "$1" <"$target/now"
}

# ---- patches

# enable PATCH [PARAMETER...]: until the transition has ended.
enable() {
	insmod "/bench/$1.ko" "${@:2}"
	settled "$1"
	[[ $(<"$sys/$1/enabled") == 1 ]] || fail "$1 is not enabled"
}

# by_handler COMMAND...: patches that it enables do without livepatch's own trampoline, if there is
# one.
by_handler() {
	local trampoline=/sys/module/livepatch/parameters/trampoline

	[[ ! -e $trampoline ]] || echo 0 >$trampoline
	"$@"
	[[ ! -e $trampoline ]] || echo 1 >$trampoline
}

# settled PATCH: wait until its transition has ended.
settled() {
	local state

	while read -r state <"$sys/$1/transition" && [[ $state != 0 ]]; do
		pause
	done
}

# enable_blocked PATCH [PARAMETER...]: the transition waits for the thread that the target holds.
enable_blocked() {
	insmod "/bench/$1.ko" blocked=1 "${@:2}"
	[[ $(<"$sys/$1/transition") == 1 ]] || fail "nothing blocks the transition of $1"
}

# The time from klp_enable_patch() until all tasks have moved.
settling() {
	local began settled

	read -r began <"/sys/module/$1/parameters/began"
	read -r settled <"/sys/module/$1/parameters/settled"
	((settled > began)) || fail "$1 did not tell when it had settled"
	echo $((settled - began))
}

gone() {
	while [[ -e $sys/$1 ]]; do
		pause
	done
}

# The directory goes before the module's reference does.
unload() {
	/bench/clock unload "$1"
}

# disable PATCH: until its directory is gone; the time is in $took.
disable() {
	local began end

	now began
	echo 0 >"$sys/$1/enabled"
	gone "$1"
	now end
	# shellcheck disable=SC2034 # for the caller
	took=$((end - began))
}

# Disables and removes a patch, and nobody asks how long it takes.
drop() {
	disable "$1"
	unload "$1" >/dev/null
	calm_down
}

for part in /job/guest-*.sh; do
	# shellcheck source=/dev/null
	. "$part"
done

insmod /bench/bench_target.ko
"group_$1"

missing=()
for work in "${!asked[@]}"; do
	[[ -n ${told[$work]-} ]] || missing+=("$work")
done
((!${#missing[@]})) || fail "not measured: ${missing[*]}"
