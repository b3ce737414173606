#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Runs in a guest: do the livepatches that klp-build made load, work, replace each other, and go?
# Each is looked at three times: before, while it is in force, and when another has taken over.
# Prints TAP.

modules=/klp-build
sys=/sys/kernel/livepatch
kset=/sys/kernel/kset_example/bar
example=/sys/kernel/kobject_example
tracing=/sys/kernel/tracing

# ---- the kernel's log, of which each part is read once

log=/tmp/log

# What has come since the last call, with levels.
news() {
	dmesg --decode --read-clear | tee -a "$log"
}

# ---- what patches/NAME.patch changes: what look_NAME() prints with it and without it, as patterns

declare -A with without
while read -r name new; do
	with[$name]=${new%%$'\t'*}
	# shellcheck disable=SC2034 # seen() has it by its name
	without[$name]=${new##*$'\t'}
done <<'END'
callbacks	patched: Linux version *	Linux version *
cold		nothing for klp-cold		nodev?*
exported	LITTLE				little
fault		shown EFAULT			klp-hidden shown EFAULT
inline		later, later			now, now
module		3 baz=4 bar=5			3
new-data	counted				not counted
new-function	Character devices, patched:	Character devices:
shadow		7 writes=[1-9]*			7
sleeper		sleeps				ends
static		*=full patched_by=klp-build	*=full
static-local	was made silent: 4		nothing
string		cpu0 cpu1			CPU0 CPU1
switch		by kbd, by ACPI			kbd, acpi
syscall		patched by klp-build		#*
tracepoint	name, name			cut-name, cut-name
two-objects	64 bits, 4 bits			64, 4
warn		1				0
END

look_callbacks() {
	cat /proc/version
}

look_cold() {
	/tmp/klp-cold /proc/filesystems | head -n 1
}

look_exported() {
	cat /sys/kernel/cpu_byteorder
}

look_fault() {
	echo "$(cd /tmp/names && find . -type f -printf '%f\n' | sort | paste -sd' ')" \
		"$("$modules/calls" names /tmp/names)"
}

look_inline() {
	local seconds said=()

	for seconds in "$(cut -d. -f1 /proc/uptime)" "$("$modules/calls" uptime)"; do
		if ((seconds > 1000000000)); then
			said+=(later)
		else
			said+=(now)
		fi
	done
	echo "${said[0]}, ${said[1]}"
}

look_module() {
	cat "$example/foo"
}

look_new_data() {
	local first second

	first=$(sed -n 's/.* reads=//p' /proc/loadavg)
	second=$(sed -n 's/.* reads=//p' /proc/loadavg)
	if [[ -n $first ]] && ((second == first + 1)); then
		echo "counted"
	else
		echo "not counted${first:+: $first $second}"
	fi
}

look_new_function() {
	head -n 1 /proc/devices
}

look_shadow() {
	echo 7 >"$kset/foo"
	cat "$kset/foo"
}

look_sleeper() {
	local sleeper

	if fall_asleep; then
		echo sleeps
		wake_up
	else
		echo ends
	fi
}

look_static() {
	cat /proc/cmdline
}

look_static_local() {
	local said

	news >/dev/null
	echo 1 >/proc/sys/vm/drop_caches
	said=$(news | sed -n 's/.*drop_caches: \(was made silent: .*\)/\1/p')
	echo "${said:-nothing}"
}

look_string() {
	head -n 1 /proc/softirqs | awk '{ print $1, $2 }'
}

look_switch() {
	local type said=()

	for type in kbd acpi; do
		echo "$type" >/sys/kernel/reboot/type
		said+=("$(cat /sys/kernel/reboot/type)")
	done
	echo "${said[0]}, ${said[1]}"
}

look_syscall() {
	uname -v
}

# The name that a process gives itself, and what the event says.
look_tracepoint() {
	local name event

	echo >"$tracing/trace"
	name=$(bash -c 'echo -n cut-name >/proc/$$/comm
		read -r name </proc/$$/comm && echo "$name"')
	event=$(sed -n 's/.*task_rename: .*newcomm=\([a-z]*-\?name\) .*/\1/p' "$tracing/trace")
	echo "$name, $event"
}

look_two_objects() {
	echo "$(cat /sys/kernel/address_bits), $(cat "$example/baz")"
}

look_warn() {
	news >/dev/null
	cat /proc/consoles >/dev/null
	news | grep -c 'klp-build: console'
}

# The patch "sleeper" has it wait inside a patched function for the signal that kills it.
fall_asleep() {
	local state times=0

	/tmp/klp-sleeper /proc/meminfo >/dev/null &
	sleeper=$!
	while read -r _ _ state _ <"/proc/$sleeper/stat" && [[ $state != Z ]] && ((times < 10)); do
		[[ $state != D ]] || times=$((times + 1))
		sleep 0.1
	done 2>/dev/null
	((times == 10)) && return
	wait "$sleeper"
	return 1
}

wake_up() {
	kill -KILL "$sleeper"
	wait "$sleeper" 2>/dev/null
	(($? == 128 + 9))
}

# ---- patches

number=0

# ok NAME COMMAND...: COMMAND must succeed
ok() {
	local name=$1 verdict=ok

	shift
	number=$((number + 1))
	"$@" || verdict='not ok'
	echo "$verdict $number - $name"
}

# seen {with|without} NAME...: what the patches change is seen, or not
seen() {
	local -n patterns=$1
	local name said bad=0

	shift
	for name; do
		said=$("look_${name//-/_}" 2>&1)
		# shellcheck disable=SC2053 # a pattern
		[[ $said == ${patterns[$name]} ]] && continue
		echo "# $name: '$said' instead of '${patterns[$name]}'"
		bad=1
	done
	return $bad
}

# until_it COMMAND...: succeeds within half a minute
until_it() {
	local try

	for ((try = 0; try < 300; try++)); do
		"$@" && return
		sleep 0.1
	done
	echo "# never: $*"
	return 1
}

is() {
	[[ $(cat "$1" 2>/dev/null) == "$2" ]]
}

settled() {
	is "$sys/livepatch_${1//-/_}/transition" 0
}

load() {
	insmod "$modules/livepatch-$1.ko" && until_it settled "$1"
}

gone() {
	[[ ! -e $sys/livepatch_${1//-/_} ]]
}

# put VALUE FILE
put() {
	echo "$1" >"$2"
}

disable() {
	echo 0 >"$sys/livepatch_${1//-/_}/enabled" && until_it gone "$1"
}

# For a moment somebody may have a reference still.
removed() {
	rmmod "livepatch_${1//-/_}" 2>/dev/null
}

remove() {
	until_it removed "$1"
}

alone() {
	[[ $(ls "$sys") == "$1" ]]
}

# in_force NAME...: these are enabled in all objects that there are, and no others are there
in_force() {
	local name dir object want

	want=$(printf 'livepatch_%s\n' "${@//-/_}" | sort)
	# One that was replaced is seen for a moment still.
	if ! until_it alone "$want"; then
		echo "# there are:" "$sys"/*
		return 1
	fi
	for name in $want; do
		dir=$sys/$name
		is "$dir/enabled" 1 && is "$dir/transition" 0 || return
		for object in "$dir"/*/; do
			object=${object%/}
			[[ ${object##*/} == vmlinux || -e /sys/module/${object##*/} ]] || continue
			is "$object/patched" 1 || return
		done
	done
}

pending() {
	sleep 1
	is "$sys/livepatch_$1/transition" 1
}

# Position among those of its name, which nothing but the whole kernel tells.
one_of_many() {
	local many

	many=$(grep -c ' type_show$' /proc/kallsyms)
	echo "# $many functions are called type_show; patched: $(cd "$1" && echo type_show,*)"
	((many > 1)) && [[ -e $(echo "$1"/type_show,*) ]]
}

# Since the log had $known lines.
callbacks_ran() {
	local said

	news >/dev/null
	said=$(tail -n +$((known + 1)) "$log" |
		sed -n 's/.*klp-build: \(p[a-z]*_[a-z]*patch\)$/\1/p' | paste -sd' ')
	echo "# callbacks: $said"
	[[ $said == "$*" ]]
}

no_complaints() {
	! grep -E '^kern *:(emerg|alert|crit|err|warn) *:.*livepatch: ' "$log" |
		sed 's/^/# /' | grep .
}

# ---- the test

objects() {
	modprobe kobject-example && modprobe kset-example || return
	echo 3 >"$example/foo"
	echo 4 >"$example/baz"
	echo 5 >"$example/bar"
}

mapfile -t names < <(cd "$modules" && printf '%s\n' livepatch-*.ko |
	sed -e 's/^livepatch-//' -e 's/\.ko$//' | grep -vxE 'all|beside' | sort)

mkdir /tmp/names
touch /tmp/names/{klp-hidden,shown}
cp /bin/cat /tmp/klp-cold
cp /bin/cat /tmp/klp-sleeper
echo 1 >"$tracing/events/task/task_rename/enable"
# It says so once, and never anything again.
echo 4 >/proc/sys/vm/drop_caches

ok 'each patch has something to be seen, and the other way' \
	[ "${names[*]}" = "$(printf '%s\n' "${!with[@]}" | sort | paste -sd' ')" ]
ok 'the modules to be patched are loaded' objects
ok 'nothing is patched at first' seen without "${names[@]}"

previous=
for name in "${names[@]}"; do
	ok "$name: loads" load "$name"
	ok "$name: is in force" in_force "$name"
	ok "$name: works" seen with "$name"
	[[ $name != switch ]] ||
		ok "$name: one of those of its name" one_of_many "$sys/livepatch_switch/vmlinux"
	if [[ -n $previous ]]; then
		ok "$previous: what it did is gone" seen without "$previous"
		ok "$previous: its module goes" remove "$previous"
	fi
	previous=$name
done
ok "$previous: can be disabled" disable "$previous"
ok "$previous: its module goes" remove "$previous"
ok 'nothing is patched any more' seen without "${names[@]}"

# Somebody is in a replacement, and it is waited for until he is not.
ok 'sleeper: loads again' load sleeper
ok 'somebody sleeps in its function' fall_asleep
ok 'it is to be disabled' put 0 "$sys/livepatch_sleeper/enabled"
ok 'that has to wait' pending sleeper
ok 'that is reversed' put 1 "$sys/livepatch_sleeper/enabled"
ok 'which ends while he sleeps' until_it settled sleeper
ok 'it is in force' in_force sleeper
ok 'another comes to replace it' insmod "$modules/livepatch-static.ko"
ok 'that has to wait' pending static
ok 'he is woken up' wake_up
ok 'the other has replaced it' until_it settled static
ok 'static: is in force' in_force static
ok 'static: works' seen with static
ok 'sleeper: what it did is gone' seen without sleeper
ok 'sleeper: its module goes' remove sleeper

# One that was made with --no-replace.
ok 'beside: loads' load beside
ok 'beside: is in force together with static' in_force beside static
ok 'both work' seen with static string

# All of them in one.
news >/dev/null
known=$(wc -l <"$log")
ok 'all: loads' load all
ok 'all: has replaced both' in_force all
ok 'all: works' seen with "${names[@]}"
ok 'beside: its module goes' remove beside
ok 'static: its module goes' remove static
ok 'the patched modules go' rmmod kobject_example kset_example
ok 'and come' objects
ok 'all: is in force there, too' in_force all
ok 'all: works there' seen with module shadow two-objects
ok 'all: can be disabled' disable all
ok 'callbacks: each ran once' callbacks_ran pre_patch post_patch pre_unpatch post_unpatch
ok 'all: what it did is gone' seen without "${names[@]}"
ok 'all: its module goes' remove all
with[shadow]='7 writes=1'
ok 'all: loads again' load all
ok 'all: works, and the old shadow variables are gone' seen with "${names[@]}"
ok 'all: can be disabled again' disable all
ok 'all: its module goes again' remove all
ok 'no patch is left' [ -z "$(ls "$sys")" ]
ok 'the modules that were patched go' rmmod kobject_example kset_example

news >/dev/null
ok 'livepatch has not complained' no_complaints
echo "1..$number"
