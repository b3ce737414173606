# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Read by the scripts behind the top-level Makefile: how do they wait for each other, notice in time
# that there is no room, show how far they are, and end when they cannot go on? In one line each.

me=${me:-${0##*/}}

fail() {
	echo "$me: $*" >&2
	exit 1
}

interrupted() {
	trap '' INT TERM HUP
	echo "$me: interrupted; what is done so far is kept, the next make goes on from there" >&2
	exit 130
}
trap interrupted INT TERM HUP

# Nobody removes what is built here before the last one at work has ended; see ./build-dir. What
# setup installs may start services, which would hold it for ever.
if [[ $me != setup && -d ${BUILD-} ]]; then
	exec 8<"$BUILD"
	flock -s 8
fi

# What the list of bases says of $BASE: VERSION PACKAGE SUITE
about_base() {
	awk -v base="$BASE" '$1 == base { print $2, $3, $4 }' "$SRC/tools/livepatch/bases"
}

# architecture: what its file says of $ARCH, into variables
architecture() {
	# shellcheck disable=SC2034 # some scripts use some
	kbuild='' debian='' cross='' image='' packages=''
	# shellcheck source=/dev/null
	. "$SRC/tools/livepatch/arch/${ARCH:=x86_64}"
}

# lock FILE: until this process ends, one at a time
lock() {
	exec 9>"$1" || fail "cannot write to ${1%/*}"
	if ! flock -n 9; then
		echo "$me: waiting for another make that is at work in ${1%/*}" >&2
		flock 9
	fi
}

# room MEGABYTES WHAT: in $BUILD
room() {
	local free

	free=$(df -Pm "$BUILD" | awk 'NR == 2 { print $4 }')
	((free >= $1)) || fail "$2 takes $1 MB of disk in $BUILD, and $free MB are free"
}

# memory MEGABYTES WHAT
memory() {
	local free

	free=$(awk '$1 == "MemAvailable:" || $1 == "SwapFree:" { kb += $2 }
		END { print int(kb / 1024) }' /proc/meminfo)
	((free >= $1)) || fail "$2 takes $1 MB of memory, and $free MB are free"
}

# last_words FILE: the last line of a log that says something, for a message
last_words() {
	grep -v '^[[:space:]]*$' "$1" | tail -n 1
}

# The archive that serves the host's own suite, and the others as well; nothing if apt knows none.
mirror() {
	local suite
	# shellcheck source=/dev/null
	suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
	# shellcheck disable=SC2016 # those are apt's variables
	apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
		awk -v suite="$suite" '$1 == suite && !uri { uri = $2 } END { print uri }'
}

# compiler: that of $PROFILE for $ARCH, into $cc, behind ccache if that is there, and into
# $toolchain what kbuild is told. What is started for a newer one is a script, so ccache is told by
# version who that is.
compiler() {
	local version

	architecture
	cc=${cross}gcc
	if grep -qsx '# Compiler: newer' "$SRC/tools/livepatch/configs/$PROFILE.config"; then
		"$SRC/tools/livepatch/newer-tools"
		cc=${NEWER:?}/bin/gcc
		version=$(<"$NEWER/gcc.version")
		export CCACHE_COMPILERCHECK=string:$version
	fi
	! command -v ccache >/dev/null || cc="ccache $cc"
	# shellcheck disable=SC2034 # for those who call kbuild
	toolchain=(ARCH="$kbuild" CROSS_COMPILE="$cross" CC="$cc")
}

# Of all the makes below kbuild, none needs to tell that Ctrl-C has reached it.
without_interrupts() {
	trap '' INT
	grep --line-buffered -v '^make.* \(Interrupt\|Terminated\)$'
}

# progress STEPS: reads what kbuild says, shows how far it is; STEPS is a guess, 0 is none
progress() {
	local steps=$1 step=0 line text next=$((SECONDS + 60)) start=$SECONDS seen=$SECONDS left

	while IFS= read -r line; do
		[[ $line == "  "[A-Z]* ]] || continue
		step=$((step + 1))
		text="$step steps"
		if ((steps >= step)); then
			text="$step of about $steps steps"
			left=$(((SECONDS - start) * (steps - step) / step / 60 + 1))
			((SECONDS - start < 10)) || text+=", some $left min left"
		fi
		if [[ -t 1 ]]; then
			((SECONDS == seen)) || printf '\r\e[K%s: %s' "$me" "$text"
			seen=$SECONDS
		elif ((SECONDS >= next)); then
			echo "$me: $text"
			next=$((SECONDS + 60))
		fi
	done
	[[ ! -t 1 ]] || printf '\r\e[K'
}
