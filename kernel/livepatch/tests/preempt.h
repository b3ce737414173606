/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Does a call of a patched function look whether somebody waits for the CPU, when it has ended its
 * region with preemption off?
 */
#ifndef _LIVEPATCH_TESTS_PREEMPT_H
#define _LIVEPATCH_TESTS_PREEMPT_H

#include <kunit/test.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/thread_info.h>

#define PREEMPT_TRIES	100

/*
 * @call is made again and again, as if an interrupt in it had woken somebody more important. A
 * kernel that is not preempted must not give the CPU away there.
 */
static inline void preempt_expect_look(struct kunit *test, void (*call)(void *arg), void *arg)
{
	unsigned int expected = preempt_model_preemptible() ? 0 : PREEMPT_TRIES;
	unsigned int i, missed = 0;
	unsigned long flags;

	for (i = 0; i < PREEMPT_TRIES; i++) {
		local_irq_save(flags);
		set_tsk_need_resched(current);
		set_preempt_need_resched();
		local_irq_restore(flags);

		call(arg);
		missed += tif_need_resched();
		cond_resched();
		preempt_check_resched();
	}
	KUNIT_EXPECT_EQ(test, missed, expected);
}

#endif /* _LIVEPATCH_TESTS_PREEMPT_H */
