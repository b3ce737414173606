/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * livepatch-version - what all versions of the series have in common
 *
 * Four versions of one cumulative patch. Each changes what /proc/version shows, and each needs
 * something that is not code:
 *
 *	version	  COUNT: the number of reads	READER: who read last	FILE: a file of its own
 *	1	  x
 *	2	  x
 *	3	  x				x
 *	4	  x						x
 *
 * These are system states. The callbacks in klp_patch.state_ops set up what a version brings, and
 * take down what the next one, newer or older, does not have. What both have is handed over: the
 * count goes on, whichever way one goes. See Documentation/livepatch/system-state.rst.
 */
#ifndef _LIVEPATCH_VERSION_H
#define _LIVEPATCH_VERSION_H

#include <linux/atomic.h>
#include <linux/init.h>
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

/* Never used for anything else, in any version to come. */
enum version_state {
	COUNT = 0x76657201,
	READER,
	FILE_OF_OWN,
};

/* The memory outlives the version that has allocated it, so nothing in it may point to code. */
static int count_pre_patch(struct klp_patch *patch, struct klp_state *state)
{
	state->data = kzalloc(sizeof(atomic_t), GFP_KERNEL);
	if (!state->data)
		return -ENOMEM;
	pr_info("pre_patch: the count begins\n");
	return 0;
}

/* Also called when enabling is reversed, or fails later on. */
static void count_post_unpatch(struct klp_patch *patch, struct klp_state *state)
{
	pr_info("post_unpatch: the count ends at %d\n", atomic_read(state->data));
	kfree(state->data);
	state->data = NULL;
}

#define COUNT_OPS							\
	{								\
		.id = COUNT,						\
		.pre_patch = count_pre_patch,				\
		.post_unpatch = count_post_unpatch,			\
	}

/* Before tasks change over the pointer is there: from pre_patch, or from the previous version. */
static inline int count_read(struct klp_patch *patch)
{
	return atomic_inc_return(klp_get_state(patch, COUNT)->data);
}

#endif /* _LIVEPATCH_VERSION_H */
