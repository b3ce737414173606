#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Can any version of a cumulative patch follow any other? The series of the discussion of 2023: P1
# and P2 have state 1, P3 has 1 and 2, P4 has 1 and 3. Every way from one to another, also turned
# back, turned twice, and refused by each state that comes. What should run is worked out by
# klpt_model.sh; what did run is printed as a table, and written to KLPT_TABLE=FILE.

. "$(dirname "$0")/klpt.sh"

BRIEF="pair_1_2 pair_2_1"
. "$(dirname "$0")/klpt_model.sh"

ids=([s1]="1" [s2]="1" [s3]="1 2" [s4]="1 3")

# ran PATTERN: callbacks in the log whose name matches, for the table: "P4 pre_patch 3, ..."
ran() {
	awk -v pattern="$1" '$1 ~ /^klpt_s/ && $2 ~ pattern {
		sub("klpt_s", "P", $1)
		line = line sep $1 " " $2 " " $3
		sep = ", "
	}
	END { print line == "" ? "-" : line }' /proc/klpt/log
}

# fails_at_each PATCH: each state that it brings refuses it once
fails_at_each() {
	local id installed

	failed=
	everything ids "${present[@]}"
	installed=$REPLY
	for id in ${ids[$1]}; do
		# shellcheck disable=SC2086 # a list of numbers
		lists "$id" $installed && continue
		forget
		fails "$1" "$id" replace
		failed+="${failed:+; }$id: $(ran '^post')"
	done
}

# way FROM TO FAILED TURNED: a row of the table, from the log
way() {
	printf '"%s", "%s", "%s", "%s", "%s", "%s"\n' "$1" "$2" "$(ran '^pre')" "$(ran '^post')" \
		"$4" "${3:--}" >> "$tmp/ways"
}

# From nothing to a patch and back, by all ways.
alone() {
	local p=$1 failed turned

	fails_at_each "$p"
	forget
	turns_back "$p"
	turned=$(ran '^post')
	forget
	turns_twice "$p"
	way nothing "P${p#s}" "$failed" "$turned"
	forget
	stays "$p"
	turned=$(ran '^post')
	forget
	goes_after_all "$p"
	way "P${p#s}" nothing "" "$turned"
	forget
	comes "$p"
	forget
	goes "$p"
}

pair() {
	local from=$1 to=$2 failed turned

	replaces "$from"
	fails_at_each "$to"
	forget
	turns_back "$to" replace
	turned=$(ran '^post')
	forget
	turns_twice "$to" replace
	forget
	goes "$to"

	replaces "$from"
	forget
	replaces "$to"
	returns value "${to#s}"
	way "P${from#s}" "P${to#s}" "$failed" "$turned"
	forget
	goes "$to"
	returns value 0
}

# All ordered pairs, one after the other: no patch is ever disabled on the way.
tour() {
	local p last

	for p in 1 2 1 3 1 4 2 3 2 4 3 4 1; do
		replaces "s$p"
		returns value "$p"
		last=s$p
	done
	goes "$last"
}

# Several states come and several go, and one fails at each place.
many() {
	ids=([s1]="1 2 3 9" [s2]="7 3 5 9 8")
	pair s1 s2
	pair s2 s1
	ids=([s1]="4 6" [s2]="5 7 1")
	rows=()
	pair s1 s2
}

# A version that is older than what is installed is refused, as ever.
versions() {
	patch klpt_s1 states=1:2,2
	refused klpt_s2 "Invalid parameters" states=1:1,2 replace=1
	refused klpt_s2 "Invalid parameters" states=1:1 replace=1
	message "livepatch: Livepatch patch \(klpt_s2\) is not compatible with the already"
	patch klpt_s2 states=1:3 replace=1
	log_is "klpt_s1 pre_patch 1 0
klpt_s1 pre_patch 2 0
klpt_s1 post_patch 1 101
klpt_s1 post_patch 2 102
klpt_s1 pre_unpatch 2 102
klpt_s1 post_unpatch 2 102" '/^klpt_s/!d'
}

# What has run, as it stands in Documentation/livepatch/system-state-pairs.txt.
table() {
	{
		printf '.. %s: GPL-2.0\n\n' SPDX-License-Identifier
		echo '.. csv-table::'
		echo '   :header: "from", "to", "before tasks move", "all have moved",' \
			'"or all have turned back", "or this pre_patch has failed"'
		echo
		sed 's/^/   /' "$tmp/ways"
	} > "$tmp/table"
	sed 's/^/# | /' "$tmp/table"
	[[ -z ${KLPT_TABLE:-} ]] || cp "$tmp/table" "$KLPT_TABLE" || fail "cannot write $KLPT_TABLE"
	is "$(cut -d, -f1,2 "$tmp/ways" | sort | uniq -d)" "" "ways that occur twice"
	is "$(wc -l < "$tmp/ways")" 20 "ways in the table"
}

for p in s1 s2 s3 s4; do
	eval "alone_${p#s}() { alone $p; }"
	it "alone_${p#s}" "P${p#s} comes and goes"
done
for p in s1 s2 s3 s4; do
	for q in s1 s2 s3 s4; do
		[[ $p == "$q" ]] && continue
		eval "pair_${p#s}_${q#s}() { pair $p $q; }"
		it "pair_${p#s}_${q#s}" "P${p#s} is replaced by P${q#s}"
	done
done
[[ -n ${KLPT_ONLY:-} ]] || it table "twenty ways, each shown once"
it tour "every pair in one journey"
it many "several states come and go in one step"
it versions "refused: an older version, also of a state with callbacks"
klpt_main
