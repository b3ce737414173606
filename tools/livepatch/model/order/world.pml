/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Does a task ever mix worlds, whatever the order that stores and loads take effect in?
 *
 * An operator begins a transition, may reverse it, and settles it, twice, in either direction of
 * target; a task calls two functions, the second one out of the first, sleeps, passes cond_resched()
 * and leaves the kernel. The rules A, B and G of Documentation/livepatch/worlds.rst, each of which
 * can be left out.
 */

/* The task's patch_state and TIF flag; destinations of two functions in two worlds; target, ranges. */
#define STATE		0
#define FLAG		1
#define F		2	/* and 3 */
#define G		4	/* and 5 */
#define TARGET		6
#define RANGES		7
#define PLACES		8

#define CPUS		2
#define OPERATOR	0
#define TASK		1

#define IDLE		2	/* as the world that a task is in, it is 0 */
#define NOBODY		9

byte heading = NOBODY;	/* the world that flags are meant for, once they may be set */
byte freed = NOBODY;

#include "memory.pml"

#ifdef WITHOUT_A
#define A	skip
#else
#define A	WRITE_BARRIER(OPERATOR)
#endif

/* The task, from outside. */
bool asleep;		/* it has called the scheduler */
byte no_preempt;
byte in_f = NOBODY, in_g = NOBODY;	/* the code that it is in, or on the way to */

#define WORLD(state)	(state == IDLE -> 0 : state)

/* klp_sync(): the CPU of the task passes a context switch, so does the one that waits. */
#define SYNC	atomic { ALL_ARRIVED(OPERATOR) && ALL_ARRIVED(TASK) && !no_preempt }

inline set_flag()
{
	A;
	heading = target;
	if
	:: LOAD(OPERATOR, STATE) != target -> STORE(OPERATOR, FLAG, 1)
	:: else
	fi
}

/* A look at a task that sleeps: its lock is what the task needs in order to go on. */
inline look()
{
	atomic {
		asleep && ALL_ARRIVED(OPERATOR) && ALL_ARRIVED(TASK) && memory[STATE] != target &&
			in_f != old && in_g != old ->
		memory[FLAG] = 0;
		memory[STATE] = target
	}
}

proctype operator()
{
	byte target, now = 0, next, old, turns, transitions;

	do
	:: transitions < 2 ->
		next = transitions + 1;
		old = now;
		select (target : 0 .. 1);
		STORE(OPERATOR, STATE, 1 - target);
#ifndef WITHOUT_G_BEGIN
		SYNC;
#endif
		STORE(OPERATOR, F + target, next);
		STORE(OPERATOR, G + target, next);
		STORE(OPERATOR, TARGET, target);
		STORE(OPERATOR, RANGES, old);
		set_flag();
		do
		:: look()
		:: atomic {
			turns < 2 -> turns++;
			heading = NOBODY
		   };
#ifndef WITHOUT_TAKING_BACK
			STORE(OPERATOR, FLAG, 0);
#endif
#ifndef WITHOUT_G_REVERSE
			SYNC;
#endif
			target = 1 - target;
			old = (old == now -> next : now);
			STORE(OPERATOR, TARGET, target);
			STORE(OPERATOR, RANGES, old);
			set_flag()
		:: LOAD(OPERATOR, STATE) == target -> break
		od;
		now = (old == now -> next : now);
		heading = NOBODY;
		STORE(OPERATOR, F + 1 - target, now);
		STORE(OPERATOR, G + 1 - target, now);
#ifndef WITHOUT_G_SETTLE
		SYNC;
#endif
		STORE(OPERATOR, TARGET, IDLE);
		STORE(OPERATOR, RANGES, NOBODY);
		STORE(OPERATOR, STATE, IDLE);
		freed = old;
		transitions++;
		turns = 0
	:: else -> break
	od
}

/* A call: the world, by that the destination; on the way there. */
inline call(function, where)
{
	no_preempt++;
	world = LOAD(TASK, STATE);
	atomic {
		where = LOAD(TASK, function + WORLD(world));
		no_preempt--;
		world = 0
	}
}

/* Loads may go early, up to a barrier. */
inline early()
{
	if
#ifndef TSO
	:: early_target = LOAD(TASK, TARGET); early_ranges = LOAD(TASK, RANGES); is_early = true
#endif
	:: true
	fi
}

inline forget_early()
{
	atomic {
		is_early = false;
		early_target = 0;
		early_ranges = 0
	}
}

inline read_target()
{
	if
	:: is_early -> goal = early_target
	:: else -> goal = LOAD(TASK, TARGET)
	fi
}

inline read_ranges()
{
	if
	:: is_early -> ranges = early_ranges
	:: else -> ranges = LOAD(TASK, RANGES)
	fi
}

/* Whoever has taken a flag goes where it was meant for. */
inline change_over()
{
	atomic {
		assert(heading == NOBODY || goal == heading);
		STORE(TASK, STATE, goal)
	}
}

inline leave_kernel()
{
	no_preempt++;
	early();
	if
#ifdef WITHOUT_B_EXIT
	:: atomic { memory[FLAG] -> memory[FLAG] = 0 };
#else
	:: atomic { memory[FLAG] && ALL_ARRIVED(TASK) -> memory[FLAG] = 0 };
		forget_early();
#endif
		read_target();
		change_over()
	:: !memory[FLAG]
	fi;
	goal = 0;
	forget_early();
	no_preempt--
}

inline resched()
{
	no_preempt++;
	early();
	if
	:: memory[FLAG] ->
#ifndef WITHOUT_B_RESCHED
		forget_early();
#endif
		read_target();
		if
		:: LOAD(TASK, STATE) != goal ->
			read_ranges();
			if
			:: in_f != ranges && in_g != ranges ->
				memory[FLAG] = 0;
				read_target();
				change_over()
			:: else
			fi;
			ranges = 0
		:: else
		fi
	:: else
	fi;
	goal = 0;
	forget_early();
	no_preempt--
}

inline sleep()
{
	atomic { ALL_ARRIVED(TASK) -> asleep = true };
	asleep = false
}

proctype task()
{
	byte world, early_target, early_ranges, goal, ranges;
	bool is_early;

end:	do
	:: call(F, in_f);
		do
		:: call(G, in_g);
			assert(in_g == in_f);
			assert(in_g != freed);
			if
			:: sleep()
			:: resched()
			:: true
			fi;
			in_g = NOBODY
		:: sleep()
		:: resched()
		:: break
		od;
		assert(in_f != freed);
		in_f = NOBODY
	:: sleep()
	:: resched()
	:: leave_kernel()
	od
}

init
{
	atomic {
		memory[STATE] = IDLE;
		memory[TARGET] = IDLE;
		memory[RANGES] = NOBODY;
		run arrivals(OPERATOR);
		run arrivals(TASK);
		run task();
		run operator()
	}
}
