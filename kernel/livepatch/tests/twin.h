/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A function whose name exists more than once: each file that includes this has its own
 * klp_twin(), for symbol_kunit.c to look for.
 */
#ifndef _LIVEPATCH_TESTS_TWIN_H
#define _LIVEPATCH_TESTS_TWIN_H

#include <linux/compiler.h>

/* Publishes the function's address, for those who cannot know it by name. */
struct klp_twin {
	void (*func)(void);
};

extern const struct klp_twin klp_twin_of_hook, klp_twin_of_site;

static noinline void klp_twin(void)
{
	barrier();
}

#endif /* _LIVEPATCH_TESTS_TWIN_H */
