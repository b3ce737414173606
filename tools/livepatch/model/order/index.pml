/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Does who searches the index of sites find what he should, and nothing that has been freed?
 *
 * An operator adds and removes sites of two functions that begin their search at the same slot, and
 * has the table replaced when it is full; a task is called at one of them by ftrace and searches. The
 * rules I and G of kernel/livepatch/index.c, each of which can be left out, and that a slot is never
 * used twice.
 */

#define SLOTS		2
#define POINTER		0	/* which table, 0 or 1 */
#define KEY(table, i)	(1 + 2 * (SLOTS * (table) + (i)))
#define SITE(table, i)	(KEY(table, i) + 1)
#define PLACES		9

#define CPUS		1
#define OPERATOR	0

#define OURS		1	/* the function that the task calls, and its key */
#define OTHER		2
#define GONE		3

#define CHANGES		7
#define SITES		8	/* numbered from 1 on */

#include "memory.pml"

#ifdef WITHOUT_I_KEY
#define I_KEY	skip
#else
#define I_KEY	WRITE_BARRIER(OPERATOR)
#endif
#ifdef WITHOUT_I_TABLE
#define I_TABLE	skip
#else
#define I_TABLE	WRITE_BARRIER(OPERATOR)
#endif

bool table_freed[2];
bool site_freed[SITES];
byte function_of[SITES];
byte hooked;		/* the site of OURS for which calls come, or 0 */
byte no_preempt;

/* klp_sync() */
#define SYNC	atomic { ALL_ARRIVED(OPERATOR) && !no_preempt }

#define MINE(what)	LOAD(OPERATOR, what)

#ifdef SLOTS_AGAIN
#define USABLE(key)	(key == 0 || key == GONE)
#else
#define USABLE(key)	(key == 0)
#endif

/* Into the first slot that will do, or it is crowded. */
inline put(to, which)
{
	i = 0;
	do
	:: i < SLOTS ->
		if
		:: USABLE(MINE(KEY(to, i))) -> break
		:: else -> i++
		fi
	:: else -> break
	od;
	if
	:: i < SLOTS ->
		STORE(OPERATOR, SITE(to, i), which);
		I_KEY;
		STORE(OPERATOR, KEY(to, i), function_of[which]);
		crowded = false
	:: else -> crowded = true
	fi;
	i = 0
}

/* Another table, with the sites that there are. */
inline rebuild()
{
	new = 1 - table;
	atomic {
		i = 0;
		do
		:: i < SLOTS ->
			memory[KEY(new, i)] = 0;
			memory[SITE(new, i)] = 0;
			i++
		:: else -> break
		od;
		i = 0;
		table_freed[new] = false
	};
	if
	:: site_of[OURS] -> put(new, site_of[OURS])
	:: else
	fi;
	if
	:: site_of[OTHER] -> put(new, site_of[OTHER])
	:: else
	fi;
	I_TABLE;
	STORE(OPERATOR, POINTER, new);
#ifndef WITHOUT_G_TABLE
	SYNC;
#endif
	table_freed[table] = true;
	table = new;
	new = 0
}

inline add(function)
{
	sites++;
	function_of[sites] = function;
	put(table, sites);
	if
	:: crowded ->
		rebuild();
		put(table, sites)
	:: else
	fi;
	site_of[function] = sites;
	/* Code is patched: all that was stored before is there. */
	atomic {
		ALL_ARRIVED(OPERATOR);
		if
		:: function == OURS -> hooked = sites
		:: else
		fi
	}
}

inline remove(function)
{
	if
	:: function == OURS -> hooked = 0
	:: else
	fi;
	i = 0;
	do
	:: MINE(KEY(table, i)) != function -> i++
	:: else -> break
	od;
	STORE(OPERATOR, KEY(table, i), GONE);
	i = 0;
	gone[site_of[function]] = true;
	some_gone = true;
	site_of[function] = 0
}

/* Those that went some time ago. */
inline bury()
{
#ifndef WITHOUT_G_SITE
	SYNC;
#endif
	atomic {
		do
		:: i < SITES ->
			site_freed[i] = site_freed[i] || gone[i];
			gone[i] = false;
			i++
		:: else -> break
		od;
		i = 0;
		some_gone = false
	}
}

proctype operator()
{
	byte table, changes, sites, i, new, site_of[3];	/* the table of now is its own */
	bool crowded, some_gone, gone[SITES];

	do
	:: changes < CHANGES ->
		changes++;
		if
		:: !site_of[OURS] -> add(OURS)
		:: !site_of[OTHER] -> add(OTHER)
		:: site_of[OURS] -> remove(OURS)
		:: site_of[OTHER] -> remove(OTHER)
		:: some_gone -> bury()
		fi
	:: else -> break
	od
}

/* What is in a table that has been freed is not looked at. */
inline read(what, place)
{
	atomic {
		assert(!table_freed[table]);
		what = memory[place]
	}
}

/* Keys and sites of all slots may be read early. */
inline early()
{
	if
#ifndef TSO
	:: read(early_site[0], SITE(table, 0)); read(early_site[1], SITE(table, 1)); is_early = true
	:: read(early_key, KEY(table, 1)); key_is_early = true
#endif
	:: true
	fi
}

inline read_key()
{
	if
	:: at == 1 && key_is_early -> key = early_key
	:: else -> read(key, KEY(table, at))
	fi
}

inline read_site()
{
#ifndef WITHOUT_I_ACQUIRE
	is_early = false;
#endif
	if
	:: is_early -> site = early_site[at]
	:: else -> read(site, SITE(table, at))
	fi
}

inline search()
{
	no_preempt++;
	table = memory[POINTER];
	early();
	do
	:: at < SLOTS ->
		read_key();
		if
		:: key == OURS || key == 0 -> break
		:: else -> at++
		fi
	:: else -> key = 0; break
	od;
	if
	:: key == OURS ->
		read_site();
		assert(site != 0 && function_of[site] == OURS);
		assert(!site_freed[site])
	/* Whoever calls a function that has been hooked all the time has to find it. */
	:: else -> assert(hooked != came_for)
	fi;
	atomic {
		no_preempt--;
		table = 0; at = 0; key = 0; site = 0;
		early_key = 0; early_site[0] = 0; early_site[1] = 0;
		is_early = false; key_is_early = false
	}
}

proctype task()
{
	byte came_for, table, at, key, site, early_key, early_site[2];
	bool is_early, key_is_early;

end:	do
	:: atomic { hooked -> came_for = hooked };
		search();
		came_for = 0
	od
}

init
{
	atomic {
		table_freed[1] = true;
		run arrivals(OPERATOR);
		run task();
		run operator()
	}
}
