/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A function with a cold part whose sizes are known, for symbol_kunit.c, which alone may include
 * this. The compiler cannot be told to make one, so it consists of symbols only, without code.
 */
#ifndef _LIVEPATCH_TESTS_SYMBOL_H
#define _LIVEPATCH_TESTS_SYMBOL_H

#include <linux/stringify.h>

#define KLP_KUNIT_BODY	48	/* size of the body; something else follows it */
#define KLP_KUNIT_COLD	112	/* where the cold part begins */
#define KLP_KUNIT_END	128	/* where it ends */

asm(".pushsection .data\n"
    "klp_kunit_body: .skip " __stringify(KLP_KUNIT_BODY) "\n"
    "klp_kunit_else: .skip " __stringify(KLP_KUNIT_COLD - KLP_KUNIT_BODY) "\n"
    "klp_kunit_body.cold: .skip " __stringify(KLP_KUNIT_END - KLP_KUNIT_COLD) "\n"
    "klp_kunit_end: .skip 16\n"
    ".popsection");

extern char klp_kunit_body[];

#endif /* _LIVEPATCH_TESTS_SYMBOL_H */
