#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Is what authors are told to type right? Documentation/livepatch/writing.rst has a Makefile,
# sources and a session in a shell. Who stages the tests has taken them from there and built them
# (tools/livepatch/vm/stage); here the session is typed.

. "$(dirname "$0")/klpt.sh"

NO_TARGET=y
WRITING=$PWD/writing

# Whatever of the page is still there.
put_away() {
	local p

	for p in job_fix_1 job_fix_2; do
		[[ ! -e $LP/$p/enabled ]] || echo 0 > "$LP/$p/enabled"
		[[ ! -e /sys/module/$p ]] || poll rmmod "$p"
	done
	[[ ! -e /sys/module/job_list ]] || rmmod job_list
} 2>/dev/null

# typed COMMAND EXPECTED: in this shell, whose variables the next one uses
typed() {
	eval "$1" > "$tmp/typed" 2>&1
	is "$(cat "$tmp/typed")" "$2" "what '$1' prints"
}

session() {
	local command='' expected='' line commands=0

	[[ -s $WRITING/session ]] || fail "no $WRITING/session: run \"make stage\" of the project"
	cd "$WRITING" || fail "no $WRITING"
	trap put_away EXIT
	while IFS= read -r line; do
		if [[ $line == '# '* ]]; then
			[[ -z $command ]] || typed "$command" "$expected"
			command=${line#\# } expected=''
			((++commands))
		else
			expected+=${expected:+$'\n'}$line
		fi
	done < "$WRITING/session"
	typed "$command" "$expected"
	note "$commands commands"
	((commands > 10)) || fail "the session is not there as a whole"
	[[ ! -e /sys/module/job_list ]] || fail "the session leaves job_list behind"
}

# By its name the original cannot be reached; without an end this would be the end of the stack.
calls_itself() {
	patch klpt_again most=1
	is "$(cat /sys/module/klpt_again/parameters/depth)" 1 "depth without a call"
	remove klpt_again
	patch klpt_again most=8
	is "$(cat /sys/module/klpt_again/parameters/depth)" 8 "depth with calls of the original"
	remove klpt_again
}

it session "the patches of writing.rst, as the page says"
both_ways calls_itself "a replacement that calls the original by its name calls itself"
klpt_main
