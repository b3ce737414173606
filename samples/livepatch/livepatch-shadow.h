/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What livepatch-shadow-mod and the fixes for it have to agree on. */
#ifndef LIVEPATCH_SHADOW_H
#define LIVEPATCH_SHADOW_H

#include <linux/list.h>
#include <linux/types.h>

/**
 * struct safe - a safe with a secret number
 * @node:   in the module's list of safes
 * @number: which safe this is
 * @pin:    what opens it
 *
 * There is no member for failed attempts, and none can be added while safes exist: their memory
 * was allocated with this size, and the original code knows nothing else.
 */
struct safe {
	struct list_head node;
	unsigned int number;
	unsigned int pin;
};

/*
 * The shadow variables of all fixes for this module, and the system states that say so: an id keeps
 * its meaning and its layout, so that a later fix can take over what an earlier one left.
 */
enum safe_shadow_id {
	SAFE_FAILURES	= 0x5afe0001,	/* unsigned int: wrong numbers in a row */
	SAFE_LOCKED_AT	= 0x5afe0002,	/* when the safe was locked, from fix 2 on */
	SAFE_GUESSES	= 0x5afe0003,	/* both at once, in livepatch-shadow-type */
};

#define SAFE_MAX_FAILURES	3

#endif /* LIVEPATCH_SHADOW_H */
