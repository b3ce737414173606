// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * livepatch-shadow-fix1 - adds a member to a structure, as far as the patched code can see
 *
 * Limits the guesses at the safes of livepatch-shadow-mod: a shadow variable beside a struct safe
 * counts the wrong numbers in a row.  It appears with the first wrong number, so safes that existed
 * before the patch get one too, and it goes with the safe.
 *
 *	# insmod livepatch-shadow-mod.ko
 *	# echo add 1 4711 > /proc/livepatch_safes
 *	# insmod livepatch-shadow-fix1.ko
 *	# for pin in 1 2 3; do echo open 1 $pin > /proc/livepatch_safes; done
 *	bash: echo: write error: Permission denied		three times
 *	# echo open 1 4711 > /proc/livepatch_safes
 *	bash: echo: write error: Key has been revoked		the right number, but too late
 *
 * Disabling frees all counters, and guessing is unlimited again:
 *
 *	# echo 0 > /sys/kernel/livepatch/livepatch_shadow_fix1/enabled
 *	# echo open 1 4711 > /proc/livepatch_safes; echo $?
 *	0
 *
 * Or leave it enabled, with safe 1 locked, and go on with livepatch-shadow-fix2.c.
 */
#include <linux/init.h>
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "livepatch-shadow.h"

/*
 * While tasks are on their way from one world to the other, some of them free a safe with the
 * original safe_drop(), which leaves its counter behind; the address may then become another safe.
 * So counters are used only when everybody runs the new code.
 */
static bool counting;

/* The callers of the original hold the module's mutex: nobody else looks at this safe now. */
static int fix1_open(struct safe *safe, unsigned int pin)
{
	unsigned int *failures;

	if (!READ_ONCE(counting))
		return safe->pin == pin ? 0 : -EACCES;

	/* The safe may be older than the patch, or have its counter already: get or allocate. */
	failures = klp_shadow_get_or_alloc(safe, SAFE_FAILURES, sizeof(*failures), GFP_KERNEL,
					   NULL, NULL);
	if (!failures)
		return -ENOMEM;
	if (*failures >= SAFE_MAX_FAILURES)
		return -EKEYREVOKED;
	if (safe->pin != pin) {
		(*failures)++;
		return -EACCES;
	}

	klp_shadow_free(safe, SAFE_FAILURES, NULL);
	return 0;
}

/* What was attached to an object goes before the object. */
static void fix1_drop(struct safe *safe)
{
	klp_shadow_free(safe, SAFE_FAILURES, NULL);
	list_del(&safe->node);
	kfree(safe);
}

static void fix1_post_patch(struct klp_object *obj)
{
	WRITE_ONCE(counting, true);
}

static void fix1_pre_unpatch(struct klp_object *obj)
{
	WRITE_ONCE(counting, false);
}

/*
 * Runs when the fix has been disabled, and not when a cumulative patch has replaced it: that is how
 * the next fix finds the counters.
 */
static void fix1_post_unpatch(struct klp_object *obj)
{
	klp_shadow_free_all(SAFE_FAILURES, NULL);
}

static struct klp_func safe_funcs[] = {
	{ .old_name = "safe_open", .new_func = fix1_open },
	{ .old_name = "safe_drop", .new_func = fix1_drop },
	{ }
};

static struct klp_func no_funcs[] = {
	{ }
};

/*
 * The callbacks are about all safes there are, not about the coming and going of the module, so
 * they hang on vmlinux, which is always there.  An object may have callbacks and no functions.
 */
static struct klp_object fix1_objs[] = {
	{
		.name = "livepatch_shadow_mod",
		.funcs = safe_funcs,
	},
	{
		.funcs = no_funcs,
		.callbacks.post_patch = fix1_post_patch,
		.callbacks.pre_unpatch = fix1_pre_unpatch,
		.callbacks.post_unpatch = fix1_post_unpatch,
	},
	{ }
};

/* Tells the next fix what it has to take over, and keeps out one that would not. */
static struct klp_state fix1_states[] = {
	{ .id = SAFE_FAILURES, .version = 1 },
	{ }
};

static struct klp_patch fix1_patch = {
	.mod = THIS_MODULE,
	.objs = fix1_objs,
	.states = fix1_states,
	.replace = true,
};

static int __init fix1_init(void)
{
	return klp_enable_patch(&fix1_patch);
}

static void __exit fix1_exit(void)
{
}

module_init(fix1_init);
module_exit(fix1_exit);
MODULE_DESCRIPTION("Livepatch sample: a first fix with a shadow variable");
MODULE_LICENSE("GPL");
MODULE_INFO(livepatch, "Y");
