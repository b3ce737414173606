#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# When a name is there more than once, which function is meant?
#
# klpt_target has two static functions klpt_dup(), which return 10 and 20.

. "$(dirname "$0")/klpt.sh"

dups() {
	is "$(cat $TARGET/dup)" "$1" "both klpt_dup() ${2:-}"
}

first() {
	patch klpt_p1 spec=klpt_target:klpt_dup@1
	dups "1 20"
	[[ -d $LP/klpt_p1/klpt_target/klpt_dup,1 ]] || fail "klpt_dup,1 is not shown"
	remove klpt_p1
	dups "10 20" "after"
}

second() {
	patch klpt_p1 spec=klpt_target:klpt_dup@2
	dups "10 1"
	[[ -d $LP/klpt_p1/klpt_target/klpt_dup,2 ]] || fail "klpt_dup,2 is not shown"
	remove klpt_p1
	dups "10 20" "after"
}

both() {
	patch klpt_p1 spec=klpt_target:klpt_dup@1,klpt_dup@2
	dups "1 1"
}

one_each() {
	patch klpt_p1 spec=klpt_target:klpt_dup@1
	patch klpt_p2 spec=klpt_target:klpt_dup@2
	dups "1 2"
	disable klpt_p1
	dups "10 2"
}

unique_by_position() {
	patch klpt_p1 spec=klpt_target:klpt_value@1
	returns value 1
	[[ -d $LP/klpt_p1/klpt_target/klpt_value,1 ]] || fail "klpt_value,1 is not shown"
}

ambiguous() {
	refused klpt_p1 "Invalid parameters" spec=klpt_target:klpt_dup
	names klpt_p1 klpt_target klpt_dup ambig
	dups "10 20"
}

out_of_range() {
	refused klpt_p1 "Invalid parameters" spec=klpt_target:klpt_value,klpt_dup@3
	names klpt_p1 klpt_target klpt_dup position 3
	returns value 0
}

far_out_of_range() {
	refused klpt_p1 "Invalid parameters" spec=klpt_target:klpt_value@18446744073709551615
	names klpt_p1 klpt_target klpt_value position 18446744073709551615
}

# The same in vmlinux, with the first name that this kernel happens to have twice.
ambiguous_in_vmlinux() {
	local name

	name=$(awk '$2 ~ /^[tT]$/ && NF == 3 && $3 ~ /^[a-z_]+$/ { print $3 }' /proc/kallsyms |
		sort | uniq -d | head -1)
	[[ -n $name ]] || fail "no function of vmlinux has the same name as another"
	note "the function is $name()"
	refused klpt_p1 "Invalid parameters" "spec=vmlinux:$name=any"
	names klpt_p1 vmlinux "'$name'" ambig
	refused klpt_p1 "Invalid parameters" "spec=vmlinux:$name@99=any"
	names klpt_p1 vmlinux "'$name'" position 99
}

it first "the first of two"
it second "the second of two"
it both "both in one patch"
it one_each "one each in two patches"
it unique_by_position "position 1 of a unique name"
it ambiguous "refused: a name that is not unique"
it out_of_range "refused: a position that is not there"
it far_out_of_range "refused: a position that cannot be"
it ambiguous_in_vmlinux "refused: the same for functions of vmlinux"
klpt_main
