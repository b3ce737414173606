#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Can a livepatch describe itself as the modules of klp-build (6.19) do?

. "$(dirname "$0")/klpt.sh"

described_by_section() {
	load klpt_api
	until_true "the transition to end" settled klpt_api
	returns value 5
	returns other 5
	load klpt_extra
	extra_returns value 5
	remove klpt_api
	returns value 0
	extra_returns value 0
	log_is "klpt_api pre_patch klpt_target
klpt_api post_patch klpt_target
klpt_api pre_unpatch klpt_target
klpt_api post_unpatch klpt_target" '/^klpt_api/!d'
}

no_such_section() {
	local out

	if out=$(insmod "$MODULES/klpt_api.ko" section=.klpt_no_such_section 2>&1); then
		fail "a section that is not there was found"
	fi
	# "Unknown symbol" is how kmod spells ENOENT.
	matches "$out" ': Unknown symbol in module' "error of klpt_api"
	no_trace klpt_api
}

it described_by_section "objects, functions and callbacks come from a section of the module"
it no_such_section "a section that is not there is not found"
klpt_main
