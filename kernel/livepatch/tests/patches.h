/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests that need a list of patches of their own: guard(klp_patches)(saved) takes klp_mutex and
 * empties klp_patches; at the end of the scope the patches that were there before are back.
 *
 * Within, use KUNIT_EXPECT only: KUNIT_ASSERT ends the test without leaving the scope.
 */
#ifndef _LIVEPATCH_TESTS_PATCHES_H
#define _LIVEPATCH_TESTS_PATCHES_H

#include <linux/cleanup.h>
#include <linux/list.h>
#include "../internal.h"

static inline void klp_patches_borrow(struct list_head *saved)
{
	mutex_lock(&klp_mutex);
	INIT_LIST_HEAD(saved);
	list_splice_init(&klp_patches, saved);
}

static inline void klp_patches_return(struct list_head *saved)
{
	INIT_LIST_HEAD(&klp_patches);
	list_splice(saved, &klp_patches);
	mutex_unlock(&klp_mutex);
}

DEFINE_GUARD(klp_patches, struct list_head *, klp_patches_borrow(_T), klp_patches_return(_T))

#endif /* _LIVEPATCH_TESTS_PATCHES_H */
