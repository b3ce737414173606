/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests that put sites of their own into the index. klp_mutex is held where something changes, not
 * by whole tests: another thread cleans up after them.
 */
#ifndef _LIVEPATCH_TESTS_INDEX_H
#define _LIVEPATCH_TESTS_INDEX_H

#include "../internal.h"

static inline int index_reserve(unsigned int nr)
{
	guard(mutex)(&klp_mutex);
	return klp_index_reserve(nr);
}

static inline int index_put(struct klp_site *site)
{
	guard(mutex)(&klp_mutex);
	return klp_index_add(site);
}

static inline void index_take(const struct klp_site *site)
{
	guard(mutex)(&klp_mutex);
	klp_index_remove(site);
}

static inline void index_trim(void)
{
	guard(mutex)(&klp_mutex);
	klp_index_trim();
}

/* For kunit_add_action(). */
static inline void index_remove(void *site)
{
	index_take(site);
	index_trim();
}

#endif /* _LIVEPATCH_TESTS_INDEX_H */
