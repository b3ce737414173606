# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Read by the tests of klp-build: what stands in a case of ./cases? ./test tells what that may be.

here=$SRC/tools/livepatch/klp-build
cases=$here/cases
number=0
bad=0

# The file of a case.
file_of() {
	if [[ -e $cases/$1.group ]]; then
		echo "$cases/$1.group"
	else
		echo "$cases/$1.patch"
	fi
}

# lines CASE KEY: the values of the head
lines() {
	sed -n "/^--- /q; s/^$2: //p" "$(file_of "$1")"
}

# patches CASE: their files
patches() {
	local name

	for name in $(lines "$1" Patches); do
		echo "$cases/$name.patch"
	done
	[[ ! -e $cases/$1.patch ]] || echo "$cases/$1.patch"
}

# ok WHAT [WHY_NOT]: a result
ok() {
	number=$((number + 1))
	if [[ -z ${2-} ]]; then
		echo "ok $number - $1"
		return
	fi
	bad=$((bad + 1))
	echo "not ok $number - $1"
	echo "# ${2//$'\n'/$'\n# '}"
}

# see OUT: the program that commands of cases call, in OUT
see() {
	cc -static -O2 -D_GNU_SOURCE -o "$1/see" "$cases/see.c" || fail "cannot compile see.c"
}
