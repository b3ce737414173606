// SPDX-License-Identifier: GPL-2.0-or-later
/* The second function of the same name in one module. */

#include <linux/compiler.h>
#include "klpt_lib.h"
#include "klpt_target.h"

static int base = 20;

static klpt_func int klpt_dup(void)
{
	return READ_ONCE(base);
}

static int (*volatile second_dup)(void) = klpt_dup;

int klpt_call_second_dup(void)
{
	return second_dup();
}

/* In klpt_target_main.c there is one that is gone when the module is live. */
static klpt_func int klpt_mixed(void)
{
	return READ_ONCE(base);
}

int klpt_call_mixed(void)
{
	return klpt_mixed();
}
