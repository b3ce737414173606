# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154 # pid is set by asleep()
#
# What should happen to system states in a transition? Read by the scripts about states, after
# klpt.sh: a model that knows the rules of Documentation/livepatch/system-state.rst and nothing of
# the core, and steps that let the core and the model do the same and compare.
#
#	ids[s1]="1 2"; ids[s2]="2 3"	# of the modules klpt_s1 and klpt_s2
#	comes s1			# on top of what is there
#	replaces s2			# what is there
#	goes s2				# is disabled

declare -A ids=()	# states of a patch, in the order of its table
declare -A rows=()	# those of them with a row, unless it is all
declare -A text=()	# the module parameter "rows", when there is more to say
declare -A more=()	# further module parameters
declare -A data=()	# [PATCH.ID] the state's data pointer
present=()		# enabled patches, oldest first
want=()			# what the callbacks should have written to the log
plan=()			# PATCH ID enter|leave

### The model: transition OLD... -- NEW..., begun for NEW, both oldest first

# lists WORD WORD...: is the first one among the others?
lists() {
	local word

	for word in "${@:2}"; do
		[[ $word == "$1" ]] && return 0
	done
	return 1
}

# newest ID TABLE PATCH...: the last of the patches that has ID in the table, into $REPLY
newest() {
	local id=$1 p
	local -n table=$2

	shift 2
	REPLY=
	for p in "$@"; do
		# shellcheck disable=SC2086 # a list of numbers
		lists "$id" ${table[$p]} && REPLY=$p
	done
}

# everything TABLE PATCH...: all ids, into $REPLY
everything() {
	local p
	local -n table=$1

	shift
	REPLY=
	for p in "$@"; do
		REPLY+=" ${table[$p]}"
	done
}

# backwards WORD...: into $REPLY
backwards() {
	local word

	REPLY=
	for word in "$@"; do
		REPLY="$word $REPLY"
	done
}

# What is in one of the worlds only: first what the new one brings, then what it lacks.
make_plan() {
	local p id here there news

	plan=()
	everything ids "${old[@]}"
	there=$REPLY
	everything ids "${new[@]}"
	here=$REPLY
	# shellcheck disable=SC2086 # lists of numbers
	for p in "${new[@]}"; do
		for id in ${ids[$p]}; do
			newest "$id" rows "${new[@]}"
			[[ $REPLY == "$p" ]] && ! lists $id $there && plan+=("$p $id enter")
		done
	done
	backwards "${old[@]}"
	news=$REPLY
	# shellcheck disable=SC2086
	for p in $news; do
		backwards ${ids[$p]}
		for id in $REPLY; do
			newest "$id" rows "${old[@]}"
			[[ $REPLY == "$p" ]] && ! lists $id $here && plan+=("$p $id leave")
		done
	done
	return 0
}

# hand_over FROM TO: names of arrays of patches; data of states that both of them have
hand_over() {
	local -n from=$1 to=$2
	local id giver

	everything ids "${to[@]}"
	for id in $REPLY; do
		newest "$id" ids "${from[@]}"
		giver=$REPLY
		newest "$id" ids "${to[@]}"
		[[ -n $giver && $giver != "$REPLY" ]] || continue
		# shellcheck disable=SC2086
		lists "$id" ${rows[$REPLY]} && data[$REPLY.$id]=${data[$giver.$id]:-0}
	done
}

# call_back NAME PATCH ID
call_back() {
	want+=("klpt_$2 $1 $3 ${data[$2.$3]:-0}")
	case $1 in
	pre_patch)	data[$2.$3]=$((${2#s} * 100 + $3)) ;;
	post_unpatch)	data[$2.$3]=0 ;;
	esac
}

# model_begins [FAILING]: the calls before tasks move; pre_patch of that state fails
model_begins() {
	local step p id way n=0

	make_plan
	hand_over old new
	for step in "${plan[@]}"; do
		read -r p id way <<< "$step"
		if [[ $way == leave ]]; then
			call_back pre_unpatch "$p" "$id"
		elif [[ $id == "${1:-}" ]]; then
			want+=("klpt_$p pre_patch $id ${data[$p.$id]:-0}")
			plan=("${plan[@]:0:n}")
			model_returns
			return
		else
			call_back pre_patch "$p" "$id"
		fi
		((++n))
	done
}

# All tasks are where they were to go.
model_settles() {
	local step p id way

	for step in "${plan[@]}"; do
		read -r p id way <<< "$step"
		[[ $way == enter ]] && call_back post_patch "$p" "$id"
		[[ $way == leave ]] && call_back post_unpatch "$p" "$id"
	done
	present=("${new[@]}")
}

# All tasks are where they were before: what has run is undone, last thing first.
model_returns() {
	local p id way i

	hand_over new old
	for ((i = ${#plan[@]} - 1; i >= 0; i--)); do
		read -r p id way <<< "${plan[i]}"
		[[ $way == enter ]] && call_back post_unpatch "$p" "$id"
		[[ $way == leave ]] && call_back post_patch "$p" "$id"
	done
	present=("${old[@]}")
}

# to_come PATCH [replace]; to_go PATCH: worlds of the next transition
to_come() {
	local id

	[[ -v rows[$1] ]] || rows[$1]=${ids[$1]}
	for id in ${ids[$1]}; do
		data[$1.$id]=0
	done
	how=${2:-}
	old=("${present[@]}")
	new=("${present[@]}" "$1")
	[[ -z $how ]] || new=("$1")
}

to_go() {
	local p

	old=("${present[@]}")
	new=()
	for p in "${present[@]}"; do
		[[ $p == "$1" ]] || new+=("$p")
	done
}

### Steps of both

# arguments PATCH: how to load the module, into $REPLY
arguments() {
	local table=${rows[$1]// /,}

	[[ ${rows[$1]} == "${ids[$1]}" ]] && table=
	[[ -n ${rows[$1]} ]] || table=none
	REPLY="states=${ids[$1]// /,} rows=${text[$1]:-$table} ${more[$1]:-}"
	[[ -z $how ]] || REPLY+=" replace=1"
}

# forget: what has run so far
forget() {
	log_clear
	want=()
}

# as_modelled WHEN: exactly these callbacks have run, in this order, with these data
as_modelled() {
	is "$(sed -E '/^klpt_s[0-9] (pre|post)_/!d' /proc/klpt/log)" \
		"$(printf '%s\n' "${want[@]}")" "callbacks $1"
}

# data_are WHEN: who is the newest with a state has its data
data_are() {
	local p id

	for p in "${present[@]}"; do
		get "/sys/module/klpt_$p/parameters/data"
		for id in ${rows[$p]}; do
			[[ " $REPLY " == *" $id:${data[$p.$id]} "* ]] ||
				fail "data of state $id of $p $1: no ${data[$p.$id]} in '$REPLY'"
		done
	done
}

both_are() {
	as_modelled "$1"
	data_are "$1"
}

# start PATCH: load it; to_come has been called
start() {
	model_begins
	arguments "$1"
	# shellcheck disable=SC2086 # a list of parameters
	load "klpt_$1" $REPLY
}

# arrived PATCH: wait until it is in force
arrived() {
	local p

	until_true "$1 to be enabled" settled "klpt_$1"
	model_settles
	both_are "after $1 has come"
	for p in "${old[@]}"; do
		lists "$p" "${new[@]}" && continue
		until_true "replaced patch $p to leave sysfs" gone "$LP/klpt_$p"
		unload "klpt_$p"
	done
}

# comes PATCH: on top of the others
comes() {
	to_come "$1"
	start "$1"
	arrived "$1"
}

# replaces PATCH: all others
replaces() {
	to_come "$1" replace
	start "$1"
	arrived "$1"
}

# goes PATCH: is disabled
goes() {
	to_go "$1"
	model_begins
	remove "klpt_$1"
	model_settles
	both_are "after $1 has gone"
}

# fails PATCH STATE [replace]: the state's pre_patch callback refuses the patch
fails() {
	to_come "$1" "${3:-}"
	model_begins "$2"
	arguments "$1"
	# shellcheck disable=SC2086
	refused "klpt_$1" "No such device" $REPLY fail="$2"
	message "livepatch: pre-patch callback failed for state $2 of patch 'klpt_$1' \(-19\)\$"
	both_are "after state $2 has refused $1"
	at_rest
}

# Somebody is in the way of both worlds: $a of where the transition goes, $b of the way back.
between() {
	asleep sleep 1
	a=$pid
	start "$1"
	only_left "klpt_$1" 1 "$a"
	asleep sleep 2
	b=$pid
	as_modelled "while tasks move to $1"
}

# turn PATCH 0|1: nothing is called in the moment of turning
turn() {
	put "$LP/klpt_$1/enabled" "$2"
	only_left "klpt_$1" "$2" "$([[ $2 == 1 ]] && echo "$a" || echo "$b")"
	as_modelled "when $1 turns to $2"
}

# turns_back PATCH [replace]: enabling is reversed
turns_back() {
	to_come "$1" "${2:-}"
	between "$1"
	turn "$1" 0
	wake 2
	until_true "$1 to be withdrawn" gone "$LP/klpt_$1"
	model_returns
	both_are "after $1 has turned back"
	unload "klpt_$1"
	wake 1
	ended "$a" "$b"
}

# turns_twice PATCH [replace]: and reversed again
turns_twice() {
	to_come "$1" "${2:-}"
	between "$1"
	turn "$1" 0
	turn "$1" 1
	wake 1
	arrived "$1"
	wake 2
	ended "$a" "$b"
}

# stays PATCH: disabling is reversed; goes_after_all PATCH: and reversed again
going() {
	to_go "$1"
	model_begins
	asleep sleep 2
	b=$pid
	put "$LP/klpt_$1/enabled" 0
	only_left "klpt_$1" 0 "$b"
	asleep sleep 1
	a=$pid
	turn "$1" 1
}

stays() {
	going "$1"
	wake 1
	until_true "$1 to be back" settled "klpt_$1"
	model_returns
	both_are "after $1 has stayed"
	wake 2
	ended "$a" "$b"
}

goes_after_all() {
	going "$1"
	turn "$1" 0
	wake 2
	until_true "$1 to be disabled" gone "$LP/klpt_$1"
	unload "klpt_$1"
	model_settles
	both_are "after $1 has gone after all"
	wake 1
	ended "$a" "$b"
}
