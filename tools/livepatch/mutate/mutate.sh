# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Read by who tries mutants on the host: the model and the fuzzers, each with a program "mutant"
# beside its "run".

: "${SRC:?}" "${here:?}" "${out:?}"

# apply_mutant PATCH TREE
apply_mutant() {
	patch --batch --forward --fuzz=0 --no-backup-if-mismatch -s -p1 -d "$2" <"$1"
}

# try_mutants KIND WANTED: one result for each that KIND is to find, if WANTED says so of by what
try_mutants() {
	local patch by name status

	for patch in "$SRC"/tools/livepatch/mutate/*.patch; do
		by=$(sed -n "s/^Found-by: $1 //p" "$patch")
		[[ $by ]] || continue
		"$2" "$by" || continue
		status=0
		"$here/mutant" "$out" "$patch" "$by" || status=$?
		name=${patch##*/}
		result "$status" "found: ${name%.patch}: $(sed -n 3p "$patch")"
	done
}
