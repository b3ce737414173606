/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A function with two names and two cold parts whose sizes are known, and one in front of it whose
 * cold part comes last, for code_kunit.c only. The compiler cannot be told to make them, so they
 * consist of symbols only, without code.
 */
#ifndef _LIVEPATCH_TESTS_CODE_H
#define _LIVEPATCH_TESTS_CODE_H

#include <linux/module.h>
#include <linux/stringify.h>

#define KLP_KUNIT_BODY	48	/* size of the body; something else follows it */
#define KLP_KUNIT_COLD	112	/* where the cold part begins */
#define KLP_KUNIT_END	128	/* where it ends */
#define KLP_KUNIT_OLD	144	/* where the other one begins, called as by GCC 8 after the alias */
#define KLP_KUNIT_LAST	160	/* where it ends, and that of the function in front begins */
#define KLP_KUNIT_FRONT	16	/* size of that function, and of its cold part */

#define KLP_KUNIT_SYMBOL(name, size)	name ": .skip " __stringify(size) "\n"

asm(".pushsection .data\n"
	KLP_KUNIT_SYMBOL("klp_kunit_front", KLP_KUNIT_FRONT)
	"klp_kunit_alias:\n"
	KLP_KUNIT_SYMBOL("klp_kunit_body", KLP_KUNIT_BODY)
	KLP_KUNIT_SYMBOL("klp_kunit_else", KLP_KUNIT_COLD - KLP_KUNIT_BODY)
	KLP_KUNIT_SYMBOL("klp_kunit_body.cold", KLP_KUNIT_END - KLP_KUNIT_COLD)
	KLP_KUNIT_SYMBOL("klp_kunit_end", KLP_KUNIT_OLD - KLP_KUNIT_END)
	KLP_KUNIT_SYMBOL("klp_kunit_alias.cold.7", KLP_KUNIT_LAST - KLP_KUNIT_OLD)
	KLP_KUNIT_SYMBOL("klp_kunit_front.cold", KLP_KUNIT_FRONT)
	KLP_KUNIT_SYMBOL("klp_kunit_last", 16)
	".popsection");

extern char klp_kunit_body[];

/* Where the per-CPU variables of a module are; where there is one CPU, modules have none. */
#ifdef CONFIG_SMP
static inline void klp_kunit_set_percpu(struct module *mod, unsigned long addr, unsigned int size)
{
	mod->percpu = (void __percpu __force *)addr;
	mod->percpu_size = size;
}
#else
static inline void klp_kunit_set_percpu(struct module *mod, unsigned long addr, unsigned int size)
{
}
#endif

#endif /* _LIVEPATCH_TESTS_CODE_H */
