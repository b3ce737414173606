/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is to be asked about modules that not every configuration or architecture can answer?
 */
#ifndef _LIVEPATCH_MODULES_H
#define _LIVEPATCH_MODULES_H

#include <linux/module.h>

/* May somebody have a reference to a module that goes? */
#ifdef CONFIG_MODULE_UNLOAD
#define klp_module_held(mod) (module_refcount(mod) > 0)
#else
#define klp_module_held(mod) ((void)(mod), true)
#endif

/* Does a symbol with this address stand for a per-CPU variable of the module? */
#ifdef CONFIG_SMP
static inline bool klp_module_percpu(unsigned long addr, const struct module *mod)
{
	return addr - (__force unsigned long)mod->percpu < mod->percpu_size;
}
#else
static inline bool klp_module_percpu(unsigned long addr, const struct module *mod)
{
	return false;
}
#endif

/* How many bytes does a relocation of this type write, at least? Where that is known, see there. */
#ifndef CONFIG_X86_64
static inline unsigned int klp_reloc_width(unsigned int type)
{
	return 1;
}
#endif

#endif /* _LIVEPATCH_MODULES_H */
