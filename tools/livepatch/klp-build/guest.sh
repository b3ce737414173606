# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Read by what runs in the guests of klp-build's tests: livepatches are loaded and go.

sys=/sys/kernel/livepatch
limit=75	# seconds for a transition; after 60 the kernel tells who is in the way

# The kernel's name of a module's file.
name_of() {
	modinfo -F name "$1" | tr - _
}

splats() {
	dmesg | grep -E -e 'WARNING:|BUG:|Oops|general protection|unable to handle' \
		-e 'lockup|refcount_t:|UBSAN'
}

# until_says FILE TEXT: FILE says TEXT, or is not there when TEXT is nothing
until_says() {
	local end=$((SECONDS + limit))

	while [[ $(cat "$1" 2>/dev/null) != "$2" ]]; do
		((SECONDS < end)) || return 1
		sleep 0.1
	done
}

# load FILE: says what is wrong, or who keeps it from coming into force, with "waits" in front
load() {
	local name said

	name=$(name_of "$1")
	if ! said=$(insmod "$1" 2>&1); then
		echo "does not load: $said: $(dmesg | tail -n 3)"
		return 1
	fi
	until_says "$sys/$name/transition" 0 && [[ $(<"$sys/$name/enabled") == 1 ]] && return
	echo "waits: $(dmesg | grep -o 'blocked by task.*' | tail -n 1)"
	return 1
}

# unload FILE: says what is wrong
unload() {
	local name said

	name=$(name_of "$1")
	if ! echo 0 2>/dev/null >"$sys/$name/enabled"; then
		echo "is not to be disabled"
	elif ! until_says "$sys/$name/enabled" ""; then
		echo "does not go"
	elif ! said=$(rmmod "$name" 2>&1); then
		echo "does not unload: $said"
	fi
}
