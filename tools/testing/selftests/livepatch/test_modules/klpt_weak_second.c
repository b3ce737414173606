// SPDX-License-Identifier: GPL-2.0-or-later
/* The functions that are used instead of the weak ones. */
#include <linux/compiler.h>
#include "klpt_weak.h"

static int zero;

#define STRONG(n)						\
	klpt_func int klpt_g##n(void)				\
	{							\
		return READ_ONCE(zero);				\
	}

STRONG(1)
STRONG(2)
STRONG(3)
STRONG(4)
STRONG(5)
STRONG(6)
STRONG(7)
STRONG(8)
