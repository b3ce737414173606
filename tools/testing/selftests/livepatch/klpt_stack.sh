# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Whose function is called, and which callback may run next? A model of patches that are stacked,
# replaced and turned back, for klpt-storm. It knows nothing of the core: tasks of world 1 have all
# patches but those that are about to be replaced, those of world 0 all but the one that moves.

stack=()	# patches that are enabled, or on their way, the oldest first
moving=""	# the one of them that is in transition
towards=""	# the world that it leads to
leaving=()	# those of them that it replaces
declare -A pieces set_of	# of each patch
declare -A said			# the last callback of each "PATCH OBJECT"

# among WORD LIST...
among() {
	local word=$1 other

	shift
	for other; do
		[[ $other != "$word" ]] || return 0
	done
	return 1
}

# comes PATCH [REPLACED...]: it is in transition
comes() {
	stack+=("$1")
	moving=$1
	towards=1
	leaving=("${@:2}")
}

# goes PATCH
goes() {
	moving=$1
	towards=0
	leaving=()
}

turns() {
	towards=$((1 - towards))
}

# arrives: the transition ends where it leads
arrives() {
	local p stay=() gone=("${leaving[@]}")

	((towards)) || gone=("$moving")
	for p in "${stack[@]}"; do
		among "$p" "${gone[@]}" || stay+=("$p")
	done
	stack=("${stay[@]}")
	# Nobody asks a patch that has been replaced.
	((!towards)) || for p in "${gone[@]}"; do
		silence "$p" replaced
	done
	moving=""
	leaving=()
}

# answer PIECE [WITHOUT...]: the number of the newest patch that has it, into $REPLY; 0 is the
# original
answer() {
	local p

	REPLY=0
	for p in "${stack[@]}"; do
		among "$p" "${@:2}" && continue
		# shellcheck disable=SC2086 # a list of words
		! among "$1" ${pieces[$p]} || REPLY=${p##*[a-z]}
	done
}

# answers PIECE: what there may be, into $REPLY; in a transition that of each world
answers() {
	local first

	if [[ -z $moving ]]; then
		answer "$1"
		return
	fi
	answer "$1" "${leaving[@]}"
	first=$REPLY
	answer "$1" "$moving"
	[[ $REPLY == "$first" ]] || REPLY="$first $REPLY"
}

# in_sets SET...: patches of these sets, into $REPLY
in_sets() {
	local p found=()

	for p in "${stack[@]}"; do
		! among "${set_of[$p]}" "$@" || found+=("$p")
	done
	REPLY=${found[*]}
}

# shares SET "PIECES" [REPLACED...]: with a patch of another set, which stays
shares() {
	local p piece

	for p in "${stack[@]}"; do
		[[ ${set_of[$p]} != "$1" ]] || continue
		among "$p" "${@:3}" && continue
		for piece in $2; do
			# shellcheck disable=SC2086 # a list of words
			! among "$piece" ${pieces[$p]} || return 0
		done
	done
	return 1
}

# may_say PATCH CALLBACK OBJECT: note it; fails when it does not follow the one before
may_say() {
	case ${said[$1 $3]:-nothing}-$2 in
	nothing-pre_patch | post_unpatch-pre_patch) ;;
	pre_patch-post_patch | pre_patch-post_unpatch) ;;
	post_patch-pre_unpatch) ;;
	pre_unpatch-post_patch | pre_unpatch-post_unpatch) ;;
	*) return 1 ;;
	esac
	said[$1 $3]=$2
}

# silence PATCH [WORD]: its callbacks have nothing before them, or WORD
silence() {
	local key

	for key in "${!said[@]}"; do
		[[ $key != "$1 "* ]] || said[$key]=${2:-nothing}
	done
}

# owes PATCH: an object of it has been set up and not been taken down, into $REPLY
owes() {
	local key

	for key in "${!said[@]}"; do
		[[ $key == "$1 "* ]] || continue
		case ${said[$key]} in
		nothing | post_unpatch | replaced) ;;
		*)
			REPLY="$key ${said[$key]}"
			return 0
			;;
		esac
	done
	return 1
}
