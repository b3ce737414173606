# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Read by ./run and ./mutant: how is a fuzzer built, and how does it run?

: "${here:?}" "${SRC:?}" "${JOBS:?}"

# What klp reads is written into files first: not on a disk.
TMPDIR=$(mktemp -d -p /dev/shm klp-fuzz.XXXXXX 2>/dev/null || mktemp -d)
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
# LeakSanitizer does not work in everybody's container; the rest is for speed.
export ASAN_OPTIONS=detect_leaks=0:malloc_context_size=4:quarantine_size_mb=16:intercept_strstr=0

# build OUT FUZZER [CORE KLP]
build() {
	make --no-print-directory -s -j"$JOBS" -C "$here" O="$1" CORE="${3-$SRC/kernel/livepatch}" \
		KLP="${4-$SRC/tools/livepatch/klp}" "$1/$2"
}

# fuzz PROGRAM CORPUS LOG RUNS [OPTION...]: no input is longer than is of use
fuzz() {
	local program=$1 options=(-max_len=600 -len_control=0 -timeout=20 -close_fd_mask=1)

	[[ ! -e $here/${program##*/}.dict ]] || options+=("-dict=$here/${program##*/}.dict")
	"$program" "${options[@]}" -runs="$4" -artifact_prefix="${3%.log}." "${@:5}" "$2" >"$3" 2>&1
}
