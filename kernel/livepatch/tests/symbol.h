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

#define KLP_KUNIT_SYMBOL(name, size)	name ": .skip " __stringify(size) "\n"

asm(".pushsection .data\n"
	KLP_KUNIT_SYMBOL("klp_kunit_body", KLP_KUNIT_BODY)
	KLP_KUNIT_SYMBOL("klp_kunit_else", KLP_KUNIT_COLD - KLP_KUNIT_BODY)
	KLP_KUNIT_SYMBOL("klp_kunit_body.cold", KLP_KUNIT_END - KLP_KUNIT_COLD)
	KLP_KUNIT_SYMBOL("klp_kunit_end", 16)
	".popsection");

extern char klp_kunit_body[];

#endif /* _LIVEPATCH_TESTS_SYMBOL_H */
