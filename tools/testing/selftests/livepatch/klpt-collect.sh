#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Are shadow variables destroyed when their state leaves the system, and only then, by a destructor
# that is still there?

. "$(dirname "$0")/klpt.sh"
. "$(dirname "$0")/klpt_model.sh"

# ran LINES: all that the patches have written to the log
ran() {
	log_is "$1" '/^klpt_s/!d'
}

# there_are NUMBER TYPE: shadow variables
there_are() {
	is "$(awk -v type="$2" '$1 == type { print $2 }' /sys/kernel/debug/livepatch/shadow)" \
		"${1#0}" "number of shadow variables of type $2"
}

# destroyed PATCH NUMBER TYPE: by the destructor of this patch, and of nobody else
destroyed() {
	log_is "$(for ((i = 0; i < $2; i++)); do echo "klpt_$1 destroys $3"; done)" '/ destroys /!d'
	forget
}

variables_go_with_the_state() {
	ids=([s1]="1 2")
	text=([s1]="1:7,2:8")
	more=([s1]=variables=2)
	comes s1
	there_are 2 7
	there_are 2 8
	forget
	goes s1
	ran "klpt_s1 pre_unpatch 2 102
klpt_s1 pre_unpatch 1 101
klpt_s1 post_unpatch 2 102
klpt_s1 post_unpatch 1 101
klpt_s1 destroys 8
klpt_s1 destroys 8
klpt_s1 destroys 7
klpt_s1 destroys 7
klpt_s1 exit"
	there_are 0 7
	there_are 0 8
}

# The old destructor is no longer in memory when they go.
variables_are_handed_over() {
	ids=([s1]="1" [s2]="2 1")
	text=([s1]=1:7 [s2]="2:8,1:7")
	more=([s1]=variables=3 [s2]=variables=2)
	replaces s1
	replaces s2
	destroyed s1 0 7
	there_are 3 7
	there_are 2 8
	forget
	goes s2
	is "$(grep -c 'klpt_s2 destroys 7' /proc/klpt/log)" 3 "variables of s1, destroyed by s2"
	is "$(grep -c " destroys " /proc/klpt/log)" 5 "variables destroyed"
	there_are 0 7
}

variables_survive_reversal() {
	ids=([s1]="1" [s2]="2")
	text=([s1]=1:7 [s2]=2:8)
	more=([s1]=variables=3 [s2]=variables=2)
	comes s1
	forget
	turns_back s2 replace
	destroyed s2 2 8
	there_are 3 7
	forget
	turns_twice s2 replace
	destroyed s1 3 7
	there_are 2 8
	forget
	stays s2
	destroyed s2 0 8
	there_are 2 8
	forget
	goes s2
	destroyed s2 2 8
}

variables_of_refused_patch() {
	ids=([s1]="1" [s2]="2 1 3")
	text=([s1]=1:7 [s2]="2:8,1:7,3:9")
	more=([s1]=variables=3 [s2]=variables=4)
	comes s1
	fails s2 3 replace
	destroyed s2 4 8
	there_are 3 7
	there_are 0 8
	there_are 0 9
	forget
	goes s1
	destroyed s1 3 7
}

variables_of_several_holders() {
	ids=([s1]="1" [s2]="1")
	text=([s1]=1:7 [s2]=1:7)
	more=([s1]=variables=2)
	comes s1
	comes s2
	goes s1
	destroyed s1 0 7
	there_are 2 7
	forget
	goes s2
	destroyed s2 2 7
	comes s1
	comes s2
	goes s2
	there_are 2 7
	ids[s3]="3"
	forget
	replaces s3
	destroyed s1 2 7
}

# A patch without a row manages by itself, and may be followed by one that takes over.
variables_without_row() {
	ids=([s1]="1" [s2]="1" [s3]="1")
	rows=([s2]="")
	text=([s1]=1:7 [s3]=1:7)
	more=([s1]=variables=2)
	replaces s1
	replaces s2
	destroyed s1 0 7
	there_are 2 7
	replaces s3
	forget
	goes s3
	destroyed s3 2 7
}

# A row that says nothing of the type, or has another one, has no use for the variables.
variables_without_type() {
	ids=([s1]="1" [s2]="1" [s3]="1")
	text=([s1]=1:7 [s3]=1:8)
	more=([s1]=variables=2 [s3]=variables=3)
	replaces s1
	replaces s2
	destroyed s1 2 7
	replaces s1
	there_are 0 7
	goes s1
	replaces s1
	there_are 2 7
	forget
	replaces s3
	destroyed s1 2 7
}

# The destructor may sleep, and no lock is held: others can come meanwhile.
comes_back_too_soon() {
	ids=([s1]="1")
	text=([s1]=1:7)
	more=([s1]="variables=1 dtor_channel=5")
	comes s1
	put $LP/klpt_s1/enabled 0
	until_true "the destructor to sleep" is_waiting 5 1
	[[ -d $LP/klpt_s1 ]] || fail "the directory has gone before the destructor was done"
	in_use klpt_s1
	insmod "$MODULES/klpt_s2.ko" states=1 rows=1:7 &
	pid=$!
	echo "$pid" >> "$tmp/pids"
	until_true "klpt_s2 to wait" grep -qs flush_work "/proc/$pid/stack"
	patch klpt_s3 states=2 rows=2:8
	returns value 3
	grep -q flush_work "/proc/$pid/stack" || fail "klpt_s2 does not wait any more"
	[[ ! -e $LP/klpt_s2 ]] || fail "klpt_s2 has not waited"
	wake 5
	until_true "klpt_s2 to be enabled" settled klpt_s2
	until_true "klpt_s1 to go" gone $LP/klpt_s1
	ran "klpt_s1 pre_patch 1 0
klpt_s1 post_patch 1 101
klpt_s1 pre_unpatch 1 101
klpt_s1 post_unpatch 1 101
klpt_s1 destroys 7
klpt_s3 pre_patch 2 0
klpt_s3 post_patch 2 302
klpt_s2 pre_patch 1 0
klpt_s2 post_patch 1 201"
	there_are 0 7
}

it variables_go_with_the_state "variables are destroyed after post_unpatch, before the module goes"
it variables_are_handed_over "the new patch's destructor takes down what the old one has made"
it variables_survive_reversal "variables of the side that loses are destroyed, the others stay"
it variables_of_refused_patch "what a refused patch has made is destroyed"
it variables_of_several_holders "variables of stacked patches go with the last"
it variables_without_row "variables outlive a patch that says nothing about the state"
it variables_without_type "variables go when the next patch has another type, or none"
it comes_back_too_soon "a patch with the same type waits until the destructor is done"
klpt_main
