/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory whose stores arrive late.
 *
 * A store waits in the buffer of its CPU until it gets to memory. Of those that wait, each may be the
 * next, but for those behind a write barrier; with TSO defined they go in order, as on x86. The CPU
 * itself sees what it has stored. Loads go where they stand, or early: where a machine may do so,
 * the reader does. PLACES and CPUS are the reader's.
 */

byte memory[PLACES];

typedef buffer {
	bool waits[PLACES];
	byte value[PLACES];
	byte behind[PLACES];	/* so many barriers */
	byte barriers;
	byte nr;
}
buffer buffers[CPUS];

#ifdef TSO
#define IN_ORDER(cpu)	buffers[cpu].barriers++
#else
#define IN_ORDER(cpu)	skip
#endif

/* Two stores to one place arrive one after the other. */
#define STORE(cpu, place, what)							\
	atomic {								\
		!buffers[cpu].waits[place];					\
		buffers[cpu].waits[place] = true;				\
		buffers[cpu].value[place] = what;				\
		buffers[cpu].behind[place] = buffers[cpu].barriers;		\
		buffers[cpu].nr++;						\
		IN_ORDER(cpu)							\
	}

#define LOAD(cpu, place)							\
	(buffers[cpu].waits[place] -> buffers[cpu].value[place] : memory[place])

/* With nothing in front of it, it is none. */
#define WRITE_BARRIER(cpu)							\
	buffers[cpu].barriers = (buffers[cpu].nr -> buffers[cpu].barriers + 1 : 0)

/* What a full barrier waits for, and a context switch. */
#define ALL_ARRIVED(cpu)	(buffers[cpu].nr == 0)

/* What stood in front of the first barriers has arrived. */
inline forget_barriers(cpu)
{
	least = buffers[cpu].barriers;
	at = 0;
	do
	:: at < PLACES ->
		if
		:: buffers[cpu].waits[at] && buffers[cpu].behind[at] < least ->
			least = buffers[cpu].behind[at]
		:: else
		fi;
		at++
	:: else -> break
	od;
	buffers[cpu].barriers = buffers[cpu].barriers - least;
	at = 0;
	do
	:: at < PLACES ->
		if
		:: buffers[cpu].waits[at] ->
			buffers[cpu].behind[at] = buffers[cpu].behind[at] - least;
			is_next = is_next || buffers[cpu].behind[at] == 0
		:: else
		fi;
		at++
	:: else -> break
	od;
	/* Else it would wait for ever, and nobody would see it. */
	assert(!buffers[cpu].nr || is_next);
	at = 0;
	least = 0;
	is_next = false
}

proctype arrivals(byte cpu)
{
	byte place, at, least;
	bool is_next;

end:	do
	:: atomic {
		buffers[cpu].nr > 0 ->
		select (place : 0 .. PLACES - 1);
		if
		:: buffers[cpu].waits[place] && buffers[cpu].behind[place] == 0 ->
			memory[place] = buffers[cpu].value[place];
			buffers[cpu].waits[place] = false;
			buffers[cpu].value[place] = 0;
			buffers[cpu].nr--;
			forget_barriers(cpu)
		:: else
		fi;
		place = 0
	   }
	od
}
