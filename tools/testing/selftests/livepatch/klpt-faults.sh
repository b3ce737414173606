#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Each allocation, and each call of somebody who may say no, fails in turn: is the patch refused
# cleanly, or does it work?
#
# klpt_p1 sets fail-nth for its own task right before klp_enable_patch(), so allocation N of that
# call fails and no other (test_modules/klpt_patch.h); where a file is written to, this shell does
# for itself. klpt_fail has call N out of the core refused. N grows until none is left to fail.

. "$(dirname "$0")/klpt.sh"

BRIEF="coming"

FAILSLAB=/sys/kernel/debug/failslab
FAIL=/sys/module/klpt_fail/parameters
# Who finds functions, and what of them; ftrace; sysfs; modules. What they return.
CALLS=kallsyms_on_each_match_symbol:0,kallsyms_lookup_size_offset:0,ftrace_location_range:0
CALLS+=,ftrace_set_filter_ips:-22,register_ftrace_function:-16,kobject_add:-17,try_module_get:0
MAX=400
# Objects that are there and one that is not.
THREE='vmlinux:cmdline_proc_show;klpt_target:klpt_value,klpt_other,+klpt_third;klpt_extra:'

fail_allocations() {
	[[ -d $FAILSLAB ]] || fail "the kernel has no CONFIG_FAULT_INJECTION_DEBUG_FS"
	put $FAILSLAB/ignore-gfp-wait N
	put $FAILSLAB/verbose 0
}

# all_have_failed REFUSED LAST: allocation LAST was the first that was not made, and of those before
# it REFUSED led to a refusal
all_have_failed() {
	(($2 <= MAX)) || fail "more than $MAX allocations"
	(($1)) || fail "no allocation was made to fail"
	note "$1 allocations led to a refusal, $(($2 - $1 - 1)) to nothing, $2 was never made"
}

# attempted HOW CHECK PATCH: what there is to see after it was "loaded", which it does not stay, or
# "refused"
attempted() {
	if [[ $1 == loaded ]]; then
		until_true "$3 to be enabled" settled "$3"
		$2 patched
		disable "$3"
		unload "$3"
	else
		no_trace "$3"
	fi
	$2 unpatched
	at_rest
}

# sweep CHECK PATCH PARAMETER...: CHECK is called after each refusal and after each success
sweep() {
	local check=$1 module=$2 n out refused=0

	shift 2
	fail_allocations
	for ((n = 1; n <= MAX; n++)); do
		log_clear
		if out=$(insmod "$MODULES/$module.ko" "$@" fail_nth=$n 2>&1); then
			# An allocation that can be done without, or none left to fail.
			attempted loaded "$check" "$module"
		else
			[[ "$out" == *": Cannot allocate memory" ]] || fail "allocation $n: $out"
			refused=$((refused + 1))
			attempted refused "$check" "$module"
		fi
		grep -q "fail_nth unused" /proc/klpt/log && break
	done
	all_have_failed "$refused" "$n"
}

plain() {
	if [[ $1 == patched ]]; then
		returns value 1
		returns other 1
		is "$(cat /proc/cmdline)" klpt_p1 "/proc/cmdline"
	else
		returns value 0
		returns other 0
		is "$(cat /proc/cmdline)" "$cmdline" "/proc/cmdline"
		unhooked klpt_value
		unhooked klpt_other
		unhooked cmdline_proc_show
	fi
}

enabling() {
	sweep plain klpt_p1 callbacks=1 "spec=$THREE"
}

stacked() {
	if [[ $1 == patched ]]; then
		returns value 1
		returns other 1
	else
		returns value 2
		returns other 0
		is "$(cat $LP/klpt_p2/enabled)" 1 "enabled of the patch below"
	fi
}

on_top() {
	patch klpt_p2 spec=klpt_target:klpt_value
	sweep stacked klpt_p1 spec=klpt_target:klpt_value,klpt_other
}

# Not called after a success: the patch is replaced then.
replaced() {
	if [[ $1 == patched ]]; then
		returns value 1
		returns third 0
		extra_returns value 0
	else
		[[ -d $LP/klpt_p2 ]] || patch_to_replace
		returns value 2
		returns third 2
		extra_returns value 2
		is "$(cat $LP/klpt_p2/enabled)" 1 "enabled of the old patch"
	fi
}

patch_to_replace() {
	[[ -e /sys/module/klpt_p2 ]] && unload klpt_p2
	patch klpt_p2 'spec=klpt_target:klpt_value,klpt_third;klpt_extra:klpt_value'
}

replacing() {
	load klpt_extra
	patch_to_replace
	sweep replaced klpt_p1 spec=klpt_target:klpt_value replace=1
}

# calls PATCH CALLBACK STATE: how many in the log
calls() {
	grep -c "^$1 $2 $3 " /proc/klpt/log
}

# State 1 is handed over, 2 goes and 3 comes, with shadow variables each. Whatever has run on the
# way to a refusal has been taken back.
handed_over() {
	if [[ $1 == patched ]]; then
		returns value 4
		return
	fi
	is "$(calls klpt_s4 'pre_u*n*patch' 3)" "$(calls klpt_s4 'post_u*n*patch' 3)" \
		"calls for state 3"
	is "$(calls klpt_s3 'pre_u*n*patch' 2)" "$(calls klpt_s3 'post_u*n*patch' 2)" \
		"calls for state 2"
	[[ -d $LP/klpt_s3 ]] || patch_with_states
	returns value 3
	is "$(cat /sys/module/klpt_s3/parameters/data)" "1:301 2:302 " "data of the states"
	is "$(grep -c " 1 " /sys/kernel/debug/livepatch/shadow)" 1 \
		"lines about ids with one shadow variable"
}

patch_with_states() {
	[[ -e /sys/module/klpt_s3 ]] && unload klpt_s3
	patch klpt_s3 states=1,2 rows=1,2:602 variables=1
}

states() {
	patch_with_states
	sweep handed_over klpt_s4 states=1,3 rows=1,3:603 replace=1
}

# The same for a module that comes: from the pre_patch callback of the first patch to the post_patch
# callback of the second one.
coming() {
	local n out refused=0

	fail_allocations
	patch klpt_p1 spec=klpt_extra:klpt_value,klpt_other,+klpt_dup@2 callbacks=1
	patch klpt_p2 spec=klpt_extra:klpt_value,klpt_third callbacks=1 coming_end=1
	for ((n = 1; n <= MAX; n++)); do
		log_clear
		put /sys/module/klpt_p1/parameters/coming_nth $n
		if out=$(insmod "$MODULES/klpt_extra.ko" 2>&1); then
			extra_returns value 2 "allocation $n"
			extra_returns other 1 "allocation $n"
			extra_returns third 2 "allocation $n"
			rmmod klpt_extra
		else
			[[ "$out" == *": Cannot allocate memory" ]] || fail "allocation $n: $out"
			[[ ! -e /sys/module/klpt_extra ]] || fail "klpt_extra was left behind"
			refused=$((refused + 1))
		fi
		is "$(cat $LP/klpt_p1/klpt_extra/patched)$(cat $LP/klpt_p2/klpt_extra/patched)" 00 \
			"patched, allocation $n"
		unhooked klpt_value
		grep -q "coming_nth unused" /proc/klpt/log && break
	done
	all_have_failed "$refused" "$n"
	put /sys/module/klpt_p1/parameters/coming_nth 0
	load klpt_extra
	extra_returns value 2
}

# write_failing N FILE VALUE: allocation N of the write fails; how many are missing to N into $REPLY
write_failing() {
	local file nth left ret=0

	exec {file}> "$2" {nth}> /proc/self/fail-nth
	exec {left}< /proc/self/fail-nth
	{
		echo "$1" >&"$nth"
		echo "$3" >&"$file" || ret=1
		read -r REPLY <&"$left"
		echo 0 >&"$nth"
	} 2> "$tmp/error"
	exec {file}>&- {nth}>&- {left}<&-
	return $ret
}

# sweep_write CHECK FILE VALUE: "CHECK before" before each write and after each refusal, "CHECK
# after" when it was done
sweep_write() {
	local check=$1 n left refused=0

	fail_allocations
	for ((n = 1; n <= MAX; n++)); do
		$check before
		if write_failing $n "$2" "$3"; then
			left=$REPLY
			$check after
			at_rest
			((left == 0)) || break
		else
			matches "$(cat "$tmp/error")" "write error: Cannot allocate memory$" \
				"allocation $n"
			refused=$((refused + 1))
		fi
	done
	all_have_failed "$refused" "$n"
}

# failing_call N COMMAND...: call N fails; its name is in $REPLY, if there were as many
failing_call() {
	local ret=0

	put $FAIL/nth "$1"
	"${@:2}" 2> "$tmp/error" || ret=1
	put $FAIL/nth 0
	get $FAIL/failed
	return $ret
}

# tally WORD...: each once, with how many there are
tally() {
	printf '%s\n' "$@" | sort | uniq -c | awk '{ printf "%s%s %s", sep, $1, $2; sep = ", " }'
}

# calls_have_failed LAST REFUSED WITHOUT: as all_have_failed, with the names of those that led to a
# refusal and of those that did not
calls_have_failed() {
	(($1 <= MAX)) || fail "more than $MAX calls"
	[[ -n $2 ]] || fail "no call was made to fail"
	# shellcheck disable=SC2086 # lists of names
	{
		note "$(($1 - 1)) calls; refused: $(tally $2)"
		note "done without: $(tally $3)"
	}
}

# twice SWEEP WORD...: once where each works again, once where what has failed stays so
twice() {
	"$@"
	put $FAIL/stays 1
	"$@"
}

# call_by_call MODULE PARAMETER... -- CHECK...: its insertion, call $n failing; after each, "CHECK
# loaded" or "CHECK refused"
call_by_call() {
	local insmod=() n name refused="" without=""

	while [[ $1 != -- ]]; do
		insmod+=("$1")
		shift
	done
	shift
	for ((n = 1; n <= MAX; n++)); do
		if failing_call $n insmod "$MODULES/${insmod[0]}.ko" "${insmod[@]:1}"; then
			name=$REPLY
			without+=${name:+ $name}
			"$1" loaded "${@:2}"
		else
			name=$REPLY
			refused+=" $name"
			"$1" refused "${@:2}"
		fi
		[[ -n $name ]] || break
	done
	calls_have_failed "$n" "$refused" "$without"
}

# sweep_calls CHECK PATCH PARAMETER...: as sweep, for calls
sweep_calls() {
	call_by_call "${@:2}" -- attempted "$1" "$2"
}

enabling_calls() {
	load klpt_fail fails=$CALLS
	twice sweep_calls plain klpt_p1 "spec=$THREE"
}

replacing_calls() {
	load klpt_extra
	load klpt_fail fails=$CALLS
	patch_to_replace
	sweep_calls replaced klpt_p1 spec=klpt_target:klpt_value replace=1
}

states_calls() {
	load klpt_fail fails=$CALLS
	patch_with_states
	sweep_calls handed_over klpt_s4 states=1,3 rows=1,3:603 replace=1
}

extra_attempted() {
	if [[ $1 == loaded ]]; then
		extra_returns value 2 "call $n"
		extra_returns other 1 "call $n"
		extra_returns third 2 "call $n"
		rmmod klpt_extra
	else
		[[ ! -e /sys/module/klpt_extra ]] || fail "klpt_extra was left behind"
	fi
	is "$(cat $LP/klpt_p1/klpt_extra/patched)$(cat $LP/klpt_p2/klpt_extra/patched)" 00 \
		"patched, call $n"
	unhooked klpt_value
}

coming_calls() {
	load klpt_fail fails=$CALLS within=klp_module_coming
	patch klpt_p1 spec=klpt_extra:klpt_value,klpt_other,+klpt_dup@2
	patch klpt_p2 spec=klpt_extra:klpt_value,klpt_third
	twice call_by_call klpt_extra -- extra_attempted
	load klpt_extra
	extra_returns value 2
}

relocated() {
	if [[ $1 == loaded ]]; then
		until_true "klpt_reloc to be enabled" settled klpt_reloc
		returns value 42 "call $n"
		is "$(cat /proc/cmdline)" "relocated $cmdline" "/proc/cmdline, call $n"
		remove klpt_reloc
	else
		no_trace klpt_reloc
	fi
	plain unpatched
}

# Those of the loader of modules, of livepatch when that asks it to, and of klp_enable_patch().
relocation_calls() {
	load klpt_fail within=load_module \
		fails=apply_relocate_add:-8,kallsyms_on_each_match_symbol:0
	call_by_call klpt_reloc_good -- relocated
}

# is_patch ENABLED TRANSITION: what sysfs says of klpt_p1
is_patch() {
	is "$(cat $LP/klpt_p1/enabled) $(cat $LP/klpt_p1/transition)" "$1 $2" \
		"enabled and transition"
}

# has_left PATCH: the only one there was
has_left() {
	until_true "$1 to be disabled" gone "$LP/$1"
	returns value 0
	unload "$1"
}

# When that is refused, the patch stays, whatever becomes of others.
disabled() {
	if [[ $1 == after ]]; then
		until_true "klpt_p1 to be disabled" gone $LP/klpt_p1
		remove klpt_p2
		plain unpatched
		unload klpt_p1
		return
	fi
	[[ -d $LP/klpt_p1 ]] || patch klpt_p1 callbacks=1 \
		'spec=vmlinux:cmdline_proc_show;klpt_target:klpt_value,klpt_other,+klpt_third'
	[[ ! -d $LP/klpt_p2 ]] || remove klpt_p2
	is_patch 1 0
	plain patched
	at_rest
	patch klpt_p2 spec=klpt_target:klpt_third
}

disabling() {
	sweep_write disabled $LP/klpt_p1/enabled 0
}

states_disabled() {
	if [[ $1 == after ]]; then
		has_left klpt_s3
		return
	fi
	[[ -d $LP/klpt_s3 ]] || patch_with_states
	returns value 3
	is "$(cat /sys/module/klpt_s3/parameters/data)" "1:301 2:302 " \
		"data of the states"
}

disabling_states() {
	sweep_write states_disabled $LP/klpt_s3/enabled 0
}

# A task sleeps in the function that comes.
not_patched() {
	if [[ $1 == after ]]; then
		has_left klpt_p1
		return
	fi
	if [[ ! -d $LP/klpt_p1 ]]; then
		is_waiting 1 1 || asleep sleep 1
		load klpt_p1 callbacks=1 spec=klpt_target:klpt_value,klpt_sleep
	fi
	only_left klpt_p1 1 "$pid"
	is_patch 1 1
	returns value 1
}

turning_back() {
	sweep_write not_patched $LP/klpt_p1/enabled 0
	is_waiting 1 1 || fail "the sleeper was woken up"
}

# Task $pid has to leave the kernel, which it has not done.
one_is_left() {
	load klpt_p1 leave_kernel=1 spec=klpt_target:klpt_value,klpt_sleep
	only_left klpt_p1 1 "$pid"
}

# Who was asked before turning back was refused still changes over. It is the last refusal there is.
asked_before() {
	local n

	fail_allocations
	(echo "sleep 1" > $TARGET/call; sleep 1000) &
	pid=$!
	disown "$pid"
	echo "$pid" >> "$tmp/pids"
	until_true "the task to fall asleep" is_waiting 1 1
	one_is_left
	for ((n = 1; n <= MAX; n++)); do
		! write_failing $n $LP/klpt_p1/enabled 0 || break
	done
	((n > 1 && n <= MAX)) || fail "$n allocations"
	has_left klpt_p1
	one_is_left
	! write_failing $((n - 1)) $LP/klpt_p1/enabled 0 || fail "turning back was not refused"
	wake 1
	until_true "the transition to end" settled klpt_p1
	returns value 1
}

# A task sleeps in the function that goes.
patched_again() {
	if [[ $1 == after ]]; then
		until_true "klpt_p1 to be enabled" settled klpt_p1
		returns value 1
		return
	fi
	if [[ ! -d $LP/klpt_p1 ]]; then
		patch klpt_p1 callbacks=1 spec=klpt_target:klpt_value,klpt_sleep
		asleep sleep 1
	fi
	has $LP/klpt_p1/transition 1 || put $LP/klpt_p1/enabled 0
	only_left klpt_p1 0 "$pid"
	is_patch 0 1
	returns value 0
}

turning_forth() {
	sweep_write patched_again $LP/klpt_p1/enabled 1
	is_waiting 1 1 || fail "the sleeper was woken up"
}

shadows() {
	fail_allocations
	if ! insmod "$MODULES/klpt_shadow.ko" what=no_memory; then
		kernel_log | grep klpt_shadow: | sed 's/^/# /'
		fail "shadow variables do not do without memory"
	fi
	rmmod klpt_shadow
	note "$(kernel_log | grep -o 'klpt_shadow: .* led to .*')"
}

cmdline=$(cat /proc/cmdline)

it enabling "enabling a patch of vmlinux, a module and a module that is not there"
it on_top "enabling a patch on top of another"
it replacing "replacing a patch that has more functions and objects"
it states "replacing a patch with states that carry behaviour"
it coming "a module comes that two patches change"
it disabling "disabling a patch of vmlinux and a module"
it disabling_states "disabling a patch with states that carry behaviour"
it turning_back "turning back while a patch is being enabled"
it asked_before "turning back is refused, and tasks go on to change over"
it turning_forth "turning back while a patch is being disabled"
it enabling_calls "enabling it, calls out of the core"
it replacing_calls "replacing a patch, calls out of the core"
it states_calls "replacing a patch with states, calls out of the core"
it coming_calls "a module comes, calls out of the core"
it relocation_calls "loading a patch with relocations, calls out of the core"
it shadows "shadow variables, and the table that they are found by"
klpt_main
