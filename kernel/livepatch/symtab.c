// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which symbols does a module have?
 *
 * Those that a live module has, also while it is being loaded: a patch must mean the same whether
 * the module was there first or comes later, and what is in init memory is not there for long. The
 * module loader has laid that table out before the module can be patched, and uses another one
 * until the module's init function is done. In the table of a livepatch module everything stays;
 * here, it has no more than that of others.
 */
#include <linux/module.h>
#include <asm/sections.h>
#include "internal.h"

/**
 * klp_symtab_keeps() - does an address belong to memory that is not given back after init?
 * @mod: the module that the address is in, NULL for vmlinux
 * @addr: the address, as symbols have it
 *
 * Context: any; the module must not go away.
 * Return: true when it does.
 */
bool klp_symtab_keeps(const struct module *mod, unsigned long addr)
{
	void *p = (void *)addr;

	if (mod)
		return within_module_core(addr, mod) || klp_module_percpu(addr, mod);

	/* Per-CPU variables may be declared among what is for init only; they live elsewhere. */
	return !init_section_contains(p, 1) ||
	       (p >= (void *)__per_cpu_start && p < (void *)__per_cpu_end);
}

static bool klp_symtab_has(const struct module *mod, const Elf_Sym *sym, const char *name)
{
	if (sym->st_shndx == SHN_UNDEF)
		return false;
	if (!mod->klp)
		return true;
	return *name && sym->st_shndx < SHN_LORESERVE &&
	       klp_symtab_keeps(mod, kallsyms_symbol_value(sym));
}

/**
 * klp_symtab_next() - go through the symbols of a module
 * @mod: the module, coming or live
 * @at: place in the table, 0 to start
 * @name: out: name of the symbol, part of the module
 * @addr: out: its address
 *
 * Context: any; the module must not go away.
 * Return: false when there are no more.
 */
bool klp_symtab_next(const struct module *mod, unsigned int *at, const char **name,
		     unsigned long *addr)
{
	const struct mod_kallsyms *table = &mod->core_kallsyms;

	while (*at < table->num_symtab) {
		const Elf_Sym *sym = &table->symtab[(*at)++];

		*name = table->strtab + sym->st_name;
		if (!klp_symtab_has(mod, sym, *name))
			continue;
		*addr = kallsyms_symbol_value(sym);
		return true;
	}
	return false;
}
