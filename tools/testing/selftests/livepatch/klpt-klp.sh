#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Does the userland tool klp do what it says, and say what it does?
#
# Where a kernel does not show something, for instance that of 6.12 as it is, the test wants klp to
# say so. Output that is JSON goes through jq, which takes nothing that is not.

. "$(dirname "$0")/klpt.sh"

BRIEF="list_and_show load_and_unload who_blocks"

# klp STATUS ARGUMENT...: the command has to end with this status. Its output is in $said, errors
# and hints in $errors.
klp() {
	local want=$1 got

	shift
	command klp "$@" > "$tmp/said" 2> "$tmp/errors" < /dev/null
	got=$?
	said=$(< "$tmp/said")
	errors=$(< "$tmp/errors")
	((got == want)) || fail "klp $*: status $got, expected $want: $said $errors"
}

# json FILTER WANTED: of one document in $said
json() {
	local got

	got=$(jq -es 'if length == 1 then .[0] else error("too many") end' <<< "$said") ||
		fail "not a JSON document: $said"
	got=$(jq -c "$1" <<< "$got") || fail "jq $1 of $said"
	is "$got" "$2" "$1 of $said"
}

# says PATTERN, complains PATTERN: a line of the output, or of the errors, is like that
says() {
	grep -Eq -e "$1" <<< "$said" || fail "expected a line like '$1', got: $said"
}

complains() {
	grep -Eq -e "$1" <<< "$errors" || fail "expected an error like '$1', got: $errors"
}

# Each error comes with what to do next.
advises() {
	complains "^klp:   .*$1"
}

# A kernel of our own shows who is waited for.
tells() {
	[[ -e /sys/kernel/debug/livepatch/blockers ]]
}

# blocked PATCH: its transition waits for task $pid, asleep in klpt_sleep()
blocked() {
	asleep sleep 1
	klp 0 load --no-wait "$MODULES/$1.ko" spec=klpt_target:klpt_value,klpt_sleep
	only_left "$1" 1 "$pid"
}

nothing_there() {
	klp 0 list
	is "$said" "no livepatches" "list"
	klp 0 list --json
	json . '{"patches":[]}'
	klp 0 blockers
	is "$said" "no transition" "blockers"
	klp 0 blockers --json
	json '[.patch, .pending, .blockers]' '[null,0,[]]'
	klp 0 wait
	is "$said" "no transition" "wait"
	klp 0 wait --json
	json .result '"none"'
	klp 0 signal
	is "$said" "no transition" "signal"
	klp 1 show klpt_p1
	complains "patch klpt_p1: .* does not exist"
	advises "klp list"
	klp 1 wait klpt_p1
	klp 1 disable klpt_p1
	klp 1 unload klpt_p1
	complains "klpt_p1: there is neither a patch nor a module"
	klp 1 reverse
	complains "no patch is in transition"
	klp 1 force --yes
	klp 1 disable ../../module
	complains "does not exist"
}

usage() {
	local args

	for args in "" nonsense "show" "show a b" "list extra" "list --timeout 3" \
		    "wait --timeout x" "wait --timeout -1" "wait --timeout nan" "list --nonsense" \
		    load "load --all a b" "load --revert x.ko" rollback
	do
		# shellcheck disable=SC2086 # several arguments
		klp 2 $args
		[[ -n $errors && -z $said ]] || fail "klp $args: says '$said', errors '$errors'"
	done
	klp 0 --help
	says '^  blockers '
	klp 0 load --help
	says '--revert'
	klp 0 --version
	says '^klp [0-9]'
	command klp list > /dev/full 2> "$tmp/errors"
	is $? 1 "status when the output cannot be written"
}

list_and_show() {
	local order=1 set=0 replace=false pending=0
	local target='"klpt_target",true,["klpt_dup",2,"klpt_value",1]'
	local vmlinux='"vmlinux",true,["cmdline_proc_show",1]'

	klp 0 load "$MODULES/klpt_p1.ko" \
		"spec=vmlinux:cmdline_proc_show;klpt_target:klpt_value,klpt_dup@2"
	klp 0 load "$MODULES/klpt_p2.ko" spec=klpt_extra:klpt_value
	[[ -e $LP/klpt_p1/stack_order ]] || order=null
	[[ -e $LP/klpt_p1/replace_set ]] || set=null
	[[ -e $LP/klpt_p1/replace ]] || replace=null

	klp 0 list
	says '^ORDER +PATCH +STATE '
	says "^(1|-) +klpt_p1 +enabled +[0-]  .* 3  klpt_target vmlinux\$"
	says "^(2|-) +klpt_p2 +enabled .* 1  klpt_extra\\(not patched\\)\$"
	[[ $order$set == 10 ]] || says 'this kernel does not show it'
	[[ $said != *$'\033'* ]] || fail "colours in a pipe"

	klp 0 list --json
	json '[.patches[].name]' '["klpt_p1","klpt_p2"]'
	json '.patches[0] | [.state, .enabled, .transition, .replace, .replace_set, .stack_order]' \
		"[\"enabled\",true,false,$replace,$set,$order]"
	json '[.patches[0].objects[] | .name, .patched, [.functions[] | .name, .sympos]]' \
		"[$target,$vmlinux]"
	json '.patches[1].objects[0].patched' false

	klp 0 show klpt_p1
	says '^state: +enabled$'
	says '^object klpt_target: patched, 2 functions$'
	says '^  klpt_dup \(number 2 of this name\)$'
	klp 0 show --json klpt_p1.ko
	json '[.name, .state, .pending]' "[\"klpt_p1\",\"enabled\",$pending]"
	if [[ -e /sys/kernel/debug/livepatch/statistics ]]; then
		json '.statistics.target' '"patched"'
		json '.statistics.rounds | type' '"number"'
	else
		json .statistics null
	fi

	disable klpt_p2
	klp 0 list --json
	json '[.patches[] | .name, .state]' '["klpt_p1","enabled","klpt_p2","inactive"]'
	klp 1 show klpt_p2
	advises "klp unload klpt_p2"
}

load_and_unload() {
	klp 0 load "$MODULES/klpt_p1.ko" spec=klpt_target:klpt_value
	says 'klpt_p1\.ko: patch klpt_p1, not signed$'
	says '^klpt_p1: patched after [0-9.]+ s$'
	returns value 1
	klp 0 disable klpt_p1
	says '^klpt_p1: unpatched after [0-9.]+ s$'
	gone $LP/klpt_p1 || fail "disable came back too early"
	returns value 0
	klp 0 unload klpt_p1
	says '^klpt_p1: module removed$'
	no_trace klpt_p1

	klp 0 load "$MODULES/klpt_p1.ko" spec=klpt_target:klpt_value
	klp 0 unload klpt_p1
	no_trace klpt_p1
	returns value 0

	klp 1 unload klpt_target
	complains "module klpt_target is no livepatch"
	[[ -e /sys/module/klpt_target ]] || fail "klp removed a module that is no livepatch"
}

# broken FILE PATTERN ADVICE
broken() {
	klp 1 load "$1"
	complains "$2"
	[[ $errors == *"$1"* ]] || fail "the file is not named: $errors"
	advises "$3"
	is "$said" "" "output for $1"
	no_trace klpt_p1
}

# changed FILE OFFSET BYTES: a copy of klpt_p1.ko
changed() {
	cp "$MODULES/klpt_p1.ko" "$1"
	printf '%b' "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

wrong_files() {
	local f=$tmp/klpt_p1.ko release size

	release=$(uname -r)
	broken "$tmp/none.ko" "No such file" "path"
	broken "$tmp" "is no file|Is a directory" "path"
	broken "$PWD/klpt.sh" "is no ELF file" "\.ko"
	broken /bin/bash "no kernel module" "\.ko"
	: > "$f"
	broken "$f" "is no ELF file" "\.ko"
	broken "$MODULES/klpt_extra.ko" "is no livepatch: .*livepatch=Y" "insmod"
	sed "s/vermagic=$release/vermagic=${release//[0-9]/9}/" "$MODULES/klpt_p1.ko" > "$f"
	broken "$f" "built for kernel 9.*this is $release" "this kernel"
	changed "$f" 18 '\x16\x00'
	broken "$f" "another kind of machine" "built for this one"
	changed "$f" 4 '\x01'
	broken "$f" "another kind of machine" "built for this one"
	changed "$f" 0 '\x28\xb5\x2f\xfd'
	broken "$f" "is damaged: zstd cannot unpack it" "once more"
	size=$(stat -c %s "$MODULES/klpt_p1.ko")
	head -c $((size - 3000)) "$MODULES/klpt_p1.ko" > "$f"
	broken "$f" "is damaged" "once more"
	changed "$f" 40 '\xff\xff\xff\xff\xff\xff\xff\xff'
	broken "$f" "is damaged" "once more"

	patch klpt_p1 spec=klpt_target:klpt_value
	klp 1 load "$MODULES/klpt_p1.ko"
	complains "patch klpt_p1 is loaded already"
	advises "klp show klpt_p1"
	# Its module alone is not in the way.
	disable klpt_p1
	klp 0 load "$MODULES/klpt_p1.ko" spec=klpt_target:klpt_value
	says '^klpt_p1: was loaded, but not in force; its module is removed first$'
	returns value 1
}

missing_module() {
	rmmod klpt_target klpt_lib
	klp 1 load "$MODULES/klpt_p1.ko"
	complains "needs module klpt_lib"
	advises "modprobe klpt_lib"
	no_trace klpt_p1
	insmod "$MODULES/klpt_lib.ko"
}

refused_by_the_kernel() {
	klp 1 load "$MODULES/klpt_p1.ko" spec=klpt_target:klpt_nonsense=any
	complains "the kernel refuses patch klpt_p1: "
	complains "kernel: livepatch: .*klpt_nonsense"
	advises "When a patch is refused"
	no_trace klpt_p1
	klp 1 load "$MODULES/klpt_unmarked.ko"
	complains "is no livepatch"
}

# A parameter with spaces arrives as one.
parameters() {
	klp 0 load "$MODULES/klpt_p1.ko" spec=klpt_target:klpt_value "pre_fail=a b" replace=1
	is "$(cat /sys/module/klpt_p1/parameters/pre_fail)" "a b" "parameter pre_fail"
	is "$(cat /sys/module/klpt_p1/parameters/replace)" Y "parameter replace"
	klp 1 load "$MODULES/klpt_p2.ko" spec=klpt_target:klpt_other nonsense=1
	complains "klpt_p2\.ko: module klpt_p2 has no parameter nonsense"
	advises "modinfo"
	no_trace klpt_p2
	klp 2 load spec=klpt_target:klpt_other "$MODULES/klpt_p2.ko"
}

# Each with its own parameters; one that is wrong keeps all of them out.
several() {
	klp 1 load "$MODULES/klpt_p1.ko" spec=klpt_target:klpt_value "$MODULES/klpt_extra.ko"
	complains "is no livepatch"
	no_trace klpt_p1
	klp 0 load "$MODULES/klpt_p1.ko" spec=klpt_target:klpt_value \
		"$MODULES/klpt_p2.ko" spec=klpt_target:klpt_other
	three_values "1 2 0" "with both"
	klp 0 unload --all
	says '^klpt_p1: module removed$'
	is "$(grep -o '^klpt_p.: module' <<< "$said" | paste -sd' ')" \
		"klpt_p2: module klpt_p1: module" "order of unload --all"
	no_trace klpt_p1
	no_trace klpt_p2
	three_values "0 0 0" "after unload --all"
	klp 0 unload --all
	is "$said" "no livepatches" "unload --all of nothing"
	# The kernel refuses the second one: the third is not tried.
	klp 1 load "$MODULES/klpt_p1.ko" spec=klpt_target:klpt_value \
		"$MODULES/klpt_p2.ko" spec=klpt_target:klpt_nonsense=any \
		"$MODULES/klpt_p3.ko" spec=klpt_target:klpt_other
	complains "klpt_p3\.ko: not loaded, for the one before it has failed"
	returns value 1
	no_trace klpt_p3
}

compressed() {
	local pack suffix

	for pack in gzip xz zstd; do
		suffix=$pack
		[[ $pack == gzip ]] && suffix=gz
		[[ $pack == zstd ]] && suffix=zst
		$pack -c "$MODULES/klpt_p1.ko" > "$tmp/klpt_p1.ko.$suffix" || fail "no $pack"
		klp 0 load "$tmp/klpt_p1.ko.$suffix" spec=klpt_target:klpt_value
		returns value 1
		klp 0 unload klpt_p1
	done
}

# with_samples: the sub-test loads patches that are not ours, and none of them outlives it.
with_samples() {
	trap 'command klp unload --all > "$tmp/said" 2>&1
		rm -rf "/var/lib/klp/patches/$(uname -r)"' EXIT
}

# The way of a patch to a boot, without the boot.
installed() {
	local dir

	with_samples
	dir=/var/lib/klp/patches/$(uname -r)
	klp 0 install /samples/livepatch-version1.ko /samples/livepatch-version2.ko
	says "^$dir/livepatch-version1.ko: installed, for kernel $(uname -r)\$"
	klp 0 load --dry-run livepatch_version1
	says 'patch livepatch_version1 can be loaded'
	no_trace livepatch_version1
	klp 0 load livepatch-version1
	klp 0 list --installed
	says 'livepatch_version1 +in force$'
	klp 0 load --all
	says '^livepatch_version2: patched'
	says ': 1 in force, 1 of them loaded now, 1 replaced, 0 failed$'
	klp 0 list --installed
	says 'livepatch_version1 +replaced by livepatch_version2$'
	# Without its module the older one must not come back.
	klp 0 unload livepatch_version1
	klp 0 load --all
	says ': 1 in force, 0 of them loaded now, 1 replaced, 0 failed$'
	no_trace livepatch_version1
	settled livepatch_version2 || fail "livepatch_version2 was replaced by what is older"
	# A module of a patch that is not in force does not count.
	disable livepatch_version2
	klp 0 load --all
	says '^livepatch_version2: patched'
	klp 0 uninstall livepatch_version1 livepatch-version2.ko
	gone "$dir" || fail "$dir is left"
	klp 0 unload --all
}

who_blocks() {
	blocked klpt_p1
	klp 0 blockers
	says '^klpt_p1: on the way to patched.*, 1 task left$'
	says "^ +$pid +$pid [SD]  $COMM +on stack: klpt_sleep"
	says 'klp reverse klpt_p1'
	klp 0 blockers --json
	json '[.patch, .target, .pending]' '["klpt_p1","patched",1]'
	json '[.blockers[] | .tid, .pid, .comm, .verdict]' "[$pid,$pid,\"$COMM\",\"on stack\"]"
	json '.blockers[0].where | startswith("klpt_sleep")' true
	if tells; then
		json '[.source, (.age | type)]' '["kernel","number"]'
	else
		json '[.source, .age]' '["proc",null]'
	fi
	klp 0 show --json klpt_p1
	json '[.state, .pending]' '["enabling",1]'
	klp 0 show klpt_p1
	says '^tasks left: +1$'
	klp 0 list
	says 'klpt_p1 +enabling'
	klp 3 wait --timeout 0.3
	complains "patch klpt_p1: not patched after 0.3 s, 1 task left"
	advises "klp blockers"
	klp 3 wait --timeout 0 --json klpt_p1
	json '[.patch, .result, .pending]' '["klpt_p1","timeout",1]'
	klp 1 disable klpt_p1
	complains "patch klpt_p1 is still being enabled"
	klp 1 load "$MODULES/klpt_p2.ko" spec=klpt_target:klpt_other
	complains "klpt_p2\.ko: patch klpt_p1 is in transition"
	advises "klp reverse klpt_p1"
	no_trace klpt_p2
	command klp wait --json klpt_p1 > "$tmp/waited" &
	wake 1
	wait $! || fail "klp wait failed"
	said=$(< "$tmp/waited")
	json '[.patch, .result, .pending]' '["klpt_p1","patched",0]'
	returns value 1
}

# On the way out it is the new function that is in the way.
who_blocks_disabling() {
	patch klpt_p1 spec=klpt_target:klpt_sleep
	asleep sleep 1
	klp 0 disable --no-wait klpt_p1
	only_left klpt_p1 0 "$pid"
	klp 0 blockers --json
	json '[.patch, .target, .pending]' '["klpt_p1","unpatched",1]'
	json '[.blockers[] | .tid, .verdict]' "[$pid,\"on stack\"]"
	json '.blockers[0].where | contains("[klpt_p1]")' true
	klp 0 list
	says 'klpt_p1 +disabling'
	klp 3 unload --timeout 0.3 klpt_p1
	[[ -e /sys/module/klpt_p1 ]] || fail "the module has been removed"
	wake 1
	klp 0 unload klpt_p1
	no_trace klpt_p1
}

# What anybody may call a task must not get into the terminal.
evil_names() {
	(
		printf 'a) S \033[31m\042\134' > /proc/self/comm
		echo sleep 1 > $TARGET/call
	) &
	pid=$!
	disown $pid
	echo $pid >> "$tmp/pids"
	until_true "the task to fall asleep" is_waiting 1 1
	load klpt_p1 spec=klpt_target:klpt_sleep
	only_left klpt_p1 1 "$pid"
	klp 0 blockers
	says "^ +$pid .* a\\) S .*on stack"
	[[ $said != *$'\033'* ]] || fail "the name of a task got into the terminal"
	klp 0 blockers --json
	json '[.blockers[] | .tid, .verdict]' "[$pid,\"on stack\"]"
	json '.blockers[0].comm' '"a) S \u001b[31m\"\\"'
}

load_timeout() {
	asleep sleep 1
	klp 3 load --timeout 0.5 "$MODULES/klpt_p1.ko" spec=klpt_target:klpt_value,klpt_sleep
	complains "patch klpt_p1: not patched after 0.5 s, 1 task left"
	advises "klp reverse klpt_p1"
	only_left klpt_p1 1 "$pid"
	klp 0 reverse klpt_p1
	says '^klpt_p1: unpatched after '
	gone $LP/klpt_p1 || fail "reverse came back too early"
	is_waiting 1 1 || fail "the sleeper was woken up"
	klp 0 unload klpt_p1
}

load_revert() {
	asleep sleep 1
	klp 3 load --timeout 0.5 --revert "$MODULES/klpt_p1.ko" \
		spec=klpt_target:klpt_value,klpt_sleep
	complains "patch klpt_p1: not patched after 0.5 s, 1 task left"
	advises "patch klpt_p1 is turned back now"
	says "$COMM +on stack: klpt_sleep"
	says '^klpt_p1: reverted, its module is removed$'
	no_trace klpt_p1
	at_rest
	is_waiting 1 1 || fail "the sleeper was woken up"
	returns value 0
	# In time, it stays.
	klp 0 load --timeout 60 --revert "$MODULES/klpt_p1.ko" spec=klpt_target:klpt_value
	returns value 1
}

# waits PID: that klp has begun to wait; it catches SIGHUP, SIGINT and SIGTERM then
waits() {
	grep -q 'SigCgt:.*4003$' "/proc/$1/status"
}

turn_round() {
	local waiter

	patch klpt_p1 spec=klpt_target:klpt_value,klpt_sleep
	asleep sleep 1
	klp 3 disable --timeout 0.3 klpt_p1
	complains "patch klpt_p1: not unpatched after 0.3 s, 1 task left"
	klp 0 reverse
	says '^klpt_p1: patched after '
	settled klpt_p1 || fail "reverse came back too early"
	klp 1 reverse klpt_p1
	complains "patch klpt_p1 is not in transition, it is enabled"
	# Somebody else turns it round while klp waits.
	klp 0 disable --no-wait klpt_p1
	command klp wait > "$tmp/waited" 2>&1 &
	waiter=$!
	until_true "klp to wait" waits $waiter
	klp 0 reverse
	wait $waiter
	is $? 1 "status of klp wait when the patch is turned round"
	errors=$(< "$tmp/waited")
	complains "patch klpt_p1: somebody else has turned it back, it is patched"
}

interrupted() {
	local waiter

	blocked klpt_p1
	command klp wait > "$tmp/said" 2> "$tmp/errors" &
	waiter=$!
	until_true "klp to wait" waits $waiter
	kill -TERM $waiter
	wait $waiter
	is $? 130 "status of klp wait when it is interrupted"
	errors=$(< "$tmp/errors")
	complains "interrupted; the transition of patch klpt_p1 goes on"
	only_left klpt_p1 1 "$pid"
}

# What was to be turned back at the timeout is, too, when klp has to end before.
revert_when_terminated() {
	local loader

	asleep sleep 1
	command klp load --timeout 600 --revert "$MODULES/klpt_p1.ko" \
		spec=klpt_target:klpt_value,klpt_sleep > "$tmp/said" 2> "$tmp/errors" &
	loader=$!
	until_true "klp to wait" waits $loader
	only_left klpt_p1 1 "$pid"
	kill -TERM $loader
	wait $loader
	is $? 130 "status of klp load when it is interrupted"
	errors=$(< "$tmp/errors")
	complains "interrupted; patch klpt_p1 is turned back"
	no_trace klpt_p1
}

# Not as the error number has it, but as the patch.
refused_by_the_patch() {
	klp 1 load "$MODULES/klpt_p1.ko" spec=klpt_target:klpt_value callbacks=1 \
		pre_fail=klpt_target
	complains "kernel: .*callback failed"
	advises "the patch itself refuses"
	no_trace klpt_p1
}

events_for_a_while() {
	[[ -e $TRACING/events/livepatch ]] || return 0
	command klp events 2> "$tmp/errors" | head -n 1 > "$tmp/words" &
	until_true "klp to follow" grep -q following "$tmp/errors"
	klp 0 load "$MODULES/klpt_p1.ko" spec=klpt_target:klpt_value
	until_true "the instance to go" no_instance
	[[ -s $tmp/words ]] || fail "no event"
}

no_instance() {
	! ls -d $TRACING/instances/klp-* > "$tmp/instances" 2>&1
}

rollback() {
	klp 0 load "$MODULES/klpt_p1.ko" spec=klpt_target:klpt_value replace=1
	klp 0 load "$MODULES/klpt_p2.ko" spec=klpt_target:klpt_value,klpt_other replace=1
	# The module of klpt_p1 is still there.
	three_values "2 2 0" "before the rollback"
	klp 1 rollback "$MODULES/klpt_p2.ko"
	complains "patch klpt_p2 is loaded already"
	klp 0 rollback "$MODULES/klpt_p1.ko" spec=klpt_target:klpt_value replace=1
	says '^klpt_p1: patched after '
	says '^klpt_p2: replaced, its module is removed$'
	three_values "1 0 0" "after the rollback"
	no_trace klpt_p2
}

# The kernel takes a moment to let go of a patch that was replaced.
back_at_once() {
	patch klpt_p1 spec=klpt_target:klpt_value replace=1
	patch klpt_p2 spec=klpt_target:klpt_value replace=1
	klp 0 load "$MODULES/klpt_p1.ko" spec=klpt_target:klpt_value replace=1
	says '^klpt_p1: was loaded, but not in force; its module is removed first$'
	returns value 1
	klp 0 list
	[[ $said != *klpt_p2*leaving* ]] || fail "load came back too early: $said"
}

rollback_blocked() {
	patch klpt_p2 spec=klpt_target:klpt_value,klpt_sleep replace=1
	asleep sleep 1
	klp 3 rollback --timeout 0.5 --revert "$MODULES/klpt_p1.ko" \
		spec=klpt_target:klpt_value replace=1
	no_trace klpt_p1
	returns value 2
	settled klpt_p2 || fail "klpt_p2 has not come back"
	wake 1
}

rollback_of_no_cumulative_patch() {
	[[ -e $LP/klpt_p1 ]] && fail "klpt_p1 is there"
	klp 0 load "$MODULES/klpt_p2.ko" spec=klpt_target:klpt_value
	klp 1 rollback "$MODULES/klpt_p1.ko" spec=klpt_target:klpt_value
	complains "patch klpt_p1 is not cumulative"
	advises "klp unload"
	says '^klpt_p1: taken out again$'
	no_trace klpt_p1
	returns value 2
}

nudge() {
	local delay=/sys/module/livepatch/parameters/signal_after before=

	asleep interruptible 1
	load klpt_p1 spec=klpt_target:klpt_interruptible
	only_left klpt_p1 1 "$pid"
	[[ -e $delay ]] && before=$(cat $delay)
	klp 0 signal --timeout "$LIMIT"
	if [[ -e $delay ]]; then
		says '^klpt_p1: the kernel wakes up 1 task$'
		is "$(cat $delay)" "$before" "$delay afterwards"
	else
		says "^ *$pid $COMM +interrupted\$"
	fi
	says '^klpt_p1: 0 tasks left$'
	has $LP/klpt_p1/transition 0 || fail "the transition goes on"
	[[ -d /proc/$pid ]] || fail "the task did not survive"
	until_true "the task to be asleep again" is_waiting 1 1
	wake 1
	ended "$pid"
	log_is "klpt_target interruptible 1" '/ interruptible /!d'
}

nudge_in_vain() {
	local thread

	kthread sleep
	thread=$pid
	until_true "the kthread to fall asleep" is_waiting 6 1
	asleep sleep 1
	load klpt_p1 spec=klpt_target:klpt_sleep
	only_left klpt_p1 1 "$thread" "$pid"
	if [[ -e /sys/module/livepatch/parameters/signal_after ]]; then
		klp 0 signal
		says '^klpt_p1: the kernel wakes up 2 tasks$'
		says '^klpt_p1: 2 tasks left$'
	else
		klp 1 signal --timeout 0.1
		says "^ *$thread .* is a kernel thread"
		says "^ *$pid $COMM +does not react"
		complains "patch klpt_p1: no task could be woken up"
	fi
	only_left klpt_p1 1 "$thread" "$pid"
	is_waiting 1 1 || fail "the sleeper was woken up"
}

forcing() {
	blocked klpt_p1
	klp 5 force
	says "^ +$pid +$pid "
	says 'can never be removed'
	says 'klp reverse klpt_p1'
	complains "patch klpt_p1 was not forced: nobody can be asked"
	advises "klp force --yes klpt_p1"
	only_left klpt_p1 1 "$pid"
	if tells; then
		klp 0 force --yes klpt_p1
		says '^klpt_p1: patched after '
		returns value 1
		is_waiting 1 1 || fail "the sleeper was woken up"
	fi
	wake 1
	ended "$pid"
}

follow_events() {
	local follower second instance

	if [[ ! -e $TRACING/events/livepatch ]]; then
		klp 4 events
		complains "no trace events of livepatch"
		advises "klp wait"
		return
	fi
	# A shell that waits for a background job would not pass SIGINT on.
	command klp events > "$tmp/words" 2> "$tmp/errors" &
	follower=$!
	instance=$TRACING/instances/klp-$follower
	until_true "klp to follow" grep -q following "$tmp/errors"
	[[ -d $instance ]] || fail "no instance $instance"
	command klp events --json > "$tmp/lines" 2> "$tmp/errors2" &
	second=$!
	until_true "klp to follow" grep -q following "$tmp/errors2"
	blocked klpt_p1
	klp 0 reverse
	until_true "the end to be told" grep -q '^[0-9.]* klpt_p1: unpatched after' "$tmp/words"
	until_true "the end to be told" grep -q klp_transition_settle "$tmp/lines"
	kill -TERM $follower $second
	wait $follower
	is $? 0 "status of klp events"
	wait $second
	is $? 0 "status of klp events --json"
	gone "$instance" || fail "$instance was left behind"
	is "$(ls $TRACING/instances)" "" "instances that are left"
	said=$(< "$tmp/words")
	says '^[0-9.]+ klpt_p1: transition begins, on the way to patched$'
	says "^[0-9.]+ task $pid \\($COMM\\) has to stay: on stack.*klpt_sleep"
	says '^[0-9.]+ klpt_p1: turned round, now on the way to unpatched$'
	says '^[0-9.]+ task [0-9]+ \(.*\) is patched now, by '
	! grep -q '?' "$tmp/words" || fail "fields are missing: $(grep '?' "$tmp/words")"
	said=$(jq -s '[.[] | select(.event == "klp_transition_settle")]' "$tmp/lines") ||
		fail "not JSON: $(< "$tmp/lines")"
	json '[.[0].patch, .[0].target, (.[0].duration | type)]' '["klpt_p1","unpatched","number"]'
}

bug_report() {
	local f=$tmp/report

	blocked klpt_p1
	klp 0 report -o "$f"
	is "$(stat -c %a "$f")" 600 "mode of the report"
	said=$(< "$f")
	says '^==== kernel$'
	says "^Linux version $(uname -r) "
	says '^tainted: [0-9]+ [A-Z]*K'
	says '^  klpt_target:klpt_sleep,1$'
	says "^task $pid of process $pid \\($COMM\\), state [SD], on stack\$"
	says '^\[<0>\] klpt_sleep'
	says "^\\[ *[0-9.]+\\] livepatch: 'klpt_p1': starting patching transition\$"
	says '^klpt_target [0-9]+ '
	klp 0 report --json
	json 'keys[:6]' '["blockers","hits","kernel","log","modules","parameters"]'
	json 'keys[6:]' '["patches","shadow","stacks","statistics","transition"]'
	json '.stacks | contains("klpt_sleep")' true
	klp 1 report --output "$tmp/no/such/directory"
	complains "$tmp/no/such/directory: writing the report failed: No such file"
	klp 1 report --output /dev/full
}

boot() {
	local dir=$tmp/patches

	with_samples
	mkdir "$dir"
	klp 0 load --all "$dir"
	says '0 in force, .* 0 failed'
	klp 1 load --all "$dir/none"
	# Without an argument: for this kernel there are none.
	klp 0 load --all
	says "^/var/lib/klp/patches/$(uname -r): 0 in force, .* 0 failed\$"

	ln -s /samples/livepatch-cumulative.ko "$dir/20-cumulative.ko"
	ln -s /samples/livepatch-sample.ko "$dir/10-sample.ko"
	echo nonsense > "$dir/15-nonsense.ko"
	echo nonsense > "$dir/README"
	klp 1 load --all --timeout "$LIMIT" "$dir"
	says 'livepatch_sample is replaced by livepatch_cumulative'
	says '^livepatch_cumulative: patched'
	says "^$dir: 1 in force, 1 of them loaded now, 1 replaced, 1 failed\$"
	complains "15-nonsense\.ko is no ELF file"
	[[ $errors != *README* ]] || fail "README was taken for a module"
	is "$(cat /proc/cmdline)" "this has been live patched again" "/proc/cmdline"
	rm "$dir/15-nonsense.ko"
	klp 0 load --all "$dir"
	says "20-cumulative\.ko: patch livepatch_cumulative is in force\$"
	says "^$dir: 1 in force, 0 of them loaded now, 1 replaced, 0 failed\$"
	# What cannot be loaded is not waited for; the one before it comes instead.
	klp 0 unload livepatch_cumulative
	rm "$dir/20-cumulative.ko"
	echo nonsense > "$dir/20-cumulative.ko"
	klp 1 load --all "$dir"
	says '^livepatch_sample: patched'
	klp 0 unload livepatch-sample
	no_trace livepatch_sample
}

not_for_everybody() {
	local run="as_nobody klp"

	patch klpt_p1 spec=klpt_target:klpt_value
	$run list > "$tmp/said" || fail "a user may not list"
	grep -q 'klpt_p1 *enabled' "$tmp/said" || fail "list shows $(< "$tmp/said")"
	$run disable klpt_p1 > /dev/null 2> "$tmp/errors"
	is $? 1 "status of disable"
	errors=$(< "$tmp/errors")
	complains "patch klpt_p1: writing 0 to $LP/klpt_p1/enabled: Permission denied"
	advises "as root"
	$run load "$MODULES/klpt_p2.ko" > /dev/null 2> "$tmp/errors"
	is $? 1 "status of load"
	errors=$(< "$tmp/errors")
	complains "only root"
	returns value 1
}

### On a terminal

# A server of its own for each terminal: one that is about to exit still takes orders.
terminals=0

term() {
	tmux -f /dev/null -L klpt$terminals "$@"
}

screen() {
	term capture-pane -p -t klpt
}

shows() {
	screen | grep -Eq -e "$1"
}

# on_screen WHAT PATTERN
on_screen() {
	poll shows "$2" || fail "waited $LIMIT s in vain for $1 on the terminal: $(screen)"
}

# typed COMMAND...: in a terminal of 90 columns; what it ends with shows on it
typed() {
	export LC_ALL=C.UTF-8
	term kill-server 2> /dev/null
	terminals=$((terminals + 1))
	term new-session -d -s klpt -x 90 -y 20 "$* ; echo status \$?; cat" ||
		fail "tmux does not start"
	trap 'term kill-server' EXIT
}

progress_bar() {
	local first

	asleep sleep 1
	first=$pid
	asleep sleep 2
	typed klp load --progress "$MODULES/klpt_p1.ko" spec=klpt_target:klpt_value,klpt_sleep
	on_screen "the bar" '^klpt_p1 to patched \[#+-*\] [0-9]+/[0-9]+ tasks, 2 left, [0-9]+ s$'
	on_screen "the first task" "^ +$first +$first [SD]  $COMM +on stack: klpt_sleep"
	on_screen "the second task" "^ +$pid +$pid [SD]  $COMM +on stack: klpt_sleep"
	wake 1
	on_screen "one task less" '\] [0-9]+/[0-9]+ tasks, 1 left, [0-9]+ s$'
	poll eval "! shows '^ +$first '" || fail "the first task is still shown: $(screen)"
	on_screen "time that passes" ', 1 left, [3-9][0-9]* s$|, 1 left, [1-9][0-9]+ s$'
	is "$(screen | grep -c '\[#')" 1 "bars on the screen"
	wake 2
	on_screen "the end" '^status 0$'
	screen > "$tmp/screen"
	grep -Eq '^klpt_p1 to patched \[#+\] ([0-9]+)/\1 tasks, 0 left, ' "$tmp/screen" ||
		fail "the bar is not full: $(screen)"
	grep -Eq '^klpt_p1: patched after ' "$tmp/screen" || fail "no last word: $(screen)"
	! grep -q 'on stack' "$tmp/screen" || fail "tasks are left on the screen: $(screen)"
	returns value 1
}

bar_is_interrupted() {
	blocked klpt_p1
	typed klp wait --progress
	on_screen "the bar" '1 left'
	term send-keys -t klpt C-c
	on_screen "the last word" 'interrupted; the transition of patch klpt_p1 goes on'
	only_left klpt_p1 1 "$pid"
}

colours() {
	patch klpt_p1 spec=klpt_target:klpt_value
	typed klp list
	on_screen "the end" '^status 0$'
	term capture-pane -e -p -t klpt | grep -q $'\033.*enabled' || fail "no colours"
	typed NO_COLOR=1 klp list
	on_screen "the end" '^status 0$'
	! term capture-pane -e -p -t klpt | grep -q $'\033' || fail "colours in spite of NO_COLOR"
}

asked() {
	blocked klpt_p1
	typed klp force
	on_screen "the question" '^Force patch klpt_p1\? \[y/N\] *$'
	term send-keys -t klpt n Enter
	on_screen "the end" '^status 5$'
	only_left klpt_p1 1 "$pid"
	tells || return 0
	typed klp force klpt_p1
	on_screen "the question" '^Force patch klpt_p1\? \[y/N\] *$'
	term send-keys -t klpt y Enter
	on_screen "the end" '^status 0$'
	settled klpt_p1 || fail "the patch was not forced"
	wake 1
	ended "$pid"
}

no_terminal() {
	asleep sleep 1
	load klpt_p1 spec=klpt_target:klpt_value,klpt_sleep
	only_left klpt_p1 1 "$pid"
	klp 3 wait --progress --timeout 0.5
	says '^klpt_p1: 1 of [0-9]+ tasks left after 0 s$'
	says "^ +$pid +$pid [SD]  $COMM +on stack: klpt_sleep"
	is "$(grep -c ' tasks left' <<< "$said")" 1 "lines while nothing changes"
	[[ $said != *$'\033'* && $said != *$'\r'* ]] || fail "control characters in a pipe"
}

if ! command -v klp > /dev/null; then
	skip_all "klp is not installed: make -C tools/livepatch install"
fi
for tool in jq tmux; do
	if ! command -v $tool > /dev/null; then
		skip_all "$tool is not installed"
	fi
done

it nothing_there "without a patch every command says so"
it usage "wrong arguments end with status 2"
it list_and_show "list and show tell what sysfs has"
it load_and_unload "load, disable and unload come back when it is done"
it wrong_files "files that cannot be loaded are refused, with the reason"
it missing_module "a module that is needed is asked for"
it refused_by_the_kernel "the kernel's reason for a refusal is shown"
it parameters "parameters are passed on, if the module has them"
it several "load takes several files, unload --all takes out all"
it compressed "compressed files are loaded"
it installed "patches are installed, loaded by name, replaced, uninstalled"
it who_blocks "a task in the way is named, and wait ends when it has moved"
it who_blocks_disabling "the same on the way out"
it evil_names "names of tasks cannot do any harm"
it load_timeout "load gives up, and reverse takes the patch back"
it load_revert "load --revert leaves nothing behind"
it turn_round "disable gives up, and reverse puts the patch back"
it interrupted "wait can be interrupted"
it rollback "rollback goes back to an older patch and removes the newer"
it back_at_once "what was replaced a moment ago can be loaded"
it rollback_blocked "rollback --revert leaves the newer patch in force"
it rollback_of_no_cumulative_patch "rollback takes nothing but cumulative patches"
it nudge "signal wakes up a task, whose system call goes on"
it nudge_in_vain "signal says whom it cannot wake up"
it forcing "force asks, or wants to be told that it need not"
it revert_when_terminated "load --revert turns back when it is interrupted as well"
it refused_by_the_patch "a patch that refuses itself is not mistaken for a missing permission"
it events_for_a_while "events leaves nothing behind when nobody reads on"
it follow_events "events are told in words and as JSON"
it bug_report "report has all that is known"
it boot "load --all takes a directory, and goes on after a failure"
it not_for_everybody "who is not root may look only"
it no_terminal "--progress without a terminal prints lines"
it progress_bar "--progress draws a bar on a terminal, with those who are in the way"
it bar_is_interrupted "the bar can be interrupted"
it colours "colours on a terminal, unless NO_COLOR is set"
it asked "force asks on a terminal"
klpt_main
