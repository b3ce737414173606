#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Is the function meant, and not what lies behind it?
#
# A weak function that was overridden leaves code without a name and a place for ftrace, which is
# disabled. Each klpt_fN() of klpt_weak and klpt_plain has one behind it. Those of klpt_plain begin
# with their own place, those of klpt_weak with an instruction of four bytes, in a kernel with IBT.

. "$(dirname "$0")/klpt.sh"

NO_TARGET=1

# spec_for LETTER MODULE...: all eight functions with this letter, into $spec
spec_for() {
	local letter=$1 module n

	shift
	spec=
	for module; do
		spec+=${spec:+;}$module:
		for n in 1 2 3 4 5 6 7 8; do
			spec+=klpt_$letter$n=any,
		done
	done
}

# all_return MODULE LETTER VALUE WHEN
all_return() {
	get "/sys/module/$1/parameters/$2"
	is "$REPLY" "$3 $3 $3 $3 $3 $3 $3 $3" "klpt_${2}1() to klpt_${2}8() of $1 $4"
}

module_first() {
	local spec letter

	load "$1"
	for letter in f g; do
		spec_for $letter "$1"
		patch klpt_p1 "spec=$spec"
		all_return "$1" $letter 1 "while patched"
		remove klpt_p1
		all_return "$1" $letter 0 "after"
	done
}

module_later() {
	local spec letter

	for letter in f g; do
		spec_for $letter "$1"
		patch klpt_p1 "spec=$spec"
		load "$1"
		all_return "$1" $letter 1 "while patched"
		remove klpt_p1
		all_return "$1" $letter 0 "after"
		rmmod "$1"
	done
}

weak_first() { module_first klpt_weak; }
weak_later() { module_later klpt_weak; }
plain_first() { module_first klpt_plain; }
plain_later() { module_later klpt_plain; }

# One by one: what ftrace answers depends on the other places.
one_each() {
	local module n want

	for module in klpt_weak klpt_plain; do
		load $module
		for n in 1 2 3 4 5 6 7 8; do
			patch klpt_p1 "spec=$module:klpt_f$n=any"
			want="0 0 0 0 0 0 0 0"
			want="${want:0:2*(n-1)}1${want:2*n-1}"
			get /sys/module/$module/parameters/f
			is "$REPLY" "$want" "klpt_f1() to klpt_f8() of $module, klpt_f$n() patched"
			remove klpt_p1
		done
	done
}

# A place at the entry of a function that ftrace has disabled: it accepts the function, that is all.
not_diverted() {
	local module out

	for module in klpt_weak klpt_plain; do
		load $module
		refused klpt_p1 "Invalid parameters" \
			"spec=vmlinux:cmdline_proc_show;$module:klpt_f1=any,L0klpt_mute=any,klpt_f2=any"
		names klpt_p1 $module "'L0klpt_mute'" "does not divert"
		message "livepatch: failed to patch object '$module'\$"
		all_return $module f 0 "refused"
		is "$(cat /sys/module/$module/parameters/mute)" 0 "the function"
		unhooked cmdline_proc_show
		unhooked klpt_f1 $module
		# The next one does not find what this one has tried.
		patch klpt_p1 "spec=$module:klpt_f1=any"
		refused klpt_p2 "Invalid parameters" "spec=$module:klpt_f1=any,L0klpt_mute=any"
		get /sys/module/$module/parameters/f
		is "$REPLY" "1 0 0 0 0 0 0 0" "klpt_f1() to klpt_f8() of $module"
		remove klpt_p1
		rmmod $module
	done
}

not_diverted_later() {
	local module out

	for module in klpt_weak klpt_plain; do
		patch klpt_p1 "spec=$module:klpt_f1=any,L0klpt_mute=any" callbacks=1
		if out=$(insmod "$MODULES/$module.ko" 2>&1); then
			fail "$module was not refused"
		fi
		[[ "$out" == *": Invalid parameters" ]] || fail "$module: $out"
		no_trace $module
		names klpt_p1 $module "'L0klpt_mute'" "does not divert"
		refusal klpt_p1 $module
		is "$(cat $LP/klpt_p1/$module/patched)" 0 "patched"
		log_is "klpt_p1 pre_patch $module coming
klpt_p1 post_unpatch $module coming"
		remove klpt_p1
		log_clear
		load $module
		all_return $module f 0 "without the patch"
		rmmod $module
	done
}

it weak_first "functions in front of overridden ones, the module is there"
it weak_later "functions in front of overridden ones, the module comes later"
it plain_first "the same without ENDBR, the module is there"
it plain_later "the same without ENDBR, the module comes later"
it one_each "one function at a time"
# On other architectures ftrace disables no place of a function.
if [[ $(uname -m) == x86_64 ]]; then
	it not_diverted "refused: a function that ftrace accepts and does not divert"
	it not_diverted_later "refused: a module with such a function"
fi
klpt_main
