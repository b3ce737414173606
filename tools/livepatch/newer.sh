# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Read by scripts behind common.sh: how do programs of a newer Debian get beside those of the host,
# and how are they started there?
#
# Each is started by the loader that it was linked for, with the libraries that came with it; what
# it reads and writes are the host's files. So nobody has to be root, and what a compiler links runs
# on the host and in its guests.

: "${me:?}"

# unpack_newer SUITE PACKAGES DIRECTORY [OPTION...]: these packages, with commas between them, and
# what they depend on, in DIRECTORY/root; OPTIONs are mmdebstrap's
unpack_newer() {
	local suite=$1 packages=$2 dir=$3 mirror
	local keys=/usr/share/keyrings/debian-archive-keyring.gpg

	mirror=$(mirror)
	[[ -n $mirror ]] ||
		fail "apt knows no archive for this host's suite: it would serve $suite, too"
	[[ -r $keys ]] || fail "$keys is missing: package debian-archive-keyring provides it"

	echo "$me: unpacking ${packages//,/, } of $suite"
	if ! mmdebstrap --quiet "${@:4}" --variant=extract --architectures=amd64 \
			--include="$packages" --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr \
			"$suite" "$dir/root.tar" \
			"deb [signed-by=$keys] $mirror $suite main" \
			2>"$dir/mmdebstrap.log"; then
		grep '^[EW]:' "$dir/mmdebstrap.log" | tail -n 3 >&2 || true
		fail "mmdebstrap failed: is there a network? The whole log: $dir/mmdebstrap.log"
	fi
	echo "$suite" >"$dir/suite"
	mkdir "$dir/root"
	tar -x -f "$dir/root.tar" -C "$dir/root" --no-same-owner --exclude='./dev/*' \
		--exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' \
		--exclude='./usr/share/info/*' --exclude='./usr/share/locale/*' --exclude='./var/*'
	rm "$dir/root.tar"
}

# newer_program DIRECTORY NAME FILE [ARGUMENT...]: DIRECTORY/NAME runs FILE of DIRECTORY/root
newer_program() {
	local dir=$1 name=$2 file=$3 libraries=$1/root/usr/lib/x86_64-linux-gnu

	shift 3
	[[ -x $file ]] || fail "the packages of $(<"$dir/suite") have no ${file#"$dir/root"}"
	cat >"$dir/$name" <<-END
	#!/bin/sh
	exec $libraries/ld-linux-x86-64.so.2 --argv0 $file --library-path $libraries $file $* "\$@"
	END
	chmod +x "$dir/$name"
}
