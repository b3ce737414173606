/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory whose stores arrive late.
 *
 * A store waits in the buffer of its CPU until it gets to memory. Of those that wait, each may be the
 * next, but for those behind a write barrier; with TSO defined they go in order, as on x86. The CPU
 * itself sees what it has stored. Loads go where they stand, or early: where a machine may do so,
 * the reader does. PLACES, CPUS and SEEN(place), which is told what arrives, are the reader's.
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

#define WRITE_BARRIER(cpu)	buffers[cpu].barriers++

/* What a full barrier waits for, and a context switch. */
#define ALL_ARRIVED(cpu)	(buffers[cpu].nr == 0)

/* Barriers with nothing in front of them are none. */
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
			buffers[cpu].behind[at] = buffers[cpu].behind[at] - least
		:: else
		fi;
		at++
	:: else -> break
	od;
	at = 0;
	least = 0
}

proctype arrivals(byte cpu)
{
	byte place, at, least;

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
			SEEN(place);
			forget_barriers(cpu)
		:: else
		fi;
		place = 0
	   }
	od
}
