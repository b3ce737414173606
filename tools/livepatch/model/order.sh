# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Read by ./run: is what the core promises true in whatever order stores and loads take effect, and
# which rule about order is needed for that? Spin goes through all states of the models in ./order.

: "${here:?}" "${out:?}"

# explore MODEL [OPTION...]: 0 when all is well, 1 when something is not, else 2; the log is $log.
explore() {
	local model=$1 dir

	shift
	dir=$out/order/$model$(printf '%s' "$@")
	log=$dir/log
	rm -rf "$dir"
	mkdir -p "$dir"
	cp "$here"/order/*.pml "$dir/"
	(
		cd "$dir"
		spin -a "$@" "$model.pml" || exit 2
		gcc -O2 -w -DSAFETY -DCOLLAPSE -DVECTORSZ=2048 -DMEMLIM=4096 pan.c -o pan || exit 2
		./pan -m1000000 || exit 2
		# The last steps before something is wrong, with what changes in each.
		[[ ! -e $model.pml.trail ]] || spin -t -p -g -l "$@" "$model.pml" | tail -n 60
	) >"$log" 2>&1 || return 2
	# A search that was cut short has shown nothing.
	! grep -q -e 'max search depth too small' -e 'memory limit' -e 'out of memory' "$log" ||
		return 2
	grep -q 'errors: 0$' "$log" && return 0
	grep -q 'assertion violated' "$log" && return 1
	return 2
}

states() {
	awk '$2 == "states," && $3 == "stored" { print $1 }' "$log"
}

# holds MODEL WORDS [OPTION...]
holds() {
	local status=0

	explore "$1" "${@:3}" || status=$?
	((!status)) || sed 's/^/# /' "$log"
	result "$status" "$1: $2: $(states) states"
}

# One result for each model and kind of machine.
order_holds() {
	local model words

	while read -r model words; do
		picked "$model" || continue
		holds "$model" "$words, weak machine"
		holds "$model" "$words, one like x86" -DTSO
	done <<-END
		world a task calls, sleeps, leaves the kernel in two transitions that are reversed
		index a task searches while sites and tables come and go
		family a task has children, which exit, in two transitions that are reversed
	END
}

# One result for each rule: without it, something is wrong where it is needed, and only there.
order_is_needed() {
	local model option where words status like_x86

	while read -r model option where words; do
		[[ $model && $model != '#'* ]] || continue
		picked "$model" || continue
		status=0
		explore "$model" "-D$option" || status=$?
		like_x86=0
		explore "$model" "-D$option" -DTSO || like_x86=$?
		case $where:$status:$like_x86 in
		any:1:1 | weak:1:0) status=0 ;;
		*)
			echo "# on a weak machine $status, on one like x86 $like_x86"
			status=1 ;;
		esac
		result "$status" "$model: needed ($where): $words"
	done <"$here/order/rules"
}
