# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Read by scripts that find out how many results they have on the way: TAP with the plan at its end.

: "${me:?}"

nr=0 failed=0

# result STATUS WORDS...
result() {
	local good=ok

	if (($1)); then
		good='not ok'
		((++failed))
	fi
	shift
	echo "$good $((++nr)) - $*"
}

# The plan, and the sum; false when something has failed.
end_of_results() {
	echo "1..$nr"
	echo "# $me: $((nr - failed)) passed, $failed failed"
	((!failed))
}
