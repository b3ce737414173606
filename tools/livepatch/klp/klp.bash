# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Completion of klp(8) in bash: commands and options as the program itself lists them, patches by
# their names, files by their suffix.

_klp_patches() {
	local dir

	for dir in /sys/kernel/livepatch/*/; do
		[[ -d $dir ]] && basename "$dir"
	done
}

_klp_modules() {
	compgen -f -X '!*.ko' -- "$1"
	compgen -d -S / -- "$1"
}

_klp() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]}
	local words

	COMPREPLY=()
	if ((COMP_CWORD == 1)); then
		words=$(klp --help 2>/dev/null | sed -n 's/^  \([a-z]*\)  .*/\1/p')
		mapfile -t COMPREPLY < <(compgen -W "$words --help --version" -- "$cur")
		return
	fi
	case $prev in
	-o | --output)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--timeout)
		return
		;;
	esac
	if [[ $cur == -* ]]; then
		words=$(klp "$command" --help 2>/dev/null | grep -o -e '--[a-z-]*' | sort -u)
		mapfile -t COMPREPLY < <(compgen -W "$words --help" -- "$cur")
		return
	fi
	case $command in
	load | rollback)
		compopt -o filenames -o nospace 2>/dev/null
		mapfile -t COMPREPLY < <(_klp_modules "$cur")
		;;
	events)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		;;
	show | wait | disable | reverse | unload | force)
		mapfile -t COMPREPLY < <(compgen -W "$(_klp_patches)" -- "$cur")
		;;
	esac
}

complete -F _klp klp
