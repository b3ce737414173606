// SPDX-License-Identifier: GPL-2.0-or-later
/* Ordinary functions, each in front of a weak one, and one that looks ordinary. */
#include <linux/compiler.h>
#include "klpt_weak.h"

static int zero;

#define PAIR(n)							\
	klpt_func int klpt_f##n(void)				\
	{							\
		return READ_ONCE(zero);				\
	}							\
								\
	__weak klpt_func int klpt_g##n(void)			\
	{							\
		return READ_ONCE(zero) - 1;			\
	}

PAIR(1)
PAIR(2)
PAIR(3)
PAIR(4)
PAIR(5)
PAIR(6)
PAIR(7)
PAIR(8)

klpt_func int L0klpt_mute(void)
{
	return READ_ONCE(zero);
}
