#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A patch that is wrong: is it refused with a message that names the thing at fault, and is nothing
# left behind?

. "$(dirname "$0")/klpt.sh"

BRIEF="null_objects no_replacement unknown_function function_of_other_object function_twice
	object_twice untraceable init_replacement not_marked enabled_twice code_that_goes no_code
	in_init_memory itself"

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

# Its memory is somebody else's by now. A guard needs nothing from ftrace.
init_function_of_vmlinux() {
	invalid 'klpt_target:klpt_value;vmlinux:start_kernel=any' \
		klpt_p1 vmlinux start_kernel "not.found"
	invalid 'klpt_target:klpt_value;vmlinux:+start_kernel' \
		klpt_p1 vmlinux start_kernel "not.found"
}

# The init function of the livepatch could call it; those who call it later could not.
init_replacement() {
	refused klpt_p1 "Invalid parameters" spec=klpt_target:klpt_value=early
	names klpt_p1 klpt_target klpt_value "is.init.code"
	untouched
}

# On some architectures, per-CPU variables are counted from 0.
symbol_at_zero() {
	local name

	name=$(awk '$1 ~ /^0+$/ && NF == 3 { print $3; exit }' /proc/kallsyms)
	note "the symbol is '$name'"
	[[ -n $name ]] || return 0
	refused klpt_p1 "Unknown symbol in module" "spec=vmlinux:$name=any"
	names klpt_p1 vmlinux "'$name'" "no.size"
	untouched
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

### What does not last, or is not what it should be

# wrong CASE MESSAGE: of klpt_bad
wrong() {
	set_mark "$1"
	refused klpt_bad "Invalid parameters" "case=$1" "${arguments[@]}"
	message "livepatch: patch 'klpt_bad': $2\$"
}

# right CASE: looks wrong and is not
right() {
	patch klpt_bad "case=$1" "${arguments[@]}"
	returns value 9 "with $1"
	remove klpt_bad
	returns value 0 "after $1"
}

arguments=()

code_that_goes() {
	local where="object 'klpt_target'" callback

	wrong func_init "replacement of 'klpt_value' in $where is init code"
	for callback in pre_patch post_patch pre_unpatch post_unpatch; do
		wrong ${callback}_init "$callback of $where is init code"
		wrong state_${callback}_init "$callback of state 77 is init code"
	done
	wrong ctor_init "constructor of shadow type 7700 of state 77 is init code"
	wrong dtor_init "destructor of shadow type 7700 of state 77 is init code"
	untouched
}

no_code() {
	local where="object 'klpt_target'"

	wrong func_data "replacement of 'klpt_value' in $where is not code"
	wrong pre_patch_data "pre_patch of $where is not code"
	wrong dtor_data "destructor of shadow type 7700 of state 77 is not code"
	arguments=("by=0x1000")
	wrong "" "replacement of 'klpt_value' in $where is not code"
	untouched
}

code_of_others() {
	arguments=("by=$(address_of start_kernel)")
	wrong "" "replacement of 'klpt_value' in object 'klpt_target' is init code"
	# It has another name for the same.
	patch klpt_bad "by=$(address_of klpt_other klpt_target)"
	hooked klpt_value klpt_target || fail "klpt_value is not patched"
	patch klpt_p1 spec=klpt_target:klpt_other
	returns value 1
	remove klpt_p1
	remove klpt_bad
	untouched
}

on_the_stack() {
	local where="object 'klpt_target'" gone="lies on the stack"

	arguments=(replace=1)
	wrong patch_stack "struct klp_patch $gone"
	wrong objs_stack "array of objects $gone"
	wrong funcs_stack "array of functions of $where $gone"
	wrong func_name_stack "name of function 'klpt_value' in $where $gone"
	wrong object_name_stack "name of $where $gone"
	wrong states_stack "array of states $gone"
	wrong ops_stack "state_ops $gone"
	wrong type_stack "shadow type of state 77 $gone"
	wrong sets_stack "supersedes $gone"
	untouched
}

in_init_memory() {
	local where="object 'klpt_target'" gone="lies in init memory"

	arguments=(replace=1)
	wrong patch_init "struct klp_patch $gone"
	wrong objs_init "array of objects $gone"
	wrong funcs_init "array of functions of $where $gone"
	wrong func_name_init "name of function 'klpt_value' in $where $gone"
	wrong object_name_init "name of $where $gone"
	wrong states_init "array of states $gone"
	wrong ops_init "state_ops $gone"
	wrong type_init "shadow type of state 77 $gone"
	wrong sets_init "supersedes $gone"
	untouched
}

in_constant_memory() {
	local const="lies in read-only memory"

	wrong patch_late "struct klp_patch $const"
	wrong objs_const "array of objects $const"
	wrong objs_late "array of objects $const"
	wrong funcs_const "array of functions of object 'klpt_target' $const"
	# The data pointers are handed over from patch to patch.
	wrong states_const "array of states $const"
	untouched
}

may_be_constant() {
	arguments=(replace=1)
	right states_const_alone
	right ops_const
	right sets_const
}

may_be_allocated() {
	right heap
}

without_an_end() {
	local open="has no empty entry at its end"

	arguments=(replace=1)
	wrong objs_endless "array of objects $open"
	wrong funcs_endless "array of functions of object 'klpt_target' $open"
	wrong states_endless "array of states $open"
	wrong ops_endless "state_ops $open"
	wrong sets_endless "supersedes $open"
	untouched
}

### Names and numbers

object_names_that_never_match() {
	local name

	for name in klpt-target klpt_target.ko klpt/target /klpt_target klpt,target .ko; do
		set_mark "${name//\//_}"
		refused klpt_p1 "Invalid parameters" "spec=klpt_target:klpt_other;=$name:klpt_value"
		message "patch 'klpt_p1': no module is called '$name': use .* '_' for '-'"
	done
	untouched
}

# Directories of objects stand beside the files of the patch.
object_named_like_a_file() {
	local name

	for name in enabled force pending stack_order; do
		set_mark "$name"
		refused klpt_p1 "Invalid parameters" "spec=klpt_target:klpt_other;=$name:klpt_value"
		message "'klpt_p1': object '$name' has the name of a file of the patch in sysfs\$"
		no_message "cannot create duplicate filename"
	done
	untouched
}

# In sysfs, a slash in a name becomes an exclamation mark.
slash_in_function_name() {
	refused klpt_p1 "Invalid parameters" 'spec=klpt_target:klpt_other,k/v=any,k!v=any'
	message "'klpt_p1': no function is called 'k/v', as one in object 'klpt_target' is\$"
	no_message "cannot create duplicate filename"
	untouched
}

states_without_ids() {
	set_mark without
	refused klpt_p1 "Invalid parameters" spec=klpt_target:klpt_value states=5:1,0:2,6:1
	message "livepatch: patch 'klpt_p1': system state 1 has no id\$"
	set_mark twice
	refused klpt_p1 "Invalid parameters" spec=klpt_target:klpt_value states=5:1,6:1,5:2
	message "livepatch: patch 'klpt_p1': state 5 is listed twice\$"
	wrong type_no_id "shadow type of state 77 has no id"
	untouched
}

### What callbacks return

no_error_numbers() {
	local said none="which is no error number\$"

	# 4095 is the largest one. Who loads a module takes others for success.
	for said in 1 7 -4096; do
		set_mark "$said"
		refused klpt_bad "Invalid parameters" pre_patch_ret=$said
		message "'klpt_bad': pre_patch of object 'klpt_target' returned $said, $none"
		message "livepatch: pre-patch callback failed for object 'klpt_target'\$"
		set_mark "state$said"
		refused klpt_bad "Invalid parameters" state_ret=$said
		message "'klpt_bad': pre_patch of state 77 returned $said, $none"
		message "pre-patch callback failed for state 77 of patch 'klpt_bad' \(-22\)\$"
	done
	untouched
}

no_error_number_for_module_that_comes() {
	patch klpt_bad object=klpt_extra pre_patch_ret=7
	refused klpt_extra "Invalid parameters"
	message "patch 'klpt_bad': pre_patch of object 'klpt_extra' returned 7, which is no"
	refusal klpt_bad klpt_extra
	remove klpt_bad
	load klpt_extra
	extra_returns value 0
}

### Replacements that lead back

itself() {
	arguments=("by=$(address_of klpt_value klpt_target)")
	wrong "" "replacement of 'klpt_value' in object 'klpt_target' is the function itself"
	arguments=(object=vmlinux name=cmdline_proc_show "by=$(address_of cmdline_proc_show)")
	wrong "" "replacement of 'cmdline_proc_show' in object 'vmlinux' is the function itself"
	untouched
}

each_other() {
	arguments=("by=$(address_of klpt_other klpt_target)"
		name2=klpt_other "by2=$(address_of klpt_value klpt_target)")
	wrong "" "replacement of 'klpt_value' in object 'klpt_target' leads back to the function"
	untouched
}

# One patch after the other; the first may be hidden by one that goes later.
each_other_in_two_patches() {
	local to_value to_other

	to_value=by=$(address_of klpt_value klpt_target)
	to_other=by=$(address_of klpt_other klpt_target)
	patch klpt_bad "$to_other"
	refused klpt_bad2 "Invalid parameters" name=klpt_other "$to_value"
	message "livepatch: patch 'klpt_bad2': replacement of 'klpt_other' in .* leads back to"
	patch klpt_p1 spec=klpt_target:klpt_value
	refused klpt_bad2 "Invalid parameters" name=klpt_other "$to_value"
	returns value 1
	remove klpt_p1
	# Not at the same time: the first one goes.
	patch klpt_bad2 name=klpt_other "$to_value" replace=1
	until_true "klpt_bad to leave sysfs" gone $LP/klpt_bad
	unload klpt_bad
	patch klpt_p1 spec=klpt_target:klpt_value
	returns other 1
	remove klpt_p1
	remove klpt_bad2
	untouched
}

by_way_of_a_replacement() {
	patch klpt_p1 spec=klpt_target:klpt_value
	arguments=(object=klpt_p1 name=new_value "by=$(address_of klpt_value klpt_target)")
	wrong "" "replacement of 'new_value' in object 'klpt_p1' leads back to the function"
	returns value 1
	# To replace a replacement is nothing bad.
	patch klpt_bad object=klpt_p1 name=new_value
	returns value 9
	remove klpt_bad
	returns value 1
	remove klpt_p1
	untouched
}

### Messages

position_that_ftrace_cannot_reach() {
	refused klpt_p1 "Invalid parameters" spec=klpt_target:klpt_notrace@1=any
	message "function 'klpt_notrace,1' in object 'klpt_target' cannot be reached by"
	untouched
}

# count_messages PATTERN: into $REPLY
count_messages() {
	REPLY=$(kernel_log | grep -Ec -e "$1")
}

# waits PATCH: some scripts try again and again
waits() {
	refused "$1" "Device or resource busy" spec=klpt_target:klpt_other
	refused "$1" "Device or resource busy" spec=klpt_target:klpt_other
	refused "$1" "Device or resource busy" spec=klpt_target:klpt_other
}

busy_is_told_once() {
	local round

	for round in 1 2; do
		asleep sleep 1
		load klpt_p1 spec=klpt_target:klpt_sleep
		only_left klpt_p1 1 "$pid"
		waits klpt_p2
		waits klpt_p3
		waits klpt_p2
		count_messages "patch 'klpt_p2' has to wait for the transition of 'klpt_p1'\$"
		is "$REPLY" $round "messages about klpt_p2, transition $round"
		count_messages "patch 'klpt_p3' has to wait for the transition of 'klpt_p1'\$"
		is "$REPLY" $round "messages about klpt_p3, transition $round"
		wake 1
		ended "$pid"
		until_true "klpt_p1 to be enabled" settled klpt_p1
		remove klpt_p1
	done
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
it init_function_of_vmlinux "an __init function of vmlinux"
! init_memory || it init_replacement "an __init function as a replacement"
it symbol_at_zero "a symbol whose address is 0"
it not_marked "a module that is not marked as a livepatch"
it enabled_twice "a patch that is enabled already"
it code_that_goes "functions and callbacks that are gone after init"
it no_code "functions and callbacks that are not code"
it code_of_others "replacements elsewhere: in the kernel's init code, and in a module"
it on_the_stack "things on the stack"
it in_init_memory "things in init memory"
it in_constant_memory "things in read-only memory that are written to"
it may_be_constant "accepted: constant things that are not written to"
it may_be_allocated "accepted: things in memory that was allocated"
it without_an_end "arrays without an empty entry at the end"
it object_names_that_never_match "names that no module has"
it object_named_like_a_file "objects that are called like files of a patch"
it slash_in_function_name "a function with a slash in its name"
it states_without_ids "states and shadow types without an id, or with one that is taken"
it no_error_numbers "pre_patch callbacks that return neither 0 nor an error number"
it no_error_number_for_module_that_comes "the same for a module that comes"
it itself "a function that is to be replaced by itself"
it each_other "two functions that are to replace each other"
it each_other_in_two_patches "the same in two patches"
it by_way_of_a_replacement "a replacement that is replaced by what it replaces"
it position_that_ftrace_cannot_reach "the message has the position of the function"
it busy_is_told_once "a patch is told once for each transition that it has to wait"
klpt_main
