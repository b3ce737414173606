# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Completion of klp(8) and klp-build(8) in bash: commands and options as the programs themselves list
# them, patches by their names, files by their suffix.

_klp_patches() {
	local dir

	for dir in /sys/kernel/livepatch/*/; do
		[[ -d $dir ]] && basename "$dir"
	done
}

# Modules of livepatches, their patches being in force or not.
_klp_loaded() {
	local taint

	for taint in $(grep -ls K /sys/module/*/taint); do
		basename "${taint%/taint}"
	done
}

_klp_modules() {
	local suffix

	for suffix in ko{,.gz,.xz,.zst}; do
		compgen -f -X "!*.$suffix" -- "$1"
	done
	compgen -d -S / -- "$1"
}

_klp_installed() {
	local file

	for file in /var/lib/klp/patches/"$(uname -r)"/*.ko*; do
		file=${file##*/}
		# compgen expands what it is given.
		[[ $file == *[!A-Za-z0-9_.+-]* ]] || echo "${file%%.ko*}"
	done
}

# Patches of the kernel's source, and where to find some.
_klp_diffs() {
	local suffix

	for suffix in patch diff; do
		compgen -f -X "!*.$suffix" -- "$1"
	done
	compgen -d -S / -- "$1"
}

# What is being typed is an argument of klp-build.
_klp_build() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} words

	COMPREPLY=()
	case $prev in
	-o | --output | --callbacks | --post-link)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--source | --build)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		return
		;;
	--check)
		compopt -o filenames -o nospace 2>/dev/null
		mapfile -t COMPREPLY < <(_klp_modules "$cur")
		return
		;;
	--name | --set | --supersedes | --guard | -j | --jobs)
		return
		;;
	esac
	if [[ $cur == -* ]]; then
		words=$(klp-build --help 2>/dev/null | grep -o -e '--[a-z-]*' | sort -u)
		mapfile -t COMPREPLY < <(compgen -W "$words --replace" -- "$cur")
		return
	fi
	compopt -o filenames -o nospace 2>/dev/null
	mapfile -t COMPREPLY < <(_klp_diffs "$cur")
}

_klp() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]}
	local words

	COMPREPLY=()
	if ((COMP_CWORD == 1)); then
		words=$(klp --help 2>/dev/null | sed -n 's/^  \([a-z]*\)  .*/\1/p')
		mapfile -t COMPREPLY < <(compgen -W "$words help version" -- "$cur")
		return
	fi
	if [[ $command == build ]]; then
		_klp_build
		return
	fi
	case $prev in
	-o | --output)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--timeout)
		return
		;;
	--release)
		mapfile -t COMPREPLY < <(compgen -d -S '' -- "/var/lib/klp/patches/$cur" | sed 's|.*/||')
		return
		;;
	esac
	if [[ $cur == -* ]]; then
		words=$(klp "$command" --help 2>/dev/null | grep -o -e '--[a-z-]*' | sort -u)
		mapfile -t COMPREPLY < <(compgen -W "$words --help" -- "$cur")
		return
	fi
	case $command in
	load | rollback | install)
		compopt -o filenames -o nospace 2>/dev/null
		mapfile -t COMPREPLY < <(
			_klp_modules "$cur"
			[[ $command == install ]] || compgen -W "$(_klp_installed)" -- "$cur"
		)
		;;
	uninstall)
		mapfile -t COMPREPLY < <(compgen -W "$(_klp_installed)" -- "$cur")
		;;
	events)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		;;
	unload)
		mapfile -t COMPREPLY < <(compgen -W "$(_klp_patches; _klp_loaded)" -- "$cur" | sort -u)
		;;
	help)
		words=$(klp --help 2>/dev/null | sed -n 's/^  \([a-z]*\)  .*/\1/p')
		mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
		;;
	show | wait | disable | reverse | force)
		mapfile -t COMPREPLY < <(compgen -W "$(_klp_patches)" -- "$cur")
		;;
	esac
}

complete -F _klp klp
complete -F _klp_build klp-build
