/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Does a task that is born or dies in the middle of a transition end up where the others do?
 *
 * An operator begins, may reverse and settles two transitions, in either direction of target, and
 * frees what was replaced. A task calls a function, leaves the kernel, and has a child, which does
 * the same and exits, upon which there can be another. Where preemption is on, a task may be pushed
 * aside and be moved. What kernel/livepatch/transition.c says of fork and exit, each of which can be
 * left out.
 */

/* patch_state of the parent and its child, their TIF flags; destinations in two worlds; target. */
#define STATE		0	/* and 1 */
#define FLAG		2	/* and 3 */
#define F		4	/* and 5 */
#define TARGET		6
#define PLACES		7

/* The tasks have a CPU each. */
#define CPUS		3
#define PARENT		0
#define CHILD		1
#define OPERATOR	2

#define IDLE		2	/* as the world that a task is in, it is 0 */
#define NOBODY		9

#include "memory.pml"

byte heading = NOBODY;	/* the world that flags are meant for, once they may be set */
byte everybody = NOBODY;	/* the world that all tasks have been seen in */
byte freed = NOBODY;

/* tasklist_lock: none of those who take it for reading does so at the same time. */
bool locked;
bool listed[2];

/* The tasks, from outside. */
bool runs[2];
bool busy[2];		/* neither asleep nor in user mode since RCU-tasks has begun to wait */
byte no_preempt[2];
byte in_f[2] = NOBODY;	/* the code that it is in, or on the way to */

#define LOCK		atomic { !locked -> locked = true }
#define UNLOCK(cpu)	atomic { ALL_ARRIVED(cpu) -> locked = false }

#define WORLD(state)	(state == IDLE -> 0 : state)

/* klp_sync(): all CPUs pass a context switch. */
#define SYNC									\
	atomic {								\
		ALL_ARRIVED(OPERATOR) && ALL_ARRIVED(PARENT) && ALL_ARRIVED(CHILD) &&	\
			!no_preempt[PARENT] && !no_preempt[CHILD]		\
	}

inline set_states(world)
{
	LOCK;
	if
	:: listed[PARENT] -> STORE(OPERATOR, STATE + PARENT, world)
	:: else
	fi;
	if
	:: listed[CHILD] -> STORE(OPERATOR, STATE + CHILD, world)
	:: else
	fi;
	UNLOCK(OPERATOR)
}

inline set_flags()
{
	WRITE_BARRIER(OPERATOR);
	heading = target;
	LOCK;
	if
	:: listed[PARENT] && LOAD(OPERATOR, STATE + PARENT) != target ->
		STORE(OPERATOR, FLAG + PARENT, 1)
	:: else
	fi;
	if
	:: listed[CHILD] && LOAD(OPERATOR, STATE + CHILD) != target ->
		STORE(OPERATOR, FLAG + CHILD, 1)
	:: else
	fi;
	UNLOCK(OPERATOR)
}

inline take_flags_back()
{
	heading = NOBODY;
	LOCK;
	if
	:: listed[PARENT] -> STORE(OPERATOR, FLAG + PARENT, 0)
	:: else
	fi;
	if
	:: listed[CHILD] -> STORE(OPERATOR, FLAG + CHILD, 0)
	:: else
	fi;
	UNLOCK(OPERATOR)
}

/* A look at a task that does not run: its lock is what it needs in order to go on. */
inline look(task)
{
	atomic {
		listed[task] && !no_preempt[task] && ALL_ARRIVED(OPERATOR) && ALL_ARRIVED(task) &&
			memory[STATE + task] != target && in_f[task] != old ->
		memory[FLAG + task] = 0;
		memory[STATE + task] = target
	}
}

#define ARRIVED(task)	(!listed[task] || LOAD(OPERATOR, STATE + task) == target)

/* RCU-tasks: everybody who is busy now sleeps, gets to user mode or is dead. */
inline grace()
{
#ifdef WITHOUT_TASKS_GRACE
	skip
#else
	atomic {
		busy[PARENT] = true;
		busy[CHILD] = runs[CHILD]
	};
	!busy[PARENT] && !busy[CHILD]
#endif
}

proctype operator()
{
	byte target, now = 0, next, old, turns, transitions;
	bool arrived;

	do
	:: transitions < 2 ->
		next = transitions + 1;
		old = now;
		select (target : 0 .. 1);
		set_states(1 - target);
		SYNC;
		STORE(OPERATOR, F + target, next);
		STORE(OPERATOR, TARGET, target);
		set_flags();
		do
		:: look(PARENT)
		:: look(CHILD)
		:: turns < 1 ->
			turns++;
			take_flags_back();
			SYNC;
			target = 1 - target;
			old = (old == now -> next : now);
			STORE(OPERATOR, TARGET, target);
			set_flags()
		:: LOCK;
			arrived = ARRIVED(PARENT) && ARRIVED(CHILD);
			if
			:: arrived -> everybody = target
			:: else
			fi;
			UNLOCK(OPERATOR);
			if
			:: arrived -> arrived = false; break
			:: else
			fi
		od;
		now = (old == now -> next : now);
		heading = NOBODY;
		STORE(OPERATOR, F + 1 - target, now);
		SYNC;
		STORE(OPERATOR, TARGET, IDLE);
		everybody = NOBODY;
		set_states(IDLE);
		grace();
		freed = old;
		transitions++;
		turns = 0
	:: else -> break
	od
}

/* A call: the world, by that the destination; on the way there. */
inline call(task)
{
	no_preempt[task]++;
	world = LOAD(task, STATE + task);
	atomic {
		in_f[task] = LOAD(task, F + WORLD(world));
		no_preempt[task]--;
		world = 0
	};
	assert(in_f[task] != freed)
}

inline return_from_it(task)
{
	atomic {
		assert(in_f[task] != freed);
		in_f[task] = NOBODY
	}
}

/* To user mode and back. Whoever has taken a flag goes where it was meant for. */
inline leave_kernel(task)
{
	no_preempt[task]++;
	if
	:: atomic { memory[FLAG + task] && ALL_ARRIVED(task) -> memory[FLAG + task] = 0 };
		goal = LOAD(task, TARGET);
		atomic {
			assert(heading == NOBODY || goal == heading);
			STORE(task, STATE + task, goal);
			goal = 0
		}
	:: !memory[FLAG + task]
	fi;
	atomic {
		no_preempt[task]--;
		busy[task] = false
	}
}

#ifdef WITHOUT_F_PREEMPT
#define STAY	skip
#define GO_ON	skip
#else
#define STAY	no_preempt[PARENT]++
#define GO_ON	no_preempt[PARENT]--
#endif

/* tasklist_lock does not keep the parent from being pushed aside when the kernel is PREEMPT_RT. */
inline copy_world()
{
	STAY;
	if
	:: LOAD(PARENT, FLAG + PARENT) -> STORE(PARENT, FLAG + CHILD, 1)
	:: else -> STORE(PARENT, FLAG + CHILD, 0)
	fi;
	STORE(PARENT, STATE + CHILD, LOAD(PARENT, STATE + PARENT));
	GO_ON
}

/* What is copied with the parent's task_struct is old by the time that the child is listed. */
inline fork()
{
	atomic {
		memory[FLAG + CHILD] = LOAD(PARENT, FLAG + PARENT);
		memory[STATE + CHILD] = LOAD(PARENT, STATE + PARENT)
	};
#ifdef WITHOUT_F_LOCK
	copy_world();
	LOCK;
#else
	LOCK;
#ifndef WITHOUT_F_COPY
	copy_world();
#endif
#endif
	atomic {
		/* By a pointer that is stored last. */
		ALL_ARRIVED(PARENT) ->
		listed[CHILD] = true
	};
	UNLOCK(PARENT);
	atomic {
		assert(everybody == NOBODY || memory[STATE + CHILD] == everybody);
		runs[CHILD] = true
	}
}

/* From the list, and then away. */
inline exit()
{
	LOCK;
	listed[CHILD] = false;
	UNLOCK(CHILD);
	if
	:: call(CHILD);
		return_from_it(CHILD)
	:: true
	fi;
	atomic {
		ALL_ARRIVED(CHILD) ->
		memory[FLAG + CHILD] = 0;
		memory[STATE + CHILD] = 0;
		busy[CHILD] = false;
		runs[CHILD] = false
	}
}

proctype parent()
{
	byte world, goal;

end:	do
	:: call(PARENT);
		if
		:: !runs[CHILD] -> fork()
		:: true
		fi;
		return_from_it(PARENT)
	:: leave_kernel(PARENT)
	:: !runs[CHILD] -> fork()
	od
}

proctype child()
{
	byte world, goal;

end:	do
	:: listed[CHILD] && runs[CHILD] ->
		if
		:: call(CHILD);
			return_from_it(CHILD)
		:: leave_kernel(CHILD)
		:: exit()
		fi
	od
}

init
{
	atomic {
		memory[STATE + PARENT] = IDLE;
		memory[TARGET] = IDLE;
		listed[PARENT] = true;
		runs[PARENT] = true;
		run arrivals(PARENT);
		run arrivals(CHILD);
		run arrivals(OPERATOR);
		run parent();
		run child();
		run operator()
	}
}
