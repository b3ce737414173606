// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How does a livepatch module reach symbols that are not exported to it?
 *
 * Such a reference is a relocation in a section called .klp.rela.OBJECT.SECTION against a symbol
 * called .klp.sym.OBJECT.NAME,POSITION. Those of vmlinux are written while the livepatch module
 * is loaded, those of a module once that module is there, and are cleared when it goes, because
 * the architecture refuses to relocate a place that is not empty. Documentation/livepatch/
 * module-elf-format.rst has the format.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitmap.h>
#include <linux/elf.h>
#include <linux/moduleloader.h>
#include <linux/slab.h>
#include "internal.h"

/* Find the address of one livepatch symbol and note it in the module's symbol table. */
static int klp_reloc_resolve_symbol(struct module *pmod, Elf_Sym *sym, const char *text,
				    const char *sec_obj)
{
	struct klp_reloc_name *name __free(kfree) = kmalloc(sizeof(*name), GFP_KERNEL);
	struct klp_symbol want = {};
	struct module *mod = NULL;
	int ret;

	if (!name)
		return -ENOMEM;

	if (sym->st_shndx != SHN_LIVEPATCH) {
		pr_err("patch '%s': symbol '%s' in a livepatch relocation section is not a livepatch symbol\n",
		       pmod->name, text);
		return -EINVAL;
	}
	if (klp_reloc_parse(text, name)) {
		pr_err("patch '%s': malformed livepatch symbol '%s'\n", pmod->name, text);
		return -EINVAL;
	}

	if (strcmp(name->obj, "vmlinux")) {
		/* Nothing is taken: who is patched, or what it uses, cannot go meanwhile. */
		rcu_read_lock_sched();
		mod = find_module(name->obj);
		rcu_read_unlock_sched();
		if (!mod) {
			pr_err("patch '%s': symbol '%s' refers to module '%s', which is not loaded\n",
			       pmod->name, name->sym, name->obj);
			return -EINVAL;
		}
	} else if (strcmp(sec_obj, "vmlinux")) {
		/*
		 * Written late, it would be missed by what runs over the module's special
		 * sections while the module is loaded.
		 */
		pr_err("patch '%s': relocations for module '%s' must not refer to vmlinux symbol '%s'\n",
		       pmod->name, sec_obj, name->sym);
		return -EINVAL;
	}

	want.name = name->sym;
	want.pos = name->pos;
	ret = klp_symbols_locate(mod, &want, 1);
	if (!ret)
		ret = klp_symbol_check(&want, pmod->name, name->obj);
	if (!ret)
		sym->st_value = want.addr;
	return ret;
}

/* Every symbol that a section refers to, once each. */
static int klp_reloc_resolve(struct module *pmod, Elf_Shdr *sechdrs, const char *strtab,
			     unsigned int symndx, const Elf_Shdr *sec, const char *sec_obj)
{
	const Elf_Rela *rela = (const Elf_Rela *)sec->sh_addr;
	Elf_Sym *symtab = (Elf_Sym *)sechdrs[symndx].sh_addr;
	unsigned int nr_syms = sechdrs[symndx].sh_size / sizeof(*symtab);
	unsigned long *done __free(bitmap) = bitmap_zalloc(nr_syms, GFP_KERNEL);
	unsigned int i, ndx;
	int ret;

	if (!done)
		return -ENOMEM;

	for (i = 0; i < sec->sh_size / sizeof(*rela); i++) {
		ndx = ELF_R_SYM(rela[i].r_info);
		if (ndx >= nr_syms) {
			pr_err("patch '%s': livepatch relocation %u for '%s' has no symbol\n",
			       pmod->name, i, sec_obj);
			return -EINVAL;
		}
		if (__test_and_set_bit(ndx, done))
			continue;
		ret = klp_reloc_resolve_symbol(pmod, &symtab[ndx],
					       strtab + symtab[ndx].st_name, sec_obj);
		if (ret)
			return ret;
	}
	return 0;
}

/* Does a livepatch relocation section belong to the object? Negative: its name is malformed. */
static int klp_reloc_concerns(const struct module *pmod, const char *secname, const char *objname,
			      char *sec_obj)
{
	if (!str_has_prefix(secname, KLP_RELOC_SEC_PREFIX) ||
	    !klp_reloc_copy_obj(secname + strlen(KLP_RELOC_SEC_PREFIX), sec_obj)) {
		pr_err("patch '%s': malformed name of livepatch relocation section '%s'\n",
		       pmod->name, secname);
		return -EINVAL;
	}
	return !strcmp(objname ?: "vmlinux", sec_obj);
}

/**
 * klp_apply_section_relocs() - write one livepatch relocation section
 * @pmod: the livepatch module
 * @sechdrs: its section headers
 * @shstrtab: names of its sections
 * @strtab: names of its symbols
 * @symndx: index of its symbol table
 * @secndx: index of the relocation section
 * @objname: the object whose symbols are known by now, NULL for vmlinux
 *
 * Sections of other objects are left alone.
 *
 * Context: process context, may sleep; called by the module loader before the module's text is
 * sealed, and by klp_reloc_apply().
 * Return: 0, or a negative error after a message.
 */
int klp_apply_section_relocs(struct module *pmod, Elf_Shdr *sechdrs, const char *shstrtab,
			     const char *strtab, unsigned int symndx, unsigned int secndx,
			     const char *objname)
{
	const Elf_Shdr *sec = &sechdrs[secndx];
	char sec_obj[MODULE_NAME_LEN];
	int ret;

	ret = klp_reloc_concerns(pmod, shstrtab + sec->sh_name, objname, sec_obj);
	if (ret <= 0)
		return ret;

	ret = klp_reloc_resolve(pmod, sechdrs, strtab, symndx, sec, sec_obj);
	if (ret)
		return ret;
	return apply_relocate_add(sechdrs, strtab, symndx, secndx, pmod);
}

/**
 * clear_relocate_add() - empty the places that a relocation section has filled
 * @sechdrs: section headers of the module
 * @strtab: names of its symbols
 * @symindex: index of its symbol table
 * @relsec: index of the relocation section
 * @me: the module
 *
 * For architectures that do not mind relocating twice and so have nothing to clear.
 */
void __weak clear_relocate_add(Elf_Shdr *sechdrs, const char *strtab, unsigned int symindex,
			       unsigned int relsec, struct module *me)
{
}

static bool klp_reloc_next(const struct klp_modinfo *info, unsigned int *secndx)
{
	while (++*secndx < info->hdr.e_shnum) {
		if (info->sechdrs[*secndx].sh_flags & SHF_RELA_LIVEPATCH)
			return true;
	}
	return false;
}

/* Clear the sections that concern an object, up to section @end. */
static void klp_reloc_clear_until(struct module *pmod, const char *objname, unsigned int end)
{
	const struct klp_modinfo *info = pmod->klp_info;
	char sec_obj[MODULE_NAME_LEN];
	unsigned int secndx = 0;

	while (klp_reloc_next(info, &secndx) && secndx < end) {
		const char *secname = info->secstrings + info->sechdrs[secndx].sh_name;

		if (klp_reloc_concerns(pmod, secname, objname, sec_obj) > 0)
			clear_relocate_add(info->sechdrs, pmod->core_kallsyms.strtab,
					   info->symndx, secndx, pmod);
	}
}

/**
 * klp_reloc_apply() - write all relocations of a loaded livepatch module that concern a module
 * @pmod: the livepatch module
 * @objname: name of the module that is patched
 *
 * Context: process context, may sleep; klp_mutex held.
 * Return: 0, or a negative error after a message, upon which no section is left written.
 */
int klp_reloc_apply(struct module *pmod, const char *objname)
{
	const struct klp_modinfo *info = pmod->klp_info;
	unsigned int secndx = 0;
	int ret;

	while (klp_reloc_next(info, &secndx)) {
		ret = klp_apply_section_relocs(pmod, info->sechdrs, info->secstrings,
					       pmod->core_kallsyms.strtab, info->symndx, secndx,
					       objname);
		if (ret) {
			klp_reloc_clear_until(pmod, objname, secndx);
			return ret;
		}
	}
	return 0;
}

/**
 * klp_reloc_clear() - undo klp_reloc_apply()
 * @pmod: the livepatch module
 * @objname: name of the module that is patched
 *
 * Context: process context, may sleep; klp_mutex held.
 */
void klp_reloc_clear(struct module *pmod, const char *objname)
{
	klp_reloc_clear_until(pmod, objname, UINT_MAX);
}

/**
 * klp_find_section_by_name() - find a section of a livepatch module
 * @mod: the livepatch module
 * @name: name of the section
 * @sec_size: where to store its size in bytes, 0 when there is no such section
 *
 * Init sections can be found, and used, only until the module's init function has returned.
 *
 * Context: any; the module must be alive.
 * Return: the section's address, or NULL when @mod is no livepatch module or has no such section.
 */
void *klp_find_section_by_name(const struct module *mod, const char *name, size_t *sec_size)
{
	const struct klp_modinfo *info = mod->klp_info;
	unsigned int i;

	*sec_size = 0;
	if (!info)
		return NULL;

	for (i = 1; i < info->hdr.e_shnum; i++) {
		const Elf_Shdr *sec = &info->sechdrs[i];

		if (strcmp(info->secstrings + sec->sh_name, name))
			continue;
		*sec_size = sec->sh_size;
		return (void *)sec->sh_addr;
	}
	return NULL;
}
EXPORT_SYMBOL_GPL(klp_find_section_by_name);
