/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How is the index of sites (index.c) searched?
 *
 * In the handler, without a call. Included by internal.h, behind klp_index.
 */
#ifndef _LIVEPATCH_INDEX_H
#define _LIVEPATCH_INDEX_H

#include <asm/barrier.h>
#include "types.h"

/* A site was here: searches go on. Not a key of any. */
#define KLP_INDEX_GONE		1UL

/* What a site is found by: the address that the call at its ftrace location returns to. */
static __always_inline unsigned long klp_index_key(unsigned long ip)
{
	return ip + MCOUNT_INSN_SIZE;
}

/*
 * Where the search for @key begins. Functions lie as far from each other as slots do, so that an
 * address is a good hash of itself; see klp_index_put() for when it is not.
 */
static __always_inline struct klp_slot *klp_index_home(struct klp_index *index, unsigned long key)
{
	return (void *)index->slots + (key & index->mask);
}

/*
 * Search for the slot with @key. Under klp_mutex, or with preemption off: an index that has been
 * replaced is freed after klp_sync(), and so is a site that has gone. The trampoline does the same
 * by hand, on an architecture that keeps loads in order.
 *
 * Keys are compared plainly, as gcc does not compare a volatile in memory. A race: a key that is
 * not this one may become another meanwhile that is not, either; see index.c.
 */
static __always_inline bool klp_index_search(unsigned long key, struct klp_slot **slot)
{
	*slot = klp_index_home(READ_ONCE(klp_index), key);

	/* The race. */
	while (unlikely(data_race((*slot)->key) != key)) {
		if (!READ_ONCE((*slot)->key))
			return false;
		(*slot)++;
	}
	/* I: the key before the site. */
	smp_acquire__after_ctrl_dep();
	return true;
}

/* The site at an ftrace location, NULL if there is none. Under klp_mutex. */
static inline struct klp_site *klp_index_find(unsigned long ip)
{
	struct klp_slot *slot;

	return klp_index_search(klp_index_key(ip), &slot) ? slot->site : NULL;
}

#endif /* _LIVEPATCH_INDEX_H */
