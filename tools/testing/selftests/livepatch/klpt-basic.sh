#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Does a patch change what the kernel does, and does disabling it change that back?

. "$(dirname "$0")/klpt.sh"

vmlinux_function() {
	local before

	before=$(cat /proc/cmdline)
	patch klpt_p1 spec=vmlinux:cmdline_proc_show
	is "$(cat /proc/cmdline)" klpt_p1 "/proc/cmdline while patched"
	hooked cmdline_proc_show || fail "no handler is attached to cmdline_proc_show()"
	at_rest
	disable klpt_p1
	is "$(cat /proc/cmdline)" "$before" "/proc/cmdline after the patch"
	unhooked cmdline_proc_show
	at_rest
	unload klpt_p1
}

module_functions() {
	returns value 0 "before"
	patch klpt_p1 spec=klpt_target:klpt_value,klpt_other
	returns value 1 "patched"
	returns other 1 "patched"
	returns third 0 "not in the patch"
	remove klpt_p1
	returns value 0 "after"
	returns other 0 "after"
}

two_objects_and_vmlinux() {
	load klpt_extra
	patch klpt_p2 'spec=vmlinux:cmdline_proc_show;klpt_target:klpt_value;klpt_extra:klpt_value'
	is "$(cat /proc/cmdline)" klpt_p2 "/proc/cmdline"
	returns value 2
	extra_returns value 2
	remove klpt_p2
	returns value 0 "after"
	extra_returns value 0 "after"
}

many_arguments() {
	returns args 385 "before"
	patch klpt_p1 spec=klpt_target:klpt_args
	returns args 1385 "patched"
	disable klpt_p1
	returns args 385 "after"
}

comes_back_only_by_loading() {
	patch klpt_p1 spec=klpt_target:klpt_value
	disable klpt_p1
	gone $LP/klpt_p1 || fail "a disabled patch is still in sysfs"
	returns value 0 "disabled"
	unload klpt_p1
	patch klpt_p1 spec=klpt_target:klpt_value
	returns value 1 "loaded again"
}

module_is_pinned() {
	patch klpt_p1 spec=klpt_target:klpt_value
	in_use klpt_p1
	returns value 1
	[[ "$(cat /sys/module/klpt_p1/refcnt)" == 1 ]] || fail "the patch should hold one reference"
	disable klpt_p1
	until_true "the reference to be dropped" unused klpt_p1
	unload klpt_p1
}

many_times() {
	local i

	for i in 1 2 3 4 5 6 7 8 9 10; do
		patch klpt_p1 'spec=vmlinux:cmdline_proc_show;klpt_target:klpt_value'
		returns value 1 "round $i"
		remove klpt_p1
		returns value 0 "round $i"
	done
}

messages() {
	patch klpt_p1 spec=klpt_target:klpt_value
	remove klpt_p1
	message "livepatch: enabling patch 'klpt_p1'\$"
	message "livepatch: 'klpt_p1': patching complete\$"
	message "livepatch: 'klpt_p1': unpatching complete\$"
}

taint() {
	local tainted

	patch klpt_p1 spec=klpt_target:klpt_value
	tainted=$(cat /proc/sys/kernel/tainted)
	((tainted & 1 << 15)) || fail "the kernel is not tainted as patched ($tainted)"
	matches "$(cat /sys/module/klpt_p1/taint)" K "taint of the module"
}

empty_patch_object() {
	# A static object without functions is legal: it is there for its callbacks.
	patch klpt_p1 'spec=klpt_target:' callbacks=1
	returns value 0
	remove klpt_p1
	log_is 'klpt_p1 pre_patch klpt_target live
klpt_p1 post_patch klpt_target live
klpt_p1 pre_unpatch klpt_target live
klpt_p1 post_unpatch klpt_target live
klpt_p1 exit' /init/d
}

it vmlinux_function "a function of vmlinux is replaced and comes back"
it module_functions "functions of a module are replaced and come back"
it two_objects_and_vmlinux "one patch changes vmlinux and two modules"
it many_arguments "a function with ten arguments gets all of them"
it comes_back_only_by_loading "a disabled patch comes back by loading it again"
it module_is_pinned "the module stays as long as its patch is enabled"
it many_times "a patch comes and goes ten times"
it messages "the kernel log tells about it"
it taint "the kernel and the module are tainted"
it empty_patch_object "an object without functions is there for its callbacks"
klpt_main
