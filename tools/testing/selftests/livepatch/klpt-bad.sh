#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A patch that is wrong: is it refused with a message that names the thing at fault, and is nothing
# left behind?

. "$(dirname "$0")/klpt.sh"

# invalid SPEC PATTERN...: refused with EINVAL; one line of the kernel log has all of the patterns
invalid() {
	refused klpt_p1 "Invalid parameters" "spec=$1"
	shift
	names "$@"
	untouched
}

untouched() {
	returns value 0 "after the refusal"
	returns other 0 "after the refusal"
	unhooked klpt_value
	unhooked cmdline_proc_show
	at_rest
	# It works as soon as it is right.
	patch klpt_p1 spec=klpt_target:klpt_value
	returns value 1
	remove klpt_p1
}

null_patch() {
	refused klpt_p1 "Invalid parameters" spec=klpt_target:klpt_value null=patch
	untouched
}

null_module() {
	refused klpt_p1 "Invalid parameters" spec=klpt_target:klpt_value null=mod
	untouched
}

null_objects() {
	refused klpt_p1 "Invalid parameters" spec=klpt_target:klpt_value null=objs
	names klpt_p1
	untouched
}

null_functions() {
	invalid 'vmlinux:cmdline_proc_show;klpt_target:!' klpt_p1 klpt_target
}

null_function_name() {
	invalid 'klpt_target:klpt_value,0=any' klpt_p1 klpt_target
}

empty_function_name() {
	invalid 'klpt_target:klpt_value,-=any' klpt_p1 klpt_target
}

empty_function_name_in_vmlinux() {
	invalid 'klpt_target:klpt_value;vmlinux:-=any' klpt_p1 vmlinux
}

long_function_name() {
	invalid 'klpt_target:klpt_value,%600=any' klpt_p1 klpt_target
}

empty_object_name() {
	invalid 'klpt_target:klpt_value;-:klpt_value' klpt_p1
}

long_object_name() {
	invalid 'klpt_target:klpt_value;%200:klpt_value' klpt_p1
}

object_named_vmlinux() {
	invalid 'klpt_target:klpt_value;=vmlinux:cmdline_proc_show' klpt_p1 vmlinux
}

no_replacement() {
	invalid 'klpt_target:klpt_other,klpt_value=0' klpt_p1 klpt_target klpt_value
}

no_replacement_in_absent_module() {
	invalid 'klpt_target:klpt_other;klpt_extra:klpt_value=0' klpt_p1 klpt_extra klpt_value
}

unknown_function() {
	invalid 'klpt_target:klpt_value,klpt_no_such_function=any' \
		klpt_p1 klpt_target klpt_no_such_function
}

unknown_function_in_vmlinux() {
	invalid 'klpt_target:klpt_value;vmlinux:klpt_no_such_function=any' \
		klpt_p1 vmlinux klpt_no_such_function
}

function_of_other_object() {
	invalid 'vmlinux:klpt_value' klpt_p1 vmlinux klpt_value
}

function_twice() {
	invalid 'klpt_target:klpt_value,klpt_other,klpt_value' klpt_p1 klpt_target klpt_value
}

function_twice_by_position() {
	invalid 'klpt_target:klpt_value@1,klpt_other,klpt_value' klpt_p1 klpt_target klpt_value
}

function_twice_in_absent_module() {
	invalid 'klpt_target:klpt_other;klpt_extra:klpt_value,klpt_value@1' \
		klpt_p1 klpt_extra klpt_value
}

object_twice() {
	invalid 'klpt_target:klpt_value;klpt_target:klpt_other' klpt_p1 klpt_target
}

vmlinux_twice() {
	invalid 'vmlinux:cmdline_proc_show;vmlinux:klpt_x=any' klpt_p1 vmlinux
}

untraceable() {
	invalid 'klpt_target:klpt_value,klpt_notrace=any' klpt_p1 klpt_target klpt_notrace
}

not_marked() {
	refused klpt_unmarked "Invalid parameters" spec=klpt_target:klpt_value
	names "module klpt_unmarked is not marked as a livepatch module"
	untouched
}

enabled_twice() {
	patch klpt_p1 spec=klpt_target:klpt_value twice=1
	is "$(cat /sys/module/klpt_p1/parameters/twice_ret)" -17 "what the second attempt returned"
	names klpt_p1 "enabled already"
	returns value 1
	is "$(cat $LP/klpt_p1/enabled)" 1 enabled
	is "$(cat /sys/module/klpt_p1/refcnt)" 1 "references to the module"
	remove klpt_p1
	returns value 0
}

it null_patch "no patch at all"
it null_module "a patch without a module"
it null_objects "a patch without objects"
it null_functions "an object without an array of functions"
it null_function_name "a function without a name"
it empty_function_name "a function with an empty name"
it empty_function_name_in_vmlinux "a function of vmlinux with an empty name"
it long_function_name "a function whose name is too long"
it empty_object_name "an object with an empty name"
it long_object_name "an object whose name is too long"
it object_named_vmlinux "an object that is named vmlinux instead of not being named"
it no_replacement "a function without a replacement"
it no_replacement_in_absent_module "the same in a module that is not there"
it unknown_function "a function that the module does not have"
it unknown_function_in_vmlinux "a function that vmlinux does not have"
it function_of_other_object "a function of another object"
it function_twice "the same function twice"
it function_twice_by_position "the same function twice, with position 0 and 1"
it function_twice_in_absent_module "the same in a module that is not there"
it object_twice "the same module twice"
it vmlinux_twice "vmlinux twice"
it untraceable "a function that ftrace cannot reach"
it not_marked "a module that is not marked as a livepatch"
it enabled_twice "a patch that is enabled already"
klpt_main
