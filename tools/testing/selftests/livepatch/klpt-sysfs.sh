#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Does /sys/kernel/livepatch show what is patched, and does it refuse what makes no sense?

. "$(dirname "$0")/klpt.sh"

tree() {
	(cd "$LP/$1" && find . | LC_ALL=C sort | tr '\n' ' ')
}

# modes_are FOLDER "MODE FILE"...: of all files that there are
modes_are() {
	local found

	found=$(cd "$1" && find . -type f -printf '%m %P\n' | LC_ALL=C sort -k 2)
	is "$found" "$(printf '%s\n' "${@:2}")" "files below $1"
}

the_tree() {
	local file

	local spec='vmlinux:cmdline_proc_show;klpt_target:klpt_value,klpt_dup@2'

	spec+=';klpt_extra:klpt_other'
	patch klpt_p1 "spec=$spec"
	for file in . ./enabled ./transition ./force ./replace ./replace_set \
		    ./leave_kernel ./stack_order \
		    ./vmlinux ./vmlinux/patched ./vmlinux/cmdline_proc_show,1 \
		    ./klpt_target ./klpt_target/patched ./klpt_target/klpt_value,1 \
		    ./klpt_target/klpt_dup,2 ./klpt_extra ./klpt_extra/patched \
		    ./klpt_extra/klpt_other,1
	do
		[[ " $(tree klpt_p1)" == *" $file "* ]] || fail "no $file in $(tree klpt_p1)"
	done
	is "$(cat $LP/klpt_p1/enabled)" 1 enabled
	is "$(cat $LP/klpt_p1/transition)" 0 transition
	is "$(cat $LP/klpt_p1/replace)" 0 replace
	is "$(cat $LP/klpt_p1/stack_order)" 1 stack_order
	is "$(cat $LP/klpt_p1/vmlinux/patched)" 1 "vmlinux/patched"
	is "$(cat $LP/klpt_p1/klpt_target/patched)" 1 "klpt_target/patched"
	is "$(cat $LP/klpt_p1/klpt_extra/patched)" 0 "klpt_extra/patched without the module"
	load klpt_extra
	is "$(cat $LP/klpt_p1/klpt_extra/patched)" 1 "klpt_extra/patched with the module"
	rmmod klpt_extra
	is "$(cat $LP/klpt_p1/klpt_extra/patched)" 0 "klpt_extra/patched, the module gone"
	disable klpt_p1
	[[ -d /sys/module/klpt_p1 ]] || fail "the module went with the patch"
}

modes() {
	patch klpt_p1 spec=vmlinux:cmdline_proc_show
	modes_are $LP/klpt_p1 "644 enabled" "200 force" "444 forced" "444 leave_kernel" \
		"444 pending" "444 replace" "444 replace_set" "444 stack_order" \
		"444 transition" "444 vmlinux/patched"
	modes_are $DEBUG "400 blockers" "600 hits" "400 shadow" "400 statistics"
	is "$(stat -c %a /sys/kernel/debug)" 700 "mode of debugfs"
	if [[ -e $TRAMPOLINE ]]; then
		modes_are $PARAMS "644 signal_after" "644 stall_warning" "644 trampoline"
	else
		modes_are $PARAMS "644 signal_after" "644 stall_warning"
	fi
	is "$(stat -c %a /proc/self/patch_state)" 400 "mode of patch_state"
}

not_for_everybody() {
	local out

	patch klpt_p1 spec=klpt_target:klpt_value
	out=$(as_nobody bash -c "echo 0 > $LP/klpt_p1/enabled" 2>&1) &&
		fail "a user without privileges may disable a patch"
	matches "$out" "Permission denied" "error for a user without privileges"
	out=$(as_nobody bash -c "echo 1 > $LP/klpt_p1/force" 2>&1) &&
		fail "a user without privileges may force a patch"
	matches "$out" "Permission denied" "error for a user without privileges"
	returns value 1
}

# like FUNCTION [MODULE]: a pattern for what is less than 4 GiB from it, into $REPLY
like() {
	REPLY=$(address_of "$@")
	matches "$REPLY" "^0x[0-9a-f]{16}\$" "address of $1()"
	printf -v REPLY '%x[0-9a-f]{8}' "${REPLY:0:10}"
	[[ $REPLY != 0\[* ]] || fail "code is where any number may be: $1() at $(address_of "$@")"
}

# Where the kernel is in memory is nobody's business. What everybody may read, and what is logged.
no_addresses() {
	local address seen file

	like cmdline_proc_show
	address=$REPLY
	like klpt_value klpt_target
	address+="|$REPLY"
	grep -qEi -e "$address" <<< "$(address_of klpt_other klpt_target)" ||
		fail "the pattern $address finds no address"
	patch klpt_p1 "spec=vmlinux:cmdline_proc_show;klpt_target:klpt_value,klpt_dup@2"
	refused klpt_p2 "Invalid parameters" spec=klpt_target:klpt_value@7
	asleep sleep 1
	load klpt_p3 spec=klpt_target:klpt_sleep
	only_left klpt_p3 1 "$pid"
	seen=$(as_nobody bash -c "find $LP;
		find $LP $PARAMS -type f -readable -exec head -v {} +" 2> /dev/null)
	for file in klpt_p1/enabled klpt_p3/transition parameters/trampoline; do
		[[ $seen == *"/$file <=="* ]] || fail "$file was not read"
	done
	! grep -Ei -e "$address" <<< "$seen" || fail "an address is shown to everybody"
	! kernel_log | grep 'livepatch: ' | grep -Ei -e "$address" || fail "an address is logged"
	wake 1
	until_true "klpt_p3 to be enabled" settled klpt_p3
}

read_only_files() {
	local file

	patch klpt_p1 spec=vmlinux:cmdline_proc_show
	for file in transition replace replace_set stack_order vmlinux/patched; do
		put_fails $LP/klpt_p1/$file 1 "Permission denied"
	done
	! cat $LP/klpt_p1/force 2>/dev/null || fail "force can be read"
}

values_refused() {
	local value

	patch klpt_p1 spec=klpt_target:klpt_value
	for value in 2 -1 x "" 17; do
		put_fails $LP/klpt_p1/enabled "$value" "Invalid argument"
		put_fails $LP/klpt_p1/force "$value" "Invalid argument"
	done
	put_fails $LP/klpt_p1/enabled 1 "Invalid argument"
	put_fails $LP/klpt_p1/force 1 "Invalid argument"
	put $LP/klpt_p1/force 0
	returns value 1 "after all that"
	is "$(cat $LP/klpt_p1/enabled)" 1 enabled
}

# The wording of the file counts, not only 0 and 1.
boolean_words() {
	patch klpt_p1 spec=klpt_target:klpt_value
	put $LP/klpt_p1/enabled n
	until_true "the patch to be disabled" gone $LP/klpt_p1
}

enable_disabled() {
	# Disabled means gone, once a blocked transition has ended.
	patch klpt_p1 spec=klpt_target:klpt_sleep
	asleep sleep 1
	put $LP/klpt_p1/enabled 0
	is "$(cat $LP/klpt_p1/enabled)" 0 "enabled while being disabled"
	put_fails $LP/klpt_p1/enabled 0 "Invalid argument"
	wake 1
	until_true "the patch to be disabled" gone $LP/klpt_p1
}

busy() {
	patch klpt_p1 spec=klpt_target:klpt_value
	asleep sleep 1
	load klpt_p2 spec=klpt_target:klpt_sleep
	only_left klpt_p2 1 "$pid"
	put_fails $LP/klpt_p1/enabled 0 "Device or resource busy"
	put_fails $LP/klpt_p1/force 1 "Invalid argument"
	refused klpt_p3 "Device or resource busy" spec=klpt_target:klpt_other
	is "$(cat $LP/klpt_p1/enabled)" 1 "enabled of the patch that was not disabled"
	is "$(cat $LP/klpt_p2/transition)" 1 "transition of the patch that waits"
	is "$(cat $LP/klpt_p1/transition)" 0 "transition of the other patch"
	returns value 1
	wake 1
	until_true "klpt_p2 to be enabled" settled klpt_p2
	disable klpt_p1
	returns value 0
}

order() {
	local i

	for i in 1 2 3 4; do
		patch "klpt_p$i" spec=klpt_target:klpt_value
	done
	for i in 1 2 3 4; do
		is "$(cat $LP/klpt_p$i/stack_order)" $i "stack_order of klpt_p$i"
	done
	disable klpt_p2
	is "$(cat $LP/klpt_p1/stack_order)" 1 "stack_order of klpt_p1 without klpt_p2"
	is "$(cat $LP/klpt_p3/stack_order)" 2 "stack_order of klpt_p3 without klpt_p2"
	is "$(cat $LP/klpt_p4/stack_order)" 3 "stack_order of klpt_p4 without klpt_p2"
	unload klpt_p2
	patch klpt_p2 spec=klpt_target:klpt_other
	is "$(cat $LP/klpt_p2/stack_order)" 4 "stack_order of klpt_p2, loaded again"
}

replace_flag() {
	patch klpt_p1 spec=klpt_target:klpt_value replace=1
	is "$(cat $LP/klpt_p1/replace)" 1 replace
	is "$(cat $LP/klpt_p1/stack_order)" 1 stack_order
	patch klpt_p2 spec=klpt_target:klpt_value replace=1
	is "$(cat $LP/klpt_p2/stack_order)" 1 "stack_order of the patch that replaced klpt_p1"
}

# Readers of all files while the tree comes and goes: nothing may crash or hang.
readers() {
	local i reader

	(while pause; do cat $LP/*/* $LP/*/*/* > /dev/null; done) 2>/dev/null &
	reader=$!
	echo $reader >> "$tmp/pids"
	for i in 1 2 3; do
		patch klpt_p1 'spec=vmlinux:cmdline_proc_show;klpt_target:klpt_value' replace=1
		patch klpt_p2 spec=klpt_target:klpt_other replace=1
		until_true "klpt_p1 to be replaced" gone $LP/klpt_p1
		unload klpt_p1
		remove klpt_p2
	done
	kill $reader
	returns value 0
}

# sleeps_interruptibly PID: it is cat, and a signal would end it
sleeps_interruptibly() {
	local stat

	read -r stat < "/proc/$1/stat"
	[[ $stat == "$1 (cat) S "* ]]
}

# A callback takes its time, and has the lock that these files need.
waiting_can_be_interrupted() {
	local file reader writer

	patch klpt_p1 spec=klpt_target:klpt_value
	patch klpt_p2 spec=klpt_target:klpt_other callbacks=1 hold=3
	echo 0 > $LP/klpt_p2/enabled &
	writer=$!
	disown $writer
	until_true "the callback to run" is_waiting 3 1
	for file in $LP/klpt_p1/stack_order $DEBUG/{hits,statistics,blockers}; do
		cat "$file" > /dev/null &
		reader=$!
		disown $reader
		until_true "the reader of $file to wait for the lock" sleeps_interruptibly $reader
		kill $reader
		ended $reader
	done
	is_waiting 3 1 || fail "the callback has ended"
	wake 3
	ended $writer
	until_true "klpt_p2 to be disabled" gone $LP/klpt_p2
	is "$(cat $LP/klpt_p1/stack_order)" 1 "stack_order of klpt_p1"
}

it the_tree "there is a directory for the patch, each object and each function"
it modes "each file can be read and written by whom it is meant for, and there is no other"
it not_for_everybody "only the administrator can disable and force"
it no_addresses "no address of the kernel is shown to everybody, or logged"
it read_only_files "files that show something refuse to be written"
it values_refused "values that make no sense are refused"
it boolean_words "enabled understands all that kstrtobool() does"
it enable_disabled "what is being disabled is shown as disabled"
it busy "while a patch is in transition others can neither come nor go"
it order "stack_order counts from the oldest patch"
it replace_flag "replace shows the flag, and a replaced patch does not count in stack_order"
it waiting_can_be_interrupted "who reads a file and has to wait can be interrupted"
it readers "reading everything while patches come and go"
klpt_main
