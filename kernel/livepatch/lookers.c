// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who looks at tasks, and who looks at those who do?
 *
 * At first it is whoever wants the transition: the loader of a patch, or the writer of a file in
 * sysfs. From then on two kernel threads take turns. Each stands in all the functions that looking
 * takes, and when one of these is to be left, it cannot move: but the other one, which is next,
 * finds it asleep, in klp_looker() and what sleeping takes, and nowhere else. The same holds for
 * what brings a look about, timers and interrupts: they run in other tasks, or in none.
 *
 * A work item would not do. The worker that runs it stands in functions of the workqueue, and when
 * it is alone, each round finds the same one there.
 */
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include "internal.h"

#define KLP_LOOKERS	2

/* The threads; constant once they are there. */
static struct task_struct *klp_lookers[KLP_LOOKERS];

/* What they do, in process context; constant. main.c supplies the function. */
static void (*klp_lookers_look)(void);

/* Protects what follows; taken with interrupts off, also by interrupts. */
static DEFINE_RAW_SPINLOCK(klp_lookers_lock);
/* Somebody is to look. */
static bool klp_lookers_due;
/* Whose turn it is. */
static unsigned int klp_lookers_turn;

static void klp_lookers_expired(struct timer_list *timer)
{
	klp_lookers_now();
}

static DEFINE_TIMER(klp_lookers_timer, klp_lookers_expired);

/**
 * klp_lookers_now() - have tasks looked at
 *
 * Context: any but NMI, and without a runqueue's or a task's pi_lock.
 */
void klp_lookers_now(void)
{
	unsigned int turn;

	scoped_guard(raw_spinlock_irqsave, &klp_lookers_lock) {
		klp_lookers_due = true;
		turn = klp_lookers_turn;
	}
	wake_up_process(klp_lookers[turn]);
}

/**
 * klp_lookers_after() - have tasks looked at later, instead of when it was asked for last
 * @pause: in jiffies
 *
 * Context: as for klp_lookers_now().
 */
void klp_lookers_after(unsigned long pause)
{
	mod_timer(&klp_lookers_timer, jiffies + pause);
}

/**
 * klp_lookers_rest() - there is nothing to look at any more
 *
 * Context: as for klp_lookers_now(). A look that has begun goes on.
 */
void klp_lookers_rest(void)
{
	timer_delete(&klp_lookers_timer);
	scoped_guard(raw_spinlock_irqsave, &klp_lookers_lock)
		klp_lookers_due = false;
}

/* Is it for number @me to look now? Then it is the other one's turn next. */
static bool klp_lookers_begin(unsigned int me)
{
	bool begin;

	scoped_guard(raw_spinlock_irqsave, &klp_lookers_lock) {
		begin = klp_lookers_due && klp_lookers_turn == me;
		if (begin) {
			klp_lookers_due = false;
			klp_lookers_turn = (me + 1) % KLP_LOOKERS;
		}
	}
	return begin;
}

/* Cannot be patched, since it is never left. */
static int notrace klp_looker(void *number)
{
	for (;;) {
		set_current_state(TASK_IDLE);
		if (klp_lookers_begin((unsigned long)number)) {
			__set_current_state(TASK_RUNNING);
			klp_lookers_look();
		} else {
			schedule();
		}
	}
	return 0;
}

/**
 * klp_lookers_init() - start the threads
 * @look: what they call when it is time
 *
 * Context: initcall.
 * Return: 0 or -ENOMEM.
 */
int __init klp_lookers_init(void (*look)(void))
{
	unsigned long i;

	klp_lookers_look = look;
	for (i = 0; i < KLP_LOOKERS; i++) {
		klp_lookers[i] = kthread_run(klp_looker, (void *)i, "klp_looker/%lu", i);
		if (IS_ERR(klp_lookers[i]))
			return PTR_ERR(klp_lookers[i]);
	}
	return 0;
}
